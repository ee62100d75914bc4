"""Reads of the SQLite ledger for boards that are frozen."""

import sqlite3
from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, named
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.window import Period


def scores_at(
    db: sqlite3.Connection, where: tuple[str, Period], seq: int, after: str | None, limit: int
) -> Sequence[Score]:
    board, period = where
    asked = {
        "board": board,
        "period": period.name,
        "seq": seq,
        "after": after or "",
        "limit": limit,
        "start": period.start_ms,
        "end": period.end_ms,
    }
    return [rows.score(row) for row in db.execute(SQL["scores_at"], asked)]


def turns(db: sqlite3.Connection, after: int, upto: int) -> Sequence[Posting]:
    cursor = db.execute(SQL["turns"], {"after": after, "upto": upto})
    return [rows.posting(named(cursor, row)) for row in cursor.fetchall()]
