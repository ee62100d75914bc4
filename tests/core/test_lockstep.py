"""It is promised that a ring is found, and that quizzes and crowds are none."""

import random
from collections.abc import Sequence

import pytest

from scoreboard.core import lockstep
from scoreboard.core.activity import Activity
from scoreboard.core.finding import Finding
from scoreboard.core.lockstep import Lockstep

TODAY = 20_000
HOUR = TODAY * 24


def at(user: int, *places: int, day: int = TODAY) -> list[Activity]:
    """A user awarded in these minutes of a day."""
    masks: dict[int, int] = {}
    for place in places:
        masks[place // 60] = masks.get(place // 60, 0) | 1 << place % 60
    return [
        Activity(user, day * 24 + hour, mask.bit_count(), 5, mask, 0, 0, 0)
        for hour, mask in sorted(masks.items())
    ]


def looked(*users: Sequence[Activity]) -> list[Finding]:
    looking = Lockstep(TODAY)
    for step in (looking.count, looking.mark, looking.keep):
        for hours in users:
            step(hours)
    return looking.rings()


def strangers(number: int, first: int = 100) -> list[list[Activity]]:
    dice = random.Random(7)
    return [at(first + user, *dice.sample(range(600, 1_200), 20)) for user in range(number)]


ROUNDS = [612, 625, 640, 671, 688, 702, 715, 733, 751, 777, 790, 812, 844, 861]


def test_users_who_move_together_are_a_ring() -> None:
    ring = [at(user, *ROUNDS) for user in (1, 2, 3, 4)]
    found = looked(*ring, *strangers(60))
    assert [finding.user_ref for finding in found] == [1, 2, 3, 4]
    assert "3 others: 14 of 14 minutes" in found[0].says
    assert found[0].numbers["users"] == 4


def test_a_few_minutes_more_or_less_hide_nobody() -> None:
    ring = [at(user, *ROUNDS[user:], 600 + user, 880 + user) for user in (1, 2, 3)]
    assert len(looked(*ring, *strangers(60))) == 3


def test_two_are_no_ring_and_strangers_neither() -> None:
    assert looked(at(1, *ROUNDS), at(2, *ROUNDS), *strangers(60)) == []


def test_a_quiz_for_everybody_is_none() -> None:
    quiz = [at(user, *ROUNDS) for user in range(1, 60)]
    assert looked(*quiz) == []


def test_hours_full_of_awards_tell_nothing() -> None:
    busy = [at(user, *range(600, 660), *range(700, 712)) for user in (1, 2, 3)]
    assert looked(*busy, *strangers(60)) == []


def test_days_before_are_not_looked_at() -> None:
    old = [at(user, *ROUNDS, day=TODAY - 1) for user in (1, 2, 3)]
    assert looked(*old, *strangers(60)) == []


def test_sharing_little_of_much_is_none() -> None:
    loose = [at(user, *ROUNDS[:7], *range(900 + user, 1_400, 31)) for user in (1, 2, 3)]
    assert looked(*loose, *strangers(60)) == []


def test_of_too_many_candidates_the_first_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockstep, "CANDIDATES_MAX", 3)
    ring = [at(user, *ROUNDS) for user in (1, 2, 3, 4)]
    assert [finding.user_ref for finding in looked(*ring, *strangers(60))] == [1, 2, 3]
