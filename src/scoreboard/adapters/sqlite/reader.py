"""Reads of the SQLite ledger, each in one transaction on a reader thread of its own."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, named
from scoreboard.adapters.sqlite.writer import to_json
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import (
    TOP_SIZE,
    Beside,
    Order,
    Page,
    Row,
    Snapshot,
    Standing,
    around_in,
    own_standing_in,
    page_in,
    standing_in,
    top_in,
)
from scoreboard.errors import Unavailable
from scoreboard.ports import AuditEntry, Head, Key, Place

NEVER_SEQ = 2**63 - 1

T = TypeVar("T")


def at_once(db: sqlite3.Connection, read: Callable[[sqlite3.Connection], T]) -> T:
    """The answer of a read that sees the database as of one moment.

    Raises:
        Unavailable: the database cannot be read.
    """
    try:
        db.execute("BEGIN")
        try:
            return read(db)
        finally:
            db.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise Unavailable from error


class TableOrder:
    """A board's period as ``core.standing.Order``, straight from the index of ``scores``."""

    def __init__(self, db: sqlite3.Connection, board: str, period: str) -> None:
        self._db = db
        self._span = {"board": board, "period": period}

    def score(self, user_id: str) -> Score | None:
        found = self._scores("score", user_id=user_id)
        return found[0] if found else None

    def unseen_score(self, user_id: str) -> Score | None:
        """The score of a user who is not in the order, being not shown."""
        found = self._scores("unseen_score", user_id=user_id)
        return found[0] if found else None

    def before(self, key: Key) -> int:
        return self._count("count_before", score=-key[0], seq=key[1])

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        if key is None:
            return self._scores("first_scores", limit=limit)
        return self._scores("scores_after", score=-key[0], seq=key[1], limit=limit)

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        return self._scores("scores_before", score=-key[0], seq=key[1], limit=limit)[::-1]

    def total(self) -> int:
        return self._count("count_scores")

    def by_user(self, after: str | None, limit: int) -> Sequence[Score]:
        return self._scores("scores_by_user", after=after or "", limit=limit)

    def scores_of(self, user_ids: Sequence[str]) -> Sequence[Score]:
        return self._scores("scores_of", users=to_json(user_ids))

    def last(self) -> tuple[int, int] | None:
        """The seq and time of the newest change."""
        seq, at = self._db.execute(SQL["last_seq"], self._span).fetchone()
        return None if seq is None else (seq, at)

    def marked(self) -> tuple[int, int]:
        """What last changed the top without leaving a row in it; (0, 0) for nothing."""
        found = self._db.execute(SQL["marked"], self._span).fetchone()
        return tuple(found) if found else (0, 0)

    def _scores(self, statement: str, **parameters: int | str) -> list[Score]:
        found = self._db.execute(SQL[statement], self._span | parameters)
        return [rows.score(row) for row in found]

    def _count(self, statement: str, **parameters: int) -> int:
        count: int = self._db.execute(SQL[statement], self._span | parameters).fetchone()[0]
        return count


def head(db: sqlite3.Connection) -> Head:
    epoch, seq, at, _, _ = db.execute(SQL["head"]).fetchone()
    return Head(epoch, seq, at)


def snapshot(db: sqlite3.Connection, board: Board, period: str) -> Snapshot:
    order = TableOrder(db, board.board, period)
    top = order.after(None, TOP_SIZE)
    placed, end = top_in(order, board.tie)
    seq, at = max([order.marked(), *((score.seq, score.at) for score in top)])
    return Snapshot(board.board, period, head(db).epoch, seq, at, placed, end)


def page(db: sqlite3.Connection, board: Board, period: str, after: Key | None, limit: int) -> Page:
    order = TableOrder(db, board.board, period)
    placed, end = page_in(order, board.tie, after, limit)
    seq, at = max(order.marked(), order.last() or (0, 0))
    return Page(placed, head(db).epoch, seq, at, end)


def standing(
    db: sqlite3.Connection, board: Board, period: str, user_id: str, *, own: bool
) -> Standing:
    order = _seen_by(TableOrder(db, board.board, period), user_id, own=own)
    return standing_in(order, board.tie, user_id)


def own_standing(
    db: sqlite3.Connection, board: Board, period: str, user_id: str
) -> tuple[Place, Standing | None]:
    order = _seen_by(TableOrder(db, board.board, period), user_id, own=True)
    now = head(db)
    return (now.epoch, now.seq), own_standing_in(order, board.tie, user_id)


def around(
    db: sqlite3.Connection, where: tuple[Board, str], user_id: str, radius: int, *, own: bool
) -> tuple[Row, ...]:
    board, period = where
    order = _seen_by(TableOrder(db, board.board, period), user_id, own=own)
    return around_in(order, board.tie, user_id, radius)


def _seen_by(order: TableOrder, user_id: str, *, own: bool) -> Order:
    score = order.unseen_score(user_id) if own else None
    return order if score is None else Beside(order, score)


def postings(db: sqlite3.Connection, after: int, limit: int) -> list[Posting]:
    cursor = db.execute(SQL["postings"], {"after": after, "limit": limit})
    found = [rows.posting(named(cursor, row)) for row in cursor.fetchall()]
    if not any(posting.kind is Kind.ERASE for posting in found):
        return found
    bounds = {"after": after, "upto": found[-1].seq}
    return rows.named_erasures(found, dict(db.execute(SQL["erasures"], bounds).fetchall()))


def own_awards_since(db: sqlite3.Connection, at_ms: int) -> list[tuple[str, int]]:
    (before,) = db.execute(SQL["seq_before"], {"at": at_ms}).fetchone()
    return db.execute(SQL["own_awards"], {"after": before}).fetchall()


def postings_of(
    db: sqlite3.Connection, user_id: str, before: int | None, limit: int
) -> list[Posting]:
    cursor = db.execute(
        SQL["postings_of"], {"user_id": user_id, "before": before or NEVER_SEQ, "limit": limit}
    )
    return [rows.posting(named(cursor, row)) for row in cursor.fetchall()]


def posting(db: sqlite3.Connection, award_id: str) -> Posting | None:
    cursor = db.execute(SQL["known"], {"ids": to_json([award_id])})
    row = cursor.fetchone()
    return rows.posting(named(cursor, row)) if row else None


def audit(db: sqlite3.Connection, before: int | None, limit: int) -> list[AuditEntry]:
    found = db.execute(SQL["audit"], {"before": before or NEVER_SEQ, "limit": limit})
    return [rows.audit_entry(row) for row in found]
