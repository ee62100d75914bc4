"""Every time zone there is, and every change of its clocks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

ZONES = sorted(available_timezones())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_S = int((datetime(2100, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
RULES_REPEAT_S = int((datetime(2039, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
STEP_S = 4 * 86_400


def distinct_zones() -> list[str]:
    """One name for each set of rules: most names are links to others."""
    return sorted({_rules(name): name for name in reversed(ZONES)}.values())


@cache
def changes(name: str) -> tuple[int, ...]:
    """The seconds since 1970 at which a zone's clocks change, until its rules only repeat."""
    return tuple(_changes(ZoneInfo(name)))


def _changes(zone: ZoneInfo) -> Iterator[int]:
    offset = _offset(zone, 0)
    for start_s in range(0, RULES_REPEAT_S, STEP_S):
        following = _offset(zone, start_s + STEP_S)
        if following != offset:
            yield _first_with(zone, following, start_s, start_s + STEP_S)
        offset = following


def _first_with(zone: ZoneInfo, offset: timedelta | None, low_s: int, high_s: int) -> int:
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset(zone, middle_s) == offset:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s


def _offset(zone: ZoneInfo, at_s: int) -> timedelta | None:
    return (EPOCH + timedelta(seconds=at_s)).astimezone(zone).utcoffset()


def _rules(name: str) -> bytes:
    for root in TZPATH:
        path = Path(root) / name
        if path.is_file():
            return path.read_bytes()
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
