"""Hypothesis files: what is wrong with one is one line with file, place and cure; when it was read is on record."""

import datetime
import json
import os
import re
import shutil
from pathlib import Path

import knowshift
import numpy as np
import polars as pl
import pytest
from house import command
from knowshift.commands.test import EPILOG
from knowshift.errors import RunError, UsageError
from knowshift.probes.hypotheses.contrast import regression
from knowshift.probes.hypotheses.files import DIRECTIONS, read, read_all, ready
from knowshift.probes.hypotheses.measures import measures
from knowshift.probes.hypotheses.record import DATED_BEFORE, NOT_BEFORE, READ_BEFORE
from knowshift.probes.hypotheses.rows import COLUMNS
from knowshift.probes.results.hypotheses import HypothesisRecord

STATED = """
name = "own gains"
prediction = "Own facts gain."
items = "facts"
measure = "margin"
contrast = "own - other"
direction = "greater"
smallest = 0.1
"""


@pytest.fixture
def file(tmp_path):
    def write(text=STATED, name="mine.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def changed(line="", **parts):
    text = STATED
    for key, value in parts.items():
        lines = [one for one in text.splitlines() if not one.startswith(f"{key} =")]
        text = "\n".join([*lines, *([] if value is None else [f"{key} = {value}"])])
    return f"{text}\n{line}\n"


BROKEN = {
    "unknown column": (changed('groups.own = { colour = "red" }'), "group own: unknown column 'colour'; facts have"),
    "column of the other items": (changed('groups.own = { band = "rare" }'), "unknown column 'band'; facts have"),
    "column of layers": (changed('groups.own = { stage = "early" }'), "the column stage is there with `layers` alone"),
    "unknown measure": (changed(measure='"vibes"'), "unknown measure 'vibes'; give gain, "),
    "measure of other items": (changed(items='"terms"'), "the measure margin is of facts, not of terms"),
    "unknown items": (changed(items='"words"'), "unknown items 'words'; give facts, terms"),
    "unknown direction": (changed(direction='"up"'), "unknown direction 'up'; give greater, less, differs, equal"),
    "unparsable contrast": (changed(contrast='"own -"'), "contrast 'own -' cannot be parsed (expected a noun"),
    "unknown group": (changed(contrast='"own - others"'), "combine own, other, general as in 'own - other'"),
    "product": (changed(contrast='"own * other"'), "cannot be parsed (Can't multiply one variable by another"),
    "constant contrast": (changed(contrast='"1"'), "cannot be parsed (term is constant"),
    "bound in the contrast": (changed(contrast='"own - other = 0.2"'), "say how large an effect matters by `smallest`"),
    "nothing": (changed(contrast='"own - own"'), "contrast 'own - own' cannot be parsed (term is constant"),
    "infinite end": (changed("groups.own = { base = { from = -inf } }"), "give a value, a list, {from, to}, or {not}"),
    "end of words": (changed("groups.own = { base = { to = 'low' } }"), "give a value, a list, {from, to}, or {not}"),
    "a date": (changed("groups.own = { name = 2026-11-21 }"), "give a value, a list, {from, to}, or {not}"),
    "a list of tables": (changed("groups.own = { name = [{ not = 'a' }] }"), "give a value, a list, {from, to}"),
    "empty list": (changed("groups.own = { name = [] }"), "name is []; give a value, a list"),
    "two contrasts in one": (changed(contrast='"own, other"'), "is 2 contrasts; state each as a hypothesis"),
    "unparsable formula": (changed('formula = "own + (base"'), "formula 'own + (base' cannot be parsed"),
    "formula of no operator": (changed('formula = "own other"'), "formula 'own other' cannot be parsed (invalid synt"),
    "formula of no group": (
        changed('formula = "base"', contrast='"base"'),
        "formula 'base' names no group; add one of own, other, general",
    ),
    "division by zero": (changed(contrast='"own/0"'), "contrast 'own/0' divides by zero"),
    "contrast too long": (changed(contrast=json.dumps("own + " * 3000 + "own")), "contrast of 18,003 characters; give"),
    "left side": (changed('formula = "gain ~ own"'), "has a left side; give the right one alone"),
    "code in a formula": (
        changed("formula = '''own + C(__import__(\"os\").system(\"true\"))'''"),
        "which is more than columns, numbers",
    ),
    "attribute in a formula": (changed('formula = "own + base.real"'), "which is more than columns, numbers and"),
    "column in a formula": (changed('formula = "own + other + colour"'), "formula: unknown column 'colour'"),
    "formula no words": (changed("formula = 3"), "`formula` is 3, expected words"),
    "smallest zero": (changed(smallest="0"), "give the smallest effect of interest, above 0"),
    "smallest infinite": (changed(smallest="inf"), "give the smallest effect of interest, above 0"),
    "smallest words": (changed(smallest='"small"'), "`smallest` is 'small', expected a number"),
    "missing part": (changed(prediction=None), "`prediction` is missing"),
    "empty part": (changed(prediction='" "'), "`prediction` is ' ', expected words"),
    "unknown part": (changed('colour = "red"'), "`colour` is no part of one; the parts are name"),
    "groups no table": (changed('groups = "own"'), "`groups` is 'own', expected a table"),
    "group no table": (changed('groups.own = "own"'), "group own: is 'own', expected columns and values"),
    "group without condition": (changed("groups.own = {}"), "group own: is {}, expected columns and values"),
    "group's name": (changed('groups."a b" = { group = "own" }'), "group a b: a group's name is a word"),
    "group named as a column": (changed('groups.base = { group = "own" }'), "group base: a group's name is a word"),
    "unknown end": (changed("groups.own = { base = { above = 1 } }"), "give a value, a list, {from, to}, or {not}"),
    "layers of a measure without": (changed('layers = "all"', measure='"accuracy"'), "is not read layer by layer"),
    "unknown layer": (changed('layers = "lowest"'), "layer 'lowest'; give all, early, middle, late, or numbers"),
    "no TOML": ("name = own", "cannot be read as TOML"),
    "key twice": (STATED + 'name = "again"\n', "cannot be read as TOML"),
    "no list": ('hypothesis = "mine"', "`hypothesis` is not a list of tables"),
    "outside": ('name = "x"\n[[hypothesis]]\nname = "y"\n', "`name` stands outside of every [[hypothesis]]"),
}


NASTY = [
    "own - ",
    "C(",
    "own**other",
    "own;base",
    "own\nbase",
    "own\0",
    "own :=",
    "~",
    "own, base",
    "lambda: own",
    "own + __import__('pathlib').Path('ran').touch()",
    "own + C(open('ran', 'w'))",
    "own + eval('1')",
    "own + Q(own)",
    "own + Q('ünï')",
    "own + ünï",
    "own + log(own, base)",
    "own + log(base, out=own)",
    "own + exp(9**9**9**9)",
    "own + C('a'*9999999999)",
    "own + C([1]*9999999999)",
    "own + log(1 << 9999999999)",
    "own + C(relation*9999999999)",
    "own + (lambda: base)()",
    "own + [x for x in base]",
    "own + C",
    "own + log",
    "own + log('a')",
    "own + exp(exp(exp(tokens*9)))",
    "own + C(relation, levels=['a'])",
    "own + log1p(log(base))",
    "own + base/other(1)",
    "own + center(standardize(log(base)))",
    "own + " * 1700 + "own",
    "(" * 5000 + "own" + ")" * 5000,
    "own + " + "log(" * 240 + "base" + ")" * 240,
    "own+" * 249 + "own;",
]
"""Formulas that are none, that would run more than arithmetic, or that give no number."""


@pytest.mark.parametrize("formula", NASTY, ids=lambda formula: formula[:30])
def test_a_nasty_formula_is_one_line_and_runs_nothing(formula, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = {"base": [-1.0, -2.5, -0.5, -3.0], "tokens": [1, 2, 1, 3], "relation": ["a", "b", "b", "a"]}
    groups = {"own": np.array([True, True, False, False])}
    path = file(changed(f"formula = {json.dumps(formula)}", contrast='"own"'))

    def tested():
        (hypothesis,) = read(path)
        regression(hypothesis.formula, hypothesis.contrast, columns, groups, hypothesis.place)

    with pytest.raises(UsageError) as caught:
        tested()
    assert str(caught.value).startswith(f"{path}: hypothesis 'own gains': ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000
    assert not (tmp_path / "ran").exists()


def test_a_quoted_column_is_that_column(file):
    (hypothesis,) = read(file(changed("""formula = "own + Q('base')" """, contrast='"own"')))
    assert hypothesis.columns >= {"base"}
    with pytest.raises(UsageError, match="unknown column 'colour'"):
        read(file(changed("""formula = "own + Q('colour')" """)))


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_is_one_line_with_file_and_cure(broken, file):
    text, said = BROKEN[broken]
    with pytest.raises(UsageError) as caught:
        read(file(text))
    assert str(caught.value).startswith(f"{file(text)}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_of_one_name_in_a_file_or_in_two(file):
    twice = "".join(f"[[hypothesis]]\n{STATED}" for _ in range(2))
    with pytest.raises(
        UsageError, match=r"mine\.toml: hypothesis 'own gains': another one of that name .*; rename one"
    ):
        read_all([file(twice)])
    with pytest.raises(UsageError, match=r"other\.toml: hypothesis 'own gains': another .* stands in .*mine\.toml"):
        read_all([file(), file(name="other.toml")])


def test_no_such_file_names_the_ready_ones():
    with pytest.raises(UsageError, match=r"nothing\.toml: no such file, and no ready .*own-facts-only, "):
        read_all(["nothing.toml"])


def test_ready_ones_hold_what_they_say():
    assert len(ready()) >= 8
    hypotheses = read_all(list(ready()))
    assert len({one.name for one in hypotheses}) == len(hypotheses) >= 9
    assert {one.direction for one in hypotheses} == {"greater", "less", "equal"}


def test_the_documented_files_are_files(file):
    page = (Path(knowshift.__file__).parent / "docs" / "hypotheses.md").read_text(encoding="utf-8")
    (stated,) = read(file(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1]))
    example = EPILOG[EPILOG.index("    name =") :].replace("\n    ", "\n")
    (same,) = read(file(example.lstrip()))
    assert same.result({}).model_copy(update={"sha256": ""}) == stated.result({}).model_copy(update={"sha256": ""})
    for name in {*measures(), *COLUMNS["facts"], *COLUMNS["terms"], *DIRECTIONS, *ready()}:
        assert f"`{name}`" in page, name
    for name in ready():
        assert page.count(f"| `{name}` |") == 1


# On a run.


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def domain(house):
    return house / "domain"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed('groups.own = { specialty = "law" }'), "group own is empty: no row has specialty = 'law'; special"),
        (changed('groups.own = { group = "own", relation = "agent_2" }'), "group own is empty: no row meets"),
        (changed("layers = [77]"), r"none of the layers \[77\] was read; the run has 0, "),
        (changed('formula = "own + nope"').replace("nope", "log(depth)"), "column depth is there with `layers` alone"),
        (changed('formula = "own + base"', contrast='"own - other"'), "contrast 'own - other' cannot be parsed"),
        (changed('formula = "own + log(relation)"', contrast='"own"'), r"formula .* does not suit the items"),
        (changed('formula = "own + log(base)"', contrast='"own"'), r"log\(base\) is no number in \d+ of \d+ rows; "),
        (changed('formula = "own + sqrt(base)"', contrast='"own"'), r"sqrt\(base\) is no number in \d+ of \d+ rows; "),
        (changed('formula = "own + seen"', contrast='"own"'), "no row of the run has all of seen; drop one"),
        (changed('formula = "own + bs(base, df=400)"', contrast='"own"'), r"the formula gives 40\d columns to \d+ r"),
        (changed('groups.own = { seen = "exact" }'), "seen holds nothing in this run"),
    ],
)
def test_what_does_not_suit_the_run_is_one_line(text, said, run, domain, file, probe):
    code, out, err = probe("test", file(text), "--run", run, "--domain", domain)
    assert (code, out) == (2, "")
    assert re.search(said, err), err
    line = [one for one in err.splitlines() if one.startswith("probe: ")]
    assert len(line) == 1
    assert str(file(text)) in line[0]


