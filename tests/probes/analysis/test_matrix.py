"""γ is the textbook's least squares and is blind to easy specialties; the term table is a t table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.matrix import diagonal, members
from knowshift.probes.analysis.resample import Clusters
from knowshift.probes.analysis.scores import Pair, text_scores
from knowshift.probes.analysis.term_table import term_table, term_tables
from knowshift.terms.items import Item
from scipy import stats
from statsmodels.stats.multitest import multipletests
from synthetic import world

pytestmark = pytest.mark.filterwarnings("error")

NAMES = ["s0", "s1", "s2", "s3"]
MEMBER = members([(NAMES[i % 4],) for i in range(80)], NAMES)
CLUSTERS = Clusters.of(range(80), range(80))


def gamma(gains, own, member=MEMBER, seed=0):
    rows = {f"m{k}": (gain, name) for k, (gain, name) in enumerate(zip(gains, own, strict=True))}
    return diagonal(rows, member, CLUSTERS, NAMES, "nats/token", seed)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_gamma_is_least_squares_on_cell_means(seed, models):
    gains = np.random.default_rng(seed).normal(size=(models, 80))
    own = NAMES[:models]
    cells = gains @ MEMBER / MEMBER.sum(0)
    rows = [
        [float(own[m] == NAMES[s])] + [float(m == k) for k in range(models)] + [float(s == k) for k in range(1, 4)]
        for m in range(models)
        for s in range(4)
    ]
    expected = np.linalg.lstsq(np.array(rows), cells.ravel(), rcond=None)[0][0]
    assert gamma(gains, own).value == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-2, 2))
def test_gamma_finds_what_was_planted_and_is_blind_to_easy_models_and_specialties(seed, planted):
    rng = np.random.default_rng(seed)
    easy = MEMBER @ rng.normal(0, 3, 4)
    gains = [easy + rng.normal(0, 3) + planted * MEMBER[:, k] for k in range(4)]
    found = gamma(gains, NAMES)
    assert found.value == pytest.approx(planted, abs=1e-9)
    assert found.n == 80


def test_p_permutes_which_specialty_is_whose():
    gains = [np.random.default_rng(k).normal(0, 0.1, 80) + 2 * MEMBER[:, k] for k in range(4)]
    assert gamma(gains, NAMES).p == pytest.approx(1 / 24)
    assert gamma(gains[:3], NAMES[:3]).p is None  # its floor would be 1/6
    assert gamma([*gains, gains[0]], [*NAMES, "s0"]).p == pytest.approx(1 / 24)
    wrong = [np.random.default_rng(k).normal(0, 0.1, 80) + 2 * MEMBER[:, (k + 1) % 4] for k in range(4)]
    assert gamma(wrong, NAMES).p > 0.5


def test_gammas_effect_size_is_over_the_spread_between_concepts_of_a_specialty():
    rng = np.random.default_rng(0)
    gains = [rng.normal(0, 1, 4)[np.arange(80) % 4] + rng.normal(0, 0.5, 80) + 2 * MEMBER[:, k] for k in range(4)]
    found = gamma(gains, NAMES)
    within = [[gain[np.arange(80) % 4 == s] for s in range(4)] for gain in gains]
    variances = [np.concatenate([part - part.mean() for part in parts]).var(ddof=1) for parts in within]
    assert found.effect == pytest.approx(found.value / np.mean(variances) ** 0.5)
    assert gamma([*gains, gains[0]], [*NAMES, "s0"]).effect == pytest.approx(found.effect)


def test_gamma_needs_two_models_of_different_specialties():
    gains = np.random.default_rng(0).normal(size=(3, 80))
    assert gamma(gains[:2], ["s0", "s1"]).known
    for own in (["s0"], ["s0", "s0"], ["s0", None]):
        found = gamma(gains[: len(own)], own)
        assert found.value is None
        assert "tuned on different specialties" in found.note
    two = gamma(gains[:2], ["s0", "s1"], members([(NAMES[i % 2],) for i in range(80)], NAMES))
    assert two.known


@pytest.mark.heavy
def test_common_items_count_in_no_contrast():
    made = world(specialties=4, facts=20, controls=0, terms=20, distractors=3)
    own = {name: f"s{k}" for k, name in enumerate("ab")}
    tables = {name: made.model(made.moved(k)) for k, name in enumerate(own)}
    before = analyze(made.material(own, **tables)).diagonal
    common = made.is_(lambda item: item.id in ("fact:s0-3", "term:s1:5"))
    for item in made.items:
        if item.id in ("fact:s0-3", "term:s1:5"):
            object.__setattr__(item, "specialties", ("s0", "s1", "s2", "s3"))
    plain = analyze(made.material(own, **tables)).diagonal
    moved = {**tables, "a": made.model(made.moved(0) + 50 * common * (made.role == 0))}
    after = analyze(made.material(own, **moved)).diagonal
    for view in ("fact", "term"):
        assert after[view].value == pytest.approx(plain[view].value)
        assert plain[view].value != before[view].value


def test_a_models_row_is_the_mean_of_each_specialty():
    made = world(specialties=3, facts=20, controls=20, distractors=4, terms=20, words=20)
    gain = made.item % 5 / 5 + 0.7 * made.of("s1") + 0.3 * (made.of("s2") & (made.role == 0))
    row = analyze(made.material(m=made.model(gain))).models["m"].matrix
    is_term = made.is_(lambda item: item.kind == "term")
    for name in ("s0", "s1", "s2"):
        rows = made.of(name)
        assert row[name].terms.value == pytest.approx(gain[rows & is_term].mean())
        assert row[name].answers.value == pytest.approx(gain[rows & ~is_term & (made.role == 0)].mean())
        assert row[name].margin.value == pytest.approx(0.3 * (name == "s2"), abs=1e-9)
        assert row[name].answers.note == ""
        assert (row[name].answers.n, row[name].answers.method) == (20, "clustered t")
        assert row[name].terms.n == 5  # concepts


def test_a_specialty_without_items_is_a_blank():
    made = world(specialties=2, facts=20, controls=20, distractors=4)
    row = analyze(made.material(m=made.model(0.1))).models["m"].matrix["s0"]
    assert (row.terms.value, row.terms.note) == (None, "no items")


def mentions(gains):
    """A pair over mentions of the concepts in `gains`."""
    items = [
        Item(f"term:t{i}:{c}", "term", ("s0",), c, c.upper(), text=c, document=f"d{i}", end=len(c))
        for c, values in gains.items()
        for i in range(len(values))
    ]
    made = world(1, 0, 0, terms=len(items))
    object.__setattr__(made, "items", tuple(items))
    tuned = made.model(np.concatenate([np.array(values) for values in gains.values()]))
    return Pair(text_scores(made.model(), items), text_scores(tuned, items))


def test_the_term_table_is_a_t_table():
    rng = np.random.default_rng(0)
    gains = {f"c{k}": rng.normal(0.2 * k, 1, 4 + k) for k in range(5)} | {"once": np.array([0.5])}
    table = term_table("m", mentions(gains))
    tests = [stats.ttest_1samp(values, 0) for values in list(gains.values())[:5]]
    assert table["concept"].to_list() == list(gains)
    assert table["name"].to_list() == [c.upper() for c in gains]
    assert table["count"].to_list() == [4, 5, 6, 7, 8, 1]
    assert table["gain"].to_list() == pytest.approx([values.mean() for values in gains.values()])
    assert table["low"].to_list()[:5] == pytest.approx([test.confidence_interval().low for test in tests])
    assert table["high"].to_list()[:5] == pytest.approx([test.confidence_interval().high for test in tests])
    assert table["p"].to_list()[:5] == pytest.approx([test.pvalue for test in tests])
    spreads = [np.mean(values) / np.std(values, ddof=1) for values in list(gains.values())[:5]]
    assert table["effect"].to_list()[:5] == pytest.approx(spreads)
    assert table.row(5, named=True)["low"] is None
    assert table.row(5, named=True)["p"] is None


def test_one_correction_serves_the_terms_of_all_models():
    rng = np.random.default_rng(1)
    made = {m: mentions({f"c{k}": rng.normal(0.2 * k, 1, 5) for k in range(4)} | {"once": [0.5]}) for m in "ab"}
    p = [row["p"] for m in made for row in term_table(m, made[m]).to_dicts()]
    tables = term_tables([term_table("a", made["a"], {"c1": "exact"}), term_table("b", made["b"])])
    q = [row["q"] for table in tables for row in table.to_dicts()]
    known = [k for k, one in enumerate(p) if one is not None]
    assert [q[k] for k in known] == pytest.approx(multipletests([p[k] for k in known], method="fdr_bh")[1])
    assert [k for k, one in enumerate(q) if one is not None] == known
    assert [table["seen"].to_list() for table in tables] == [["no", "exact", "no", "no", "no"], [None] * 5]
    assert all("p" not in table.columns for table in tables)


def test_a_domain_of_facts_alone_has_an_empty_term_table():
    made = world(specialties=2, facts=10, controls=10, distractors=4)
    found = analyze(made.material(m=made.model(0.1), n=made.model(0.2)))
    assert [len(table) for table in found.terms] == [0, 0]
    assert [len(table) for table in found.facts] == [30, 30]
    assert found.terms[0].columns == term_tables([term_table("m", mentions({"c": [0.1, 0.2]}))])[0].columns
