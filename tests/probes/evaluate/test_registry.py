"""Suites by name: those of this package, and one that another package brings by entry points."""

import json
from pathlib import Path

import knowshift
import pytest
from knowshift.errors import RunError, UsageError
from knowshift.probes.evaluate.evaluate import evaluate
from knowshift.probes.evaluate.registry import all_suites, find_suite
from knowshift.probes.evaluate.request import read_request
from knowshift.probes.evaluate.suite_names import built_in_names, suite_names
from knowshift.probes.results.suite_parts import CasesPart
from knowshift.reports.page import render

ECHO = """
import json
from dataclasses import dataclass
from typing import Annotated

from knowshift.options import Option
from knowshift.probes.evaluate.data import DataRules
from knowshift.probes.evaluate.prompt_task import PromptTask
from knowshift.probes.evaluate.suite import Suite, SuitePlan
from knowshift.probes.evaluate.values import Value
from knowshift.probes.results.base import ResultModel
from knowshift.reports.markup import table
from knowshift.reports.suite_registry import SuiteExtras


@dataclass(frozen=True, kw_only=True)
class Options:
    shout: Annotated[int, Option("echo: how loud.", ("evaluate",), minimum=1)] = 1


class Part(ResultModel):
    loudness: int


DATA = DataRules("JSON lines of words")


def plan(inputs):
    words = [json.loads(line)["word"] for line in DATA.require("echo", inputs.settings.given).read_text().splitlines()]
    docs = [{"id": word, "question": word, "word": word, "target": ""} for word in words]
    task = PromptTask("echo.words", "answer", tuple(docs), "Say {{ word }}:", until=("\\n",), max_tokens=4)

    def values(answers):
        rows = answers["echo.words"].to_pylist()
        return [Value("echo.words", "accuracy", row["id"], float(row["id"] in row["answer"])) for row in rows]

    return SuitePlan([task], values, lambda answers, values: Part(loudness=inputs.options.shout))


SUITE = Suite("echo", "does a model say what it is told?", DATA, plan, Options, Part)
OTHER = Suite("other", "", DATA, plan)


def render(evaluation):
    return SuiteExtras(table(["", "of the echo"], [["loudness", evaluation.part(Part).loudness]], "Loudness"))


@dataclass(frozen=True, kw_only=True)
class Quorum:
    quorum: Annotated[int, Option("Mine.", ("evaluate",))] = 7


CONFLICT = Suite("echo", "", DATA, plan, Quorum)
NUMBER = 3
"""
POINTS = "[knowshift.suites]\necho = strange:{}\n[knowshift.suite_pages]\necho = strange:{}\n"


@pytest.fixture
def echo(strange, tmp_path):
    """Installs the suite, and lays down its data."""

    def install(suite="SUITE", page="render"):
        strange(ECHO, POINTS.format(suite, page))
        (tmp_path / "words.jsonl").write_text("\n".join(json.dumps({"word": word}) for word in ("fever", "cough")))
        return tmp_path / "words.jsonl"

    return install


def test_the_suites_of_this_package_are_its_modules():
    assert suite_names() == built_in_names() == ["cases", "clue", "forgetting", "hallucination", "smedqa"]
    assert [suite.name for suite in all_suites()] == suite_names()


def test_the_documentation_has_a_chapter_for_each_suite():
    page = (Path(knowshift.__file__).parent / "docs" / "evaluate.md").read_text(encoding="utf-8")
    chapters = [line.split("`")[1] for line in page.splitlines() if line.startswith("## `")]
    assert sorted(chapters) == built_in_names()


def test_a_suite_of_another_package_is_offered_with_its_options(echo, probe):
    echo()
    _, out, _ = probe("evaluate", "--help")
    text = " ".join(out.split())
    assert "cases, clue, forgetting, hallucination, smedqa, echo; see docs/evaluate.md" in text
    assert "echo: does a model say what it is told?" in text
    assert "--shout <int> echo: how loud. [default: 1]" in text


