"""Section: several trainings of one tune, their means and their spread beside the intervals over facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.model import ModelResult
from ...probes.results.replicates import SHARE, ReplicateGroup, ReplicateSpread, states_in_words
from ...probes.results.rungs import ACQUIRED, BEYOND_CONTRAST
from ..figures import over_trainings
from ..markup import NOTHING, STATE_TONE, badge, chart, data, join, multiples, table, value
from ..registry import Section, section
from ..run_view import RunView

CHARTS = {ACQUIRED: "--knowledge", BEYOND_CONTRAST: "--shift"}
"""Colours of the quantities that are drawn: one for each half of the verdict."""


@section(order=12, title="Trainings", anchor="trainings")
def trainings(run: RunView) -> Section | None:
    groups = run.result.replicates
    if not groups:
        return None
    return Section(
        join(_group(run, name, group) for name, group in groups.items()),
        "The same tune, trained several times with different seeds. A training's interval says how much its number "
        "depends on which facts were asked; SD and the mean's interval say how much it depends on chance in training. "
        "Where the trainings differ more than their intervals are wide, do not rely on one of them. Each training has "
        "its own verdict above; the group has none.",
    )


def _group(run: RunView, name: str, group: ReplicateGroup) -> Markup:
    charts = [_chart(run, title, spread) for title, spread in group.spreads.items() if title in CHARTS]
    drawn = [each for each in charts if each]
    return Markup('<h3>{}</h3><p class="sentence">{}</p>{}{}').format(
        name,
        group.sentence,
        _table(run, name, group),
        multiples(drawn, len(drawn)) if drawn else NOTHING,
    )


def _table(run: RunView, name: str, group: ReplicateGroup) -> Markup:
    """Return a row a training with intervals over facts, then the mean with intervals over trainings, then the SD."""
    titles = list(group.spreads)
    head = ["training", "knowledge", *titles[:2], "shift", *titles[2:]]
    rows = [_row(model, run.models.get(model), group) for model in group.models]
    spreads = list(group.spreads.values())
    rows.append(
        _in_order(
            f"mean of {len(group.models)} trainings",
            states_in_words(group.knowledge),
            states_in_words(group.shift),
            [_value(spread.mean) + _note(spread.mean) for spread in spreads],
        )
    )
    rows.append(_in_order("SD over trainings", "", "", [_sd(spread) for spread in spreads]))
    return table(
        head, rows, f"{name}: each training with 95% intervals over facts, the mean over trainings, {run.unit}"
    )


def _row(name: str, model: ModelResult | None, group: ReplicateGroup) -> Sequence[Any]:
    findings = (model.knowledge, model.shift) if model else ()
    knowledge, shift = (badge(f.label, STATE_TONE[f.state]) for f in findings) if findings else (NOTHING, NOTHING)
    return _in_order(name, knowledge, shift, [_value(spread.trainings[name]) for spread in group.spreads.values()])


def _in_order(label: str, knowledge: Any, shift: Any, cells: Sequence[Any]) -> Sequence[Any]:
    """Return a row of the table: each half of the verdict before its own quantities."""
    return [label, knowledge, *cells[:2], shift, *cells[2:]]


def _value(number: Estimate) -> Markup:
    """Return an estimate and its interval; shares in per cent."""
    if number.unit != SHARE or number.value is None:
        return value(number)
    shown = data(number.value, f"{number.value:.0%}")
    if number.low is not None and number.high is not None:
        ends = (data(end, f"{end:.0%}") for end in (number.low, number.high))
        shown += Markup(' <span class="ci">[{}, {}]</span>').format(*ends)
    return Markup('<span class="number">{}</span>').format(shown)


def _note(number: Estimate) -> Markup:
    """Return why the mean lacks an interval or a training."""
    if number.value is None or not number.note:
        return NOTHING
    return Markup(' <span class="quiet">{}</span>').format(number.note)


def _sd(spread: ReplicateSpread) -> Markup | str:
    if spread.sd is None:
        return "–"
    if spread.mean.unit == SHARE:
        return data(spread.sd, f"{100 * spread.sd:.1f} points")
    return data(spread.sd, f"{spread.sd:.3f}")


def _chart(run: RunView, title: str, spread: ReplicateSpread) -> Markup:
    if not spread.mean.known:
        return NOTHING
    label = f"{title}: each training with its interval over facts, and the mean with its interval over trainings"
    return chart(over_trainings(spread, CHARTS[title], run.unit), label, height=80 + 34 * (1 + spread.mean.n))
