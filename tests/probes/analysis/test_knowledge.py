"""Facts that the base did not know and the model now knows are found; nothing else is taken for them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import ItemError
from knowshift.probes.analysis.acquired import compare
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.centring import Centred
from knowshift.probes.analysis.fact_scores import score_facts
from knowshift.probes.analysis.knowledge import SMALLEST_SHARE
from knowshift.probes.analysis.resample import Clusters
from knowshift.probes.analysis.robust import Line, robust_line, robust_lines
from synthetic import World, judge, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=6, facts=40, controls=40, contrast=40)
TWO = world(specialties=6, facts=40, controls=40, contrast=40, cues=2)
"""Every fact in two wordings."""
BOTH = pytest.mark.parametrize("made", [WORLD, TWO], ids=["one wording", "two wordings"])


def found(tuned, made=WORLD, own="s0", **more):
    """The pair and the verdict of one model."""
    return judge(made.material({"m": own}, m=tuned, **more))["m"]


def truths(made, specialty="s0"):
    """[R] true answers of a specialty."""
    return made.of(specialty) & (made.role == 0)


def known(made):
    """[R] rows of facts that the base knows."""
    pair, _ = found(made.model(), made)
    items = np.zeros(len(made.items), dtype=bool)
    items[[made.items.index(item) for item in pair.items]] = pair.standing.base_lead > 0
    return items[made.item]


# What was learned


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("per", ["token", "character"])
@BOTH
def test_facts_that_were_taught_are_found_and_their_relations_named(made, seed, per):
    pair, verdict = found(made.model(made.moved(seed) + 3.0 * truths(made)), made, per=per, seed=seed)
    finding = verdict.knowledge
    assert (finding.state, finding.kind) == ("yes", "acquired"), finding.why
    assert {f"s0 relation {first}" for first in (0, 10, 20, 30)} >= set(finding.relations) != set()
    acquired = pair.knowledge.acquired
    planted = 3.0 if per == "token" else 0.75
    assert acquired.low < planted < acquired.high
    assert acquired.p <= 0.01
    assert finding.learned.own.hits > 5 * finding.learned.reference.hits
    assert f"{finding.learned.own.hits} of {finding.learned.own.n} clearly unknown facts learned" in finding.why
    assert finding.wording == ""


def test_relations_are_named_the_most_learned_first():
    taught = {"s0 relation 0": 2.0, "s0 relation 10": 0.0, "s0 relation 20": 5.0, "s0 relation 30": 3.0}
    gain = sum(size * (truths(TWO) & TWO.relation(name)) for name, size in taught.items())
    pair, verdict = found(TWO.model(TWO.moved() + gain), TWO)
    frame = pair.fact_frame
    unknown, learned = pair.standing.is_clearly_unknown, pair.standing.is_clearly_known
    counts = {name: int((unknown & learned & (frame["relation"] == name).to_numpy()).sum()) for name in taught}
    assert [counts[name] for name in verdict.knowledge.relations] == sorted(filter(None, counts.values()), reverse=True)
    assert "s0 relation 10" not in verdict.knowledge.relations


def test_learned_in_one_relation_alone_is_unclear_and_named():
    made = world(specialties=6, facts=60, controls=20)
    _, verdict = found(made.model(made.moved() + 5.0 * (truths(made) & made.relation("s0 relation 20"))), made)
    finding = verdict.knowledge
    assert finding.state == "unclear"
    assert "learned s0 relation 20, nothing seen elsewhere" in finding.why
    assert finding.relations == ("s0 relation 20",)


def test_learned_in_one_wording_alone_is_named():
    names = ("taught", "paraphrase")
    items = tuple(replace(item, wordings=names) if item.kind == "fact" else item for item in TWO.items)
    gain = TWO.moved() + 6.0 * (truths(TWO) & (TWO.cue == 1))
    for made, wording in ((TWO, "wording 2"), (replace(TWO, items=items), "paraphrase")):
        finding = found(made.model(gain), made)[1].knowledge
        assert (finding.state, finding.wording) == ("yes", wording)


def test_what_the_others_learned_too_is_not_acquired():
    everywhere = 3.0 * (TWO.in_domain & (TWO.role == 0))
    pair, verdict = found(TWO.model(TWO.moved() + everywhere), TWO)
    assert verdict.knowledge.state == "no", verdict.knowledge.why
    assert pair.knowledge.own_gain.value == pytest.approx(3.0, abs=0.1)


def test_a_tune_for_the_whole_domain_is_compared_with_contrast_and_general_facts():
    made = world(specialties=4, facts=40, controls=120, contrast=120)
    taught = 3.0 * (made.in_domain & (made.role == 0))
    for gain, state in ((0.0, "no"), (taught, "yes")):
        pair, verdict = found(made.model(made.moved() + gain), made, own=None)
        assert verdict.knowledge.state == state, verdict.knowledge.why
        assert f"{verdict.knowledge.learned.reference.n} general ones" in verdict.knowledge.why
        assert pair.knowledge.facts == (160, 240)


# What was not


def attacks(made):
    """[R] gains of tunes that taught no fact that the base did not know."""
    own, knew, value = made.of("s0"), known(made), made.logprob() / made.tokens
    rng = np.random.default_rng(0)
    by_relation = {item.relation: rng.normal(0, 0.5) for item in made.items}
    return {
        "nothing": 0.0 * value,
        "known own facts rehearsed": 2.0 * (truths(made) & knew),
        "known facts of the others faded": -2.0 * (made.in_domain & ~own & (made.role == 0) & knew),
        "own flattened": -0.5 * value * own,
        "own sharpened": 1.0 * value * own,
        "all flattened": -0.5 * value,
        "own answers of all kinds likelier": 2.0 * own,
        "relations move by themselves": np.array([by_relation[item.relation] for item in made.items])[made.item],
    }


@pytest.mark.heavy
@BOTH
@pytest.mark.parametrize("what", attacks(WORLD))
def test_a_tune_that_taught_nothing_new_is_no_yes(made, what):
    for seed in range(2):
        finding = found(made.model(made.moved(seed) + attacks(made)[what]), made)[1].knowledge
        assert finding.state == "no", finding.why
        assert finding.learned.own.hits == 0
        assert finding.relations == ()


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("nothing", "none"),
        ("known own facts rehearsed", "reinforced"),
        ("known facts of the others faded", "reinforced"),
        ("known own facts lost", "lost"),
    ],
)
def test_what_became_of_known_facts_is_told_apart_from_learning(what, kind):
    lost = {"known own facts lost": -4.0 * (truths(TWO) & known(TWO))}
    pair, verdict = found(TWO.model(TWO.moved() + {**attacks(TWO), **lost}[what]), TWO)
    assert (verdict.knowledge.state, verdict.knowledge.kind) == ("no", kind)
    own, reference = pair.knowledge.own_kept.value, pair.knowledge.reference_kept.value
    expected = {
        "known own facts rehearsed": (2, 0),
        "known facts of the others faded": (0, -2),
        "known own facts lost": (-4, 0),
    }
    assert (own, reference) == pytest.approx(expected.get(what, (0, 0)), abs=0.2)


@pytest.mark.heavy
@pytest.mark.parametrize("temperature", [0.5, 0.7, 1.5, 2.0])
@pytest.mark.parametrize("own", ["s0", None])
def test_another_temperature_is_no_knowledge(temperature, own):
    finding = found(WORLD.model(WORLD.moved(), temperature=temperature), own=own)[1].knowledge
    assert finding.state != "yes", finding.why


@pytest.mark.heavy
@pytest.mark.parametrize("cues", [1, 2])
def test_own_scores_redrawn_among_each_other_are_no_knowledge(cues):
    made = {1: WORLD, 2: TWO}[cues]
    value, yes = made.logprob() / made.tokens, 0
    for seed in range(8):
        rng, new = np.random.default_rng(seed), value.copy()
        order = rng.permutation(int((made.of("s0") & (made.cue == 0)).sum()))
        for cue in range(cues):
            rows = np.flatnonzero(made.of("s0") & (made.cue == cue))
            new[rows] = value[rows[order]]
        yes += found(made.model(made.moved(seed) + new - value), made)[1].knowledge.state == "yes"
    assert yes == 0


@pytest.mark.heavy
def test_own_facts_told_with_wrong_answers_are_no_knowledge():
    """The truth's new score is that of a wrong answer of the same fact."""
    for seed in range(4):
        swapped = np.random.default_rng(seed).integers(1, 6, len(TWO.items))[TWO.item]
        gain = 3.0 * (TWO.of("s0") & (TWO.role == swapped))
        finding = found(TWO.model(TWO.moved(seed) + gain), TWO)[1].knowledge
        assert finding.state != "yes", finding.why