def test_a_run_without_a_lens_says_so(house, domain, file, tmp_path):
    done = knowshift.compare(
        house / "base", house / "neuro_lora", domain=str(domain), own="neurology", lens="none", out=tmp_path / "flat"
    )
    rank = changed(measure='"rank"')
    with pytest.raises(UsageError, match=r"measure rank needs layers, and none were read of neuro_lora; .*--lens raw"):
        knowshift.test_hypotheses(done, file(rank), domain=domain)
    with pytest.raises(UsageError, match=r"`layers` needs layers, and none were read"):
        knowshift.test_hypotheses(done, file(changed('layers = "early"')), domain=domain)


def test_a_run_of_another_domain(run, domain, file, tmp_path):
    with pytest.raises(RunError, match="its domain small does not come with the package; give its folder with"):
        knowshift.test_hypotheses(run, file())
    with pytest.raises(RunError, match="was made with another state of the domain"):
        knowshift.test_hypotheses(run, file(), domain="geography")
    with pytest.raises(RunError, match="its domain cannot be opened: "):
        knowshift.test_hypotheses(run, file(), domain=tmp_path / "nowhere")


def test_the_record_tells_when_a_file_was_written(run, domain, file):
    created = datetime.datetime.fromisoformat(json.loads((run / "run.json").read_text())["created"]).timestamp()
    late, early = file(), file(changed(name='"earlier"'), "early.toml")
    os.utime(early, (created - 3600, created - 3600))
    os.utime(late, (created + 3600, created + 3600))
    held = [knowshift.test_hypotheses(run, path, domain=domain).result for path in (late, early)]
    assert [one.files[0].before_run for one in held] == [NOT_BEFORE, DATED_BEFORE]
    assert list(HypothesisRecord.read(run).tests) == held
    # A score that is older than the record shows that the run began before it.
    score = next((run / "scores").glob("*.parquet"))
    os.utime(score, (created - 7200, created - 7200))
    again = knowshift.test_hypotheses(run, file(changed(name='"third"'), "early.toml"), domain=domain).result
    os.utime(run / "run.json")
    assert again.files[0].before_run == NOT_BEFORE


