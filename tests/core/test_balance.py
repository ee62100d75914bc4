"""Balances: who stands first of those with the same score, and what makes an import count once."""

from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.balance import Balance, balance_award_id, in_order
from scoreboard.core.identifier import is_award_id


@given(moments=st.lists(st.integers(0, 3)))
def test_the_order_is_that_of_times_and_of_lines_at_one_moment(moments: list[int]) -> None:
    given_balances = [Balance(f"u{line}", 5, at, line) for line, at in enumerate(moments)]
    ordered = in_order(given_balances)
    assert [(each.at, each.line) for each in ordered] == sorted(
        (each.at, each.line) for each in given_balances
    )


def test_an_import_and_a_user_have_one_award_id() -> None:
    ids = {
        balance_award_id(action, user) for action in ("imported", "other") for user in ("ada", "a")
    }
    assert len(ids) == 4
    assert all(map(is_award_id, ids))
    assert balance_award_id("imported", "ada") == "2aa5a74e-b605-8927-8bbb-aa5d8c510d9b"
