"""Standings and snapshots: scores with their ranks."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.board import Tie
from scoreboard.core.score import Score
from scoreboard.errors import NotFound

TOP_SIZE = 10
NEVER = 2**63 - 1  # greater than every seq


class Row(Struct, frozen=True, gc=False):
    """A score with its 1-based rank; ``at`` in milliseconds."""

    rank: int
    user_id: str
    score: int
    at: int


class Snapshot(Struct, frozen=True):
    """The top of a board in a period, with the place and time of what last changed it.

    ``end`` is the sort key to go on after, or None while the top is not full: whether anybody
    follows a full one can change without changing it.
    """

    board: str
    period: str
    epoch: int
    seq: int
    at: int
    rows: tuple[Row, ...]
    end: tuple[int, int] | None = None

    def place(self) -> tuple[int, int]:
        """What decides which of two snapshots is newer."""
        return (self.epoch, self.seq)


class Page(Struct, frozen=True):
    """A part of the order; ``end`` is the sort key to go on after, or None at the last row.

    ``seq`` and ``at`` are those of the last posting on that board and period.
    """

    rows: tuple[Row, ...]
    epoch: int
    seq: int
    at: int
    end: tuple[int, int] | None


class Next(Struct, frozen=True, gc=False):
    """The next better rank and the fewest points that reach it."""

    rank: int
    points: int


class Standing(Struct, frozen=True, gc=False):
    """A score, its rank, and what is above it."""

    rank: int
    user_id: str
    score: int
    at: int
    total_users: int
    to_next: Next | None

    def percentile(self) -> float:
        """100 (total_users - rank) / total_users: the share of users that stand behind."""
        return 100 * (self.total_users - self.rank) / self.total_users


def ranked(scores: Iterable[Score], first_index: int, tie: Tie, better: int) -> tuple[Row, ...]:
    """Rows of scores that stand in order from a 0-based index on.

    ``better`` is how many scores are greater than the first one's: its shared rank less one.
    """
    rows: list[Row] = []
    rank, last = better + 1, None
    for index, score in enumerate(scores, start=first_index):
        if tie is Tie.FIRST_REACHED or (last is not None and score.score != last):
            rank = index + 1
        rows.append(Row(rank, score.user_id, score.score, score.at))
        last = score.score
    return tuple(rows)


class Order(Protocol):
    """Scores in their order; every adapter has one for each board and period."""

    def score(self, user_id: str) -> Score | None: ...

    def before(self, key: tuple[int, int]) -> int:
        """How many scores stand before a sort key."""
        ...

    def after(self, key: tuple[int, int] | None, limit: int) -> Sequence[Score]:
        """Scores after a sort key, or from the first one on."""
        ...

    def last_before(self, key: tuple[int, int], limit: int) -> Sequence[Score]:
        """The scores right before a sort key, in order."""
        ...

    def total(self) -> int: ...


class Beside:
    """An order as somebody finds it who is not in it: with its own score added."""

    def __init__(self, order: Order, own: Score) -> None:
        self._order = order
        self._own = own

    def score(self, user_id: str) -> Score | None:
        return self._own if user_id == self._own.user_id else self._order.score(user_id)

    def before(self, key: tuple[int, int]) -> int:
        return self._order.before(key) + (self._own.key() < key)

    def after(self, key: tuple[int, int] | None, limit: int) -> Sequence[Score]:
        found = self._order.after(key, limit)
        if key is not None and self._own.key() <= key:
            return found
        return sorted([*found, self._own], key=Score.key)[:limit]

    def last_before(self, key: tuple[int, int], limit: int) -> Sequence[Score]:
        found = self._order.last_before(key, limit)
        if self._own.key() >= key or not limit:
            return found
        return sorted([*found, self._own], key=Score.key)[-limit:]

    def total(self) -> int:
        return self._order.total() + 1


def standing_in(order: Order, tie: Tie, user_id: str) -> Standing:
    """A user's standing.

    Raises:
        NotFound: the user has no score.
    """
    own = order.score(user_id)
    if own is None:
        raise NotFound
    ahead = order.before(_ceiling(own, tie))
    return Standing(
        ahead + 1, user_id, own.score, own.at, order.total(), _next_better(order, tie, own)
    )


def own_standing_in(order: Order, tie: Tie, user_id: str) -> Standing | None:
    """A user's standing; None without a score."""
    return None if order.score(user_id) is None else standing_in(order, tie, user_id)


def page_in(
    order: Order, tie: Tie, after: tuple[int, int] | None, limit: int
) -> tuple[tuple[Row, ...], tuple[int, int] | None]:
    """Rows after a sort key, and the key to go on after; None when nobody follows."""
    scores = order.after(after, limit + 1)
    shown = scores[:limit]
    end = shown[-1].key() if len(scores) > limit else None
    return _rows(order, tie, shown), end


def top_in(order: Order, tie: Tie) -> tuple[tuple[Row, ...], tuple[int, int] | None]:
    """The top rows, and the key to go on after; None while the top is not full."""
    scores = order.after(None, TOP_SIZE)
    end = scores[-1].key() if len(scores) == TOP_SIZE else None
    return _rows(order, tie, scores), end


def around_in(order: Order, tie: Tie, user_id: str, radius: int) -> tuple[Row, ...]:
    """A user's row between its neighbours.

    Raises:
        NotFound: the user has no score.
    """
    own = order.score(user_id)
    if own is None:
        raise NotFound
    neighbours = [
        *order.last_before(own.key(), radius),
        own,
        *(order.after(own.key(), radius) if radius else ()),
    ]
    return _rows(order, tie, neighbours)


def _rows(order: Order, tie: Tie, scores: Sequence[Score]) -> tuple[Row, ...]:
    if not scores:
        return ()
    first = scores[0]
    return ranked(scores, order.before(first.key()), tie, order.before((-first.score, 0)))


def _ceiling(own: Score, tie: Tie) -> tuple[int, int]:
    # seq begins at 1: (-score, 0) stands before everybody with that score.
    return own.key() if tie is Tie.FIRST_REACHED else (-own.score, 0)


def _next_better(order: Order, tie: Tie, own: Score) -> Next | None:
    """The fewest points after which the rank is better, and the rank they reach.

    Where ties go to the first, an equal score still stands behind, so it takes one point more.
    """
    above = order.last_before(_ceiling(own, tie), 1)
    if not above:
        return None
    reached = above[0].score + (1 if tie is Tie.FIRST_REACHED else 0)
    ahead = order.before((-reached, NEVER if tie is Tie.FIRST_REACHED else 0))
    return Next(ahead + 1, reached - own.score)


def placed_by_sorting(scores: Sequence[Score], tie: Tie) -> tuple[Row, ...]:
    """All rows of unordered scores: the plain model that rankings are tested against."""
    return ranked(sorted(scores, key=Score.key), 0, tie, 0)
