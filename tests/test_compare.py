"""A comparison from end to end: what a run leaves behind, what its numbers are, what a second run does not do again."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import knowshift
import numpy as np
import polars as pl
import pytest
from house import TOPICS, command, write_domain
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import RunError, UsageError
from knowshift.models import scoring
from knowshift.probes.runs.naming import default_out, names_of
from knowshift.probes.runs.plan import plan_comparison
from knowshift.probes.runs.settings import Settings

pytestmark = pytest.mark.heavy

RUNGS = ("generic_drift", "domain_shift", "specialty_vocabulary", "knowledge")
OWN = {"neuro_lora": "neurology", "cardio_lora": "cardiology"}


@pytest.fixture
def shared_cache(finished, monkeypatch):
    """The scores of `finished` are at hand."""
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(finished.parent / "cache"))


@pytest.fixture
def passes(monkeypatch):
    """The models that are scored by forward passes, each with the shards that were there already and all its shards."""
    seen, real = [], scoring.score_shards

    def spy(plan, checkpoint, **options):
        seen.append((checkpoint.name, set(options["done"]), plan.shards))
        return real(plan, checkpoint, **options)

    monkeypatch.setattr(scoring, "score_shards", spy)
    return seen


def compare(house, *tuned, **options):
    models = [house / name for name in tuned or OWN]
    return knowshift.compare(house / "base", models, **{"domain": str(house / "domain"), **options})


def score_files(run):
    return {path.name: path.read_bytes() for path in (run / "scores").glob("*.parquet")}


def findings(run):
    """All that was found, without the place."""
    return json.loads((run / "comparison.json").read_text()) | {"run": ""}


def test_a_run_leaves_everything_in_its_folder(finished):
    names = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    scores = {f"scores/{name}.parquet" for name in ("base", *OWN)}
    tables = {f"{name}.parquet" for name in ("terms", "facts", "places", "readings")}
    assert names == {*scores, *tables, "run.json", "comparison.json", "report.html"}
    record = json.loads((finished / "run.json").read_text())
    assert record["schema"] == 1
    assert record["base_hub_id"] is None
    assert set(record["hashes"]) == {"base", "models", "domain", "contrast", "items", "code"}
    assert set(record["hashes"]["models"]) == set(OWN)
    assert record["versions"]["knowshift"] == knowshift.__version__
    assert (record["seed"], record["dtype"], record["device"]) == (0, "torch.float32", "cpu")


def is_estimate(value):
    assert {"estimate", "low", "high"} <= set(value)
    if value["estimate"] is not None and value["low"] is not None:
        assert value["low"] <= value["estimate"] <= value["high"]
    return value["estimate"]


def test_the_comparison_has_the_documented_form(finished):
    data = findings(finished)
    assert (data["schema"], data["base"], data["domain"], data["per"], data["seed"]) == (1, "base", "small", "token", 0)
    assert list(data["models"]) == list(OWN)
    for name, model in data["models"].items():
        assert model["own"] == OWN[name]
        assert model["verdict"] == "cannot tell"
        assert any("of 12 own facts" in line and "of 24 other ones" in line for line in model["missing"])
        assert (model["knowledge"]["state"], model["knowledge"]["testable"]) == ("unclear", False)
        assert set(model["rungs"]) == set(RUNGS)
        assert set(model["text_rungs"]) == set(RUNGS[:3])
        figures = (
            *model["rungs"].values(),
            *model["text_rungs"].values(),
            *(model[key] for key in ("specific_margin", "acquired", "transferable")),
        )
        assert all(is_estimate(figure) is not None for figure in figures)
        for counts in (model["ledger"]["own"], model["ledger"]["other"]):
            assert counts["facts"] == counts["unknown"] + counts["known"] > 0
            assert counts["learned"] <= counts["unknown"]
            assert counts["lost"] <= counts["known"]
        assert [wording["cue"] for wording in model["wordings"]] == [0, 1, 2]
        assert len(model["validity"]) >= 6
        assert all({"check", "value", "tolerance"} <= set(check) and check["passed"] for check in model["validity"])


def values_of(run, model, length):
    """Fact id -> [cues, candidates] of log-probability over `length`, and of tokens, from the score file alone."""
    out = defaultdict(dict)
    for row in pl.read_parquet(run / "scores" / f"{model}.parquet").iter_rows(named=True):
        if row["item"].startswith("fact:"):
            assert row["logprob"] == pytest.approx(sum(row["token_logprobs"]), abs=1e-4)
            out[row["item"]][row["cue"], row["role"]] = (row["logprob"] / length(row), row["tokens"])
    return {
        fact: np.array([[cells[cue, role] for role in range(7)] for cue in range(3)]) for fact, cells in out.items()
    }


def expected_rungs(run, model, own, length):
    """The ladder by hand: means of gains of true answers (T) and of wrong ones of like length (D) by group."""
    base, tuned = (values_of(run, name, length) for name in ("base", model))
    true, wrong = defaultdict(list), defaultdict(list)
    for fact, before in base.items():
        tokens = before[..., 1]
        like = (abs(tokens - tokens[:, :1]) <= 1).all(0) & (np.arange(7) > 0)
        if like.sum() < 3:
            continue
        gain = (tuned[fact] - before)[..., 0]
        group = fact.removeprefix("fact:").split("-")[0]
        key = "S" if group == own else "G" if group == "general" else "O"
        true[key].append(gain[:, 0].mean())
        wrong[key].append(gain[:, like].mean())
    T, D = ({key: np.mean(values) for key, values in of.items()} for of in (true, wrong))
    return dict(zip(RUNGS, (D["G"], D["O"] - D["G"], D["S"] - D["O"], T["S"] - D["S"]), strict=True)), T["S"]


LENGTHS = {"token": lambda row: row["tokens"], "target": lambda row: 1, "character": lambda row: row["characters"]}


@pytest.mark.parametrize("per", LENGTHS)
def test_the_rungs_follow_from_the_score_files_in_every_unit(per, finished, house, shared_cache, passes, tmp_path):
    run = compare(house, per=per, out=tmp_path / "run")
    assert not passes, "the unit of a gain needs no new scores"
    assert run.result.per == per
    for name, own in OWN.items():
        rungs = {rung: figure.value for rung, figure in run.models[name].rungs.items()}
        expected, total = expected_rungs(run.run, name, own, LENGTHS[per])
        assert rungs == pytest.approx(expected, abs=1e-9)
        assert sum(rungs.values()) == pytest.approx(total, abs=1e-9)


def test_the_ledger_follows_from_the_table_of_facts(finished):
    """A fact is known if its true answer leads, centred, or is first where no lead can be read."""
    rows = knowshift.open_run(finished).facts()
    for name, own in OWN.items():
        mine = [row for row in rows.iter_rows(named=True) if (row["model"], row["specialties"]) == (name, [own])]

        def known(row, when):
            lead = row[f"{when}_lead"]
            return row[f"{when}_rank"] == 0 if lead is None else lead > 0

        before, after = ([known(row, when) for row in mine] for when in ("base", "tuned"))
        ledger = findings(finished)["models"][name]["ledger"]["own"]
        assert ledger["facts"] == len(mine) > 0
        assert ledger["known"] == sum(before)
        assert ledger["learned"] == sum(b and not a for a, b in zip(before, after, strict=True))
        assert ledger["lost"] == sum(a and not b for a, b in zip(before, after, strict=True))


def test_a_run_opens_again_as_frames(finished):
    run = knowshift.open_run(finished)
    assert run.frame()["model"].to_list() == list(OWN)
    assert {"verdict", "knowledge", "knowledge_low", "acquired_high"} <= set(run.frame().columns)
    assert set(run.facts()["model"]) == set(run.terms()["model"]) == set(OWN)
    assert run.scores("base").height == run.scores("neuro_lora").height
    with pytest.raises(RunError, match=r"nobody\.parquet: no such file"):
        run.scores("nobody")


def test_what_a_chat_template_says_makes_other_scores_and_another_run(house, tmp_path):
    """Some templates say today's date."""
    settings = Settings(domain=str(house / "domain"), template="chat")
    keys, identities = [], []
    for day in ("Monday", "Tuesday"):
        base = shutil.copytree(house / "base", tmp_path / day / "base")
        (base / "chat_template.jinja").write_text(f"It is {day}. {{{{ messages[0]['content'] }}}}")
        ready = plan_comparison(base, [house / "neuro_lora"], settings, lambda _: None)
        keys += ready.keys.values()
        identities.append(ready.identity["template"])
    assert len(set(keys)) == 4
    assert identities[0] != identities[1]


