"""The ladder's sums are exact, whatever the scores; what it says of one model is that model's alone."""

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.ladder import RUNGS, TEXT_RUNGS, fact_gains, fact_ladder, text_ladder
from knowshift.probes.analysis.scores import Pair, fact_scores, text_scores
from knowshift.terms.select import group
from synthetic import fact, fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=3, facts=10, controls=10, cues=2, distractors=4, terms=12, words=20, layers=2)
SEEDS = st.integers(0, 10_000)


def ladders(base, tuned, per="token", own="s0", made=WORLD):
    """The ladder over facts and the one over text."""
    pairs = [Pair(make(base, made.items), make(tuned, made.items), per) for make in (fact_scores, text_scores)]
    gains = fact_gains(pairs[0])
    groups = [
        np.array([group(item, own, "general") for item in items], dtype="<U8")
        for items in ([pairs[0].items[i] for i in gains.index], pairs[1].items)
    ]
    return (
        fact_ladder(pairs[0], gains, groups[0], own is not None, 0),
        text_ladder(pairs[1], groups[1], own is not None, 0),
    )


def random_model(seed, made=WORLD):
    rng = np.random.default_rng(seed)
    return made.model(rng.normal(0, rng.uniform(0, 3), len(made.item)), temperature=rng.uniform(0.5, 2))


def mean_gain(base, tuned, rows, per="token"):
    """Mean over items of the mean over cues: what the rungs must sum to, straight from the tables."""
    length = {"token": base["tokens"].to_numpy(), "target": 1, "character": base["characters"].to_numpy()}[per]
    gain = (tuned["logprob"].to_numpy() - base["logprob"].to_numpy()) / length
    items = base["item"].to_numpy()[rows]
    return np.mean([gain[rows][items == item].mean() for item in np.unique(items)])


@settings(max_examples=15, deadline=None)
@given(SEEDS, SEEDS, st.sampled_from(["token", "target", "character"]), st.sampled_from(["s0", "s2", None]))
def test_rungs_sum_to_the_mean_gain_of_true_answers_also_by_layer(one, other, per, own):
    base, tuned = random_model(one), random_model(other)
    rows = WORLD.of(own) if own else WORLD.in_domain
    is_fact = WORLD.is_(lambda item: item.kind == "fact")
    for ladder, wanted in zip(ladders(base, tuned, per, own), (is_fact & (WORLD.role == 0), ~is_fact), strict=True):
        rungs = [e for e in ladder.rungs.values() if e.known]
        assert len(rungs) == len(ladder.rungs) - (own is None)
        assert sum(e.value for e in rungs) == pytest.approx(ladder.total.value, abs=1e-9)
        assert ladder.total.value == pytest.approx(mean_gain(base, tuned, rows & wanted, per), abs=1e-9)
        for layer in range(2):
            values = [every[layer].value for every in ladder.by_layer.values() if every[layer].known]
            depth = (0.3, 1.0)[layer]
            assert sum(values) == pytest.approx(depth * ladder.total.value, abs=1e-6)  # the lens is read in float32


@pytest.mark.heavy
@settings(max_examples=15, deadline=None)
@given(SEEDS, SEEDS)
def test_swapping_base_and_tuned_flips_every_rung_and_margin(one, other):
    base, tuned = random_model(one), random_model(other)
    for there, back in zip(ladders(base, tuned), ladders(tuned, base), strict=True):
        for name, estimate in {**there.rungs, **there.extra, "total": there.total}.items():
            flipped = {**back.rungs, **back.extra, "total": back.total}[name]
            assert (flipped.value, flipped.n, flipped.unit) == (-estimate.value, estimate.n, estimate.unit)
            assert flipped.low == pytest.approx(-estimate.high, abs=0.25 * (estimate.high - estimate.low) + 1e-9)


