"""What PostgreSQL itself refuses, whoever asks."""

import asyncpg
import pytest

from scoreboard.adapters.postgres import PostgresLedger
from tests.contracts.material import Clock, append, award

ONE_MORE = (
    "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at) "
    "VALUES ({seq}, 1, '{award_id}', 'period', 'default', 0, 1)"
)
OF_NO_AWARD = (
    "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, reverses) "
    "VALUES (4, 1, 'r', 'reverse', 'default', -5, 1, 1)"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET points = 500 WHERE seq = 2",
        "UPDATE ledger SET award_id = 'b' WHERE seq = 2",
        "DELETE FROM ledger",
        "DELETE FROM ledger WHERE seq = 3",
        "TRUNCATE ledger",
        "SET session_replication_role = replica; DELETE FROM ledger",
        "SET session_replication_role = replica; " + ONE_MORE.format(seq=9, award_id="gap"),
        ONE_MORE.format(seq=4, award_id="a1"),
        ONE_MORE.format(seq=5, award_id="gap"),
        ONE_MORE.format(seq=0, award_id="early"),
        ONE_MORE.format(seq=-1, award_id="negative"),
        ONE_MORE.format(seq=4, award_id="x") + ", (6, 1, 'y', 'period', 'default', 0, 1)",
        ONE_MORE.format(seq=3, award_id="x") + " ON CONFLICT (seq) DO UPDATE SET points = 9",
        OF_NO_AWARD,
        "UPDATE audit SET reason = 'other'",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
async def test_the_database_itself_keeps_the_ledger_append_only(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection, statement: str
) -> None:
    await append(ledger, clock, award("a1"), award("a2"))
    before = await raw.fetch("SELECT * FROM ledger ORDER BY seq")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await raw.execute(statement)
    assert await raw.fetch("SELECT * FROM ledger ORDER BY seq") == before


async def test_one_award_is_reversed_at_most_once(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    await append(ledger, clock, award("a1"))
    reversal = (
        "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, reverses) "
        "VALUES ({}, 1, '{}', 'reverse', 'default', -5, 1, 2)"
    )
    await raw.execute(reversal.format(3, "r1"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await raw.execute(reversal.format(4, "r2"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', -9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', NULL, 1, 1, 1)",
        "INSERT INTO ledger_head VALUES (2, 1, 1, NULL)",
        "UPDATE users SET status = 'gone'",
        "INSERT INTO actions VALUES ('a', 9007199254740992, 'default', 0, 0, 0, 0, false)",
    ],
)
async def test_columns_refuse_what_is_not_theirs(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection, statement: str
) -> None:
    await append(ledger, clock, award("a1"))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await raw.execute(statement)
