"""Section: what the two halves of the verdict are read from, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.model import ModelResult, WrongAnswer
from ...probes.results.rungs import ABSOLUTE_SHIFT, ACQUIRED, BEYOND_CONTRAST, CATEGORIES, SHIFT_GROUPS, SIDES
from ..figures import GRADIENT_COLOUR, forest, strip
from ..markup import NOTHING, chart, data, details, join, multiples, signed, table, value
from ..registry import Section, section
from ..run_view import RunView

SHOWN_ANSWERS = 10
"""Wrong answers on the page; comparison.json has more."""


@section(order=15, title="Evidence", anchor="evidence")
def evidence(run: RunView) -> Section:
    return Section(
        _placebos(run) + _gradients(run) + details("As tables", _categories(run) + _gradient_table(run)) + _wrong(run),
        "Where facts were acquired, the own specialty lies beyond the others, on which it was not tuned; where a model "
        "moved towards the domain, other specialties' targets gained, and the contrast's and general ones gained less.",
    )


def _placebos(run: RunView) -> Markup:
    """Show what each other specialty seems to have acquired, against the own one."""
    unit = run.unit
    rows = [
        (
            name,
            model.acquired,
            [
                (run.specialty(placebo.specialty), placebo.acquired)
                for placebo in model.placebos
                if placebo.acquired is not None
            ],
        )
        for name, model in run.models.items()
        if model.placebos
    ]
    if not rows:
        return NOTHING
    plot = chart(
        strip(rows, unit),
        f"{ACQUIRED} in the own specialty, with its 95% interval, and in each other one as if it were the own, {unit}",
        height=90 + 34 * len(rows),
    )
    twin = join(_placebo_table(run, name, model) for name, model in run.models.items() if model.placebos)
    return plot + details("As tables", twin)


def _placebo_table(run: RunView, name: str, model: ModelResult) -> Markup:
    learned = model.knowledge.learned
    rows: list[Sequence[Any]] = [[f"{run.specialty(model.own)} (own)", value(model.acquired), *_counted(learned.own)]]
    for placebo in model.placebos:
        acquired = placebo.acquired
        shown = "–" if acquired is None else data(acquired, signed(acquired))
        rows.append([run.specialty(placebo.specialty), shown, *_counted(placebo.learned)])
    head = ["specialty", f"acquired, {run.unit}", "learned", "clearly unknown"]
    return table(head, rows, f"{name}: acquired by specialty")


def _counted(rate: Any) -> tuple[Markup, Markup]:
    return data(rate.hits, str(rate.hits)), data(rate.n, str(rate.n))


def _gradients(run: RunView) -> Markup:
    """Draw each model's plain gains from general targets to own ones."""
    charts = []
    for name, model in run.models.items():
        gradient = model.shift.gradient
        rows = [(group, gradient[group], GRADIENT_COLOUR[group]) for group in SHIFT_GROUPS if group in gradient]
        rows = [row for row in rows if row[1].known]
        if rows:
            label = f"{name}: gain of {model.shift.view} targets, {run.unit}"
            charts.append(chart(forest(rows, run.unit), label, height=80 + 30 * len(rows), model=name))
    return multiples(charts, len(charts)) if charts else NOTHING


def _gradient_table(run: RunView) -> Markup:
    missing = Estimate.missing("no such targets")
    rows = [
        [
            name,
            *(value(model.shift.gradient.get(group, missing)) for group in SHIFT_GROUPS),
            value(model.shift.over_contrast),
            value(model.shift.absolute),
        ]
        for name, model in run.models.items()
    ]
    head = ["model", *SHIFT_GROUPS, BEYOND_CONTRAST.lower(), ABSOLUTE_SHIFT.lower()]
    return table(head, rows, f"Gains of targets by group, {run.unit}, with 95% intervals")


def _categories(run: RunView) -> Markup:
    """Count facts by what the base and the tuned model know of them."""
    rows = []
    for name, model in run.models.items():
        for side in SIDES:
            if counts := model.categories.get(side):
                pairs = [(counts.base.get(category, 0), counts.tuned.get(category, 0)) for category in CATEGORIES]
                rows.append([name, side, *(_change(base, tuned) for base, tuned in pairs)])
    return table(["model", "facts", *CATEGORIES], rows, "Facts by what is known of them, base → tuned")


def _change(base: int, tuned: int) -> Markup:
    return Markup("{} → {}").format(data(base, str(base)), data(tuned, str(tuned)))


def _wrong(run: RunView) -> Markup:
    """List own facts that a model now gets confidently wrong; by their ids where the page shows no text."""
    parts = []
    for name, model in run.models.items():
        if answers := model.wrong_answers:
            rows = [_wrong_row(run, name, answer) for answer in answers[:SHOWN_ANSWERS]]
            more = f", the surest {len(rows)} of {len(answers)}" if len(answers) > len(rows) else ""
            head = ["fact", "wrong answer", f"its lead in the base, {run.unit}", f"tuned, {run.unit}"]
            title = f"{name}: own facts that it now gets confidently wrong{more}"
            parts.append(Markup('<div data-model="{}">{}</div>').format(name, table(head, rows, title, css="listed")))
    if not parts:
        return NOTHING
    return details("Wrong answers that a model learned", join(parts))


def _wrong_row(run: RunView, model: str, answer: WrongAnswer) -> list[Any]:
    words = f"{answer.cue} … {answer.answer}" if run.text else answer.item
    link = Markup('<a href="#facts-one?{}">{}</a>').format(urlencode({"fact-of": model, "fact": answer.item}), words)
    given = answer.given if run.text else "wrong answer"
    return [link, given, *(_lead(lead) for lead in (answer.base_lead, answer.tuned_lead))]


def _lead(lead: float | None) -> Markup | str:
    return "–" if lead is None else data(lead, signed(lead))
