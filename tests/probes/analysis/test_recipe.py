"""The S-MedQA statistic is theirs, to the digit, and stays out of every verdict."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.recipe import smedqa
from knowshift.probes.analysis.scores import Pair, occurrence_scores
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def read():
    """Forty terms as the recipe reads them; every third has a second specialty."""
    made = world(2, 0, 0, terms=20)
    for n, item in enumerate(made.items):
        object.__setattr__(item, "kind", "occurrence")
        if n % 3 == 0:
            object.__setattr__(item, "specialties", ("s0", "s1"))
    return made


def test_it_is_the_mean_over_occurrences_and_specialties_of_summed_gains(read):
    gain = np.random.default_rng(0).normal(size=len(read.item))
    base, tuned = read.model(), read.model(gain)
    found = smedqa(Pair(*(occurrence_scores(table, read.items) for table in (base, tuned))), ["s0", "s1"], 0)
    by_hand = {"all": [], "s0": [], "s1": []}
    for row, item in enumerate(read.items):
        summed = tuned["logprob"][row].as_py() - base["logprob"][row].as_py()
        for specialty in item.specialties:
            by_hand["all"].append(summed)
            by_hand[specialty].append(summed)
    assert found.all.value == pytest.approx(np.mean(by_hand["all"]))
    assert found.all.unit == "nats"
    assert found.all.low < found.all.value < found.all.high
    for name in ("s0", "s1"):
        assert found.by_specialty[name].value == pytest.approx(np.mean(by_hand[name]))
    assert found.occurrences == 40
    assert "cannot tell" in found.hides


def test_it_changes_no_other_figure(monkeypatch):
    fewer_draws(monkeypatch)
    made = world(specialties=3, facts=20, controls=20, distractors=4, terms=20, words=40)
    tables = {"m": made.model(made.moved(1))}
    plain = analyze(made.material(**tables)).models["m"]
    assert plain.smedqa is None
    extra = world(2, 0, 0, terms=20, seed=1)
    items = tuple(replace(item, id=f"occurrence:{n}", kind="occurrence") for n, item in enumerate(extra.items))
    both = replace(
        made,
        items=made.items + items,
        item=np.concatenate([made.item, extra.item + len(made.items)]),
        **{
            name: np.concatenate([getattr(made, name), getattr(extra, name)])
            for name in ("cue", "role", "tokens", "logits")
        },
    )
    gain = np.concatenate([made.moved(1), np.full(len(items), 9.0)])
    found = analyze(both.material(m=both.model(gain))).models["m"]
    assert found.smedqa.all.value == pytest.approx(9 * extra.tokens.mean())
    assert found.model_copy(update={"smedqa": None}) == plain
