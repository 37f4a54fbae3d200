"""What is read of one model beside its base, a row an item (or wording), and the columns that groups are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...terms.items import Item
from ..analysis.centring import centre
from ..analysis.ladder import nanmean, text_clusters
from ..analysis.ledger import thirds
from ..analysis.pair import ModelPair
from ..analysis.resample import Array, Clusters
from ..analysis.scores import Pair, Scores
from .material import LoadedRun

STAGES = ("early", "middle", "late")
"""Thirds of a model's depth."""
BANDS = ("rare", "some", "frequent")
"""Of a concept in the domain's texts: 1 mention, 2 to 4, more."""
_BAND_EDGES = (1, 4)
_BOTH = {
    "group": "own, other or general",
    "specialty": "its specialties",
    "concept": "what it is about",
    "name": "the true answer; the concept's name",
    "tokens": "how many tokens the target has",
    "base": "log-probability of the target in the base, in the run's unit",
    "stratum": "third of what the base knew: low, middle, high (facts: its centred margin; terms: `base`)",
    "seen": "in training: exact, together, no (facts); text, name, no (terms)",
    "layer": "number of the layer, from 0",
    "depth": "of the layer, from 0 to 1",
    "stage": "early, middle or late third of the depth",
}
COLUMNS: dict[str, dict[str, str]] = {
    "facts": {
        **_BOTH,
        "relation": "the fact's relation",
        "known": "whether the base knows the fact: its true answer leads, wordings averaged",
        "wording": "what the cue is called, else its number from 1; a row is then a cue",
    },
    "terms": {
        **_BOTH,
        "kind": "term, or word of a general text",
        "types": "semantic types of the concept",
        "document": "the text that it stands in",
        "frequency": "mentions of the concept in all texts of the domain",
        "band": "rare (1 mention), some (2 to 4), frequent",
    },
}
"""Columns of the items, and what they hold."""
BY_LAYER = ("layer", "depth", "stage")
"""Columns that are there where layers are read."""


@dataclass(frozen=True)
class Reading:
    """One model beside its base; R rows, L layers. A fact's first candidate is true; a term has one alone."""

    items: list[Item]
    """[R]"""
    group: NDArray[np.str_]
    """[R]"""
    cue: NDArray[np.int64]
    """[R] the wording; -1 where wordings are averaged."""
    place: NDArray[np.int64]
    """[R] among the model's usable facts, or terms."""
    like: NDArray[np.bool_]
    """[R, candidates] wrong answers of like length."""
    base: Array
    """[R, candidates, 1 + L] log-probability in the run's unit: the model's own, then by layer."""
    tuned: Array
    base_nats: Array
    """[R, candidates] of whole targets."""
    tuned_nats: Array
    tokens: Array
    """[R] of the target in the base."""
    layers: tuple[int, ...]
    """[L] numbers."""
    clusters: Clusters
    """Concepts crossed with true answers (facts) or documents (terms)."""
    unit: str
    seed: int
    _model: ModelPair
    _tables: tuple[pa.Table, pa.Table]

    def margins(self) -> tuple[Array, Array]:
        """Centred margins [R] of a fact in base and tuned (`probes.analysis.centring`)."""
        model = self._model
        if (self.cue < 0).all():
            return model.centred.margins()
        shape = len(model.gains.index), model.facts.base.logprob.shape[1]
        out = np.full((2, len(self.items)), np.nan)
        for cue in np.unique(self.cue):
            asked = np.broadcast_to(np.arange(shape[1]) == cue, shape)
            here = self.cue == cue
            out[:, here] = np.stack(centre(model.facts, model.gains, asked).margins())[:, self.place[here]]
        return out[0], out[1]

    def ranks(self) -> tuple[Array, Array]:
        """[R, wordings, L] of the target's first token in base and tuned: tokens with a higher logit; NaN: no cue."""
        return _ranks(self._tables[0], self.items, self.cue), _ranks(self._tables[1], self.items, self.cue)


def _ranks(table: pa.Table, items: list[Item], cue: NDArray[np.int64]) -> Array:
    true = table.filter(pa.array(table["role"].to_numpy() == 0))
    lists = true["rank"].combine_chunks()
    if lists.null_count:
        return np.full((len(items), 1, 0), np.nan)
    ranks = lists.flatten().to_numpy().reshape(len(true), -1).astype(np.float64)
    row = dict(zip(zip(true["item"].to_pylist(), true["cue"].to_pylist(), strict=True), range(len(true)), strict=True))
    width = 1 if (cue >= 0).all() else max((len(item.cues) or 1 for item in items), default=1)
    out = np.full((len(items), width, ranks.shape[1]), np.nan)
    for i, item in enumerate(items):
        for place, number in enumerate([cue[i]] if cue[i] >= 0 else range(len(item.cues) or 1)):
            if (found := row.get((item.id, int(number)))) is not None:
                out[i, place] = ranks[found]
    return out


