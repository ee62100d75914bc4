"""A rule: what may refuse an award for its moment, or for what was awarded before it."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0, le=1_000_000)]
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SPANS_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}


class Rule(StrEnum):
    """What can refuse an award, in the order in which they are judged."""

    TIME_SPAN = "time-span"
    COOLDOWN = "cooldown"
    CAP_MINUTE = "cap-minute"
    CAP_HOUR = "cap-hour"
    CAP_DAY = "cap-day"
    KEY_MINUTE = "key-minute"
    KEY_HOUR = "key-hour"
    KEY_DAY = "key-day"
    POINTS_HOUR = "points-hour"

    @property
    def of_key(self) -> bool:
        """Whether it is about a signing key, over all users."""
        return self in _OF_KEYS

    @property
    def of_board(self) -> bool:
        """Whether it is about a board, over all its actions."""
        return self is Rule.POINTS_HOUR


_OF_KEYS = frozenset({Rule.KEY_MINUTE, Rule.KEY_HOUR, Rule.KEY_DAY})


class Hit(Struct, frozen=True):
    """A rule that an award breaks, and the numbers.

    ``limit`` and ``seen`` are awards for caps (``seen`` with this award, and at most one more than
    the limit), points for the cap of points (with this award's), milliseconds for a cooldown
    (since the award before), and moments in milliseconds for a time span. ``span_s`` is how far
    back was looked; 0 for a time span.
    """

    rule: Rule
    limit: int
    seen: int
    span_s: int


class Past(Struct):
    """What was awarded before, as of one moment.

    Awards in the last minute, hour and day (counting may stop at a cap), the moment of the last
    one, and the points gained in the last hour. An award of exactly a span ago is not in it.
    """

    minute: int = 0
    hour: int = 0
    day: int = 0
    last_ms: int | None = None
    points: int = 0

    def add(self, at_ms: int, points: int) -> None:
        """One more award, of the moment that this is as of."""
        self.minute += 1
        self.hour += 1
        self.day += 1
        self.last_ms = at_ms
        self.points += max(0, points)


NO_PAST = Past()


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many awards there may be in any minute, hour or day; 0 is no cap.

    The spans slide (60, 3,600 and 86,400 seconds back from the award): a cap of 5 a day is never
    10 around midnight.
    """

    minute: Count = 0
    hour: Count = 0
    day: Count = 0

    def spans(self) -> list[tuple[str, int]]:
        """The name of each span that has a cap, and the cap."""
        return [(name, cap) for name in SPANS_MS if (cap := getattr(self, name))]

    def exceeded(self, past: Past, prefix: str) -> Hit | None:
        """The first cap that one more award would exceed; its rule's name has this prefix."""
        for name, cap in self.spans():
            before = getattr(past, name)
            if before >= cap:
                return Hit(Rule(f"{prefix}-{name}"), cap, cap + 1, SPANS_MS[name] // 1000)
        return None


NO_CAPS = Caps()
