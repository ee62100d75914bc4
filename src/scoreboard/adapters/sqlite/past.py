"""Reads of the SQLite ledger's postings: how scores came about, and how they stood."""

import sqlite3
from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite import reader
from scoreboard.adapters.sqlite.file import SQL
from scoreboard.core.board import Board
from scoreboard.core.past import Account, ActionSum, Counted, standing_of
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import Standing
from scoreboard.core.window import Period
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import ACCOUNT_MAX, PAST_MAX


def account_of(db: sqlite3.Connection, board: str, period: Period, user_id: str) -> Account:
    order = reader.TableOrder(db, board, period.name)
    score = order.score(user_id) or order.unseen_score(user_id)
    if score is None:
        raise NotFound
    asked = {
        "user_id": user_id,
        "board": board,
        "start": period.start_ms,
        "end": period.end_ms,
        "limit": ACCOUNT_MAX,
    }
    actions = tuple(ActionSum(*row) for row in db.execute(SQL["account"], asked))
    head = reader.head(db)
    return Account(head.epoch, head.seq, score, actions)


def posting_at(db: sqlite3.Connection, at_ms: int) -> Posting:
    seq = _seq_before(db, at_ms + 1)
    if seq == 0:
        raise NotFound
    return reader.postings(db, seq - 1, 1)[0]


def top_at(
    db: sqlite3.Connection, board: Board, period: Period, seq: int, limit: int
) -> Sequence[Score]:
    asked = _asked(db, board, period, seq) | {"limit": limit}
    return [rows.score(row) for row in db.execute(SQL["top_at"], asked)]


def standing_at(
    db: sqlite3.Connection, board: Board, period: Period, seq: int, user_id: str
) -> Standing:
    asked = _asked(db, board, period, seq) | {"user_id": user_id}
    row = db.execute(SQL["standing_at"], asked).fetchone()
    if row is None:
        raise NotFound
    return standing_of(Counted(Score(*row[:4]), *row[4:]), board.tie)


def _asked(db: sqlite3.Connection, board: Board, period: Period, seq: int) -> dict[str, int | str]:
    after = _seq_before(db, period.start_ms)
    if seq - after > PAST_MAX:
        raise Unavailable
    return {
        "board": board.board,
        "after": after,
        "upto": seq,
        "start": period.start_ms,
        "end": period.end_ms,
    }


def _seq_before(db: sqlite3.Connection, at_ms: int) -> int:
    seq: int = db.execute(SQL["seq_before"], {"at": at_ms}).fetchone()[0]
    return seq
