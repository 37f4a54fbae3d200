"""Build Plotly figures as plain dictionaries. The sections call it; `page/charts.js` draws them.

Colours are names of style.css's variables (`--shift`), so a figure follows the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..probes.results.estimate import Estimate
from ..probes.results.model import ModelResult
from ..probes.results.replicates import ReplicateSpread
from ..probes.results.rungs import RUNG_LABELS, RUNGS, TEXT_RUNG_LABELS, FactState, MatrixColumn, Rung, ShiftGroup, View
from .markup import ABSENT, interval, p_value, plot_text, signed, why_missing

Figure = dict[str, Any]
Step = Rung | Literal["total"]
"""A rung of the ladder, or the sum of all."""

STEP_COLOUR: dict[Step, str] = {
    "generic_drift": "--drift",
    "domain_shift": "--shift",
    "specialty_vocabulary": "--vocabulary",
    "knowledge": "--knowledge",
    "total": "--total",
}
STEP_LABELS: dict[View, dict[Step, str]] = {
    "fact": {**{rung: RUNG_LABELS[rung] for rung in RUNGS}, "total": "total"},
    "text": {**{rung: TEXT_RUNG_LABELS[rung] for rung in RUNGS}, "total": "total"},
}
GRADIENT_COLOUR: dict[ShiftGroup, str] = {
    "general": "--drift",
    "contrast": "--axis",
    "other": "--shift",
    "own": "--knowledge",
}
VIEW_TITLES: dict[View, str] = {"fact": "From facts", "text": "From running text"}
STATE_COLOUR: dict[FactState, str] = {
    "learned": "--knowledge",
    "kept": "--tint-knowledge",
    "lost": "--high",
    "never": "--tint-plain",
}
STATE_INK: dict[FactState, str] = {"learned": "--card", "kept": "--ink", "lost": "--card", "never": "--ink"}
DIVERGING = [[0, "--low"], [0.5, "--mid"], [1, "--high"]]
SEQUENTIAL = [[0, "--seq0"], [0.25, "--seq1"], [0.5, "--seq2"], [0.75, "--seq3"], [1, "--seq4"]]


def figure(data: list[Figure], **layout: Any) -> Figure:
    """Return a figure in the page's style; `layout` is laid over it, axis by axis."""
    axis = {
        "gridcolor": "--grid",
        "zerolinecolor": "--axis",
        "linecolor": "--axis",
        "tickcolor": "--axis",
        "automargin": True,
        "fixedrange": True,
    }
    base: Figure = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "--ink"},
        "margin": {"l": 48, "r": 12, "t": 12, "b": 36},
        "hoverlabel": {"bgcolor": "--card", "bordercolor": "--axis", "font": {"color": "--ink"}, "align": "left"},
        "dragmode": False,
        "showlegend": False,
    }
    axes = {name: axis | layout.pop(name, {}) for name in ("xaxis", "yaxis")}
    return {"data": data, "layout": base | axes | layout}


def steps(rungs: Mapping[Rung, Estimate], total: Estimate) -> dict[Step, Estimate]:
    """Return the rungs in the ladder's order, then their total."""
    return {**{rung: rungs[rung] for rung in RUNGS if rung in rungs}, "total": total}


def known_rungs(model: ModelResult, view: View) -> dict[Rung, list[Estimate]]:
    """Return the rungs of a view that have a value at some layer."""
    rungs = model.by_layer.get(view, {})
    return {rung: every for rung, every in rungs.items() if any(number.known for number in every)}


def matrix_cell(model: ModelResult, specialty: str, column: MatrixColumn) -> Estimate:
    """Return a model's mean gain in a specialty."""
    row = model.matrix.get(specialty)
    return ABSENT if row is None else {"terms": row.terms, "answers": row.answers, "margin": row.margin}[column]


def hover(number: Estimate) -> str:
    """Return what the pointer shows of an estimate."""
    if number.value is None:
        return f"not estimated: {plot_text(why_missing(number))}"
    lines = [f"<b>{signed(number.value)}</b> {interval(number)} {plot_text(number.unit)}"]
    lines += filter(None, [f"n = {number.n}" if number.n else "", p_value(number.p), plot_text(number.note)])
    return "<br>".join(lines)


def error_bar(numbers: Sequence[Estimate]) -> Figure:
    """Return the intervals about `numbers`; zero length where there is none."""

    def length(low: float | None, high: float | None) -> float:
        return 0.0 if low is None or high is None else max(0.0, high - low)

    return {
        "type": "data",
        "symmetric": False,
        "array": [length(number.value, number.high) for number in numbers],
        "arrayminus": [length(number.low, number.value) for number in numbers],
        "color": "--ink",
        "thickness": 1.4,
        "width": 4,
    }


