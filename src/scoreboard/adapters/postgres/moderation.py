"""What moderators do to the PostgreSQL ledger under the head's lock; and what is asked about it."""

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes, reader
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import NEVER
from scoreboard.core.user import (
    StatusRecord,
    User,
    commitment,
    moderated,
    record_subject,
    status_posting_id,
)
from scoreboard.errors import NotFound
from scoreboard.ports import AuditEntry, Head, Key, Moderation, StatusPage

WRITE_S = 10.0
"""How long a moderation may take, of a user who has scores in very many periods."""

UNHURRIED = f"SET LOCAL statement_timeout = {int(WRITE_S * 1000)}"

Span = tuple[str, str]


async def moderate(writer: Writer, moderation: Moderation) -> Posting | None:
    """Change a user's status, or erase the user."""

    async def work(connection: Connection) -> Posting | None:
        await connection.execute("BEGIN")
        await connection.execute(UNHURRIED)
        head, _ = await notes.lock_head(connection, writer.clock())
        known = await known_user(connection, moderation.user_id)
        if moderation.kind is Kind.ERASE:
            posting = await _erase(connection, moderation, known, head)
        else:
            after = moderated(known.status, moderation.kind, moderation.only_from)
            if after is None:
                await connection.execute("ROLLBACK")
                return None
            posting = await _post(connection, moderation, known, head)
            await connection.execute(SQL["set_status"], known.user_ref, after.value)
            await _record(connection, moderation, known, (posting, StatusRecord(after)))
        await connection.execute(SQL["notify"], writer.node)
        await connection.execute("COMMIT")
        return posting

    return await writer.session.write(work, WRITE_S)


async def user(connection: Connection, user_id: str) -> User | None:
    row = await connection.fetchrow(SQL["user"], user_id)
    return None if row is None else rows.user(row)


async def known_user(connection: Connection, user_id: str) -> User:
    """A user of the ledger.

    Raises:
        NotFound: it does not know one of this id.
    """
    found = await user(connection, user_id)
    if found is None:
        raise NotFound
    return found


async def statuses(connection: Connection, after: str | None, limit: int) -> StatusPage:
    found = await connection.fetch(SQL["statuses"], after or "", limit)
    users = tuple(
        rows.user((row["user_ref"], row["user_id"], row["status"]))
        for row in found
        if row["user_id"] is not None
    )
    return StatusPage(found[0]["epoch"], found[0]["seq"], users)


async def in_order(
    connection: Connection, span: Span, after: Key | None, limit: int
) -> list[Score]:
    start = after or reader.FIRST
    found = await connection.fetch(SQL["in_order"], *span, -start[0], start[1], limit)
    return [rows.score(tuple(row)) for row in found]


async def record_of(
    connection: Connection, user_id: str, before: int | None, limit: int
) -> list[AuditEntry]:
    known = await user(connection, user_id)
    if known is None:
        return []
    subject = record_subject(known.user_ref)
    found = await connection.fetch(SQL["record_of"], user_id, subject, before or NEVER, limit)
    return [rows.audit_entry(tuple(row)) for row in found]


# --- under the lock


async def _erase(
    connection: Connection, moderation: Moderation, known: User, head: Head
) -> Posting:
    salt = await connection.fetchval(SQL["salt_of"], known.user_ref)
    spans = await _spans(connection, known.user_id)
    posting = await _post(connection, moderation, known, head)
    boards, periods = [board for board, _ in spans], [period for _, period in spans]
    await connection.execute(SQL["delete_scores"], known.user_id, boards, periods)
    left = commitment(salt, known.user_id)
    await connection.execute(SQL["erase_user"], known.user_ref, left)
    await connection.execute(SQL["add_erasure"], posting.seq, known.user_id)
    await _record(connection, moderation, known, (posting, None))
    return posting


async def _post(connection: Connection, moderation: Moderation, known: User, head: Head) -> Posting:
    """The posting, and a mark on every top in which the user may stand."""
    award_id = status_posting_id(moderation.kind, head.seq + 1)
    posting = msgspec.structs.replace(
        notes.note(head, moderation.kind, DEFAULT_BOARD, award_id, caller=moderation.caller),
        user_ref=known.user_ref,
        user_id=known.user_id,
    )
    await connection.execute(
        SQL["add_status_posting"],
        posting.seq,
        posting.epoch,
        posting.award_id,
        posting.kind.value,
        posting.board,
        posting.user_ref,
        posting.at,
        posting.caller,
    )
    await notes.mark(connection, await _spans(connection, known.user_id), posting)
    return posting


async def _spans(connection: Connection, user_id: str) -> list[Span]:
    return [tuple(row) for row in await connection.fetch(SQL["spans_of"], user_id)]


async def _record(
    connection: Connection,
    moderation: Moderation,
    known: User,
    done: tuple[Posting, StatusRecord | None],
) -> None:
    posting, after = done
    await connection.execute(
        SQL["add_audit"],
        posting.at,
        moderation.caller,
        f"user.{moderation.kind}",
        record_subject(known.user_ref),
        moderation.reason,
        rows.to_json(StatusRecord(known.status)),
        None if after is None else rows.to_json(after),
    )
