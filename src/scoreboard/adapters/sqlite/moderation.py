"""What moderators do to the SQLite ledger, on the writer thread; and what is asked about it."""

import contextlib
import sqlite3
from collections.abc import Iterator

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import BUSY_MS, SQL, transaction
from scoreboard.adapters.sqlite.reader import NEVER_SEQ
from scoreboard.adapters.sqlite.writer import Writer, to_json
from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.core.user import (
    StatusRecord,
    User,
    commitment,
    moderated,
    record_subject,
    status_posting_id,
)
from scoreboard.errors import NotFound
from scoreboard.ports import AuditEntry, Moderation, StatusPage

Span = tuple[str, str]


def moderate(writer: Writer, moderation: Moderation) -> Posting | None:
    """Change a user's status, or erase the user."""
    if moderation.kind is Kind.ERASE:
        return _erase(writer, moderation)
    with transaction(writer.db, committing=writer.before_commit):
        known = known_user(writer.db, moderation.user_id)
        after = moderated(known.status, moderation.kind, moderation.only_from)
        if after is None:
            return None
        posting = _post(writer, moderation, known)
        writer.db.execute(SQL["set_status"], {"status": after, "user_ref": known.user_ref})
        records = (StatusRecord(known.status), StatusRecord(after))
        _record(writer, moderation, known, records)
    return posting


def forget_erased(writer: Writer, upto: int) -> None:
    """The names are needed no more."""
    if writer.db.execute(SQL["erasures"], {"after": 0, "upto": upto}).fetchone() is None:
        return
    with _leaving_no_trace(writer.db), transaction(writer.db, committing=writer.before_commit):
        writer.db.execute(SQL["forget_erased"], {"upto": upto})


def user(db: sqlite3.Connection, user_id: str) -> User | None:
    row = db.execute(SQL["user"], {"user_id": user_id}).fetchone()
    return None if row is None else rows.user(row)


def statuses(db: sqlite3.Connection, after: str | None, limit: int) -> StatusPage:
    epoch, seq, *_ = db.execute(SQL["head"]).fetchone()
    found = db.execute(SQL["statuses"], {"after": after or "", "limit": limit})
    return StatusPage(epoch, seq, tuple(map(rows.user, found)))


def in_order(
    db: sqlite3.Connection, span: Span, after: tuple[int, int] | None, limit: int
) -> list[Score]:
    key = after or (-(2**62), 0)
    found = db.execute(
        SQL["in_order"],
        {"board": span[0], "period": span[1], "score": -key[0], "seq": key[1], "limit": limit},
    )
    return [rows.score(row) for row in found]


def record_of(
    db: sqlite3.Connection, user_id: str, before: int | None, limit: int
) -> list[AuditEntry]:
    known = user(db, user_id)
    if known is None:
        return []
    parameters = {
        "user_id": user_id,
        "subject": record_subject(known.user_ref),
        "before": before or NEVER_SEQ,
        "limit": limit,
    }
    return [rows.audit_entry(row) for row in db.execute(SQL["record_of"], parameters)]


# --- one user


def known_user(db: sqlite3.Connection, user_id: str) -> User:
    found = user(db, user_id)
    if found is None:
        raise NotFound
    return found


def _erase(writer: Writer, moderation: Moderation) -> Posting:
    db = writer.db
    with _leaving_no_trace(db), transaction(db, committing=writer.before_commit):
        known = known_user(db, moderation.user_id)
        (salt,) = db.execute(SQL["salt_of"], {"user_ref": known.user_ref}).fetchone()
        posting = _post(writer, moderation, known)
        spans = _spans(db, known.user_id)
        db.execute(SQL["delete_scores"], {"spans": to_json(spans), "user_id": known.user_id})
        left = {"user_ref": known.user_ref, "commitment": commitment(salt, known.user_id)}
        db.execute(SQL["erase_user"], left)
        db.execute(SQL["add_erasure"], {"seq": posting.seq, "user_id": known.user_id})
        _record(writer, moderation, known, (StatusRecord(known.status), None))
    return posting


@contextlib.contextmanager
def _leaving_no_trace(db: sqlite3.Connection) -> Iterator[None]:
    """What is deleted meanwhile is overwritten, in the file and in its write-ahead log."""
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute("PRAGMA secure_delete = OFF")
        # A reader at work keeps the log for now: awards must not wait for it.
        db.execute("PRAGMA busy_timeout = 0")
        with contextlib.suppress(sqlite3.Error):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")


def _post(writer: Writer, moderation: Moderation, known: User) -> Posting:
    """The posting, and a mark on every top in which the user may stand."""
    head, _ = writer.head()
    posting = Posting(
        seq=head.seq + 1,
        epoch=head.epoch,
        award_id=status_posting_id(moderation.kind, head.seq + 1),
        kind=moderation.kind,
        board=DEFAULT_BOARD,
        at=writer.now(),
        counts_at=writer.now(),
        user_ref=known.user_ref,
        user_id=known.user_id,
        caller=moderation.caller,
    )
    columns = ("seq", "epoch", "award_id", "kind", "board", "user_ref", "at", "caller")
    written = {column: getattr(posting, column) for column in columns}
    writer.db.execute(SQL["add_status_posting"], written)
    writer.db.execute(SQL["move_head"], {"seq": posting.seq, "at": posting.at})
    writer.mark(_spans(writer.db, known.user_id), posting)
    return posting


def _spans(db: sqlite3.Connection, user_id: str) -> list[Span]:
    return db.execute(SQL["spans_of"], {"user_id": user_id}).fetchall()


def _record(
    writer: Writer,
    moderation: Moderation,
    known: User,
    records: tuple[StatusRecord, StatusRecord | None],
) -> None:
    before, after = records
    entry = {
        "at": writer.now(),
        "caller": moderation.caller,
        "operation": f"user.{moderation.kind}",
        "subject": record_subject(known.user_ref),
        "reason": moderation.reason,
        "before": to_json(before),
        "after": None if after is None else to_json(after),
    }
    writer.db.execute(SQL["add_audit"], entry)
