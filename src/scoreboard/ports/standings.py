"""Reads of scores in their order, which a ranking and a ledger both answer."""

from collections.abc import Sequence
from typing import Protocol

from scoreboard.core.board import Board
from scoreboard.core.standing import Page, Row, Snapshot, Standing

Key = tuple[int, int]
"""A sort key, from ``Score.key``."""

Place = tuple[int, int]
"""An (epoch, seq)."""

COUNT_MAX = 100_000
"""How many better scores a ledger counts for one standing before it says that it cannot."""


class Standings(Protocol):
    """Reads of scores in their order; each answer is true at one moment.

    Only active users are in them. With ``own`` somebody asks for itself: a user who is not shown
    gets the place that it would have among those who are.

    A ranking answers None for a period that it does not hold; the ledger holds every period and
    is slower.
    """

    async def snapshot(self, board: Board, period: str) -> Snapshot | None:
        """The top ten."""
        ...

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page | None:
        """Rows in order, after a sort key."""
        ...

    async def standing(
        self, board: Board, period: str, user_id: str, *, own: bool = False
    ) -> Standing | None:
        """One user's standing.

        Raises:
            NotFound: the user has no score in it, or is not shown.
            Unavailable: also, of a shared ledger, when over ``COUNT_MAX`` scores stand before it.
        """
        ...

    async def own_standing(
        self, board: Board, period: str, user_id: str
    ) -> tuple[Place, Standing | None] | None:
        """What a user who asks for itself is told, None without a score; and where it is true.

        Raises:
            Unavailable: also as ``standing``.
        """
        ...

    async def around(
        self, board: Board, period: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row] | None:
        """A user's row between its neighbours, at most ``radius`` on either side.

        Raises:
            NotFound: the user has no score in it, or is not shown.
        """
        ...

    async def total(self, board: Board, period: str) -> int | None:
        """How many users stand in the period, of those who are shown."""
        ...
