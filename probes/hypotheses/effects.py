"""One hypothesis on one model: the rows that it rests on, its groups among them, and the tests of its effect."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ..analysis.resample import DRAWS, Array
from ..results.hypotheses import GroupSize
from .contrast import Means, Regression, coefficients, regression
from .decide import Tested, drawn, tested
from .files import Hypothesis
from .material import LoadedRun
from .rows import Reading, Rows, at_layers, columns, read_facts, read_terms


class Untestable(Exception):
    """Why one model cannot say anything to a hypothesis; the message is what a person reads."""


def rows_of(hypothesis: Hypothesis, run: LoadedRun, model: str) -> Rows:
    """The rows that a hypothesis rests on. Raises `Untestable`."""
    facts = hypothesis.items == "facts"
    reading = read_facts(run, model, "wording" in hypothesis.columns) if facts else read_terms(run, model)
    if not reading.items:
        raise Untestable(f"the run has no {hypothesis.items} that can be used; name the other items, or another run")
    if not reading.layers and (hypothesis.layers or hypothesis.measure.lens):
        what = "`layers`" if hypothesis.layers else f"the measure {hypothesis.measure.name}"
        raise Untestable(f"{what} needs layers, and none were read of {model}; compare again with --lens raw")
    with np.errstate(invalid="ignore", divide="ignore"):  # an early layer may overflow; it is then left out
        values = np.asarray(hypothesis.measure.read(reading), dtype=np.float64)
    shapes = [(len(reading.items),), (len(reading.items), 1 + len(reading.layers))]
    if values.shape not in shapes:
        raise UsageError(
            f"{hypothesis.place}: the measure {hypothesis.measure.name} gave values of shape {values.shape}, expected "
            f"{' or '.join(map(str, shapes))}; mend the measure"
        )
    named = columns(run, model, hypothesis.items, reading)
    if not hypothesis.layers:
        return _plain(hypothesis, run, model, reading, values if values.ndim == 1 else values[:, 0], named)
    places = at_layers(values, reading.layers, hypothesis.layers)
    if not places:
        shown = ", ".join(map(str, reading.layers))
        raise Untestable(f"none of the layers {list(hypothesis.layers)} was read; the run has {shown}")
    for column in ("layer", "depth", "stage"):
        named[column] = [found[column] for _, found in places for _ in reading.items]
    wide = {
        name: column if len(column) > len(reading.items) else column * len(places) for name, column in named.items()
    }
    again = np.tile(np.arange(len(reading.items)), len(places))
    unit = hypothesis.measure.unit or reading.unit
    return Rows(np.concatenate([values[:, place] for place, _ in places]), wide, reading.clusters.part(again), unit)


def _plain(
    hypothesis: Hypothesis, run: LoadedRun, model: str, reading: Reading, values: Array, named: dict[str, list[Any]]
) -> Rows:
    measure = hypothesis.measure
    unit = measure.unit or reading.unit
    if measure.predictor is None:
        return Rows(values, named, reading.clusters, unit)
    reference = reading.group == run.models[model].reference
    return Rows(values, named, reading.clusters, unit, measure.predictor(reading), reference)


def effect(hypothesis: Hypothesis, rows: Rows, seed: int, draws: int = DRAWS) -> tuple[Tested, dict[str, GroupSize]]:
    """Return the tests of one hypothesis on its rows, and the size of each group. Raises `Untestable`."""
    held = np.isfinite(rows.values) & (True if rows.predictor is None else np.isfinite(rows.predictor))
    groups = {name: held & _matching(condition, rows.columns) for name, condition in hypothesis.groups.items()}
    for name, mask in groups.items():
        if not mask.any():
            raise Untestable(_empty(hypothesis, name, rows))
    if hypothesis.formula is None:
        weights = coefficients(hypothesis.contrast, groups, hypothesis.place)
        of = [groups[name] for name in weights]
        kept = np.any(of, axis=0)
        if rows.reference is not None:
            kept |= rows.reference & held
        contrast: Means | Regression = Means(np.array(list(weights.values())), np.stack(of)[:, kept])
    else:
        design, full = regression(hypothesis.formula, hypothesis.contrast, rows.columns, groups, hypothesis.place)
        contrast, kept = Regression(design.weights, design.design[held[full]]), held & full
        if design.design.shape[1] > kept.sum():
            raise Untestable(f"the formula gives {design.design.shape[1]:,} columns to {kept.sum():,} rows; drop some")
        of = [mask & kept for mask in groups.values()]
    reference = None
    if rows.reference is not None:
        reference = (rows.reference & held)[kept]
        if reference.sum() < 3:
            raise Untestable("too few facts of other specialties to fit the line on")
        of.append(rows.reference & held)
    fewest, n = rows.clusters.fewest(*of), min(rows.clusters.concepts(mask) for mask in of)
    result = drawn(
        contrast,
        rows.values[kept],
        rows.clusters.part(kept),
        fewest,
        seed,
        None if rows.predictor is None else rows.predictor[kept],
        reference,
        draws,
    )
    missing = "the line cannot be fitted: the other specialties' margins do not vary"
    if hypothesis.formula is not None:
        missing = "the formula's columns determine one another; drop one of them"
    sizes = {
        name: GroupSize(rows=int(mask.sum()), concepts=rows.clusters.concepts(mask)) for name, mask in groups.items()
    }
    return tested(result, hypothesis.direction, hypothesis.smallest, n, rows.unit, missing), sizes


def _matching(condition: Any, columns: dict[str, list[Any]]) -> NDArray[np.bool_]:
    """Rows for which every column is as asked."""
    kept = [[_is(value, wanted) for value in columns[name]] for name, wanted in condition.items()]
    rows: NDArray[np.bool_] = np.all(kept, axis=0)
    return rows


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        if "not" in wanted and (value is None or _is(value, wanted["not"])):
            return False
        ends = wanted.get("from"), wanted.get("to")
        if ends == (None, None):
            return True
        number = isinstance(value, int | float) and value == value
        return number and (ends[0] is None or value >= ends[0]) and (ends[1] is None or value <= ends[1])
    if isinstance(wanted, list):
        return any(_is(value, one) for one in wanted)
    return wanted in value if isinstance(value, tuple) else value is not None and value == wanted


def _empty(hypothesis: Hypothesis, name: str, rows: Rows) -> str:
    """Which column leaves a group empty, and what it holds."""
    condition = hypothesis.groups[name]
    alone = [column for column, wanted in condition.items() if not _matching({column: wanted}, rows.columns).any()]
    if not alone:
        return f"group {name} is empty: no row meets {dict(condition)} and has the measure; loosen it"
    values = {one for value in rows.columns[alone[0]] for one in (value if isinstance(value, tuple) else (value,))}
    known = sorted(map(str, values - {None}))
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "") or "nothing in this run"
    return f"group {name} is empty: no row has {alone[0]} = {condition[alone[0]]!r}; {alone[0]} holds {shown}"
