"""What every ledger promises of the rules that an action has."""

from pathlib import Path

import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Recorded, Refused, Repeated
from scoreboard.core.rule import Caps
from scoreboard.errors import SuspiciousActivity
from scoreboard.ports import Ledger

from .conftest import OpenLedger
from .material import DAY_MS, HOUR_MS, NOON, Clock, append, award, error_of


@pytest.mark.parametrize(
    ("action", "span_ms"),
    [
        (Action(action_id="slow", points=1, cooldown_s=7), 7_000),
        (Action(action_id="minute", points=1, caps=Caps(minute=1)), 60_000),
        (Action(action_id="hour", points=1, caps=Caps(hour=1)), HOUR_MS),
        (Action(action_id="day", points=1, caps=Caps(day=1)), DAY_MS),
    ],
    ids=["cooldown", "cap-minute", "cap-hour", "cap-day"],
)
async def test_a_rule_ends_exactly_with_its_span(
    ledger: Ledger, clock: Clock, action: Action, span_ms: int
) -> None:
    await append(ledger, clock, award("a1", action=action))
    clock.now_ms = NOON + span_ms - 1
    [early] = await append(ledger, clock, award("a2", action=action))
    assert isinstance(error_of(early), SuspiciousActivity)
    clock.now_ms = NOON + span_ms
    [due] = await append(ledger, clock, award("a3", action=action))
    assert isinstance(due, Recorded)


async def test_caps_are_counted_in_group_order(ledger: Ledger, clock: Clock) -> None:
    capped = Action(action_id="capped", points=1, caps=Caps(minute=3))
    awards = [award(f"a{index}", action=capped) for index in range(5)]
    outcomes = await append(ledger, clock, awards[0], award("b", "u2", capped), *awards[1:])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Recorded, Recorded, Recorded, Recorded, Refused, Refused]


async def test_a_repeat_takes_nothing_of_a_cap(ledger: Ledger, clock: Clock) -> None:
    capped = Action(action_id="capped", points=1, caps=Caps(day=2))
    group = [award(name, action=capped) for name in ("a1", "a1", "a1", "a2", "a3")]
    outcomes = await append(ledger, clock, *group)
    assert [type(outcome) for outcome in outcomes] == [
        Recorded, Repeated, Repeated, Recorded, Refused,
    ]  # fmt: skip


async def test_rules_are_about_one_user_and_one_action(ledger: Ledger, clock: Clock) -> None:
    slow = Action(action_id="slow", points=1, cooldown_s=60)
    other = Action(action_id="other", points=1, cooldown_s=60)
    await append(ledger, clock, award("a1", action=slow))
    clock.now_ms += 1
    outcomes = await append(
        ledger, clock, award("a2", action=other), award("a3", "u2", slow), award("a4", action=slow)
    )
    assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded, Refused]


async def test_rules_hold_on_another_node_and_when_the_clock_runs_back(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    slow = Action(action_id="slow", points=1, cooldown_s=60)
    await append(ledger, clock, award("a1", action=slow))
    behind = Clock(NOON - DAY_MS)
    async with open_ledger(tmp_path, behind) as other:
        [refused] = await append(other, behind, award("a2", action=slow))
        assert isinstance(error_of(refused), SuspiciousActivity)
