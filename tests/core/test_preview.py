"""A preview is the difference between two plain sorts."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core import preview as preview_module
from scoreboard.core.board import Board, Tie
from scoreboard.core.preview import MOVES_MAX, PeriodMoves, Preview, RankMove, ScoreChange
from scoreboard.core.score import Score
from scoreboard.core.standing import placed_by_sorting


def board(tie: Tie) -> Board:
    return Board(board="league", tie=tie)


def scored(points: Sequence[int]) -> dict[str, Score]:
    return {f"u{n}": Score(f"u{n}", each, n + 1, 0) for n, each in enumerate(points)}


def ranks(scores: Sequence[Score], tie: Tie) -> dict[str, int]:
    return {row.user_id: row.rank for row in placed_by_sorting(scores, tie)}


def previewed(
    scores: dict[str, Score], changes: Sequence[ScoreChange], tie: Tie, page: int
) -> PeriodMoves:
    preview = Preview(board(tie), "all", changes)
    order = sorted(scores.values(), key=Score.key)
    for start in range(0, len(order) + 1, page):
        if not preview.see(order[start : start + page]):
            break
    return preview.result(len(order))


@st.composite
def situations(
    draw: st.DrawFn,
) -> tuple[dict[str, Score], list[ScoreChange], Tie, int]:
    scores = scored(draw(st.lists(st.integers(-3, 6), max_size=14)))
    changes, seq = [], 100
    for user_id in draw(st.lists(st.sampled_from([*scores, "new1", "new2"]), unique=True)):
        before = scores.get(user_id)
        points = draw(st.none() | st.integers(-3, 6))
        seq += 1
        after = None if points is None else Score(user_id, points, seq, 0)
        changes.append(ScoreChange(user_id, before, after))
    return scores, changes, draw(st.sampled_from(Tie)), draw(st.integers(1, 15))


@given(situations())
def test_a_preview_tells_every_rank_that_moves(
    situation: tuple[dict[str, Score], list[ScoreChange], Tie, int],
) -> None:
    scores, changes, tie, page = situation
    after = dict(scores)
    for change in changes:
        after.pop(change.user_id, None)
        if change.after:
            after[change.user_id] = change.after
    old, new = ranks(list(scores.values()), tie), ranks(list(after.values()), tie)
    expected = {
        RankMove(user_id, old.get(user_id), new.get(user_id))
        for user_id in old.keys() | new.keys()
        if old.get(user_id) != new.get(user_id)
    }
    found = previewed(scores, changes, tie, page)
    assert found.count == len(expected)
    assert set(found.moves) == expected
    assert [move.best() for move in found.moves] == sorted(move.best() for move in found.moves)


def test_of_many_moves_the_best_are_told_and_all_counted() -> None:
    scores = scored([1_000 - n for n in range(500)])
    gone = ScoreChange("u3", scores["u3"], None)
    preview = Preview(board(Tie.FIRST_REACHED), "all", [gone])
    order = sorted(scores.values(), key=Score.key)
    assert preview.see(order[:50])
    assert not preview.see(order[50:150])  # the rest all move up by one
    found = preview.result(500)
    assert found.count == 497
    assert len(found.moves) == MOVES_MAX
    assert found.moves[0] == RankMove("u3", 4, None)
    assert found.moves[1] == RankMove("u4", 5, 4)


def test_nothing_behind_the_last_change_is_looked_at_when_nobody_comes_or_goes() -> None:
    scores = scored([1_000 - n for n in range(100)])
    swap = ScoreChange("u1", scores["u1"], Score("u1", 997, 500, 0))
    preview = Preview(board(Tie.SHARED), "all", [swap])
    assert not preview.see(sorted(scores.values(), key=Score.key)[:10])
    assert preview.result(100).moves == (
        RankMove("u1", 2, 3),
        RankMove("u2", 3, 2),
        RankMove("u3", 4, 3),
    )


def test_what_does_not_change_moves_nobody() -> None:
    scores = scored([5, 4])
    same = ScoreChange("u0", scores["u0"], scores["u0"])
    assert previewed(scores, [same], Tie.FIRST_REACHED, 5) == PeriodMoves("league", "all", 0, ())
    assert preview_module.MOVES_MAX == 100
