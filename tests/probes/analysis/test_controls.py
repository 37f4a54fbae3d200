"""Terms against words: planted differences are found, whatever the whole text gained."""

import numpy as np
import pytest
from knowshift.probes.analysis.controls import CALIPER, terms_against_words
from knowshift.probes.analysis.scores import Pair, Scores
from knowshift.terms.items import Item


def scores(items, logprob, tokens):
    logprob, tokens = np.asarray(logprob, float), np.asarray(tokens, float)
    return Scores(tuple(items), logprob, tokens, tokens * 5, np.zeros((len(items), 0)), None, logprob)


def material(extra, drift, rng, n=80, spread=0.01):
    """`n` terms in each of two groups, a control beside each, and general words; terms gain `extra` beyond `drift`."""
    terms = [
        Item(f"term:{k}{group}", "term", (group,), f"c{k % 40}{group}", "", document=f"d{k % 25}{group}")
        for group in ("own", "other")
        for k in range(n)
    ]
    words = [Item(f"word:{n}", "word", ("general",), f"w{n}", "") for n in range(200)]
    controls = [Item(f"control:{t.id}", "control", t.specialties, f"k{t.id}", "", beside=t.id) for t in terms]
    groups = np.array([t.specialties[0] for t in terms] + ["general"] * len(words))
    base = rng.uniform(-8, -2, len(terms) + len(words))
    size = np.ones(len(base))
    gain = drift + rng.normal(0, spread, len(base)) + extra * (groups != "general")
    texts = Pair(scores(terms + words, base, size), scores(terms + words, base + gain, size))
    beside = base[: len(terms)] + rng.uniform(-0.3, 0.3, len(terms))
    moved = beside + drift + rng.normal(0, spread, len(terms))
    return (
        texts,
        Pair(scores(controls, beside, size[: len(terms)]), scores(controls, moved, size[: len(terms)])),
        groups,
    )


@pytest.mark.parametrize(("extra", "drift"), [(0.0, 0.0), (0.0, 0.7), (0.5, 0.2), (-0.3, 1.0)])
def test_what_terms_gain_beyond_words_is_found_whatever_the_drift(extra, drift):
    texts, controls, groups = material(extra, drift, np.random.default_rng(0))
    found = terms_against_words(texts, controls, groups, seed=0)
    for place in ("documents", "general"):
        for group in ("own", "other"):
            one = found[place][group]
            assert one.value == pytest.approx(extra, abs=0.02)
            assert one.low - 0.01 <= extra <= one.high + 0.01
            assert one.n == 40
            assert one.matched > 0.95


def test_a_null_is_seldom_significant():
    ps = []
    for seed in range(30):
        texts, controls, groups = material(0.0, 0.3, np.random.default_rng(seed), spread=0.5)
        ps.append(terms_against_words(texts, controls, groups, seed)["documents"]["own"].p)
    assert np.mean(np.array(ps) < 0.05) <= 0.2


def test_only_like_is_compared_with_like():
    texts, controls, groups = material(0.5, 0.0, np.random.default_rng(1))
    longer = Pair(*(scores(side.items, side.logprob, side.tokens + 1) for side in (controls.base, controls.tuned)))
    likelier = Pair(
        *(scores(side.items, side.logprob + 3 * CALIPER, side.tokens) for side in (controls.base, controls.tuned))
    )
    for unlike in (longer, likelier):
        one = terms_against_words(texts, unlike, groups, seed=0)["documents"]["own"]
        assert one.value is None
        assert one.note == "no control of like length and base log-probability"
        assert one.matched == 0


def test_without_terms_nothing_is_said():
    empty = Pair(scores([], [], []), scores([], [], []))
    found = terms_against_words(empty, empty, np.array([], dtype="<U8"), seed=0)
    assert found["general"]["other"].note == "no terms of this group"
