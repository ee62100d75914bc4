"""Standings, pages and neighbours, against a plain sort."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.board import Tie
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.standing import (
    TOP_SIZE,
    Beside,
    Next,
    Row,
    Snapshot,
    around_in,
    own_standing_in,
    page_in,
    placed_by_sorting,
    standing_in,
    top_in,
)
from scoreboard.errors import NotFound

from .plain import PlainOrder

ties = st.sampled_from(Tie)


@st.composite
def populations(draw: st.DrawFn) -> list[Score]:
    """Users with few different scores, so that most of them tie; each seq is one user's."""
    points = draw(
        st.lists(st.integers(-2, 6) | st.sampled_from([-SCORE_MAX, SCORE_MAX]), max_size=24)
    )
    seqs = draw(st.permutations(range(1, len(points) + 1)))
    # Names run against the order of arrival, so that an order by name is never right by chance.
    return [
        Score(f"u{1000 - seq}", score, seq, 1_000 * seq)
        for score, seq in zip(points, seqs, strict=True)
    ]


def rank_by_counting(scores: list[Score], own: Score, tie: Tie) -> int:
    """The rank from its definition alone: how many are better, plus one."""
    better = [each for each in scores if each.score > own.score]
    if tie is Tie.FIRST_REACHED:
        better += [each for each in scores if each.score == own.score and each.seq < own.seq]
    return 1 + len(better)


def rank_after(scores: list[Score], own: Score, points: int, tie: Tie) -> int:
    """The user's rank once it has got these points, after everything that happened so far."""
    now = 1 + max(score.seq for score in scores)
    moved = own.plus(points, now, 0)
    others = [score for score in scores if score.user_id != own.user_id]
    return rank_by_counting([*others, moved], moved, tie)


def test_equal_scores_are_numbered_in_the_order_they_were_reached() -> None:
    scores = [Score("z", 7, 1, 0), Score("a", 7, 2, 0), Score("m", 9, 3, 0), Score("b", 5, 4, 0)]
    first = placed_by_sorting(scores, Tie.FIRST_REACHED)
    assert [(row.rank, row.user_id) for row in first] == [(1, "m"), (2, "z"), (3, "a"), (4, "b")]
    shared = placed_by_sorting(scores, Tie.SHARED)
    assert [(row.rank, row.user_id) for row in shared] == [(1, "m"), (2, "z"), (2, "a"), (4, "b")]


@given(populations(), ties)
def test_a_plain_sort_ranks_by_definition(scores: list[Score], tie: Tie) -> None:
    by_user = {score.user_id: score for score in scores}
    rows = placed_by_sorting(scores, tie)
    assert len(rows) == len(scores)
    for row in rows:
        own = by_user[row.user_id]
        assert row == Row(rank_by_counting(scores, own, tie), own.user_id, own.score, own.at)
    assert [row.rank for row in rows] == sorted(row.rank for row in rows)


@given(populations(), ties)
def test_a_standing_is_the_users_row_in_a_plain_sort(scores: list[Score], tie: Tie) -> None:
    order = PlainOrder(scores)
    for row in placed_by_sorting(scores, tie):
        standing = standing_in(order, tie, row.user_id)
        assert own_standing_in(order, tie, row.user_id) == standing
        assert (standing.rank, standing.user_id, standing.score, standing.at) == (
            row.rank,
            row.user_id,
            row.score,
            row.at,
        )
        assert standing.total_users == len(scores)
        assert standing.percentile() == 100 * (len(scores) - row.rank) / len(scores)
        assert 0 <= standing.percentile() < 100


@given(populations(), ties)
def test_to_next_is_the_fewest_points_that_reach_a_better_rank(
    scores: list[Score], tie: Tie
) -> None:
    order = PlainOrder(scores)
    for own in scores:
        standing = standing_in(order, tie, own.user_id)
        if standing.to_next is None:
            assert standing.rank == 1
            continue
        points = standing.to_next.points
        assert points >= 1
        assert rank_after(scores, own, points, tie) == standing.to_next.rank < standing.rank
        assert rank_after(scores, own, points - 1, tie) >= standing.rank


def test_to_next_passes_everybody_who_stands_level() -> None:
    scores = [Score(f"u{seq}", 5, seq, 0) for seq in range(1, 5)] + [Score("top", 9, 9, 0)]
    order = PlainOrder(scores)
    assert standing_in(order, Tie.FIRST_REACHED, "u4").to_next == Next(2, 1)
    assert standing_in(order, Tie.FIRST_REACHED, "u1").to_next == Next(1, 5)
    assert standing_in(order, Tie.SHARED, "u4").to_next == Next(1, 4)
    assert standing_in(order, Tie.SHARED, "top").to_next is None


