"""Variances are statsmodels', permutations are exact, corrections are the textbook's; coverage: test_coverage."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.resample import Clusters, benjamini_hochberg, bootstrap, holm, permutation_p
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

pytestmark = pytest.mark.filterwarnings("error")

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def mean(values):
    return lambda weights: (weights @ values / weights.sum(1))[:, None]


def test_the_two_way_variance_is_that_of_statsmodels():
    """Of Cameron, Gelbach and Miller, without their correction for few clusters."""
    rng = np.random.default_rng(0)
    concept, answer = rng.integers(60, size=300), rng.integers(50, size=300)
    values = rng.normal(size=60)[concept] + rng.normal(size=50)[answer] + rng.normal(size=300)
    found = bootstrap(mean(values), Clusters.of(concept.tolist(), answer.tolist()), 0).deviations.std(ddof=1)
    groups = {"groups": np.column_stack([concept, answer]), "use_correction": False}
    theirs = OLS(values, np.ones(300)).fit(cov_type="cluster", cov_kwds=groups).bse[0]
    assert found == pytest.approx(theirs, rel=0.06)


def test_the_interval_of_few_clusters_is_students():
    values = np.random.default_rng(1).normal(size=12)
    found = bootstrap(mean(values), Clusters.of(range(12), range(12)), 0).estimate(0, 12, "nats")
    theirs = stats.ttest_1samp(values, 0).confidence_interval()
    assert found.method == "clustered t"
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.05 * (theirs.high - theirs.low))


def test_a_draw_without_a_value_is_never_evidence():
    """Of ten permutations nine give no number: p cannot be small."""
    own = np.arange(40) < 20
    calls = iter(range(10**6))

    def statistic(labels):
        held = (labels @ np.arange(40.0))[:, None]
        return held if next(calls) == 0 else np.where(np.arange(len(held))[:, None] % 10, np.nan, -1e9)

    assert permutation_p(statistic, own, np.arange(40), 0, 199) > 0.8


def test_one_sided_p_holds_its_level_and_agrees_with_the_interval():
    false = 0
    for seed in range(400):
        values = np.random.default_rng(seed).normal(size=50)
        result = bootstrap(mean(values), Clusters.of(range(50), range(50)), seed, 199)
        above, below = result.one_sided_p(0), result.one_sided_p(0, below=True)
        false += above <= 0.05
        assert above + below == pytest.approx(1, abs=0.02)
        low = result.estimate(0, 50, "nats").low
        assert (low > 0) == (above <= 0.025) or abs(above - 0.025) < 0.011
    assert 0.02 <= false / 400 <= 0.09


def test_draws_hang_on_seed_and_clusters_alone():
    clusters = Clusters.of([f"c{i % 30}" for i in range(60)], range(60))
    one, other = np.random.default_rng(0).normal(size=(2, 60))
    alone = bootstrap(mean(one), clusters, 3, 99)
    assert np.array_equal(alone.deviations, bootstrap(mean(one), clusters, 3, 99).deviations)
    assert not np.array_equal(alone.deviations, bootstrap(mean(one), clusters, 4, 99).deviations)
    # Jointly resampled: a statistic's draws are the same whatever stands beside it.
    beside = bootstrap(lambda w: np.concatenate([mean(other)(w), mean(one)(w)], 1), clusters, 3, 99)
    assert beside.deviations[:, 1] == pytest.approx(alone.deviations[:, 0], abs=1e-12)
    assert beside.values[1] == alone.values[0]


def test_what_no_draw_can_give_is_missing_without_a_warning():
    result = bootstrap(lambda w: np.full((len(w), 1), np.nan), Clusters.of(range(40), range(40)), 0, 49)
    estimate = result.estimate(0, 0, "nats", "no own items")
    assert (estimate.value, estimate.low, estimate.note) == (None, None, "no own items")
    assert result.one_sided_p(0) == 1.0
    constant = bootstrap(mean(np.ones(40)), Clusters.of(range(40), range(40)), 0, 49)
    known = constant.estimate(0, 40, "nats", "no own items")
    assert (known.value, known.low, known.high, known.note) == (1.0, 1.0, 1.0, "")


def difference(values, own):
    return (own @ values) / own.sum(1) - ((1 - own) @ values) / (1 - own).sum(1)


@pytest.mark.parametrize("seed", range(4))
def test_permutation_p_is_that_of_full_enumeration(seed):
    cluster = np.array([0, 0, 1, 2, 3, 3, 4, 5])
    values = np.random.default_rng(seed).normal(size=8)
    own = np.isin(cluster, (0, 4))
    every = np.array([np.isin(cluster, chosen) for chosen in combinations(range(6), 2)], dtype=float)
    reached = difference(values, every) >= difference(values, own[None].astype(float)) - 1e-12
    p = permutation_p(lambda w: difference(values, w)[:, None], own, cluster, seed, 1999)
    assert p == pytest.approx(reached.mean(), abs=0.04)


def test_permutation_p_is_uniform_under_the_null():
    cluster = np.repeat(np.arange(30), 2)
    p = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=30)[cluster] + rng.normal(size=60)
        p.append(permutation_p(lambda w, v=values: difference(v, w)[:, None], cluster < 8, cluster, seed, 99))
    for level in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.08 if level > 0.1 else 0.035)
    assert min(p) >= 1 / 100


def test_a_concept_that_is_own_and_other_keeps_its_labels():
    cluster = np.array([0, 0, 1, 2, 3, 4])
    own = np.array([True, False, True, False, False, False])
    seen = []
    permutation_p(lambda w: seen.append(w.copy()) or w[:, :1], own, cluster, 0, 50)
    labels = np.concatenate(seen)
    assert (labels[:, :2] == (1, 0)).all()
    assert (labels[:, 2:].sum(1) == 1).all()
    assert len(np.unique(labels[:, 2:], axis=0)) == 4


@settings(max_examples=15, deadline=None)  # the oracle collects garbage at each call
@given(P_VALUES)
def test_holm_is_the_textbooks(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@settings(deadline=None)
@given(P_VALUES)
def test_benjamini_hochberg_is_the_textbooks_and_passes_over_what_is_unknown(p):
    expected = multipletests(p, method="fdr_bh")[1]
    assert benjamini_hochberg(p) == pytest.approx(expected)
    assert benjamini_hochberg([float("nan"), *p])[1:] == pytest.approx(expected)
    assert np.isnan(benjamini_hochberg([float("nan"), *p])[0])


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 12), st.integers(0, 99))
def test_the_two_way_variance_is_no_smaller_than_either_ones(clusters, seed):
    rng = np.random.default_rng(seed)
    first, second, values = rng.integers(clusters, size=40), rng.integers(clusters, size=40), rng.normal(size=40)

    def spread(one, other):
        deviations = bootstrap(mean(values), Clusters.of(one.tolist(), other.tolist()), seed, 999).deviations
        return np.nanstd(deviations)

    assert spread(first, second) >= 0.9 * max(spread(first, first), spread(second, second))
