"""How unlikely a number is: robust distances, and the upper tails of counts."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

NORMAL = 1.4826
"""What a median absolute deviation is multiplied with to be a normal distribution's deviation."""
TERMS_MAX = 100_000
NEGLIGIBLE = 1e-17


class Spread(Struct, frozen=True):
    """The middle of the greater half of a sample, and how far that half lies from it.

    Logs of counts lean to the left: whoever has many hours with one award and some with ten is
    far from the middle below it and near above it. Only the upper half says what is a lot.
    """

    median: float
    deviation: float

    @classmethod
    def of(cls, counted: Mapping[float, int]) -> "Spread":
        """Of numbers with how often each occurs, at least one; the greatest tenth sets no width."""
        ordered = sorted(counted.items())
        whole = sum(counted.values())
        half = _without(ordered, whole // 2)
        size = whole - whole // 2
        middle = _without(half, size // 2)[0][0]
        kept = _without(half[::-1], size // 10)
        width = sum(times * (number - middle) ** 2 for number, times in kept)
        return cls(middle, math.sqrt(width / (size - size // 10)))

    def scale(self, floor: float) -> float:
        """What counts as one deviation: never less than a MAD of ``floor`` would make.

        Without a floor a sample in which nearly all is the same number would call everything else
        an outlier. Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
        """
        return max(self.deviation, NORMAL * floor)


def _without(ordered: Sequence[tuple[float, int]], number: int) -> list[tuple[float, int]]:
    """What is left when the first so many are taken away."""
    kept = list(ordered)
    while kept and number >= kept[0][1]:
        number -= kept.pop(0)[1]
    if number:
        kept[0] = (kept[0][0], kept[0][1] - number)
    return kept


def median(sample: Sequence[float]) -> float:
    """The middle of at least one number, or the mean of the two in the middle."""
    ordered = sorted(sample)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_of(counted: Mapping[int, int]) -> int:
    """The middle of numbers that are given with how often each occurs; the lower of two."""
    return quantile_of(counted, 0.5)


def quantile_of(counted: Mapping[int, int], share: float) -> int:
    """The least number that at least this share of them does not exceed; at least one is given."""
    ordered, wanted = sorted(counted), share * sum(counted.values())
    reached = accumulate(counted[number] for number in ordered)
    return next(number for number, seen in zip(ordered, reached, strict=True) if seen >= wanted)


class NegativeBinomial(Struct, frozen=True):
    """Counts that vary more than chance alone would make them; ``size`` None is a Poisson.

    Fitted by moments: size = mean^2 / (variance - mean). Source: Johnson, Kemp and Kotz,
    Univariate Discrete Distributions, section 5.8.
    """

    mean: float
    size: float | None

    @classmethod
    def fitted(cls, count: int, total: float, squares: float) -> "NegativeBinomial":
        """From how many counts there are, their sum and the sum of their squares."""
        mean = total / count
        variance = (squares - total * mean) / max(1, count - 1)
        return cls(mean, mean * mean / (variance - mean) if variance > mean > 0 else None)

    def times(self, hours: int) -> "NegativeBinomial":
        """The sum of so many counts that do not depend on each other."""
        size = None if self.size is None else self.size * hours
        return NegativeBinomial(self.mean * hours, size)

    def tail(self, count: int) -> float:
        """The chance of ``count`` or more; 1 at or below the mean, where nobody asks."""
        if count <= self.mean or self.mean <= 0:
            return 1.0 if count <= self.mean else 0.0
        term, total = math.exp(self._log_chance(count)), 0.0
        for number in range(count, count + TERMS_MAX):
            total += term
            term *= self._ratio(number)
            if term <= total * NEGLIGIBLE:
                break
        return total

    def _log_chance(self, count: int) -> float:
        if self.size is None:
            return count * math.log(self.mean) - self.mean - math.lgamma(count + 1)
        chosen = math.lgamma(count + self.size) - math.lgamma(self.size) - math.lgamma(count + 1)
        whole = self.size + self.mean
        return (
            chosen + self.size * math.log(self.size / whole) + count * math.log(self.mean / whole)
        )

    def _ratio(self, number: int) -> float:
        if self.size is None:
            return self.mean / (number + 1)
        return (number + self.size) / (number + 1) * self.mean / (self.size + self.mean)


def binomial_tail(hits: int, tries: int, chance: float) -> float:
    """The chance of ``hits`` or more in so many tries, each with the same chance above 0."""
    if hits <= 0 or chance >= 1:
        return 1.0
    chosen = math.lgamma(tries + 1) - math.lgamma(hits + 1) - math.lgamma(tries - hits + 1)
    term = math.exp(chosen + hits * math.log(chance) + (tries - hits) * math.log1p(-chance))
    total = term
    for number in range(hits, tries):
        term *= (tries - number) / (number + 1) * chance / (1 - chance)
        total += term
    return min(1.0, total)
