"""Tells every node."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.standing import Snapshot

News = Snapshot | Board
"""What a bus tells: a new top, or a board as it is defined now."""


class Bus(Protocol):
    """Tells every node the newest tops and the boards they belong to.

    At least once, possibly out of order: whoever hears keeps the snapshot with the greatest
    (epoch, seq), and of a board the one heard last.
    """

    async def publish(self, news: Sequence[News]) -> None:
        """Return when the news are with the bus for good.

        Raises:
            Unavailable: they may not be; publish them, or newer ones, again.
        """
        ...

    async def close_period(self, board: str, period: str) -> None:
        """A period is over: nobody who comes now needs its top.

        Raises:
            Unavailable: the bus cannot be reached.
        """
        ...

    def news(self) -> AsyncIterator[Sequence[News]]:
        """The newest known of everything, as the first batch, then what is published, in batches.

        The first batch comes when it is complete, and may be empty. It never ends and raises
        nothing: while the bus is lost it waits; what was missed meanwhile comes afterwards.
        """
        ...

    async def feed(self, postings: Sequence[Posting]) -> None:
        """Hand postings to other systems, in order; return when the bus has all of them for good.

        A bus without such a feed has nothing to do.

        Raises:
            Unavailable: some may be missing; feed all of them again.
        """
        ...