def test_the_same_call_again_reuses_the_scores(finished, house, passes):
    """With an empty cache: they are the run's own."""
    before, stamps = findings(finished), {p: p.stat().st_mtime_ns for p in (finished / "scores").glob("*.parquet")}
    compare(house, out=finished)
    assert not passes
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert findings(finished) == before


def test_the_cache_shares_scores_between_runs(finished, house, shared_cache, passes, tmp_path):
    compare(house, out=tmp_path / "again")
    assert not passes
    assert score_files(tmp_path / "again") == score_files(finished)
    assert findings(tmp_path / "again") == findings(finished)
    compare(house, "cardio_full", out=tmp_path / "other")
    assert [name for name, *_ in passes] == ["cardio_full"], "the base is not scored again"


def test_a_damaged_score_file_is_computed_anew(finished, house, passes, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    file = run / "scores" / "base.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    compare(house, out=run)
    assert [name for name, *_ in passes] == ["base"]
    assert score_files(run) == score_files(finished)


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"seed": 1}, "seed"),
        ({"per": "target"}, "per"),
        ({"lens": False}, "lens"),
        ({"limit": 2}, "items"),
        ({"own": ["neuro_lora=cardiology"]}, "own"),
        ({"tuned": ["neuro_lora"]}, "models, own"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(changed, differs, finished, house):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    tuned = changed.pop("tuned", OWN)
    with pytest.raises(RunError, match=rf"^--out .*run: another run lies there \(it differs in: {differs}\); [^\n]*$"):
        compare(house, *tuned, out=finished, **changed)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_own_may_be_given_for_each_model_or_read_from_its_name(house, shared_cache, tmp_path):
    notes = []
    run = compare(house, own=["neuro_lora=Gastroenterology"], out=tmp_path / "run", note=notes.append)
    assert {name: model.own for name, model in run.models.items()} == {
        "neuro_lora": "gastroenterology",
        "cardio_lora": "cardiology",
    }
    assert notes[:2] == [
        "neuro_lora: own specialty Gastroenterology (from --own)",
        "cardio_lora: own specialty Cardiology (from the model's name)",
    ]


def test_own_none_takes_the_whole_domain(finished, house, shared_cache, tmp_path):
    run = compare(house, "neuro_lora", own="none", out=tmp_path / "run")
    model = run.models["neuro_lora"]
    assert model.own is None
    assert model.rungs["specialty_vocabulary"].value is None
    assert model.specific_margin.value is None
    base, tuned = (values_of(run.run, name, LENGTHS["token"]) for name in ("base", "neuro_lora"))
    true = [(tuned[f] - base[f])[:, 0, 0].mean() for f in base if "general" not in f]
    rungs = [figure.value for figure in model.rungs.values() if figure.value is not None]
    assert sum(rungs) == pytest.approx(np.mean(true), abs=1e-9)


def test_limit_takes_so_many_of_each_group(house, tmp_path):
    run = compare(house, "neuro_lora", limit=2, lens=False, out=tmp_path / "run")
    facts = [item.removeprefix("fact:").split("-")[0] for item in run.scores("base")["item"].unique() if "fact" in item]
    assert facts.count("neurology") == facts.count("general") == 2
    assert facts.count("cardiology") + facts.count("gastroenterology") == 2
    assert run.scores("base")["lens"].is_null().all()
    assert run.models["neuro_lora"].acquired.value is None


def test_two_of_one_name_get_their_parents_name(house, tmp_path):
    for parent, name in (("first", "neuro_lora"), ("second", "cardio_lora")):
        shutil.copytree(house / name, tmp_path / parent / "lora")
    tuned = [tmp_path / "first" / "lora", tmp_path / "second" / "lora"]
    options = {"domain": str(house / "domain"), "own": ["first/lora=neurology", "second/lora=cardiology"], "limit": 2}
    run = knowshift.compare(house / "base", tuned, out=tmp_path / "run", **options)
    assert list(run.models) == ["first/lora", "second/lora"]
    assert set(score_files(run.run)) == {"base.parquet", "first-lora.parquet", "second-lora.parquet"}
    assert not run.scores("first/lora").equals(run.scores("second/lora"))


def test_a_tuned_model_may_be_called_as_its_base(house, tmp_path):
    shutil.copytree(house / "cardio_full", tmp_path / "base")
    options = {"domain": str(house / "domain"), "own": "cardiology", "limit": 2}
    run = knowshift.compare(house / "base", tmp_path / "base", out=tmp_path / "run", **options)
    assert set(score_files(run.run)) == {"base.parquet", "base-base.parquet"}


@given(st.lists(st.sampled_from(["neuro_lora", "lora", "a.b", "model"]), min_size=1, max_size=4), st.data())
def test_names_are_unique_and_the_shortest(names, data):
    parents = data.draw(st.permutations(["w", "x", "y", "z"]))[: len(names)]
    specs = [f"/at/{parent}/{name}" for parent, name in zip(parents, names, strict=True)]
    expected = [f"{p}/{n}" if names.count(n) > 1 else n for p, n in zip(parents, names, strict=True)]
    assert names_of(specs) == expected
    assert names_of([f"{spec}/" for spec in specs]) == expected
    assert names_of([f"{spec}.pt" for spec in specs]) == expected


def test_a_file_of_a_general_name_is_called_as_its_folder(house):
    assert names_of([str(house / "cardio_full" / "model.safetensors")]) == ["cardio_full"]
    assert names_of([str(house / "neuro_lora" / "adapter_model.safetensors")]) == ["neuro_lora"]


def test_one_model_given_twice_is_refused():
    with pytest.raises(UsageError, match="x-lora: given 2 times"):
        names_of(["/at/x/lora", "/at/x/lora/"])


@given(st.lists(st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?", fullmatch=True), min_size=1, max_size=6))
def test_the_default_folder_is_one_below_runs(tuned):
    assert default_out("base", tuned).parent == Path("runs")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "red"}, "colour: no such option; the options are .*allow_failed_checks"),
        ({"per": "word"}, "--per word: no such unit; give token, target, character"),
        ({"limit": 0}, "--limit 0: too small; give a whole number, 1 or more"),
        ({"seed": -1}, "--seed -1: too small; give a whole number, 0 or more"),
    ],
)
def test_options_from_python_are_checked_as_the_commands(options, message, house):
    with pytest.raises(UsageError, match=message):
        compare(house, **options)


