"""The permutation of whole relations: against full enumeration, and statsmodels' coefficient beside ease."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.relations import Blocks, permutation_p
from knowshift.probes.analysis.resample import holm

pytestmark = pytest.mark.filterwarnings("error")


def blocks(seed: int, own: int = 2, other: int = 6, effect: float = 0.0, slope: float = 0.0) -> Blocks:
    rng = np.random.default_rng(seed)
    is_own = np.arange(own + other) < own
    count = rng.integers(1, 12, own + other).astype(float)
    ease = rng.normal(size=own + other)
    mean = rng.normal(size=own + other) + slope * ease + effect * is_own
    return Blocks(is_own, count, count * mean, ease)


def coefficient(given: Blocks, own: np.ndarray) -> float:
    """The label's weighted least-squares coefficient, ease beside it."""
    columns = sm.add_constant(np.column_stack([own.astype(float), given.ease]))
    return float(sm.WLS(given.total / given.count, columns, weights=given.count).fit().params[1])


@pytest.mark.parametrize("seed", range(6))
def test_p_is_that_of_all_labellings(seed):
    given = blocks(seed, slope=1.5)
    labellings = [np.isin(np.arange(8), chosen) for chosen in combinations(range(8), 2)]
    observed = coefficient(given, given.own)
    exact = np.mean([coefficient(given, own) >= observed - 1e-9 for own in labellings])
    assert permutation_p(given, seed) == pytest.approx(exact, abs=0.045)


def test_ease_explains_what_it_explains():
    """Own relations are easier and easier ones gain more: nothing is left."""
    rng = np.random.default_rng(0)
    own = np.arange(30) < 5
    ease = rng.normal(size=30) + 2.0 * own
    count = np.full(30, 10.0)
    given = Blocks(own, count, count * (2 * ease + rng.normal(0, 0.3, 30)), ease)
    without = Blocks(own, count, given.total, np.zeros(30))
    assert permutation_p(without, 0) < 0.01 < 0.05 < permutation_p(given, 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 5))
def test_p_never_falls_below_one_over_the_labellings(seed, own, other):
    p = permutation_p(blocks(seed, own, other, effect=50.0), seed)
    assert 1 / comb(own + other, own) <= p <= 1


def test_blocks_without_facts_have_no_part():
    given = blocks(3)
    empty = Blocks(
        *(
            np.concatenate([part, more])
            for part, more in zip(
                (given.own, given.count, given.total, given.ease),
                ([True, False], [0.0, 0.0], [0.0, 0.0], [np.nan, 9.0]),
                strict=True,
            )
        )
    )
    assert permutation_p(empty, 1) == permutation_p(given, 1)


@pytest.mark.parametrize(("own", "other"), [(0, 6), (6, 0)])
def test_one_side_alone_is_no_evidence(own, other):
    assert permutation_p(blocks(0, own, other, effect=9.0), 0) == 1.0


def test_equal_blocks_are_no_evidence():
    given = Blocks(np.arange(10) < 3, np.full(10, 4.0), np.zeros(10), np.zeros(10))
    assert permutation_p(given, 0) == pytest.approx(1.0, abs=0.01)


def test_p_is_uniform_where_nothing_was_learned():
    p = np.array([permutation_p(blocks(seed, 4, 12, slope=1.0), seed) for seed in range(300)])
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=0.07 if level > 0.1 else 0.035)


def test_a_clear_effect_stays_clear_among_a_hundred_models():
    models = 100
    clear = permutation_p(blocks(1, 5, 25, effect=8.0), 1, models)
    rest = [permutation_p(blocks(seed, 5, 25), seed) for seed in range(20)]
    assert holm([clear, *rest, *[1.0] * (models - 21)])[0] <= 0.01
    assert holm([clear] * models)[0] <= 0.01
