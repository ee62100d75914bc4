"""Which users are irregular: pure statistics over hours of activity.

Everything is told from the hours alone, in one order, so that the same ledger gives the same
findings, byte for byte.
"""

import math
from collections import Counter
from collections.abc import Sequence

from scoreboard.core.activity import DAY_HOURS, Activity, days_of
from scoreboard.core.finding import Finding, Irregularity, rounded
from scoreboard.core.tail import binomial_tail
from scoreboard.core.thresholds import BASE_DAYS, STANDARD, Thresholds
from scoreboard.core.usual import Crowd, Usual, usual_of


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
        for day, start, end in days_of(hours):
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
        usual = usual_of(Counter(sample)) if own else self._usual
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
                "usual": rounded(typical),
                "z": rounded(z),
                "tail": rounded(tail),
                "samples": len(sample),
            },
        )

    def _deviation(self, usual: Usual, hours: int) -> float:
        """Of the mean of so many logs: what they share, a good day, does not get less with them."""
        at_least = self._at_least
        shared = at_least.day_deviation if hours > 1 else at_least.hour_deviation
        return math.hypot(usual.logs.scale(at_least.mad_floor) / math.sqrt(hours), shared)

    def _interval(self, day: int, today: Sequence[Activity]) -> Finding | None:
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
                "usual": rounded(self._steady),
                "tail": rounded(tail),
            },
        )

    def _cap(self, day: int, today: Sequence[Activity]) -> Finding | None:
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
                "usual": rounded(self._capped),
                "tail": rounded(tail),
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
            numbers={"points": points, "awards": awards, "usual": rounded(wanted)},
        )


def _hours(number: int) -> str:
    return "an hour" if number == 1 else f"{number} hours"
