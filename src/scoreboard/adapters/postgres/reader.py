"""Reads of the PostgreSQL ledger: each answer comes from one statement, so from one moment."""

from collections.abc import Mapping, Sequence

import asyncpg

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import (
    NEVER,
    TOP_SIZE,
    Page,
    Row,
    Snapshot,
    Standing,
    around_in,
    page_in,
    standing_in,
    top_in,
)
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import COUNT_MAX, AuditEntry, Head, Key, Place

FIRST: Key = (-(2**62), 0)
"""Stands before every score's key."""


class FetchedOrder:
    """What was read of a board's period, as ``core.standing.Order``.

    ``scores`` are neighbours in order; ``ahead`` is how many stand before some of them, by key;
    ``above`` is how many are greater than a score.
    """

    def __init__(
        self,
        scores: Sequence[Score],
        ahead: Mapping[Key, int],
        above: Mapping[int, int],
        total: int = 0,
    ) -> None:
        if max([0, *ahead.values(), *above.values()]) > COUNT_MAX:
            raise Unavailable
        self._scores = scores
        self._ahead = ahead
        self._above = above
        self._total = total

    def score(self, user_id: str) -> Score | None:
        return next((score for score in self._scores if score.user_id == user_id), None)

    def before(self, key: Key) -> int:
        # Seqs begin at 1: 0 stands before everybody with a score, and NEVER after them.
        score, seq = -key[0], key[1]
        if seq == NEVER:
            return self._above[score - 1]
        return self._above[score] if seq == 0 else self._ahead[key]

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        return [score for score in self._scores if key is None or score.key() > key][:limit]

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        return [score for score in self._scores if score.key() < key][-limit:] if limit else []

    def total(self) -> int:
        return self._total


async def head(connection: Connection) -> Head:
    row = await connection.fetchrow(SQL["head"])
    return Head(row["epoch"], row["seq"], row["at"])


async def snapshot(connection: Connection, board: Board, period: str) -> Snapshot:
    found = await connection.fetch(SQL["snapshot"], board.board, period, TOP_SIZE + 1)
    order = _order_from_the_first(found)
    placed, end = top_in(order, board.tie)
    top = order.after(None, TOP_SIZE)
    seq, at = max([_marked(found[0]), *((score.seq, score.at) for score in top)])
    return Snapshot(board.board, period, found[0]["epoch"], seq, at, placed, end)


def _order_from_the_first(found: Sequence[asyncpg.Record]) -> FetchedOrder:
    scores = _scores(found)
    if not scores:
        return FetchedOrder([], {}, {})
    return FetchedOrder(scores, {scores[0].key(): 0}, {scores[0].score: 0})


async def page(
    connection: Connection, board: Board, period: str, after: Key | None, limit: int
) -> Page:
    start = after or FIRST
    found = await connection.fetch(
        SQL["page"], board.board, period, -start[0], start[1], limit + 1, COUNT_MAX + 1
    )
    scores, first = _scores(found), found[0]
    ahead = {scores[0].key(): first["ahead"]} if scores else {}
    above = {scores[0].score: first["above"]} if scores else {}
    order = FetchedOrder(scores, ahead, above)
    placed, end = page_in(order, board.tie, None, limit)
    seq, at = max(_marked(first), (first["last_seq"] or 0, first["last_at"] or 0))
    return Page(placed, first["epoch"], seq, at, end)


async def standing(
    connection: Connection, board: Board, period: str, user_id: str, *, own: bool
) -> Standing:
    row = await connection.fetchrow(SQL["standing"], *_asked(board, period, user_id, own=own))
    if row is None:
        raise NotFound
    return _standing(row, board.tie)


async def own_standing(
    connection: Connection, board: Board, period: str, user_id: str
) -> tuple[Place, Standing | None]:
    row = await connection.fetchrow(SQL["own_standing"], *_asked(board, period, user_id, own=True))
    place = row["head_epoch"], row["head_seq"]
    return place, None if row["user_id"] is None else _standing(row, board.tie)