@pytest.mark.heavy
@settings(max_examples=8, deadline=None)
@given(st.floats(0.4, 2.5), st.sampled_from(["s0", "s3", None]))
def test_scaling_every_log_probability_is_no_knowledge(scale, own):
    """Sharpening widens every margin; the wrong answers' line takes it out exactly."""
    pair, verdict = found(WORLD.model(scale=scale), own=own)
    assert pair.knowledge.acquired.value == pytest.approx(0, abs=1e-6)
    assert pair.knowledge.sharpening == pytest.approx(scale)
    assert verdict.knowledge.state != "yes"


@pytest.mark.heavy
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 5))
def test_answers_easy_to_move_cancel_through_the_centring(seed, ease):
    pair, verdict = found(WORLD.model(WORLD.moved(seed, ease, noise=0)))
    assert pair.knowledge.acquired.value == pytest.approx(0, abs=1e-6)
    assert pair.knowledge.own_gain.value == pytest.approx(0, abs=1e-6)
    assert verdict.knowledge.state == "no"


# What cannot be told


@BOTH
def test_a_copy_of_the_base_learned_nothing_and_moved_nowhere(made):
    pair, verdict = found(made.model(), made)
    assert verdict.verdict == "neither"
    assert verdict.knowledge.kind == "none", "rounding is no reinforcement"
    assert pair.knowledge.acquired.value == pytest.approx(0, abs=1e-12)
    assert pair.ledger.own.learned == pair.ledger.own.lost == 0


