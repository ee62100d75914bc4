"""Ranks: an index of open periods."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.score import Score
from scoreboard.ports.standings import Place, Standings

APPLY_MAX = 256
"""The most postings in one group that a ranking takes at once."""


NOTHING_FROZEN: Mapping[str, int] = {}


class Move(Struct, frozen=True, gc=False):
    """What one posting does to one user's score on one board in one period."""

    board: str
    period: str
    user_id: str
    points: int
    seq: int
    at: int


class Mark(Struct, frozen=True, gc=False):
    """A change of a top that changes no score: its period was opened, or its board changed."""

    board: str
    period: str
    seq: int
    at: int


class Exit(Struct, frozen=True, gc=False):
    """A user is not shown any more: held, hidden, banned, or erased and so gone ``forever``."""

    user_id: str
    seq: int
    at: int
    forever: bool = False


class Return(Struct, frozen=True, gc=False):
    """A user is shown again, with the score and the place in the order that it has by now."""

    user_id: str
    seq: int
    at: int


Turn = Exit | Return
"""What one posting does to whether a user is shown, on all boards at once."""


class Group(Struct, frozen=True):
    """Postings ``after`` < seq <= ``upto`` as moves, in order, and the tops they marked.

    Or as turns, in order: these come in groups without moves, so that neither has to be woven
    into the other.

    ``frozen`` are all boards that are frozen, each with the seq of its freeze, where the group
    has a change of boards; None where it has none.
    """

    epoch: int
    after: int
    upto: int
    moves: tuple[Move, ...] = ()
    marks: tuple[Mark, ...] = ()
    turns: tuple[Turn, ...] = ()
    frozen: Mapping[str, int] | None = None


class Ranking(Standings, Protocol):
    """Ranks: scores in order, an index of open periods, rebuildable from the ledger at any time.

    Everybody reads; only the leader of the newest term changes it. A ranking that finds itself
    damaged (emptied, evicted, of wrong types) has no place any more and answers None to reads.

    It keeps the scores of unseen users beside the orders: their moves count and show nowhere.

    Raises:
        Unavailable: it cannot be reached.
        Deposed: from whatever changes it: a later term leads; nothing changed.
    """

    @property
    def frozen(self) -> Mapping[str, int]:
        """The boards that were frozen, by the seq of the freeze, when it was last read from here.

        Whoever has read a board, and knows nothing of its freeze, has read what the public is not
        to see: it looks at its catalogue again before it tells anybody.
        """
        ...

    async def lead(self, term: int) -> None:
        """Change it from now on as the leader of this term; an index half rebuilt is dropped."""
        ...

    async def place(self) -> Place | None:
        """The (epoch, seq) reached, or None when it has to be rebuilt first."""
        ...

    async def apply(self, group: Group) -> Sequence[tuple[str, str]]:
        """Apply a group and move the place in one step; answers whose tops it changed.

        A move whose seq is not greater than that of the user's score is already in it.

        Raises:
            OutOfPlace: the group does not begin right after the place; nothing changed.
        """
        ...

    async def rebuild(
        self, place: Place, unseen: Collection[str] = (), frozen: Mapping[str, int] = NOTHING_FROZEN
    ) -> None:
        """Begin a new, empty index at this place, beside the one that is being read.

        ``unseen`` are the users that are not shown, as of the place or any moment since: every
        turn after the place will be applied, and the last one of a user decides. ``frozen`` is as
        in a group, as of the place or any moment since. From now on
        ``place``, ``apply`` and ``load`` are about the new one.
        """
        ...

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        """Add scores, in any order, to one period of the new index.

        ``mark`` names the period and says what last changed its top without leaving a row.
        """
        ...

    async def switch(self) -> None:
        """Read from the new index, now that it has caught up; the old one is gone."""
        ...

    async def forget(self, board: str, period: str) -> None:
        """Drop a period that is over."""
        ...

    async def periods(self) -> Sequence[tuple[str, str]]:
        """The (board, period) pairs it holds."""
        ...

    async def scores_of(
        self, board: str, period: str, user_ids: Sequence[str]
    ) -> tuple[Place, Sequence[Score]] | None:
        """The scores of these users, seen or not, in any order, and the place they are true at.

        None for a period that it does not hold.
        """
        ...

    async def unseen(self) -> tuple[Place, Collection[str]] | None:
        """The users that are not shown, and the place at which that is true."""
        ...
