"""Taught facts are found; sharpening, easy answers and thin data are not taken for knowledge."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import ItemError
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.knowledge import Line, centre, robust_line, robust_lines
from knowshift.probes.analysis.ladder import fact_gains
from knowshift.probes.analysis.scores import Pair, fact_scores
from synthetic import World, fact, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=4, facts=40, controls=80)
TRUE = WORLD.role == 0


def found(tuned, made=WORLD, own="s0", **more):
    """What is found of one model."""
    return analyze(made.material({"m": own}, m=tuned, **more)).models["m"]


def taught(one_in, rows, size=1.0, made=WORLD):
    """[R] gains of the true answers of every `one_in`-th fact among `rows`."""
    return size * (rows & (made.role == 0) & (made.item % one_in == 0))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("per", ["token", "character"])
def test_knowledge_planted_in_the_own_facts_is_found(seed, per):
    model = found(WORLD.model(WORLD.moved(seed) + taught(2, WORLD.of("s0"))), per=per, seed=seed)
    assert model.knowledge.state == "yes", model.knowledge.why
    specific = model.specific_knowledge
    planted = 0.5 if per == "token" else 0.125
    assert specific.low < planted < specific.high
    assert specific.low > 0
    assert specific.p <= 0.01
    assert specific.n == 40


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(4))
def test_a_tune_that_taught_nothing_has_none(seed):
    model = found(WORLD.model(WORLD.moved(seed, ease=1.0)))
    assert model.knowledge.state == "no", model.knowledge.why
    assert abs(model.specific_knowledge.value) < 0.05


@pytest.mark.parametrize("own_only", [False, True])
def test_what_other_specialties_learned_too_is_no_specific_knowledge(own_only):
    rows = WORLD.of("s0") if own_only else WORLD.in_domain
    model = found(WORLD.model(WORLD.moved() + taught(1, rows, 0.7)))
    assert model.knowledge.state == ("yes" if own_only else "no")
    assert model.transferable.value == pytest.approx(0 if own_only else 0.7, abs=0.15)


@pytest.mark.heavy
@settings(max_examples=8, deadline=None)
@given(st.floats(0.4, 2.5), st.sampled_from(["s0", "s3", None]))
def test_scaling_every_log_probability_is_no_knowledge(scale, own):
    """Sharpening widens every margin; the line takes it out exactly."""
    model = found(WORLD.model(scale=scale), own=own)
    assert model.specific_knowledge.value == pytest.approx(0, abs=1e-6)
    assert model.sharpening == pytest.approx(scale)
    assert model.knowledge.state != "yes"
    assert np.sign(model.margin_gain.value) == np.sign(scale - 1) or abs(scale - 1) < 1e-9


@pytest.mark.heavy
@pytest.mark.parametrize("temperature", [0.5, 0.7, 1.5, 2.0])
@pytest.mark.parametrize("own", ["s0", None])
def test_another_temperature_is_no_knowledge(temperature, own):
    model = found(WORLD.model(WORLD.moved(), temperature=temperature), own=own)
    assert model.knowledge.state != "yes", model.knowledge.why


@pytest.mark.heavy
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 5))
def test_answers_easy_to_move_cancel_through_the_centring(seed, ease):
    model = found(WORLD.model(WORLD.moved(seed, ease, noise=0)))
    assert model.specific_knowledge.value == pytest.approx(0, abs=1e-6)
    assert model.margin_gain.value == pytest.approx(0, abs=1e-6)
    assert model.knowledge.state == "no"


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [0, 1])
def test_a_tune_for_the_whole_domain(seed):
    moved = WORLD.moved(seed)
    assert found(WORLD.model(moved), own=None).knowledge.state == "no"
    learned = found(WORLD.model(moved + taught(2, WORLD.in_domain)), own=None)
    assert learned.knowledge.state == "yes", learned.knowledge.why
    assert learned.specific_knowledge.value == pytest.approx(0.5, abs=0.1)
    assert learned.specific_margin.value is None
    assert learned.rungs["specialty_vocabulary"].value is None


def test_lost_own_facts_are_said():
    model = found(WORLD.model(WORLD.moved() - taught(1, WORLD.of("s0"))))
    assert model.knowledge.state == "no"
    assert "clearly negative: other specialties learned more, or own facts were lost" in model.knowledge.why


def test_a_copy_of_the_base_learned_nothing_and_moved_nowhere():
    model = found(WORLD.model())
    assert model.verdict == "neither"
    assert model.specific_knowledge.value == pytest.approx(0, abs=1e-12)
    assert model.ledger.own.learned == model.ledger.own.lost == 0


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (world(specialties=4, facts=20), "20 own and 60 other concepts with usable facts; 30 and 60 are needed"),
        (world(specialties=2, facts=40), "40 own and 40 other concepts with usable facts; 30 and 60 are needed"),
        (world(specialties=1, facts=40), "40 own and 0 other concepts"),
        (world(specialties=4, facts=40, distractors=2), "0 own and 0 other concepts"),
        (world(specialties=4, facts=40, relation=4, distractors=3), "0 own and 0 other concepts"),
        (world(specialties=4, facts=0, controls=0, terms=20, words=20), "0 own and 0 other concepts"),
    ],
    ids=["few own", "few other", "one specialty", "few distractors", "small relations", "no facts"],
)
def test_thin_data_cannot_tell(made, why):
    model = found(made.model(made.moved() + taught(1, made.of("s0"), made=made)), made)
    assert model.knowledge.state == "unclear"
    assert why in model.knowledge.why
    assert model.verdict == "cannot tell"
    assert any(line.startswith("knowledge: ") for line in model.missing)


def test_without_controls_the_shift_cannot_be_told():
    made = world(specialties=4, facts=40, controls=0)
    model = found(made.model(made.moved() + taught(1, made.of("s0"), made=made)), made)
    assert model.knowledge.state == "yes"
    assert model.shift.state == "unclear"
    assert "both the domain's and general ones are needed" in model.shift.why
    alone = found(made.model(made.moved()), made)
    assert alone.verdict == "cannot tell"
    assert found(made.model(made.moved()), made, own=None).knowledge.state == "unclear"


def flat(made: World) -> World:
    """All log-probabilities the same."""
    return replace(made, logits=np.zeros_like(made.logits), tokens=np.ones_like(made.tokens))


def test_equal_scores_everywhere_cannot_tell():
    made = flat(WORLD)
    model = found(made.model(), made)
    assert model.specific_knowledge.value is None
    assert "no line can be fitted" in model.knowledge.why
    assert model.verdict == "cannot tell"


def test_a_constant_base_margin_cannot_tell_though_the_tuned_one_varies():
    made = flat(WORLD)
    model = found(made.model(made.moved() + taught(1, made.of("s0"))), made)
    assert model.knowledge.state == "unclear"
    assert model.sharpening is None


def test_own_margins_outside_the_others_range_cannot_tell():
    """Facts that the base knows far better than any other have nothing to be compared with."""
    known = replace(WORLD, logits=WORLD.logits.copy())
    known.logits[WORLD.of("s0") & TRUE, :, 0] += 8
    model = found(known.model(taught(2, WORLD.of("s0"))), known)
    assert model.knowledge.state == "unclear"
    assert "base margin within the range" in model.knowledge.why


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), float("inf")])
@pytest.mark.parametrize("column", ["logprob", "tempered"])
@pytest.mark.parametrize("whose", ["base", "tuned"])
def test_a_log_probability_that_is_no_number_is_refused_by_name(value, column, whose):
    table = WORLD.model()
    at = 7
    values = table[column].to_pylist()
    values[at] = value if column == "logprob" else [value, *values[at][1:]]
    position = table.schema.get_field_index(column)
    broken = table.set_column(position, table.schema.field(column), pa.array(values, table[column].type))
    material = WORLD.material(m=WORLD.model())
    material = replace(material, base=broken) if whose == "base" else replace(material, tuned={"m": broken})
    name, item = ("the base" if whose == "base" else "m"), table["item"][at].as_py()
    with pytest.raises(ItemError, match=f"^{name}: item {item} has a log-probability of .*--dtype float32") as caught:
        analyze(material)
    assert "\n" not in str(caught.value)


def test_a_layer_that_overflows_is_left_out_and_the_rest_stands():
    made = world(specialties=3, facts=10, controls=10, layers=2)
    table = made.model(0.5)
    lens = table["lens"].to_pylist()
    lens[0] = [float("-inf"), lens[0][1]]
    at = table.schema.get_field_index("lens")
    broken = table.set_column(at, table.schema.field(at), pa.array(lens, pa.list_(pa.float32())))
    both = analyze(replace(made.material(m=broken), base=broken)).models["m"]
    assert both.by_layer["fact"]["knowledge"][1].value == 0
    layers = found(broken, made).by_layer["fact"]
    assert [layers["knowledge"][k].value is None for k in (0, 1)] == [True, False]
    assert found(broken, made).rungs["knowledge"].value == pytest.approx(0, abs=1e-9)


def test_wordings_stand_apart():
    made = world(specialties=4, facts=40, cues=2)
    model = found(made.model(made.moved() + taught(1, made.of("s0") & (made.cue == 0), made=made)), made)
    first, second = (one.specific_knowledge for one in model.wordings)
    assert first.low > 0.8
    assert second.low < 0 < second.high
    assert model.specific_knowledge.value == pytest.approx(0.5, abs=0.1)


def test_centring_takes_the_mean_of_the_other_cues_where_an_answer_is_false():
    rows = {"f0": "abcd", "f1": "bcda", "f2": "cdab", "f3": "dabc", "f4": "eabc"}
    items = tuple(fact(id, "s0", tuple(answers)) for id, answers in rows.items())
    places = np.array([(i, k) for i in range(5) for k in range(4)])
    logits = np.random.default_rng(0).normal(size=(20, 2, 12))
    made = World(WORLD.domain, items, places[:, 0], 0 * places[:, 0], places[:, 1], np.ones(20, int), logits)
    pair = Pair(fact_scores(made.model(), items), fact_scores(made.model(), items))
    scored = zip(rows.items(), pair.base.logprob[:, 0], strict=True)
    value = {(id, answer): v for (id, answers), row in scored for answer, v in zip(answers, row, strict=True)}
    centred = centre(pair, fact_gains(pair)).base
    for i, (id, answers) in enumerate(rows.items()):
        for k, answer in enumerate(answers):
            elsewhere = [v for (other, a), v in value.items() if a == answer and other != id and rows[other][0] != a]
            expected = value[id, answer] - np.mean(elsewhere) if elsewhere else np.nan
            assert centred[i, k] == pytest.approx(expected, nan_ok=True), (id, answer)


def noisy_line(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.uniform(-3, 3), 1, 60)
    return x, rng.normal() + rng.uniform(0.5, 2) * x + 0.3 * rng.standard_t(2, 60)


@pytest.mark.parametrize("seed", range(8))
def test_the_line_is_statsmodels_huber_line(seed):
    x, y = noisy_line(seed)
    oracle = sm.RLM(y, sm.add_constant(x), M=sm.robust.norms.HuberT()).fit(scale_est="mad", tol=1e-10)
    line = robust_line(x, y)
    assert (line.intercept, line.slope) == pytest.approx(oracle.params, abs=1e-3)
    assert line.scale == pytest.approx(oracle.scale, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_weights_of_0_and_1_drop_rows_and_of_2_repeat_them(seed):
    x, y = noisy_line(seed)
    weights = np.random.default_rng(seed).integers(0, 3, 60)
    start = robust_line(x, y)
    lines = robust_lines(x, y, weights[None].astype(float), start, 200)
    again = robust_lines(np.repeat(x, weights), np.repeat(y, weights), np.ones((1, weights.sum())), start, 200)
    assert np.array(lines) == pytest.approx(np.array(again), abs=1e-9)
    # A draw's few steps from the whole sample's line end where many do.
    assert np.array(robust_lines(x, y, weights[None].astype(float), start)) == pytest.approx(
        np.array(lines), abs=0.02 * start.scale
    )


def test_a_line_through_all_points_or_through_none():
    x = np.arange(20.0)
    assert robust_line(x, 3 + 2 * x).slope == pytest.approx(2)
    wild = np.where(x == 5, 1000.0, 3 + 2 * x)
    assert (robust_line(x, wild).intercept, robust_line(x, wild).slope) == pytest.approx((3, 2), abs=1e-6)
    assert np.isnan(robust_line(np.ones(20), x).slope)
    assert np.isnan(robust_lines(np.ones(20), x, np.ones((2, 20)), Line(0.0, 1.0, 1.0))[1]).all()
