"""Whether scores are the sums of their postings, as the database adds up."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.window import Period

DIFFERENCES_MAX = 100
"""The most differences that are told of one board's period; one is enough to know."""


class Difference(Struct, frozen=True):
    """A score that is not the sum of its postings; None when there is no score at all."""

    board: str
    period: str
    user_id: str
    score: int | None
    sum: int | None


class ComparedSums(Struct, frozen=True):
    """How many scores a period has, and those that are wrong, by user id."""

    scores: int
    differences: tuple[Difference, ...]


class Sums(Protocol):
    """Adds postings up where they are, in bounded memory of ours.

    Raises:
        Unavailable: there is no answer.
    """

    async def spans(self) -> Sequence[tuple[str, str]]:
        """Every board's period that has scores or a mark, and every board's ``all``."""
        ...

    async def compare_sums(self, board: str, period: Period) -> ComparedSums:
        """Compare the scores of a period with its postings, both as of one moment.

        May take minutes; awards and other reads go on meanwhile.
        """
        ...
