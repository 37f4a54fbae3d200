"""Hypotheses on a run of the demo's models, whose truth is known: against other figures of the run, and other tools."""

import json
from dataclasses import replace

import knowshift
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from knowshift import showcase
from knowshift.probes.hypotheses.effects import effect, rows_of
from knowshift.probes.hypotheses.files import read, read_all, ready
from knowshift.probes.hypotheses.material import load_run
from knowshift.probes.hypotheses.testing import examine
from scipy import special, stats

pytestmark = pytest.mark.slow

MODELS = ("neuro_lora", "neuro_facts_lora")
STATED = {
    "name": "h",
    "prediction": "p",
    "items": "facts",
    "measure": "margin",
    "contrast": "own - other",
    "direction": "greater",
    "smallest": 0.1,
}
SHUFFLES = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    models = showcase.lay_down(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(folder / "cache"))
        return knowshift.compare(
            models["base.pt"], [models[name] for name in MODELS], out=folder / "run", limit=120, passages=0
        )


@pytest.fixture(scope="module")
def opened(run):
    return load_run(run)


@pytest.fixture
def stated(tmp_path):
    """Hypotheses of a file that says STATED with some of it changed; None takes a part away."""

    def write(*changes, name="mine.toml"):
        lines = []
        for k, change in enumerate(changes or ({},)):
            parts = {**STATED, "name": f"h{k}", **change}
            lines += ["[[hypothesis]]", *(f"{key} = {_toml(v)}" for key, v in parts.items() if v is not None)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return tmp_path / name

    return write


def _toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture
def found(opened, stated):
    """By model, the tests and groups of one hypothesis."""

    def test(model="neuro_facts_lora", draws=99, **change):
        (hypothesis,) = read(stated(change))
        return effect(hypothesis, rows_of(hypothesis, opened, model), 0, draws)[0].effect

    return test


# What a contrast is, held against other figures of the same run.


@pytest.mark.parametrize("model", MODELS)
def test_known_figures_of_the_run_come_out_again(run, found, model):
    held = run.models[model]
    same = {
        "margin_of_own": found(model, contrast="own"),
        "specific_margin": found(model),
        "own wrong answers": found(model, measure="wrong answers"),
        "own terms": found(model, items="terms", measure="gain"),
        "accuracy": found(model, measure="accuracy", contrast="other"),
    }
    other = run.facts().filter((pl.col("model") == model) & (pl.col("group") == "other"))
    wanted = {
        "margin_of_own": held.rungs["knowledge"].value,
        "specific_margin": held.specific_margin.value,
        "own wrong answers": held.rungs["specialty_vocabulary"].value,
        "own terms": held.text_rungs["specialty_vocabulary"].value,
        "accuracy": (other["tuned_rank"] == 0).mean() - (other["base_rank"] == 0).mean(),
    }
    assert {name: one.value for name, one in same.items()} == pytest.approx(wanted, abs=1e-9)


def test_the_last_layer_is_the_model_itself(found):
    last = found(layers=[3], contrast="own")
    assert last.value == pytest.approx(found(contrast="own").value, abs=1e-4)
    assert found(layers=["late"], contrast="own").value != last.value  # two layers of four, together
    assert found(layers="early", contrast="own").value == pytest.approx(found(layers=[0], contrast="own").value)


def test_entropy_is_that_of_the_candidates(run, found):
    facts = run.facts().filter((pl.col("model") == "neuro_facts_lora") & (pl.col("group") == "own"))
    base, tuned = (
        np.array([stats.entropy(special.softmax(values)) for values in facts[name]])
        for name in ("base_logprobs", "tuned_logprobs")
    )
    assert found(measure="entropy", contrast="own").value == pytest.approx((tuned - base).mean(), abs=1e-9)


def test_ranks_are_those_of_the_score_tables(run, opened, found):
    own = {item.id for item in opened.models["neuro_facts_lora"].items if "neurology" in item.specialties}

    def ranks(model):
        table = run.scores(model).filter(pl.col("item").is_in(own) & (pl.col("role") == 0))
        return {key: frame["rank"].to_list() for (key,), frame in table.group_by("item")}

    before, after = ranks("base"), ranks("neuro_facts_lora")

    def mean(of):
        return np.mean([np.mean([of(r) for r in after[item]]) - np.mean([of(r) for r in before[item]]) for item in own])

    last = mean(lambda layers: np.log1p(layers[-1]))
    assert found(measure="rank", contrast="own").value == pytest.approx(last, abs=1e-9)
    first = mean(lambda layers: next((k for k, rank in enumerate(layers) if rank < 10), 4))
    assert found(measure="layer of first top-10", contrast="own").value == pytest.approx(first, abs=1e-9)


def test_a_formula_is_the_regression_of_statsmodels(opened, found):
    model = opened.models["neuro_facts_lora"]
    held = {name: (model.fact_groups == name).astype(float) for name in ("own", "other")}
    held["gain"] = model.gains.true[:, 0] - model.gains.wrong[:, 0]
    held["tokens"] = np.nanmean(model.facts.base.tokens[model.gains.index, :, 0], 1)
    held["relation"] = [item.relation for item in model.items]
    fitted = smf.ols("gain ~ own + np.log(tokens) + C(relation)", pd.DataFrame(held)).fit()
    mine = found(formula="own + log(tokens) + C(relation)", contrast="own")
    assert mine.value == pytest.approx(float(np.squeeze(fitted.t_test("own = 0").effect)), abs=1e-8)
    both = smf.ols("gain ~ 0 + own + other + tokens", pd.DataFrame(held)).fit().t_test("own - other = 0")
    mine = found(formula="0 + own + other + tokens", draws=999)
    assert mine.value == pytest.approx(float(np.squeeze(both.effect)), abs=1e-8)
    # Facts cluster by concept and answer, and their spread differs by group: of one size, not alike.
    low, high = np.squeeze(both.conf_int())
    assert 0.3 < (mine.high - mine.low) / (high - low) < 3


def test_columns_that_determine_one_another_give_no_effect(found):
    mine = found(formula="own + other + general + base", contrast="own - other")
    assert mine.value is None
    assert "determine one another" in mine.note


def test_wordings_are_rows_of_their_own(found, run):
    group = {"own": {"group": "own", "wording": "3"}, "other": {"group": "other", "wording": "3"}}
    third = found(groups={"own3": group["own"], "other3": group["other"]}, contrast="own3 - other3", draws=1999)
    held_out = run.models["neuro_facts_lora"].wordings[2]
    assert held_out.cue == 2
    assert third.low > 0
    assert held_out.acquired.low > 0
    known = found(measure="specific knowledge", groups={"own3": group["own"]}, contrast="own3").value
    assert known == pytest.approx(third.value, rel=0.5)  # beyond the others' line, which lies near their mean gain


# Verdicts.


def test_every_ready_hypothesis_is_decided_on_the_demo(run):
    assert len(ready()) >= 8
    done = knowshift.test_hypotheses(run)
    frame = done.frame()
    assert frame.height == len(read_all(tuple(ready()))) * len(MODELS)
    assert frame["effect"].null_count() == 0
    outcome = {(row["hypothesis"], row["model"]): row["outcome"] for row in frame.iter_rows(named=True)}
    # What is true of the adapters by construction (showcase/README.md).
    assert outcome["own facts only", "neuro_facts_lora"] == "supported"
    assert outcome["own facts only", "neuro_lora"] == "refuted"
    assert outcome["knowledge generalises to paraphrase", "neuro_facts_lora"] == "supported"
    assert outcome["knowledge generalises to paraphrase", "neuro_lora"] != "supported"
    assert outcome["S-MedQA claim: terms of other specialties rise too", "neuro_facts_lora"] != "supported"


def _shuffled(rows, group, rng, flip):
    """The labels of concepts dealt anew; with `flip`, base and tuned changed about for half of them too."""
    concept = rows.clusters.first
    first = np.unique(concept, return_index=True)[1]
    dealt = rng.permutation(len(first))
    source = first[dealt[concept]]
    kept = ("layer", "depth", "stage", "wording", "base", "tokens")
    columns = {name: column if name in kept else [column[k] for k in source] for name, column in rows.columns.items()}
    values = rows.values * (rng.choice([-1, 1], len(first))[concept] if flip else 1)
    reference = None if rows.reference is None else np.array([name == group for name in columns["group"]])
    return replace(rows, values=values, columns=columns, reference=reference)


def test_shuffled_labels_support_next_to_nothing(opened):
    """Each ready one of a direction, on the model that was taught most, with the labels of 40 shuffles."""
    model = "neuro_facts_lora"
    directional = [one for one in read_all(tuple(ready())) if one.direction in ("greater", "less")]
    assert len(directional) >= 7
    supported = dict.fromkeys((one.name for one in directional), 0)
    for one in directional:
        rows = rows_of(one, opened, model)
        alone = one.contrast in ("other", "general")  # a mean beside zero: no label makes it vanish
        for seed in range(SHUFFLES):
            drawn = _shuffled(rows, opened.models[model].reference, np.random.default_rng(seed), alone)
            found, _ = effect(one, drawn, seed, 199)
            large = abs(found.effect.value) >= one.smallest
            supported[one.name] += found.favour <= 0.05 and large and found.effect.n >= 10
    assert sum(supported.values()) <= SHUFFLES * len(directional) / 20, supported


def test_directions_mirror_each_other(opened, stated):
    contrasts = {"greater": "own - other", "less": "other - own", "differs": "own - other", "equal": "own - other"}
    changes = [{"direction": d, "contrast": c, "name": d} for d, c in contrasts.items()]
    out = examine(opened, read(stated(*changes)))
    taught = {name: results["neuro_facts_lora"] for name, results in out.items()}
    assert [taught[d].outcome for d in contrasts] == ["supported", "supported", "supported", "refuted"]
    assert taught["greater"].p_uncorrected == taught["less"].p_uncorrected
    assert taught["greater"].effect.value == pytest.approx(-taught["less"].effect.value)


def test_a_wide_margin_makes_the_untaught_equal_and_refutes_the_rest(opened, stated):
    changes = [{"direction": d, "name": d, "smallest": 0.5} for d in ("greater", "less", "differs", "equal")]
    out = examine(opened, read(stated(*changes)))
    outcomes = [results["neuro_lora"].outcome for results in out.values()]
    assert outcomes == ["refuted", "refuted", "refuted", "supported"]
    assert all(results["neuro_lora"].power > 0.9 for results in out.values())


def test_correction_runs_over_a_files_hypotheses_and_models(opened, stated):
    alone = examine(opened, read(stated({"name": "a"})))
    among = examine(opened, read(stated(*({"name": name} for name in "abcd"))))
    one, four = (out["a"]["neuro_facts_lora"] for out in (alone, among))
    assert four.p_uncorrected == one.p_uncorrected
    assert four.p == pytest.approx(8 * four.p_uncorrected)
    assert one.p == pytest.approx(2 * one.p_uncorrected)
    assert four.power < one.power
    assert four.detectable > one.detectable


def test_groups_are_the_rows_that_their_conditions_name(opened, stated):
    model = opened.models["neuro_lora"]
    items, tokens = model.texts.items, model.texts.base.tokens
    mentions = opened.frequency
    term = np.array([item.kind == "term" for item in items])
    wanted = {
        "kinds": [bool({"T047", "T121"} & set(item.types)) for item in items],
        "short": (tokens >= 2) & (tokens <= 3) & term,
        "long": (tokens >= 4) & ["neurology" not in item.specialties for item in items],
        "seldom": [item.kind == "term" and mentions[item.concept] == 1 for item in items],
        "between": [item.kind == "term" and 2 <= mentions[item.concept] <= 4 for item in items],
    }
    conditions = {
        "kinds": {"types": ["T047", "T121"]},
        "short": {"tokens": {"from": 2, "to": 3}, "kind": "term"},
        "long": {"tokens": {"from": 4}, "specialty": {"not": "neurology"}},
        "seldom": {"kind": "term", "band": "rare"},
        "between": {"kind": "term", "frequency": {"from": 2, "to": 4}},
    }
    (hypothesis,) = read(
        stated({"items": "terms", "measure": "gain", "groups": conditions, "contrast": " + ".join(conditions)})
    )
    _, groups = effect(hypothesis, rows_of(hypothesis, opened, "neuro_lora"), 0, 19)
    assert {name: group.rows for name, group in groups.items()} == {k: int(np.sum(v)) for k, v in wanted.items()}
    assert all(0 < group.rows < len(items) for group in groups.values())
    assert groups["kinds"].concepts == len({i.concept for i, k in zip(items, wanted["kinds"], strict=True) if k})


def test_strata_and_known_are_those_of_the_ledger(run, opened, stated):
    facts = run.facts().filter(pl.col("model") == "neuro_lora", pl.col("group").is_in(["own", "other"]))
    conditions = {
        "nearly": {"group": ["own", "other"], "stratum": "high"},
        "learnt": {"group": ["own", "other"], "known": True},
        "unknown": {"group": ["own", "other"], "known": False},
    }
    (hypothesis,) = read(stated({"groups": conditions, "contrast": " + ".join(conditions)}))
    _, groups = effect(hypothesis, rows_of(hypothesis, opened, "neuro_lora"), 0, 19)
    state = facts["state"].is_in(["kept", "lost"])
    expected = [(facts["base_third"] == "high").sum(), state.sum(), (~state).sum()]
    assert [groups[name].rows for name in conditions] == expected
