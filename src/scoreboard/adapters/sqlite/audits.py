"""What audits read and write in SQLite: activity by hour, sums, findings."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, connect, transaction
from scoreboard.adapters.sqlite.reader import at_once
from scoreboard.adapters.sqlite.writer import Writer
from scoreboard.core.activity import Activity, KeyActivity, Sighting
from scoreboard.core.finding import Finding, Irregularity, Noted
from scoreboard.core.window import Period
from scoreboard.errors import NotFound
from scoreboard.ports import ComparedSums, Difference, Dismissal, Head, Queue
from scoreboard.ports.findings import KEY_OPEN_MS, OPEN_PLACE
from scoreboard.ports.sums import DIFFERENCES_MAX

FORGOTTEN_AT_ONCE = 5_000
EVERY = 2**62


def sightings(db: sqlite3.Connection, after: int, limit: int) -> list[Sighting]:
    return db.execute(SQL["sightings"], {"after": after, "limit": limit}).fetchall()


def seq_before(db: sqlite3.Connection, at_ms: int) -> int:
    found: int = db.execute(SQL["seq_before"], {"at": at_ms}).fetchone()[0]
    return found


def newest_user(db: sqlite3.Connection, seq: int) -> int:
    found: int = db.execute(SQL["newest_user"], {"seq": seq}).fetchone()[0]
    return found


def put(writer: Writer, activities: Sequence[Activity], keys: Sequence[KeyActivity]) -> None:
    with transaction(writer.db):
        astuple = msgspec.structs.astuple
        writer.db.executemany(SQL["put_activity"], map(astuple, activities))
        writer.db.executemany(SQL["put_key_activity"], map(astuple, keys))


def activities(
    db: sqlite3.Connection, after: tuple[int, int], since_hour: int, limit: int
) -> list[Activity]:
    place = {"user_ref": after[0], "after": after[1], "since": since_hour, "limit": limit}
    return [Activity(*row) for row in db.execute(SQL["activities"], place).fetchall()]


def key_activities(db: sqlite3.Connection, since_hour: int) -> list[KeyActivity]:
    found = db.execute(SQL["key_activities"], {"since": since_hour}).fetchall()
    return [KeyActivity(*row) for row in found]


def forget(writer: Writer, before_hour: int) -> bool:
    """Leave some out; answers whether there may be more."""
    some = {"before": before_hour, "limit": FORGOTTEN_AT_ONCE}
    with transaction(writer.db):
        gone = writer.db.execute(SQL["forget_activities"], some).rowcount
        writer.db.execute(SQL["forget_key_activities"], {"before": before_hour})
    return gone == FORGOTTEN_AT_ONCE


def spans(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute(SQL["spans"]).fetchall()


def compare_apart(path: Path, board: str, period: Period) -> ComparedSums:
    """As ``compare``, with a connection of its own, so that nobody waits for it."""
    db = connect(path, readonly=True)
    try:
        return at_once(db, lambda db: compare(db, board, period))
    finally:
        db.close()


def compare(db: sqlite3.Connection, board: str, period: Period) -> ComparedSums:
    span = {"board": board, "period": period.name}
    postings = {
        "after": seq_before(db, period.start_ms),
        "upto": seq_before(db, period.end_ms),
        "limit": DIFFERENCES_MAX,
    }
    found = db.execute(SQL["unequal"], span | postings).fetchall()
    scores: int = db.execute(SQL["scores_there"], span).fetchone()[0]
    return ComparedSums(scores, tuple(Difference(board, period.name, *row) for row in found))


def note(writer: Writer, findings: Sequence[Finding]) -> list[Finding]:
    """Store what is not there yet."""
    with transaction(writer.db):
        head, _ = writer.head()
        return [finding for finding in findings if _noted(writer.db, finding, head)]


def _noted(db: sqlite3.Connection, finding: Finding, head: Head) -> bool:
    row = rows.finding_row(finding) | {"seq": head.seq, "at": head.at}
    return db.execute(SQL["note_finding"], row).fetchone() is not None


def dismiss(writer: Writer, dismissal: Dismissal) -> Noted:
    """Record that somebody has looked, and let it go."""
    with transaction(writer.db, committing=writer.before_commit):
        noted = _one(writer.db, dismissal.entry)
        if noted.is_open:
            entry = rows.dismissal_row(dismissal, noted.finding)
            writer.db.execute(SQL["add_audit"], entry | {"at": writer.now()})
        return _one(writer.db, dismissal.entry)


def _one(db: sqlite3.Connection, entry: int) -> Noted:
    found = listed(db, None, 1, entry)
    if not found:
        raise NotFound
    return found[0]


def listed(
    db: sqlite3.Connection, before: int | None, limit: int, entry: int | None = None
) -> list[Noted]:
    place = {
        "entry": entry,
        "open": OPEN_PLACE,
        "since": _open_since(db),
        "before": EVERY if before is None else before,
        "limit": limit,
    }
    return [rows.noted(row) for row in db.execute(SQL["findings"], place).fetchall()]


def review(db: sqlite3.Connection) -> Queue:
    held: int = db.execute(SQL["held"]).fetchone()[0]
    found = dict(db.execute(SQL["open_findings"], {"since": _open_since(db)}).fetchall())
    return Queue({kind: found.get(kind.value, 0) for kind in Irregularity}, held)


def _open_since(db: sqlite3.Connection) -> int:
    at: int = db.execute(SQL["head"]).fetchone()[2]
    return at - KEY_OPEN_MS
