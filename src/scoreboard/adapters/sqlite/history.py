"""A whole SQLite ledger read out at one moment, and written from nothing in one transaction."""

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite import proof
from scoreboard.adapters.sqlite.file import SQL, connect, transaction
from scoreboard.adapters.sqlite.reader import TableOrder
from scoreboard.adapters.sqlite.writer import Writer
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
from scoreboard.errors import HistoryRefused, Unavailable
from scoreboard.ports import AuditEntry, Head, Part, Sealing

PAGE = 5_000
EMPTIED = ("checkpoints", "tiles", "ledger", "periods", "bookmarks", "boards", "users")
KEEPERS = """
SELECT name, sql FROM sqlite_schema
WHERE name IN (
    'ledger_is_never_deleted', 'tiles_are_never_deleted', 'checkpoints_are_never_deleted'
)
"""

_USED = "This ledger has a history already: restore into a new database."


def pages(path: Path) -> Generator[Sequence[Part], None, None]:
    """The ledger in one read transaction; it may be iterated from several threads in turn.

    Raises:
        Unavailable: the database cannot be read.
    """
    db = connect(path, readonly=True)
    try:
        db.execute("BEGIN")
        yield from filter(None, _pages(db))
    except sqlite3.Error as error:
        raise Unavailable from error
    finally:
        db.close()


def _pages(db: sqlite3.Connection) -> Iterator[Sequence[Part]]:
    epoch, seq, at, catalogue, _ = db.execute(SQL["head"]).fetchone()
    spans = db.execute(SQL["spans"]).fetchall()
    counted = dict(db.execute(SQL["counts"]).fetchall())
    counts = Counts(**counted, periods=len(spans), postings=seq)
    yield [Origin(epoch=epoch, seq=seq, at=at, catalogue=catalogue, counts=counts)]
    yield [rows.board(row) for row in db.execute(SQL["boards"])]
    yield [rows.action(row) for row in db.execute(SQL["actions"])]
    yield [rows.signing_key(row) for row in db.execute(SQL["keys"])]
    yield from _keyed(db, "audit_after", AuditEntry)
    yield from _keyed(db, "people", Person)
    yield [_tally(db, *span) for span in spans]
    yield from proof.with_seals(db, _keyed(db, "lines", _line))


def _keyed(db: sqlite3.Connection, statement: str, part: Any) -> Iterator[Sequence[Part]]:
    # Their first column is their key.
    after = 0
    while found := db.execute(SQL[statement], {"after": after, "limit": PAGE}).fetchall():
        yield [part(*row) for row in found]
        after = found[-1][0]


_KINDS = {kind.value: kind for kind in Kind}
"""Kind(...) takes longer than all else of a line."""


def _line(seq: int, epoch: int, award_id: str, kind: str, *rest: Any) -> Line:
    return Line(seq, epoch, award_id, _KINDS[kind], *rest)


def _tally(db: sqlite3.Connection, board: str, period: str) -> Tally:
    order, count = TableOrder(db, board, period), Count()
    after: str | None = None
    while scores := order.by_user(after, PAGE):
        count.add(scores)
        after = scores[-1].user_id
    return count.tally(board, period, order.marked())


