"""Who leads, and how far followers have come, in SQLite."""

import sqlite3

from scoreboard.adapters.sqlite.file import SQL, transaction
from scoreboard.adapters.sqlite.writer import Writer


def lead(writer: Writer, holder: str, lease_ms: int) -> int | None:
    """The term of the holder's lease, or None while another's has not run out."""
    with transaction(writer.db, committing=writer.before_commit):
        parameters = {"holder": holder, "lease": lease_ms, "now": writer.now()}
        row = writer.db.execute(SQL["lead"], parameters).fetchone()
    return row[0] if row else None


def resign(writer: Writer, holder: str) -> None:
    with transaction(writer.db, committing=writer.before_commit):
        writer.db.execute(SQL["resign"], {"holder": holder})


def bookmark(db: sqlite3.Connection, follower: str) -> int:
    row = db.execute(SQL["bookmark"], {"follower": follower}).fetchone()
    return row[0] if row else 0


def move_bookmark(writer: Writer, follower: str, seq: int) -> None:
    with transaction(writer.db, committing=writer.before_commit):
        writer.db.execute(SQL["move_bookmark"], {"follower": follower, "seq": seq})
