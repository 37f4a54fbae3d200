"""Section: every tuned model against every specialty; sorted by matrix.js."""

from __future__ import annotations

from urllib.parse import urlencode

from markupsafe import Markup

from ...probes.results.estimate import DiagonalEstimate, Estimate
from ...probes.results.rungs import DiagonalView, MatrixColumn
from ..figures import matrix_cell
from ..markup import ABSENT, NOTHING, data, details, join, p_value, signed, table, value, why_missing
from ..registry import Section, section
from ..run_view import RunView

VIEWS: dict[MatrixColumn, str] = {
    "terms": "Terms in running text",
    "answers": "True answers of facts",
    "margin": "Facts' margin: true beyond wrong answers",
}
DIAGONAL: dict[DiagonalView, str] = {"fact": "margins of facts", "term": "terms in running text"}
DEEPEST = 55
"""Share of full colour that the largest cell has; beyond it the figures in it could not be read."""


@section(order=40, title="Matrix", anchor="matrix")
def matrix(run: RunView) -> Section:
    used = {
        key
        for model in run.models.values()
        for key in model.matrix
        if any(matrix_cell(model, key, view).known for view in VIEWS)
    }
    specialties = run.result.specialties
    keys = [key for key in specialties if key in used] + sorted(used - specialties.keys())
    empty = [name for key, name in specialties.items() if key not in used]
    if not keys:
        return Section(Markup('<p class="none">No specialty of the domain has items in this run.</p>'), "")
    every = [matrix_cell(model, key, view) for model in run.models.values() for key in model.matrix for view in VIEWS]
    limit = max((abs(cell.value) for cell in every if cell.value is not None), default=1.0) or 1.0
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


def _view(run: RunView, view: MatrixColumn, keys: list[str], limit: float) -> Markup:
    """Return one table of cells, with the intervals in them."""
    cells = [[matrix_cell(model, key, view) for model in run.models.values()] for key in keys]
    attributes = Markup('data-choice="{}" data-name="{}"').format(f"matrix.view={view}", VIEWS[view])
    if not any(cell.known for row in cells for cell in row):
        note = Markup('<p class="none" {} data-empty="1">{}, not estimated: {}</p>')
        return note.format(attributes, VIEWS[view], why_missing(cells[0][0]))
    rows = []
    for key, row in zip(keys, cells, strict=True):
        name = run.specialty(key)
        pairs = zip(run.models.items(), row, strict=True)
        shown = join(_cell(who, name, model.own == key, view, cell, limit) for (who, model), cell in pairs)
        rows.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, shown))
    body = join(rows)
    label = f"{VIEWS[view]}: gain, {run.unit}"
    return Markup(
        '<div {} class="scroll" tabindex="0" role="region" aria-label="{}"><table class="matrix"><caption>{}</caption>'
        '<thead><tr><th scope="col">specialty</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(attributes, label, label, join(Markup('<th scope="col">{}</th>').format(who) for who in run.models), body)


def _cell(model: str, name: str, own: bool, view: MatrixColumn, cell: Estimate, limit: float) -> Markup:
    if cell.value is None:
        return Markup('<td class="cell"><span class="none" title="{}">n/a</span></td>').format(why_missing(cell))
    sure = cell.low is not None and cell.high is not None and (cell.low > 0 or cell.high < 0)
    share = DEEPEST * min(1.0, abs(cell.value) / limit)
    table_of = "terms" if view == "terms" else "facts"
    target = f"#{table_of}?" + urlencode({"model": model, f"{table_of}.specialties": name})
    shown = data(cell.value, signed(cell.value, 2))
    if cell.low is not None and cell.high is not None:
        ends = (data(end, signed(end, 2)) for end in (cell.low, cell.high))
        shown += Markup('<span class="ci">{} to {}</span>').format(*ends)
    mark = Markup('<span class="mark" aria-hidden="true">◆</span>') if own else NOTHING
    words = f"{model} on {name}{', its own specialty' if own else ''}{', interval without zero' if sure else ''}: "
    return Markup(
        '<td class="cell {}{}" style="--share:{:.0f}%"><a href="{}"><span class="hidden">{}</span>{}{}</a></td>'
    ).format("gained" if cell.value > 0 else "lost", " sure" if sure else "", share, target, words, mark, shown)


def _diagonal(run: RunView) -> Markup:
    """Show γ over all models, beside the matrix."""
    about = (
        "γ is what being tuned on a specialty adds to its cell beyond what its model and its specialty gain anyway. A "
        "small Tukey p says that a model which moves everything more also moves easy specialties more; γ can then be "
        "false."
    )
    body = join(_gamma(name, run.result.diagonal.get(kind)) for kind, name in DIAGONAL.items())
    return Markup('<aside class="card"><h3>The diagonal</h3><dl>{}</dl><p class="quiet">{}</p></aside>').format(
        body, about
    )


def _gamma(name: str, gamma: DiagonalEstimate | None) -> Markup:
    return Markup("<dt>γ, {}</dt><dd>{}</dd><dt>do rows and columns add?</dt><dd>{}</dd>").format(
        name, value(gamma or ABSENT, wide=True), _additivity(gamma)
    )


def _additivity(gamma: DiagonalEstimate | None) -> Markup:
    """Show Tukey's one degree of freedom for non-additivity."""
    tukey = gamma.additivity if gamma else None
    if tukey is None or tukey.f is None:
        return Markup('<span class="none">not tested: too few models or specialties</span>')
    shown = data(tukey.f, f"F(1, {tukey.degrees}) = {tukey.f:.2f}")
    return shown + Markup(' <span class="quiet">{}</span>').format(p_value(tukey.p))


def _recipe(run: RunView) -> Markup:
    """Show the S-MedQA statistic, where `--recipe smedqa` asked for it."""
    asked = {name: (model, model.smedqa) for name, model in run.models.items() if model.smedqa}
    if not asked:
        return NOTHING
    recipes = [recipe for _, recipe in asked.values()]
    rows = [["all", *(value(recipe.all) for recipe in recipes)]] if any(r.all.known for r in recipes) else []
    for key in recipes[0].by_specialty:
        cells = [(model, recipe.by_specialty.get(key, ABSENT)) for model, recipe in asked.values()]
        if any(cell.known for _, cell in cells):
            rows.append([run.specialty(key), *(value(cell) + _own(model.own == key) for model, cell in cells)])
    twin = table(["terms of", *asked], rows, "The S-MedQA statistic, nats per term")
    about = Markup("<p>{}</p>").format(recipes[0].hides)
    return details("As the S-MedQA study reads it", about + twin)


def _own(own: bool) -> Markup:
    return Markup(' <span class="own">own</span>') if own else NOTHING
