"""Scores and the one order in which they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.score import SCORE_MAX, Score, in_range


def test_more_is_better() -> None:
    assert Score("a", 2, 9, 9).key() < Score("b", 1, 1, 1).key()


def test_ties_go_to_whoever_got_there_first() -> None:
    assert Score("z", 5, 1, 1).key() < Score("a", 5, 2, 1).key()


@given(st.integers(-SCORE_MAX, SCORE_MAX), st.integers(-1000, 1000).filter(bool))
def test_points_move_the_score_and_its_place(score: int, points: int) -> None:
    assert Score("a", score, 1, 10).plus(points, 2, 20) == Score("a", score + points, 2, 20)


def test_no_points_keep_the_place_in_the_order() -> None:
    before = Score("a", 5, 1, 10)
    assert before.plus(0, 2, 20) == before


@pytest.mark.parametrize(
    ("score", "within"),
    [
        (0, True), (2**31, True), (SCORE_MAX, True), (-SCORE_MAX, True),
        (SCORE_MAX + 1, False), (-SCORE_MAX - 1, False),
    ],
)  # fmt: skip
def test_the_range_is_that_of_exact_doubles(score: int, within: bool) -> None:
    assert in_range(score) is within
    if within:
        assert int(float(score)) == score


def test_beyond_the_range_a_double_cannot_tell_neighbours_apart() -> None:
    assert float(SCORE_MAX + 1) == float(SCORE_MAX + 2)
    assert float(SCORE_MAX) != float(SCORE_MAX - 1)
