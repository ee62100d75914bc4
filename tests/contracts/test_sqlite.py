"""What only SQLite can be asked: the file refuses what the code must never do, and faults."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.award import Recorded
from scoreboard.errors import Misconfigured, Outage, ScoreboardError, Unavailable
from scoreboard.ports import Prepared

from .material import (
    DEFAULT,
    NOON,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    append,
    award,
    ensure_sums,
    put,
)

Change = Callable[[sqlite3.Connection], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scoreboard.db"


@pytest_asyncio.fixture
async def ledger(path: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    opened = await SqliteLedger.open(path, clock_ms=clock)
    try:
        yield opened
    finally:
        await opened.close()


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program on the same file, with none of our settings."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        yield db
    finally:
        db.close()


async def on_writer(ledger: SqliteLedger, sql: str) -> list[tuple[object, ...]]:
    """Run a statement on the connection that writes, in its thread."""

    def work() -> list[tuple[object, ...]]:
        return ledger._writer.db.execute(sql).fetchall()

    return await ledger._write(work)


def reopen(path: Path, *, may_migrate: bool = True) -> None:
    async def live() -> None:
        ledger = await SqliteLedger.open(path, clock_ms=Clock(), may_migrate=may_migrate)
        await ledger.close()

    asyncio.run(live())


# --- the ledger is append-only, whoever asks

ONE_MORE = (
    "INTO ledger (seq, epoch, award_id, kind, board, points, at) "
    "VALUES ({seq}, 1, '{award_id}', 'period', 'default', 0, 1)"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET points = 500 WHERE seq = 2",
        "UPDATE ledger SET award_id = 'b' WHERE seq = 2",
        "UPDATE OR REPLACE ledger SET seq = 1 WHERE seq = 2",
        "DELETE FROM ledger",
        "DELETE FROM ledger WHERE seq = 3",
        "REPLACE " + ONE_MORE.format(seq=2, award_id="new"),
        "INSERT OR REPLACE " + ONE_MORE.format(seq=4, award_id="a1"),
        "INSERT OR REPLACE " + ONE_MORE.format(seq=3, award_id="a1"),
        "INSERT " + ONE_MORE.format(seq=4, award_id="a1"),
        "INSERT " + ONE_MORE.format(seq=5, award_id="gap"),
        "INSERT " + ONE_MORE.format(seq=0, award_id="early"),
        "INSERT " + ONE_MORE.format(seq=-1, award_id="negative"),
        "INSERT " + ONE_MORE.format(seq=3, award_id="x")
        + " ON CONFLICT (seq) DO UPDATE SET points = 9",
    ],
)  # fmt: skip
async def test_the_database_itself_keeps_the_ledger_append_only(
    ledger: SqliteLedger, clock: Clock, path: Path, statement: str
) -> None:
    await append(ledger, clock, award("a1"), award("a2"))
    before = await all_postings(ledger)
    with raw(path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    assert await ledger._read(lambda db: rows_of(db, "ledger")) == [
        (posting.seq, posting.award_id) for posting in before
    ]


def rows_of(db: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return db.execute(f"SELECT seq, award_id FROM {table} ORDER BY seq").fetchall()


async def test_one_award_is_reversed_at_most_once(
    ledger: SqliteLedger, clock: Clock, path: Path
) -> None:
    await append(ledger, clock, award("a1"))
    reversal = (
        "INTO ledger (seq, epoch, award_id, kind, board, points, at, reverses) "
        "VALUES ({}, 1, '{}', 'reverse', 'default', -5, 1, 2)"
    )
    with raw(path) as db:
        db.execute("INSERT " + reversal.format(3, "r1"))
        for verb in ("INSERT ", "INSERT OR REPLACE "):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(verb + reversal.format(4, "r2"))


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET reason = 'other'", "DELETE FROM audit WHERE entry = 1"]
)
async def test_the_audit_record_is_append_only(
    ledger: SqliteLedger, path: Path, statement: str
) -> None:
    await put(ledger, QUIZ)
    with raw(path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 9223372036854775808, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 1.5, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 'many', 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', -9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', NULL, 1, 1, 1)",
        "UPDATE scores SET score = 9223372036854775807",
        "UPDATE ledger_head SET seq = 'last'",
        "INSERT INTO ledger_head VALUES (2, 1, 1, 1, 1, NULL)",
        "UPDATE users SET status = 'gone'",
        "INSERT INTO actions VALUES ('a', 9007199254740992, 'default', 0, 0, 0, 0, 0, 1, 2, 0)",
    ],
)
async def test_columns_refuse_what_is_not_theirs(
    ledger: SqliteLedger, clock: Clock, path: Path, statement: str
) -> None:
    await append(ledger, clock, award("a1"))
    with raw(path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


# --- durability


async def test_a_commit_is_flushed_before_it_is_answered(ledger: SqliteLedger) -> None:
    assert await on_writer(ledger, "PRAGMA journal_mode") == [("wal",)]
    assert await on_writer(ledger, "PRAGMA synchronous") == [(2,)]
    assert await on_writer(ledger, "PRAGMA foreign_keys") == [(1,)]


@pytest.mark.parametrize("stage", ["begin", "commit"])
async def test_a_fault_before_the_commit_records_nothing(
    path: Path, clock: Clock, stage: str
) -> None:
    class FaultError(Exception):
        """Planted."""

    faulty = False

    def fail(at: str) -> None:
        if faulty and at == stage:
            raise FaultError

    ledger = await SqliteLedger.open(path, clock_ms=clock, stage=fail)
    try:
        await append(ledger, clock, award("a1"))
        faulty = True
        with pytest.raises(FaultError):
            await append(ledger, clock, award("a2"), award("a3"))
        faulty = False
        assert (await ledger.head()).seq == 2
        assert await ledger.posting("a2") is None
        await append(ledger, clock, award("a3"))
        await ensure_sums(ledger)
    finally:
        await ledger.close()


async def test_an_award_whose_caller_left_is_recorded_all_the_same(
    ledger: SqliteLedger, clock: Clock
) -> None:
    periods = {"default": DEFAULT.periods_at(clock())}
    prepared = Prepared((await ledger.catalogue()).version, periods)
    task = asyncio.create_task(ledger.append([award("a1")], prepared))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await append(ledger, clock, award("a2"))
    assert [posting.award_id for posting in await ensure_sums(ledger)][1:] == ["a1", "a2"]


# --- faults


async def test_a_locked_database_is_unavailable_and_nothing_is_half_written(
    ledger: SqliteLedger, clock: Clock, path: Path
) -> None:
    await append(ledger, clock, award("a1"))
    with raw(path) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await append(ledger, clock, award("a2"), award("a3", "u2"))
        with pytest.raises(Unavailable):
            await put(ledger, PRIZE)
        assert (await ledger.head()).seq == 2
        assert await ledger.posting("a2") is None
        snapshot = await ledger.snapshot(DEFAULT, "all")
        assert [row.score for row in snapshot.rows] == [5]
        db.execute("ROLLBACK")
    [outcome] = await append(ledger, clock, award("a2"))
    assert isinstance(outcome, Recorded)
    await ensure_sums(ledger)


async def test_a_full_database_is_unavailable_and_reads_go_on(
    ledger: SqliteLedger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"))
    [(pages,)] = await on_writer(ledger, "PRAGMA page_count")
    await on_writer(ledger, f"PRAGMA max_page_count = {pages}")
    recorded = await until_refused(ledger, clock, Unavailable)
    head = await ledger.head()
    assert head.seq == 2 + recorded * 50
    snapshot = await ledger.snapshot(DEFAULT, "all")
    assert len(snapshot.rows) > 0
    await ensure_sums(ledger)
    await on_writer(ledger, "PRAGMA max_page_count = 1000000")
    [outcome] = await append(ledger, clock, award("after"))
    assert isinstance(outcome, Recorded)
    assert outcome.posting.seq == head.seq + 1
    await ensure_sums(ledger)


async def until_refused(ledger: SqliteLedger, clock: Clock, refusal: type[ScoreboardError]) -> int:
    """Append groups of fifty until there is no room; answers how many were recorded."""
    for group in range(2_000):
        awards = [award(f"g{group}-{index}", f"user-{group}-{index}") for index in range(50)]
        try:
            await append(ledger, clock, *awards)
        except refusal:
            return group
    pytest.fail("the database is never full")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where one may be mounted."""
    mount, place = shutil.which("mount"), tmp_path / "disk"
    place.mkdir()
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small file system may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def enlarge(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=32m", str(place)], check=True)


async def test_a_full_disk_answers_for_no_award_that_is_not_in_the_ledger(
    small_disk: Path, clock: Clock
) -> None:
    ledger = await SqliteLedger.open(small_disk / "scoreboard.db", clock_ms=clock)
    try:
        recorded = await until_refused(ledger, clock, Outage)
        assert recorded > 0
        assert (await ledger.snapshot(DEFAULT, "all")).rows
        postings = {posting.award_id for posting in await ensure_sums(ledger)}
        assert {f"g{group}-{index}" for group in range(recorded) for index in range(50)} <= postings
        await asyncio.to_thread(enlarge, small_disk)
        await append(ledger, clock, award("after"))
        await ensure_sums(ledger)
    finally:
        await ledger.close()


@pytest.mark.parametrize("how", ["deleted", "replaced", "moved away"])
async def test_an_award_for_a_file_that_is_gone_is_unavailable(
    ledger: SqliteLedger, clock: Clock, path: Path, how: str
) -> None:
    await append(ledger, clock, award("a1"))
    await asyncio.to_thread(take_away, path, how)
    with pytest.raises(Unavailable):
        await append(ledger, clock, award("a2"))
    with pytest.raises(Unavailable):
        await put(ledger, PRIZE)
    with pytest.raises(Unavailable):
        await ledger.bind("secret")


def take_away(path: Path, how: str) -> None:
    match how:
        case "deleted":
            path.unlink()
        case "moved away":
            path.rename(path.with_suffix(".old"))
        case _:
            other = path.with_suffix(".other")
            with raw(other) as db:
                db.execute("CREATE TABLE other (one INTEGER)")
            other.replace(path)


# --- the schema


async def test_opening_again_changes_nothing(ledger: SqliteLedger, path: Path) -> None:
    before = await ledger.head(), await ledger.catalogue()
    await asyncio.to_thread(reopen, path)
    await asyncio.to_thread(reopen, path, may_migrate=False)
    assert (await ledger.head(), await ledger.catalogue()) == before


@pytest.mark.parametrize("may_migrate", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE migrations SET checksum = 'other' WHERE version = 1",
        "INSERT INTO migrations VALUES (9999, 'later', 'abc', 0)",
    ],
    ids=["altered", "newer"],
)
def test_a_schema_it_does_not_know_is_refused(path: Path, change: str, may_migrate: bool) -> None:
    reopen(path)
    with raw(path) as db:
        db.execute(change)
    with pytest.raises(Misconfigured):
        reopen(path, may_migrate=may_migrate)


def test_an_old_schema_is_migrated_only_when_allowed(path: Path) -> None:
    with pytest.raises(Misconfigured):
        reopen(path, may_migrate=False)
    reopen(path)
    reopen(path, may_migrate=False)


def test_what_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    text = "this is a letter, and it is longer than a hundred bytes. " * 3
    path.write_text(text)
    with pytest.raises(Misconfigured):
        reopen(path)
    assert path.read_text() == text


def test_a_file_in_no_directory_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        reopen(tmp_path / "nowhere" / "scoreboard.db")


def test_two_that_start_at_once_make_one_ledger(path: Path) -> None:
    async def start() -> tuple[int, int]:
        ledger = await SqliteLedger.open(path, clock_ms=Clock(NOON))
        try:
            head = await ledger.head()
            return head.epoch, head.seq
        finally:
            await ledger.close()

    async def both() -> list[tuple[int, int]]:
        return list(await asyncio.gather(*(start() for _ in range(8))))

    assert asyncio.run(both()) == [(NOON, 1)] * 8
