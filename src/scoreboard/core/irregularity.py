"""Which users and keys are irregular: pure statistics over hours of activity.

Everything is told from the hours alone, in one order, so that the same ledger gives the same
findings, byte for byte.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scoreboard.core.activity import DAY_HOURS, Activity, KeyActivity
from scoreboard.core.finding import Finding, Irregularity
from scoreboard.core.tail import (
    NegativeBinomial,
    Spread,
    binomial_tail,
    median,
    median_of,
    quantile_of,
)

BASE_DAYS = 28
"""How many days before a day tell what is usual."""


Hours = Sequence[Activity]
"""Of one user, oldest first."""


class Thresholds(Struct, frozen=True, kw_only=True):
    """Where the checks begin to call something irregular; ``docs/audit.md`` says why so."""

    z: float = 6.0
    tail: float = 1e-6
    samples: int = 20
    mad_floor: float = 0.25
    hour_deviation: float = 0.4
    day_deviation: float = 0.25
    spike_hours: int = 6
    spike_awards: int = 10
    crowd: int = 20
    gaps: int = 30
    steady_share: float = 0.7
    steady_usual: float = 0.4
    capped_hours: int = 6
    capped_share: float = 0.8
    capped_usual: float = 0.1
    jump_share: float = 0.999
    jump_users: int = 200
    jump_awards: int = 20
    newcomers: int = 10
    refusals: int = 20
    refused_share: float = 0.2
    refused_times: float = 5.0
    refused_usual: float = 0.01


STANDARD = Thresholds()


class Usual(Struct, frozen=True):
    """What is usual in an hour: the logs of awards as a spread, the awards as counts."""

    logs: Spread
    counts: NegativeBinomial


class Crowd:
    """What everybody did: hand over each user's hours, then ask."""

    def __init__(self, first_day: int, thresholds: Thresholds = STANDARD) -> None:
        self._first_day = first_day
        self._at_least = thresholds
        self._counted: dict[int, int] = {}
        self._ratios: dict[int, dict[int, int]] = {}
        self._totals: dict[int, int] = {}
        self._established = self._steady = self._gaps = self._capped = self._hours = 0

    def add(self, hours: Sequence[Activity]) -> None:
        """One user's hours, oldest first; at least one."""
        for hour in hours:
            self._counted[hour.awards] = self._counted.get(hour.awards, 0) + 1
            self._steady += hour.steady
            self._gaps += hour.gaps
            self._capped += hour.capped
        self._hours += len(hours)
        if hours[0].hour // DAY_HOURS < self._first_day:
            self._established += 1
            place = _magnitude(sum(hour.points for hour in hours))
            self._totals[place] = self._totals.get(place, 0) + 1
        if len(hours) >= self._at_least.samples:
            middle = median([math.log(hour.awards) for hour in hours])
            for hour in hours:
                ratios = self._ratios.setdefault(hour.hour, {})
                place = round((math.log(hour.awards) - middle) * 10)
                ratios[place] = ratios.get(place, 0) + 1

    def effects(self) -> Mapping[int, float]:
        """By how much an hour raised everybody's logs, where enough users tell; never below 0."""
        return {
            hour: max(0, median_of(ratios)) / 10
            for hour, ratios in self._ratios.items()
            if sum(ratios.values()) >= self._at_least.crowd
        }

    def usual(self) -> Usual | None:
        """An hour of anybody; None when there are too few."""
        number = sum(self._counted.values())
        if number < self._at_least.samples:
            return None
        return _usual_of(self._counted)

    def steady_share(self) -> float:
        return self._steady / self._gaps if self._gaps else 0.0

    def capped_share(self) -> float:
        return self._capped / self._hours if self._hours else 0.0

    def jump_points(self) -> float | None:
        """The points that hardly any established user has got; None when there are too few."""
        if self._established < self._at_least.jump_users:
            return None
        return _points_at(quantile_of(self._totals, self._at_least.jump_share))


