"""Several trainings of one tune: mean, standard deviation and interval are scipy's, and states are counted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.replicates import spread_over
from knowshift.probes.results.estimate import Estimate
from scipy import stats
from synthetic import fewer_draws, world

FIGURES = {
    "acquired": lambda model: model.acquired.value,
    "learned": lambda model: model.knowledge.learned.own.rate,
    "over_contrast": lambda model: model.shift.over_contrast.value,
    "absolute": lambda model: model.shift.absolute.value,
    "general": lambda model: model.shift.general.value,
}


@pytest.fixture(scope="module")
def found():
    """Three trainings that learned facts to different degrees, and two that learned none."""
    made = world(specialties=6, facts=40, controls=80, contrast=80)
    learned = made.of("s0") & (made.role == 0)
    tuned = {
        f"taught_{seed}": made.model(made.moved(seed) + 0.5 * made.in_domain + dose * learned)
        for seed, dose in enumerate((2.5, 3.0, 3.5))
    }
    tuned |= {f"notes_{seed}": made.model(made.moved(10 + seed)) for seed in range(2)}
    groups = {"taught": tuple(tuned)[:3], "notes": tuple(tuned)[3:]}
    with pytest.MonkeyPatch.context() as patch:
        fewer_draws(patch)
        return analyze(replace(made.material(None, **tuned), replicates=groups)), groups


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("group", ["taught", "notes"])
def test_mean_sd_and_interval_are_those_of_scipy(figure, group, found):
    analysis, groups = found
    values = np.array([FIGURES[figure](analysis.models[name]) for name in groups[group]])
    spread = getattr(analysis.replicates[group], figure)
    assert spread.mean.value == pytest.approx(np.mean(values))
    assert spread.sd == pytest.approx(np.std(values, ddof=1))
    assert spread.mean.n == len(values)
    assert [number.value for number in spread.trainings.values()] == pytest.approx(values)
    if not np.ptp(values):
        assert (spread.mean.low, spread.mean.note) == (None, "no interval: all are the same")
        return
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    if figure == "learned":
        low, high = max(low, 0), min(high, 1)
    assert (spread.mean.low, spread.mean.high) == pytest.approx((low, high))


def test_each_training_keeps_its_interval_over_facts_and_its_verdict(found):
    analysis, groups = found
    for name, members in groups.items():
        group = analysis.replicates[name]
        assert group.models == members
        assert group.own == "s0"
        for member in members:
            model = analysis.models[member]
            assert group.acquired.trainings[member] == model.acquired
            assert group.absolute.trainings[member] == model.shift.absolute
            rate = model.knowledge.learned.own
            share = group.learned.trainings[member]
            assert (share.value, share.low, share.high, share.n) == (rate.rate, rate.low, rate.high, rate.n)
        for half in ("knowledge", "shift"):
            states = [getattr(analysis.models[member], half).state for member in members]
            assert getattr(group, half) == {state: states.count(state) for state in ("yes", "no", "unclear")}


def test_the_sentence_counts_trainings_and_sets_their_spread_beside_the_facts(found):
    analysis, groups = found
    group = analysis.replicates["taught"]
    assert group.knowledge == {"yes": 3, "no": 0, "unclear": 0}
    mean = group.acquired.mean
    ends = [(model.acquired.low, model.acquired.high) for model in map(analysis.models.get, groups["taught"])]
    assert group.sentence.startswith("taught: in 3 of 3 trainings it learned facts; in ")
    assert group.sentence.endswith(
        f"; over trainings, acquired {mean.value:+.3f} ± {group.acquired.sd:.3f} (SD) nats/token; over facts, the "
        f"intervals of single trainings reach from {min(ends)[0]:+.3f} to {max(high for _, high in ends):+.3f}."
    )
    assert analysis.replicates["notes"].knowledge["yes"] == 0
    notes = analysis.replicates["notes"].sentence
    assert notes.startswith("notes: in 2 of 2 trainings there is no sign that it learned facts; in 2 of 2 trainings ")


def test_trainings_without_a_value_are_left_out_and_counted():
    missing = Estimate.missing("no own facts")
    spread = spread_over({"a": Estimate(0.25), "b": missing, "c": Estimate(0.75)})
    assert (spread.mean.value, spread.mean.n, spread.mean.note) == (0.5, 2, "2 of 3 trainings have a value")
    assert spread.sd == pytest.approx(np.std([0.25, 0.75], ddof=1))
    alone = spread_over({"a": Estimate(0.25), "b": missing})
    assert (alone.mean.value, alone.mean.low, alone.sd) == (0.25, None, None)
    assert alone.mean.note == "1 of 2 trainings have a value; no interval: it needs at least two"
    none = spread_over({"a": missing, "b": missing})
    assert (none.mean.value, none.sd, none.over_facts) == (None, None, None)
    assert none.mean.note == "no training has a value"


def test_a_share_stays_between_none_and_all():
    spread = spread_over({"a": Estimate(0.0, unit="share"), "b": Estimate(0.9, unit="share")})
    assert (spread.mean.low, spread.mean.high) == (0.0, 1.0)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_the_interval_holds_the_mean_and_has_students_width(values):
    spread = spread_over({f"m{place}": Estimate(value) for place, value in enumerate(values)})
    mean = spread.mean
    if mean.low is None:
        assert spread.sd == 0
        return
    assert mean.low <= mean.value <= mean.high
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    assert mean.high - mean.low == pytest.approx(2 * half)