def stacked_reach(rungs: Mapping[Rung, Sequence[Estimate]]) -> tuple[float, float]:
    """Return the lowest and the highest point of `layer_areas`."""
    columns = [[number.value or 0.0 for number in every] for every in zip(*rungs.values(), strict=True)]
    return (
        min((sum(min(value, 0.0) for value in column) for column in columns), default=0.0),
        max((sum(max(value, 0.0) for value in column) for column in columns), default=0.0),
    )


def layer_areas(
    rungs: Mapping[Rung, Sequence[Estimate]],
    layers: Sequence[int],
    unit: str,
    labels: Mapping[Step, str],
    span: tuple[float, float] | None = None,
) -> Figure:
    """Stack the rungs after each of `layers`: above zero what gained, below it what lost; the line is their sum.

    `span` is the axis, one for all models; by default the figure's own.
    """
    traces: list[Figure] = []
    for key, numbers in rungs.items():
        about = [f"{labels[key]}, layer {x}<br>{hover(n)}" for x, n in zip(layers, numbers, strict=True)]
        for side in (max, min):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "stackgroup": side.__name__,
                    "x": list(layers),
                    "y": [side(number.value or 0.0, 0.0) for number in numbers],
                    "name": labels[key],
                    "legendgroup": key,
                    "showlegend": side is max,
                    "line": {"width": 0.5, "color": STEP_COLOUR[key]},
                    "fillcolor": STEP_COLOUR[key],
                    "hovertext": about,
                    "hoverinfo": "text" if side is max else "skip",
                }
            )
    sums = [sum(number.value or 0.0 for number in every) for every in zip(*rungs.values(), strict=True)]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": list(layers),
            "y": sums,
            "name": "sum",
            "line": {"color": "--ink", "width": 2},
            "marker": {"size": 6},
            "hovertext": [f"sum, layer {x}<br>{signed(y)}" for x, y in zip(layers, sums, strict=True)],
            "hoverinfo": "text",
        }
    )
    shown = list(layers)[:: -max(1, -(-len(layers) // 12))]  # from the last back, a dozen at most
    room = 0.3 + (layers[-1] - layers[0]) / 50
    low, high = span or stacked_reach(rungs)
    tall = 0.06 * (high - low) or 1.0
    return figure(
        traces,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        margin={"l": 52, "r": 8, "t": 8, "b": 44},
        xaxis={"title": {"text": "layer"}, "tickvals": shown[::-1], "range": [layers[0] - room, layers[-1] + room]},
        yaxis={"title": {"text": unit}, "zeroline": True, "zerolinewidth": 2, "range": [low - tall, high + tall]},
    )


def ledger_bars(rows: Sequence[tuple[str, Mapping[FactState, int]]], states: Sequence[FactState]) -> Figure:
    """Draw what became of each row's facts, as shares of them; `rows` are (label, counts by state), first on top."""
    places = list(range(len(rows)))
    totals = [sum(counts.values()) or 1 for _, counts in rows]
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "y": places,
            "x": [100 * counts.get(state, 0) / total for (_, counts), total in zip(rows, totals, strict=True)],
            "name": state,
            "marker": {"color": STATE_COLOUR[state], "line": {"color": "--axis", "width": 0.5}},
            "text": [str(counts.get(state, 0)) if counts.get(state) else "" for _, counts in rows],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "textfont": {"color": STATE_INK[state]},
            "hovertext": [
                f"{plot_text(label)}<br>{state}: {counts.get(state, 0)} of {total}"
                for (label, counts), total in zip(rows, totals, strict=True)
            ],
            "hoverinfo": "text",
        }
        for state in states
    ]
    names = {"tickvals": places, "ticktext": [plot_text(name) for name, _ in rows]}
    return figure(
        bars,
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        margin={"l": 8, "r": 12, "t": 8, "b": 40},
        xaxis={"title": {"text": "share of the facts, %"}, "range": [0, 100]},
        yaxis=names | {"range": [len(rows) - 0.5, -0.5], "showgrid": False, "zeroline": False},
    )


def heatmap(
    values: Sequence[Sequence[float | None]],
    columns: Sequence[Any],
    rows: Sequence[Any],
    hovers: Sequence[Sequence[str]],
    *,
    text: Sequence[Sequence[str]] | None = None,
    outlined: Sequence[tuple[int, int]] = (),
    span: tuple[float, float] | None = None,
    bar: str = "",
    axes: tuple[str, str] = ("", ""),
) -> Figure:
    """Draw `values` [rows][columns], first row on top; `outlined` are (row, column).

    Colours diverge from zero; with `span` (lowest, highest) they run from one end to the other. `bar` is the unit on
    the colour bar, "" for none.
    """
    flat = [abs(v) for row in values for v in row if v is not None]
    limit = max(flat, default=0.0) or 1.0
    trace: Figure = {
        "type": "heatmap",
        "z": values,
        "hovertext": hovers,
        "hoverinfo": "text",
        "colorscale": SEQUENTIAL if span else DIVERGING,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": True,
        "colorbar": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "lenmode": "pixels"}
        | {"len": 220, "thickness": 9, "ypad": 2, "outlinewidth": 0, "ticksuffix": f" {bar}", "nticks": 4},
        "showscale": bool(bar),
    }
    low, high = span or (-limit, limit)
    trace |= {"zmin": low, "zmax": high}
    if text is not None:
        trace |= {"text": text, "texttemplate": "%{text}"}
    ink = {"color": "--ink", "width": 2}
    boxes = [
        {"type": "rect", "x0": c - 0.5, "x1": c + 0.5, "y0": r - 0.5, "y1": r + 0.5, "line": ink} for r, c in outlined
    ]
    absent = [
        {"x": c, "y": r, "text": "n/a", "showarrow": False, "font": {"color": "--quiet", "size": 11}}
        for r, row in enumerate(values)
        for c, value in enumerate(row)
        if value is None and text is not None
    ]
    plain = {"showgrid": False, "zeroline": False, "ticks": ""}

    def labels(names: Sequence[Any], title: str) -> Figure:
        ticks = {"tickvals": list(range(len(names))), "ticktext": [plot_text(name) for name in names]}
        return ticks | plain | {"title": {"text": title}}

    return figure(
        [trace],
        shapes=boxes,
        annotations=absent,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis=labels(columns, axes[0]) | {"tickangle": -45},
        yaxis=labels(rows, axes[1]) | {"autorange": "reversed"},
    )


