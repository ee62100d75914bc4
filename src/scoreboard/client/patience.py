"""How often, how long, and after which waits something is asked again."""

import random
from collections.abc import Callable

from msgspec import Struct

ATTEMPTS = 8
DEADLINE_S = 60.0
TIMEOUT_S = 10.0
FIRST_WAIT_S = 0.1
WAIT_MAX_S = 5.0
TIMEOUT_MIN_S = 0.05

Chance = Callable[[], float]
"""A number from 0 to 1."""


class Patience(Struct, frozen=True):
    """At most so many ``attempts``, none begun after ``deadline_s``, each within ``timeout_s``."""

    attempts: int = ATTEMPTS
    deadline_s: float = DEADLINE_S
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.deadline_s <= 0 or self.timeout_s <= 0:
            raise ValueError("attempts is at least 1, deadline_s and timeout_s are above 0")

    def tries(self, clock_s: Callable[[], float], chance: Chance = random.random) -> "Tries":
        return Tries(self, clock_s, chance)


PATIENCE = Patience()


class Tries:
    """The attempts of one request."""

    def __init__(self, patience: Patience, clock_s: Callable[[], float], chance: Chance) -> None:
        self._patience = patience
        self._clock_s = clock_s
        self._chance = chance
        self._end_s = clock_s() + patience.deadline_s
        self._failed = 0

    def timeout_s(self) -> float:
        """How long the next attempt may take: never past the deadline."""
        left_s = self._end_s - self._clock_s()
        return max(TIMEOUT_MIN_S, min(self._patience.timeout_s, left_s))

    def wait_s(self, asked_s: float) -> float | None:
        """After a failed attempt: how long to wait, at least ``asked_s``; None to give up."""
        self._failed += 1
        wait_s = asked_s + jitter_s(self._failed, self._chance)
        if self._failed >= self._patience.attempts or self._clock_s() + wait_s >= self._end_s:
            return None
        return wait_s


def jitter_s(failures: int, chance: Chance = random.random) -> float:
    """Full jitter: a random wait below a ceiling that doubles with each failure, from 1 on.

    So clients that failed together do not come back together.
    """
    ceiling_s = min(WAIT_MAX_S, FIRST_WAIT_S * (1 << min(failures - 1, 16)))
    return chance() * ceiling_s
