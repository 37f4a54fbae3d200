"""`--replicates` from the command to the page: what a person reads of several trainings, and what is refused."""

import json
import shutil

import knowshift
import numpy as np
import pytest
from house import command, write_adapter
from knowshift.models import scoring
from knowshift.probes.results.comparison import ComparisonResult
from knowshift.probes.runs.replicates import as_text, replicate_models
from pages import Page
from scipy import stats
from tiny import make_tokenizer, tiny_model

NAMES = ["neuro_s0", "neuro_s1", "neuro_s2"]
GROUP = f"neuro={','.join(NAMES)}"
QUICK = ("--no-lens", "--passages", "0")


@pytest.fixture(scope="module")
def trainings(house, tmp_path_factory):
    """Base, domain, three trainings of one tune, one copied, and a model of another specialty."""
    folder = tmp_path_factory.mktemp("trainings")
    for seed, name in enumerate(NAMES):
        write_adapter(folder / name, tiny_model("llama", vocab_size=len(make_tokenizer("byte_bpe"))), 20 + seed)
    shutil.copytree(folder / "neuro_s0", folder / "neuro_again")
    for name in ("base", "domain", "cardio_lora"):
        shutil.copytree(house / name, folder / name)
    return folder


def asked(folder, *names, out=None):
    return command(folder, *(folder / name for name in names or NAMES), out=out)


@pytest.fixture(scope="module")
def grouped(trainings):
    """A finished run of three trainings; not to be changed."""
    from knowshift.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(trainings / "cache"))
        with pytest.raises(SystemExit, match=r"^0$"):
            main([*asked(trainings, out=trainings / "run"), *QUICK, "--replicates", GROUP])
    return trainings / "run"


def test_the_group_is_the_mean_and_the_spread_of_its_models(grouped):
    run = knowshift.open_run(grouped)
    [(name, group)] = run.result.replicates.items()
    assert (name, group.models, group.own) == ("neuro", tuple(NAMES), "neurology")
    values = [run.models[model].acquired.value for model in NAMES]
    assert len(set(values)) == 3
    assert group.acquired.mean.value == pytest.approx(np.mean(values))
    assert group.acquired.sd == pytest.approx(np.std(values, ddof=1))
    assert (group.acquired.mean.low, group.acquired.mean.high) == pytest.approx(
        stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    )
    assert sum(group.knowledge.values()) == sum(group.shift.values()) == 3
    again = ComparisonResult.from_json(run.result.to_json())
    assert again.replicates == run.result.replicates


def test_the_frame_has_a_row_a_group(grouped, finished):
    frame = knowshift.open_run(grouped).replicates()
    group = knowshift.open_run(grouped).result.replicates["neuro"]
    [row] = frame.iter_rows(named=True)
    assert (row["group"], row["own"], row["models"]) == ("neuro", "neurology", NAMES)
    assert [row[f"knowledge_{state}"] for state in ("yes", "no", "unclear")] == list(group.knowledge.values())
    for figure in ("acquired", "learned", "over_contrast", "absolute", "general"):
        spread = getattr(group, figure)
        mean = spread.mean
        ends = [row[f"{figure}{end}"] for end in ("", "_low", "_high", "_sd", "_trainings")]
        assert ends == [mean.value, mean.low, mean.high, spread.sd, mean.n]
    assert set(frame.to_pandas().columns) == set(frame.columns)
    none = knowshift.open_run(finished).replicates()
    assert (none.height, none.schema) == (0, frame.schema)


def test_the_terminal_shows_mean_and_sd_beside_each_training(grouped, trainings, probe, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(trainings / "cache"))
    code, out, err = probe(*asked(trainings, out=grouped), *QUICK, "--replicates", GROUP)
    assert code == 0
    assert f"neuro: 3 trainings of one tune ({', '.join(NAMES)})" in err
    group = knowshift.open_run(grouped).result.replicates["neuro"]
    table = out[out.index("neuro: 3 trainings of one tune, ") :]
    mean, sd = group.acquired.mean, group.acquired.sd
    for shown in (f"{mean.value:+.2f}", f"[{mean.low:+.2f}, {mean.high:+.2f}]", f"{sd:.3f}"):
        assert shown in table
    for number in group.acquired.trainings.values():
        assert f"{number.value:+.2f} [{number.low:+.2f}, {number.high:+.2f}]" in table
    assert group.sentence in " ".join(out.split())
    assert [line for line in out.splitlines() if len(line) > 80 and not line.startswith("report: ")] == []