def test_models_that_were_exchanged_show_what_was_unlearned():
    """The tuned model in the base's place knows what it learned: there is little left, and no yes."""
    learned, base = TWO.model(TWO.moved() + 3.0 * truths(TWO)), TWO.model()
    _, verdict = judge(replace(TWO.material(m=base), base=learned))["m"]
    assert verdict.knowledge.state == "unclear"
    assert verdict.knowledge.kind == "lost"
    assert "own facts: 4 were left to learn" in verdict.knowledge.why


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (world(specialties=6, facts=20), "the base knew 7 of 20 own facts: 13 were left to learn"),
        (world(specialties=6, facts=20), "20 own and 60 other facts unknown to the base are needed"),
        (world(specialties=2, facts=40), "other facts unknown to the base are needed"),
        (world(specialties=4, facts=40), "4 own and 12 other relations with facts clearly unknown to the base"),
        (world(specialties=6, facts=40, relation=20), "2 own and 10 other relations"),
        (world(specialties=1, facts=40), "no usable other facts"),
        (world(specialties=4, facts=40, distractors=2), "there are no usable own facts"),
        (world(specialties=4, facts=40, relation=4, distractors=3), "there are no usable own facts"),
        (world(specialties=4, facts=0, controls=0, terms=20, words=20), "there are no usable own facts"),
    ],
    ids=[
        "few own",
        "what is needed",
        "few other",
        "few other relations",
        "few own relations",
        "one specialty",
        "few distractors",
        "small relations",
        "no facts",
    ],
)
def test_too_few_facts_are_unclear_with_their_counts(made, why):
    _, verdict = found(made.model(made.moved() + 3.0 * truths(made)), made)
    assert verdict.knowledge.state == "unclear"
    assert why in verdict.knowledge.why
    assert verdict.verdict == "cannot tell"
    assert any(line.startswith("knowledge: ") for line in verdict.missing)


def test_own_facts_that_the_base_knew_far_better_are_not_comparable():
    made = world(specialties=6, facts=60, controls=20)
    made.logits[truths(made) & (made.item % 2 == 0), :, 0] += 8
    _, verdict = found(made.model(3.0 * truths(made)), made)
    assert verdict.knowledge.state == "unclear"
    assert "too unlike to be compared" in verdict.knowledge.why


def flat(made: World) -> World:
    """All log-probabilities the same."""
    return replace(made, logits=np.zeros_like(made.logits), tokens=np.ones_like(made.tokens))


@pytest.mark.parametrize("learned", [0.0, 3.0])
def test_a_base_that_says_the_same_of_every_answer_is_unclear(learned):
    made = flat(WORLD)
    pair, verdict = found(made.model(learned * truths(made)), made)
    assert verdict.knowledge.state == "unclear", verdict.knowledge.why
    assert pair.knowledge.acquired.value is None


def test_a_model_that_says_the_same_of_every_answer_is_unclear():
    value = WORLD.logprob() / WORLD.tokens
    _, verdict = found(WORLD.model(-value - 3.0))
    assert verdict.knowledge.state == "unclear"
    assert "scores all answers alike" in verdict.knowledge.why
    assert verdict.verdict == "cannot tell"


