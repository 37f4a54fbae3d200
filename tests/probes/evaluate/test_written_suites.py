"""Suites of written answers end to end on random models, and every suite on real ones where the materials are."""

import json
import os
from pathlib import Path

import pytest
from evaluation import WORDS, write_clue, write_longhealth
from house import write_domain
from knowshift.errors import UsageError
from knowshift.probes.evaluate.evaluate import evaluate
from knowshift.probes.evaluate.harness import load_tasks
from knowshift.probes.results.evaluation import QuestionCount
from knowshift.probes.results.suite_parts import CluePart, SmedqaPart
from knowshift.showcase import lay_down

pytestmark = pytest.mark.slow

MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")
needs_materials = pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")


def test_clue_in_the_credentialed_formats(models, tmp_path):
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="clue",
        data=write_clue(tmp_path / "data", 4),
        out=tmp_path / "run",
        batch_size=16,
    )
    assert not done.result.not_run
    counts = done.result.counts
    assert {name: each.left_out for name, each in counts.items()} == dict.fromkeys(counts, 0)
    assert len(counts) == 8
    assert {row.task for row in done.result.scores} == set(counts)
    # Without --bertscore and --vocabulary the published levels are not theirs.
    level = done.result.part(CluePart).levels["base"].published["L1"]
    assert level.value is None
    assert level.missing == ("meqsum BERTScore", "problem_summary BERTScore", "problem_summary UMLS F1")


def test_hallucination_on_longhealth_and_on_own_documents(models, tmp_path):
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="hallucination",
        out=tmp_path / "lh",
        data=write_longhealth(tmp_path / "benchmark_v5.json", 2, 1),
    )
    assert done.result.estimates()["base", "hallucination.task3", "false answers", ""].n == 2  # patients
    records = [
        {
            "id": name,
            "text": f"{name} has {word}.",
            "questions": [
                {"question": "What?", "answer": word},
                {"question": "Which?", "options": WORDS[:4], "answer": word},
            ],
        }
        for name, word in (("Ann", "fever"), ("Bob", "cough"), ("Cy", "rash"))
    ]
    (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, records)))
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="hallucination",
        out=tmp_path / "own",
        data=tmp_path / "docs.jsonl",
    )
    tasks = {row.task for row in done.result.scores}
    assert tasks == {
        f"hallucination.{kind}.{side}" for kind in ("choice", "free") for side in ("answered", "unanswered")
    }


def test_forgetting_with_a_task_of_the_harness(models, tmp_path):
    (tmp_path / "docs.json").write_text(json.dumps([{"q": "1 + 1 =", "a": str(n % 3)} for n in range(9)]))
    (tmp_path / "own_task.yaml").write_text(
        f"task: own_task\ndataset_path: json\ndataset_kwargs:\n  data_files: {{test: {tmp_path / 'docs.json'}}}\n"
        "test_split: test\noutput_type: multiple_choice\ndoc_to_text: '{{q}}'\ndoc_to_choice: ['0', '1', '2']\n"
        "doc_to_target: '{{a}}'\nmetric_list:\n  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n"
    )
    (tmp_path / "text.txt").write_text("The river was high.\n\nThe old town was dark.")
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="forgetting",
        limit=4,
        out=tmp_path / "run",
        tasks=[str(tmp_path / "own_task.yaml")],
        data=f"text={tmp_path / 'text.txt'}",
        batch_size=16,
        domain=write_domain(tmp_path / "domain"),
    )
    found = done.result.estimates()
    assert found["base", "task.own_task", "acc", ""].n == 4
    assert done.result.counts["task.own_task"] == QuestionCount(asked=4, left_out=0)
    # A loss of the one must not cancel a gain of the other, in outcomes, page or terminal.
    for label in ("general", "domain"):
        assert found["base", f"forgetting.facts.{label}", "accuracy", ""].n == 4
    assert found["base", "forgetting.text.domain", "bits per byte", ""].n == 4
    bits = found["base", "forgetting.text.general", "bits per byte", ""]
    assert (bits.n, bits.unit) == (2, "bits/byte")
    assert bits.value > 1
    assert {row.task for row in done.result.pairs} == {
        "forgetting.facts.general",
        "forgetting.facts.domain",
        "forgetting.text.general",
        "forgetting.text.domain",
        "forgetting.instructions",
        "task.own_task",
    }
    assert found["base", "forgetting.instructions", "followed", ""].n <= 4


def test_a_task_that_the_harness_has_not_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without files of its own a task's data are looked for in all of this folder
    with pytest.raises(UsageError, match="no task of that name"):
        load_tasks(["no_such_task"])
    (tmp_path / "own.yaml").write_text("task: own\ndataset_path: json\ntest_split: test\n")
    with pytest.raises(UsageError, match="cannot be loaded") as raised:
        load_tasks([str(tmp_path / "own.yaml")])
    assert "\n" not in str(raised.value)


@needs_materials
@pytest.mark.parametrize("suite", ["smedqa", "clue", "hallucination", "forgetting", "cases"])
def test_real_models_run_every_suite(tmp_path, suite):
    base = Path(MATERIALS) / "models" / "stories260k"
    tuned = [Path(MATERIALS) / "adapters" / name for name in ("cardiovascular_pulmonary", "gastroenterology")]
    clue = write_clue(tmp_path / "clue")
    smedqa_file = Path(MATERIALS) / "smedqa" / "S-MedQA_validation.json"
    data = {
        "smedqa": smedqa_file,
        "cases": smedqa_file,
        "clue": [f"meqsum={Path(MATERIALS) / 'clue' / 'MeQSum.xlsx'}", f"mednli={clue}/mednli.jsonl"],
        "hallucination": write_longhealth(tmp_path / "benchmark_v5.json"),
        "forgetting": (),
    }
    methods = {} if suite == "smedqa" else {"methods": ["letter"]}
    done = evaluate(
        base,
        tuned,
        suite=suite,
        data=data[suite],
        limit=3,
        out=tmp_path / "run",
        batch_size=16,
        own=["gastroenterology=gastroenterology", "cardiovascular_pulmonary=none"],
        **methods,
    )
    assert done.result.pairs
    assert {row.model for row in done.result.scores} == {
        "stories260k",
        "cardiovascular_pulmonary",
        "gastroenterology",
    }


@pytest.mark.parametrize("suite", ["smedqa", "clue", "hallucination", "forgetting", "cases"])
def test_the_demos_models_run_every_suite(tmp_path, suite):
    lay_down(tmp_path / "demo")
    base, tuned = (tmp_path / "demo" / name for name in ("base.pt", "neuro_lora"))
    cases = [
        {"question": "The sign?", "options": WORDS[:4], "answer": n % 4, "specialty": "neurology"} for n in range(6)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    data = {
        "smedqa": tmp_path / "cases.jsonl",
        "cases": tmp_path / "cases.jsonl",
        "clue": write_clue(tmp_path / "clue", 2),
        "hallucination": write_longhealth(tmp_path / "benchmark_v5.json", 1),
        "forgetting": (),
    }
    done = evaluate(
        base,
        tuned,
        suite=suite,
        data=data[suite],
        limit=6,
        methods=["letter", "text"],
        batch_size=16,
        out=tmp_path / "run",
    )
    assert {row.model for row in done.result.scores} == {"base", "neuro_lora"}
    assert sum(count.asked for count in done.result.counts.values()) > 0
    if suite == "smedqa":
        assert done.result.part(SmedqaPart).own == {"neuro_lora": "neurology"}
        assert done.result.estimates()["base", "smedqa.letter", "accuracy", "neurology"].n == 6
