"""Facts seen in training stand apart from unseen ones, in ledger, rungs and term table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from knowshift.errors import UsageError
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.runs.naming import training_files
from knowshift.terms.training import Seen
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=4, facts=40, controls=40, terms=20, words=20)
HALF = {item.id for n, item in enumerate(WORLD.items) if item.kind == "fact" and n % 2}
SEEN = Seen(
    {item.id: "exact" if item.id in HALF else "no" for item in WORLD.items if item.kind == "fact"},
    {item.concept: "name" for item in WORLD.items if item.kind == "term"},
    frozenset(),
    "train.txt",
    "0" * 64,
    3,
    99,
)


@pytest.fixture
def found(monkeypatch):
    fewer_draws(monkeypatch)
    gain = WORLD.moved(1) + 1.0 * (WORLD.is_(lambda item: item.id in HALF) & WORLD.of("s0") & (WORLD.role == 0))
    return analyze(replace(WORLD.material(m=WORLD.model(gain)), seen={"m": SEEN}))


def test_what_was_taught_stands_with_the_seen(found):
    training = found.models["m"].training
    seen, unseen = training.seen, training.unseen
    assert seen.acquired.value == pytest.approx(1.0, abs=0.1)
    assert unseen.acquired.value == pytest.approx(0.0, abs=0.1)
    assert seen.rungs["knowledge"].value > 0.8 > 0.2 > unseen.rungs["knowledge"].value
    assert seen.rungs["generic_drift"] == unseen.rungs["generic_drift"]
    assert training.facts == {"exact": len(HALF), "no": len(SEEN.facts) - len(HALF)}


def test_the_two_sides_make_the_ledger(found):
    model = found.models["m"]
    for group in ("own", "other"):
        sides = [getattr(side.ledger, group) for side in (model.training.seen, model.training.unseen)]
        for key, count in sides[0]:
            assert count + getattr(sides[1], key) == getattr(getattr(model.ledger, group), key)


def test_both_tables_have_the_column(found):
    facts, terms = found.facts[0], found.terms[0]
    assert set(facts.filter(pl.col("seen") == "exact")["item"]) == HALF & set(facts["item"])
    assert set(terms["seen"]) == {"name"}
    assert facts["seen"].null_count() == 0


def test_without_training_data_the_columns_are_null(monkeypatch):
    fewer_draws(monkeypatch)
    plain = analyze(WORLD.material(m=WORLD.model(0.1)))
    assert plain.models["m"].training is None
    assert plain.facts[0]["seen"].null_count() == plain.facts[0].height
    assert plain.terms[0]["seen"].null_count() == plain.terms[0].height


def test_the_verdict_does_not_hang_on_it(found, monkeypatch):
    fewer_draws(monkeypatch)
    gain = WORLD.moved(1) + 1.0 * (WORLD.is_(lambda item: item.id in HALF) & WORLD.of("s0") & (WORLD.role == 0))
    plain = analyze(WORLD.material(m=WORLD.model(gain))).models["m"]
    assert found.models["m"].model_copy(update={"training": None}) == plain


def test_one_file_serves_all_models_or_each_has_its_own():
    assert training_files(["a", "b"], ["x.txt"]) == {"a": Path("x.txt"), "b": Path("x.txt")}
    assert training_files(["a", "b"], ["b=y=1.txt"]) == {"b": Path("y=1.txt")}
    assert training_files(["a", "b"], ["x.txt", "b=y.txt"]) == {"a": Path("x.txt"), "b": Path("y.txt")}
    assert training_files(["a"], []) == {}
    with pytest.raises(UsageError, match="give one, or MODEL=FILE"):
        training_files(["a"], ["x.txt", "y.txt"])


def test_nothing_seen_leaves_that_side_open(monkeypatch):
    fewer_draws(monkeypatch)
    none = replace(SEEN, facts=dict.fromkeys(SEEN.facts, "no"))
    training = analyze(replace(WORLD.material(m=WORLD.model(0.1)), seen={"m": none})).models["m"].training
    assert training.seen.acquired.value is None
    assert training.seen.rungs["knowledge"].value is None
    assert training.unseen.ledger.own.facts == 40
    assert np.isfinite(training.unseen.rungs["knowledge"].value)
