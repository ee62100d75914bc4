"""It is promised that a ledger can be moved whole into another database, and never in half."""

import asyncio
import contextlib
import io
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scoreboard.core.action import Action
from scoreboard.core.award import Repeated
from scoreboard.core.board import Board
from scoreboard.core.history import Count, Counts, Line, Origin, Person, Tally
from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsOf, OneAward
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.window import Window
from scoreboard.errors import HistoryRefused, Misconfigured, NotFound, Unavailable
from scoreboard.ports import AuditEntry, Ledger, Moderation, Opening, Part, Reversal
from scoreboard.service import history as format_of
from tests.servers.postgres import PostgresServer

from .conftest import LEDGERS, OpenLedger, on_server
from .material import (
    DAY_MS,
    FALL,
    FOUL,
    GOAL,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
    turn,
)
from .test_tampering import seal, verified

ORDER = (Origin, Board, Action, SigningKey, AuditEntry, Person, Tally, Line)


SEALED = SigningKey(
    key="game.h1",
    algorithm=SigningAlgorithm.HMAC_SHA256,
    material=bytes(range(60)),
    actions=("quiz", "goal"),
    not_after=2**53 - 1,
)


@pytest.fixture(scope="session", params=LEDGERS.values(), ids=[f"to-{name}" for name in LEDGERS])
def open_target(request: pytest.FixtureRequest) -> OpenLedger:
    return on_server(request)


