"""Reads of the PostgreSQL ledger for boards that are frozen."""

from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.window import Period

TURNS_STEP = 500_000
"""Over how many postings one statement looks, so that it ends within its time."""


async def scores_at(
    connection: Connection, where: tuple[str, Period], seq: int, after: str | None, limit: int
) -> Sequence[Score]:
    board, period = where
    span = period.start_ms, period.end_ms
    found = await connection.fetch(
        SQL["scores_at"], board, period.name, seq, after or "", limit, *span
    )
    return [rows.score(tuple(row)) for row in found]


async def turns(connection: Connection, after: int, upto: int) -> Sequence[Posting]:
    found: list[Posting] = []
    for first in range(after, upto, TURNS_STEP):
        bounds = first, min(first + TURNS_STEP, upto)
        found += map(rows.posting, await connection.fetch(SQL["turns"], *bounds))
    return found
