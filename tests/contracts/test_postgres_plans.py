"""How many pages PostgreSQL reads for a group, when it cannot clean up behind us."""

from pathlib import Path

import pytest

asyncpg = pytest.importorskip("asyncpg")

from scoreboard.adapters.postgres import PostgresLedger  # noqa: E402 - needs the driver
from tests.servers.postgres import PostgresServer  # noqa: E402

from .material import NOON, QUIZ, Clock, append, award, put  # noqa: E402

USERS = 20
VERSIONS = 150


def pages_read(server: PostgresServer, database: str) -> int:
    table = "FROM pg_statio_user_tables WHERE relname = 'scores'"
    return int(server.psql(f"SELECT heap_blks_hit + heap_blks_read {table}", database))


async def test_versions_that_a_long_transaction_keeps_are_not_read(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url, clock = postgres.database_of(tmp_path), Clock(NOON)
    database = url.rsplit("/", 1)[1].split("?")[0]
    users = [f"u{number}" for number in range(USERS)]

    async def group(name: str) -> None:
        ledger = await PostgresLedger.open(url, clock_ms=clock)
        await put(ledger, QUIZ)
        await append(ledger, clock, *(award(f"{name}-{user}", user) for user in users))
        await ledger.close()  # which tells the statistics

    await group("first")
    elsewhere, connection = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with elsewhere.transaction(isolation="repeatable_read"):
            await elsewhere.fetch("SELECT count(*) FROM scores")
            for _ in range(VERSIONS):
                await connection.execute("UPDATE scores SET seq = seq + 1")
            await connection.execute("ANALYZE scores")
            before = pages_read(postgres, database)
            await group("second")
            read = pages_read(postgres, database) - before
    finally:
        await elsewhere.close()
        await connection.close()
    assert USERS <= read < 10 * USERS
