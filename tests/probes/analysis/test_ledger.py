"""The ledger counts what a person would count, fact by fact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.centring import centre
from knowshift.probes.analysis.ladder import fact_gains
from knowshift.probes.analysis.ledger import ledger, ledger_frame
from knowshift.probes.analysis.scores import Pair, fact_scores
from knowshift.probes.results.findings import Counts
from knowshift.terms.select import group
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import proportion_effectsize
from synthetic import World, fact, world

pytestmark = pytest.mark.filterwarnings("error")


def scored(tables, specialty="s0", cues=1):
    """Facts of five candidates, one token each, with the log-probabilities given: a pair of base and tuned."""
    base, tuned = (np.array(values, dtype=float).reshape(-1, cues, 5) for values in tables)
    items = tuple(fact(f"f{i}", specialty, tuple(f"{i}{x}" for x in "abcde"), cues) for i in range(len(base)))
    item, cue, role = (axis.ravel() for axis in np.indices(base.shape))
    domain, flat = world(1, 0, 0, terms=1).domain, np.zeros((base.size, 2, 12))
    made = World(domain, items, item, cue, role, np.ones(base.size, int), flat)
    flat = made.logprob()
    return Pair(*(fact_scores(made.model(values.ravel() - flat), items) for values in (base, tuned)))


def states(pair, own="s0"):
    gains = fact_gains(pair)
    groups = np.array([group(pair.items[i], own, "general") for i in gains.index], dtype="<U8")
    return ledger_frame("m", pair, gains, groups, centre(pair, gains))


BEST, WORST, TIE = [-1, -2, -3, -4, -5], [-9, -2, -3, -4, -5], [-2, -2, -3, -4, -5]


def test_a_fact_is_learned_kept_lost_or_never_known_and_a_tie_is_not_known():
    pair = scored(([WORST, BEST, BEST, WORST, TIE, BEST], [BEST, BEST, WORST, WORST, BEST, TIE]))
    frame = states(pair)
    assert frame["state"].to_list() == ["learned", "kept", "lost", "never", "learned", "lost"]
    assert frame["base_rank"].to_list() == [4, 0, 0, 4, 1, 0]
    assert frame["margin_base"].to_list() == pytest.approx([-5.5, 2.5, 2.5, -5.5, 1.5, 2.5])
    assert frame["margin_gain"].to_list() == pytest.approx([8, 0, -8, 0, 1, -1])
    assert frame["answer"].to_list()[0] == "0a"
    assert frame["distractors"].to_list()[0] == ["0b", "0c", "0d", "0e"]
    assert ledger(frame).own == Counts(facts=6, unknown=3, learned=2, known=3, lost=2)


def test_a_fact_of_several_wordings_is_known_by_its_mean():
    by_the_mean_wrong = [[-1, -3, -9, -9, -9], [-3.5, -1, -9, -9, -9]]
    by_the_mean_a_tie = [[-4, -1, -9, -9, -9], [0, -3, -9, -9, -9]]
    by_the_mean_right = [[0, -2, -9, -9, -9], [-2, -1, -9, -9, -9]]
    base = [by_the_mean_wrong, by_the_mean_a_tie, by_the_mean_right]
    assert states(scored((base, base), cues=2))["base_rank"].to_list() == [1, 1, 0]


def test_a_fact_is_known_by_its_centred_lead_where_that_can_be_read():
    """One answer is likely wherever it stands: by its plain rank it leads in every fact, and says nothing."""
    ring = [tuple(f"{'abcdef'[(i + step) % 6]}" for step in range(5)) for i in range(6)]
    items = tuple(fact(f"f{i}", "s0", answers) for i, answers in enumerate(ring))
    item, role = (axis.ravel() for axis in np.indices((6, 5)))
    domain = world(1, 0, 0, terms=1).domain
    made = World(domain, items, item, 0 * item, role, np.ones(30, int), np.zeros((30, 2, 12)))
    likely = np.array([5.0 * (answers[k] == "a") for answers in ring for k in range(5)])
    learned = likely + 1.0 * (role == 0)
    pair = Pair(*(fact_scores(made.model(gain), items) for gain in (likely, learned)))
    frame = states(pair)
    assert frame["base_rank"][0] == 0
    assert frame["base_lead"].to_list() == pytest.approx([0.0] * 6)
    assert frame["tuned_lead"].to_list() == pytest.approx([1.0] * 6)
    assert frame["state"].to_list() == ["learned"] * 6
    assert frame["base_category"].to_list() == ["unknown"] * 6
    assert frame["tuned_category"].to_list() == ["known"] * 6


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["token", "target", "character"]))
def test_counts_add_up_whatever_the_scores_and_do_not_hang_on_the_unit(seed, per):
    made = world(specialties=3, facts=10, controls=10, cues=2, distractors=4, seed=seed % 3)
    rng = np.random.default_rng(seed)
    tables = [made.model(rng.normal(0, 2, len(made.item))) for _ in range(2)]
    pair = Pair(*(fact_scores(table, made.items) for table in tables), per)
    counts = ledger(states(pair))
    for name, facts in (("own", 10), ("other", 20), ("general", 10)):
        one = getattr(counts, name)
        assert one.facts == facts == one.unknown + one.known
        assert 0 <= one.learned <= one.unknown
        assert 0 <= one.lost <= one.known
    back = ledger(states(Pair(pair.tuned, pair.base, per)))
    assert [getattr(back, g).lost for g in ("own", "other")] == [getattr(counts, g).learned for g in ("own", "other")]
    for outcome, of in (("learned", "unknown"), ("lost", "known")):
        hits, totals = ([getattr(side, key) for side in (counts.own, counts.other)] for key in (outcome, of))
        table = [[hit, total - hit] for hit, total in zip(hits, totals, strict=True)]
        expected = fisher_exact(table).pvalue if all(sum(row) for row in table) else None
        assert getattr(counts, f"p_{outcome}") == (None if expected is None else pytest.approx(expected))


def test_fishers_p_of_a_table_worked_by_hand():
    """3 of 3 own facts learned, 0 of 3 other: one table of 20 is as extreme, and its mirror."""
    own, other = scored(([WORST] * 3, [BEST] * 3)), scored(([WORST] * 3, [WORST] * 3), "s1")
    frame = states(own).vstack(states(other))
    assert ledger(frame).p_learned == pytest.approx(2 / 20)
    assert ledger(frame).p_lost is None
    assert ledger(frame).h_learned == pytest.approx(proportion_effectsize(1, 0))
    assert ledger(frame).h_lost is None


def test_no_facts_no_counts():
    made = world(specialties=2, facts=0, controls=0, terms=4, words=4)
    pair = Pair(fact_scores(made.model(), made.items), fact_scores(made.model(), made.items))
    counts = ledger(states(pair))
    assert counts.own == Counts(facts=0, unknown=0, learned=0, known=0, lost=0)
    assert counts.p_learned is None
