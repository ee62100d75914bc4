"""Whoever gets at the database past the service."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.servers.postgres import PostgresServer


class Superuser:
    """Somebody who may do anything to the database, and drops the triggers first."""

    def __init__(self, home: Path, server: PostgresServer | None) -> None:
        self._home, self._server = home, server

    async def does(self, *statements: str) -> None:
        if self._server is None:
            with closing(sqlite3.connect(self._home / "scoreboard.db")) as db, db:
                found = db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
                for (name,) in found.fetchall():
                    db.execute(f"DROP TRIGGER {name}")
                for statement in statements:
                    db.execute(statement)
            return
        import asyncpg  # noqa: PLC0415 - it may be missing

        connection: Any = await asyncpg.connect(self._server.database_of(self._home))
        try:
            for table in ("ledger", "tiles", "checkpoints", "users", "audit", "signing_keys"):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
