"""Measures: from what was read of the items to a value for each row; those of this package, then registered ones.

A package offers a measure of its own in its pyproject.toml, under `[project.entry-points."knowshift.measures"]`, as
`"name" = "module:MEASURE"`, where MEASURE is a `Measure`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...plugins import load, registered
from ..analysis.ladder import nanmean
from ..analysis.resample import Array
from .rows import Reading

GROUP = "knowshift.measures"
TOP = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to measure of a tuned model beside its base; for R rows and L layers."""

    name: str
    read: Callable[[Reading], Array]
    """Values [R], or [R, 1 + L] where it can be read by layer: the model's own, then each layer's; NaN: none."""
    means: str
    """What it is, in a line."""
    unit: str = ""
    """Empty: the run's, such as nats/token."""
    items: tuple[str, ...] = ("facts", "terms")
    by_layer: bool = False
    lens: bool = False
    """Whether it needs a run that read layers."""
    predictor: Callable[[Reading], Array] | None = None
    """Where given, [R]: what a robust line over the other specialties predicts the values from; its residual counts."""


def _gain(reading: Reading) -> Array:
    return reading.tuned[:, 0] - reading.base[:, 0]


def _wrong(reading: Reading) -> Array:
    gain = reading.tuned - reading.base
    return nanmean(np.where(reading.like[..., None], gain, np.nan), 1)


def _margin(reading: Reading) -> Array:
    return _gain(reading) - _wrong(reading)


def _beaten(values: Array, like: NDArray[np.bool_]) -> Array:
    """Whether the true answer [R, candidates] comes before all wrong ones of like length; a tie does not."""
    best: Array = (np.where(like, values, -np.inf) < values[:, :1]).all(1).astype(np.float64)
    return best


def _accuracy(reading: Reading) -> Array:
    known = [_beaten(values, reading.like) for values in (reading.base_nats, reading.tuned_nats)]
    return known[1] - known[0]


def _entropy(reading: Reading) -> Array:
    """Of the model's distribution over a fact's candidates."""

    def entropy(values: Array) -> Array:
        held = np.concatenate([values[:, :1], np.where(reading.like, values, -np.inf)[:, 1:]], axis=1)
        share = np.exp(held - held.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        nats: Array = np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0).sum(1)
        return -nats

    return entropy(reading.tuned_nats) - entropy(reading.base_nats)


def _rank(reading: Reading) -> Array:
    base, tuned = reading.ranks()
    change = nanmean(np.log1p(tuned), 1) - nanmean(np.log1p(base), 1)
    return np.concatenate([change[:, -1:], change], axis=1)


def _first_top(reading: Reading) -> Array:
    numbers = np.array([*reading.layers, reading.layers[-1] + 1], dtype=np.float64)

    def first(ranks: Array) -> Array:
        inside = np.concatenate([ranks < TOP, np.ones((*ranks.shape[:2], 1), dtype=bool)], axis=2)
        return nanmean(np.where(np.isfinite(ranks[..., 0]), numbers[inside.argmax(2)], np.nan), 1)

    base, tuned = reading.ranks()
    return first(tuned) - first(base)


BUILT_IN = (
    Measure("gain", _gain, "gain of the true answer, or of the term", by_layer=True),
    Measure("wrong answers", _wrong, "mean gain of a fact's wrong answers", items=("facts",), by_layer=True),
    Measure("margin", _margin, "gain of the true answer on the wrong ones", items=("facts",), by_layer=True),
    Measure(
        "specific knowledge",
        lambda reading: reading.margins()[1],
        "centred margin beyond what the other specialties' line predicts from the base's",
        items=("facts",),
        predictor=lambda reading: reading.margins()[0],
    ),
    Measure(
        "accuracy",
        _accuracy,
        "change in whether the true answer ranks first among its candidates",
        "share of facts",
        ("facts",),
    ),
    Measure("entropy", _entropy, "change of the entropy over a fact's candidates", "nats", ("facts",)),
    Measure(
        "rank",
        _rank,
        "change of log(1 + rank) of the target's first token in the vocabulary; 0 is the best rank",
        "log rank",
        by_layer=True,
        lens=True,
    ),
    Measure(
        f"layer of first top-{TOP}",
        _first_top,
        f"change of the first layer at which the target's first token is among the {TOP} likeliest; "
        "never counts as one past the last",
        "layers",
        lens=True,
    ),
)


def measures() -> dict[str, Measure]:
    """Every measure by name, this package's first. Raises `UsageError` where another package's cannot be loaded."""
    found = {measure.name: measure for measure in BUILT_IN}
    for name, point in registered(GROUP).items():
        loaded = load(point, f"measure {name}", UsageError, Measure)
        found.setdefault(loaded.name, loaded)
    return found
