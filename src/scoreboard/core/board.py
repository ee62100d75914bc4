"""A board: a named competition in which points add up and more is better."""

from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from scoreboard.core.identifier import BoardId
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rule import HOUR_MS, Hit, Past, Rule
from scoreboard.core.score import SCORE_MAX
from scoreboard.core.window import Period, Window, period_at, period_named, window_named
from scoreboard.errors import InvalidParameter, InvalidPayload, NotFound

DEFAULT_BOARD = "default"

Title = Annotated[str, Meta(max_length=100)]
TimeZone = Annotated[str, Meta(max_length=64)]
PointsPerHour = Annotated[int, Meta(ge=0, le=SCORE_MAX)]


class Tie(StrEnum):
    """How equal scores are numbered: 1234, to whoever got there first, or shared, 1224."""

    FIRST_REACHED = "first-reached"
    SHARED = "shared"


class Freeze(Struct, frozen=True, kw_only=True):
    """Since when the public sees a board as it was.

    The ``seq`` of its posting, the time of that in milliseconds, and how many users stood on the
    board, all time.
    """

    seq: int
    at: int
    users: int


class Board(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a board.

    ``windows`` always has ``all``. Windows may be added later and are never taken away; the time
    zone stands once a board has a window that resets: so the periods in which a posting counts
    follow from its board and its time alone.

    ``points_per_hour`` is the most that a user may gain on it in any 3,600 seconds, over all its
    actions; 0 is no cap. In the ``shadow`` it is judged and counted, and refuses nothing.

    ``frozen`` is no setting that anybody puts: it follows from the board's postings, and only the
    ledger knows it.
    """

    board: BoardId
    title: Title = ""
    tie: Tie = Tie.FIRST_REACHED
    windows: tuple[Window, ...] = (Window.ALL,)
    time_zone: TimeZone = "UTC"
    points_per_hour: PointsPerHour = 0
    shadow: bool = False
    frozen: Freeze | None = None

    def __post_init__(self) -> None:
        """Refuse settings that cannot be, wherever they come from.

        Raises:
            InvalidPayload: a window twice, no window ``all``, or no such time zone.
        """
        if Window.ALL not in self.windows or len(set(self.windows)) < len(self.windows):
            raise InvalidPayload("/windows")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidPayload("/time_zone") from None

    def periods_at(self, at_ms: int) -> tuple[Period, ...]:
        """The periods, one a window and ``all`` first, in which points of this moment count."""
        return tuple(
            period_at(window, at_ms, self.time_zone) for window in Window if window in self.windows
        )

    def periods_of(self, posting: Posting) -> tuple[Period, ...]:
        """The periods whose tops a change of this board is in: the current ones.

        To reveal it changes all since the freeze: what has ended meanwhile was shown as of then.
        """
        since = self.frozen.at if self.frozen and posting.kind is Kind.REVEAL else posting.at
        found: list[Period] = []
        for period in self.periods_at(since):
            found.append(period)
            while found[-1].end_ms <= posting.at:
                found.append(period_at(period.window, found[-1].end_ms, self.time_zone))
        return tuple(found)

    def period(self, name: str, at_ms: int) -> Period:
        """The period that ``name`` means at a moment: a window (its current one) or a name.

        Raises:
            InvalidParameter: no period can have that name.
            NotFound: this board does not have that window.
        """
        window = window_named(name)
        if window is None:
            raise InvalidParameter
        if window not in self.windows:
            raise NotFound
        if name == window.value:
            return period_at(window, at_ms, self.time_zone)
        return period_named(name, self.time_zone)

    def broken_rule(self, past: Past, points: int) -> Hit | None:
        """Its cap of points, when an award of these points would exceed it.

        ``past`` is that of the user on this board. What an award takes away makes no room, and
        is never refused.
        """
        after = past.points + points
        if self.points_per_hour == 0 or points <= 0 or after <= self.points_per_hour:
            return None
        return Hit(Rule.POINTS_HOUR, self.points_per_hour, after, HOUR_MS // 1000)

    def turn(self, *, frozen: bool | None) -> Kind | None:
        """The posting that freezes or reveals it as is wanted; None when nothing is to be done."""
        if frozen is None or frozen is (self.frozen is not None):
            return None
        return Kind.FREEZE if frozen else Kind.REVEAL

    def added_windows(self, before: "Board | None") -> tuple[Window, ...]:
        """The windows that this board has and ``before`` had not.

        Raises:
            InvalidPayload: a window is taken away, or the time zone changes though a window resets.
        """
        if before is None:
            return self.windows
        if not set(before.windows) <= set(self.windows):
            raise InvalidPayload("/windows")
        resets = set(before.windows) - {Window.ALL}
        if resets and before.time_zone != self.time_zone:
            raise InvalidPayload("/time_zone")
        return tuple(window for window in self.windows if window not in before.windows)
