"""What the server tells about a period at one moment, and the order that the rules ask."""

from collections.abc import Sequence

from msgspec import Struct

from scoreboard.core.score import Score
from scoreboard.core.standing import NEVER
from scoreboard.ports import Key


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """A score as the server tells it."""

    user_id: str
    score: int
    seq: int
    at: int

    def value(self) -> Score:
        return Score(self.user_id, self.score, self.seq, self.at)


class Run(Struct, frozen=True, array_like=True):
    """Scores that follow each other: the 0-based index of the first, how many are greater."""

    first: int
    better: int
    entries: tuple[Entry, ...]


class Facts(Struct, frozen=True, array_like=True):
    """The answer to one read; ``total`` is -1 for a period that is not held."""

    total: int = -1
    changed_seq: int = 0
    changed_at: int = 0
    last_seq: int = 0
    last_at: int = 0
    entries: tuple[Entry, ...] = ()
    runs: tuple[Run, ...] = ()


class FetchedOrder:
    """``core.standing.Order`` out of facts: it knows what one read asks for, and no more."""

    def __init__(self, facts: Facts) -> None:
        self._total = facts.total
        self._own = {entry.user_id: entry.value() for entry in facts.entries}
        self._first = facts.runs[0].first if facts.runs else 0
        self._scores: dict[int, Score] = {}
        self._index: dict[Key, int] = {}
        self._better: dict[int, int] = {}
        for run in facts.runs:
            self._learn(run)

    def _learn(self, run: Run) -> None:
        better, last = run.better, None
        for index, entry in enumerate(run.entries, start=run.first):
            if last is not None and entry.score != last:
                better = index
            score = entry.value()
            self._scores[index] = score
            self._index[score.key()] = index
            self._better[score.score] = better
            last = score.score

    def score(self, user_id: str) -> Score | None:
        return self._own.get(user_id)

    def before(self, key: Key) -> int:
        minus_score, seq = key
        if seq == 0:
            return self._better[-minus_score]
        if seq == NEVER:
            # Scores are whole: as many reach it as are better than one point less.
            return self._better[-minus_score - 1]
        return self._index[key]

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        # A cursor's owner may have moved on: the run begins where it would stand.
        known = self._index.get(key) if key else None
        first = self._first if known is None else known + 1
        return self._slice(first, first + limit)

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        end = self.before(key)
        return self._slice(max(0, end - limit), end)

    def total(self) -> int:
        return self._total

    def _slice(self, begin: int, end: int) -> Sequence[Score]:
        return [self._scores[index] for index in range(begin, end) if index in self._scores]
