"""What users and keys did, hour by hour: the ledger as an audit looks at it."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scoreboard.core.rule import Caps

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
DAY_HOURS = 24

GAP_MIN_MS = 1_000
"""Awards closer than this are one moment: a backend that reports several things at once."""
GAP_MAX_MS = HOUR_MS
"""A longer gap is a pause, not a rhythm."""
STEADY_SHARE = 8
"""A gap is steady when it differs from the one before by at most an eighth of that."""
CAP_MIN = 5
CAP_MAX = 1_000
"""Smaller caps are everybody's (a chest an hour); greater ones nobody reaches by accident."""
CAPPED_MINUTES = 10
"""So often at a minute's cap is an hour at the cap."""

Sighting = tuple[int, int, int, int, str | None, str | None]
"""An award in ledger order: seq, time, user, points, action, key. A tuple: there are millions."""


class Activity(Struct, frozen=True, gc=False):
    """What a user did in an hour (counted from 1970).

    ``minutes`` has a bit for each minute with an award; ``gaps`` are those that follow another
    gap, and ``steady`` the ones of them that are about as long; ``capped`` is 1 when an award was
    the last one that its action's caps allowed.
    """

    user_ref: int
    hour: int
    awards: int
    points: int
    minutes: int
    gaps: int
    steady: int
    capped: int


class KeyActivity(Struct, frozen=True, gc=False):
    """What a key signed in an hour; ``newcomers`` are users that it brought, new that day."""

    key: str
    hour: int
    awards: int
    newcomers: int


def days_of(hours: Sequence[Activity] | Sequence[KeyActivity]) -> Iterable[tuple[int, int, int]]:
    """Each day with where its hours begin and end."""
    start = 0
    for place in range(1, len(hours) + 1):
        day = hours[start].hour // DAY_HOURS
        if place == len(hours) or hours[place].hour // DAY_HOURS != day:
            yield day, start, place
            start = place


class Summary:
    """Adds awards up by hour; hand over sightings from the beginning of a day on.

    Nothing is carried over midnight (UTC) but the newest user, so that the same hours come out
    wherever a run begins. Memory grows with the users of one day.
    """

    def __init__(self, caps: Mapping[str, Caps], newest: int) -> None:
        self._caps = {name: _looked_at(cap) for name, cap in caps.items()}
        self._newest = self._known = newest
        self._hour = 0
        self._users: dict[int, list[int]] = {}
        self._keys: dict[str, list[int]] = {}
        self._rhythms: dict[int, list[int]] = {}
        self._recent: dict[tuple[int, str, int], deque[int]] = {}
        self._brought: set[int] = set()
        self._full: dict[int, int] = {}
        self.activities: list[Activity] = []
        self.key_activities: list[KeyActivity] = []

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Add awards up; hours that have ended are in ``activities`` and ``key_activities``."""
        for _, at, user_ref, points, action_id, key in sightings:
            hour = at // HOUR_MS
            if hour != self._hour:
                self._turn(hour)
            row = self._users.get(user_ref)
            if row is None:
                row = self._users[user_ref] = [0, 0, 0, 0, 0, 0]
                self._newest = max(self._newest, user_ref)
            row[0] += 1
            row[1] += points
            row[2] |= 1 << at // MINUTE_MS % 60
            rhythm = self._rhythms.get(user_ref)
            if rhythm is None:
                self._rhythms[user_ref] = [at, 0]
            else:
                _beat(rhythm, at, row)
            if action_id is not None:
                for cap, span_ms in self._caps.get(action_id, ()):
                    self._count((user_ref, action_id, span_ms), cap, at, row)
            if key is not None:
                signed = self._keys.setdefault(key, [0, 0])
                signed[0] += 1
                if user_ref > self._known and user_ref not in self._brought:
                    self._brought.add(user_ref)
                    signed[1] += 1

    def taken(self) -> tuple[list[Activity], list[KeyActivity]]:
        """The hours that have ended since they were last taken."""
        taken = self.activities, self.key_activities
        self.activities, self.key_activities = [], []
        return taken

    def finish(self) -> None:
        """The hour under way has ended, too."""
        self._turn(self._hour)

    def _turn(self, hour: int) -> None:
        now = self._hour
        self.activities += [Activity(ref, now, *row) for ref, row in self._users.items()]
        self.key_activities += [KeyActivity(key, now, *row) for key, row in self._keys.items()]
        self._users.clear()
        self._keys.clear()
        self._full.clear()
        if hour // DAY_HOURS != now // DAY_HOURS:
            self._rhythms.clear()
            self._recent.clear()
            self._brought.clear()
            self._known = self._newest
        self._hour = hour

    def _count(self, place: tuple[int, str, int], cap: int, at: int, row: list[int]) -> None:
        recent = self._recent.get(place)
        if recent is None:
            recent = self._recent[place] = deque(maxlen=cap)
        recent.append(at)
        user_ref, _, span_ms = place
        if len(recent) < cap or at - recent[0] >= span_ms:
            return
        if span_ms == HOUR_MS:
            row[5] = 1
            return
        full = self._full[user_ref] = self._full.get(user_ref, 0) + 1
        if full == CAPPED_MINUTES:
            row[5] = 1


def _beat(rhythm: list[int], at: int, row: list[int]) -> None:
    """The next award of somebody's: ``rhythm`` is the moment of the last one, and the last gap."""
    last, before = rhythm
    gap = at - last
    if gap < GAP_MIN_MS:
        return
    rhythm[:] = at, gap if gap <= GAP_MAX_MS else 0
    if before and gap <= GAP_MAX_MS:
        row[3] += 1
        row[4] += abs(gap - before) * STEADY_SHARE <= before


def _looked_at(caps: Caps) -> list[tuple[int, int]]:
    spans = ((caps.minute, MINUTE_MS), (caps.hour, HOUR_MS))
    return [(cap, span_ms) for cap, span_ms in spans if CAP_MIN <= cap <= CAP_MAX]