class Judge:
    """Tells the irregular user-days and key-days from the rest, from a first day on."""

    def __init__(self, crowd: Crowd, first_day: int, thresholds: Thresholds = STANDARD) -> None:
        self._at_least = thresholds
        self._first_day = first_day
        self._effects = crowd.effects()
        self._usual = crowd.usual()
        self._steady = max(thresholds.steady_usual, crowd.steady_share())
        self._capped = max(thresholds.capped_usual, crowd.capped_share())
        self._jump_points = crowd.jump_points()

    def judge(self, hours: Sequence[Activity]) -> list[Finding]:
        """What is irregular about one user, whose hours are given oldest first; at least one."""
        found: list[Finding | None] = []
        for day, start, end in _days(hours):
            if day >= self._first_day:
                today, before = hours[start:end], hours[:start]
                found.append(self._spike(day, today, before))
                found.append(self._interval(day, today))
                found.append(self._cap(day, today))
                found.append(self._jump(day, today, before))
        return [finding for finding in found if finding is not None]

    def _spike(
        self, day: int, today: Sequence[Activity], before: Sequence[Activity]
    ) -> Finding | None:
        at_least = self._at_least
        if max(hour.awards for hour in today) < at_least.spike_awards:
            return None
        since = (day - BASE_DAYS) * DAY_HOURS
        sample = [hour.awards for hour in before if hour.hour >= since]
        own = len(sample) >= at_least.samples
        usual = _usual_of(Counter(sample)) if own else self._usual
        if usual is None:
            return None
        highest = sorted(
            ((hour.awards, self._effects.get(hour.hour, 0.0)) for hour in today),
            key=lambda one: one[1] - math.log(one[0]),
        )[: at_least.spike_hours]
        best: tuple[float, float, int] | None = None
        logs = awards = 0.0
        for number, (count, effect) in enumerate(highest, 1):
            logs += math.log(count) - effect
            awards += count * math.exp(-effect)
            z = (logs / number - usual.logs.median) / self._deviation(usual, number if own else 1)
            if z > at_least.z and (best is None or z > best[0]):
                # Hours of one user are no separate draws from the hours of everybody.
                tail = (
                    usual.counts.times(number).tail(math.floor(awards))
                    if own
                    else usual.counts.tail(math.floor(awards / number))
                )
                best = (z, tail, number) if tail < at_least.tail else best
        if best is None:
            return None
        z, tail, number = best
        total = sum(count for count, _ in highest[:number])
        typical = math.exp(usual.logs.median)
        whose = "the user's own" if own else "anybody's"
        return Finding(
            irregularity=Irregularity.SPIKE,
            day=day,
            user_ref=today[0].user_ref,
            says=f"{total:,} awards in {_hours(number)}, where {typical:.3g} an hour are usual "
            f"({whose} {len(sample) if own else ''} active hours before): {z:.1f} deviations above "
            f"the median of the logs, and by a negative binomial a chance of {tail:.1e}.".replace(
                "  ", " "
            ),
            numbers={
                "awards": total,
                "hours": number,
                "usual": _rounded(typical),
                "z": _rounded(z),
                "tail": _rounded(tail),
                "samples": len(sample),
            },
        )

    def _deviation(self, usual: Usual, hours: int) -> float:
        """Of the mean of so many logs: what they share, a good day, does not get less with them."""
        at_least = self._at_least
        shared = at_least.day_deviation if hours > 1 else at_least.hour_deviation
        return math.hypot(usual.logs.scale(at_least.mad_floor) / math.sqrt(hours), shared)

    def _interval(self, day: int, today: Hours) -> Finding | None:
        at_least = self._at_least
        gaps, steady = sum(hour.gaps for hour in today), sum(hour.steady for hour in today)
        if gaps < at_least.gaps or steady < gaps * at_least.steady_share:
            return None
        tail = binomial_tail(steady, gaps, self._steady)
        if tail >= at_least.tail:
            return None
        return Finding(
            irregularity=Irregularity.INTERVAL,
            day=day,
            user_ref=today[0].user_ref,
            says=f"{steady:,} of {gaps:,} gaps between awards were as long as the one "
            f"before, within an eighth; {self._steady:.0%} would be a lot: a chance of {tail:.1e}.",
            numbers={
                "gaps": gaps,
                "steady": steady,
                "usual": _rounded(self._steady),
                "tail": _rounded(tail),
            },
        )

    def _cap(self, day: int, today: Hours) -> Finding | None:
        at_least = self._at_least
        capped = sum(hour.capped for hour in today)
        if capped < at_least.capped_hours or capped < len(today) * at_least.capped_share:
            return None
        tail = binomial_tail(capped, len(today), self._capped)
        if tail >= at_least.tail:
            return None
        return Finding(
            irregularity=Irregularity.CAP,
            day=day,
            user_ref=today[0].user_ref,
            says=f"In {capped} of {len(today)} active hours an action was awarded exactly as "
            f"often as its cap allows; {self._capped:.0%} would be a lot: a chance of {tail:.1e}.",
            numbers={
                "capped": capped,
                "hours": len(today),
                "usual": _rounded(self._capped),
                "tail": _rounded(tail),
            },
        )

    def _jump(
        self, day: int, today: Sequence[Activity], before: Sequence[Activity]
    ) -> Finding | None:
        wanted = self._jump_points
        awards, points = sum(hour.awards for hour in today), sum(hour.points for hour in today)
        if wanted is None or before or awards < self._at_least.jump_awards or points <= wanted:
            return None
        share = self._at_least.jump_share
        return Finding(
            irregularity=Irregularity.JUMP,
            day=day,
            user_ref=today[0].user_ref,
            says=f"New, and with {points:,} points on the first day past {share:.1%} of the users "
            f"who have been here longer: they have at most {wanted:,.0f} in all these weeks.",
            numbers={"points": points, "awards": awards, "usual": _rounded(wanted)},
        )