def test_without_a_tuned_model_there_is_nothing_to_compare(house):
    with pytest.raises(UsageError, match="no tuned model"):
        knowshift.compare(house / "base", [])


def test_a_killed_run_goes_on_and_ends_the_same_to_the_byte(house, passes, tmp_path, monkeypatch):
    """kill -9 as soon as a first shard is written; then the same command."""
    domain, run = write_domain(tmp_path / "domain", facts=50), tmp_path / "run"
    arguments = command(house, house / "neuro_lora", domain=domain, out=run)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "knowshift", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while process.poll() is None and not list(run.glob("scores/.parts/*/[0-9]*.parquet")):
        time.sleep(0.002)
    process.kill()
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err.decode()
    assert not (run / "comparison.json").exists()
    done = {int(path.stem) for path in run.glob("scores/.parts/base-*/[0-9]*.parquet")}
    assert json.loads((run / "run.json").read_text())["command"] == shlex.join(["probe", *arguments])

    compare(house, "neuro_lora", domain=str(domain), out=run)
    shards = passes[0][2]
    assert 0 < len(done) < shards, "killed too late to tell"
    assert passes == [("base", done, shards), ("neuro_lora", set(), shards)]
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "empty"))
    compare(house, "neuro_lora", domain=str(domain), out=tmp_path / "undisturbed")
    assert passes[2:] == [("base", set(), shards), ("neuro_lora", set(), shards)]
    assert score_files(run) == score_files(tmp_path / "undisturbed")
    assert findings(run) == findings(tmp_path / "undisturbed")
    assert set(findings(run)["specialties"]) == set(TOPICS)


