"""Strata begin alike, hold every fact once, and show where a gain came from; the ledger can be taken away whole."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.ledger import THIRDS, thirds
from synthetic import fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=4, facts=30, controls=30)
TRUE = WORLD.role == 0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    fewer_draws(monkeypatch)


def found(gain, own="s0"):
    every = analyze(WORLD.material({"m": own}, m=WORLD.model(gain)))
    return every.models["m"], every.facts[0]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-10, 10) | st.just(float("nan")), min_size=3, max_size=60))
def test_thirds_hold_a_third_each_and_the_unknown_none(margin):
    values = np.array(margin)
    names, edges = thirds(values, np.ones(len(values), dtype=bool))
    known = np.isfinite(values)
    assert (names[~known] == "").all()
    assert set(names[known]) <= set(THIRDS)
    for value, name in zip(values[known], names[known], strict=True):
        assert name == ("low" if value <= edges[0] else "middle" if value <= edges[1] else "high")
    if known.sum() and len(set(values[known])) == known.sum():
        sizes = [int((names == name).sum()) for name in THIRDS]
        assert max(sizes) - min(sizes) <= 1


def test_every_fact_lies_in_one_third_and_is_known_or_unknown():
    model, frame = found(WORLD.moved(1))
    for side, group in (("own", "own"), ("other", "other")):
        by_state = [getattr(row, side) for row in model.strata if row.by == "state"]
        by_third = [getattr(row, side) for row in model.strata if row.by == "base margin"]
        for rows in (by_state, by_third):
            for key in ("facts", "unknown", "learned", "known", "lost"):
                assert sum(getattr(row, key) for row in rows) == getattr(getattr(model.ledger, group), key)
        facts = frame.filter(pl.col("group") == group)
        assert [row.facts for row in by_third] == [facts.filter(pl.col("base_third") == t).height for t in THIRDS]
    assert set(frame.filter(pl.col("group") == "general")["base_third"].drop_nulls()) <= set(THIRDS)


def test_a_gain_of_the_unknown_own_facts_alone_stands_in_their_stratum():
    _, before = found(0.0)
    unknown = set(before.filter((pl.col("state") == "never") & (pl.col("group") == "own"))["item"])
    rows = WORLD.is_(lambda item: item.id in unknown) & TRUE
    model, frame = found(2.0 * rows)
    strata = {row.stratum: row for row in model.strata}
    assert strata["unknown"].own.margin_gain.value == pytest.approx(2.0)
    assert strata["known"].own.margin_gain.value == pytest.approx(0.0, abs=1e-12)
    assert strata["unknown"].other.margin_gain.value == pytest.approx(0.0, abs=1e-12)
    assert strata["unknown"].difference.value == pytest.approx(2.0)
    for name in THIRDS:
        held = frame.filter((pl.col("base_third") == name) & (pl.col("group") == "own"))
        share = held["item"].is_in(list(unknown)).mean()
        assert strata[name].difference.value == pytest.approx(2.0 * share)


def test_counts_by_specialty_are_the_ledgers():
    model, frame = found(WORLD.moved(1))
    by_specialty = model.ledger.by_specialty
    assert list(by_specialty) == ["s0", "s1", "s2", "s3"]
    assert by_specialty["s0"] == model.ledger.own
    others = [by_specialty[name] for name in ("s1", "s2", "s3")]
    assert {key: sum(getattr(one, key) for one in others) for key, _ in others[0]} == dict(model.ledger.other)
    learned = frame.explode("specialties").filter(pl.col("state") == "learned").group_by("specialties").len()
    for name, count in learned.rows():
        if name in by_specialty:
            assert by_specialty[name].learned == count


def test_the_ledger_carries_the_candidates_log_probabilities():
    """Ranks and margins follow from them alone."""
    _, frame = found(WORLD.moved(1))
    for row in frame.iter_rows(named=True):
        assert len(row["base_logprobs"]) == len(row["tuned_logprobs"]) == 1 + len(row["distractors"])
        for when in ("base", "tuned"):
            answer, *wrong = row[f"{when}_logprobs"]
            assert row[f"{when}_rank"] == sum(value >= answer for value in wrong)
            assert row[f"margin_{when}"] == pytest.approx(answer - np.mean(wrong))


def test_without_facts_there_are_no_strata():
    made = world(specialties=2, facts=0, controls=0, terms=40, words=40)
    model = analyze(made.material(m=made.model(0.1))).models["m"]
    assert model.strata == ()
    assert model.views == ()
    assert model.ledger.by_specialty == {}
