"""A ledger that was moved is the same ledger."""

import io
from pathlib import Path

import msgspec

from scoreboard.core.action import Action
from scoreboard.core.award import Repeated
from scoreboard.core.board import Board
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningKey
from scoreboard.ports import AuditEntry, Ledger
from scoreboard.service import history as format_of
from tests.contracts.material import (
    DAY_MS,
    LEAGUE,
    NOON,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    put,
)
from tests.contracts.test_tampering import seal, verified

from .conftest import crafted, exported, line, live, paged, parts_of

ORDER = (Origin, Board, Action, SigningKey, AuditEntry, Person, Tally, Line)


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
