"""A whole PostgreSQL ledger read out at one moment, and written from nothing in one transaction."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import asyncpg
import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes, proof, reader
from scoreboard.adapters.postgres.connection import BROKEN, SQL, Connection, connect
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.history import (
    Count,
    Counts,
    Line,
    Origin,
    Person,
    Tally,
    ensure_same,
    restored_epoch,
)
from scoreboard.core.merkle import Run
from scoreboard.core.posting import Kind
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import period_named
from scoreboard.errors import HistoryRefused, Misconfigured, OutcomeUnknown, Unavailable
from scoreboard.ports import AuditEntry, Head, History, Part, Sealing

PAGE = 5_000
CONNECT_S = 10.0

# Whole tables are read here, with nobody waiting for the answer.
_UNHURRIED = """
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET enable_seqscan = on;
SET enable_hashjoin = on;
SET enable_mergejoin = on;
"""
_EMPTY = """
ALTER TABLE ledger DISABLE TRIGGER ledger_is_never_rewritten;
DELETE FROM ledger;
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_is_never_rewritten;
ALTER TABLE tiles DISABLE TRIGGER tiles_are_never_rewritten;
DELETE FROM tiles;
ALTER TABLE tiles ENABLE ALWAYS TRIGGER tiles_are_never_rewritten;
ALTER TABLE checkpoints DISABLE TRIGGER checkpoints_are_never_rewritten;
DELETE FROM checkpoints;
ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_are_never_rewritten;
DELETE FROM periods;
DELETE FROM bookmarks;
DELETE FROM boards;
DELETE FROM users;
"""
_TABLES: dict[type[Part], str] = {
    AuditEntry: "audit",
    Person: "users",
    Line: "ledger",
    Run: "tiles",
    Sealing: "checkpoints",
}
_USED = "This ledger has a history already: restore into a new database."


async def pages(url: str) -> History:
    """The ledger as one transaction sees it.

    Raises:
        Unavailable: the connection cannot be had, or was lost.
    """
    async with unhurried(url) as connection:
        try:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            async for page in _pages(connection):
                if page:
                    yield page
        except BROKEN as error:
            raise Unavailable from error


async def _pages(connection: Connection) -> History:
    head = await connection.fetchrow(SQL["head"])
    spans = await connection.fetch(SQL["spans"])
    counted = dict(await connection.fetch(SQL["counts"]))
    yield [
        Origin(
            epoch=head["epoch"],
            seq=head["seq"],
            at=head["at"],
            catalogue=head["catalogue"],
            counts=Counts(**counted, periods=len(spans), postings=head["seq"]),
        )
    ]
    yield [rows.board(row) for row in await connection.fetch(SQL["boards"])]
    yield [rows.action(row) for row in await connection.fetch(SQL["actions"])]
    yield [rows.signing_key(row) for row in await connection.fetch(SQL["keys"])]
    async for page in _keyed(connection, "audit_after", AuditEntry):
        yield page
    async for page in _keyed(connection, "people", Person):
        yield page
    yield [await _tally(connection, *span) for span in spans]
    lines = _keyed(connection, "lines", _line)
    async for page in proof.with_seals(connection, lines):
        yield page


async def _keyed(connection: Connection, statement: str, part: Any) -> History:
    # Their first column is their key.
    after = 0
    while found := await connection.fetch(SQL[statement], after, PAGE):
        yield [part(*row) for row in found]
        after = found[-1][0]


_KINDS = {kind.value: kind for kind in Kind}
"""Kind(...) takes longer than all else of a line."""


def _line(seq: int, epoch: int, award_id: str, kind: str, *rest: Any) -> Line:
    return Line(seq, epoch, award_id, _KINDS[kind], *rest)


async def _tally(connection: Connection, board: str, period: str) -> Tally:
    count = Count()
    after: str | None = None
    while scores := await reader.scores(connection, (board, period), after, PAGE):
        count.add(scores)
        after = scores[-1].user_id
    return count.tally(board, period, await reader.marked(connection, board, period))


async def restore(url: str, history: History) -> None:
    """Write a history in one transaction.

    Raises:
        HistoryRefused, Misconfigured, Unavailable: nothing changed.
        OutcomeUnknown: the commit's answer was lost.
    """
    async with unhurried(url) as connection:
        restoring = _Restoring(connection)
        with _translated():
            await restoring.begin()
        async for page in history:
            with _translated():
                await restoring.put(page)
        with _translated():
            await restoring.finish()
        try:
            await connection.execute("COMMIT")
        except BROKEN as error:
            raise OutcomeUnknown from error


class _Restoring:
    """What there is to do in the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._zones: dict[str, str] = {}
        self._tallies: list[Tally] = []
        self._origin: Origin | None = None
        self._own_epoch = 0

    async def begin(self) -> None:
        """Take out the first posting, unless there are others."""
        await self._connection.execute("BEGIN")
        head, catalogue = await notes.lock_head(self._connection, None)
        recorded = await self._connection.fetchval("SELECT EXISTS (SELECT FROM audit)")
        if head.seq != 1 or catalogue != 1 or recorded:
            raise HistoryRefused(_USED)
        self._own_epoch = head.epoch
        await self._connection.execute(_EMPTY)

    async def put(self, page: Sequence[Part]) -> None:
        """Write parts of one kind."""
        table = _TABLES.get(type(page[0]))
        if table is not None:
            await self._connection.copy_records_to_table(
                table,
                records=map(msgspec.structs.astuple, page),
                columns=page[0].__struct_fields__,
            )
            return
        for part in page:
            await self._put(part)

    async def finish(self) -> None:
        """Add up and compare."""
        origin = self._origin
        if origin is None:
            raise HistoryRefused("There is no history to restore.")
        await self._connection.execute("ANALYZE users, ledger")
        if await self._connection.fetchval(SQL["unknown_users"]):
            raise HistoryRefused("The history has postings of users that are not in it.")
        for tally in self._tallies:
            period = period_named(tally.period, self._zones[tally.board])
            after = await self._connection.fetchval("SELECT seq_before($1)", period.start_ms)
            upto = await self._connection.fetchval("SELECT seq_before($1)", period.end_ms)
            await self._execute("add_up", tally.board, tally.period, after, upto)
            ensure_same(tally, await _tally(self._connection, tally.board, tally.period))
        epoch = restored_epoch(origin.epoch, self._own_epoch)
        await self._execute("restore_head", epoch, origin.catalogue)
        await self._connection.execute(SQL["restore_sequences"])

    async def _put(self, part: Part) -> None:
        match part:
            case Origin():
                self._origin = part
            case Board():
                self._zones[part.board] = part.time_zone
                await self._execute("put_board", *rows.board_row(part).values())
            case Action():
                await self._execute("put_action", *rows.action_row(part).values())
            case SigningKey():
                await self._execute("put_key", *rows.signing_key_row(part).values())
            case Tally():
                self._tallies.append(part)
                if part.marked:
                    top = [part.board], [part.period]
                    await self._execute("mark", *top, part.marked, part.marked_at)

    async def _execute(self, statement: str, *parameters: Any) -> None:
        await self._connection.execute(SQL[statement], *parameters)


