"""Section: one target layer by layer (layers.js), and the run's rungs layer by layer, through the logit lens."""

from __future__ import annotations

from markupsafe import Markup

from ...probes.results.rungs import VIEWS, View
from ..figures import STEP_LABELS, VIEW_TITLES, known_rungs, layer_areas, stacked_reach
from ..lens import about_lens
from ..markup import chart, details, fill_each, join, multiples, table, value
from ..registry import Section, section
from ..run_view import RunView

ABSENT = Markup('<p class="none">Not estimated: the run holds no layer-by-layer scores for this view.</p>')


@section(order=80, title="Layers", anchor="layers")
def layers(run: RunView) -> Section:
    unread = [(name, model.unread_layers) for name, model in run.models.items() if model.unread_layers]
    return Section(
        Markup('<h3>One token</h3><div id="layers-token"></div><h3>The whole run</h3>')
        + Markup("<p>{}</p>").format(
            "The rungs stacked after each layer, what gained above zero and what lost below it; the line is their sum, "
            "the gain of the own true answers (or terms)."
        )
        + fill_each('<p class="none">{} {}; no layers are read of it.</p>', unread)
        + join(_view(run, view) for view in VIEWS)
        + Markup("<h3>What this lens can say</h3>")
        + about_lens(run.lens),
        "Each layer is read as if the model ended there, the last one is the model's own output: where base and tuned "
        "part is where the fine-tune begins to speak.",
    )


def _view(run: RunView, view: View) -> Markup:
    title, labels = VIEW_TITLES[view], STEP_LABELS[view]
    known = [(name, known_rungs(model, view)) for name, model in run.models.items()]
    drawn = [(name, rungs) for name, rungs in known if rungs]
    heading = Markup("<h4>{}</h4>").format(title)
    if not drawn:
        return heading + ABSENT
    ends = [stacked_reach(rungs) for _, rungs in drawn]
    layers = run.result.layer_numbers
    span = min(low for low, _ in ends), max(high for _, high in ends)
    plots = [
        chart(
            layer_areas(rungs, layers, run.unit, labels, span),
            f"{name}: {title.lower()}, by layer",
            model=name,
        )
        for name, rungs in drawn
    ]
    rows = [[name, labels[rung], *map(value, values)] for name, rungs in drawn for rung, values in rungs.items()]
    head = ["model", "rung", *(f"layer {number}" for number in layers)]
    twin = table(head, rows, f"Rungs by layer with 95% intervals, {title.lower()}, {run.unit}")
    return heading + multiples(plots, len(run.models)) + details("As a table, with intervals", twin)
