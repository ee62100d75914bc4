"""A ranking by plain sorting, histories to compare it with one, and reads of both."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from scoreboard.core.board import Board, Tie
from scoreboard.core.score import Score
from scoreboard.core.standing import Row, placed_by_sorting
from scoreboard.errors import NotFound
from scoreboard.ports import Exit, Group, Key, Mark, Move, Ranking, Return

from .material import Span

EPOCH = 7
SPANS: tuple[Span, ...] = (("one", "all"), ("one", "2026-11-23"), ("two", "all"))
USERS = [f"u{index}" for index in range(16)]
ONE = Board(board="one")

Change = Move | Mark | Exit | Return
Line = tuple[Change, ...]
"""What one posting does: the line at index i is that of seq i + 1."""


def board(name: str, tie: Tie) -> Board:
    return Board(board=name, tie=tie)


class Model:
    """All scores of all spans, who is not shown, and what last changed a top."""

    def __init__(self) -> None:
        self.users: dict[Span, dict[str, Score]] = {span: {} for span in SPANS}
        self.unseen: set[str] = set()

    def copy(self) -> "Model":
        twin = Model()
        twin.users = {span: dict(users) for span, users in self.users.items()}
        twin.unseen = set(self.unseen)
        return twin

    def add(self, line: Line) -> None:
        for change in line:
            match change:
                case Move():
                    self._move(change)
                case Exit(forever=False):
                    self.unseen.add(change.user_id)
                case Exit():
                    self.unseen.discard(change.user_id)
                    for users in self.users.values():
                        users.pop(change.user_id, None)
                case Return():
                    self.unseen.discard(change.user_id)

    def _move(self, move: Move) -> None:
        users = self.users[move.board, move.period]
        before = users.get(move.user_id)
        if before is None:
            users[move.user_id] = Score(move.user_id, move.points, move.seq, move.at)
        else:
            users[move.user_id] = before.plus(move.points, move.seq, move.at)

    def seen(self, span: Span, and_also: str = "") -> list[Score]:
        """The scores that are shown, and that of a user who asks for itself."""
        hidden = self.unseen - {and_also}
        return [score for user_id, score in self.users[span].items() if user_id not in hidden]

    def rows(self, span: Span, tie: Tie, and_also: str = "") -> tuple[Row, ...]:
        return placed_by_sorting(self.seen(span, and_also), tie)

    def top(self, span: Span) -> list[Score]:
        return sorted(self.seen(span), key=Score.key)[:10]


def after_each(lines: Sequence[Line]) -> list[Model]:
    """The model at every seq, 0 being before all."""
    models = [Model()]
    for line in lines:
        model = models[-1].copy()
        model.add(line)
        models.append(model)
    return models


def marked(lines: Sequence[Line], span: Span, upto: int) -> Mark:
    """What a ledger says has last changed this top without leaving a row.

    That is a mark, any fall, or whether anybody with a score in it is shown.
    """
    models = after_each(lines)
    for seq in range(upto, 0, -1):
        for change in lines[seq - 1]:
            match change:
                case Mark() | Move():
                    fell = isinstance(change, Mark) or change.points < 0
                    found = fell and (change.board, change.period) == span
                case _:
                    found = change.user_id in models[seq - 1].users[span]
            if found:
                return Mark(*span, seq, change.at)
    return Mark(*span, 0, 0)


def group(lines: Sequence[Line], after: int, upto: int) -> Group:
    changes = [change for line in lines[after:upto] for change in line]
    return Group(
        EPOCH,
        after,
        upto,
        tuple(change for change in changes if isinstance(change, Move)),
        tuple(change for change in changes if isinstance(change, Mark)),
        tuple(change for change in changes if isinstance(change, Exit | Return)),
    )


def groups(lines: Sequence[Line], after: int, upto: int) -> Iterator[Group]:
    """The lines in as few groups as there can be: turns and moves do not go together."""
    turning = lambda seq: any(isinstance(each, Exit | Return) for each in lines[seq - 1])  # noqa: E731
    for _, run in groupby(range(after + 1, upto + 1), turning):
        seqs = list(run)
        yield group(lines, seqs[0] - 1, seqs[-1])


async def apply(ranking: Ranking, lines: Sequence[Line], after: int, upto: int) -> None:
    for each in groups(lines, after, upto):
        await ranking.apply(each)


@st.composite
def histories(draw: st.DrawFn, min_size: int = 0) -> list[Line]:
    """Mostly points of users who tie, some falls, marks and turns, some that change nothing."""
    lines: list[Line] = []
    kinds = st.sampled_from(
        [
            "one",
            "one",
            "one",
            "one",
            "two",
            "fall",
            "fall",
            "nothing",
            "mark",
            "other",
            "out",
            "out",
            "back",
            "gone",
        ],
    )
    size = draw(st.integers(min_size, 60))
    for seq in range(1, size + 1):
        kind, user_id = draw(kinds), draw(st.sampled_from(USERS))
        points = draw(st.sampled_from([1, 1, 2, 3]))
        match kind:
            case "mark":
                lines.append((Mark(*draw(st.sampled_from(SPANS)), seq, 1000 * seq),))
            case "other":
                lines.append(())
            case "out" | "gone":
                lines.append((Exit(user_id, seq, 1000 * seq, kind == "gone"),))
            case "back":
                lines.append((Return(user_id, seq, 1000 * seq),))
            case _:
                points = {"fall": -2 * points, "nothing": 0}.get(kind, points)
                spans = SPANS[2:] if kind == "two" else SPANS[: draw(st.integers(1, 2))]
                lines.append(tuple(Move(*span, user_id, points, seq, 1000 * seq) for span in spans))
    return lines


@st.composite
def cut_histories(draw: st.DrawFn) -> tuple[list[Line], list[int]]:
    """A history, and the seqs at which it is cut into groups."""
    lines = draw(histories())
    cuts = draw(st.sets(st.integers(1, max(1, len(lines))), max_size=12))
    return lines, sorted({cut for cut in cuts if cut <= len(lines)} | {len(lines)} - {0})


async def begin(ranking: Ranking, seq: int = 0) -> None:
    """An empty ranking that holds every span of the tests."""
    await ranking.rebuild((EPOCH, seq))
    for span in SPANS:
        await ranking.load(Mark(*span, 0, 0), [])
    await ranking.switch()


async def ensure_shows(ranking: Ranking, model: Model) -> None:
    """Every read of every user on every span is that of a plain sort, in both tie styles."""
    assert await ranking.unseen() == (await ranking.place(), frozenset(model.unseen))
    for span in SPANS:
        found = await ranking.scores_of(*span, USERS)
        assert found is not None
        assert {score.user_id: score for score in found[1]} == model.users[span]
        for tie in Tie:
            subject = board(span[0], tie)
            await ensure_span_shows(ranking, model.rows(span, tie), subject, span[1])
            for user_id in sorted(model.unseen & model.users[span].keys()):
                rows = model.rows(span, tie, user_id)
                await ensure_stands_beside(ranking, rows, subject, span[1], user_id)


async def ensure_span_shows(
    ranking: Ranking, rows: tuple[Row, ...], subject: Board, period: str
) -> None:
    snapshot = await ranking.snapshot(subject, period)
    assert snapshot is not None
    assert (snapshot.board, snapshot.period, snapshot.epoch) == (subject.board, period, EPOCH)
    assert snapshot.rows == rows[:10]
    assert await ranking.total(subject, period) == len(rows)
    assert await walk(ranking, subject, period, 4) == rows
    for index, row in enumerate(rows):
        # Who asks matters to those who are not shown alone.
        await ensure_stands(ranking, rows, row, (subject, period, index % 2 == 0))


async def ensure_stands(
    ranking: Ranking, rows: tuple[Row, ...], row: Row, where: tuple[Board, str, bool]
) -> None:
    subject, period, own = where
    standing = await ranking.standing(subject, period, row.user_id, own=own)
    assert standing is not None
    assert Row(standing.rank, standing.user_id, standing.score, standing.at) == row
    assert standing.total_users == len(rows)
    better = [each for each in rows if each.rank < row.rank]
    assert (standing.to_next is None) == (not better)
    if standing.to_next and better:
        reached = better[-1].score + (1 if subject.tie is Tie.FIRST_REACHED else 0)
        ahead = [each for each in rows if each.score > reached]
        ties = [each for each in rows if each.score == reached]
        beaten = ties if subject.tie is Tie.SHARED else []
        assert standing.to_next.points == reached - row.score
        assert standing.to_next.rank == 1 + len(ahead) + len(ties) - len(beaten)
    index = rows.index(row)
    radius = index % 3
    around = await ranking.around(subject, period, row.user_id, radius, own=own)
    assert tuple(around or ()) == rows[max(0, index - radius) : index + radius + 1]


async def ensure_stands_beside(
    ranking: Ranking, rows: tuple[Row, ...], subject: Board, period: str, user_id: str
) -> None:
    """Others find nobody there; the user itself finds the place that it would have."""
    with pytest.raises(NotFound):
        await ranking.standing(subject, period, user_id)
    with pytest.raises(NotFound):
        await ranking.around(subject, period, user_id, 2)
    row = next(row for row in rows if row.user_id == user_id)
    await ensure_stands(ranking, rows, row, (subject, period, True))


async def walk(ranking: Ranking, subject: Board, period: str, limit: int) -> tuple[Row, ...]:
    seen: list[Row] = []
    after: Key | None = None
    for _ in range(100):
        page = await ranking.page(subject, period, after, limit)
        assert page is not None
        seen += page.rows
        after = page.end
        if after is None:
            return tuple(seen)
    pytest.fail("the walk does not end")


class Reads(NamedTuple):
    """A history, the place a rebuild begins at, and at which seq everything was read."""

    lines: list[Line]
    start: int
    marks: dict[Span, int]
    scores: dict[str, int]
    statuses: dict[str, int]


@st.composite
def rebuilds(draw: st.DrawFn) -> Reads:
    """Marks before the scores they belong to, statuses whenever."""
    lines = draw(histories(min_size=1))
    start = draw(st.integers(0, len(lines)))
    marks = {span: draw(st.integers(start, len(lines))) for span in SPANS}
    latest = max(marks.values())
    scores = {user_id: draw(st.integers(latest, len(lines))) for user_id in USERS}
    statuses = {user_id: draw(st.integers(start, len(lines))) for user_id in USERS}
    return Reads(lines, start, marks, scores, statuses)
