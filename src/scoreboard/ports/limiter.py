"""Counts hits."""

from typing import Protocol

from msgspec import Struct


class Verdict(Struct, frozen=True):
    """Whether a hit was within the limit, what is left, and when more will be (seconds)."""

    allowed: bool
    remaining: int
    reset_s: int


class Rate(Struct, frozen=True):
    """At most ``limit`` hits in any span of ``window_s`` seconds; a limit of 0 is off."""

    limit: int
    window_s: int


class Limiter(Protocol):
    """Counts hits in a sliding log: never more than the limit in any span of the window."""

    async def hit(self, key: str, rate: Rate) -> Verdict:
        """Take a slot when one is free; a refused hit consumes nothing."""
        ...

    async def give_back(self, key: str) -> None:
        """Return the newest slot of a key: what it was taken for did not happen."""
        ...

    async def remember(self, key: str, rate: Rate, age_s: float) -> None:
        """Enter a hit of the past, oldest first, so that a restart grants nothing twice."""
        ...
