"""Rules of actions, against an oracle that looks at every span."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.action import Action
from scoreboard.core.rule import Caps, Past, Rule
from scoreboard.core.score import SCORE_MAX

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def action(cooldown_s: int = 0, minute: int = 0, hour: int = 0, day: int = 0) -> Action:
    return Action(
        action_id="quiz",
        points=5,
        cooldown_s=cooldown_s,
        caps=Caps(minute=minute, hour=hour, day=day),
    )


def past(earlier: list[int], at_ms: int) -> Past:
    """What a ledger would count."""
    return Past(
        minute=sum(at_ms - moment < MINUTE_MS for moment in earlier),
        hour=sum(at_ms - moment < HOUR_MS for moment in earlier),
        day=sum(at_ms - moment < DAY_MS for moment in earlier),
        last_ms=earlier[-1] if earlier else None,
    )


def rule_of(subject: Action, earlier: list[int], at_ms: int) -> Rule | None:
    hit = subject.broken_rule(past(earlier, at_ms), at_ms)
    return hit.rule if hit else None


def oracle(subject: Action, earlier: list[int], at_ms: int) -> Rule | None:
    """Sees the whole past, and counts each span in the order of the rules."""
    if subject.cooldown_s and any(at_ms - subject.cooldown_s * 1000 < moment for moment in earlier):
        return Rule.COOLDOWN
    for cap, span_ms, rule in (
        (subject.caps.minute, MINUTE_MS, Rule.CAP_MINUTE),
        (subject.caps.hour, HOUR_MS, Rule.CAP_HOUR),
        (subject.caps.day, DAY_MS, Rule.CAP_DAY),
    ):
        inside = [moment for moment in earlier if moment > at_ms - span_ms]
        if cap != 0 and len(inside) + 1 > cap:
            return rule
    return None


spans = st.sampled_from([1, 999, 1000, 1001, 30_000, MINUTE_MS - 1, MINUTE_MS, MINUTE_MS + 1,
                         HOUR_MS - 1, HOUR_MS, DAY_MS - 1, DAY_MS, 0])  # fmt: skip
rules = st.builds(
    action,
    st.sampled_from([0, 1, 30, 60, 3600]),
    st.integers(0, 3),
    st.integers(0, 4),
    st.integers(0, 5),
)


@given(rules, st.lists(spans, max_size=8), spans)
def test_a_rule_breaks_exactly_when_a_look_at_all_the_past_says_so(
    subject: Action, gaps: list[int], last: int
) -> None:
    earlier, now = [], 1_795_000_000_000
    for gap in gaps:
        now += gap
        earlier.append(now)
    assert rule_of(subject, earlier, now + last) == oracle(subject, earlier, now + last)


@given(rules, st.lists(spans, min_size=1, max_size=60))
def test_no_span_ever_holds_more_than_its_cap(subject: Action, gaps: list[int]) -> None:
    given_at, now = [], 0
    for gap in gaps:
        now += gap
        if rule_of(subject, given_at, now) is None:
            given_at.append(now)
    for cap, span_ms in (
        (subject.caps.minute, MINUTE_MS),
        (subject.caps.hour, HOUR_MS),
        (subject.caps.day, DAY_MS),
    ):
        if cap:
            assert all(
                sum(start <= moment < start + span_ms for moment in given_at) <= cap
                for start in given_at
            )
    if subject.cooldown_s:
        between = [later - earlier for earlier, later in itertools.pairwise(given_at)]
        assert all(gap >= subject.cooldown_s * 1000 for gap in between)


def test_a_cooldown_ends_at_its_last_millisecond() -> None:
    subject = action(cooldown_s=10)
    assert rule_of(subject, [1000], 10_999) is Rule.COOLDOWN
    assert rule_of(subject, [1000], 11_000) is None
    assert rule_of(subject, [], 0) is None


def test_a_cap_of_five_a_day_is_never_ten_around_midnight() -> None:
    subject = action(day=5)
    midnight = 20_000 * DAY_MS
    before = [midnight - 5 + index for index in range(5)]
    assert rule_of(subject, before, midnight) is Rule.CAP_DAY
    assert rule_of(subject, before, midnight - 5 + DAY_MS) is None


def test_rules_are_named_in_order() -> None:
    strict = action(cooldown_s=1, minute=1, hour=1, day=1)
    assert rule_of(strict, [0], 0) is Rule.COOLDOWN
    assert rule_of(strict, [0], 1000) is Rule.CAP_MINUTE
    assert rule_of(strict, [0], MINUTE_MS) is Rule.CAP_HOUR
    assert rule_of(strict, [0], HOUR_MS) is Rule.CAP_DAY
    assert rule_of(strict, [0], DAY_MS) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"points": SCORE_MAX + 1}, {"points": -SCORE_MAX - 1}, {"points": 1.5}, {"points": "5"},
        {"points": True}, {"cooldown_s": -1}, {"cooldown_s": 31_536_001}, {"caps": {"day": -1}},
        {"caps": {"day": 1_000_001}}, {"caps": {"week": 1}}, {"board": "no board"},
        {"action_id": "a b"}, {"bonus": 1}, {"requires_signature": 1},
    ],
)  # fmt: skip
def test_settings_outside_their_limits_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"action_id": "quiz", "points": 5} | settings, Action)
