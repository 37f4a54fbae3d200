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
from ..run_view import RunView, unit_of

VIEWS = {"fact": ("From facts", RUNG_NAME), "text": ("From running text", TEXT_RUNG_NAME)}
PLACES = {"documents": "words of the same documents", "general": "words of general texts"}
TERMS = {"own": "own terms", "other": "terms of other specialties"}

Steps = list[dict[str, Any]]


@section(order=30, title="Ladder", anchor="ladder")
def ladder(run: RunView) -> Section:
    drawn = [
        {"name": model.name, "views": {view: _by_unit(run, model, view) for view in VIEWS}} for model in run.models
    ]
    data = {"per": run.per, "unit": run.unit, "titles": {key: title for key, (title, _) in VIEWS.items()}}
    return Section(
        packed("ladder", data | {"models": drawn})
        + Markup('<div id="ladder-switches" class="switches"></div><div id="ladder-charts" class="multiples"></div>')
        + details(
            "The ladder as tables (a bit is 0.693 nats)", join([*(_twins(run, view) for view in VIEWS), _views(run)])
        )
        + _controls(run),
        "Each bar starts where the last one ended, and together they make the mean gain of the own specialty's true "
        "answers (in running text: of its terms, which have no wrong answers and so no knowledge rung); whiskers are "
        "95% intervals, and all models share one axis.",
    )


def _step(key: str, name: str, colour: str, number: Number) -> dict[str, Any]:
    held = {"key": key, "name": name, "colour": colour, "n": number.n, "method": number.method, "why": number.why}
    return held | {"estimate": number.estimate, "low": number.low, "high": number.high}


def _rungs(run: RunView, model: ModelView, view: str) -> dict[str, dict[str, Number]]:
    """By unit (token, target, character), the run's first: the rungs and their total."""
    own = {**model.rungs, "total": model.total} if view == "fact" else {**model.text_rungs, "total": model.text_total}
    return {run.per: own} | {per: held[view] for per, held in model.other_units.items()}


def _by_unit(run: RunView, model: ModelView, view: str) -> dict[str, Steps]:
    """What is drawn; nothing where nothing was estimated."""
    called = VIEWS[view][1]
    return {
        per: [_step(key, called[key], RUNG_COLOUR[key], number) for key, number in rungs.items()]
        for per, rungs in _rungs(run, model, view).items()
        if any(number.estimate is not None for number in rungs.values())
    }


def _twins(run: RunView, view: str) -> Markup:
    """A table for each unit."""
    title, called = VIEWS[view]
    held = [(model.name, _rungs(run, model, view)) for model in run.models]
    made = []
    for per in held[0][1]:
        keys = list(held[0][1][per])
        rows = [[name, *(value(rungs[per][key]) for key in keys)] for name, rungs in held if per in rungs]
        made.append(table(["model", *(called[key] for key in keys)], rows, f"{title}: rungs in {unit_of(per)}"))
    return join(made)


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