def forest(rows: Sequence[tuple[str, Estimate, str]], unit: str, lines: Sequence[float] = ()) -> Figure:
    """Draw a point with its interval for each (label, number, colour), first on top; `lines` are dashed marks."""
    numbers = [number for _, number, _ in rows]
    places = list(range(len(rows)))
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [number.value for number in numbers],
        "y": places,
        "marker": {"color": [colour for *_, colour in rows], "size": 11},
        "error_x": error_bar(numbers),
        "hovertext": [f"{plot_text(name)}<br>{hover(number)}" for name, number, _ in rows],
        "hoverinfo": "text",
    }
    dashed = {"color": "--axis", "width": 1.5, "dash": "dash"}
    marks = [{"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": dashed} for x in lines]
    names = {"tickvals": places, "ticktext": [plot_text(name) for name, *_ in rows]}
    return figure(
        [points],
        shapes=marks,
        margin={"l": 8, "r": 16, "t": 8, "b": 40},
        xaxis={"title": {"text": unit}, "zeroline": True, "zerolinewidth": 2},
        yaxis=names | {"range": [len(rows) - 0.5, -0.5], "showgrid": False, "zeroline": False},
    )


def over_trainings(spread: ReplicateSpread, colour: str, unit: str) -> Figure:
    """Draw each training with its interval over facts, and below them their mean with its interval over trainings."""
    rows = [(name, number, colour) for name, number in spread.trainings.items() if number.known]
    return forest([*rows, (f"mean of {spread.mean.n} trainings", spread.mean, "--total")], unit)


def strip(rows: Sequence[tuple[str, Estimate, Sequence[tuple[str, float]]]], unit: str) -> Figure:
    """Draw each row's number with its interval over the points that it is to be compared with.

    Args:
        rows: Label, number, and points as (label, value), first row on top.
        unit: Of the numbers.
    """
    points = [(place, name, value) for place, (*_, others) in enumerate(rows) for name, value in others]
    others: Figure = {
        "type": "scatter",
        "mode": "markers",
        "x": [value for *_, value in points],
        "y": [place for place, *_ in points],
        "marker": {"color": "--axis", "size": 8, "symbol": "line-ns-open", "line": {"width": 2}},
        "hovertext": [f"{plot_text(name)}<br><b>{signed(value)}</b> {plot_text(unit)}" for _, name, value in points],
        "hoverinfo": "text",
        "name": "each other specialty",
        "showlegend": True,
    }
    chart = forest([(name, number, "--knowledge") for name, number, _ in rows], unit)
    chart["data"][0] |= {"name": "own specialty", "showlegend": True}
    chart["data"].insert(0, others)
    chart["layout"] |= {
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    return chart
