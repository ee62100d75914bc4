"""It is promised that hours of activity follow from the awards alone, wherever a run begins."""

from itertools import pairwise

from scoreboard.core.activity import (
    CAPPED_MINUTES,
    HOUR_MS,
    MINUTE_MS,
    Activity,
    KeyActivity,
    Sighting,
    Summary,
)
from scoreboard.core.rule import Caps

DAY = 24 * HOUR_MS * 20_000


def seen(at: int, user: int = 1, key: str | None = None, action: str | None = "a") -> Sighting:
    return (1, DAY + at, user, 5, action, key)


def hours(*sightings: Sighting, caps: Caps | None = None, newest: int = 0) -> Summary:
    summary = Summary({"a": caps or Caps()}, newest)
    summary.add(sightings)
    summary.finish()
    return summary


def test_an_hour_has_awards_points_and_minutes() -> None:
    (row,) = hours(seen(0), seen(100), seen(2 * MINUTE_MS)).activities
    assert row == Activity(1, DAY // HOUR_MS, 3, 15, 0b101, 0, 0, 0)


def test_each_user_and_hour_has_a_row() -> None:
    rows = hours(seen(0), seen(5, 2), seen(HOUR_MS)).activities
    assert [(row.user_ref, row.hour - DAY // HOUR_MS) for row in rows] == [(1, 0), (2, 0), (1, 1)]


def test_a_clock_has_steady_gaps_and_a_human_has_not() -> None:
    (clock,) = hours(*(seen(number * 60_000) for number in range(20))).activities
    assert (clock.gaps, clock.steady) == (18, 18)
    (human,) = hours(*(seen(number * number * 5_000) for number in range(12))).activities
    assert human.gaps == 10
    assert human.steady < 5


def test_awards_of_one_moment_and_pauses_are_no_rhythm() -> None:
    (row,) = hours(seen(0), seen(10), seen(60_000), seen(60_500)).activities
    assert row.gaps == 0
    rows = hours(seen(0), seen(60_000), seen(3 * HOUR_MS), seen(3 * HOUR_MS + 60_000)).activities
    assert sum(one.gaps for one in rows) == 0


def test_nothing_is_carried_over_midnight() -> None:
    late = [seen(24 * HOUR_MS - 60_000 * number) for number in (3, 2, 1)]
    early = [seen(24 * HOUR_MS + 60_000 * number) for number in range(3)]
    whole, apart = hours(*late, *early), hours(*early)
    assert whole.activities[-1] == apart.activities[-1]


def test_who_uses_an_hour_s_cap_up_is_at_the_cap() -> None:
    awards = [seen(number * 60_000) for number in range(6)]
    assert hours(*awards, caps=Caps(hour=6)).activities[0].capped == 1
    assert hours(*awards, caps=Caps(hour=7)).activities[0].capped == 0
    assert hours(*awards, caps=Caps(hour=4)).activities[0].capped == 0  # a small one is everybody's


def test_a_cap_slides_over_the_hours() -> None:
    awards = [seen(HOUR_MS - 1_000), *(seen(HOUR_MS + number * 1_000) for number in range(4))]
    assert [row.capped for row in hours(*awards, caps=Caps(hour=5)).activities] == [0, 1]
    far = [seen(0), *(seen(HOUR_MS + number * 1_000) for number in range(4))]
    assert [row.capped for row in hours(*far, caps=Caps(hour=5)).activities] == [0, 0]


def test_a_minute_s_cap_counts_when_it_is_reached_again_and_again() -> None:
    def minutes(number: int) -> Summary:
        awards = [
            seen(minute * 120_000 + beat * 1_000) for minute in range(number) for beat in range(5)
        ]
        return hours(*awards, caps=Caps(minute=5))

    assert minutes(CAPPED_MINUTES).activities[0].capped == 1
    assert minutes(CAPPED_MINUTES - 1).activities[0].capped == 0


def test_actions_without_a_name_or_caps_reach_none() -> None:
    assert hours(seen(0, action=None), seen(1, action="b")).activities[0].capped == 0


def test_a_key_brings_each_new_user_once_a_day() -> None:
    sightings = [
        seen(0, 1, "k"),
        seen(1, 6, "k"),
        seen(2, 7, "k"),
        seen(3, 7, "k"),
        seen(HOUR_MS, 7, "k"),
        seen(24 * HOUR_MS, 7, "k"),
        seen(24 * HOUR_MS + 1, 8, "k"),
    ]
    first = DAY // HOUR_MS
    assert hours(*sightings, newest=5).key_activities == [
        KeyActivity("k", first, 4, 2),
        KeyActivity("k", first + 1, 1, 0),
        KeyActivity("k", first + 24, 2, 1),
    ]


def test_hours_are_taken_once() -> None:
    summary = Summary({}, 0)
    for before, after in pairwise([0, HOUR_MS, 2 * HOUR_MS]):
        summary.add([seen(before), seen(after)])
    users, keys = summary.taken()
    assert (len(users), keys) == (2, [])
    assert summary.taken() == ([], [])