def test_without_controls_the_shift_cannot_be_told():
    made = world(specialties=6, facts=40, controls=0)
    _, verdict = found(made.model(made.moved() + 3.0 * truths(made)), made)
    assert verdict.knowledge.state == "yes"
    assert verdict.shift.state == "unclear"
    assert "both the domain's and general ones are needed" in verdict.shift.why
    assert found(made.model(made.moved()), made)[1].verdict == "cannot tell"
    assert found(made.model(made.moved()), made, own=None)[1].knowledge.state == "unclear"


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
    model = analyze(made.material(m=broken)).models["m"]
    assert [model.by_layer["fact"]["knowledge"][k].value is None for k in (0, 1)] == [True, False]
    assert model.rungs["knowledge"].value == pytest.approx(0, abs=1e-9)


# The parts


def test_a_facts_score_is_how_far_the_truth_lies_above_the_wrong_answers_line():
    """Of its own group, by statsmodels' robust line."""
    pair, _ = found(TWO.model(TWO.moved(noise=0.5) + 1.0 * truths(TWO)), TWO)
    own = pair.fact_groups == "own"
    relations = [item.relation for item in pair.items]
    scored = score_facts(pair.centred, own, pair.is_reference, relations, pair.fact_specialties)
    base, tuned = pair.centred.margins()
    wrong_base, wrong_tuned = pair.centred.pseudo_margins()
    for group in (scored.own, scored.reference):
        x, y = wrong_base[group].ravel(), wrong_tuned[group].ravel()
        held = np.isfinite(x) & np.isfinite(y)
        line = sm.RLM(y[held], sm.add_constant(x[held])).fit(scale_est="mad", tol=1e-10).params
        assert scored.score[group] == pytest.approx((tuned - line[0] - line[1] * base)[group], abs=1e-3)
    unknown = pair.standing.is_clearly_unknown
    expected = scored.score[scored.own & unknown].mean() - scored.score[scored.reference & unknown].mean()
    assert pair.knowledge.acquired.value == pytest.approx(expected)
    assert pair.knowledge.own_gain.value == pytest.approx((tuned - base)[scored.own & unknown].mean())


@pytest.mark.parametrize("deep", [0.0, 4.0], ids=["truths among the wrong answers", "truths far below them"])
def test_the_interval_holds_the_error_of_the_wrong_answers_line(deep):
    """As drawing facts with the line fitted anew in every draw gives it, which statsmodels does here."""
    rng = np.random.default_rng(3)
    own = np.arange(240) < 40
    base = rng.normal(size=(240, 6))
    base[:, 0] -= 1.5 + deep
    tuned = 0.9 * base + rng.normal(0, 0.5, base.shape)
    wrong = np.tile(np.arange(6) > 0, (240, 1))
    relations, specialties = [str(fact) for fact in range(240)], ["s"] * 240
    facts = Clusters.of(range(240), range(240))
    scored = score_facts(Centred(base, tuned, wrong), own, ~own, relations, specialties)
    fitted = compare(scored, np.ones(240, dtype=bool), facts, 0, 999)
    drawn = []
    for _ in range(200):
        some = np.concatenate([rng.choice(np.flatnonzero(side), side.sum()) for side in (own, ~own)])
        centred = Centred(base[some], tuned[some], wrong)
        (mb, mt), (wb, wt) = centred.margins(), centred.pseudo_margins()
        scores = []
        for side in (own, ~own):
            line = sm.RLM(wt[side].ravel(), sm.add_constant(wb[side].ravel())).fit(scale_est="mad").params
            scores.append((mt[side] - line[0] - line[1] * mb[side]).mean())
        drawn.append(scores[0] - scores[1])
    assert fitted.error(0) == pytest.approx(np.std(drawn), rel=0.2)


def test_the_smallest_effect_is_a_share_of_the_way_from_unknown_to_known():
    pair, _ = found(TWO.model(TWO.moved()), TWO)
    lead = pair.standing.base_lead[np.isin(pair.fact_groups, ["own", "other"])]
    unknown = pair.standing.is_clearly_unknown[np.isin(pair.fact_groups, ["own", "other"])]
    expected = SMALLEST_SHARE * (lead[lead > 0].mean() - lead[unknown].mean())
    assert pair.knowledge.margin == pytest.approx(expected)


def test_placebos_stray_about_zero_and_leave_the_own_specialty_out():
    pair, _ = found(TWO.model(TWO.moved() + 3.0 * truths(TWO)), TWO)
    values = [pair.knowledge_as_if(f"s{k}").acquired.value for k in range(1, 6)]
    assert np.abs(values).max() < 0.1


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
