"""Section: one target layer by layer (layers.js), and the run's rungs layer by layer, through the logit lens."""

from __future__ import annotations

from markupsafe import Markup

from ..figures import RUNG_NAME, TEXT_RUNG_NAME, layer_areas, stacked_reach
from ..lens import about_lens
from ..markup import chart, details, each, join, multiples, table, value
from ..numbers import Number
from ..registry import Section, section
from ..run_view import RunView

VIEWS = {"fact": ("From facts", RUNG_NAME), "text": ("From running text", TEXT_RUNG_NAME)}
ABSENT = Markup('<p class="none">Not estimated: the run holds no layer-by-layer scores for this view.</p>')


@section(order=80, title="Layers", anchor="layers")
def layers(run: RunView) -> Section:
    unread = [(model.name, model.unread_layers) for model in run.models if model.unread_layers]
    return Section(
        Markup('<h3>One token</h3><div id="layers-token"></div><h3>The whole run</h3>')
        + Markup("<p>{}</p>").format(
            "The rungs stacked after each layer, what gained above zero and what lost below it; the line is their sum, "
            "the gain of the own true answers (or terms)."
        )
        + each('<p class="none">{} {}; no layers are read of it.</p>', unread)
        + join(_view(run, view) for view in VIEWS)
        + Markup("<h3>What this lens can say</h3>")
        + about_lens(run.lens),
        "Each layer is read as if the model ended there, the last one is the model's own output: where base and tuned "
        "part is where the fine-tune begins to speak.",
    )


def _known(rungs: dict[str, list[Number]]) -> dict[str, list[Number]]:
    """The rungs that have a value at some layer."""
    return {rung: every for rung, every in rungs.items() if any(one.estimate is not None for one in every)}


def _view(run: RunView, view: str) -> Markup:
    title, called = VIEWS[view]
    known = [(model.name, _known(model.by_layer.get(view) or {})) for model in run.models]
    drawn = [(name, rungs) for name, rungs in known if rungs]
    heading = Markup("<h4>{}</h4>").format(title)
    if not drawn:
        return heading + ABSENT
    ends = [stacked_reach(rungs) for _, rungs in drawn]
    span = min(low for low, _ in ends), max(high for _, high in ends)
    plots = [
        chart(
            layer_areas(rungs, run.layers, run.unit, called, span),
            f"{name}: {title.lower()}, by layer",
            model=name,
        )
        for name, rungs in drawn
    ]
    rows = [[name, called[rung], *map(value, values)] for name, rungs in drawn for rung, values in rungs.items()]
    head = ["model", "rung", *(f"layer {number}" for number in run.layers)]
    twin = table(head, rows, f"Rungs by layer with 95% intervals, {title.lower()}, {run.unit}")
    return heading + multiples(plots, len(run.models)) + details("As a table, with intervals", twin)
