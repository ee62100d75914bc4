"""It is promised that unlikely is what the textbooks call so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.tail import (
    NORMAL,
    NegativeBinomial,
    Spread,
    binomial_tail,
    median,
    median_of,
    quantile_of,
)

counts = st.lists(st.integers(1, 50), min_size=1, max_size=60)


def test_the_median_of_two_in_the_middle_is_between_them() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


@given(counts)
def test_counted_numbers_have_the_quantiles_of_the_list(sample: list[int]) -> None:
    counted = {number: sample.count(number) for number in sample}
    ordered = sorted(sample)
    assert median_of(counted) == ordered[(len(ordered) - 1) // 2]
    assert quantile_of(counted, 1.0) == ordered[-1]


def test_a_spread_is_that_of_the_busier_half_without_its_top() -> None:
    assert Spread.of({1.0: 10, 2.0: 10}) == Spread(2.0, 0.0)
    wild = Spread.of({0.0: 10, 1.0: 5, 2.0: 4, 99.0: 1})
    assert wild.median in {1.0, 2.0}
    assert wild.deviation < 1.0
    assert Spread.of({3.0: 1}) == Spread(3.0, 0.0)


def test_a_scale_is_never_below_what_the_floor_makes() -> None:
    assert Spread(0.0, 0.0).scale(0.25) == NORMAL * 0.25
    assert Spread(0.0, 2.0).scale(0.25) == 2.0


def brute(fit: NegativeBinomial, count: int) -> float:
    assert fit.size is not None
    chance = fit.size / (fit.size + fit.mean)
    below = 0.0
    for number in range(count):
        chosen = math.exp(
            math.lgamma(number + fit.size) - math.lgamma(fit.size) - math.lgamma(number + 1)
        )
        below += chosen * chance**fit.size * (1 - chance) ** number
    return 1 - below


def test_the_negative_binomial_s_tail_is_one_less_what_lies_below() -> None:
    fit = NegativeBinomial.fitted(10, 40, 300)
    assert fit.mean == 4
    assert fit.size == pytest.approx(16 / ((300 - 160) / 9 - 4))
    for count in (5, 8, 20):
        assert fit.tail(count) == pytest.approx(brute(fit, count), rel=1e-9)


def test_counts_that_vary_as_chance_does_are_a_poisson() -> None:
    fit = NegativeBinomial.fitted(4, 8, 16)
    assert fit.size is None
    exact = 1 - math.exp(-2) * (1 + 2 + 2)
    assert fit.tail(3) == pytest.approx(exact)
    assert fit.times(3) == NegativeBinomial(6.0, None)


def test_several_hours_together_have_the_sizes_of_all() -> None:
    fit = NegativeBinomial(4.0, 2.0)
    assert fit.times(3) == NegativeBinomial(12.0, 6.0)


def test_what_is_usual_is_in_no_tail() -> None:
    assert NegativeBinomial(4.0, 2.0).tail(4) == 1.0
    assert NegativeBinomial(0.0, None).tail(0) == 1.0
    assert NegativeBinomial(0.0, None).tail(1) == 0.0


def test_a_tail_that_never_ends_is_cut() -> None:
    assert NegativeBinomial(1e9, 1e-3).tail(2_000_000_000) <= 1.0


@pytest.mark.parametrize(("hits", "tries"), [(1, 3), (2, 3), (3, 3), (9, 20)])
def test_the_binomial_s_tail_is_the_sum_of_its_terms(hits: int, tries: int) -> None:
    exact = sum(
        math.comb(tries, number) * 0.3**number * 0.7 ** (tries - number)
        for number in range(hits, tries + 1)
    )
    assert binomial_tail(hits, tries, 0.3) == pytest.approx(exact)


def test_no_hit_and_a_sure_one_are_no_surprise() -> None:
    assert binomial_tail(0, 5, 0.3) == 1.0
    assert binomial_tail(5, 5, 1.0) == 1.0
