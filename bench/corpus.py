"""Awards of honest users and of cheats, made from a seed: what the audit is tried on.

A day at a time, so that memory holds one day's awards. ``Mix`` is what differs between the
corpus that the checks were tuned on and those they are judged by.
"""

import bisect
import math
import random
from collections.abc import Iterator

from msgspec import Struct

from scoreboard.core.activity import Sighting

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
KEYS = 5
QUEST = "quest"
"""The action with a cap; the others have none."""


class Span(Struct, frozen=True):
    """From least to most."""

    least: float
    most: float

    def drawn(self, dice: random.Random) -> float:
        return dice.uniform(self.least, self.most)

    def whole(self, dice: random.Random) -> int:
        return dice.randint(int(self.least), int(self.most))


class Mix(Struct, frozen=True, kw_only=True):
    """How the users are; counts are an hour's awards, rates are of the mean one."""

    seed: str
    users: int = 2_000
    days: int = 35
    first_cheat_day: int = 14
    cases: int = 10
    usual: float = 4.0
    skew: float = 0.8
    burstiness: Span = Span(1.0, 5.0)
    event_boost: Span = Span(3.0, 6.0)
    quest_cap: int = 20
    spike: Span = Span(20.0, 20.0)
    spike_hours: Span = Span(2, 4)
    interval_s: Span = Span(20.0, 400.0)
    interval_jitter: Span = Span(0.0, 0.04)
    interval_hours: Span = Span(8, 24)
    cap_hours: Span = Span(10, 20)
    stolen_users: Span = Span(20, 60)
    stolen_awards: Span = Span(10, 40)
    ring_users: Span = Span(4, 10)
    ring_rounds: Span = Span(12, 40)
    ring_jitter_s: Span = Span(0.0, 3.0)


class Case(Struct, frozen=True):
    """One cheat: what it is, and which users or key it shows at, on which days (from 0).

    ``through`` is the key that signed for new users who are cheats, though nobody has stolen it.
    """

    kind: str
    days: tuple[int, ...]
    users: tuple[int, ...] = ()
    key: str | None = None
    through: str | None = None