@pytest_asyncio.fixture
async def target(open_target: OpenLedger, tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    home = tmp_path / "target"
    home.mkdir()
    async with open_target(home, clock) as opened:
        yield opened


async def parts_of(ledger: Ledger) -> list[Part]:
    return [part async for page in ledger.history() for part in page]


async def paged(parts: Iterable[Part]) -> AsyncIterator[Sequence[Part]]:
    page: list[Part] = []
    for part in parts:
        if page and type(part) is not type(page[0]):
            yield page
            page = []
        page.append(part)
    if page:
        yield page


async def exported(ledger: Ledger) -> bytes:
    out = io.BytesIO()
    await format_of.write(ledger.history(), out.write, lambda _: None)
    return out.getvalue()


async def live(ledger: Ledger, clock: Clock) -> None:
    """Two days with everything in them that a ledger knows today."""
    await put(ledger, msgspec.structs.replace(LEAGUE, windows=(Window.ALL, Window.WEEK)), GOAL)
    await put(ledger, QUIZ, PRIZE, FALL, NOTHING, FOUL, SEALED)
    await put(ledger, msgspec.structs.replace(SEALED, revoked_at=NOON))
    actions = (QUIZ, GOAL, NOTHING, FALL, PRIZE, FOUL, GOAL)
    for day in range(3):
        for number in range(12):
            users = (f"user-{number % (7 + day)}", f"Ünïque@{day}"[1:].replace("ï", "i"), "Zed")
            group = [
                award(f"{day}-{number}-{place}", user, actions[(number + place) % len(actions)])
                for place, user in enumerate(users)
            ]
            await append(ledger, clock, *group)
            clock.now_ms += 1_000
        if day == 1:
            await put(ledger, LEAGUE, msgspec.structs.replace(QUIZ, points=6, cooldown_s=1))
        await ledger.open_periods([Opening("league", f"2026-11-{24 + day}")])
        clock.now_ms += DAY_MS
        await moderated(ledger, day)
        await turn(ledger, "league", frozen=day != 1)
    await ledger.new_epoch("tester", "in the middle of it")
    await append(ledger, clock, award("of-the-new-epoch", "user-1"))


async def moderated(ledger: Ledger, day: int) -> None:
    for kind, user_id in (
        (Kind.HOLD, f"user-{day}"),
        (Kind.BAN, f"user-{day + 4}"),
        (Kind.RELEASE, "user-0"),
        (Kind.ERASE, "user-6"),
    ):
        with contextlib.suppress(NotFound):
            await ledger.moderate(Moderation(user_id, kind, "mo", f"day {day}"))
    await ledger.forget_erased((await ledger.head()).seq)
    for awards in (OneAward(f"{day}-2-2"), AwardsOf("user-4", NOON + DAY_MS // 2)):
        await ledger.reverse(Reversal(awards, "mo", f"day {day}"))


async def test_a_ledger_moved_is_the_same_ledger(
    ledger: Ledger, target: Ledger, clock: Clock
) -> None:
    await live(ledger, clock)
    data = await exported(ledger)
    await target.restore(format_of.read(io.BytesIO(data)))
    assert await exported(target) == data
    assert await target.head() == await ledger.head()
    assert await target.catalogue() == await ledger.catalogue()
    assert await target.audit(None, 100) == await ledger.audit(None, 100)
    postings = await all_postings(target)
    assert postings == await all_postings(ledger)
    assert {posting.kind for posting in postings} >= {Kind.REVERSE, Kind.ERASE, Kind.RELEASE}
    assert {posting.kind for posting in postings} >= {Kind.FREEZE, Kind.REVEAL}
    assert (await target.catalogue()).boards["league"].frozen is not None
    assert await target.statuses(None, 10) == await ledger.statuses(None, 10)
    assert len((await target.statuses(None, 10)).users) > 3
    assert await target.record_of("user-0", None, 10) == await ledger.record_of("user-0", None, 10)
    people = [part for part in await parts_of(target) if isinstance(part, Person)]
    erased = [person for person in people if person.commitment]
    assert len(erased) == 3
    assert {(person.user_id, person.salt) for person in erased} == {(None, None)}
    tallies = [part for part in await parts_of(ledger) if isinstance(part, Tally)]
    assert {tally.period for tally in tallies} >= {"all", "2026-W48", "2026-11", "2026-11-24"}
    # The days before the league had days are in no database.
    assert "2026-11-23" not in {tally.period for tally in tallies}
    for tally in tallies:
        span = tally.board, tally.period
        assert await all_scores(target, span) == await all_scores(ledger, span)
        assert await target.marked(*span) == await ledger.marked(*span)
    board = Board(board="default")
    assert await target.snapshot(board, "all") == await ledger.snapshot(board, "all")


async def test_a_ledger_moved_goes_on_as_the_old_one_would(
    ledger: Ledger, target: Ledger, clock: Clock
) -> None:
    await live(ledger, clock)
    await target.restore(ledger.history())
    again, *fresh = await append(
        target,
        clock,
        award("0-0-0", "user-0"),
        award("new-1", "user-3"),
        award("new-2", "somebody-new"),
    )
    assert isinstance(again, Repeated)
    expected = await append(
        ledger,
        clock,
        award("0-0-0", "user-0"),
        award("new-1", "user-3"),
        award("new-2", "somebody-new"),
    )
    assert [again, *fresh] == list(expected)
    await put(target, msgspec.structs.replace(QUIZ, points=8))
    await put(target, Board(board="another"))
    entries = [entry.entry for entry in await target.audit(None, 3)]
    assert entries == sorted(entries, reverse=True)
    assert await target.bookmark("feed") == 0


async def test_scores_follow_from_the_postings_alone(target: Ledger) -> None:
    """Reversals count where the award did, zero points keep the place, the erased are not there."""
    boards = {"default": Board(board="default"), "league": LEAGUE}
    tomorrow = NOON + DAY_MS
    lines = [
        line(1, Kind.BOARD, board="default"),
        line(2, points=5, user_ref=3, board="league"),
        line(3, points=0, user_ref=3, board="league"),
        line(4, points=0, user_ref=9, board="league"),
        line(5, points=7, user_ref=5, board="league"),
        line(6, points=0, user_ref=9, board="league", at=tomorrow),
        line(7, Kind.REVERSE, points=-5, user_ref=3, board="league", at=tomorrow, reverses=2),
        line(8, points=2, user_ref=3, board="league", at=tomorrow),
    ]
    people = [
        Person(3, "ada", b"salt", "active"),
        Person(5, None, None, "active"),
        Person(9, "bob", b"pepper", "held"),
    ]
    ada, bob = Score("ada", 2, 8, tomorrow), Score("bob", 0, 4, NOON)
    scores = {
        ("default", "all"): [],
        ("league", "2026-11-23"): [Score("ada", 0, 7, tomorrow), bob],
        ("league", "2026-11-24"): [ada, Score("bob", 0, 6, tomorrow)],
        ("league", "all"): [ada, bob],
    }
    await target.restore(paged(crafted(boards.values(), people, scores, lines)))
    for span, expected in scores.items():
        assert await all_scores(target, span) == expected, span
    postings = await all_postings(target)
    assert postings[6].counts_at == NOON
    assert [posting.user_id for posting in postings] == [
        None, "ada", "ada", "bob", None, "bob", "ada", "ada",
    ]  # fmt: skip
    assert (await target.head()).seq == 8


def line(seq: int, kind: Kind = Kind.AWARD, *, at: int = NOON, **columns: Any) -> Line:
    award_id = columns.pop("award_id", f"award-{seq}")
    return Line(seq=seq, epoch=NOON, award_id=award_id, kind=kind, at=at, **columns)


def crafted(
    boards: Iterable[Board],
    people: Sequence[Person],
    scores: dict[tuple[str, str], list[Score]],
    lines: Sequence[Line],
) -> list[Part]:
    """A history with the tallies of these scores."""
    boards = list(boards)
    counts = Counts(
        boards=len(boards),
        actions=0,
        audit=0,
        users=len(people),
        periods=len(scores),
        postings=len(lines),
    )
    origin = Origin(epoch=NOON, seq=lines[-1].seq, at=lines[-1].at, catalogue=3, counts=counts)
    return [origin, *boards, *people, *(tallied(*span, scores[span]) for span in scores), *lines]


def tallied(board: str, period: str, scores: Sequence[Score]) -> Tally:
    count = Count()
    count.add(scores)
    return count.tally(board, period, (0, 0))


LITTLE = [
    line(1, Kind.BOARD, board="default"),
    line(2, points=5, user_ref=1, board="default"),
    line(3, points=5, user_ref=1, board="default"),
]
ADA = [Person(1, "ada", b"salt", "active")]
DEFAULT = [Board(board="default")]
TEN = {("default", "all"): [Score("ada", 10, 3, NOON)]}

WRONG: dict[str, tuple[list[Part], str]] = {
    "too few points": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("ada", 9, 3, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "another user's points": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("eve", 10, 3, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "another place": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("ada", 10, 2, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "an award twice": (
        crafted(DEFAULT, ADA, TEN, [*LITTLE[:2], line(3, board="default", award_id="award-2")]),
        "award id twice",
    ),
    "an unknown user": (
        crafted(DEFAULT, [Person(2, "ada", b"salt", "active")], TEN, LITTLE),
        "user",
    ),
    "a gap": (crafted(DEFAULT, ADA, TEN, [LITTLE[0], LITTLE[2]]), "rule of the ledger"),
    "a number too great": (
        crafted(DEFAULT, ADA, TEN, [*LITTLE[:2], line(3, points=2**63, board="default")]),
        "rule of the ledger",
    ),
    "a score too great": (
        crafted(
            DEFAULT,
            ADA,
            TEN,
            [LITTLE[0], *(line(n, points=SCORE_MAX, user_ref=1, board="default") for n in (2, 3))],
        ),
        "rule of the ledger",
    ),
    "nothing at all": ([], "no history"),
}


@pytest.mark.parametrize(("parts", "says"), WRONG.values(), ids=WRONG.keys())
async def test_what_does_not_add_up_changes_nothing(
    ledger: Ledger, parts: list[Part], says: str
) -> None:
    before = await parts_of(ledger)
    with pytest.raises(HistoryRefused, match=says):
        await ledger.restore(paged(parts))
    assert await parts_of(ledger) == before
    await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    assert await all_scores(ledger, ("default", "all")) == TEN["default", "all"]


class Torn(Exception):
    """The file ends in the middle."""


async def torn() -> AsyncIterator[Sequence[Part]]:
    async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
        yield page
    raise Torn


async def test_a_history_that_breaks_off_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    before = await parts_of(ledger)
    with pytest.raises(Torn):
        await ledger.restore(torn())
    assert await parts_of(ledger) == before
    await put(ledger, QUIZ)
    posting_of((await append(ledger, clock, award("first")))[0])
    await ensure_sums(ledger)


async def test_a_restore_given_up_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[Sequence[Part]]:
        async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
            yield page
        reached.set()
        await asyncio.Event().wait()

    before = await parts_of(ledger)
    task = asyncio.create_task(ledger.restore(endless()))
    async with asyncio.timeout(10):
        await reached.wait()
    assert await parts_of(ledger) == before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await put(ledger, QUIZ)
    posting_of((await append(ledger, clock, award("first")))[0])


async def test_awards_are_refused_while_a_history_is_restored(ledger: Ledger, clock: Clock) -> None:
    async def slowly() -> AsyncIterator[Sequence[Part]]:
        async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
            yield page
        with pytest.raises(Unavailable):
            await ledger.open_periods([Opening("default", "2026-11-23")])

    await ledger.restore(slowly())
    assert len(await ensure_sums(ledger)) == len(LITTLE)


async def test_a_ledger_with_a_history_keeps_it(ledger: Ledger, clock: Clock) -> None:
    changes: list[Callable[[], Any]] = [
        lambda: ledger.new_epoch("tester", "nothing but an audit entry"),
        lambda: put(ledger, QUIZ),
        lambda: append(ledger, clock, award("first")),
    ]
    for change in changes:
        await change()
        before = await parts_of(ledger)
        with pytest.raises(HistoryRefused, match="history already"):
            await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
        assert await parts_of(ledger) == before


async def test_a_history_is_that_of_one_moment(ledger: Ledger, clock: Clock) -> None:
    await live(ledger, clock)
    before = await parts_of(ledger)
    pages = ledger.history()
    found = list(await anext(pages))
    await put(ledger, Board(board="later"), msgspec.structs.replace(PRIZE, points=1))
    await append(ledger, clock, award("later", "somebody-new"), award("more", "user-1"))
    found += [part async for page in pages for part in page]
    assert found == before
    assert [type(part) for part in found] == sorted(map(type, found), key=ORDER.index)


async def test_a_new_epoch_goes_on_with_the_next_seq(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one"))
    before = await ledger.head()
    clock.now_ms += 5_000
    head = await ledger.new_epoch("cli:ada", "a backup was restored")
    assert head == await ledger.head()
    assert (head.epoch, head.seq, head.at) == (clock.now_ms, before.seq, before.at)
    posting = posting_of((await append(ledger, clock, award("two")))[0])
    assert (posting.epoch, posting.seq) == (head.epoch, before.seq + 1)
    (entry,) = await ledger.audit(None, 1)
    assert (entry.caller, entry.operation, entry.reason) == (
        "cli:ada", "epoch.new", "a backup was restored",
    )  # fmt: skip
    assert (entry.before, entry.after) == (str(before.epoch), str(head.epoch))
    await ensure_sums(ledger)


async def test_each_epoch_is_greater_than_the_last(ledger: Ledger, clock: Clock) -> None:
    epochs = [(await ledger.head()).epoch]
    clock.now_ms += 5_000
    for step_ms in (0, 0, -DAY_MS):
        clock.now_ms += step_ms
        epochs += [(await ledger.new_epoch("tester", "again")).epoch]
    assert epochs == sorted(set(epochs))


async def test_a_restored_file_still_only_grows(tmp_path: Path, clock: Clock) -> None:
    open_sqlite, _ = LEDGERS["sqlite"]
    async with open_sqlite(tmp_path, clock) as opened:
        await opened.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    db = sqlite3.connect(tmp_path / "scoreboard.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM ledger")
    db.close()


async def test_a_restored_database_still_only_grows(
    postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    open_postgres, _ = LEDGERS["postgres"]
    url = postgres.database_of(tmp_path)
    async with open_postgres(postgres, tmp_path, clock) as opened:
        await opened.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    name = url.rpartition("/")[2]
    with pytest.raises(AssertionError, match="append-only"):
        postgres.psql("DELETE FROM ledger", name)
    with pytest.raises(AssertionError, match="append-only"):
        postgres.psql("SET session_replication_role = replica; TRUNCATE ledger", name)


async def test_a_role_that_may_not_rewrite_may_not_restore(
    postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415 - its driver may be missing

    role = f"keeper_{abs(hash(tmp_path)):x}"
    url = postgres.database_of(tmp_path)
    postgres.psql(f"CREATE ROLE {role} LOGIN")
    owned = await PostgresLedger.open(url, clock_ms=clock)
    await owned.grant(role)
    await owned.close()
    ledger = await PostgresLedger.open(postgres.url(url.rpartition("/")[2], role), clock_ms=clock)
    try:
        before = await parts_of(ledger)
        with pytest.raises(Misconfigured, match="name the owner"):
            await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
        with pytest.raises(Misconfigured, match="name the owner"):
            await ledger.new_epoch("tester", "why not")
        assert await parts_of(ledger) == before
    finally:
        await ledger.close()
        postgres.drop_databases()
        postgres.psql(f"DROP ROLE {role}")


async def test_tiles_and_checkpoints_move_with_the_ledger(
    ledger: Ledger, target: Ledger, clock: Clock, tmp_path: Path
) -> None:
    for group in range(3):
        await append(ledger, clock, *(award(f"{group}-{number}") for number in range(300)))
        await seal(ledger, clock, tmp_path)
    data = await exported(ledger)
    await seal(target, clock, tmp_path / "target")  # its own first posting
    await target.restore(format_of.read(io.BytesIO(data)))
    moved = await exported(target)
    assert moved.split(b"\n")[1:-2] == data.split(b"\n")[1:-2]  # but for its epoch and digest
    assert await target.newest_sealing() == await ledger.newest_sealing()
    verdict = await verified(target, tmp_path / "checkpoint")
    assert (verdict.ok, verdict.sealed, verdict.checkpoints) == (True, 901, 3)