def test_each_rung_is_what_its_name_says():
    gain = np.full(len(WORLD.item), 0.1)  # everything, by a tenth
    gain += 0.2 * WORLD.in_domain + 0.4 * WORLD.of("s0") + 0.8 * (WORLD.of("s0") & (WORLD.role == 0))
    facts, text = ladders(WORLD.model(), WORLD.model(gain))
    assert [facts.rungs[name].value for name in RUNGS] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert facts.extra["specific_margin"].value == pytest.approx(0.8)
    assert facts.extra["transferable"].value == pytest.approx(0, abs=1e-9)
    # A term has no wrong answers, and its role is that of a true one.
    assert [text.rungs[name].value for name in TEXT_RUNGS] == pytest.approx([0.1, 0.2, 1.2])


def test_a_tune_for_the_whole_domain_has_no_other_specialties():
    gain = 0.5 * WORLD.in_domain + 0.25 * (WORLD.in_domain & (WORLD.role == 0))
    facts, text = ladders(WORLD.model(), WORLD.model(gain), own=None)
    assert facts.rungs["domain_shift"].value == pytest.approx(0.5)
    assert facts.rungs["knowledge"].value == pytest.approx(0.25)
    assert text.rungs["domain_shift"].value == pytest.approx(0.75)
    for ladder in (facts, text):
        assert ladder.rungs["specialty_vocabulary"].value is None
        assert ladder.rungs["specialty_vocabulary"].note == "no other specialties to compare with"


def test_units_divide_each_string_by_its_own_length():
    """A gain of one nat a token is one a token, the mean number of tokens a target, a quarter a character."""
    base, tuned = WORLD.model(), WORLD.model(1.0)
    true = WORLD.is_(lambda item: item.kind == "fact") & WORLD.of("s0") & (WORLD.role == 0)
    totals = {per: ladders(base, tuned, per)[0].total for per in ("token", "target", "character")}
    assert totals["token"].value == pytest.approx(1)
    assert totals["target"].value == pytest.approx(WORLD.tokens[true].mean())
    assert totals["character"].value == pytest.approx(0.25)
    assert [e.unit for e in totals.values()] == ["nats/token", "nats", "nats/character"]


def test_other_units_are_what_a_run_in_that_unit_would_say(monkeypatch):
    fewer_draws(monkeypatch)
    tuned = random_model(3)
    runs = {per: analyze(WORLD.material(per=per, m=tuned)).models["m"] for per in ("token", "target", "character")}
    assert {per: [*run.other_units] for per, run in runs.items()} == {
        "token": ["target"],
        "target": ["token"],
        "character": ["token", "target"],
    }
    for run in runs.values():
        for per, held in run.other_units.items():
            for view in ("", "text_"):
                rungs, wanted = (
                    [*getattr(of, f"{view}rungs").values(), getattr(of, f"{view}total")] for of in (held, runs[per])
                )
                assert len(rungs) == len(wanted)
                for one, other in zip(rungs, wanted, strict=True):
                    values = {k: pytest.approx(v) if isinstance(v, float) else v for k, v in other.json().items()}
                    assert one.json() == values


def test_a_model_with_other_tokens_has_no_rungs_per_token(monkeypatch):
    fewer_draws(monkeypatch)
    tuned = random_model(3)
    at = tuned.schema.get_field_index("tokens")
    tuned = tuned.set_column(at, tuned.schema.field(at), pc.add(tuned["tokens"], 1).cast(tuned.schema.field(at).type))
    assert [*analyze(WORLD.material(per="character", m=tuned)).models["m"].other_units] == ["target"]


def test_what_a_missing_group_leaves_open_is_said_and_the_rest_stands():
    made = world(specialties=2, facts=10, controls=0, distractors=4)
    facts, text = ladders(made.model(), made.model(0.5 * (made.role == 0)), made=made)
    assert facts.rungs["generic_drift"].note == facts.rungs["domain_shift"].note.replace("other and no ", "")
    assert facts.rungs["generic_drift"].value is None
    assert "no general items" in facts.rungs["generic_drift"].note
    assert (facts.rungs["knowledge"].value, facts.rungs["knowledge"].note) == (pytest.approx(0.5), "")
    assert text.total.note == "no own items"