def judge_keys(
    keys: Mapping[str, Sequence[KeyActivity]], first_day: int, thresholds: Thresholds = STANDARD
) -> list[Finding]:
    """Days on which a key suddenly brought new users, when the other keys did not.

    The hours of each key are given oldest first. Every hour in which it signed is a sample.
    """
    brought: dict[int, int] = {}
    for hours in keys.values():
        for hour in hours:
            brought[hour.hour] = brought.get(hour.hour, 0) + hour.newcomers
    found = []
    for key in sorted(keys):
        own = {hour.hour: hour.newcomers for hour in keys[key]}
        others = {hour: count - own.get(hour, 0) for hour, count in brought.items()}
        usual = sum(others.values()) / max(1, len(others))
        for day, start, end in _days(keys[key]):
            if day >= first_day:
                since = (day - BASE_DAYS) * DAY_HOURS
                sample = [hour.newcomers for hour in keys[key][:start] if hour.hour >= since]
                today = [
                    (hour, max(1.0, (others[hour.hour] + 1) / (usual + 1)))
                    for hour in keys[key][start:end]
                ]
                finding = _sudden(day, today, sample, thresholds)
                found += [finding] if finding else []
    return found


def _sudden(
    day: int,
    today: Sequence[tuple[KeyActivity, float]],
    sample: Sequence[int],
    at_least: Thresholds,
) -> Finding | None:
    """``today`` has for each hour by how much more than usual the other keys brought."""
    worst, effect = max(today, key=lambda one: (one[0].newcomers / one[1], -one[0].hour))
    if len(sample) < at_least.samples or worst.newcomers < at_least.newcomers:
        return None
    # One more each, since most hours bring nobody; without the hours of a start or a campaign.
    kept = sorted(sample)[: len(sample) - len(sample) // 20]
    usual = _usual_of(Counter(count + 1 for count in kept))
    distance = math.log((worst.newcomers + 1) / effect) - usual.logs.median
    z = distance / math.hypot(usual.logs.scale(at_least.mad_floor), at_least.day_deviation)
    tail = usual.counts.tail(math.floor((worst.newcomers + 1) / effect))
    if z <= at_least.z or tail >= at_least.tail:
        return None
    return Finding(
        irregularity=Irregularity.KEY,
        day=day,
        key=worst.key,
        says=f"The key brought {worst.newcomers:,} new users in an hour, where "
        f"{math.exp(usual.logs.median) - 1:.3g} are usual in its busier hours: {z:.1f} deviations "
        f"above the median of the logs, by a negative binomial a chance of {tail:.1e}.",
        numbers={
            "newcomers": worst.newcomers,
            "awards": worst.awards,
            "z": _rounded(z),
            "tail": _rounded(tail),
            "samples": len(sample),
        },
    )


class Asked(Struct, frozen=True):
    """How many awards a key asked for on a day were recorded, and how many refused."""

    key: str
    day: int
    recorded: int
    refused: int


def refused_keys(asked: Iterable[Asked], thresholds: Thresholds = STANDARD) -> list[Finding]:
    """Keys of which much more is refused than of the others."""
    all_asked = sorted(asked, key=lambda one: (one.day, one.key))
    found = []
    for one in all_asked:
        others = [other for other in all_asked if other.key != one.key]
        refused = sum(other.refused for other in others)
        tries = refused + sum(other.recorded for other in others)
        usual = max(thresholds.refused_usual, refused / tries if tries else 0.0)
        number, share = one.recorded + one.refused, one.refused / max(1, one.recorded + one.refused)
        if one.refused < thresholds.refusals:
            continue
        if share < max(thresholds.refused_share, usual * thresholds.refused_times):
            continue
        tail = binomial_tail(one.refused, number, usual)
        if tail < thresholds.tail:
            found.append(_refused(one, share, usual, tail))
    return found


def _refused(one: Asked, share: float, usual: float, tail: float) -> Finding:
    number = one.recorded + one.refused
    return Finding(
        irregularity=Irregularity.REFUSALS,
        day=one.day,
        key=one.key,
        says=f"{one.refused:,} of {number:,} awards that the key asked for were refused as "
        f"suspicious, {share:.0%}, where {usual:.0%} would be a lot: a chance of {tail:.1e}.",
        numbers={
            "refused": one.refused,
            "asked": number,
            "usual": _rounded(usual),
            "tail": _rounded(tail),
        },
    )


def _days(hours: Sequence[Activity] | Sequence[KeyActivity]) -> Iterable[tuple[int, int, int]]:
    """Each day with where its hours begin and end."""
    start = 0
    for place in range(1, len(hours) + 1):
        day = hours[start].hour // DAY_HOURS
        if place == len(hours) or hours[place].hour // DAY_HOURS != day:
            yield day, start, place
            start = place


def _usual_of(counted: Mapping[int, int]) -> Usual:
    number = sum(counted.values())
    total = sum(count * times for count, times in counted.items())
    squares = sum(count * count * times for count, times in counted.items())
    logs = Spread.of({math.log(count): times for count, times in counted.items()})
    return Usual(logs, NegativeBinomial.fitted(number, total, squares))


def _magnitude(points: int) -> int:
    return round(math.log(points) * 20) if points > 0 else 0


def _points_at(magnitude: int) -> float:
    return math.exp(magnitude / 20)


def _hours(number: int) -> str:
    return "an hour" if number == 1 else f"{number} hours"


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")
