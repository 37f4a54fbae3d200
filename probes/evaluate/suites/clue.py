"""CLUE (arXiv 2404.04067): six clinical tasks, with its shots, metrics and levels.

Each of the original's defects is mended: answers are greedy and not sampled at temperature 1; each item counts once;
an answer that names several labels has chosen none; the right option is known by its whole text. Shots are drawn from
the data by the seed and not asked themselves. A task whose data are not given is listed as not run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....options import Option
from ...results.evaluation import MissingTask
from ...results.suite_parts import CluePart, ModelLevels
from ..codes import score as score_codes
from ..codes import validity
from ..data import DataRules
from ..levels import level_differences, mended, published_levels, task_metrics
from ..longhealth import TASKS as LONGHEALTH_TASKS
from ..longhealth import longhealth_asks, longhealth_values
from ..parsing import said_label
from ..prompt_task import Doc, PromptTask, prompt
from ..question import Faults
from ..readers.clue import NLI_LABELS, read_docs
from ..readers.longhealth import Patient, read_patients
from ..settings import Settings, pairs_of
from ..suite import Answers, Suite, SuiteInputs, SuitePlan, limited
from ..texts import BertScore, Scores, UmlsF1, rouge
from ..values import Value

NAME = "clue"
SHOTS = {"mednli": 3, "meqsum": 3, "problem_summary": 3, "medisumqa": 1, "medisumcode": 1}
TOKENS = {"mednli": 20, "meqsum": 128, "problem_summary": 512, "medisumqa": 512, "medisumcode": 512}
LINKED = ("problem_summary", "medisumqa")
"""Tasks with UMLS F1."""
WHERE = {
    "mednli": "apply at physionet.org/content/mednli (credentialed), then --data mednli=mli_test_v1.jsonl",
    "meqsum": "github.com/abachaa/MeQSum (open), then --data meqsum=MeQSum.xlsx",
    "problem_summary": "apply at physionet.org/content/bionlp-workshop-2023-task-1a (credentialed), then "
    "--data problem_summary=FILE.csv",
    "longhealth": "github.com/kbressem/LongHealth (open), then --data longhealth=benchmark_v5.json",
    "medisumqa": "apply for MIMIC-IV-Note at physionet.org (credentialed), make MeDiSumQA.json with the scripts of "
    "github.com/TIO-IKIM/CLUE, then --data medisumqa=MeDiSumQA.json",
    "medisumcode": "apply for MIMIC-IV at physionet.org (credentialed), make MeDiSumCode.json with the scripts of "
    "github.com/TIO-IKIM/CLUE, then --data medisumcode=MeDiSumCode.json",
}
DATA = DataRules("a folder of files called as the tasks, or TASK=PATH for each", names=tuple(WHERE), by_name=True)
Metric = Callable[[Sequence[str], Sequence[str]], Scores]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `clue`."""

    vocabulary: Annotated[Path | None, Option("clue: a compiled vocabulary, for UMLS F1.", ("evaluate",))] = None
    bertscore: Annotated[Path | None, Option("clue: folder of BERTScore's model.", ("evaluate",))] = None
    icd10: Annotated[
        Path | None, Option("clue: valid ICD-10 codes, one a line (default: ICD-10-CM).", ("evaluate",))
    ] = None


def plan(inputs: SuiteInputs[Options]) -> SuitePlan:
    """Read the tasks whose data are given, by name or in a folder of files called as the tasks."""
    settings, options, faults = inputs.settings, inputs.options, Faults()
    files = {task: settings.given.path_for(task) for task in WHERE}
    not_run = [
        MissingTask(task=task, why="data missing", where=WHERE[task]) for task, file in files.items() if file is None
    ]
    docs = {
        task: read_docs(task, file, faults, settings.encoding)
        for task, file in files.items()
        if file and task != "longhealth"
    }
    given = {task: _shots(task, held, settings) for task, held in docs.items()}
    asked = {task: limited([doc for doc in docs[task] if doc not in given[task]], settings) for task in docs}
    patients = _patients(files["longhealth"], settings, faults)
    asks = [_ask(task, held, given[task], settings) for task, held in asked.items()]
    if patients:
        asks += longhealth_asks(f"{NAME}.longhealth", patients, LONGHEALTH_TASKS, settings)
    metrics, notes = _metrics(settings, options, list(asked))
    is_valid = validity(options.icd10) if "medisumcode" in asked else None

    def values(answers: Answers) -> list[Value]:
        out: list[Value] = []
        for task, held in asked.items():
            said = {row["id"]: row["answer"] for row in answers[f"{NAME}.{task}"].to_pylist()}
            kept = [doc for doc in held if doc["id"] in said]
            written = [said[doc["id"]] for doc in kept]
            if task == "mednli":
                out += _nli(kept, written)
            elif task == "medisumcode":
                assert is_valid is not None
                for doc, answer in zip(kept, written, strict=True):
                    scores = score_codes(answer, doc["target"].split(", "), is_valid)
                    out += [_value(task, metric, doc, value) for metric, value in scores.items()]
            else:
                out += _texts(task, kept, written, metrics)
        if patients:
            out += longhealth_values(f"{NAME}.longhealth", patients, LONGHEALTH_TASKS, answers)
        return out

    def part(answers: Mapping[str, Answers], values: Mapping[str, Sequence[Value]]) -> CluePart:
        base, *tuned = values
        return CluePart(
            levels={
                model: ModelLevels(
                    published=published_levels(task_metrics(each, NAME)), mended=mended(each, NAME, settings.seed)
                )
                for model, each in values.items()
            },
            level_differences=level_differences(values, pairs_of(base, tuned, settings.pair), NAME, settings.seed),
            shots={task: tuple(str(doc["id"]) for doc in held) for task, held in given.items()},
        )

    return SuitePlan(asks, values, part, faults=faults, not_run=not_run, notes=notes)


