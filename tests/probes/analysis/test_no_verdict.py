"""Where the data cannot tell, there is no verdict: *cannot tell* with a reason, or one clear line."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from knowshift.errors import ItemError
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.verdict import CANNOT_TELL
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

FULL = world(specialties=6, facts=40, controls=80)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    fewer_draws(monkeypatch)


def injected(made, gain=0.0):
    """A tune that moved the domain and taught every own fact: with enough of everything a plain case."""
    learned = made.of("s0") & (made.role == 0)
    return made.moved(1) + 0.5 * made.in_domain + 3.0 * learned + gain


def conclusion(made, tuned=None, base=None, own="s0"):
    material = made.material({"m": own}, m=made.model(injected(made)) if tuned is None else tuned)
    if base is not None:
        material = replace(material, base=base)
    return analyze(material).models["m"]


def moved_only(made):
    return conclusion(made, made.model(made.moved(1)))


def with_logprob(table, values):
    at = table.schema.get_field_index("logprob")
    return table.set_column(at, table.schema.field(at), pa.array(values, pa.float64()))


def equal(made):
    """The same log-probability, and the same at every temperature, of every string."""
    return replace(made, logits=np.zeros_like(made.logits), tokens=np.ones_like(made.tokens))


def collapsed(made):
    """A model that says the same of every string: its margins are constant."""
    return with_logprob(made.model(), -3.0 * made.tokens)


CASES = {
    "too few own facts": (lambda: conclusion(world(6, 20, 80)), "own facts: 13 were left to learn"),
    "too few other facts": (lambda: conclusion(world(2, 40, 80)), "20 own and 60 other facts unknown to the base"),
    "too few relations": (lambda: conclusion(world(4, 40, 80)), "other relations with facts clearly unknown"),
    "one specialty only": (lambda: conclusion(world(1, 60, 80)), "no usable other facts"),
    "no controls, nothing learned": (lambda: moved_only(world(6, 40, 0)), "general"),
    "no controls, whole domain": (lambda: conclusion(world(6, 40, 0), own=None), "no usable general facts"),
    "too few wrong answers": (lambda: conclusion(world(4, 40, 80, distractors=2)), "no usable own facts"),
    "small relations": (lambda: conclusion(world(4, 40, 80, relation=4, distractors=3)), "no usable own facts"),
    "no facts": (lambda: conclusion(world(4, 0, 0, terms=60, words=200)), "no usable own facts"),
    "all scores equal": (lambda: (lambda w: conclusion(w, w.model()))(equal(FULL)), "0 own and 0 other relations"),
    "constant base margin": (lambda: conclusion(equal(FULL)), "0 own and 0 other relations"),
    "constant margins of both": (lambda: conclusion(FULL, collapsed(FULL), collapsed(FULL)), "0 own and 0 other"),
}


@pytest.mark.heavy
@pytest.mark.parametrize(("run", "why"), CASES.values(), ids=CASES)
def test_it_cannot_be_told_and_why(run, why):
    model = run()
    assert model.verdict == CANNOT_TELL
    assert any(why in line for line in model.missing), model.missing
    assert "cannot be told" in model.sentence
    assert " of 0 " not in model.sentence


@pytest.mark.heavy
def test_a_model_whose_margins_are_constant_learned_nothing():
    assert conclusion(FULL, collapsed(FULL)).knowledge.state != "yes"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("whose", ["base", "tuned"])
def test_what_is_no_number_is_one_line(value, whose):
    tables = {"base": FULL.model(), "tuned": FULL.model(injected(FULL))}
    values = tables[whose]["logprob"].to_pylist()
    values[5] = value
    tables[whose] = with_logprob(tables[whose], values)
    with pytest.raises(ItemError, match="expected finite nats") as caught:
        conclusion(FULL, **tables)
    assert "\n" not in str(caught.value)


def test_with_enough_of_everything_it_can_be_told():
    model = conclusion(FULL)
    assert model.knowledge.state == "yes"
    assert model.verdict != CANNOT_TELL