def test_without_another_package_its_options_are_not_there(probe):
    _, out, _ = probe("evaluate", "--help")
    assert "echo" not in out
    assert "--quorum" in out
    code, _, err = probe("evaluate", "base", "tuned", "--shout", "2")
    assert (code, err.count("\n")) == (2, 1)
    assert "No such option: --shout" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--suite", "echo"], "--suite echo: no data; give --data FILE, JSON lines of words"),
        (["--suite", "echo", "--data", "x={data}"], "--data x={data}: echo has no task x; give a path alone"),
        (["--suite", "echo", "--data", "{data}", "--data", "y"], "--data y: echo reads one path, and {data} is given"),
        (["--suite", "echo", "--data", "{data}", "--shout", "0"], "--shout 0: too small; give a whole number"),
        (["--data", "{data}", "--shout", "2"], "--shout 2: is asked with --suite echo, not smedqa"),
        (
            ["--suite", "echo", "--data", "{data}", "--quorum", "2"],
            "--quorum 2: is asked with --suite smedqa",
        ),
        (["--suite", "glue"], "--suite glue: no such suite; give cases, clue, forgetting, hallucination, smedqa, echo"),
    ],
)
def test_its_rules_are_spoken(echo, models, probe, tmp_path, arguments, says):
    data = echo()
    given = [argument.format(data=data) for argument in arguments]
    code, out, err = probe("evaluate", models / "base", models / "neuro_lora", *given, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.startswith(f"probe: {says.format(data=data)}")
    assert err.count("\n") == 1


def test_what_it_adds_is_in_the_result_and_on_the_page(echo, models, probe, tmp_path):
    arguments = ("--suite", "echo", "--data", echo(), "--shout", "4")
    code, out, err = probe("evaluate", models / "base", models / "neuro_lora", *arguments, "--out", tmp_path / "run")
    assert code == 0, err
    assert "echo.words" in out
    data = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert (data["suite"], data["more"], data["options"]["shout"]) == ("echo", {"loudness": 4}, 4)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "echo.words: accuracy" in page
    assert "<caption>Loudness</caption>" in page


def test_a_suite_without_a_page_has_the_tables_of_all(strange, models, tmp_path):
    strange(ECHO, "[knowshift.suites]\necho = strange:SUITE\n")
    (tmp_path / "words.jsonl").write_text('{"word": "fever"}')
    options = {"suite": "echo", "data": tmp_path / "words.jsonl", "out": tmp_path / "run"}
    done = evaluate(models / "base", models / "neuro_lora", **options)
    page = render(done.run).read_text(encoding="utf-8")
    assert "echo.words: accuracy" in page
    assert "Loudness" not in page


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("NUMBER", "expected a Suite, found int"),
        ("OTHER", "is called other, and registered as echo"),
        ("CONFLICT", "--quorum: two settings classes declare it differently"),
        ("NOTHING", "no attribute 'NOTHING'"),
    ],
)
def test_a_broken_suite_is_one_line_and_others_go_on(echo, target, why):
    data = echo(target)
    with pytest.raises(UsageError, match=rf"^suite echo: cannot be loaded from strange:{target} .*{why}") as raised:
        find_suite("echo")
    assert "\n" not in str(raised.value)
    assert read_request({"suite": "cases", "data": data}).suite.part is CasesPart


@pytest.mark.parametrize(("page", "why"), [("NUMBER", "'int' object is not callable"), ("plan", "has no attribute")])
def test_a_broken_page_is_one_line(echo, models, tmp_path, page, why):
    options = {"suite": "echo", "data": echo(page=page), "out": tmp_path / "run"}
    done = evaluate(models / "base", models / "neuro_lora", **options)
    with pytest.raises(RunError, match=rf"^page of suite echo: cannot be loaded from strange:{page} .*{why}"):
        render(done.run)


def test_this_packages_names_win(strange):
    strange(ECHO, "[knowshift.suites]\ncases = strange:NUMBER\n")
    assert find_suite("cases").part is CasesPart
    assert suite_names() == built_in_names()
