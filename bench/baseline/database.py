"""The engines: on SQLite one connection that writes and a few that read, on PostgreSQL pools."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

DATABASE = Path(os.environ["BASELINE_DATA"]) / "baseline.db"
URL = os.environ.get("BASELINE_DATABASE_URL", "")
WRITERS, READERS = 16, 4
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=4000",
)


def _pool(connections: int, isolation: str) -> AsyncEngine:
    return create_async_engine(
        URL,
        pool_size=connections,
        max_overflow=0,
        pool_reset_on_return="rollback",
        isolation_level=isolation,
    )


def _engine(connections: int, isolation: str | None) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{DATABASE}",
        pool_size=connections,
        max_overflow=0,
        connect_args={"isolation_level": isolation, "cached_statements": 256},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    return engine


if URL:
    writer = _pool(WRITERS, "READ COMMITTED")
    reader = _pool(READERS, "AUTOCOMMIT")
else:
    writer = _engine(connections=1, isolation="IMMEDIATE")
    reader = _engine(connections=READERS, isolation=None)
