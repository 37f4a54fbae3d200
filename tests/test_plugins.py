"""The example plugin, from its own wheel, in a process of its own; and what a broken plugin is to a user."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import knowshift
import pytest
from house import command
from knowshift.errors import UsageError, VocabularyError
from knowshift.probes.hypotheses.measures import measures
from knowshift.terms.vocabulary import sources

pytestmark = pytest.mark.heavy

EXAMPLE = Path(knowshift.__file__).parent / "examples" / "knowshift-example"
STATED = """
name = "own facts close more of the distance"
prediction = "Own facts gain a greater share of what there was to gain."
items = "facts"
measure = "relative gain"
contrast = "own - other"
direction = "greater"
smallest = 0.05
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process for which the example's wheel is installed."""
    folder = tmp_path_factory.mktemp("plugin")
    # Built from a copy: a build leaves folders behind.
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-index"]
    wheels = [*alone, "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run([*pip, "wheel", *wheels, source], check=True, capture_output=True)
    (wheel,) = folder.glob("knowshift_example-*.whl")
    subprocess.run([*pip, "install", *alone, "--target", folder / "site", wheel], check=True, capture_output=True)
    paths = [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "KNOWSHIFT_CACHE": str(folder / "cache")}


@pytest.fixture
def outside(installed):
    """Calls the command in a process that has the plugin: standard output, standard error."""

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "knowshift", *map(str, arguments)], env=installed, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return call


def test_a_measure_and_a_section_on_a_finished_run(outside, finished, house, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "own.toml").write_text(STATED)
    out, _ = outside("test", tmp_path / "own.toml", "--run", run, "--domain", house / "domain", "--json")
    (held,) = json.loads(out)["hypotheses"]
    for model, result in held["results"].items():
        facts = knowshift.open_run(run).facts().to_pandas()
        facts = facts[facts["model"] == model]
        share = facts["tuned_logprobs"].str[0] / facts["base_logprobs"].str[0]  # of whole targets: about the same
        assert result["effect"]["unit"] == "share"
        expected = (1 - share[facts["group"] == "own"]).mean() - (1 - share[facts["group"] == "other"]).mean()
        assert result["effect"]["estimate"] == pytest.approx(expected, abs=0.02)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<section id="largest-gains"' in page
    assert page.index('id="terms-title"') < page.index('id="largest-gains-title"') < page.index('id="methods-title"')
    assert '<a href="#largest-gains">Largest gains</a>' in page


def test_a_vocabulary_of_another_form(outside, tmp_path):
    (tmp_path / "birds.lines").write_text("blackbird;Turdus merula\n\ngreat tit\n")
    out, _ = outside("terms", "vocabulary", tmp_path / "birds.lines", "--out", tmp_path / "birds.vocab")
    assert "birds.vocab" in out
    from knowshift.terms.vocabulary.compiled import Vocabulary

    held = Vocabulary.open(tmp_path / "birds.vocab")
    assert {(entry.name, entry.aliases) for entry in map(held.entry, range(len(held)))} == {
        ("blackbird", ("Turdus merula",)),
        ("great tit", ()),
    }
    assert held.about["sources"] == [{"name": "birds.lines", "kind": "lines of names"}]


def test_an_engine_gives_the_same_numbers(outside, house, finished, tmp_path):
    arguments = command(house, house / "neuro_lora", domain=house / "domain", own="neurology", out=tmp_path / "run")
    _, err = outside(*arguments, "--engine", "timed")
    assert "timed: " in err
    one, other = (knowshift.open_run(run).scores("neuro_lora") for run in (finished, tmp_path / "run"))
    assert other["engine"].unique().to_list() == ["timed"]
    assert other["logprob"].to_numpy() == pytest.approx(one["logprob"].to_numpy(), abs=1e-5)


def test_a_suite_with_an_option_and_a_table_of_its_own(outside, house, tmp_path):
    facts = [{"cue": "for a week", "answer": "fever"}, {"cue": "the child", "answer": "e"}]
    (tmp_path / "facts.jsonl").write_text("\n".join(map(json.dumps, facts)))
    arguments = ("--suite", "recall", "--data", tmp_path / "facts.jsonl", "--words", "3", "--domain", house / "domain")
    out, _ = outside("evaluate", house / "base", house / "neuro_lora", *arguments, "--out", tmp_path / "run", "--json")
    data = json.loads(out)
    assert [row["metric"] for row in data["scores"]] == ["accuracy", "accuracy"]
    assert data["more"]["words"] == data["options"]["words"] == 3
    assert list(data["more"]["longest"]) == ["base", "neuro_lora"]
    assert "Recall: longest answers" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def broken(strange):
    """A package installed beside ours whose entry points lead nowhere, or to something else."""
    return lambda entry_points: strange("NUMBER = 3\n", entry_points)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("strange:NUMBER", "expected a Measure, found int"),
        ("strange:NOTHING", "no attribute 'NOTHING'"),
        ("nowhere:X", "No module named 'nowhere'"),
    ],
)
def test_a_broken_measure_is_one_line(broken, target, why):
    broken(f"[knowshift.measures]\nodd = {target}\n")
    with pytest.raises(UsageError, match=rf"measure odd: cannot be loaded from {target} of strange \(.*{why}\)"):
        measures()


def test_a_broken_reader_is_one_line_and_takes_no_suffix_of_ours(broken, tmp_path):
    broken("[knowshift.vocabularies]\nodd = strange:NUMBER\ncsv = strange:NUMBER\n")
    (tmp_path / "a.odd").write_text("")
    with pytest.raises(
        VocabularyError, match=r"a\.odd: its reader: cannot be loaded from strange:NUMBER .*expected a Kind, found int"
    ):
        sources.kind(str(tmp_path / "a.odd"))
    (tmp_path / "a.csv").write_text("id,name\n1,a\n")
    assert sources.kind(str(tmp_path / "a.csv")) is sources.TABLE
    (tmp_path / "a.even").write_text("")
    with pytest.raises(VocabularyError, match=r"unknown form; expected .*\.odd"):
        sources.kind(str(tmp_path / "a.even"))


def test_a_broken_section_is_one_line(broken, finished, probe, tmp_path):
    broken("[knowshift.sections]\nodd = nowhere\n")
    code, out, err = probe("report", finished, "--out", tmp_path / "page.html")
    assert (code, out) == (2, "")
    assert err.startswith(
        "probe: report section odd: cannot be loaded from nowhere of strange (No module named 'nowhere')"
    )
    assert not (tmp_path / "page.html").exists()
