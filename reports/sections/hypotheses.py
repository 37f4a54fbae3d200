"""Section: hypotheses from files, as `probe test` left them in the run; and when those files were written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ...probes.results.hypotheses import (
    HypothesisRecord,
    HypothesisResult,
    HypothesisTestResult,
    ModelOutcome,
    Outcome,
)
from ..inert import inert_model
from ..markup import badge, details, join, p_value, table, value
from ..registry import Section, section
from ..run_view import RunView

TONE: dict[Outcome, str] = {"supported": "yes", "refuted": "no", "cannot tell": "unclear"}
SIGNS = {"greater": "above 0", "less": "below 0", "differs": "not 0", "equal": "within the smallest effect of 0"}


@section(order=95, title="Hypotheses", anchor="hypotheses")
def hypotheses(run: RunView) -> Section:
    tests = _read(run)
    if not tests:
        return Section(
            Markup('<p class="none">None was tested on this run: probe test FILE --run {}</p>').format(run.path.name),
            "",
        )
    # The last form of each, and in how many forms it was tried.
    last = {hypothesis.name: (test, hypothesis) for test in tests for hypothesis in test.hypotheses}
    forms = Counter(name for name, _ in {(one.name, one.sha256) for test in tests for one in test.hypotheses})
    return Section(
        join(_hypothesis(test, hypothesis, forms[name]) for name, (test, hypothesis) in last.items()),
        "Each was stated in a file, with the smallest effect that matters; one rule at .05, corrected over the file's "
        "hypotheses and the models, says supported, refuted or cannot tell. Power is for that smallest effect.",
    )


def _read(run: RunView) -> Sequence[HypothesisTestResult]:
    if not (run.path / HypothesisRecord.FILE).is_file():
        return ()
    return inert_model(HypothesisRecord.read(run.path)).tests


def _hypothesis(test: HypothesisTestResult, hypothesis: HypothesisResult, forms: int) -> Markup:
    results = hypothesis.results
    head = ["model", "outcome", "effect", "p", "power", "smallest effect to be seen"]
    again = f" Tried in {forms} forms; this is the last." if forms > 1 else ""
    unit = next((result.effect.unit for result in results.values()), "")
    return Markup("<h3>{}</h3><p>{}{}</p>{}{}").format(
        hypothesis.name,
        hypothesis.prediction,
        again,
        table(head, [[model, *_cells(result)] for model, result in results.items()], f"By model, in {unit}"),
        details("As it was stated, and when", _statement(test, hypothesis)),
    )


def _cells(result: ModelOutcome) -> list[Any]:
    return [
        badge(result.outcome, TONE[result.outcome]),
        value(result.effect),
        p_value(result.p) or "–",
        "–" if result.power is None else f"{result.power:.0%}",
        "–" if result.detectable is None else f"{result.detectable:.2f}",
    ]


def _statement(test: HypothesisTestResult, hypothesis: HypothesisResult) -> Markup:
    groups = [f"{name}: {_condition(condition)}" for name, condition in hypothesis.groups.items()]
    layers = ", ".join(map(str, hypothesis.layers))
    began = f"which began at {test.run_started}"
    files = [file for file in test.files if file.sha256 == hypothesis.sha256]
    rows: list[list[Any]] = [
        ["measure", f"{hypothesis.measure} of {hypothesis.items}"],
        ["contrast", f"{hypothesis.contrast} {SIGNS.get(hypothesis.direction, '')}"],
        ["smallest effect of interest", f"{hypothesis.smallest:g}"],
        ["groups", "; ".join(groups) or "–"],
        ["formula", hypothesis.formula or "–"],
        ["layers", layers or "the model's own output"],
        ["file", f"{hypothesis.file}, SHA-256 {hypothesis.sha256}"],
        *(["written", f"{file.modified}: {file.before_run}, {began}"] for file in files[:1]),
        ["tested", test.tested],
        *([model, result.why] for model, result in hypothesis.results.items()),
    ]
    return table(["part", "as stated"], rows, f"{hypothesis.name}, as stated", css="words")


def _condition(condition: Mapping[str, Any]) -> str:
    return " and ".join(f"{column} = {json.dumps(wanted, ensure_ascii=False)}" for column, wanted in condition.items())
