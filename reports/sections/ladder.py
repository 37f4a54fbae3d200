"""Section: the ladder as a waterfall, from facts and from running text; drawn by ladder.js."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ...probes.results.estimate import Estimate, MatchedEstimate
from ...probes.results.model import LadderTotals, ModelResult
from ...probes.results.rounding import RoundingResult
from ...probes.results.rungs import MEASURES, ROUNDING, RUNG_LABELS, RUNGS, SIDES, UNITS, VIEWS, Per, Rung, View
from ..figures import STEP_COLOUR, STEP_LABELS, VIEW_TITLES, Step, steps
from ..markup import ABSENT, NOTHING, details, join, table, value, why_missing
from ..pack import packed
from ..registry import Section, section
from ..run_view import RunView

PLACES = {"documents": "words of the same documents", "general": "words of general texts"}
TERMS = dict(zip(SIDES, ("own terms", "terms of other specialties"), strict=True))
NOT_MATCHED = MatchedEstimate(None, note=ABSENT.note)


@section(order=30, title="Ladder", anchor="ladder")
def ladder(run: RunView) -> Section:
    drawn = [
        {"name": name, "views": {view: _by_unit(run, model, view) for view in VIEWS}}
        for name, model in run.models.items()
    ]
    data = {"per": run.result.per, "unit": run.unit, "titles": VIEW_TITLES}
    return Section(
        packed("ladder", data | {"models": drawn})
        + Markup('<div id="ladder-switches" class="switches"></div><div id="ladder-charts" class="multiples"></div>')
        + details(
            "The ladder as tables (a bit is 0.693 nats)",
            join([*(_tables(run, view) for view in VIEWS), _rounding(run), _views(run)]),
        )
        + _controls(run),
        "Each bar starts where the last one ended, and together they make the mean gain of the own specialty's true "
        "answers (in running text: of its terms, which have no wrong answers and so no knowledge rung); whiskers are "
        "95% intervals, and all models share one axis.",
    )


def _step(step: Step, label: str, number: Estimate) -> dict[str, Any]:
    return {
        "key": step,
        "name": label,
        "colour": STEP_COLOUR[step],
        "n": number.n,
        "method": number.method,
        "why": why_missing(number),
        "estimate": number.value,
        "low": number.low,
        "high": number.high,
    }


def _steps(run: RunView, model: ModelResult, view: View) -> dict[Per, dict[Step, Estimate]]:
    """Return the rungs and their total by unit, the run's first."""
    ladders: dict[Per, ModelResult | LadderTotals] = {run.result.per: model, **model.other_units}
    if view == "fact":
        return {per: steps(ladder.rungs, ladder.total) for per, ladder in ladders.items()}
    return {per: steps(ladder.text_rungs, ladder.text_total) for per, ladder in ladders.items()}


def _by_unit(run: RunView, model: ModelResult, view: View) -> dict[Per, list[dict[str, Any]]]:
    """Return what is drawn; nothing where nothing was estimated."""
    return {
        per: [_step(step, STEP_LABELS[view][step], number) for step, number in ladder.items()]
        for per, ladder in _steps(run, model, view).items()
        if any(number.known for number in ladder.values())
    }


def _tables(run: RunView, view: View) -> Markup:
    """Return a table for each unit."""
    ladders = {name: _steps(run, model, view) for name, model in run.models.items()}
    tables = []
    for per, first in next(iter(ladders.values())).items():
        rows = [
            [name, *(value(units[per].get(step, ABSENT)) for step in first)]
            for name, units in ladders.items()
            if per in units
        ]
        head = ["model", *(STEP_LABELS[view][step] for step in first)]
        tables.append(table(head, rows, f"{VIEW_TITLES[view]}: rungs in {UNITS[per]}"))
    return join(tables)


def _rounding(run: RunView) -> Markup:
    """Return the rungs from the base to the base as a model's training rounded it."""
    parts = {name: model.part(ROUNDING, RoundingResult) for name, model in run.models.items()}
    ladders: list[tuple[str, View, dict[Rung, Estimate], Estimate | None]] = []
    for name, part in parts.items():
        if part is not None and part.scored:
            ladders += [(name, "fact", part.rungs, part.total), (name, "text", part.text_rungs, part.text_total)]
    rows = [
        [name, VIEW_TITLES[view], *(value(rungs.get(rung, ABSENT)) for rung in RUNGS), value(total or ABSENT)]
        for name, view, rungs, total in ladders
    ]
    if not rows:
        return NOTHING
    head = ["model", "view", *(RUNG_LABELS[rung] for rung in RUNGS), "total"]
    return table(head, rows, f"What rounding the base changes by itself: rungs in {run.unit}")


def _views(run: RunView) -> Markup:
    """Return the facts' gains in other units, of first tokens, by wrong answers of any length, and prior-corrected."""
    rows = [
        [name, row.view, row.T.unit, *(value(getattr(row, measure)) for measure in MEASURES)]
        for name, model in run.models.items()
        for row in model.views
    ]
    if not rows:
        return NOTHING
    head = ["model", "view", "unit", "true answers", "wrong answers", "margin", "margin beyond other specialties"]
    return table(head, rows, "Gains of the own facts in other views")


def _controls(run: RunView) -> Markup:
    """Set terms against control words of the same documents and of general texts."""
    drawn = {name: model for name, model in run.models.items() if model.controls}
    if not drawn or not run.terms.height:
        return NOTHING
    head = ["model", *(f"{terms}, less {words}" for words in PLACES.values() for terms in TERMS.values())]
    rows = []
    for name, model in drawn.items():
        cells = []
        for place in PLACES:
            for side in SIDES:
                number = model.controls.get(place, {}).get(side, NOT_MATCHED)
                share = Markup(' <span class="quiet">{:.0%} matched</span>').format(number.matched or 0.0)
                cells.append(join([value(number), share if number.known else ""]))
        rows.append([name, *cells])
    about = Markup("<p>{}</p>").format(
        "Each term is paired with a control word of the same token count and the nearest base log-probability. Above "
        "zero, it is terms that gained and not any word of such a text; about zero, the whole register did."
    )
    twin = table(head, rows, f"Gain of terms beyond their control words, in {run.unit}")
    return details("Terms against words", about + twin)