class Restoring:
    """One transaction over several calls on the writer thread; ended by finish or abandon."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._db = writer.db
        self._open = contextlib.ExitStack()
        self._zones: dict[str, str] = {}
        self._tallies: list[Tally] = []
        self._origin: Origin | None = None
        self._own_epoch = 0

    def begin(self) -> None:
        """Take out the first posting, unless there are others."""
        self._open.enter_context(
            transaction(self._db, committing=self._writer.before_commit),
        )
        head, catalogue = self._writer.head()
        (recorded,) = self._db.execute("SELECT EXISTS (SELECT 1 FROM audit)").fetchone()
        if head.seq != 1 or catalogue != 1 or recorded:
            raise HistoryRefused(_USED)
        self._own_epoch = head.epoch
        keepers = self._db.execute(KEEPERS).fetchall()
        for name, _ in keepers:
            self._db.execute(f"DROP TRIGGER {name}")
        for table in EMPTIED:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - these
        for _, keeper in keepers:
            self._db.execute(keeper)

    def put(self, page: Sequence[Part]) -> None:
        """Write parts of one kind."""
        try:
            for part in page:
                self._note(part)
            if page:
                self._write(page)
        except (sqlite3.IntegrityError, OverflowError) as error:
            raise _broken(error) from error

    def finish(self) -> None:
        """Add up, compare and commit."""
        origin = self._origin
        if origin is None:
            raise HistoryRefused("There is no history to restore.")
        try:
            for tally in self._tallies:
                self._add_up(tally)
                ensure_same(tally, _tally(self._db, tally.board, tally.period))
        except (sqlite3.IntegrityError, OverflowError) as error:
            raise _broken(error) from error
        head = msgspec.structs.asdict(origin)
        head["epoch"] = restored_epoch(origin.epoch, self._own_epoch)
        self._db.execute(SQL["restore_head"], head)
        self._open.close()

    def abandon(self, error: BaseException) -> None:
        """Undo everything."""
        self._open.__exit__(type(error), error, error.__traceback__)

    def _note(self, part: Part) -> None:
        match part:
            case Origin():
                self._origin = part
            case Board():
                self._zones[part.board] = part.time_zone
            case Tally():
                self._tallies.append(part)

    def _write(self, page: Sequence[Part]) -> None:
        match page[0]:
            case Board():
                boards = [part for part in page if isinstance(part, Board)]
                self._many("put_board", map(rows.board_row, boards))
            case Action():
                actions = [part for part in page if isinstance(part, Action)]
                self._many("put_action", map(rows.action_row, actions))
            case SigningKey():
                keys = [part for part in page if isinstance(part, SigningKey)]
                self._many("put_key", map(rows.signing_key_row, keys))
            case AuditEntry():
                self._many("restore_audit", map(msgspec.structs.asdict, page))
            case Person():
                self._many("restore_user", map(msgspec.structs.asdict, page))
            case Tally():
                marked = [part for part in page if isinstance(part, Tally) and part.marked]
                self._many("restore_mark", map(msgspec.structs.asdict, marked))
            case Line():
                self._many("restore_posting", map(msgspec.structs.astuple, page))
            case Run():
                self._many("add_run", map(msgspec.structs.asdict, page))
            case Sealing():
                self._many("add_sealing", map(msgspec.structs.asdict, page))

    def _many(self, statement: str, parameters: Any) -> None:
        self._db.executemany(SQL[statement], parameters)

    def _add_up(self, tally: Tally) -> None:
        period = period_named(tally.period, self._zones[tally.board])
        span = {
            "board": tally.board,
            "period": tally.period,
            "after": self._seq_before(period.start_ms),
            "upto": self._seq_before(period.end_ms),
        }
        self._db.execute(SQL["add_up"], span)

    def _seq_before(self, at_ms: int) -> int:
        # Times never run back in seq order: halving finds the last place before a moment.
        low, high = 0, self._origin.seq if self._origin else 0
        while low < high:
            middle = (low + high + 1) // 2
            (at,) = self._db.execute("SELECT at FROM ledger WHERE seq = ?", (middle,)).fetchone()
            low, high = (middle, high) if at < at_ms else (low, middle - 1)
        return low


def _broken(error: Exception) -> HistoryRefused:
    return HistoryRefused(
        "The history breaks a rule of the ledger (an award id twice, an unknown user, a number "
        f"out of range): {error}."
    )


def new_epoch(writer: Writer, caller: str, reason: str) -> Head:
    """Record the change and answer the head as it is now."""
    with transaction(writer.db, committing=writer.before_commit):
        head, _ = writer.head()
        now = writer.now()
        epoch = max(now, head.epoch + 1)
        writer.db.execute(SQL["new_epoch"], {"epoch": epoch})
        writer.db.execute(
            SQL["add_audit"],
            {
                "at": now,
                "caller": caller,
                "operation": "epoch.new",
                "subject": "ledger",
                "reason": reason,
                "before": str(head.epoch),
                "after": str(epoch),
            },
        )
    return msgspec.structs.replace(head, epoch=epoch)
