"""Section: the ladder as a waterfall, from facts and from running text; drawn by ladder.js."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ..figures import RUNG_COLOUR, RUNG_NAME, TEXT_RUNG_NAME
from ..markup import NOTHING, details, join, table, value
from ..model_view import ModelView
from ..numbers import Number
from ..pack import packed
from ..registry import Section, section
from ..run_view import RunView

VIEWS = {"fact": ("From facts", RUNG_NAME), "text": ("From running text", TEXT_RUNG_NAME)}
SHORT = {"wrong": ("wrong answers", "--shift"), "knowledge": ("knowledge", "--knowledge")}
"""What can be drawn where a run has only T and D in a unit: two steps, D and T − D."""
PLACES = {"documents": "words of the same documents", "general": "words of general texts"}
TERMS = {"own": "own terms", "other": "terms of other specialties"}

Steps = list[dict[str, Any]]


@section(order=30, title="Ladder", anchor="ladder")
def ladder(run: RunView) -> Section:
    drawn = [
        {"name": model.name, "views": {"fact": _facts(run, model), "text": _text(run, model)}} for model in run.models
    ]
    data = {"per": run.per, "unit": run.unit, "titles": {key: title for key, (title, _) in VIEWS.items()}}
    return Section(
        packed("ladder", data | {"models": drawn})
        + Markup('<div id="ladder-switches" class="switches"></div><div id="ladder-charts" class="multiples"></div>')
        + details("The ladder as tables", join([*(_twin(run, view) for view in VIEWS), _views(run)]))
        + _controls(run),
        "Each bar starts where the last one ended, and together they make the mean gain of the own specialty's true "
        "answers (in running text: of its terms, which have no wrong answers and so no knowledge rung); whiskers are "
        "95% intervals, and all models share one axis.",
    )


def _step(key: str, name: str, colour: str, number: Number) -> dict[str, Any]:
    held = {"key": key, "name": name, "colour": colour, "n": number.n, "method": number.method, "why": number.why}
    return held | {"estimate": number.estimate, "low": number.low, "high": number.high}


def _steps(rungs: dict[str, Number], total: Number, called: dict[str, str]) -> Steps:
    """The rungs and their sum; none where nothing was estimated."""
    if all(rung.estimate is None for rung in rungs.values()):
        return []
    every = {**rungs, "total": total}
    return [_step(key, called[key], RUNG_COLOUR[key], number) for key, number in every.items()]


def _facts(run: RunView, model: ModelView) -> dict[str, Steps]:
    """By unit (token, target, character)."""
    out = {run.per: _steps(model.rungs, model.total, RUNG_NAME)}
    for name, numbers in model.views:
        per = name.removeprefix("per ")
        if per == "target" and per not in out and numbers["T"].estimate is not None:
            two = {"wrong": numbers["D"], "knowledge": numbers["margin"]}
            out[per] = [_step(key, *SHORT[key], number) for key, number in two.items()]
            out[per].append(_step("total", RUNG_NAME["total"], RUNG_COLOUR["total"], numbers["T"]))
    return out


def _text(run: RunView, model: ModelView) -> dict[str, Steps]:
    return {run.per: _steps(model.text_rungs, model.text_total, TEXT_RUNG_NAME)}


def _twin(run: RunView, view: str) -> Markup:
    title, called = VIEWS[view]
    models = [
        (model.name, *((model.rungs, model.total) if view == "fact" else (model.text_rungs, model.text_total)))
        for model in run.models
    ]
    keys = [*models[0][1], "total"]
    rows = [[name, *(value((rungs | {"total": total})[key]) for key in keys)] for name, rungs, total in models]
    return table(["model", *(called[key] for key in keys)], rows, f"{title}: rungs in {run.unit}")


def _views(run: RunView) -> Markup:
    """The facts' gains in other units, of first tokens, with wrong answers of any length, and prior-corrected."""
    rows = [
        [model.name, name, numbers["T"].unit, *(value(number) for number in numbers.values())]
        for model in run.models
        for name, numbers in model.views
    ]
    if not rows:
        return NOTHING
    head = ["model", "view", "unit", "true answers", "wrong answers", "margin", "margin beyond other specialties"]
    return table(head, rows, "Gains of the own facts in other views")


def _controls(run: RunView) -> Markup:
    """Terms against control words of the same documents and of general texts."""
    drawn = [model for model in run.models if model.controls]
    if not drawn or not run.terms.height:
        return NOTHING
    head = ["model", *(f"{terms}, less {words}" for words in PLACES.values() for terms in TERMS.values())]
    rows = []
    for model in drawn:
        cells = []
        for place in PLACES:
            for group in TERMS:
                number, matched = model.controls[place][group]
                share = Markup(' <span class="quiet">{:.0%} matched</span>').format(matched)
                cells.append(join([value(number), share if number.estimate is not None else ""]))
        rows.append([model.name, *cells])
    said = Markup("<p>{}</p>").format(
        "Each term is paired with a control word of the same token count and the nearest base log-probability. Above "
        "zero, it is terms that gained and not any word of such a text; about zero, the whole register did."
    )
    twin = table(head, rows, f"Gain of terms beyond their control words, in {run.unit}")
    return details("Terms against words", said + twin)
