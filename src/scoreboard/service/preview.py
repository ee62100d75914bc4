"""Which ranks a moderation would move, told before anything does."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.preview import PeriodMoves, Preview, ScoreChange
from scoreboard.core.reversal import Awards
from scoreboard.core.score import Score, in_range
from scoreboard.core.user import LEADS_TO, Status
from scoreboard.errors import NotFound, ScoreLimit
from scoreboard.ports import REVERSE_MAX, Ledger, Moderation
from scoreboard.service.moderator import Undone

SCORES_PAGE = 5_000
USERS_PAGE = 1_000

Span = tuple[str, str]


class Foresight:
    """Looks at open periods only; those that are over change as well, and are not told."""

    def __init__(self, ledger: Ledger, clock_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self._clock_ms = clock_ms

    async def of_moderation(self, moderation: Moderation) -> Sequence[PeriodMoves]:
        """The ranks that a change of status, or an erasure, would move.

        Raises:
            NotFound: the ledger does not know the user.
        """
        user = await self._ledger.user(moderation.user_id)
        if user is None:
            raise NotFound
        stands = user.status is Status.ACTIVE
        if stands is (LEADS_TO.get(moderation.kind) is Status.ACTIVE):
            return []
        found = []
        for (name, period), board in (await self._open_periods()).items():
            for score in await self._ledger.scores_of(name, period, [user.user_id]):
                before, after = (score, None) if stands else (None, score)
                changes = [ScoreChange(user.user_id, before, after)]
                found.append(await self._moves(board, period, changes))
        return [moves for moves in found if moves.count]

    async def of_reversal(self, awards: Awards) -> tuple[Undone, Sequence[PeriodMoves]]:
        """What would be taken back now, and the ranks that it would move.

        Raises:
            NotFound: as of the ledger.
            ScoreLimit: a score would leave its range.
        """
        spans = await self._open_periods()
        boards = {name: board for (name, _), board in spans.items()}
        falls: dict[Span, _Falls] = defaultdict(_Falls)
        count = points = 0
        before: int | None = None
        while page := await self._ledger.reversible(awards, before):
            for award in page:
                count, points = count + 1, points - award.points
                for period in boards[award.board].periods_at(award.counts_at):
                    if (award.board, period.name) in spans:
                        falls[award.board, period.name].add(award, count)
            if len(page) < REVERSE_MAX:
                break
            before = page[-1].seq
        unseen = await self._unseen() if falls else frozenset()
        found = []
        for span, fallen in sorted(falls.items(), key=lambda item: item[0]):
            changes = await self._changes(span, fallen, unseen)
            found.append(await self._moves(spans[span], span[1], changes))
        return Undone(count, points), [moves for moves in found if moves.count]

    async def _open_periods(self) -> dict[Span, Board]:
        boards = (await self._ledger.catalogue()).boards.values()
        now_ms = max(self._clock_ms(), (await self._ledger.head()).at)
        return {
            (board.board, period.name): board
            for board in boards
            for period in board.periods_at(now_ms)
        }

    async def _moves(
        self, board: Board, period: str, changes: Iterable[ScoreChange]
    ) -> PeriodMoves:
        preview = Preview(board, period, changes)
        page = await self._ledger.in_order(board.board, period, None, SCORES_PAGE)
        while preview.see(page):
            page = await self._ledger.in_order(board.board, period, page[-1].key(), SCORES_PAGE)
        total = await self._ledger.total(board, period) or 0
        return preview.result(total)

    async def _unseen(self) -> frozenset[str]:
        found: set[str] = set()
        after: str | None = None
        while users := (await self._ledger.statuses(after, USERS_PAGE)).users:
            found |= {user.user_id for user in users}
            after = users[-1].user_id
        return frozenset(found)

    async def _changes(
        self, span: Span, falls: "_Falls", unseen: frozenset[str]
    ) -> Sequence[ScoreChange]:
        users = sorted(falls.points.keys() - unseen)
        seq = (await self._ledger.head()).seq
        changes: list[ScoreChange] = []
        for start in range(0, len(users), USERS_PAGE):
            scores = await self._ledger.scores_of(*span, users[start : start + USERS_PAGE])
            changes += [ScoreChange(each.user_id, each, falls.after(each, seq)) for each in scores]
        return changes


class _Falls:
    """What reversals do to the scores of one period, in the order in which they come."""

    def __init__(self) -> None:
        self.points: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def add(self, award: Posting, place: int) -> None:
        user_id = str(award.user_id)
        self.points[user_id] = self.points.get(user_id, 0) - award.points
        if award.points:
            self._last[user_id] = place

    def after(self, score: Score, seq: int) -> Score:
        place = self._last.get(score.user_id)
        if place is None:
            return score
        points = score.score + self.points[score.user_id]
        if not in_range(points):
            raise ScoreLimit
        return Score(score.user_id, points, seq + place, score.at)
