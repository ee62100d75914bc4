"""Which ranks would move if some scores changed, came or went: pure, over scores in their order.

A user whose own score stays moves up by one for each changed score that stood before its own and
will not, and down by one for each that will and did not.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec import Struct

from scoreboard.core.board import Board, Tie
from scoreboard.core.score import Score

MOVES_MAX = 100
"""How many ranks that would move are told, the best first; all of them are counted."""

Key = tuple[int, int]


class ScoreChange(Struct, frozen=True):
    """What becomes of one user's score; None where the user does not stand."""

    user_id: str
    before: Score | None
    after: Score | None


class RankMove(Struct, frozen=True):
    """A user's rank before and after; None where the user does not stand."""

    user_id: str
    before: int | None
    after: int | None

    def best(self) -> int:
        return min(rank for rank in (self.before, self.after) if rank is not None)


class PeriodMoves(Struct, frozen=True):
    """The ranks that would move on a board in a period: how many, and the best of them."""

    board: str
    period: str
    count: int
    moves: tuple[RankMove, ...]


class Preview:
    """Sees the scores of one period in their order, page by page, until it has seen enough."""

    def __init__(self, board: Board, period: str, changes: Iterable[ScoreChange]) -> None:
        self._board = board.board
        self._period = period
        self._tie = board.tie
        self._changes = [change for change in changes if change.before != change.after]
        self._changing = {change.user_id for change in self._changes}
        afters = [change.after for change in self._changes if change.after]
        befores = [change.before for change in self._changes if change.before]
        self._after_keys = sorted(score.key() for score in afters)
        self._before_keys = sorted(score.key() for score in befores)
        # How many scores that stay stand before each of these is found on the way.
        self._ceilings = sorted({self._ceiling(score) for score in afters})
        self._staying: dict[Key, int] = {}
        self._last = max([*self._before_keys, *self._after_keys], default=(-(2**62), 0))
        self._ranks: dict[str, int] = {}
        self._moves: list[RankMove] = []
        self._count = 0
        self._seen = 0
        self._changing_seen = 0
        self._rank = 0
        self._score: int | None = None

    def see(self, scores: Sequence[Score]) -> bool:
        """Take note of the next scores; answers whether more have to be seen."""
        for score in scores:
            self._see(score)
        if not scores or scores[-1].key() <= self._last:
            return bool(scores)
        return self._drift() != 0 and len(self._moves) < MOVES_MAX

    def result(self, total: int) -> PeriodMoves:
        """What was found, of so many scores in all."""
        for ceiling in self._ceilings[len(self._staying) :]:
            self._staying[ceiling] = self._seen - self._changing_seen
        own = [move for move in map(self._own, self._changes) if move.before != move.after]
        unseen = max(0, total - self._seen) if self._drift() else 0
        moves = sorted([*own, *self._moves], key=RankMove.best)
        count = len(own) + self._count + unseen
        return PeriodMoves(self._board, self._period, count, tuple(moves[:MOVES_MAX]))

    def _see(self, score: Score) -> None:
        while len(self._staying) < len(self._ceilings):
            ceiling = self._ceilings[len(self._staying)]
            if score.key() < ceiling:
                break
            self._staying[ceiling] = self._seen - self._changing_seen
        self._seen += 1
        if self._tie is Tie.FIRST_REACHED or score.score != self._score:
            self._rank, self._score = self._seen, score.score
        if score.user_id in self._changing:
            self._changing_seen += 1
            self._ranks[score.user_id] = self._rank
            return
        ceiling = self._ceiling(score)
        moved = bisect_left(self._after_keys, ceiling) - bisect_left(self._before_keys, ceiling)
        if moved:
            self._count += 1
            if len(self._moves) < MOVES_MAX:
                self._moves.append(RankMove(score.user_id, self._rank, self._rank + moved))

    def _own(self, change: ScoreChange) -> RankMove:
        before = self._ranks.get(change.user_id)
        if change.after is None:
            return RankMove(change.user_id, before, None)
        ceiling = self._ceiling(change.after)
        ahead = self._staying[ceiling] + bisect_left(self._after_keys, ceiling)
        return RankMove(change.user_id, before, ahead + 1)

    def _drift(self) -> int:
        """By how many ranks everybody behind the last change moves."""
        return len(self._after_keys) - len(self._before_keys)

    def _ceiling(self, score: Score) -> Key:
        # seq begins at 1: (-score, 0) stands before everybody with that score.
        return score.key() if self._tie is Tie.FIRST_REACHED else (-score.score, 0)
