"""What every ranking promises, against a plain sort of every score."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import groupby
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.core.board import Board, Tie
from scoreboard.core.score import Score
from scoreboard.core.standing import Page, Row, placed_by_sorting
from scoreboard.errors import NotFound, OutOfPlace
from scoreboard.ports import Exit, Group, Key, Mark, Move, Ranking, Return

from .material import WITHOUT_SHRINKING, Span

OpenRanking = Callable[[], AbstractAsyncContextManager[Ranking]]

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


# --- laws


@settings(max_examples=60, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_every_read_is_that_of_a_plain_sort_however_postings_are_grouped(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after = 0
            for upto in cuts:
                await apply(ranking, lines, after, upto)
                assert await ranking.place() == (EPOCH, upto)
                after = upto
            await ensure_shows(ranking, models[-1])

    asyncio.run(live())


@settings(max_examples=150, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_a_snapshot_is_true_at_its_seq_and_never_goes_back(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after, shown = 0, dict.fromkeys(SPANS, (0, ()))
            for upto in cuts:
                await apply(ranking, lines, after, upto)
                after = upto
                for span in SPANS:
                    snapshot = await ranking.snapshot(board(span[0], Tie.SHARED), span[1])
                    assert snapshot is not None
                    assert snapshot.seq <= upto
                    assert snapshot.rows == models[snapshot.seq].rows(span, Tie.SHARED)[:10]
                    seq, rows = shown[span]
                    assert snapshot.seq >= seq
                    assert snapshot.seq > seq or snapshot.rows == rows
                    assert snapshot.at == 1000 * snapshot.seq
                    shown[span] = (snapshot.seq, snapshot.rows)

    asyncio.run(live())


@settings(max_examples=100, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_apply_answers_exactly_the_tops_that_changed(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after = 0
            for upto in cuts:
                for step in groups(lines, after, upto):
                    changed = await ranking.apply(step)
                    noted = {(mark.board, mark.period) for mark in step.marks}
                    before, now = models[step.after], models[step.upto]
                    expected = {
                        span for span in SPANS if span in noted or before.top(span) != now.top(span)
                    }
                    assert set(changed) == expected
                    assert len(changed) == len(expected)
                after = upto

    asyncio.run(live())


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


@settings(max_examples=200, phases=WITHOUT_SHRINKING)
@given(rebuilds(), st.integers(1, 5))
def test_loading_scores_while_they_move_equals_applying_from_scratch(
    open_ranking: OpenRanking, case: Reads, page: int
) -> None:
    lines, start, marks_read, users_read, statuses_read = case
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            unseen = [user for user, seq in statuses_read.items() if user in models[seq].unseen]
            await ranking.rebuild((EPOCH, start), unseen)
            for span in SPANS:
                mark = marked(lines, span, marks_read[span])
                scores = [
                    models[seq].users[span][user_id]
                    for user_id, seq in users_read.items()
                    if user_id in models[seq].users[span]
                ]
                for first in range(0, max(1, len(scores)), page):
                    await ranking.load(mark, scores[first : first + page])
            await apply(ranking, lines, start, len(lines))
            await ranking.switch()
            await ensure_shows(ranking, models[-1])
            for span in SPANS:
                snapshot = await ranking.snapshot(board(span[0], Tie.SHARED), span[1])
                assert snapshot is not None
                assert snapshot.rows == models[snapshot.seq].rows(span, Tie.SHARED)[:10]

    asyncio.run(live())


@settings(max_examples=60, phases=WITHOUT_SHRINKING)
@given(histories(min_size=10), st.integers(1, 4), st.data())
def test_a_walk_meets_everybody_who_stood_still_exactly_once(
    open_ranking: OpenRanking, lines: list[Line], limit: int, data: st.DataObject
) -> None:
    begun = data.draw(st.integers(0, len(lines)))
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            await apply(ranking, lines, 0, begun)
            seen: defaultdict[str, int] = defaultdict(int)
            after: Key | None = None
            for seq in range(begun, len(lines) + len(USERS) + 1):
                page = await ranking.page(ONE, "all", after, limit)
                assert page is not None
                for row in page.rows:
                    seen[row.user_id] += 1
                after = page.end
                if after is None:
                    break
                if seq < len(lines):
                    await ranking.apply(group(lines, seq, seq + 1))
            still = [
                score.user_id
                for score in models[begun].seen(SPANS[0])
                if all(score in model.seen(SPANS[0]) for model in models[begun:])
            ]
            assert {user_id: seen[user_id] for user_id in still} == dict.fromkeys(still, 1)

    asyncio.run(live())


# --- places


async def test_a_new_ranking_has_to_be_rebuilt_first(ranking: Ranking) -> None:
    assert await ranking.place() is None
    assert await ranking.periods() == []
    assert await ranking.snapshot(ONE, "all") is None
    with pytest.raises(OutOfPlace):
        await ranking.apply(Group(EPOCH, 0, 1, ()))


@pytest.mark.parametrize(
    ("epoch", "after"), [(EPOCH, 4), (EPOCH, 6), (EPOCH, 0), (EPOCH - 1, 5), (EPOCH + 1, 5)]
)
async def test_a_group_that_does_not_begin_right_after_the_place_changes_nothing(
    ranking: Ranking, epoch: int, after: int
) -> None:
    await begin(ranking, 5)
    before = await ranking.snapshot(ONE, "all")
    stray = Group(epoch, after, after + 1, (Move("one", "all", "u1", 5, after + 1, 0),))
    with pytest.raises(OutOfPlace) as refused:
        await ranking.apply(stray)
    assert refused.value.place == 5
    assert await ranking.place() == (EPOCH, 5)
    assert await ranking.snapshot(ONE, "all") == before
    with pytest.raises(NotFound):
        await ranking.standing(ONE, "all", "u1")


async def test_the_same_group_twice_is_refused_the_second_time(ranking: Ranking) -> None:
    await begin(ranking)
    once = Group(EPOCH, 0, 1, (Move("one", "all", "u1", 5, 1, 0),))
    await ranking.apply(once)
    with pytest.raises(OutOfPlace):
        await ranking.apply(once)
    standing = await ranking.standing(ONE, "all", "u1")
    assert standing is not None
    assert standing.score == 5


async def test_a_move_that_is_in_the_loaded_score_counts_once(ranking: Ranking) -> None:
    await ranking.rebuild((EPOCH, 1))
    await ranking.load(Mark("one", "all", 0, 0), [Score("u1", 8, 3, 30)])
    moves = tuple(
        Move("one", "all", "u1", points, seq, 10 * seq) for seq, points in [(2, 3), (3, 5), (4, 1)]
    )
    await ranking.apply(Group(EPOCH, 1, 4, moves))
    await ranking.switch()
    standing = await ranking.standing(ONE, "all", "u1")
    assert standing is not None
    assert (standing.score, standing.at) == (9, 40)


async def test_a_rebuild_is_read_only_once_it_is_switched_to(ranking: Ranking) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, (Move("one", "all", "old", 5, 1, 10),)))
    before = await ranking.snapshot(ONE, "all")
    await ranking.rebuild((EPOCH + 1, 0))
    await ranking.load(Mark("one", "all", 0, 0), [])
    assert await ranking.place() == (EPOCH + 1, 0)
    await ranking.apply(Group(EPOCH + 1, 0, 1, (Move("one", "all", "new", 3, 1, 10),)))
    assert await ranking.snapshot(ONE, "all") == before
    await ranking.switch()
    after = await ranking.snapshot(ONE, "all")
    assert after is not None
    assert (after.epoch, [row.user_id for row in after.rows]) == (EPOCH + 1, ["new"])
    assert set(await ranking.periods()) == {("one", "all")}


async def test_a_rebuild_begun_anew_forgets_the_one_before(ranking: Ranking) -> None:
    await ranking.rebuild((EPOCH, 0))
    await ranking.load(Mark("one", "all", 0, 0), [Score("ghost", 9, 1, 1)])
    await begin(ranking, 2)
    assert await ranking.total(ONE, "all") == 0
    assert await ranking.place() == (EPOCH, 2)


# --- periods


async def test_a_period_that_is_not_held_is_not_answered_for(ranking: Ranking) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, (Move("one", "1999-12", "u1", 5, 1, 0),)))
    for period in ("1999-12", "2026-11-24"):
        assert await ranking.snapshot(ONE, period) is None
        assert await ranking.page(ONE, period, None, 5) is None
        assert await ranking.standing(ONE, period, "u1") is None
        assert await ranking.around(ONE, period, "u1", 2) is None
        assert await ranking.total(ONE, period) is None
    assert set(await ranking.periods()) == set(SPANS)


async def test_a_mark_opens_a_period_empty_and_points_in_the_same_group_count(
    ranking: Ranking,
) -> None:
    await begin(ranking, 4)
    span = ("one", "2026-11-24")
    assert list(await ranking.apply(Group(EPOCH, 4, 5, (), (Mark(*span, 5, 50),)))) == [span]
    snapshot = await ranking.snapshot(ONE, span[1])
    assert snapshot is not None
    assert (snapshot.rows, snapshot.seq, snapshot.at) == ((), 5, 50)
    later = Group(
        EPOCH,
        5,
        6,
        (Move("one", "2026-11-25", "u1", 5, 6, 60),),
        (Mark("one", "2026-11-25", 6, 60),),
    )
    assert list(await ranking.apply(later)) == [("one", "2026-11-25")]
    opened = await ranking.snapshot(ONE, "2026-11-25")
    assert opened is not None
    assert [row.score for row in opened.rows] == [5]


async def test_a_forgotten_period_is_gone_and_the_others_stay(ranking: Ranking) -> None:
    await begin(ranking)
    moves = tuple(Move(*span, "u1", 5, 1, 10) for span in SPANS)
    await ranking.apply(Group(EPOCH, 0, 1, moves))
    await ranking.forget("one", "2026-11-23")
    await ranking.forget("one", "never-held")
    assert await ranking.snapshot(ONE, "2026-11-23") is None
    assert set(await ranking.periods()) == {("one", "all"), ("two", "all")}
    stray = (Move("one", "2026-11-23", "u1", 5, 2, 20), Move("one", "all", "u1", 5, 2, 20))
    assert list(await ranking.apply(Group(EPOCH, 1, 2, stray))) == [("one", "all")]
    assert await ranking.total(ONE, "2026-11-23") is None


# --- details of reads


async def test_a_page_tells_the_last_posting_of_its_period(ranking: Ranking) -> None:
    await begin(ranking)
    moves = [Move("one", "all", f"u{seq}", 100 - seq, seq, 10 * seq) for seq in range(1, 13)]
    await ranking.apply(Group(EPOCH, 0, 12, tuple(moves)))
    await ranking.apply(Group(EPOCH, 12, 13, (Move("two", "all", "u1", 1, 13, 130),)))
    page = await ranking.page(ONE, "all", None, 3)
    snapshot = await ranking.snapshot(ONE, "all")
    assert isinstance(page, Page)
    assert snapshot is not None
    assert (page.epoch, page.seq, page.at) == (EPOCH, 12, 120)
    assert (snapshot.seq, snapshot.at) == (10, 100)


async def test_a_full_top_tells_where_to_go_on_also_for_those_who_come_later(
    ranking: Ranking,
) -> None:
    await begin(ranking)
    moves = tuple(Move("one", "all", f"u{seq}", 1, seq, 10 * seq) for seq in range(1, 13))
    await ranking.apply(Group(EPOCH, 0, 9, moves[:9]))
    nine = await ranking.snapshot(ONE, "all")
    assert nine is not None
    assert nine.end is None
    await ranking.apply(Group(EPOCH, 9, 10, moves[9:10]))
    full = await ranking.snapshot(ONE, "all")
    assert full is not None
    nobody = await ranking.page(ONE, "all", full.end, 10)
    assert nobody is not None
    assert nobody.rows == ()
    assert list(await ranking.apply(Group(EPOCH, 10, 12, moves[10:]))) == []
    page = await ranking.page(ONE, "all", full.end, 10)
    assert page is not None
    assert [row.user_id for row in page.rows] == ["u11", "u12"]
    assert await ranking.snapshot(ONE, "all") == full


async def test_ties_go_to_whoever_got_there_first_whatever_their_names(ranking: Ranking) -> None:
    await begin(ranking)
    names = ["zoe", "adam", "Ärger".encode("ascii", "ignore").decode(), "m", "b"]
    moves = tuple(
        Move("one", "all", name, 5, seq, 10 * seq) for seq, name in enumerate(names, start=1)
    )
    await ranking.apply(Group(EPOCH, 0, len(names), moves))
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [row.user_id for row in snapshot.rows] == names


async def test_seqs_and_scores_at_their_limits_stay_in_order(ranking: Ranking) -> None:
    await begin(ranking)
    most = 2**53 - 1
    moves = (
        Move("one", "all", "least", -most, 1, 10),
        Move("one", "all", "second", most - 1, 2, 20),
        Move("one", "all", "first", most, 3, 30),
        Move("one", "all", "level", most - 1, 255, 40),
        Move("one", "all", "late", most - 1, 256, 50),
        Move("one", "all", "later", most - 1, 65_536, 60),
        Move("one", "all", "latest", most - 1, 2**40, 70),
    )
    await ranking.apply(Group(EPOCH, 0, 2**40, moves))
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [(row.user_id, row.score) for row in snapshot.rows] == [
        ("first", most), ("second", most - 1), ("level", most - 1), ("late", most - 1),
        ("later", most - 1), ("latest", most - 1), ("least", -most),
    ]  # fmt: skip


async def test_a_fall_that_pages_had_already_seen_is_in_the_label_of_the_rebuilt_top(
    ranking: Ranking,
) -> None:
    """Pages are read at moments of their own: what they show may be later than the place."""
    others = [Score(f"u{index:02}", 50 - index, index, index) for index in range(1, 11)]
    await ranking.rebuild((EPOCH, 20))
    await ranking.load(Mark("one", "all", 0, 0), [Score("u00", 5, 22, 22), *others])
    rise = Move("one", "all", "u10", 1, 21, 21)
    fall = Move("one", "all", "u00", -95, 22, 22)
    await ranking.apply(Group(EPOCH, 20, 21, (rise,)))
    await ranking.apply(Group(EPOCH, 21, 22, (fall,)))
    await ranking.switch()
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert "u00" not in {row.user_id for row in snapshot.rows}
    assert snapshot.seq == 22


# --- those who are not shown


async def test_whoever_was_erased_before_the_pages_were_read_is_in_the_label_of_the_rebuilt_top(
    ranking: Ranking,
) -> None:
    await ranking.rebuild((EPOCH, 20))
    await ranking.load(Mark("one", "all", 3, 3), [Score("u02", 5, 2, 2)])
    await ranking.apply(Group(EPOCH, 20, 21, turns=(Exit("u01", 21, 21, forever=True),)))
    await ranking.switch()
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert (snapshot.seq, [row.user_id for row in snapshot.rows]) == (21, ["u02"])


async def test_the_first_points_of_somebody_who_is_not_shown_wait_for_the_return(
    ranking: Ranking,
) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, turns=(Exit("u1", 1, 10),)))
    moves = (Move("one", "all", "u1", 5, 2, 20), Move("one", "all", "u2", 5, 3, 30))
    assert list(await ranking.apply(Group(EPOCH, 1, 3, moves))) == [("one", "all")]
    assert await ranking.total(ONE, "all") == 1
    back = Group(EPOCH, 3, 4, turns=(Return("u1", 4, 40),))
    assert list(await ranking.apply(back)) == [("one", "all")]
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [(row.user_id, row.at) for row in snapshot.rows] == [("u1", 20), ("u2", 30)]
    assert (snapshot.seq, snapshot.at) == (4, 40)


async def test_a_group_of_turns_that_does_not_fit_changes_nothing(ranking: Ranking) -> None:
    await begin(ranking, 5)
    with pytest.raises(OutOfPlace) as refused:
        await ranking.apply(Group(EPOCH, 6, 7, turns=(Exit("u1", 7, 70),)))
    assert refused.value.place == 5
    assert await ranking.unseen() == ((EPOCH, 5), frozenset())


async def test_a_ranking_that_has_to_be_rebuilt_does_not_say_who_is_not_shown(
    ranking: Ranking,
) -> None:
    assert await ranking.unseen() is None
