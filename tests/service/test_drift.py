"""It is promised that a ranking which differs from the ledger is found and made anew."""

import asyncio
from typing import Any

import pytest

from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.errors import Unavailable
from scoreboard.ports import Group, Mark, Moderation, Return
from scoreboard.service import drift as module
from scoreboard.service.drift import Compared, DriftCheck, compared
from scoreboard.service.leadership import Alone
from tests.contracts.material import PRIZE, QUIZ, append, award, put

ALL = ("default", "all")


class Distrust:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def ranked(world: Any) -> Any:
    """A world of thirty users, ranked."""
    await put(world.ledger, QUIZ, PRIZE)
    awards = [award(f"a{number}", f"user-{number:02d}", PRIZE) for number in range(30)]
    await append(world.ledger, world.clock, *awards)
    world.relay_of_mine = world.relay()
    await world.relay_of_mine.rebuild()
    return world


def check_of(world: Any, distrust: Distrust) -> DriftCheck:
    return DriftCheck(
        world.ledger,
        world.ranking,
        world.catalogue,
        Alone(),
        distrust=distrust,
        telemetry=world.telemetry,
    )


async def spoil(world: Any, *scores: Score, missing: str = "") -> None:
    """Put other scores into the ranking, behind the back of the ledger."""
    place = await world.ranking.place()
    known = await world.ledger.scores(*ALL, None, 100)
    wrong = {score.user_id: score for score in (*known, *scores)}
    wrong.pop(missing, None)
    await world.ranking.rebuild(place)
    await world.ranking.load(Mark(*ALL, 1, 1), list(wrong.values()))
    await world.ranking.switch()


async def test_a_ranking_that_agrees_is_trusted(ranked: Any) -> None:
    distrust = Distrust()
    found = await check_of(ranked, distrust).check()
    assert found == Compared(same=30)
    assert distrust.times == 0
    assert ranked.metric("scoreboard_ranking_drift") == 0


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        ([Score("user-07", 13, 9, 0)], ""),
        ([Score("ghost", 99, 9, 0)], ""),
        ([], "user-07"),
    ],
    ids=["another score", "a user that the ledger does not know", "a user left out"],
)
async def test_a_difference_is_found_and_told(
    ranked: Any, wrong: list[Score], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STARTS", "a")
    await spoil(ranked, *wrong, missing=missing)
    distrust = Distrust()
    found = await check_of(ranked, distrust).check()
    assert found.different == 1
    assert distrust.times == 1
    assert ranked.metric("scoreboard_ranking_drift") == 1


async def test_a_posting_on_its_way_is_no_difference(ranked: Any) -> None:
    await append(ranked.ledger, ranked.clock, award("late", "user-03"), award("new", "zoe"))
    users = ["user-03", "user-04", "zoe", "nobody"]
    assert await compared(ranked.ledger, ranked.ranking, ALL, users) == Compared(2, 2, 0)
    await ranked.relay_of_mine.follow()
    assert await compared(ranked.ledger, ranked.ranking, ALL, users) == Compared(4)


async def test_a_distrusted_ranking_is_made_anew(ranked: Any, until: Any) -> None:
    await spoil(ranked, Score("user-07", 13, 9, 0))
    relay = ranked.relay()
    task = asyncio.ensure_future(relay.run())
    await until(lambda: ranked.metric("scoreboard_ranking_seq"))
    relay.distrust()
    await until(lambda: _agrees(ranked))
    task.cancel()


async def test_a_look_that_fails_does_not_end_the_service(
    ranked: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY_S", 0.001)
    looks: list[Exception] = [ZeroDivisionError(), Unavailable()]

    async def fail(*_: Any) -> Any:
        if looks:
            raise looks.pop()
        monkeypatch.delattr(ranked.ledger, "statuses")
        return await ranked.ledger.statuses(None, 1)

    monkeypatch.setattr(ranked.ledger, "statuses", fail, raising=False)
    task = asyncio.ensure_future(check_of(ranked, Distrust()).run())
    await until(lambda: ranked.metric("scoreboard_drift_checks_total", "same") > 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _agrees(world: Any) -> bool:
    users = [f"user-{number:02d}" for number in range(30)]
    return await compared(world.ledger, world.ranking, ALL, users) == Compared(same=30)


async def test_somebody_who_is_shown_or_hidden_by_mistake_is_found_at_the_second_look(
    ranked: Any,
) -> None:
    distrust = Distrust()
    check = check_of(ranked, distrust)
    await ranked.ledger.moderate(Moderation("user-03", Kind.HIDE, "tester", "for a test"))
    await ranked.relay_of_mine.follow()
    assert (await check.check()).different == 0
    place = await ranked.ranking.place()
    await ranked.ranking.apply(Group(*place, place[1] + 1, turns=(Return("user-03", 0, 0),)))
    assert (await check.check()).different == 0
    assert (await check.check()).different == 1
    assert distrust.times == 1


async def test_a_node_that_leads_no_more_tells_of_no_drift(
    ranked: Any, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY_S", 0.01)
    leadership = Alone()
    await spoil(ranked, Score("user-07", 13, 9, 0))
    check = DriftCheck(
        ranked.ledger,
        ranked.ranking,
        ranked.catalogue,
        leadership,
        distrust=Distrust(),
        telemetry=ranked.telemetry,
    )
    running = asyncio.ensure_future(check.run())
    try:
        await until(lambda: ranked.metric("scoreboard_ranking_drift") == 1)
        leadership.term = None  # type: ignore[assignment]
        await until(lambda: ranked.metric("scoreboard_ranking_drift") == 0)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_somebody_whose_posting_is_on_its_way_is_not_suspected(ranked: Any) -> None:
    distrust = Distrust()
    check = check_of(ranked, distrust)
    await ranked.ledger.moderate(Moderation("user-03", Kind.HIDE, "tester", "for a test"))
    for _ in range(3):
        assert (await check.check()).different == 0
    await ranked.relay_of_mine.follow()
    assert (await check.check()).same > 0
    assert distrust.times == 0


async def test_somebody_who_was_just_erased_is_no_difference(
    ranked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0)
    distrust = Distrust()
    check = check_of(ranked, distrust)
    await ranked.ledger.moderate(Moderation("user-03", Kind.ERASE, "tester", "asked for it"))
    assert await check.check() == Compared(same=29, moving=1)
    await ranked.relay_of_mine.follow()
    assert await check.check() == Compared(same=29)
    assert distrust.times == 0


async def test_somebody_who_is_not_in_the_ledger_is_found_when_the_rest_has_arrived(
    ranked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0)
    distrust = Distrust()
    check = check_of(ranked, distrust)
    await spoil(ranked, Score("ghost", 99, 9, 0))
    await append(ranked.ledger, ranked.clock, award("late", "user-03"))
    assert (await check.check()).different == 0
    await ranked.relay_of_mine.follow()
    assert (await check.check()).different == 1
    assert distrust.times == 1
