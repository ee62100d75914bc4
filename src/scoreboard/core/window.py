"""Windows and their periods: the only place that names a period or knows when it ends.

A period begins at the first instant of its first local day and ends where the next one begins,
so that the periods of a window cover the time line once, without gaps, through every change of
the clocks: a day may last 23, 24 or 25 hours, and a day that a country skipped has no moment.
"""

import re
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from scoreboard.core.moment import EPOCH, NEVER_MS, milliseconds
from scoreboard.errors import InvalidParameter

_NAME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})|(?P<week>\d{4}-W\d{2})|(?P<month>\d{4}-\d{2})|(?P<all>all)",
    re.ASCII,
)


class Window(StrEnum):
    """A kind of time span in which points add up."""

    ALL = "all"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_WINDOWS = frozenset(window.value for window in Window)


class Period(Struct, frozen=True):
    """One span of a window: ``start_ms`` is in it, ``end_ms`` is the next one's first moment."""

    name: str
    window: Window
    start_ms: int
    end_ms: int

    def contains(self, at_ms: int) -> bool:
        return self.start_ms <= at_ms < self.end_ms


ALL = Period("all", Window.ALL, 0, NEVER_MS)


def period_at(window: Window, at_ms: int, time_zone: str) -> Period:
    """The period of ``window`` that contains the moment, in an IANA time zone."""
    if window is Window.ALL:
        return ALL
    local = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(time_zone)).date()
    first = _first_day(window, local)
    # A clock set back over midnight repeats the end of a day whose successor has begun.
    period = _period(window, first, time_zone)
    return period if period.contains(at_ms) else _period(window, _next(window, first), time_zone)


def period_named(name: str, time_zone: str) -> Period:
    """The period of this name.

    Raises:
        InvalidParameter: the name is not canonical or names no date.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidParameter
    window = Window(match.lastgroup or "all")
    if window is Window.ALL:
        return ALL
    try:
        first = _parse(window, name)
        return _period(window, first, time_zone)
    except (ValueError, OverflowError):
        raise InvalidParameter from None


def window_named(name: str) -> Window | None:
    """The window of a period's name or of the window's own name; None when it is neither."""
    if name in _WINDOWS:
        return Window(name)
    match = _NAME.fullmatch(name)
    return Window(match.lastgroup or "all") if match else None


@lru_cache(maxsize=4096)
def _period(window: Window, first: date, time_zone: str) -> Period:
    zone = ZoneInfo(time_zone)
    following = _next(window, first)
    return Period(_name(window, first), window, _start_ms(first, zone), _start_ms(following, zone))


def _start_ms(day: date, zone: ZoneInfo) -> int:
    # fold=0: of two midnights the first; a midnight that was skipped maps to the change itself.
    return milliseconds(datetime.combine(day, time(), zone))


def _first_day(window: Window, day: date) -> date:
    match window:
        case Window.WEEK:
            return day - timedelta(days=day.weekday())
        case Window.MONTH:
            return day.replace(day=1)
        case _:
            return day


def _next(window: Window, first: date) -> date:
    match window:
        case Window.WEEK:
            return first + timedelta(days=7)
        case Window.MONTH:
            return (first + timedelta(days=31)).replace(day=1)
        case _:
            return first + timedelta(days=1)


def _name(window: Window, first: date) -> str:
    match window:
        case Window.WEEK:
            year, week, _ = first.isocalendar()
            return f"{year:04d}-W{week:02d}"
        case Window.MONTH:
            return f"{first.year:04d}-{first.month:02d}"
        case _:
            return first.isoformat()


def _parse(window: Window, name: str) -> date:
    match window:
        case Window.WEEK:
            return date.fromisocalendar(int(name[:4]), int(name[6:]), 1)
        case Window.MONTH:
            return date(int(name[:4]), int(name[5:]), 1)
        case _:
            return date.fromisoformat(name)
