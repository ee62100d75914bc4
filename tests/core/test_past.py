"""Standings by counting, and accounts."""

from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.board import Tie
from scoreboard.core.past import Account, ActionSum, Counted, standing_of
from scoreboard.core.score import Score
from scoreboard.core.standing import standing_in

from .plain import PlainOrder


@given(st.lists(st.integers(-2, 4), min_size=1, max_size=20), st.sampled_from(Tie))
def test_a_standing_by_counting_is_that_of_the_whole_order(points: list[int], tie: Tie) -> None:
    scores = [Score(f"u{seq}", score, seq, seq) for seq, score in enumerate(points, 1)]
    for own in scores:
        greater = [each.score for each in scores if each.score > own.score]
        least = min(greater, default=None)
        counted = Counted(
            own,
            len(greater),
            sum(each.score == own.score and each.seq < own.seq for each in scores),
            len(scores),
            least,
            0 if least is None else sum(score > least for score in greater),
        )
        assert standing_of(counted, tie) == standing_in(PlainOrder(scores), tie, own.user_id)


def test_an_account_that_does_not_add_up_says_that_it_is_not_complete() -> None:
    actions = (ActionSum("quiz", 3, 1, 10, 1, 5), ActionSum("slip", 1, 0, -3, 2, 2))
    assert Account(1, 9, Score("u1", 7, 8, 80), actions).complete
    assert not Account(1, 9, Score("u1", 8, 8, 80), actions).complete