def _shots(task: str, docs: Sequence[Doc], settings: Settings) -> list[Doc]:
    """The task's examples; the shortest tenth is drawn from, so that they leave the context to the questions."""
    count = min(SHOTS[task], max(0, len(docs) - 1))
    pool = sorted(docs, key=lambda doc: (len(str(doc)), doc["id"]))[: max(count, len(docs) // 10)]
    return random.Random(f"{settings.seed} {task}").sample(pool, count)


def _ask(task: str, docs: Sequence[Doc], shots: Sequence[Doc], settings: Settings) -> PromptTask:
    # The reference is no part of what is asked.
    asked = tuple({**doc, "target": ""} for doc in docs)
    stop = ("\n",) if task in ("mednli", "meqsum") else ("\n\n",)
    return PromptTask(
        f"{NAME}.{task}",
        "answer",
        asked,
        prompt(task, settings.prompts),
        tuple(shots),
        prompt(f"{task}.system", settings.prompts),
        stop,
        TOKENS[task],
    )


def _patients(file: Path | None, settings: Settings, faults: Faults) -> list[Patient]:
    if file is None:
        return []
    return limit_patients(read_patients(file, faults, settings.encoding), settings)


def limit_patients(patients: Sequence[Patient], settings: Settings) -> list[Patient]:
    """`--limit` of all their questions."""
    kept = {each.question.id for each in limited([q for p in patients for q in p.questions], settings)}
    return [Patient(p.id, p.letters, tuple(each for each in p.questions if each.question.id in kept)) for p in patients]


def _metrics(settings: Settings, options: Options, tasks: Sequence[str]) -> tuple[dict[str, Metric], list[str]]:
    """The metrics of written summaries, and what is missing of them."""
    made: dict[str, Metric] = {"ROUGE": rouge}
    notes = []
    written = [task for task in tasks if task not in ("mednli", "medisumcode")]
    if written and options.bertscore is not None:
        from ....models.placement import Placement

        made["BERTScore"] = score = BertScore(options.bertscore, str(Placement.of(settings.device).device))
        notes.append(score.layer)
    elif written:
        notes.append("BERTScore not computed: give its model's folder with --bertscore (the study's: SciBERT)")
    if any(task in LINKED for task in tasks) and options.vocabulary is not None:
        made["UMLS F1"] = UmlsF1(options.vocabulary)
    elif any(task in LINKED for task in tasks):
        notes.append("UMLS F1 not computed: give a compiled vocabulary with --vocabulary (probe terms vocabulary)")
    return made, notes


def _nli(docs: Sequence[Doc], written: Sequence[str]) -> list[Value]:
    out = []
    for doc, answer in zip(docs, written, strict=True):
        chosen = said_label(answer, NLI_LABELS)
        right = chosen is not None and NLI_LABELS[chosen] == doc["target"]
        out += [_value("mednli", "accuracy", doc, right), _value("mednli", "unparsed", doc, chosen is None)]
    return out


def _texts(task: str, docs: Sequence[Doc], written: Sequence[str], metrics: Mapping[str, Metric]) -> list[Value]:
    references = [doc["target"] for doc in docs]
    out = [_value(task, "unparsed", doc, not answer.strip()) for doc, answer in zip(docs, written, strict=True)]
    for name, metric in metrics.items():
        if name == "UMLS F1" and task not in LINKED:
            continue
        for label, numbers in metric(written, references).items():
            out += [
                _value(task, label, doc, number)
                for doc, number in zip(docs, numbers, strict=True)
                if number is not None
            ]
    return out


def _value(task: str, metric: str, doc: Doc, value: float) -> Value:
    return Value(f"{NAME}.{task}", metric, doc["question"], float(value), (), doc["question"])


SUITE: Suite[Options] = Suite(NAME, "six clinical tasks and their levels", DATA, plan, Options, CluePart)