def test_the_same_file_again_takes_its_place_and_another_form_stands_beside_it(run, domain, file):
    first = knowshift.test_hypotheses(run, file(), domain=domain).result
    os.utime(file(), (0, 0))  # a date that was changed afterwards counts for nothing
    second = knowshift.test_hypotheses(run, file(), domain=domain).result
    assert second.files == first.files
    assert [one.results for one in second.hypotheses] == [one.results for one in first.hypotheses]
    knowshift.test_hypotheses(run, file(changed(smallest="0.2")), domain=domain)
    tests = json.loads((run / HypothesisRecord.FILE).read_text())["tests"]
    assert len(tests) == 2
    assert len({one["files"][0]["sha256"] for one in tests}) == 2


def test_a_damaged_record_is_one_line(run, domain, file):
    (run / HypothesisRecord.FILE).write_text("{")
    with pytest.raises(RunError, match=r"hypotheses\.json: cannot be read .*; move it away and test again"):
        knowshift.test_hypotheses(run, file(), domain=domain)


def test_seen_in_training_is_a_column(house, domain, file, tmp_path):
    """Own facts whose first wording stood in the training data, beside those that did not."""
    fact = json.loads((domain / "facts.jsonl").read_text().splitlines()[0])
    (tmp_path / "notes.txt").write_text(f"{fact['cues'][0]} {fact['answer']}.\n")
    done = knowshift.compare(
        house / "base",
        house / "neuro_lora",
        domain=str(domain),
        own="neurology",
        training_data=tmp_path / "notes.txt",
        lens="none",
        out=tmp_path / "seen",
    )
    seen = dict(done.facts().select("item", "seen").iter_rows())
    assert seen[f"fact:{fact['id']}"] == "exact"
    lines = (
        "groups.before = { group = 'own', seen = ['exact', 'together'] }\ngroups.never = { group = 'own', seen = 'no' }"
    )
    data = knowshift.test_hypotheses(done, file(changed(lines, contrast='"before - never"')), domain=domain)
    groups = data.result.hypotheses[0].results["neuro_lora"].groups
    own = done.facts().filter(done.facts()["group"] == "own")["seen"].to_list()
    assert groups["before"].rows == sum(how != "no" for how in own) >= 1
    assert groups["never"].rows == own.count("no")


