"""What the ledger would be under other rules or points: replayed, and nothing is changed."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rule import DAY_MS, HOUR_MS, MINUTE_MS, Hit, Past
from scoreboard.core.score import Score, in_range
from scoreboard.core.standing import placed_by_sorting
from scoreboard.core.window import Period

FORGET_EVERY = 100_000
"""Awards between two looks for pasts that no rule looks back at any more."""

SCORE_LIMIT = "score-limit"

_GONE = frozenset({Kind.HOLD, Kind.HIDE, Kind.BAN})


class Proposal(Struct, frozen=True):
    """The settings that would change, whole: actions by id, boards by name.

    An action that is not in it keeps its awards as they are recorded. Whether something is in the
    shadow makes no difference: it is judged as if it refused.
    """

    actions: Mapping[str, Action] = {}
    boards: Mapping[str, Board] = {}


class Refusals(Struct, frozen=True):
    """Recorded awards of an action that a rule would have refused."""

    action_id: str
    rule: str
    awards: int


class Mover(Struct, frozen=True):
    """A user whose score or rank would be another one; None without a score there."""

    user_id: str
    rank_before: int | None
    rank_after: int | None
    score_before: int | None
    score_after: int | None


class Shift(Struct, frozen=True):
    """What would change on a board in a period, among users that are shown.

    ``users`` have a score before or after; of them ``changed`` would have another score and
    ``moved`` another rank. ``movers`` are the first of these, the longest way first.
    """

    board: str
    period: str
    users: int
    changed: int
    moved: int
    movers: tuple[Mover, ...]


class Simulated(Struct, frozen=True):
    """The outcome: of ``awards``, some refused, others with other points; and where it shows."""

    awards: int
    refused: tuple[Refusals, ...]
    repriced: int
    points_before: int
    points_after: int
    shifts: tuple[Shift, ...]


class Simulation:
    """A replay in two passes over the same postings: first ``foresee`` all, then ``add`` all.

    Only the periods of one moment, ``as_of_ms``, are kept: `all` and the current ones. Memory is
    that of the scores in them, twice, of the reversals, and of what rules look back at.
    """

    def __init__(self, catalogue: Mapping[str, Board], proposal: Proposal, as_of_ms: int) -> None:
        self._boards = {**catalogue, **proposal.boards}
        self._proposal = proposal
        touched = {action.board for action in proposal.actions.values()} | set(proposal.boards)
        self._capped = {name for name in touched if self._boards[name].points_per_hour}
        self._periods = {name: board.periods_at(as_of_ms) for name, board in self._boards.items()}
        self._before = _World(self._periods)
        self._after = _World(self._periods)
        self._gone: set[str] = set()
        self._reversed: dict[int, tuple[str, int] | None] = {}
        self._with_action: dict[tuple[str, str], _Moments] = {}
        self._on_board: dict[tuple[str, str], _Gains] = {}
        self._refused: Counter[tuple[str, str]] = Counter()
        self._awards = self._repriced = 0
        self._points_before = self._points_after = 0

    def foresee(self, postings: Iterable[Posting]) -> None:
        """Note which awards are reversed later, so that only those have to be remembered."""
        for posting in postings:
            if posting.reverses is not None:
                self._reversed[posting.reverses] = None

    def add(self, postings: Iterable[Posting]) -> None:
        """Replay postings, in the order of the ledger."""
        for posting in postings:
            # An erased user has no score, and would have none.
            if posting.user_id is None:
                continue
            if posting.kind is Kind.AWARD:
                self._award(posting, posting.user_id)
            elif posting.kind is Kind.REVERSE:
                self._reverse(posting, posting.user_id)
            elif posting.kind in _GONE:
                self._gone.add(posting.user_id)
            elif posting.kind is Kind.RELEASE:
                self._gone.discard(posting.user_id)

    def result(self, movers_max: int) -> Simulated:
        """What came of it; of each board and period at most so many movers."""
        refused = sorted(self._refused.items(), key=lambda item: (-item[1], item[0]))
        return Simulated(
            awards=self._awards,
            refused=tuple(Refusals(*kind, count) for kind, count in refused),
            repriced=self._repriced,
            points_before=self._points_before,
            points_after=self._points_after,
            shifts=tuple(
                self._shift(self._boards[name], period, movers_max)
                for name, periods in sorted(self._periods.items())
                for period in periods
            ),
        )

    def _award(self, posting: Posting, user_id: str) -> None:
        action_id = posting.action_id or ""
        action = self._proposal.actions.get(action_id)
        board = action.board if action else posting.board
        points = action.points if action else posting.points
        self._awards += 1
        self._points_before += posting.points
        self._before.add(posting, user_id, posting.board, posting.points)
        if self._awards % FORGET_EVERY == 0:
            self._forget(posting.at)
        refusal = self._refusal(posting, action, board, points)
        if refusal is not None:
            self._refused[action_id, refusal] += 1
            return
        self._remember(posting, action, board, points)
        self._after.add(posting, user_id, board, points)
        self._points_after += points
        self._repriced += points != posting.points
        if posting.seq in self._reversed:
            self._reversed[posting.seq] = (board, points)

    def _reverse(self, posting: Posting, user_id: str) -> None:
        self._before.add(posting, user_id, posting.board, posting.points)
        self._points_before += posting.points
        given = self._reversed.pop(posting.reverses or 0, None)
        if given is not None:
            board, points = given
            self._after.add(posting, user_id, board, -points)
            self._points_after -= points

    def _refusal(
        self, posting: Posting, action: Action | None, board: str, points: int
    ) -> str | None:
        user_id, at = posting.user_id or "", posting.at
        hit: Hit | None = None
        if action is not None and action.has_rules:
            moments = self._with_action.get((user_id, action.action_id))
            hit = action.broken_rule(moments.past(at) if moments else Past(), at)
        if hit is None and board in self._capped:
            gains = self._on_board.get((user_id, board))
            past = Past(points=gains.sum(at) if gains else 0)
            hit = self._boards[board].broken_rule(past, points)
        if hit is not None:
            return hit.rule.value
        return None if self._after.has_room(posting, user_id, board, points) else SCORE_LIMIT

    def _remember(self, posting: Posting, action: Action | None, board: str, points: int) -> None:
        user_id = posting.user_id or ""
        if action is not None and action.has_rules:
            key = (user_id, action.action_id)
            moments = self._with_action.get(key)
            if moments is None:
                moments = self._with_action[key] = _Moments(action)
            moments.add(posting.at)
        if board in self._capped and points > 0:
            self._on_board.setdefault((user_id, board), _Gains()).add(posting.at, points)

    def _forget(self, at_ms: int) -> None:
        self._with_action = {
            key: moments for key, moments in self._with_action.items() if moments.matter(at_ms)
        }
        self._on_board = {key: gains for key, gains in self._on_board.items() if gains.sum(at_ms)}

    def _shift(self, board: Board, period: Period, movers_max: int) -> Shift:
        before = self._before.ranked(board, period, self._gone)
        after = self._after.ranked(board, period, self._gone)
        changed = [
            Mover(user_id, *(row[0] for row in rows), *(row[1] for row in rows))
            for user_id in before.keys() | after.keys()
            for rows in ((before.get(user_id, _NOWHERE), after.get(user_id, _NOWHERE)),)
            if rows[0] != rows[1]
        ]
        movers = [mover for mover in changed if mover.rank_before != mover.rank_after]
        last = max(len(before), len(after)) + 1
        movers.sort(key=lambda mover: _way(mover, last))
        return Shift(
            board=board.board,
            period=period.name,
            users=len(before.keys() | after.keys()),
            changed=sum(mover.score_before != mover.score_after for mover in changed),
            moved=len(movers),
            movers=tuple(movers[:movers_max]),
        )


_NOWHERE: tuple[int | None, int | None] = (None, None)


def _way(mover: Mover, last: int) -> tuple[int, int, str]:
    """The longest way first, of equal ones what ends nearer to the top."""
    before, after = mover.rank_before or last, mover.rank_after or last
    return -abs(before - after), min(before, after), mover.user_id


class _World:
    """Scores as they add up in the periods of one moment."""

    def __init__(self, periods: Mapping[str, tuple[Period, ...]]) -> None:
        self._periods = periods
        self._scores: dict[tuple[str, str], dict[str, Score]] = {
            (board, period.name): {} for board, current in periods.items() for period in current
        }

    def add(self, posting: Posting, user_id: str, board: str, points: int) -> None:
        for period in self._periods[board]:
            if period.contains(posting.counts_at):
                scores = self._scores[board, period.name]
                before = scores.get(user_id)
                scores[user_id] = (
                    Score(user_id, points, posting.seq, posting.at)
                    if before is None
                    else before.plus(points, posting.seq, posting.at)
                )

    def has_room(self, posting: Posting, user_id: str, board: str, points: int) -> bool:
        for period in self._periods[board]:
            if period.contains(posting.counts_at):
                before = self._scores[board, period.name].get(user_id)
                if not in_range((before.score if before else 0) + points):
                    return False
        return True

    def ranked(
        self, board: Board, period: Period, gone: set[str]
    ) -> dict[str, tuple[int | None, int | None]]:
        scores = self._scores[board.board, period.name].values()
        shown = [score for score in scores if score.user_id not in gone]
        return {row.user_id: (row.rank, row.score) for row in placed_by_sorting(shown, board.tie)}


class _Moments:
    """When a user had awards of an action: the last ones, as many as its greatest cap."""

    def __init__(self, action: Action) -> None:
        self._most = max([1, *(cap for _, cap in action.caps.spans())])
        self._reach_ms = max(DAY_MS, action.cooldown_s * 1000)
        self._moments: list[int] = []

    def add(self, at_ms: int) -> None:
        self._moments.append(at_ms)
        if len(self._moments) >= 2 * self._most + 8:
            del self._moments[: -self._most]

    def past(self, at_ms: int) -> Past:
        return Past(
            minute=self._since(at_ms - MINUTE_MS),
            hour=self._since(at_ms - HOUR_MS),
            day=self._since(at_ms - DAY_MS),
            last_ms=self._moments[-1],
        )

    def matter(self, at_ms: int) -> bool:
        return at_ms - self._moments[-1] < self._reach_ms

    def _since(self, start_ms: int) -> int:
        return len(self._moments) - bisect_right(self._moments, start_ms)


class _Gains:
    """What a user gained on a board in the last hour."""

    def __init__(self) -> None:
        self._gains: deque[tuple[int, int]] = deque()
        self._sum = 0

    def add(self, at_ms: int, points: int) -> None:
        self._gains.append((at_ms, points))
        self._sum += points

    def sum(self, at_ms: int) -> int:
        while self._gains and at_ms - self._gains[0][0] >= HOUR_MS:
            self._sum -= self._gains.popleft()[1]
        return self._sum
