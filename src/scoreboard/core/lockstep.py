"""Rings: users who are awarded in the same minutes, more alike than chance and events explain.

Three looks at the same hours. The first counts how many users each minute had; the second marks
what similar users would share; the third keeps the users who share it, so that memory is bounded
by what is suspicious and not by how many users there are.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from scoreboard.core.activity import DAY_HOURS, Activity
from scoreboard.core.finding import Finding, Irregularity

BANDS = 8
ROWS = 3
SLOTS = 1 << 19
"""Counters a day and band: users that fall on one by chance cost time, never a finding."""
CANDIDATES_MAX = 20_000
"""The most user-days that are compared; of more, those of the first users."""
BUCKET_MAX = 64
"""The most users compared with each other because of one shared mark."""

_PRIME = (1 << 61) - 1
_MASK = (1 << 64) - 1


class Likeness(Struct, frozen=True, kw_only=True):
    """When users are a ring.

    ``minutes`` is how many a user must share; ``weight`` their surprise in nats (20 are a chance
    of 2e-9); ``share`` is that of the surprise that two of them must have in common; ``common``
    is the share of an hour's users from which on a minute is everybody's and tells nothing;
    ``dense`` is how many minutes of an hour with awards tell as little.
    """

    users: int = 3
    minutes: int = 8
    weight: float = 20.0
    share: float = 0.4
    common: float = 0.25
    dense: int = 20


class Lockstep:
    """Looks for rings on each day from the first on: ``count``, ``mark``, ``keep``, ``rings``."""

    def __init__(self, first_day: int, likeness: Likeness | None = None) -> None:
        self._first_day = first_day
        self._likeness = likeness or Likeness()
        self._users: dict[int, int] = {}
        self._minutes: dict[int, list[int]] = {}
        self._marks: dict[tuple[int, int], bytearray] = {}
        self._kept: dict[tuple[int, int], list[int]] = {}

    def count(self, hours: Sequence[Activity]) -> None:
        """First look: one user's hours."""
        for hour in hours:
            if hour.hour // DAY_HOURS >= self._first_day:
                self._users[hour.hour] = self._users.get(hour.hour, 0) + 1
                counts = self._minutes.setdefault(hour.hour, [0] * 60)
                for minute in _bits(hour.minutes):
                    counts[minute] += 1

    def mark(self, hours: Sequence[Activity]) -> None:
        """Second look: the same."""
        for day, minutes in self._days(hours):
            if (day, 0) not in self._marks:
                self._marks |= {(day, band): bytearray(SLOTS) for band in range(BANDS)}
            for band, slot in enumerate(_slots(minutes)):
                marks = self._marks[day, band]
                marks[slot] = min(255, marks[slot] + 1)

    def keep(self, hours: Sequence[Activity]) -> None:
        """Third look: the same."""
        for day, minutes in self._days(hours):
            if len(self._kept) >= CANDIDATES_MAX:
                return
            slots = enumerate(_slots(minutes))
            if any(self._marks[day, band][slot] > 1 for band, slot in slots):
                self._kept[day, hours[0].user_ref] = minutes

    def rings(self) -> list[Finding]:
        """A finding for each member of each ring, in the order of days and users."""
        found = []
        for day in sorted({day for day, _ in self._kept}):
            users = {ref: minutes for (at, ref), minutes in self._kept.items() if at == day}
            for ring in self._grouped(users):
                found += [self._finding(day, ref, ring, users) for ref in ring]
        return sorted(found, key=lambda finding: (finding.day, finding.user_ref or 0))

    def _days(self, hours: Sequence[Activity]) -> Iterable[tuple[int, list[int]]]:
        """The rare minutes of each day (counted from 1970) that has enough of them."""
        days: dict[int, list[int]] = {}
        for hour in hours:
            day = hour.hour // DAY_HOURS
            if day >= self._first_day and hour.minutes.bit_count() <= self._likeness.dense:
                most = max(2 * self._likeness.users, self._users[hour.hour] * self._likeness.common)
                counts = self._minutes[hour.hour]
                days.setdefault(day, []).extend(
                    hour.hour * 60 + minute
                    for minute in _bits(hour.minutes)
                    if counts[minute] <= most
                )
        enough = self._likeness.minutes
        return [(day, minutes) for day, minutes in days.items() if len(minutes) >= enough]

    def _grouped(self, users: dict[int, list[int]]) -> list[list[int]]:
        buckets: dict[tuple[int, int], list[int]] = {}
        for ref in sorted(users):
            for mark in enumerate(_slots(users[ref])):
                buckets.setdefault(mark, []).append(ref)
        leader = {ref: ref for ref in users}
        for bucket in buckets.values():
            members = bucket[:BUCKET_MAX]
            for place, one in enumerate(members):
                for other in members[place + 1 :]:
                    first, second = _leader(leader, one), _leader(leader, other)
                    if first != second and self._alike(users[one], users[other]):
                        leader[max(first, second)] = min(first, second)
        groups: dict[int, list[int]] = {}
        for ref in sorted(users):
            groups.setdefault(_leader(leader, ref), []).append(ref)
        return [group for group in groups.values() if len(group) >= self._likeness.users]

    def _alike(self, one: Sequence[int], other: Sequence[int]) -> bool:
        shared = set(one) & set(other)
        if len(shared) < self._likeness.minutes:
            return False
        alike = self._surprise(one, shared)
        apart = max(self._surprise(one, one), self._surprise(other, other))
        return alike >= max(self._likeness.weight, apart * self._likeness.share)

    def _surprise(self, minutes: Iterable[int], shared: Iterable[int]) -> float:
        """How surprising it is, in nats, that somebody who is awarded as often shares these."""
        often = Counter(minute // 60 for minute in minutes)
        total = 0.0
        for minute in sorted(shared):
            hour = minute // 60
            # As if one more had been there without being awarded: a share is never 1.
            usual = self._minutes[hour][minute % 60] / (self._users[hour] + 1)
            total -= math.log(max(usual, often[hour] / 60))
        return total

    def _finding(
        self, day: int, ref: int, ring: Sequence[int], users: dict[int, list[int]]
    ) -> Finding:
        own = set(users[ref])
        shared = max((own & set(users[other]) for other in ring if other != ref), key=len)
        others, nats = len(ring) - 1, self._surprise(own, shared)
        return Finding(
            irregularity=Irregularity.RING,
            day=day,
            user_ref=ref,
            says=f"Awarded in lockstep with {others} others: {len(shared)} of {len(own)} minutes "
            f"were the same as those of another, once in 10^{nats / math.log(10):.0f} by chance.",
            numbers={
                "users": len(ring),
                "first": ring[0],
                "shared": len(shared),
                "minutes": len(own),
                "nats": float(f"{nats:.4g}"),
            },
        )


def _leader(leader: dict[int, int], ref: int) -> int:
    while leader[ref] != ref:
        ref = leader[ref]
    return ref


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _hashes() -> list[tuple[int, ...]]:
    """For each minute of a day, its rank by each hash of each band."""
    tables = []
    for number in range(ROWS * BANDS):
        factor = (0x9E3779B97F4A7C15 * (2 * number + 3)) & _MASK | 1
        tables.append([pow((factor + minute) % _PRIME, 5, _PRIME) for minute in range(1440)])
    return list(zip(*tables, strict=True))


_RANKS = _hashes()
_HIGHEST = (_PRIME,) * (ROWS * BANDS)


def _slots(minutes: Sequence[int]) -> list[int]:
    """A mark for each band: two sets of minutes share one with the cube of their likeness.

    Source: Broder, On the resemblance and containment of documents (1997).
    """
    lows = list(map(min, _HIGHEST, *[_RANKS[minute % 1440] for minute in minutes]))
    bands = zip(*(lows[row::ROWS] for row in range(ROWS)), strict=True)
    return [hash(band) % SLOTS for band in bands]
