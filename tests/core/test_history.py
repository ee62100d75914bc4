"""The tally of a period: what its scores come to."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.history import Count, ensure_same, restored_epoch
from scoreboard.core.score import Score
from scoreboard.errors import HistoryRefused

scores = st.lists(
    st.builds(Score, st.text("abc", min_size=1), st.integers(-9, 9), st.integers(1, 99), st.just(0))
)


@given(given_scores=scores, cut=st.integers(0, 20))
def test_a_tally_does_not_depend_on_how_the_scores_are_paged(
    given_scores: list[Score], cut: int
) -> None:
    whole, paged = Count(), Count()
    whole.add(given_scores)
    paged.add(given_scores[:cut])
    paged.add(given_scores[cut:])
    tally = whole.tally("default", "all", (3, 30))
    assert paged.tally("default", "all", (3, 30)) == tally
    assert (tally.scores, tally.sum) == (len(given_scores), sum(s.score for s in given_scores))


def test_the_digest_is_of_users_scores_and_seqs_in_lines() -> None:
    count = Count()
    count.add([Score("ada", 5, 3, 30), Score("ben", -7, 4, 40)])
    expected = hashlib.sha256(b"ada 5 3\nben -7 4\n").hexdigest()
    assert count.tally("default", "2026-W48", (1, 10)).sha256 == expected


def test_another_score_or_another_mark_is_refused_by_name() -> None:
    count = Count()
    count.add([Score("ada", 5, 3, 30)])
    tally = count.tally("league", "2026-11", (1, 10))
    ensure_same(tally, tally)
    with pytest.raises(HistoryRefused, match="board league, period 2026-11"):
        ensure_same(tally, count.tally("league", "2026-11", (2, 10)))
    count.add([Score("ben", 5, 4, 40)])
    with pytest.raises(HistoryRefused, match=r"1 scores with 5 points .* 2 with 10"):
        ensure_same(tally, count.tally("league", "2026-11", (1, 10)))


@pytest.mark.parametrize(("exported", "own", "expected"), [(9, 5, 9), (5, 5, 6), (5, 9, 10)])
def test_whoever_saw_a_ledger_begin_sees_what_it_takes_over(
    exported: int, own: int, expected: int
) -> None:
    assert restored_epoch(exported, own) == expected