def test_an_estimate_counts_the_concepts_of_its_smallest_group():
    facts, _ = ladders(WORLD.model(), random_model(3))
    assert (facts.rungs["knowledge"].n, facts.rungs["domain_shift"].n, facts.extra["transferable"].n) == (10, 10, 20)
    assert facts.rungs["knowledge"].method == "clustered t"
    large = world(specialties=3, facts=40, controls=40, distractors=4)
    facts, _ = ladders(large.model(), random_model(3, large), made=large)
    assert facts.rungs["knowledge"].method == "two-way cluster bootstrap"


@pytest.mark.heavy
def test_the_intervals_of_the_rungs_cover_where_answers_differ_in_ease():
    """The same few strings are the wrong answers of a whole relation: facts alone are too many clusters."""
    hits = {"generic_drift": 0, "domain_shift": 0, "specialty_vocabulary": 0}
    repeats = 50
    for seed in range(repeats):
        made = world(specialties=3, facts=30, controls=30, seed=seed)
        facts, _ = ladders(made.model(), made.model(made.moved(seed, ease=1, noise=0.1)), made=made)
        for name in hits:
            hits[name] += facts.rungs[name].low <= 0 <= facts.rungs[name].high
    assert min(hits.values()) >= 0.84 * repeats


def test_distractors_of_another_length_are_left_out_and_facts_without_three_are_too():
    answers = ("true", "a", "b", "c", "much longer")
    items = (fact("kept", "s0", answers), fact("short", "s0", answers[:3] + answers[4:]), fact("g", "general", answers))
    places = [(i, k) for i, item in enumerate(items) for k in range(len(item.candidates))]
    item, role = np.array(places).T
    strings = [items[i].candidates[k] for i, k in places]
    tokens = np.array([4 if string == "much longer" else 1 + (string == "a") for string in strings])
    logits = np.random.default_rng(0).normal(size=(len(places), 2, 12))
    made = replace(WORLD, items=items, item=item, cue=0 * item, role=role, tokens=tokens, logits=logits, layers=0)
    gain = np.where(np.array(strings) == "much longer", 100.0, 0.0)
    pair = Pair(fact_scores(made.model(), items), fact_scores(made.model(gain), items))
    gains = fact_gains(pair)
    assert [pair.items[i].id for i in gains.index] == ["fact:kept", "fact:g"]
    assert gains.like.tolist() == [[False, True, True, True, False]] * 2
    assert gains.wrong[:, 0] == pytest.approx([0, 0])


@pytest.fixture(scope="module")
def four():
    made = world(specialties=4, facts=20, controls=20, distractors=4, terms=20, words=20, layers=1)
    own = {name: f"s{k}" for k, name in enumerate("abcd")}
    tables = {name: made.model(made.moved(k) + made.of(own[name])) for k, name in enumerate(own)}
    return made, own, tables


@pytest.mark.heavy
def test_a_copy_of_a_model_changes_no_estimate_of_the_others_nor_gamma(four):
    made, own, tables = four
    before = analyze(made.material(own, **tables))
    after = analyze(made.material({**own, "copy": "s0"}, **tables, copy=tables["a"]))
    estimates = (
        "rungs",
        "text_rungs",
        "specific_margin",
        "margin_gain",
        "matrix",
        "by_layer",
        "ledger",
        "wordings",
        "acquired",
        "total",
    )
    for name in own:
        for k in estimates:
            assert getattr(after.models[name], k) == getattr(before.models[name], k)
        assert after.models[name].shift.over_contrast == before.models[name].shift.over_contrast
    assert all(getattr(after.models["copy"], k) == getattr(after.models["a"], k) for k in estimates)
    for view in ("term", "fact"):
        for key in ("value", "low", "high", "p", "n"):
            now, then = (getattr(found.diagonal[view], key) for found in (after, before))
            assert now == pytest.approx(then, abs=1e-9)


@pytest.mark.heavy
def test_the_same_material_gives_the_same_findings(four):
    made, own, tables = four
    one, two = (analyze(made.material(own, **tables)) for _ in range(2))
    assert (one.models, one.diagonal) == (two.models, two.diagonal)