class _Person:
    """An honest user: habits that are drawn once."""

    def __init__(self, ref: int, mix: Mix) -> None:
        dice = self.dice = random.Random(f"{mix.seed}/user/{ref}")
        self.ref = ref
        self.mix = mix
        self.rate = mix.usual * math.exp(dice.gauss(0, mix.skew))
        self.shape = mix.burstiness.drawn(dice)
        self.often = dice.choice((0.1, 0.35, 0.6, 0.8, 0.95))
        self.offset_h = dice.choice((-8, -5, 0, 1, 1, 2, 8, 9))
        self.evening = dice.randint(8, 21)
        self.rhythm = dice.choice((0.0, 0.0, 0.25, 0.5))
        self.bursty = dice.random() < 0.1
        self.first = 0 if dice.random() < 0.75 else dice.randrange(mix.days)
        away = dice.randrange(mix.days)
        self.away = range(away, away + dice.randint(5, 14)) if dice.random() < 0.2 else range(0)
        self.key = f"backend.{ref % KEYS}"

    def hours(self, day: int, events: dict[int, float]) -> list[tuple[int, int]]:
        """The active hours of a local day with their awards."""
        dice = self.dice
        lured = any(hour // 24 == day for hour in events) and dice.random() < 0.3
        if day < self.first or day in self.away:
            return []
        if day != self.first and not lured and dice.random() > self.often:
            return []
        active: set[int] = set()
        for _ in range(dice.choice((1, 1, 2, 3))):
            start = round(dice.gauss(self.evening, 2.5))
            active.update(range(start, start + dice.choice((1, 1, 2, 2, 3, 4))))
        utc = {day * 24 + hour - self.offset_h for hour in active}
        utc |= {hour for hour in events if hour // 24 == day and lured}
        mood = math.exp(dice.gauss(0, 0.3))
        counted = []
        for hour in sorted(utc):
            rate = self.rate * mood * events.get(hour, 1.0)
            if self.bursty and dice.random() < 0.05:
                rate *= dice.uniform(2, 4)
            count = _poisson(dice, rate * dice.gammavariate(self.shape, 1 / self.shape))
            if count:
                counted.append((hour, count))
        return counted

    def moments(self, hour: int, count: int) -> list[int]:
        """When in the hour, in milliseconds."""
        dice = self.dice
        if not self.rhythm or count < 3:
            return sorted(hour * HOUR_MS + dice.randrange(HOUR_MS) for _ in range(count))
        shape = 1 / self.rhythm**2
        gaps = [dice.gammavariate(shape, 1 / shape) for _ in range(count + 1)]
        whole, at, found = sum(gaps), 0.0, []
        for gap in gaps[:count]:
            at += gap
            found.append(hour * HOUR_MS + int(at / whole * HOUR_MS))
        return found


class Corpus:
    """``days`` yields each day's awards in order; ``cases`` says who cheated."""

    def __init__(self, mix: Mix) -> None:
        self.mix = mix
        self._dice = random.Random(f"{mix.seed}/corpus")
        self._people = [_Person(ref, mix) for ref in range(1, mix.users + 1)]
        # The ledger numbers users as they come.
        self._people.sort(key=lambda person: (person.first, person.ref))
        self._refs = {person.ref: 0 for person in self._people}
        self._next_ref = 1
        self._seq = 0
        self._awards: dict[int, list[tuple[int, int, str, str | None]]] = {}
        self._events = self._made_events()
        self.cases: list[Case] = []
        self.honest_days = 0
        self._spikes: dict[tuple[int, int], float] = {}
        self._pending = self._planned()

    def days(self) -> Iterator[list[Sighting]]:
        for day in range(self.mix.days + 1):
            if day < self.mix.days:
                self._live(day)
                self._cheat(day)
            if day:
                yield self._sorted(day - 1)

    def cheats(self) -> set[tuple[int, int]]:
        """Users and days that are no honest ones."""
        return {(user, day) for case in self.cases for user in case.users for day in case.days}

    # --- honest

    def _made_events(self) -> dict[int, float]:
        """Hours in which everybody does more."""
        events = {}
        for day in self._dice.sample(range(3, self.mix.days), max(1, self.mix.days // 9)):
            start, boost = day * 24 + self._dice.randrange(14, 21), self.mix.event_boost
            for hour in range(start, start + 2):
                events[hour] = boost.drawn(self._dice)
        return events

    def _live(self, day: int) -> None:
        for person in self._people:
            for hour, count in person.hours(day, self._events):
                if hour // 24 not in (day - 1, day, day + 1) or hour < 0:
                    continue
                ref = self._ref(person)
                boost = self._spikes.get((ref, hour // 24))
                number = round(count * boost) if boost else count
                self._put(person, ref, hour, number, capped=boost is None)

    def _put(self, person: _Person, ref: int, hour: int, count: int, *, capped: bool) -> None:
        moments = person.moments(hour, count)
        quest = person.dice.random() < 0.5 and capped
        # Whoever wants more than a cap allows gets as much as it allows.
        for at in moments[: self.mix.quest_cap] if quest else moments:
            self._award(at, ref, QUEST if quest else "step", person.key)

    def _ref(self, person: _Person) -> int:
        ref = self._refs[person.ref]
        if not ref:
            ref = self._refs[person.ref] = self._next_ref
            self._next_ref += 1
        return ref

    def _newcomer(self) -> int:
        self._next_ref += 1
        return self._next_ref - 1

    def _award(self, at: int, ref: int, action: str, key: str | None) -> None:
        self._awards.setdefault(at // DAY_MS, []).append((at, ref, action, key))

    def _sorted(self, day: int) -> list[Sighting]:
        awards = sorted(self._awards.pop(day, []), key=lambda award: award[:2])
        self.honest_days += len({award[1] for award in awards}) if self._judged(day) else 0
        found: list[Sighting] = []
        for at, ref, action, key in awards:
            self._seq += 1
            found.append((self._seq, at, ref, 10, action, key))
        return found

    def _judged(self, day: int) -> bool:
        return day >= self.mix.first_cheat_day

    # --- cheats

    def _planned(self) -> list[tuple[int, str]]:
        kinds = ("spike", "interval", "cap", "key", "ring")
        days = range(self.mix.first_cheat_day, self.mix.days - 1)
        plan = [(self._dice.choice(days), kind) for kind in kinds for _ in range(self.mix.cases)]
        return sorted(plan)

    def _cheat(self, day: int) -> None:
        start = bisect.bisect_left(self._pending, (day, ""))
        end = bisect.bisect_left(self._pending, (day + 1, ""))
        for _, kind in self._pending[start:end]:
            self.cases.append(getattr(self, f"_{kind}")(day))

    def _spike(self, day: int) -> Case:
        """A user who is here often does many times what is usual, for some hours."""
        dice = self._dice
        regulars = [p for p in self._people if p.often >= 0.6 and p.first == 0]
        person = dice.choice(regulars)
        ref = self._ref(person)
        start = dice.randrange(day * 24, day * 24 + 18)
        for hour in range(start, start + self.mix.spike_hours.whole(dice)):
            rate = person.rate * self.mix.spike.drawn(dice)
            self._put(person, ref, hour, max(1, _poisson(dice, rate)), capped=False)
        return Case("spike", (start // 24, (hour) // 24), (ref,))

    def _interval(self, day: int) -> Case:
        """A script with a timer."""
        dice, mix = self._dice, self.mix
        person = dice.choice(self._people[: len(self._people) // 2])
        ref = self._ref(person) if dice.random() < 0.5 else self._newcomer()
        every = mix.interval_s.drawn(dice) * 1000
        jitter = mix.interval_jitter.drawn(dice)
        at = day * DAY_MS + dice.uniform(0, 6 * HOUR_MS)
        end = min((day + 1) * DAY_MS, at + mix.interval_hours.drawn(dice) * HOUR_MS)
        while at < end:
            self._award(int(at), ref, "step", person.key)
            at += every * max(0.1, dice.gauss(1, jitter))
        return Case("interval", (day,), (ref,))

    def _cap(self, day: int) -> Case:
        """A script that takes all that a cap allows, at random moments."""
        dice = self._dice
        person = dice.choice(self._people)
        ref = self._newcomer()
        start = day * 24 + dice.randrange(0, 4)
        for hour in range(start, start + self.mix.cap_hours.whole(dice)):
            for at in sorted(dice.randrange(HOUR_MS) for _ in range(self.mix.quest_cap)):
                self._award(hour * HOUR_MS + at, ref, QUEST, person.key)
        return Case("cap", (day, day + 1), (ref,))

    def _key(self, day: int) -> Case:
        """Somebody who has a key signs for users that nobody has seen."""
        dice = self._dice
        key = f"backend.{dice.randrange(KEYS)}"
        start = day * DAY_MS + dice.randrange(18) * HOUR_MS
        span = dice.uniform(1, 4) * HOUR_MS
        users = [self._newcomer() for _ in range(self.mix.stolen_users.whole(dice))]
        for user in users:
            for _ in range(self.mix.stolen_awards.whole(dice)):
                self._award(int(start + dice.uniform(0, span)), user, "step", key)
        return Case("key", (day,), tuple(users), key)

    def _ring(self, day: int) -> Case:
        """Several users whom one hand moves."""
        dice, mix = self._dice, self.mix
        start = day * DAY_MS + dice.randrange(12) * HOUR_MS
        span = dice.uniform(3, 10) * HOUR_MS
        key = f"backend.{dice.randrange(KEYS)}"
        users = [self._newcomer() for _ in range(mix.ring_users.whole(dice))]
        jitter = mix.ring_jitter_s.drawn(dice) * 1000
        for at in sorted(dice.uniform(0, span) for _ in range(mix.ring_rounds.whole(dice))):
            for user in users:
                self._award(int(start + at + dice.uniform(0, jitter)), user, "step", key)
        return Case("ring", (day,), tuple(users), through=key)


def _poisson(dice: random.Random, mean: float) -> int:
    if mean > 200:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        number += 1
    return number
