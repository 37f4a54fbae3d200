"""Tukey's one degree of freedom is that of statsmodels, and says when drift multiplies."""

from dataclasses import asdict

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.additivity import additivity, tukey
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.matrix import members
from scipy import stats
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

NAMES = [f"s{k}" for k in range(6)]
MEMBER = members([(NAMES[i % 6],) for i in range(120)], NAMES)


def oracle(cells, own):
    """F and p of the product of the effects of a fitted additive model with γ, by statsmodels."""
    models, columns = cells.shape
    row, column = np.divmod(np.arange(cells.size), columns)
    base = sm.add_constant(
        np.column_stack(
            [
                column == np.array(own)[row],
                *(row == k for k in range(1, models)),
                *(column == k for k in range(1, columns)),
            ]
        ).astype(float)
    )
    fit = sm.OLS(cells.ravel(), base).fit()
    a = np.concatenate([[0], fit.params[2 : models + 1]])
    b = np.concatenate([[0], fit.params[models + 1 :]])
    product = (a - a.mean())[row] * (b - b.mean())[column]
    return sm.OLS(cells.ravel(), np.column_stack([base, product])).fit().compare_f_test(fit)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(4, 6))
def test_it_is_the_f_of_the_added_product(seed, models, columns):
    cells = np.random.default_rng(seed).normal(size=(models, columns))
    own = list(range(min(models, columns)))[:models] + [0] * max(0, models - columns)
    found, (f, p, _) = tukey(cells, own), oracle(cells, own)
    assert (found.f, found.p) == pytest.approx((f, p), rel=1e-6)


def test_p_is_uniform_where_rows_and_columns_add():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(400):
        cells = rng.normal(size=(4, 1)) + rng.normal(size=6) + rng.normal(0, 0.3, (4, 6))
        cells[np.arange(4), np.arange(4)] += 1.0
        p.append(tukey(cells, [0, 1, 2, 3]).p)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def rows(multiply, copies=1, noise=0.02):
    rng = np.random.default_rng(1)
    ease, strength = rng.normal(size=6), np.array([0.5, 1.0, 2.0, 3.0])
    out = {}
    for m in range(4):
        cell = strength[m] * ease if multiply else strength[m] + ease
        gain = MEMBER @ (cell + np.eye(6)[m]) + np.random.default_rng(m).normal(0, noise, 120)
        out |= {f"m{m}-{c}": (gain, NAMES[m]) for c in range(copies if m == 0 else 1)}
    return out


def test_drift_that_multiplies_is_seen_and_drift_that_adds_is_not():
    assert additivity(rows(multiply=True), MEMBER, NAMES).p < 1e-6
    assert additivity(rows(multiply=False), MEMBER, NAMES).p > 0.01


def test_a_copy_of_a_model_changes_nothing():
    one, other = (additivity(rows(True, copies), MEMBER, NAMES) for copies in (1, 3))
    assert asdict(one) == pytest.approx(asdict(other))


def test_it_needs_two_specialties_models_and_a_degree_of_freedom():
    every = rows(True)
    assert additivity({"m0": every["m0-0"]}, MEMBER, NAMES) is None
    assert additivity({}, MEMBER, NAMES) is None
    assert additivity(every, MEMBER[:, :0], []) is None
    assert tukey(np.random.default_rng(0).normal(size=(2, 2)), [0, 1]) is None
    assert tukey(np.zeros((4, 6)), [0, 1, 2, 3]) is None


def test_it_stands_beside_gamma(monkeypatch):
    fewer_draws(monkeypatch)
    made = world(specialties=4, facts=20, controls=20, distractors=4, terms=20, words=20)
    own = {name: f"s{k}" for k, name in enumerate("abcd")}
    found = analyze(made.material(own, **{name: made.model(made.moved(k)) for k, name in enumerate(own)})).diagonal
    for view in ("term", "fact"):
        assert 0 <= found[view].additivity.p <= 1
        assert found[view].additivity.degrees == 16 - 7 - 1 - 1
    alone = analyze(made.material(a=made.model(0.1))).diagonal
    assert alone["fact"].additivity is None
