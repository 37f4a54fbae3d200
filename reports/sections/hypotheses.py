"""Section: hypotheses from files, as `probe test` left them in the run; and when those files were written."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from markupsafe import Markup

from ...errors import RunError
from ..inert import inert
from ..markup import badge, details, join, p_value, table, value
from ..numbers import AGAIN, Number, finite, need
from ..registry import Section, section
from ..run_view import RunView, read_json

FILE = "hypotheses.json"
SCHEMA = 1
TONE = {"supported": "yes", "refuted": "no", "cannot tell": "unclear"}
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
    last = {one["name"]: (test, one) for test in tests for one in test["hypotheses"]}
    forms = Counter(name for name, _ in {(one["name"], one["sha256"]) for test in tests for one in test["hypotheses"]})
    return Section(
        join(_one(test, one, forms[name]) for name, (test, one) in last.items()),
        "Each was stated in a file, with the smallest effect that matters; one rule at .05, corrected over the file's "
        "hypotheses and the models, says supported, refuted or cannot tell. Power is for that smallest effect.",
    )


def _read(run: RunView) -> list[dict[str, Any]]:
    path = run.path / FILE
    if not path.is_file():
        return []
    data = inert(read_json(path, "test again", "test again", SCHEMA))
    tests: list[dict[str, Any]] = need(data, "tests", list, str(path))
    for test in tests:
        for key in ("files", "hypotheses"):
            need(test, key, list, f"{path}: a test")
        for one in test["hypotheses"]:
            for key, kind in (("name", str), ("sha256", str), ("results", dict)):
                need(one, key, kind, f"{path}: a hypothesis")
    return tests


def _one(test: dict[str, Any], one: dict[str, Any], forms: int) -> Markup:
    rows = [[model, *_cells(result, f"{FILE}: {one['name']}.{model}")] for model, result in one["results"].items()]
    head = ["model", "outcome", "effect", "p", "power", "smallest effect to be seen"]
    again = f" Tried in {forms} forms; this is the last." if forms > 1 else ""
    unit = next(((result.get("effect") or {}).get("unit") for result in one["results"].values()), "")
    return Markup("<h3>{}</h3><p>{}{}</p>{}{}").format(
        one["name"],
        one.get("prediction", ""),
        again,
        table(head, rows, f"By model, in {unit}"),
        details("As it was stated, and when", _stated(test, one)),
    )


def _cells(result: dict[str, Any], where: str) -> list[Any]:
    outcome = str(result.get("outcome", ""))
    power, seen = (finite(result.get(key), f"{where}.{key}") for key in ("power", "detectable"))
    effect = Number.read(result.get("effect"), f"{where}.effect")
    return [
        badge(outcome, TONE.get(outcome, "unclear")),
        value(effect),
        p_value(finite(result.get("p"), f"{where}.p")) or "–",
        "–" if power is None else f"{power:.0%}",
        "–" if seen is None else f"{seen:.2f}",
    ]


def _stated(test: dict[str, Any], one: dict[str, Any]) -> Markup:
    groups = [f"{name}: {_condition(condition)}" for name, condition in (one.get("groups") or {}).items()]
    file: Any = next((file for file in test["files"] if file.get("sha256") == one["sha256"]), {})
    if not isinstance(file, dict):
        raise RunError(f"{FILE}: a file of a test is no table; {AGAIN}")
    contrast = f"{one.get('contrast')} {SIGNS.get(str(one.get('direction')), '')}"
    rows: list[list[Any]] = [
        ["measure", f"{one.get('measure')} of {one.get('items')}"],
        ["contrast", contrast],
        ["smallest effect of interest", one.get("smallest")],
        ["groups", "; ".join(groups) or "–"],
        ["formula", one.get("formula") or "–"],
        ["layers", ", ".join(map(str, one.get("layers") or [])) or "the model's own output"],
        ["file", f"{file.get('file')}, SHA-256 {one['sha256']}"],
        ["written", f"{file.get('modified')}: {file.get('before_run')}, which began at {test.get('run_started')}"],
        ["tested", test.get("tested")],
        *([model, result.get("why", "")] for model, result in one["results"].items()),
    ]
    return table(["part", "as stated"], rows, f"{one['name']}, as stated", css="words")


def _condition(condition: Any) -> str:
    parts = condition.items() if isinstance(condition, dict) else []
    return " and ".join(f"{column} = {json.dumps(wanted, ensure_ascii=False)}" for column, wanted in parts)
