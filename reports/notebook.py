"""The page's charts as plotly figures, for a notebook: to look at, restyle and save. Public as `knowshift.figures`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .figures import (
    RUNG_COLOUR,
    RUNG_NAME,
    TEXT_RUNG_NAME,
    Figure,
    error_bar,
    figure,
    forest,
    heatmap,
    hover,
    layer_areas,
)
from .markup import plot_text, signed
from .numbers import Number
from .run_view import RunView

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..probes.results.finished import Comparison

STYLE = Path(__file__).parent / "page" / "style.css"
MATRIX = {"margin": "margin", "answers": "gain of true answers", "terms": "gain of terms in running text"}
VIEWS = {"fact": ("", RUNG_NAME), "text": ("text ", TEXT_RUNG_NAME)}


def figures(run: Comparison | str | Path) -> dict[str, go.Figure]:
    """The charts of a run's page as `plotly.graph_objects.Figure`, by name; what could not be estimated is left out.

    `specific knowledge`; for each model `ladder: MODEL`, `text ladder: MODEL`, `layers: MODEL`, `text layers: MODEL`;
    `matrix: margin`, `matrix: answers`, `matrix: terms`. Numbers are in the run's unit. `run` is what `compare` or
    `open_run` gave, or a run directory. Raises RunError.
    """
    import plotly.graph_objects as go

    view = RunView.read(Path(run) if isinstance(run, str | Path) else run.run)
    colours = _colours()
    shown = {**_knowledge(view), **_ladders(view), **_layers(view), **_matrices(view)}
    paper = colours["--card"]
    return {
        name: go.Figure(_coloured(chart, colours)).update_layout(
            title_text=plot_text(f"{name}, {view.unit}"), margin_t=90, paper_bgcolor=paper, plot_bgcolor=paper
        )
        for name, chart in shown.items()
    }


def _colours() -> dict[str, str]:
    """The light theme of the page's style sheet: colours by variable."""
    root = re.search(r":root\s*\{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", root[1])) if root else {}


def _coloured(value: Any, colours: Mapping[str, str], key: str = "") -> Any:
    """The figure with colours for the variables' names; only keys about colour are looked up."""
    if isinstance(value, str):
        return colours.get(value, value) if "color" in key.lower() else value
    if isinstance(value, Mapping):
        return {name: _coloured(held, colours, name) for name, held in value.items()}
    return [_coloured(one, colours, key) for one in value] if isinstance(value, list | tuple) else value


def _known(rungs: Mapping[str, Number]) -> bool:
    return any(number.estimate is not None for number in rungs.values())


def _knowledge(view: RunView) -> dict[str, Figure]:
    rows = [(model.name, model.specific_knowledge, "--knowledge") for model in view.models]
    return {"specific knowledge": forest(rows, view.unit)} if _known({name: one for name, one, _ in rows}) else {}


def _ladders(view: RunView) -> dict[str, Figure]:
    out = {}
    for model in view.models:
        if _known(model.rungs):
            out[f"ladder: {model.name}"] = waterfall(model.rungs, model.total, view.unit, RUNG_NAME)
        if _known(model.text_rungs):
            out[f"text ladder: {model.name}"] = waterfall(model.text_rungs, model.text_total, view.unit, TEXT_RUNG_NAME)
    return out


def waterfall(rungs: Mapping[str, Number], total: Number, unit: str, called: Mapping[str, str]) -> Figure:
    """Rungs one on top of the other, ending in their sum; all from zero where one is missing, as they do not add up."""
    every = {**rungs, "total": total}
    numbers = list(every.values())
    values = [number.estimate or 0.0 for number in numbers]
    whole = all(number.estimate is not None for number in numbers)
    bars = {
        "type": "bar",
        "x": [called[key] for key in every],
        "y": [number.estimate for number in numbers],
        "base": [*accumulate(values[:-2], initial=0.0), 0.0] if whole else [0.0] * len(numbers),
        "width": 0.62,
        "marker": {"color": [RUNG_COLOUR[key] for key in every]},
        "error_y": error_bar(numbers),
        "hovertext": [f"{called[key]}<br>{hover(number)}" for key, number in every.items()],
        "hoverinfo": "text",
    }
    return figure([bars], yaxis={"title": {"text": unit}, "zeroline": True}, xaxis={"showgrid": False})


def _layers(view: RunView) -> dict[str, Figure]:
    out = {}
    for model in view.models:
        for kind, (prefix, called) in VIEWS.items():
            rungs = {
                rung: numbers
                for rung, numbers in (model.by_layer.get(kind) or {}).items()
                if any(number.estimate is not None for number in numbers)
            }
            if rungs:
                out[f"{prefix}layers: {model.name}"] = layer_areas(rungs, view.layers, view.unit, called)
    return out


def _matrices(view: RunView) -> dict[str, Figure]:
    out = {}
    models = [model.name for model in view.models]
    for key, what in MATRIX.items():
        held = {name: [m.matrix.get(name, {}).get(key, Number()) for m in view.models] for name in view.specialties}
        rows = {name: cells for name, cells in held.items() if any(cell.estimate is not None for cell in cells)}
        if not rows:
            continue
        names = [view.specialty(name) for name in rows]
        hovers = [
            [
                f"{plot_text(model)} on {plot_text(name)}<br>{what}: {hover(cell)}"
                for model, cell in zip(models, cells, strict=True)
            ]
            for name, cells in zip(names, rows.values(), strict=True)
        ]
        out[f"matrix: {key}"] = heatmap(
            [[cell.estimate for cell in cells] for cells in rows.values()],
            models,
            names,
            hovers,
            text=[["" if c.estimate is None else signed(c.estimate, 2) for c in cells] for cells in rows.values()],
            outlined=[
                (r, c) for r, name in enumerate(rows) for c, model in enumerate(view.models) if model.own == name
            ],
        )
    return out