def test_the_page_and_the_card_have_the_group(grouped, probe, tmp_path):
    page = Page((grouped / "report.html").read_text(encoding="utf-8"))
    group = knowshift.open_run(grouped).result.replicates["neuro"]
    assert [attrs["id"] for tag, attrs in page.tags if tag == "section"][:3] == ["verdict", "trainings", "evidence"]
    assert group.sentence in page.text
    for spread in group.spreads.values():
        wanted = {spread.mean.value, spread.mean.low, spread.mean.high, spread.sd}
        wanted |= {end for number in spread.trainings.values() for end in (number.value, number.low, number.high)}
        assert wanted - {None} <= page.values
    assert f"acquired {group.acquired.mean.value:+.3f}" in group.sentence
    assert probe("report", grouped, "--card")[0] == 0
    card = next(grouped.glob("*.md")).read_text(encoding="utf-8")
    assert "## neuro: 3 trainings of one tune" in card
    assert "Each training has its own verdict; the group has none." in card


def test_a_finished_run_is_grouped_without_being_scored_again(grouped, trainings, tmp_path, monkeypatch):
    """Python takes a mapping too, and gives what the command gives; models stay as they are."""
    run = shutil.copytree(grouped, tmp_path / "run")
    monkeypatch.setattr(scoring, "score_shards", None)
    settings = {"domain": str(trainings / "domain"), "lens": "none", "passages": 0, "out": run}
    models = [trainings / name for name in NAMES]
    before = json.loads((grouped / "comparison.json").read_text())
    plain = knowshift.compare(trainings / "base", models, **settings)
    assert plain.result.replicates == {}
    assert json.loads((run / "comparison.json").read_text())["models"] == before["models"]
    knowshift.compare(trainings / "base", models, replicates={"neuro": NAMES}, **settings)
    assert json.loads((run / "comparison.json").read_text()) | {"run": before["run"]} == before


@pytest.mark.parametrize(
    ("names", "given", "line"),
    [
        (NAMES, ["neuro=neuro_s0,neuro_s9"], "no such model: neuro_s9; the models are neuro_s0, neuro_s1, neuro_s2"),
        (
            NAMES,
            ["a=neuro_s0,neuro_s1", "b=neuro_s1,neuro_s2"],
            "--replicates b=neuro_s1,neuro_s2: neuro_s1 is in a already; a model is in one group",
        ),
        (NAMES, ["neuro=neuro_s0"], "--replicates neuro=neuro_s0: only one model; a group needs two trainings or more"),
        (
            [*NAMES, "cardio_lora"],
            ["all=neuro_s0,cardio_lora"],
            "different own specialties: neuro_s0 (neurology), cardio_lora (cardiology); group trainings of one tune",
        ),
        (
            NAMES,
            ["neuro_s2=neuro_s0,neuro_s1"],
            "neuro_s2 is the name of a model; give the group another name",
        ),
        (NAMES, ["neuro=neuro_s0,neuro_s0"], "neuro_s0 is given 2 times; give each training once"),
        (NAMES, ["n=neuro_s0,neuro_s1", "n=neuro_s2,neuro_s0"], "n is given twice; name all its models once"),
        (NAMES, ["neuro_s0,neuro_s1"], "neuro_s0,neuro_s1: not a group of models; give NAME=MODEL,MODEL,..."),
        (NAMES, ["neuro=neuro_s0,"], "neuro=neuro_s0,: not a group of models; give NAME=MODEL,MODEL,..."),
        (
            ["neuro_s0", "neuro_again"],
            ["neuro=neuro_s0,neuro_again"],
            "--replicates neuro: neuro_s0 and neuro_again have the same weights; give separate trainings",
        ),
    ],
)
def test_what_is_no_group_of_trainings_is_refused_in_one_line(names, given, line, trainings, probe, tmp_path):
    options = [part for value in given for part in ("--replicates", value)]
    code, out, err = probe(*asked(trainings, *names, out=tmp_path / "run"), *QUICK, *options)
    last = err.splitlines()[-1]
    assert (code, out) == (2, "")
    assert last.startswith("probe: --replicates ")
    assert last.endswith(line)
    assert not (tmp_path / "run").exists()


def test_names_of_models_may_hold_equals_signs_and_spaces_may_follow_commas():
    own = {"lr=1e-4_s0": "neurology", "lr=1e-4_s1": "neurology"}
    assert replicate_models(["lr=lr=1e-4_s0, lr=1e-4_s1"], own) == {"lr": tuple(own)}
    assert as_text({"lr": list(own), "text": "a,b"}) == ("lr=lr=1e-4_s0,lr=1e-4_s1", "text=a,b")


def test_tunes_of_the_whole_domain_can_be_grouped():
    assert replicate_models(["m=a,b"], {"a": None, "b": None}) == {"m": ("a", "b")}
