"""The page's charts as plotly figures, for a notebook: to look at, restyle and save. Public as `knowshift.figures`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..probes.results.estimate import Estimate
from ..probes.results.rungs import VIEWS, MatrixColumn, View
from .figures import (
    STEP_COLOUR,
    STEP_LABELS,
    Figure,
    Step,
    error_bar,
    figure,
    forest,
    heatmap,
    hover,
    known_rungs,
    layer_areas,
    matrix_cell,
    over_trainings,
    steps,
)
from .markup import plot_text, signed
from .run_view import RunView

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..probes.results.finished import Comparison

STYLE = Path(__file__).parent / "page" / "style.css"
MATRIX: dict[MatrixColumn, str] = {
    "margin": "margin",
    "answers": "gain of true answers",
    "terms": "gain of terms in running text",
}
PREFIXES: dict[View, str] = {"fact": "", "text": "text "}


def figures(run: Comparison | str | Path) -> dict[str, go.Figure]:
    """Return the charts of a run's page by name; what could not be estimated is left out.

    The names are `acquired`; for each group of trainings `trainings: GROUP`; for each model `ladder: MODEL`,
    `text ladder: MODEL`, `layers: MODEL`, `text layers: MODEL`; `matrix: margin`, `matrix: answers`, `matrix: terms`.
    Numbers are in the run's unit.

    Args:
        run: What `compare` or `open_run` returned, or a run directory.

    Raises:
        RunError: The run cannot be read.
    """
    import plotly.graph_objects as go

    view = RunView.read(Path(run) if isinstance(run, str | Path) else run.run)
    colours = _colours()
    shown = {**_knowledge(view), **_trainings(view), **_ladders(view), **_layers(view), **_matrices(view)}
    paper = colours["--card"]
    return {
        name: go.Figure(_coloured(chart, colours)).update_layout(
            title_text=plot_text(f"{name}, {view.unit}"), margin_t=90, paper_bgcolor=paper, plot_bgcolor=paper
        )
        for name, chart in shown.items()
    }


def _colours() -> dict[str, str]:
    """Return the light theme of the page's style sheet: colours by variable."""
    root = re.search(r":root\s*\{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", root[1])) if root else {}


def _coloured(value: Any, colours: Mapping[str, str], key: str = "") -> Any:
    """Put colours in the place of the variables' names; only keys about colour are looked up."""
    if isinstance(value, str):
        return colours.get(value, value) if "color" in key.lower() else value
    if isinstance(value, Mapping):
        return {name: _coloured(part, colours, name) for name, part in value.items()}
    return [_coloured(part, colours, key) for part in value] if isinstance(value, list | tuple) else value


def _any_known(numbers: Iterable[Estimate]) -> bool:
    return any(number.known for number in numbers)


def _knowledge(view: RunView) -> dict[str, Figure]:
    rows = [(name, model.acquired, "--knowledge") for name, model in view.models.items()]
    return {"acquired": forest(rows, view.unit)} if _any_known(number for _, number, _ in rows) else {}


def _trainings(view: RunView) -> dict[str, Figure]:
    return {
        f"trainings: {name}": over_trainings(group.acquired, "--knowledge", view.unit)
        for name, group in view.result.replicates.items()
        if group.acquired.mean.known
    }


def _ladders(view: RunView) -> dict[str, Figure]:
    out = {}
    for name, model in view.models.items():
        if _any_known(model.rungs.values()):
            out[f"ladder: {name}"] = waterfall(steps(model.rungs, model.total), view.unit, STEP_LABELS["fact"])
        if _any_known(model.text_rungs.values()):
            texts = steps(model.text_rungs, model.text_total)
            out[f"text ladder: {name}"] = waterfall(texts, view.unit, STEP_LABELS["text"])
    return out


def waterfall(ladder: Mapping[Step, Estimate], unit: str, labels: Mapping[Step, str]) -> Figure:
    """Stack the rungs, ending in their total; all begin at zero where one is missing, as they do not add up."""
    numbers = list(ladder.values())
    values = [number.value or 0.0 for number in numbers]
    complete = all(number.known for number in numbers)
    bars = {
        "type": "bar",
        "x": [labels[step] for step in ladder],
        "y": [number.value for number in numbers],
        "base": [*accumulate(values[:-2], initial=0.0), 0.0] if complete else [0.0] * len(numbers),
        "width": 0.62,
        "marker": {"color": [STEP_COLOUR[step] for step in ladder]},
        "error_y": error_bar(numbers),
        "hovertext": [f"{labels[step]}<br>{hover(number)}" for step, number in ladder.items()],
        "hoverinfo": "text",
    }
    return figure([bars], yaxis={"title": {"text": unit}, "zeroline": True}, xaxis={"showgrid": False})


def _layers(run: RunView) -> dict[str, Figure]:
    out = {}
    for name, model in run.models.items():
        for view in VIEWS:
            if rungs := known_rungs(model, view):
                title = f"{PREFIXES[view]}layers: {name}"
                out[title] = layer_areas(rungs, run.result.layer_numbers, run.unit, STEP_LABELS[view])
    return out


def _matrices(view: RunView) -> dict[str, Figure]:
    out = {}
    models = view.models
    for column, what in MATRIX.items():
        cells = {key: [matrix_cell(m, key, column) for m in models.values()] for key in view.result.specialties}
        rows = {key: row for key, row in cells.items() if _any_known(row)}
        if not rows:
            continue
        names = [view.specialty(key) for key in rows]
        hovers = [
            [
                f"{plot_text(model)} on {plot_text(name)}<br>{what}: {hover(cell)}"
                for model, cell in zip(models, row, strict=True)
            ]
            for name, row in zip(names, rows.values(), strict=True)
        ]
        out[f"matrix: {column}"] = heatmap(
            [[cell.value for cell in row] for row in rows.values()],
            list(models),
            names,
            hovers,
            text=[["" if cell.value is None else signed(cell.value, 2) for cell in row] for row in rows.values()],
            outlined=[
                (r, c) for r, key in enumerate(rows) for c, model in enumerate(models.values()) if model.own == key
            ],
        )
    return out
