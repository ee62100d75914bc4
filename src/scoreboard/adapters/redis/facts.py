"""What the server tells about a period at one moment, and the order that the rules ask."""

from collections.abc import Sequence

from msgspec import Struct

from scoreboard.adapters.redis.connection import WrongData
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.standing import NEVER
from scoreboard.ports import Key

NOWHERE = (-SCORE_MAX - 1, 0)
"""Before every sort key."""

SEQ_DIGITS = 16
"""Of 2^53 - 1: texts of one length stand in the order of their numbers."""


def seq_text(seq: int) -> str:
    """A seq as it stands in keys."""
    return f"{seq:0{SEQ_DIGITS}d}"


class Run(Struct, frozen=True, array_like=True):
    """Rows that follow each other: the 0-based index of the first, how many are greater.

    ``words`` are the member of the order and the line of the hash of users, in turn.
    """

    first: int
    better: int
    words: tuple[str, ...]

    def scores(self) -> Sequence[Score]:
        """In order.

        Raises:
            WrongData: a line is not that of its member.
        """
        return [
            _score(member[SEQ_DIGITS:], line, member[:SEQ_DIGITS])
            for member, line in zip(self.words[::2], self.words[1::2], strict=True)
        ]


class Facts(Struct, frozen=True, array_like=True):
    """The answer to one read; ``total`` is -1 for a period that is not held."""

    total: int = -1
    changed_seq: int = 0
    changed_at: int = 0
    last_seq: int = 0
    last_at: int = 0
    words: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()

    def scores(self) -> Sequence[Score]:
        """Those that were asked for by their users."""
        pairs = zip(self.words[::2], self.words[1::2], strict=True)
        return [_score(user_id, line) for user_id, line in pairs]


def _score(user_id: str, line: str, expected: str | None = None) -> Score:
    try:
        score, seq, at = line.split(" ")
        if expected is not None and seq != expected:
            raise WrongData
        return Score(user_id, int(score), int(seq), int(at))
    except ValueError:
        raise WrongData from None


class FetchedOrder:
    """``core.standing.Order`` out of facts: it knows what one read asks for, and no more.

    Raises:
        WrongData: the order and the scores, kept in keys of their own, do not agree.
    """

    def __init__(self, facts: Facts) -> None:
        self._total = facts.total
        self._own = {score.user_id: score for score in facts.scores()}
        self._first = facts.runs[0].first if facts.runs else 0
        self._scores: dict[int, Score] = {}
        self._index: dict[Key, int] = {}
        self._better: dict[int, int] = {}
        for run in facts.runs:
            self._learn(run)

    def _learn(self, run: Run) -> None:
        better, last = run.better, NOWHERE
        for index, score in enumerate(run.scores(), start=run.first):
            key = score.key()
            if key <= last:
                raise WrongData
            if key[0] != last[0] and index > run.first:
                better = index
            self._scores[index] = score
            self._index[key] = index
            self._better[score.score] = better
            last = key

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
