"""Whether scores are the sums of their postings, in one pass over the postings."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from msgspec import Struct

from scoreboard.core.board import Board
from scoreboard.core.history import Count, Line, Person, Tally
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.core.window import Window

_ALL = Window.ALL.value


class _Totals(Struct):
    """What the users of a period have, by reference, and the postings that they have it from."""

    scores: dict[int, int]
    seqs: dict[int, int]

    def add(self, line: Line) -> None:
        user = line.user_ref
        assert user is not None
        self.scores[user] = self.scores.get(user, 0) + line.points
        if line.points or user not in self.seqs:
            self.seqs[user] = line.seq


class _Spans:
    """A board's periods, in the order in which its postings came to them."""

    def __init__(self, board: Board, tallied: Mapping[str, _Totals]) -> None:
        self._board = board
        self._tallied = tallied
        self._first: list[int] = []
        self._totals: list[list[_Totals]] = []
        self._until_ms = -1

    def of(self, line: Line) -> list[_Totals]:
        """The totals that a posting counts in: those of what it reverses, if it does."""
        if line.at >= self._until_ms:
            periods = self._board.periods_at(line.at)
            self._until_ms = min(period.end_ms for period in periods)
            self._first.append(line.seq)
            names = [period.name for period in periods if period.name in self._tallied]
            self._totals.append([self._tallied[name] for name in names])
        if line.reverses is None:
            return self._totals[-1]
        return self._totals[max(0, bisect_right(self._first, line.reverses) - 1)]


class Sums:
    """Adds up postings as they come; its memory grows with users and scores, not with postings."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._tallies: list[Tally] = []
        self._totals: dict[str, dict[str, _Totals]] = {}
        self._boards: dict[str, Board] = {}
        self._spans: dict[str, _Spans] = {}

    def expect(self, part: Board | Person | Tally) -> None:
        """What comes before the postings."""
        match part:
            case Board():
                self._boards[part.board] = part
            case Person() if part.user_id is not None:
                self._names[part.user_ref] = part.user_id
            case Tally():
                self._tallies.append(part)
                self._totals.setdefault(part.board, {})[part.period] = _Totals({}, {})

    def add(self, line: Line) -> bool:
        """Whether the score that the posting says it led to is the sum so far."""
        if line.kind is not Kind.AWARD and line.kind is not Kind.REVERSE:
            return line.points == 0
        spans = self._spans.get(line.board)
        if spans is None:
            board = self._boards.get(line.board)
            if board is None or line.user_ref is None:
                return False
            spans = _Spans(board, self._totals.get(line.board, {}))
            self._spans[line.board] = spans
        for totals in spans.of(line):
            totals.add(line)
        if line.score_after is None:
            return line.kind is Kind.REVERSE
        allover = self._totals[line.board][_ALL].scores
        return allover.get(line.user_ref or 0) == line.score_after

    def name_of(self, user_ref: int) -> str:
        """A user's name, or the reference of somebody who has none."""
        return self._names.get(user_ref, str(user_ref))

    def differing(self) -> Iterator[Tally]:
        """The periods whose scores are not the sums, as they were found."""
        for tally in self._tallies:
            totals = self._totals[tally.board].pop(tally.period)
            scores = [
                Score(self._names[ref], score, totals.seqs[ref], 0)
                for ref, score in totals.scores.items()
                if ref in self._names
            ]
            scores.sort(key=lambda score: score.user_id)
            count = Count()
            count.add(scores)
            if count.tally(tally.board, tally.period, (tally.marked, tally.marked_at)) != tally:
                yield tally