def read_facts(run: LoadedRun, name: str, by_wording: bool) -> Reading:
    """The facts that can be used; an item's wordings averaged, or (with `by_wording`) a row each."""
    model, material = run.models[name], run.inputs
    pair, index = model.facts, model.gains.index
    asked = np.isfinite(pair.base.logprob[index, :, 0])  # [N, cues]
    fact, cue = np.nonzero(asked) if by_wording else (np.arange(len(index)), np.full(len(index), -1))

    def rows(values: Array) -> Array:
        return values[index[fact], cue] if by_wording else nanmean(values[index], 1)

    base, tuned = (rows(_with_layers(scores, pair)) for scores in (pair.base, pair.tuned))
    tokens = nanmean(pair.base.tokens[index, :, 0], 1)
    clusters = model.gains.clusters
    return Reading(
        [pair.items[i] for i in index[fact]],
        model.fact_groups[fact],
        cue.astype(np.int64),
        fact,
        model.gains.like[fact],
        base,
        tuned,
        rows(pair.base.logprob),
        rows(pair.tuned.logprob),
        tokens[fact],
        run.layers if base.shape[2] > 1 else (),
        clusters.part(fact),
        pair.unit,
        model.seed,
        model,
        (material.base, material.tuned[name]),
    )


def read_terms(run: LoadedRun, name: str) -> Reading:
    """Terms in running text and, as `general`, content words of the general texts."""
    model, material = run.models[name], run.inputs
    pair = model.texts
    base, tuned = (_with_layers(scores, pair)[:, None] for scores in (pair.base, pair.tuned))
    rows = len(pair.items)
    return Reading(
        list(pair.items),
        model.text_groups,
        np.full(rows, 0),
        np.arange(rows),
        np.zeros((rows, 1), dtype=bool),
        base,
        tuned,
        pair.base.logprob[:, None],
        pair.tuned.logprob[:, None],
        pair.base.tokens,
        run.layers if base.shape[2] > 1 else (),
        text_clusters(pair),
        pair.unit,
        model.seed,
        model,
        (material.base, material.tuned[name]),
    )


def _with_layers(scores: Scores, pair: Pair) -> Array:
    """S + [1 + L]; no layers where not both models were read there."""
    own = scores.value(pair.per)[..., None]
    layers = scores.at_layers(pair.per) if pair.gain_at_layers() is not None else None
    return own if layers is None else np.concatenate([own, layers], axis=-1)


def columns(run: LoadedRun, name: str, items: str, reading: Reading) -> dict[str, list[Any]]:
    """The columns [R] that `COLUMNS` names for these items, but those of layers."""
    model, seen = run.models[name], run.seen(name)
    base = reading.base[:, 0, 0]
    out: dict[str, list[Any]] = {
        "group": [str(group) or None for group in reading.group],
        "specialty": [item.specialties for item in reading.items],
        "concept": [item.concept for item in reading.items],
        "name": [item.name for item in reading.items],
        "tokens": reading.tokens.tolist(),
        "base": base.tolist(),
    }
    if items == "facts":
        margin = dict(zip((item.id for item in model.items), model.centred.margins()[0].tolist(), strict=True))
        values = np.array([margin[item.id] for item in reading.items])
        states = dict(model.fact_frame.select("item", "state").iter_rows())
        return out | {
            "stratum": _third(values, np.isin(reading.group, ["own", model.reference])),
            "seen": [seen.get(item.id) for item in reading.items],
            "relation": [item.relation for item in reading.items],
            "known": [states[item.id] in ("kept", "lost") for item in reading.items],
            "wording": [_wording(item, cue) for item, cue in zip(reading.items, reading.cue.tolist(), strict=True)],
        }
    counts = [run.frequency[item.concept] for item in reading.items]
    term = np.array([item.kind == "term" for item in reading.items], dtype=bool)
    return out | {
        "stratum": _third(base, term),
        "seen": [seen.get(item.concept) if item.kind == "term" else None for item in reading.items],
        "kind": [item.kind for item in reading.items],
        "types": [item.types for item in reading.items],
        "document": [item.document for item in reading.items],
        "frequency": counts,
        "band": [BANDS[sum(count > edge for edge in _BAND_EDGES)] for count in counts],
    }


def _third(values: Array, among: NDArray[np.bool_]) -> list[str | None]:
    return [str(name) or None for name in thirds(values, among)[0]]


def _wording(item: Item, cue: int) -> str | None:
    if cue < 0:
        return None
    return item.wordings[cue] if item.wordings else str(cue + 1)


@dataclass(frozen=True)
class Rows:
    """What a hypothesis is tested on; K rows, each of one item, wording and layer."""

    values: Array
    """[K]"""
    columns: dict[str, list[Any]]
    clusters: Clusters
    unit: str
    predictor: Array | None = None
    """[K]; see `Measure.predictor`."""
    reference: NDArray[np.bool_] | None = None
    """[K] rows that the predictor's line is fitted on."""


def at_layers(values: Array, layers: tuple[int, ...], wanted: Iterable[str | int]) -> list[tuple[int, dict[str, Any]]]:
    """Places in the last axis of `values` [R, 1 + L] that are wanted, each with the columns that a layer gives."""
    wanted, depth = set(wanted), layers[-1] + 1 if layers else 1
    found = []
    for place, layer in enumerate(layers, 1):
        share = (layer + 1) / depth
        stage = STAGES[sum(share > edge + 1e-9 for edge in (1 / 3, 2 / 3))]
        if wanted & {"all", stage, layer}:
            found.append((place, {"layer": layer, "depth": share, "stage": stage}))
    return found
