"""Compares a whole ranking with the ledger, on demand: all scores, and all who are shown."""

from collections.abc import Callable, Mapping, Sequence

from scoreboard.core.board import Board
from scoreboard.core.user import Status
from scoreboard.errors import NotFound
from scoreboard.ports import Key, Ledger, Ranking
from scoreboard.service.drift import LOOKS, Compared, Span, compared, reached_head
from scoreboard.service.turns import unseen_in

PAGE = 5_000
SHOWN_PAGE = 1_000

Seen = Callable[[int, int], None]


class Comparison:
    """One comparison, true as of the moments in it; awards and moderators go on meanwhile.

    The ledger's scores are looked up in the ranking, and the ranking's rows in the ledger: whoever
    is in one of the two alone is found from there. Memory grows with who is not shown.

    Raises:
        Unavailable: from all of it: one of the two cannot be read.
    """

    def __init__(self, ledger: Ledger, ranking: Ranking, boards: Mapping[str, Board]) -> None:
        self._ledger = ledger
        self._ranking = ranking
        self._boards = boards
        self._hidden: frozenset[str] = frozenset()

    async def whole(self, seen: Seen) -> Compared | None:
        """Compare everything; None for a ranking that cannot be read until it was rebuilt."""
        self._hidden, ranked = await unseen_in(self._ledger), await self._ranking.unseen()
        if ranked is None:
            return None
        total = await self._turns(frozenset(ranked[1]))
        spans = await self._ranking.periods()
        total = total.plus(await self._missing(frozenset(spans)))
        for number, span in enumerate(spans):
            seen(number, len(spans))
            board = self._boards.get(span[0])
            if board is not None:
                total = total.plus(await self._scores(span))
                total = total.plus(await self._shown(board, span))
        return total

    async def _turns(self, ranked: frozenset[str]) -> Compared:
        """Compare who is not shown."""
        differing = self._hidden ^ ranked
        same = Compared(same=len(self._hidden) - len(self._hidden & differing))
        if not differing:
            return same
        reached = await reached_head(self._ledger, self._ranking)
        kept, again = await unseen_in(self._ledger), await self._ranking.unseen()
        still = differing & (kept ^ frozenset(again[1])) if again else frozenset[str]()
        wrong = len(still) if reached else 0
        return same.plus(Compared(moving=len(differing) - wrong, different=wrong))

    async def _missing(self, ranked: frozenset[Span]) -> Compared:
        """Count the scores of open periods that the ranking does not hold."""
        now_ms = (await self._ledger.head()).at
        expected = {
            (name, period.name)
            for name, board in self._boards.items()
            for period in board.periods_at(now_ms)
        }
        missing = expected.intersection(await self._ledger.spans()) - ranked
        if not missing or not await reached_head(self._ledger, self._ranking):
            return Compared()
        number = 0
        for span in missing.difference(await self._ranking.periods()):
            after: str | None = None
            while page := await self._ledger.scores(*span, after, PAGE):
                number, after = number + len(page), page[-1].user_id
        return Compared(different=number)

    async def _scores(self, span: Span) -> Compared:
        """Look every score of the ledger up in the ranking, shown or not."""
        total = Compared()
        after: str | None = None
        while page := await self._ledger.scores(*span, after, PAGE):
            after, users = page[-1].user_id, [score.user_id for score in page]
            found = await self._compared(span, users)
            if found.different:
                # Whoever was erased since the page was read is looked for among the rows.
                kept = await self._ledger.scores_of(*span, users)
                found = await self._compared(span, [score.user_id for score in kept])
            total = total.plus(found)
        return total

    async def _shown(self, board: Board, span: Span) -> Compared:
        """Look every row of the ranking up in the ledger: who has no score, or is not shown."""
        total = await self._strangers(span, sorted(self._hidden))
        hidden = list[str]()
        after: Key | None = None
        while page := await self._ranking.page(board, span[1], after, SHOWN_PAGE):
            users = [row.user_id for row in page.rows]
            total = total.plus(await self._strangers(span, users))
            hidden += (user_id for user_id in users if user_id in self._hidden)
            after = page.end
            if after is None:
                break
        if hidden and await reached_head(self._ledger, self._ranking):
            for user_id in hidden:
                if await self._is_shown(board, span[1], user_id):
                    total = total.plus(Compared(different=1))
        return total

    async def _strangers(self, span: Span, users: Sequence[str]) -> Compared:
        """Those whom the ledger does not have there, and the ranking does."""
        different = 0
        for start in range(0, len(users), PAGE):
            some = users[start : start + PAGE]
            kept = {score.user_id for score in await self._ledger.scores_of(*span, some)}
            unknown = [user_id for user_id in some if user_id not in kept]
            found = await self._compared(span, unknown)
            # Somebody erased a moment ago is one of them until the ranking knows.
            if found.different and await reached_head(self._ledger, self._ranking):
                different += (await self._compared(span, unknown)).different
        return Compared(different=different)

    async def _is_shown(self, board: Board, period: str, user_id: str) -> bool:
        """Whether the ranking still shows somebody whom the ledger does not."""
        try:
            standing = await self._ranking.standing(board, period, user_id)
        except NotFound:
            return False
        return standing is not None and await self._ledger.status_of(user_id) is not Status.ACTIVE

    async def _compared(self, span: Span, users: Sequence[str]) -> Compared:
        found = await compared(self._ledger, self._ranking, span, users)
        for _ in range(LOOKS - 1):
            if found.different:
                found = await compared(self._ledger, self._ranking, span, users)
        return found
