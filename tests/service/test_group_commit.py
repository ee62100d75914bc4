"""It is promised that awards share commits, and that nobody suffers for another's award."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from scoreboard.core.award import Award, Recorded, Refused, Repeated
from scoreboard.core.board import Board
from scoreboard.core.window import Window
from scoreboard.errors import OutcomeUnknown, Overloaded, SignatureRequired, Unavailable
from scoreboard.service import group_commit as module
from tests.contracts.material import (
    DAY_MS,
    GOAL,
    LEAGUE,
    NOON,
    PRIZE,
    QUIZ,
    award,
    ensure_sums,
    put,
)


@pytest.fixture(autouse=True)
async def catalogue(world: Any) -> None:
    await put(world.ledger, QUIZ, LEAGUE, GOAL)
    await world.catalogue.load()


def begin(commit: Any, *awards: Award) -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(commit.record(one)) for one in awards]


def named(*numbers: int) -> list[Award]:
    return [award(f"award-{number}", f"user-{number}") for number in numbers]


async def test_what_waits_while_a_commit_is_under_way_goes_into_the_next(
    world: Any, until: Any
) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    first = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    rest = begin(commit, *named(*range(1, 10)))
    await until(lambda: world.waiting() == 9)
    world.ledger.gate.set()
    outcomes = await asyncio.gather(*first, *rest)
    assert world.ledger.groups == [1, 9]
    seqs = [outcome.posting.seq for outcome in outcomes]
    assert seqs == list(range(seqs[0], seqs[0] + 10))
    await ensure_sums(world.ledger)


async def test_no_group_is_larger_than_its_limit(world: Any, until: Any) -> None:
    commit = world.commit(group_max=4)
    world.ledger.gate.clear()
    asked = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    asked += begin(commit, *named(*range(1, 10)))
    await asyncio.sleep(0)
    world.ledger.gate.set()
    await asyncio.gather(*asked)
    assert world.ledger.groups == [1, 4, 4, 1]


async def test_a_full_queue_refuses_at_once_and_records_nothing(world: Any, until: Any) -> None:
    commit = world.commit(queue_max=3)
    world.ledger.gate.clear()
    asked = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    asked += begin(commit, *named(1, 2, 3))
    await until(lambda: world.waiting() == 3)
    with pytest.raises(Overloaded):
        await commit.record(*named(4))
    world.ledger.gate.set()
    await asyncio.gather(*asked)
    assert await world.ledger.posting("award-4") is None
    assert isinstance(await commit.record(*named(4)), Recorded)


async def test_repeats_are_found_inside_one_group(world: Any, until: Any) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    begun = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    same = begin(commit, *named(7, 7, 7, 8, 0))
    await asyncio.sleep(0)
    world.ledger.gate.set()
    (zero,) = await asyncio.gather(*begun)
    one, two, three, other, again = await asyncio.gather(*same)
    assert world.ledger.groups == [1, 5]
    assert (type(one), type(two), type(three)) == (Recorded, Repeated, Repeated)
    assert one.posting == two.posting == three.posting
    assert isinstance(other, Recorded)
    assert again == Repeated(zero.posting)
    await ensure_sums(world.ledger)


async def test_a_group_that_fails_leaves_the_next_alone(world: Any, until: Any) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    world.ledger.failures = [Unavailable(), None]
    failing = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    fine = begin(commit, *named(1, 2))
    await asyncio.sleep(0)
    world.ledger.gate.set()
    with pytest.raises(Unavailable):
        await failing[0]
    assert all(isinstance(outcome, Recorded) for outcome in await asyncio.gather(*fine))
    assert await world.ledger.posting("award-0") is None
    assert world.health.degraded == ()


@pytest.mark.parametrize("failure", [Unavailable(), OutcomeUnknown(), ZeroDivisionError()])
async def test_everybody_in_a_failed_group_is_told(
    world: Any, until: Any, failure: Exception
) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    first = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    rest = begin(commit, *named(1, 2, 3))
    await asyncio.sleep(0)
    world.ledger.failures = [None, failure]
    world.ledger.gate.set()
    assert isinstance(await first[0], Recorded)
    told = await asyncio.gather(*rest, return_exceptions=True)
    # What nobody foresaw may have happened before or after the commit.
    expected = Unavailable if isinstance(failure, Unavailable) else OutcomeUnknown
    assert [type(error) for error in told] == [expected] * 3
    assert len({id(error) for error in told}) == 3  # a traceback each
    assert world.health.degraded == ("ledger",)
    unknown = world.metric("scoreboard_unknown_outcomes_total")
    assert unknown == (0 if expected is Unavailable else 3)
    assert isinstance(await commit.record(*named(4)), Recorded)
    assert world.health.degraded == ()


async def test_a_caller_who_leaves_takes_only_a_waiting_award_along(world: Any, until: Any) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    under_way = begin(commit, *named(0))[0]
    await until(lambda: world.ledger.groups == [1])
    leaving, staying = begin(commit, *named(1, 2))
    await asyncio.sleep(0)
    under_way.cancel()
    leaving.cancel()
    await asyncio.wait([under_way, leaving])
    world.ledger.gate.set()
    assert isinstance(await staying, Recorded)
    assert world.ledger.groups == [1, 1]
    assert await world.ledger.posting("award-0") is not None
    assert await world.ledger.posting("award-1") is None


async def test_drain_returns_once_all_are_answered(world: Any, until: Any) -> None:
    commit = world.commit(group_max=2)
    await commit.drain()
    world.ledger.gate.clear()
    asked = begin(commit, *named(*range(7)))
    await until(lambda: world.ledger.groups)
    drained = asyncio.ensure_future(commit.drain())
    await asyncio.sleep(0)
    assert not drained.done()
    world.ledger.gate.set()
    await drained
    assert [task.done() for task in asked] == [True] * 7


async def test_who_waited_too_long_is_refused_unwritten(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = world.commit()
    world.ledger.gate.clear()
    first = begin(commit, *named(0))
    await until(lambda: world.ledger.groups == [1])
    late = begin(commit, *named(1))
    await until(lambda: world.waiting() == 1)
    monkeypatch.setattr(module, "WAIT_MAX_S", 0.0)
    world.ledger.gate.set()
    assert isinstance(await first[0], Recorded)
    with pytest.raises(Unavailable):
        await late[0]
    assert world.ledger.groups == [1]
    assert await world.ledger.posting("award-1") is None


async def test_a_group_is_judged_again_when_midnight_comes_in_between(world: Any) -> None:
    commit = world.commit()

    async def midnight() -> None:
        world.ledger.before.clear()
        world.clock.now_ms = NOON + DAY_MS

    world.ledger.before["append"] = midnight
    outcome = await commit.record(award("goal-1", "user-1", GOAL))
    assert isinstance(outcome, Recorded)
    assert world.ledger.groups == [1, 1]
    assert [score.score for score in await world.ledger.scores("league", "2026-11-24", None, 9)]
    assert not await world.ledger.scores("league", "2026-11-23", None, 9)
    await ensure_sums(world.ledger)


async def test_a_node_whose_clock_is_wrong_goes_by_that_of_the_ledger(world: Any) -> None:
    commit = world.commit()
    for skew_ms in (-DAY_MS, DAY_MS):
        commit._clock_ms = lambda skew_ms=skew_ms: world.clock.now_ms + skew_ms
        outcome = await commit.record(award(f"goal{skew_ms}", "user-1", GOAL))
        assert isinstance(outcome, Recorded)
    (score,) = await world.ledger.scores("league", "2026-11-23", None, 9)
    assert score.score == 2 * GOAL.points
    await ensure_sums(world.ledger)


async def test_a_ledger_whose_clock_runs_away_ends_in_a_definite_no(world: Any) -> None:
    commit = world.commit()

    async def run_away() -> None:
        world.clock.now_ms += DAY_MS

    world.ledger.before["append"] = run_away
    with pytest.raises(Unavailable):
        await commit.record(award("goal-1", "user-1", GOAL))
    assert world.ledger.groups == [1] * module.MOVES_MAX
    assert await world.ledger.posting("goal-1") is None


async def test_an_award_that_waited_counts_by_the_settings_of_now(world: Any) -> None:
    await put(world.ledger, QUIZ, PRIZE)
    await world.catalogue.load()
    commit = world.commit()

    async def change() -> None:
        world.ledger.before.clear()
        await put(world.ledger, replace(QUIZ, points=1), replace(PRIZE, requires_signature=True))

    world.ledger.before["append"] = change
    cheaper, unsigned, trusted = await asyncio.gather(
        commit.record(award("one", "u1", QUIZ)),
        commit.record(award("two", "u2", PRIZE)),
        commit.record(replace(award("three", "u3", PRIZE), caller="backend")),
    )
    assert cheaper.posting.points == 1
    assert isinstance(unsigned, Refused)
    assert isinstance(unsigned.error, SignatureRequired)
    assert isinstance(trusted, Recorded)
    await ensure_sums(world.ledger)


async def test_a_group_counts_in_a_window_that_was_added_in_between(world: Any) -> None:
    commit = world.commit()

    async def add_window() -> None:
        world.ledger.before.clear()
        await put(world.ledger, Board(board="default", windows=(Window.ALL, Window.DAY)))

    world.ledger.before["append"] = add_window
    assert isinstance(await commit.record(*named(0)), Recorded)
    (score,) = await world.ledger.scores("default", "2026-11-23", None, 9)
    assert (score.user_id, score.score) == ("user-0", QUIZ.points)
    await ensure_sums(world.ledger)
