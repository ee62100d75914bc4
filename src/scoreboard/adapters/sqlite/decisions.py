"""Reads of the SQLite ledger that lay decisions, postings and records side by side."""

import sqlite3

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL
from scoreboard.ports import Decided, Undone


def decided(db: sqlite3.Connection, after: int, limit: int) -> list[Decided]:
    found = db.execute(SQL["decided"], {"after": after, "limit": limit}).fetchall()
    return [rows.decided(row) for row in found]


def unrecorded_keys(db: sqlite3.Connection) -> list[str]:
    return [key for (key,) in db.execute(SQL["unrecorded_keys"])]


def undone(db: sqlite3.Connection) -> Undone:
    return Undone(*db.execute(SQL["undone"]).fetchone())
