"""The database file: opened with the settings that durability needs, and migrated."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scoreboard.adapters import rows
from scoreboard.adapters.migrations import Migration, migrations, pending, statements
from scoreboard.core.award import derived_id
from scoreboard.core.board import DEFAULT_BOARD, Board
from scoreboard.errors import Misconfigured, OutcomeUnknown, Unavailable

SQL = statements("sqlite")
STEPS = migrations("sqlite")
OLDEST = (3, 38, 0)  # STRICT tables came with 3.37, the ->> operator with 3.38
BUSY_MS = 1_000
OPENING_S = 10.0  # for others that open the same file to be done
CACHE_KIB = 65_536
FULL = 2  # what PRAGMA synchronous answers
CHECKPOINT_PAGES = 4_000  # 16 MiB of write-ahead log between checkpoints


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection without implicit transactions, usable from the thread that owns it.

    Raises:
        Misconfigured: SQLite is too old, or the file is no database.
        Unavailable: the file cannot be opened.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise Misconfigured(
            f"SQLite {sqlite3.sqlite_version} is too old: scoreboard needs 3.38 or later."
        )
    mode = "ro" if readonly else "rwc"
    try:
        if not readonly:
            path.touch(mode=0o600)  # SQLite would make it readable to others
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_MS / 1000,
        )
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if not readonly:
            _make_durable(db, path)
    except OSError as error:
        raise Unavailable from error
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise Misconfigured(f"{path} is not an SQLite database: name another file.") from None
        raise Unavailable from error
    return db


def _make_durable(db: sqlite3.Connection, path: Path) -> None:
    mode = _use_wal(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA recursive_triggers = ON")
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    if mode != "wal" or db.execute("PRAGMA synchronous").fetchone()[0] != FULL:
        raise Misconfigured(
            f"{path} cannot be opened with WAL and synchronous=FULL: put it on a local disk."
        )


def _use_wal(db: sqlite3.Connection) -> str:
    # Two that switch a new file at once get "busy" from SQLite at once, whatever busy_timeout says.
    deadline = time.monotonic() + OPENING_S
    while True:
        try:
            mode: str = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return mode


@contextlib.contextmanager
def transaction(
    db: sqlite3.Connection, *, committing: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """One write transaction: committed and flushed at the end, or rolled back whole.

    Raises:
        Unavailable: locked, full or broken; nothing was written.
        OutcomeUnknown: the flush failed; what was written may or may not survive.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise Unavailable from error
    try:
        yield
        committing()
    except sqlite3.Error as error:
        _roll_back(db)
        raise Unavailable from error
    except BaseException:
        _roll_back(db)
        raise
    try:
        db.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(db)
        raise _commit_error(error) from error


def _commit_error(error: sqlite3.Error) -> Unavailable | OutcomeUnknown:
    definite = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    return Unavailable() if code in definite else OutcomeUnknown()


def _roll_back(db: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        db.execute("ROLLBACK")


def named(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    """A row by column name; of two columns with one name the last."""
    return dict(zip((column[0] for column in cursor.description), row, strict=True))


def migrate(db: sqlite3.Connection, now_ms: int) -> tuple[Migration, ...]:
    """Bring the schema up to date, in one transaction; answers the steps that were applied.

    Raises:
        Misconfigured: the database has a schema that this version does not know.
    """
    with transaction(db):
        db.execute(
            "CREATE TABLE IF NOT EXISTS migrations (version INTEGER NOT NULL PRIMARY KEY, "
            "name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
        )
        steps = pending(STEPS, applied(db))
        for step in steps:
            _run(db, step.sql)
            db.execute(
                "INSERT INTO migrations VALUES (?, ?, ?, ?)",
                (step.version, step.name, step.checksum, now_ms),
            )
        _begin_history(db, now_ms)
    return steps


def applied(db: sqlite3.Connection) -> dict[int, str]:
    """The checksums of the steps that a database has had."""
    try:
        return dict(db.execute("SELECT version, checksum FROM migrations"))
    except sqlite3.OperationalError:
        return {}


def _run(db: sqlite3.Connection, script: str) -> None:
    # executescript() would commit first; a trigger's body holds semicolons of its own.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def _begin_history(db: sqlite3.Connection, now_ms: int) -> None:
    if db.execute(SQL["head"]).fetchone():
        return
    db.execute(SQL["put_board"], rows.board_row(Board(board=DEFAULT_BOARD)))
    db.execute("INSERT INTO ledger_head VALUES (1, ?, 1, ?, 1, NULL)", (now_ms, now_ms))
    db.execute(
        SQL["add_posting"],
        {
            "seq": 1,
            "epoch": now_ms,
            "award_id": derived_id("board", DEFAULT_BOARD, "1"),
            "kind": "board",
            "board": DEFAULT_BOARD,
            "at": now_ms,
            "caller": "scoreboard",
            "detail": None,
        },
    )
    db.execute(SQL["mark"], {"marks": f'[["{DEFAULT_BOARD}", "all"]]', "seq": 1, "at": now_ms})


def newest_schema(db: sqlite3.Connection) -> int:
    """The newest step that a database has had."""
    return max(applied(db))
