"""It is promised that rules answer before the rate, are counted, and never give more than it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.rule import Caps, Rule
from scoreboard.errors import (
    Outage,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    SuspiciousActivity,
    Unavailable,
)
from scoreboard.ports import Rate, Sought
from scoreboard.service.scorer import Request
from tests.contracts.material import QUIZ, put
from tests.service.test_scorer import RATE, request, scorer

ONCE = Action(action_id="once", points=1, caps=Caps(day=1))
HOURLY = Board(board="default", points_per_hour=12)


@pytest.fixture
async def score(world: Any) -> Callable[[Request], Any]:
    await put(world.ledger, QUIZ, ONCE)
    await world.catalogue.load()
    return scorer(world, RATE).score


async def use_up(world: Any) -> None:
    while (await world.limiter.hit("user:alice", RATE)).allowed:
        pass


async def test_a_rule_set_elsewhere_holds_with_the_next_award(world: Any, score: Any) -> None:
    for _ in range(2):
        await score(request())
    await put(world.ledger, HOURLY)
    with pytest.raises(SuspiciousActivity) as refused:
        await score(request())
    assert refused.value.rule == Rule.POINTS_HOUR
    assert world.metric("scoreboard_rule_refusals_total", "points-hour") == 1


async def test_hits_in_the_shadow_are_counted_and_answered_with_200(world: Any, score: Any) -> None:
    await put(world.ledger, msgspec.structs.replace(ONCE, shadow=True))
    await world.catalogue.load()
    answers = [await score(request("once")) for _ in range(3)]
    assert [answer.posting.score_after for answer in answers] == [1, 2, 3]
    assert world.metric("scoreboard_rule_shadow_hits_total", "cap-day") == 2
    assert world.metric("scoreboard_rule_refusals_total", "cap-day") == 0


async def test_over_the_rate_a_rule_answers_first_and_leaves_an_incident(
    world: Any, score: Any
) -> None:
    await score(request("once"))
    await use_up(world)
    with pytest.raises(SuspiciousActivity):
        await score(request("once"))
    [incident] = await world.ledger.incidents(Sought(), 10)
    assert (incident.user_id, incident.hit.rule) == ("alice", Rule.CAP_DAY)
    assert world.metric("scoreboard_rule_refusals_total", "cap-day") == 1


async def test_over_the_rate_nothing_is_recorded_when_no_rule_answers(
    world: Any, score: Any
) -> None:
    await use_up(world)
    head = (await world.ledger.head()).seq
    with pytest.raises(RateLimited) as refused:
        await score(request("once"))
    assert (refused.value.limit, refused.value.window_s) == (RATE.limit, RATE.window_s)
    assert (await world.ledger.head()).seq == head
    assert await world.ledger.incidents(Sought(), 10) == []


async def test_over_the_rate_a_rule_that_goes_meanwhile_gives_no_award(
    world: Any, score: Any
) -> None:
    await use_up(world)

    async def change() -> None:
        del world.ledger.before["append"]
        await put(world.ledger, msgspec.structs.replace(ONCE, caps=Caps()))

    world.ledger.before["append"] = change
    head = (await world.ledger.head()).seq
    with pytest.raises(RateLimited):
        await score(request("once"))
    assert (await world.ledger.head()).seq == head


@pytest.mark.parametrize("failure", [Unavailable(), Overloaded(), OutcomeUnknown()])
async def test_over_the_rate_an_outage_is_answered_with_the_rate(
    world: Any, score: Any, failure: Outage
) -> None:
    await use_up(world)
    world.ledger.failures = [failure]
    with pytest.raises(RateLimited):
        await score(request("once"))


async def test_over_the_rate_an_action_without_rules_asks_no_ledger(world: Any, score: Any) -> None:
    await use_up(world)
    world.ledger.groups.clear()
    for _ in range(5):
        with pytest.raises(RateLimited):
            await score(request())
    assert world.ledger.groups == []


async def test_a_group_of_a_rule_is_as_exact_as_one_after_the_other(world: Any) -> None:
    await put(world.ledger, ONCE, QUIZ, HOURLY)
    await world.catalogue.load()
    free = scorer(world, Rate(0, 60)).score
    refused = 0
    for _ in range(10):
        try:
            await free(request())
        except SuspiciousActivity:
            refused += 1
    assert refused == 8
