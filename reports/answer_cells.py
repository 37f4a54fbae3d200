"""Cells and tables of evaluations that several modules use."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from ..probes.results.estimate import Estimate
from ..probes.results.suite_parts import PlaceShares
from .markup import ABSENT, NOTHING, data, details, join, table, value


def share(estimate: Estimate | None) -> Markup:
    """Return a share as a percentage, without a sign; what is no share as any value."""
    shown = estimate or ABSENT
    if shown.value is None or shown.unit != "share":
        return value(shown)
    ends = [end for end in (shown.low, shown.high) if end is not None]
    interval = join((data(end, f"{end:.1%}") for end in ends), " to ")
    return data(shown.value, f"{shown.value:.1%}") + Markup(' <span class="ci">{}</span>').format(interval)


def position_bias(tasks: Mapping[str, Mapping[str, PlaceShares]]) -> Markup:
    """Return how often each model chose each place of the options, by task and model."""
    rows = [
        [
            f"{model}, {task}",
            *(f"{chosen:.0%}" for chosen in places.shares.values()),
            "–" if places.excess is None else f"{places.excess:.0%}",
        ]
        for task, models in tasks.items()
        for model, places in models.items()
    ]
    if not rows:
        return NOTHING
    count = max(len(row) for row in rows) - 2
    rows = [[*row[:-1], *[""] * (count + 2 - len(row)), row[-1]] for row in rows]
    head = ["model", *"ABCDEFGHIJ"[:count], "beyond an even spread"]
    return details("Position bias: how often each place was chosen", table(head, rows, "Position bias"))
