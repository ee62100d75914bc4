"""What is usual: in an hour of one user or key, and among everybody."""

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from scoreboard.core.activity import DAY_HOURS, Activity
from scoreboard.core.tail import NegativeBinomial, Spread, median, median_of, quantile_of
from scoreboard.core.thresholds import STANDARD, Thresholds


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
        return usual_of(self._counted)

    def steady_share(self) -> float:
        return self._steady / self._gaps if self._gaps else 0.0

    def capped_share(self) -> float:
        return self._capped / self._hours if self._hours else 0.0

    def jump_points(self) -> float | None:
        """The points that hardly any established user has got; None when there are too few."""
        if self._established < self._at_least.jump_users:
            return None
        return _points_at(quantile_of(self._totals, self._at_least.jump_share))


def usual_of(counted: Mapping[int, int]) -> Usual:
    """Of counts of awards with how often each occurs."""
    number = sum(counted.values())
    total = sum(count * times for count, times in counted.items())
    squares = sum(count * count * times for count, times in counted.items())
    logs = Spread.of({math.log(count): times for count, times in counted.items()})
    return Usual(logs, NegativeBinomial.fitted(number, total, squares))


def _magnitude(points: int) -> int:
    return round(math.log(points) * 20) if points > 0 else 0


def _points_at(magnitude: int) -> float:
    return math.exp(magnitude / 20)
