"""Windows and periods: laws over every time zone, and days that history made odd."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.moment import NEVER_MS, milliseconds
from scoreboard.core.window import (
    ALL,
    Period,
    Window,
    period_at,
    period_named,
    window_named,
)
from scoreboard.errors import InvalidParameter

from .zones import LAST_S, ZONES, changes, distinct_zones

HOUR_MS = 3_600_000
RESETTING = (Window.DAY, Window.WEEK, Window.MONTH)
NEAR_A_CHANGE_S = (-86_400, -3_600, -60, -1, 0, 1, 59, 60, 1_800, 3_599, 3_600, 7_200, 86_400)
PLACES = ZONES or ["UTC"]

zones = st.sampled_from(PLACES)
windows = st.sampled_from(RESETTING)
any_moment = st.integers(0, LAST_S * 1000)


@st.composite
def moments_in_zones(draw: st.DrawFn) -> tuple[str, int]:
    """A zone and a moment: any, or within three days of a change of its clocks."""
    zone = draw(zones)
    odd = changes(zone)
    if odd and draw(st.booleans()):
        near_ms = draw(st.sampled_from(odd)) * 1000
        return zone, max(0, near_ms + draw(st.integers(-3 * 24 * HOUR_MS, 3 * 24 * HOUR_MS)))
    return zone, draw(any_moment)


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return milliseconds(local.astimezone(UTC))


def hours(day: str, zone: str) -> float:
    period = period_named(day, zone)
    return (period.end_ms - period.start_ms) / HOUR_MS


@given(moments_in_zones(), windows)
def test_a_period_contains_its_moment(place: tuple[str, int], window: Window) -> None:
    zone, at_ms = place
    period = period_at(window, at_ms, zone)
    assert period.start_ms <= at_ms < period.end_ms
    assert period.contains(at_ms)
    assert period.window is window


@given(moments_in_zones(), windows)
def test_a_period_is_found_by_its_name(place: tuple[str, int], window: Window) -> None:
    zone, at_ms = place
    period = period_at(window, at_ms, zone)
    assert period_named(period.name, zone) == period
    assert window_named(period.name) is window


@given(moments_in_zones(), windows)
def test_periods_tile_the_time_line(place: tuple[str, int], window: Window) -> None:
    zone, at_ms = place
    period = period_at(window, at_ms, zone)
    following = period_at(window, period.end_ms, zone)
    assert following.start_ms == period.end_ms
    assert following.name > period.name
    assert period_at(window, period.start_ms, zone) == period
    assert period_at(window, period.end_ms - 1, zone) == period


@given(zones, windows, any_moment, any_moment)
def test_names_sort_as_strings_in_time_order(
    zone: str, window: Window, one_ms: int, other_ms: int
) -> None:
    first, second = sorted([one_ms, other_ms])
    earlier, later = period_at(window, first, zone), period_at(window, second, zone)
    assert earlier.name <= later.name
    assert earlier.start_ms <= later.start_ms
    assert (earlier.name == later.name) == (earlier == later)


@given(zones, any_moment)
def test_weeks_and_months_are_made_of_whole_days(zone: str, at_ms: int) -> None:
    for window in (Window.WEEK, Window.MONTH):
        period = period_at(window, at_ms, zone)
        assert period_at(Window.DAY, period.start_ms, zone).start_ms == period.start_ms
        assert period_at(Window.DAY, period.end_ms - 1, zone).end_ms == period.end_ms


def test_every_change_of_every_clock_is_inside_a_period() -> None:
    lost = [
        (zone, window, at_ms)
        for zone in distinct_zones()
        for change_s in changes(zone)
        for at_ms in ((change_s + near_s) * 1000 for near_s in NEAR_A_CHANGE_S)
        for window in RESETTING
        if at_ms >= 0 and not period_at(window, at_ms, zone).contains(at_ms)
    ]
    assert lost == []


def test_days_follow_each_other_through_the_years_in_odd_zones() -> None:
    for zone in (
        "Pacific/Apia",
        "America/Goose_Bay",
        "Africa/Cairo",
        "Asia/Gaza",
        "Africa/El_Aaiun",
    ):
        day = period_at(Window.DAY, 0, zone)
        for _ in range(70 * 365):
            following = period_at(Window.DAY, day.end_ms, zone)
            assert following.start_ms == day.end_ms
            assert following.name > day.name
            day = following


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-28", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Africa/Cairo", "2024-04-26", 23),
        ("Africa/Cairo", "2024-10-31", 25),
        ("America/Havana", "2024-03-10", 23),
        ("America/Havana", "2024-11-03", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-31", 24),
        ("Pacific/Kwajalein", "1993-08-20", 24),
        ("Asia/Kolkata", "2026-03-29", 24),
    ],
)
def test_a_day_lasts_as_long_as_the_clocks_make_it(zone: str, day: str, length: float) -> None:
    assert hours(day, zone) == length


def test_the_day_that_samoa_skipped_has_no_moment() -> None:
    skipped = period_named("2011-12-30", "Pacific/Apia")
    assert skipped.start_ms == skipped.end_ms == at("2011-12-30T10:00:00")
    assert not skipped.contains(skipped.start_ms)
    before = period_at(Window.DAY, skipped.start_ms - 1, "Pacific/Apia")
    after = period_at(Window.DAY, skipped.start_ms, "Pacific/Apia")
    assert (before.name, after.name) == ("2011-12-29", "2011-12-31")


def test_a_day_begins_at_the_change_that_skipped_its_midnight() -> None:
    cairo = period_named("2024-04-26", "Africa/Cairo")
    assert cairo.start_ms == at("2024-04-25T22:00:00")
    assert period_at(Window.DAY, cairo.start_ms, "Africa/Cairo").name == "2024-04-26"
    assert period_at(Window.DAY, cairo.start_ms - 1, "Africa/Cairo").name == "2024-04-25"


def test_of_two_midnights_the_first_begins_the_day() -> None:
    havana = period_named("2024-11-03", "America/Havana")
    assert havana.start_ms == at("2024-11-03T00:00:00", "America/Havana", fold=0)
    second = at("2024-11-03T00:30:00", "America/Havana", fold=1)
    assert period_at(Window.DAY, second, "America/Havana") == havana


def test_an_hour_repeated_before_midnight_belongs_to_the_day_that_has_begun() -> None:
    zone = "America/St_Johns"
    midnight = at("1990-10-28T00:00:00", zone, fold=0)
    repeated = at("1990-10-27T23:30:00", zone, fold=1)
    assert repeated > midnight
    assert period_at(Window.DAY, midnight - 1, zone).name == "1990-10-27"
    assert period_at(Window.DAY, repeated, zone).name == "1990-10-28"


def test_a_month_begun_before_its_clock_went_back_goes_on() -> None:
    zone = "America/Goose_Bay"
    day = period_named("1993-10-31", zone)
    assert hours("1993-10-31", zone) == 25
    assert period_at(Window.DAY, day.start_ms + 30_000, zone) == day
    assert period_at(Window.DAY, day.start_ms + 60_000, zone) == day


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2020-12-31", "2020-W53"),
        ("2021-01-03", "2020-W53"),
        ("2021-01-04", "2021-W01"),
        ("2024-12-30", "2025-W01"),
        ("2026-11-23", "2026-W48"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-01", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("1970-01-01", "1970-W01"),
    ],
)
def test_weeks_at_the_ends_of_years(day: str, name: str) -> None:
    period = period_at(Window.WEEK, at(f"{day}T12:00:00"), "UTC")
    assert period.name == name
    assert period.end_ms - period.start_ms == 7 * 24 * HOUR_MS


@pytest.mark.parametrize(
    ("month", "days"),
    [("2024-02", 29), ("2026-02", 28), ("2100-02", 28), ("2026-04", 30), ("2026-12", 31)],
)
def test_months_have_their_days(month: str, days: int) -> None:
    period = period_named(month, "UTC")
    assert period.end_ms - period.start_ms == days * 24 * HOUR_MS


def test_the_leap_day_is_a_day() -> None:
    assert period_at(Window.DAY, at("2024-02-29T23:59:59"), "UTC").name == "2024-02-29"
    assert period_named("2024-02-29", "UTC").end_ms == at("2024-03-01T00:00:00")


def test_a_zone_decides_which_day_it_is() -> None:
    moment = at("2026-11-23T11:00:00")
    names = {
        zone: period_at(Window.DAY, moment, zone).name
        for zone in ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago")
    }
    assert names == {
        "Pacific/Kiritimati": "2026-11-24",
        "UTC": "2026-11-23",
        "Pacific/Pago_Pago": "2026-11-23",
    }
    early = at("2026-11-23T10:30:00")
    assert period_at(Window.DAY, early, "Pacific/Pago_Pago").name == "2026-11-22"


def test_all_time_never_ends() -> None:
    assert period_at(Window.ALL, at("2026-11-23T00:00:00"), "Europe/Berlin") is ALL
    assert period_named("all", "Europe/Berlin") is ALL
    assert Period("all", Window.ALL, 0, NEVER_MS) == ALL
    assert ALL.contains(0)
    assert ALL.contains(NEVER_MS - 1)


@pytest.mark.parametrize(
    "name",
    [
        "", "All", "ALL", "day", "week", "month", "today", "2026", "2026-1", "2026-00", "2026-13",
        "2026-11-00", "2026-11-31", "2026-02-29", "2100-02-29", "2026-1-1", "2026-11-3", "26-11-23",
        "2026-W00", "2026-W54", "2025-W53", "2026-W4", "2026-w48", "2026W48", "2026-W48-1",
        "20261123", "0000-01-01", "0000-01", "0000-W01", "9999-12-31", "9999-12", "10000-01-01",
        "-2026-11-23", "+2026-11-23", "2026-11-23\n", "\n2026-11-23", "2026-11\n", "2026-W48\n",
        "all\n", " all", "2026-11-23 ", "2026-11-23T00:00:00", "2026-11-23Z", "2026/11/23",
        "２０２６-11-23", "2026-١١", "2026-W４８", "2026-11-23\x00", "2026‐11‐23",
        "a" * 10_000, "9" * 10_000,
    ],
)  # fmt: skip
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter):
        period_named(name, "Europe/Berlin")


@given(st.text(max_size=12))
def test_any_other_text_is_a_period_or_refused(name: str) -> None:
    try:
        period = period_named(name, "Europe/Berlin")
    except InvalidParameter:
        return
    assert period.name == name


@given(st.from_regex(r"\A[0-9]{4}-(W?[0-9]{2}|[0-9]{2}-[0-9]{2})\Z"))
def test_a_name_is_canonical_or_refused(name: str) -> None:
    try:
        period = period_named(name, "America/New_York")
    except InvalidParameter:
        return
    assert period.name == name
    assert period.window is window_named(name)


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_in_utc_a_day_is_what_the_calendar_says(day: date) -> None:
    period = period_named(day.isoformat(), "UTC")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert period.start_ms == milliseconds(start)
    assert period.end_ms == milliseconds(start + timedelta(days=1))


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("all", Window.ALL), ("day", Window.DAY), ("week", Window.WEEK), ("month", Window.MONTH),
        ("2026-11-23", Window.DAY), ("2026-W48", Window.WEEK), ("2026-11", Window.MONTH),
        ("", None), ("year", None), ("2026", None), ("2026-11-23\n", None), ("day\n", None),
    ],
)  # fmt: skip
def test_a_name_tells_its_window(name: str, window: Window | None) -> None:
    assert window_named(name) is window
