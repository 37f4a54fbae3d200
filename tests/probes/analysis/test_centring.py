"""Centring takes out what a string says wherever it stands: every figure against a loop."""

import numpy as np
import pytest
from knowshift.probes.analysis.centring import SMALL_RELATION, Centred, centre
from knowshift.probes.analysis.ladder import fact_gains
from knowshift.probes.analysis.scores import Pair, fact_scores
from synthetic import World, fact, world

pytestmark = pytest.mark.filterwarnings("error")

RINGS = {
    "r": {"f0": "abcd", "f1": "bcda", "f2": "cdab", "f3": "dabc", "f4": "eabc"},
    "q": {"g0": "abcd", "g1": "bcda", "g2": "cdab", "g3": "dabc", "g4": "abce", "g5": "abde"},
    "small": {"h0": "abcd", "h1": "bcda", "h2": "cdab", "h3": "dabc"},
}
FACTS = [(id, relation, answers) for relation, ring in RINGS.items() for id, answers in ring.items()]


def pair_of(cues: int = 1) -> Pair:
    items = tuple(fact(id, "s0", tuple(answers), cues, relation) for id, relation, answers in FACTS)
    places = np.array([(i, cue, k) for i in range(len(items)) for cue in range(cues) for k in range(4)])
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(len(places), 2, 12))
    made = World(world(1, 0, 0, terms=1).domain, items, *places.T, np.ones(len(places), int), logits)
    return Pair(*(fact_scores(made.model(gain), items) for gain in (0.0, rng.normal(size=len(places)))))


def loop(values: np.ndarray) -> np.ndarray:
    """Centre [facts, candidates] one candidate at a time."""
    out = np.full(values.shape, np.nan)
    for i, (id, relation, answers) in enumerate(FACTS):
        if len(RINGS[relation]) < SMALL_RELATION:
            continue
        for k, answer in enumerate(answers):
            elsewhere = [
                values[j, other.index(answer)]
                for j, (other_id, r, other) in enumerate(FACTS)
                if r == relation and other_id != id and answer in other[1:]
            ]
            if elsewhere:
                out[i, k] = values[i, k] - np.mean(elsewhere)
    return out


def test_centring_takes_the_mean_of_the_other_cues_where_an_answer_is_false():
    pair = pair_of()
    centred = centre(pair, fact_gains(pair))
    for found, scores in ((centred.base, pair.base), (centred.tuned, pair.tuned)):
        assert found == pytest.approx(loop(scores.logprob[:, 0]), nan_ok=True)
    assert np.isnan(centred.base[-4:]).all()
    assert np.isnan(centred.base[4, 0]), "e is false nowhere in its relation"


def test_wordings_are_averaged_first_and_centred_each_by_itself_too():
    pair = pair_of(cues=3)
    centred = centre(pair, fact_gains(pair))
    assert centred.base == pytest.approx(loop(pair.base.logprob.mean(1)), nan_ok=True)
    for cue in range(3):
        assert centred.tuned_wordings[cue] == pytest.approx(loop(pair.tuned.logprob[:, cue]), nan_ok=True)


def test_wordings_that_are_not_asked_for_have_no_part():
    pair = pair_of(cues=3)
    asked = np.tile([True, False, True], (len(FACTS), 1))
    centred = centre(pair, fact_gains(pair), asked)
    assert centred.base == pytest.approx(loop(pair.base.logprob[:, [0, 2]].mean(1)), nan_ok=True)
    assert np.isnan(centred.base_wordings[1]).all()


def test_what_a_string_gains_wherever_it_stands_is_gone():
    made = world(specialties=2, facts=20, controls=0)
    moved = made.model(made.moved(noise=0.0, ease=3.0))
    pair = Pair(*(fact_scores(table, made.items) for table in (made.model(), moved)))
    centred = centre(pair, fact_gains(pair))
    held = np.isfinite(centred.base)
    assert centred.tuned[held] == pytest.approx(centred.base[held], abs=1e-9)


def test_margins_leads_and_pseudo_margins_are_those_of_a_loop():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(6, 5))
    values[1, 3] = np.nan
    like = np.ones((6, 5), dtype=bool)
    like[:, 0] = False
    like[2, 4] = False
    like[3, 2:4] = False
    centred = Centred(values, values + 1, like)
    margin, lead, pseudo = (side[0] for side in (centred.margins(), centred.leads(), centred.pseudo_margins()))
    for i in range(6):
        wrong = {k: values[i, k] for k in range(1, 5) if like[i, k] and np.isfinite(values[i, k])}
        if len(wrong) < 3:
            assert i == 3
            assert np.isnan([margin[i], lead[i], *pseudo[i]]).all()
            continue
        assert margin[i] == pytest.approx(values[i, 0] - np.mean(list(wrong.values())))
        assert lead[i] == pytest.approx(values[i, 0] - max(wrong.values()))
        for k in range(1, 5):
            rest = [value for other, value in wrong.items() if other != k]
            expected = wrong[k] - np.mean(rest) if k in wrong else np.nan
            assert pseudo[i, k - 1] == pytest.approx(expected, nan_ok=True)


def test_a_part_keeps_the_facts_that_are_asked_for():
    pair = pair_of(cues=2)
    centred = centre(pair, fact_gains(pair))
    kept = np.arange(len(FACTS)) % 2 == 0
    part = centred.part(kept)
    assert part.leads()[0] == pytest.approx(centred.leads()[0][kept], nan_ok=True)
    assert part.wording_leads()[1] == pytest.approx(centred.wording_leads()[1][:, kept], nan_ok=True)
