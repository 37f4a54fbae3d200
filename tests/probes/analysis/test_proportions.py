"""Intervals of proportions, against scipy, a published example, and a known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.probes.analysis.proportions import even_difference, even_p, newcombe, wilson
from scipy import stats


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts):
    hits, n = counts
    low, high = stats.binomtest(hits, n).proportion_ci(0.95, "wilson")
    assert wilson(hits / n, n) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
def test_a_paired_difference_lies_in_its_interval_which_has_a_width(counts):
    both, first, second, neither = counts
    low, high = newcombe(*counts)
    difference = (first - second) / sum(counts)
    assert -1 <= low <= difference <= high <= 1
    assert low < high
    flipped = newcombe(both, second, first, neither)
    assert flipped == (pytest.approx(-high), pytest.approx(-low))


def test_newcombes_own_example():
    """Table II of the paper, 36, 12, 2 and 0 of 50 pairs, method 10."""
    assert newcombe(36, 12, 2, 0) == (pytest.approx(0.0569, abs=5e-5), pytest.approx(0.3404, abs=5e-5))


@pytest.mark.parametrize("truth", [(0.6, 0.02, 0.02, 0.36), (0.3, 0.3, 0.1, 0.3), (0.9, 0.01, 0.01, 0.08)])
@pytest.mark.parametrize("n", [10, 60])
def test_the_paired_interval_covers_as_often_as_it_says(truth, n):
    rng = np.random.default_rng(0)
    found = [newcombe(*map(int, counts)) for counts in rng.multinomial(n, truth, 400)]
    assert np.mean([low <= truth[1] - truth[2] <= high for low, high in found]) >= 0.93


def test_a_bound_narrows_with_the_number():
    (low, high), (nearer, other) = even_difference(0.25, 5), even_difference(0.25, 500)
    assert -1 < low < nearer < 0.25 < other < high < 1


def test_few_facts_without_a_change_prove_nothing():
    assert even_p(0.05, 12) > 0.5
    assert even_p(0.05, 300) < 0.001
    assert even_p(1.0, 5) == pytest.approx(0.5**5)  # all of five changed, where up and down are as likely