async def new_epoch(writer: Writer, caller: str, reason: str) -> Head:
    """Record the change and answer the head as it is now."""

    async def work(connection: Connection) -> Head:
        await connection.execute("BEGIN")
        now, _ = await notes.lock_head(connection, writer.clock())
        epoch = max(now.at, now.epoch + 1)
        with _owned():
            await connection.execute(SQL["new_epoch"], epoch)
        audit = ("epoch.new", "ledger", reason, str(now.epoch), str(epoch))
        await connection.execute(SQL["add_audit"], now.at, caller, *audit)
        await connection.execute(SQL["notify"], writer.node)
        head = await reader.head(connection)
        await connection.execute("COMMIT")
        return head

    return await writer.session.write(work)


@contextlib.asynccontextmanager
async def unhurried(url: str) -> AsyncIterator[Connection]:
    """A connection of one's own, on which a statement may take its time."""
    connection = await connect(url, CONNECT_S)
    try:
        with _translated():
            await connection.execute(_UNHURRIED)
        yield connection
    finally:
        # Whatever was not committed is rolled back by the server.
        connection.terminate()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        with _owned():
            yield
    except (
        asyncpg.IntegrityConstraintViolationError,
        asyncpg.DataError,
        OverflowError,
        ValueError,
    ) as error:
        raise HistoryRefused(
            "The history breaks a rule of the ledger (an award id twice, a number out of range, "
            f"text with a null character): {error}."
        ) from error
    except BROKEN as error:
        raise Unavailable from error


@contextlib.contextmanager
def _owned() -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"This database user may not do it ({error}): name the owner in LEDGER for this "
            "command."
        ) from error
