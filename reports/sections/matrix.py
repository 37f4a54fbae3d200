"""Section: every tuned model against every specialty; sorted by matrix.js."""

from __future__ import annotations

from urllib.parse import urlencode

from markupsafe import Markup

from ..markup import NOTHING, data, details, join, p_value, signed, table, value
from ..numbers import Number
from ..registry import Section, section
from ..run_view import RunView

VIEWS = {
    "terms": "Terms in running text",
    "answers": "True answers of facts",
    "margin": "Facts' margin: true beyond wrong answers",
}
DIAGONAL = {"fact": "margins of facts", "term": "terms in running text"}
DEEPEST = 55
"""Share of full colour that the largest cell has; beyond it the figures in it could not be read."""


@section(order=40, title="Matrix", anchor="matrix")
def matrix(run: RunView) -> Section:
    used = {
        key
        for model in run.models
        for key, cells in model.matrix.items()
        if any(cell.estimate is not None for cell in cells.values())
    }
    keys = [key for key in run.specialties if key in used] + sorted(used - run.specialties.keys())
    empty = [name for key, name in run.specialties.items() if key not in used]
    if not keys:
        return Section(Markup('<p class="none">No specialty of the domain has items in this run.</p>'), "")
    every = [cell for model in run.models for cells in model.matrix.values() for cell in cells.values()]
    limit = max((abs(cell.estimate) for cell in every if cell.estimate is not None), default=1.0) or 1.0
    note = (
        Markup('<p class="none">Nothing could be estimated for {}.</p>').format(", ".join(empty)) if empty else NOTHING
    )
    chance = (
        "Outlined: the 95% interval leaves out zero. Intervals are cell by cell, so about one cell in twenty would be "
        "outlined by chance alone. A ◆ marks the specialty that a model was tuned on. Choose a cell to see its items, "
        "a model's name to sort by it."
    )
    return Section(
        Markup('<div id="matrix-switches" class="switches"></div><div class="beside"><div>')
        + join(_view(run, view, keys, limit) for view in VIEWS)
        + note
        + Markup("</div>")
        + _diagonal(run)
        + Markup('</div><p class="quiet">{}</p>').format(chance)
        + _recipe(run),
        "Rows are specialties and columns tuned models, orange gained and blue lost on one scale centred at zero: "
        "knowledge shows as a margin that is high in a model's own cell (◆) alone, mere shift as a column that is "
        "orange throughout.",
    )


def _view(run: RunView, view: str, keys: list[str], limit: float) -> Markup:
    """One table of cells, with the intervals in them."""
    cells = [[model.matrix.get(key, {}).get(view, Number()) for model in run.models] for key in keys]
    attributes = Markup('data-choice="{}" data-name="{}"').format(f"matrix.view={view}", VIEWS[view])
    if all(cell.estimate is None for row in cells for cell in row):
        note = Markup('<p class="none" {} data-empty="1">{}, not estimated: {}</p>')
        return note.format(attributes, VIEWS[view], cells[0][0].why)
    rows = []
    for key, row in zip(keys, cells, strict=True):
        name = run.specialty(key)
        pairs = zip(run.models, row, strict=True)
        shown = join(_cell(model.name, name, model.own == key, view, cell, limit) for model, cell in pairs)
        rows.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, shown))
    body = join(rows)
    label = f"{VIEWS[view]}: gain, {run.unit}"
    return Markup(
        '<div {} class="scroll" tabindex="0" role="region" aria-label="{}"><table class="matrix"><caption>{}</caption>'
        '<thead><tr><th scope="col">specialty</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(attributes, label, label, join(Markup('<th scope="col">{}</th>').format(m.name) for m in run.models), body)


def _cell(model: str, name: str, own: bool, view: str, cell: Number, limit: float) -> Markup:
    if cell.estimate is None:
        return Markup('<td class="cell"><span class="none" title="{}">n/a</span></td>').format(cell.why)
    sure = cell.low is not None and cell.high is not None and (cell.low > 0 or cell.high < 0)
    share = DEEPEST * min(1.0, abs(cell.estimate) / limit)
    table_of = "terms" if view == "terms" else "facts"
    target = f"#{table_of}?" + urlencode({"model": model, f"{table_of}.specialties": name})
    shown = data(cell.estimate, signed(cell.estimate, 2))
    if cell.low is not None and cell.high is not None:
        ends = (data(end, signed(end, 2)) for end in (cell.low, cell.high))
        shown += Markup('<span class="ci">{} to {}</span>').format(*ends)
    mark = Markup('<span class="mark" aria-hidden="true">◆</span>') if own else NOTHING
    words = f"{model} on {name}{', its own specialty' if own else ''}{', interval without zero' if sure else ''}: "
    return Markup(
        '<td class="cell {}{}" style="--share:{:.0f}%"><a href="{}"><span class="hidden">{}</span>{}{}</a></td>'
    ).format("gained" if cell.estimate > 0 else "lost", " sure" if sure else "", share, target, words, mark, shown)


def _diagonal(run: RunView) -> Markup:
    """γ over all models, beside the matrix."""
    said = (
        "γ is what being tuned on a specialty adds to its cell beyond what its model and its specialty gain anyway. A "
        "small Tukey p says that a model which moves everything more also moves easy specialties more; γ can then be "
        "false."
    )
    body = join(
        Markup("<dt>γ, {}</dt><dd>{}</dd><dt>do rows and columns add?</dt><dd>{}</dd>").format(
            name, value(run.diagonal[kind], wide=True), _adds(run, kind)
        )
        for kind, name in DIAGONAL.items()
    )
    return Markup('<aside class="card"><h3>The diagonal</h3><dl>{}</dl><p class="quiet">{}</p></aside>').format(
        body, said
    )


def _adds(run: RunView, kind: str) -> Markup:
    """Tukey's one degree of freedom for non-additivity."""
    if (found := run.additivity.get(kind)) is None:
        return Markup('<span class="none">not tested: too few models or specialties</span>')
    shown = data(found["f"], f"F(1, {found['degrees']:.0f}) = {found['f']:.2f}")
    return shown + Markup(' <span class="quiet">{}</span>').format(p_value(found["p"]))


def _recipe(run: RunView) -> Markup:
    """The S-MedQA statistic, where it was asked for."""
    asked = [model for model in run.models if model.recipe]
    if not asked:
        return NOTHING
    keys = [key for key in asked[0].recipe if any(model.recipe[key].estimate is not None for model in asked)]
    rows = [
        [
            "all" if key == "all" else run.specialty(key),
            *(value(model.recipe[key]) + _own(model.own == key) for model in asked),
        ]
        for key in keys
    ]
    twin = table(["terms of", *(model.name for model in asked)], rows, "The S-MedQA statistic, nats per term")
    said = Markup("<p>{}</p>").format(asked[0].recipe_hides)
    return details("As the S-MedQA study reads it", said + twin)


def _own(own: bool) -> Markup:
    return Markup(' <span class="own">own</span>') if own else NOTHING