def test_what_stands_beside_the_verdict_when_asked_for(finished, house, tmp_path):
    """Neutral cues always; a published recipe and the training data when they are given."""
    data = tmp_path / "train.jsonl"
    facts = [json.loads(line) for line in (house / "domain" / "facts.jsonl").read_text().splitlines()]
    taught = [fact for fact in facts if fact["specialties"] == ["neurology"]][:6]
    data.write_text("".join(json.dumps({"text": f"{fact['cues'][1]} {fact['answer']}."}) + "\n" for fact in taught))
    options = {"lens": False, "recipe": "smedqa", "training_data": data, "out": tmp_path / "run"}
    run = compare(house, "neuro_lora", **options)
    model = run.models["neuro_lora"]
    assert model.views[-1].view == "prior-corrected"
    assert all(is_estimate(view.margin.json()) is not None for view in model.views)
    assert model.smedqa.occurrences == 18
    occurrences = run.scores("neuro_lora").join(run.scores("base"), on=["item", "cue", "role"], suffix="_base")
    gains = occurrences.filter(pl.col("item").str.starts_with("occurrence:"))
    expected = (gains["logprob"] - gains["logprob_base"]).mean()
    assert model.smedqa.all.value == pytest.approx(expected)
    assert model.training.facts["exact"] == 6
    seen = run.facts().filter(pl.col("seen") == "exact")["item"]
    assert set(seen) == {f"fact:{fact['id']}" for fact in taught}
    for side in (model.training.seen, model.training.unseen):
        assert side.ledger.own.facts == 6
    plain = findings(finished)["models"]["neuro_lora"]
    for rung, figure in plain["rungs"].items():  # other batches: the same to rounding
        assert model.rungs[rung].value == pytest.approx(figure["estimate"], abs=1e-5)
    assert model.ledger.model_dump() == plain["ledger"]
    data.write_text(data.read_text() + '{"text": "more"}\n')
    with pytest.raises(RunError, match="differs in: training"):
        compare(house, "neuro_lora", **options)


def test_a_recipe_that_nobody_wrote_is_refused(house):
    with pytest.raises(UsageError, match="--recipe other: no such recipe; give smedqa"):
        compare(house, recipe="other")
