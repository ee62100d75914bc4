"""Which of several answers for a board: the ranking, the ledger, or what was frozen."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from scoreboard.core.board import Board
from scoreboard.core.window import Period
from scoreboard.errors import OutOfPlace, Unavailable
from scoreboard.ports import Ledger, Place, Ranking, Standings
from scoreboard.service.catalogue import Boards
from scoreboard.service.frozen import FrozenBoards

LOOKS = 3
"""How often a board may turn out to have been frozen while it was read."""

SETTLED_MS = 60_000
"""How long a period is over before nobody can learn of it late that its board was frozen in it."""

T = TypeVar("T")
Question = Callable[[Standings, Board, str], Awaitable[T | None]]
"""Asks one of them about a board in a period; None where it does not hold the period."""


class Answers:
    """Asks the ranking or, where it does not know, the ledger; for the public, whatever is frozen.

    This is the only place that decides what the public sees.
    """

    def __init__(
        self,
        ledger: Ledger,
        ranking: Ranking,
        catalogue: Boards,
        frozen: FrozenBoards,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        self.ledger = ledger
        self.ranking = ranking
        self._catalogue = catalogue
        self._frozen = frozen
        self._clock_ms = clock_ms

    async def public(self, name: str, period: Period, question: Question[T]) -> T | None:
        """What anybody may know.

        A freeze that this node has not heard of is looked for after the answer and not before: what
        was read then is from before the freeze, or is thrown away. A reveal that it has not heard
        of is met by what is frozen.

        Raises:
            NotFound: there is no such board; and what the question raises.
            Unavailable: also, when what was frozen cannot be told now.
        """
        for _ in range(LOOKS):
            board = self._catalogue.board(name)
            try:
                kept = await self._frozen.standings(board, period)
            except OutOfPlace:
                await self._catalogue.load_anew()
                continue
            if kept is not None:
                return await question(kept, board, period.name)
            answer, asked = await self._asked(board, period, question)
            was_frozen = asked is self.ranking and name in self.ranking.frozen
            if not await self._was_live(board, period, asked):
                continue
            if was_frozen and board.frozen is None:
                # It had not come to the reveal, before which other rows were shown.
                answer = await question(self.ledger, board, period.name)
                if not await self._was_live(board, period, self.ledger):
                    continue
            return answer
        raise Unavailable

    async def live(self, name: str, period: Period, question: Question[T]) -> T | None:
        """What is true now, for those who may know though the board is frozen."""
        answer, _ = await self._asked(self._catalogue.board(name), period, question)
        return answer

    def turned(self, place: Place) -> None:
        """Somebody left or came back by a posting up to this one, on every board."""
        self._frozen.turned(place)

    async def _asked(
        self, board: Board, period: Period, question: Question[T]
    ) -> tuple[T | None, Standings]:
        try:
            answer = await question(self.ranking, board, period.name)
        except Unavailable:
            answer = None
        if answer is not None:
            return answer, self.ranking
        return await question(self.ledger, board, period.name), self.ledger

    async def _was_live(self, board: Board, period: Period, asked: Standings) -> bool:
        """Whether the public may see what was read: the board was not frozen meanwhile."""
        if asked is self.ranking:
            since = self.ranking.frozen.get(board.board)
            unknown = since is not None and (board.frozen is None or board.frozen.seq != since)
        else:
            unknown = board.frozen is None and self._is_open(period)
        if unknown:
            await self._catalogue.load_anew()
        return self._catalogue.board(board.board).frozen == board.frozen

    def _is_open(self, period: Period) -> bool:
        return period.end_ms + SETTLED_MS > self._clock_ms()