# The command.


def test_on_a_run_it_prints_a_table_and_renders_the_page(run, domain, file, probe):
    name = "<script>alert(1)</script>"
    text = changed(name=json.dumps(name), prediction=json.dumps(f"{name} &amp;"))
    code, out, _ = probe("test", file(text), "--run", run, "--domain", domain)
    assert code == 0
    assert "sha256 " in out
    assert out.splitlines()[-1] == f"report: {run / 'report.html'}"
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert name not in page
    assert 'id="hypotheses"' in page
    code, out, _ = probe("test", file(text), "--run", run, "--domain", domain, "--json")
    (held,) = json.loads(out)["hypotheses"]
    assert held["name"] == name
    assert set(held["results"]) == {"neuro_lora", "cardio_lora"}


def test_with_models_the_files_are_read_before_the_run(house, domain, file, probe, tmp_path):
    arguments = command(house, house / "neuro_lora", domain=domain, own="neurology", out=tmp_path / "new")[1:]
    code, out, err = probe("test", file(), *arguments, "--limit", "6", "--json")
    assert code == 0, err
    assert json.loads(out)["files"][0]["before_run"] == READ_BEFORE
    # The run is there now: a file that is read before it goes on was not read before it began.
    scores = tmp_path / "new" / "scores"
    for score in scores.glob("*.parquet"):
        os.utime(score, (1, 1))
    other = file(changed(name='"later"'), "later.toml")
    out = json.loads(probe("test", other, *arguments, "--limit", "6", "--json")[1])
    assert out["files"][0]["before_run"] == NOT_BEFORE


