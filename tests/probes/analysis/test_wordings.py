"""Wordings stand by their names where the domain names them."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.probes.analysis.analyze import analyze
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    fewer_draws(monkeypatch)


def named(names, some=lambda n: True):
    """Forty facts a specialty whose cues are called `names`, where `some` of their numbers are."""
    made = world(specialties=6, facts=40, controls=40, cues=3)
    items = tuple(replace(item, wordings=names if some(n) else ()) for n, item in enumerate(made.items))
    return replace(made, items=items)


def wordings(made, taught):
    gain = made.moved(1) + 1.0 * (made.of("s0") & (made.role == 0) & taught)
    return analyze(made.material(m=made.model(gain))).models["m"].wordings


def test_figures_stand_under_each_name():
    made = named(("taught", "paraphrase", "paraphrase"))
    found = {one.wording: one for one in wordings(made, made.cue == 0)}
    assert list(found) == ["taught", "paraphrase"]
    assert found["taught"].acquired.value == pytest.approx(1.0, abs=0.1)
    assert found["paraphrase"].acquired.value == pytest.approx(0.0, abs=0.1)
    assert all(one.cue is None and one.facts == 280 for one in found.values())


def test_a_kind_of_several_cues_is_their_mean():
    made = named(("taught", "paraphrase", "paraphrase"))
    found = {one.wording: one for one in wordings(made, made.cue == 2)}
    assert found["paraphrase"].acquired.value == pytest.approx(0.5, abs=0.1)


def test_facts_whose_wordings_nobody_named_stand_apart():
    made = named(("taught", "paraphrase", "inverse"), some=lambda n: n % 2)
    found = {one.wording: one for one in wordings(made, made.cue == 0)}
    assert set(found) == {"taught", "paraphrase", "inverse", "not named"}
    assert [found[name].facts for name in ("taught", "not named")] == [140, 140]


def test_without_names_the_cues_stand_by_their_places():
    made = named(())
    found = wordings(made, made.cue == 1)
    assert [(one.cue, one.wording) for one in found] == [(0, None), (1, None), (2, None)]
    assert np.argmax([one.acquired.value for one in found]) == 1


def test_one_wording_has_no_table():
    made = world(specialties=6, facts=40, controls=40)
    assert wordings(made, made.cue == 0) == ()
