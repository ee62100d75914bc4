"""Reads of the PostgreSQL ledger's postings: how scores came about, and how they stood."""

from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import reader
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.board import Board
from scoreboard.core.past import Account, ActionSum, Counted, standing_of
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import Standing
from scoreboard.core.window import Period
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import ACCOUNT_MAX, PAST_MAX

_SUMS = ("action_id", "awards", "reversed", "points", "first_at", "last_at")


async def account_of(connection: Connection, board: str, period: Period, user_id: str) -> Account:
    found = await connection.fetch(
        SQL["account"],
        board,
        period.name,
        user_id,
        ACCOUNT_MAX,
        period.start_ms,
        period.end_ms,
    )
    if not found:
        raise NotFound
    first = found[0]
    actions = tuple(
        ActionSum(*(row[name] for name in _SUMS)) for row in found if row["action_id"] is not None
    )
    score = Score(user_id, first["score"], first["seq"], first["updated_at"])
    return Account(first["epoch"], first["head_seq"], score, actions)


async def posting_at(connection: Connection, at_ms: int) -> Posting:
    seq = await _seq_before(connection, at_ms + 1)
    if seq == 0:
        raise NotFound
    return (await reader.postings(connection, seq - 1, 1))[0]


async def top_at(
    connection: Connection, board: Board, period: Period, seq: int, limit: int
) -> Sequence[Score]:
    asked = await _asked(connection, board, period, seq)
    return [rows.score(tuple(row)) for row in await connection.fetch(SQL["top_at"], *asked, limit)]


async def standing_at(
    connection: Connection, board: Board, period: Period, seq: int, user_id: str
) -> Standing:
    asked = await _asked(connection, board, period, seq)
    row = await connection.fetchrow(SQL["standing_at"], *asked, user_id)
    if row is None:
        raise NotFound
    found = tuple(row)
    return standing_of(Counted(Score(*found[:4]), *found[4:]), board.tie)


async def _asked(
    connection: Connection, board: Board, period: Period, seq: int
) -> tuple[str, int, int, int, int]:
    # Postings are never changed, so that two statements see one past.
    after = await _seq_before(connection, period.start_ms)
    if seq - after > PAST_MAX:
        raise Unavailable
    return board.board, after, seq, period.start_ms, period.end_ms


async def _seq_before(connection: Connection, at_ms: int) -> int:
    seq: int = await connection.fetchval("SELECT seq_before($1)", at_ms)
    return seq