def test_a_shared_first_rank_has_nothing_above_it() -> None:
    order = PlainOrder([Score("a", 5, 1, 0), Score("b", 5, 2, 0)])
    assert standing_in(order, Tie.SHARED, "b").to_next is None
    assert standing_in(order, Tie.FIRST_REACHED, "b").to_next == Next(1, 1)


@given(populations(), ties, st.integers(1, 7))
def test_pages_walk_over_everybody_once_in_order(scores: list[Score], tie: Tie, limit: int) -> None:
    order, seen, after = PlainOrder(scores), [], None
    for _ in range(len(scores) + 1):
        rows, after = page_in(order, tie, after, limit)
        assert len(rows) <= limit
        seen.extend(rows)
        if after is None:
            break
    assert after is None
    assert tuple(seen) == placed_by_sorting(scores, tie)


@given(populations(), ties, st.integers(1, 7))
def test_a_page_goes_on_only_where_somebody_follows(
    scores: list[Score], tie: Tie, limit: int
) -> None:
    rows, end = page_in(PlainOrder(scores), tie, None, limit)
    assert (end is None) == (len(scores) <= limit)
    assert len(rows) == min(limit, len(scores))


@given(populations(), ties, st.integers(-3, 7), st.integers(0, 30), st.integers(1, 7))
def test_a_page_may_begin_at_a_place_where_nobody_stands_any_more(
    scores: list[Score], tie: Tie, score: int, seq: int, limit: int
) -> None:
    rows, _ = page_in(PlainOrder(scores), tie, (-score, seq), limit)
    keys = {each.user_id: each.key() for each in scores}
    behind = [row for row in placed_by_sorting(scores, tie) if keys[row.user_id] > (-score, seq)]
    assert rows == tuple(behind[:limit])


@given(populations(), ties, st.integers(0, 6))
def test_neighbours_are_those_of_a_plain_sort(scores: list[Score], tie: Tie, radius: int) -> None:
    rows = placed_by_sorting(scores, tie)
    order = PlainOrder(scores)
    for index, row in enumerate(rows):
        around = rows[max(0, index - radius) : index + radius + 1]
        assert around_in(order, tie, row.user_id, radius) == around


@given(populations(), ties)
def test_who_has_no_score_is_not_found(scores: list[Score], tie: Tie) -> None:
    order = PlainOrder(scores)
    with pytest.raises(NotFound):
        standing_in(order, tie, "nobody")
    with pytest.raises(NotFound):
        around_in(order, tie, "nobody", 3)
    assert own_standing_in(order, tie, "nobody") is None


def test_of_two_snapshots_the_greater_place_is_newer() -> None:
    def snapshot(epoch: int, seq: int) -> Snapshot:
        return Snapshot("default", "all", epoch, seq, 0, ())

    assert snapshot(1, 9).place() < snapshot(2, 1).place() < snapshot(2, 2).place()


@given(scores=populations(), tie=ties)
def test_a_top_says_where_to_go_on_when_it_is_full(scores: list[Score], tie: Tie) -> None:
    rows, end = top_in(PlainOrder(scores), tie)
    assert rows == placed_by_sorting(scores, tie)[:TOP_SIZE]
    if len(scores) < TOP_SIZE:
        assert end is None
    else:
        assert end == sorted(scores, key=Score.key)[TOP_SIZE - 1].key()


@given(populations().filter(bool), st.data())
def test_beside_an_order_everybody_finds_the_place_it_would_have(
    scores: list[Score], data: st.DataObject
) -> None:
    own = data.draw(st.sampled_from(scores))
    whole = PlainOrder(scores)
    beside = Beside(PlainOrder([score for score in scores if score is not own]), own)
    assert beside.total() == len(scores)
    limit = data.draw(st.integers(0, 5))
    assert list(beside.after(None, limit)) == list(whole.after(None, limit))
    for score in [*scores, Score("nobody", 3, 99, 0)]:
        key = score.key()
        assert beside.score(score.user_id) == whole.score(score.user_id)
        assert beside.before(key) == whole.before(key)
        assert list(beside.after(key, limit)) == list(whole.after(key, limit))
        assert list(beside.last_before(key, limit)) == list(whole.last_before(key, limit))
    for tie in Tie:
        assert standing_in(beside, tie, own.user_id) == standing_in(whole, tie, own.user_id)
        around = around_in(beside, tie, own.user_id, limit)
        assert around == around_in(whole, tie, own.user_id, limit)