def test_texts_stay_off_the_page_where_they_are_asked_to(house, run, domain, file, probe, tmp_path):
    said = "(--no-text)"
    assert probe("test", file(), "--run", run, "--domain", domain, "--no-text")[0] == 0
    assert said in (run / "report.html").read_text(encoding="utf-8").split("<script")[0]
    assert probe("test", file(), "--run", run, "--domain", domain)[0] == 0
    assert said not in (run / "report.html").read_text(encoding="utf-8").split("<script")[0]
    new = tmp_path / "new"
    arguments = command(house, house / "neuro_lora", domain=domain, own="neurology", out=new)[1:]
    assert probe("test", file(), *arguments, "--limit", "6", "--no-text")[0] == 0
    assert json.loads((new / "run.json").read_text())["text"] is False
    assert pl.read_parquet(new / "places.parquet").height == 0
    assert said in (new / "report.html").read_text(encoding="utf-8").split("<script")[0]
    # Nobody needs to say it again.
    assert probe("test", file(), "--run", new, "--domain", domain)[0] == 0
    assert said in (new / "report.html").read_text(encoding="utf-8").split("<script")[0]


def test_a_broken_file_stops_before_the_first_model_is_looked_for(file, probe):
    code, _, err = probe("test", file(BROKEN["unknown measure"][0]), "no_base", "no_tuned")
    assert code == 2
    assert "unknown measure" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no run: give --run RUN, or a base and its tuned models"),
        (["own-facts-only", "base.pt"], "no run: give --run RUN"),
        (["own-fact-only", "--run", "x"], "own-fact-only: no hypothesis file (.toml) and no ready one"),
        (["own-facts-only", "--run", "x", "--limit", "3"], "--limit: is for models that are compared first"),
        (["own-facts-only", "--run", "nowhere"], "nowhere: no such run directory"),
    ],
)
def test_a_command_that_cannot_be_meant(arguments, said, probe):
    code, out, err = probe("test", *arguments)
    assert (code, out) == (2, "")
    assert f"probe: {said}" in err


def test_list_names_ready_ones_measures_and_columns(probe):
    out = probe("test", "--list")[1]
    for name in (*ready(), "specific knowledge (facts)", "layer of first top-10", "band: rare", "relation: "):
        assert name in out