def _asked(board: Board, period: str, user_id: str, *, own: bool) -> tuple[object, ...]:
    to_the_first = board.tie is Tie.FIRST_REACHED
    return board.board, period, user_id, to_the_first, COUNT_MAX + 1, own


def _standing(row: asyncpg.Record, tie: Tie) -> Standing:
    score = _score(row)
    ahead = {score.key(): row["above"] + row["equals"]}
    above = {score.score: row["above"]}
    scores = [score]
    if row["rival_user"] is not None:
        columns = ("rival_user", "rival_score", "rival_seq", "rival_at")
        rival = Score(*(row[name] for name in columns))
        scores.insert(0, rival)
        above[rival.score] = row["rival_above"]
    order = FetchedOrder(scores, ahead, above, row["total"])
    return standing_in(order, tie, score.user_id)


async def around(
    connection: Connection, where: tuple[Board, str], user_id: str, radius: int, *, own: bool
) -> tuple[Row, ...]:
    board, period = where
    found = await connection.fetch(
        SQL["around"], board.board, period, user_id, radius, COUNT_MAX + 1, own
    )
    if not found:
        raise NotFound
    scores, first = _scores(found), found[0]
    ahead = {scores[0].key(): first["above"] + first["equals"]}
    order = FetchedOrder(scores, ahead, {scores[0].score: first["above"]})
    return around_in(order, board.tie, user_id, radius)


async def total(connection: Connection, board: str, period: str) -> int:
    count: int = await connection.fetchval(SQL["count_scores"], board, period)
    return count


async def scores(
    connection: Connection, span: tuple[str, str], after: str | None, limit: int
) -> list[Score]:
    return _scores(await connection.fetch(SQL["scores_by_user"], *span, after or "", limit))


async def scores_of(
    connection: Connection, span: tuple[str, str], user_ids: Sequence[str]
) -> list[Score]:
    return _scores(await connection.fetch(SQL["scores_of"], *span, list(dict.fromkeys(user_ids))))


async def marked(connection: Connection, board: str, period: str) -> tuple[int, int]:
    """What last changed the top without leaving a row in it; (0, 0) for nothing."""
    found = await connection.fetchrow(SQL["marked"], board, period)
    return _marked(found) if found else (0, 0)


async def postings(connection: Connection, after: int, limit: int) -> list[Posting]:
    found = [rows.posting(row) for row in await connection.fetch(SQL["postings"], after, limit)]
    if not any(posting.kind is Kind.ERASE for posting in found):
        return found
    names = dict(await connection.fetch(SQL["erasures"], after, found[-1].seq))
    return rows.named_erasures(found, names)


async def own_awards_since(connection: Connection, at_ms: int) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in await connection.fetch(SQL["own_awards"], at_ms)]


async def postings_of(
    connection: Connection, user_id: str, before: int | None, limit: int
) -> list[Posting]:
    found = await connection.fetch(SQL["postings_of"], user_id, before or NEVER, limit)
    return [rows.posting(row) for row in found]


async def posting(connection: Connection, award_id: str) -> Posting | None:
    row = await connection.fetchrow(SQL["known"], [award_id])
    return rows.posting(row) if row else None


async def audit(connection: Connection, before: int | None, limit: int) -> list[AuditEntry]:
    found = await connection.fetch(SQL["audit"], before or NEVER, limit)
    return [rows.audit_entry(tuple(row)) for row in found]


def _score(row: asyncpg.Record) -> Score:
    return Score(row["user_id"], row["score"], row["seq"], row["updated_at"])


def _scores(found: Sequence[asyncpg.Record]) -> list[Score]:
    return [_score(row) for row in found if row["user_id"] is not None]


def _marked(row: asyncpg.Record) -> tuple[int, int]:
    return row["marked"] or 0, row["marked_at"] or 0
