"""Which places of terms stand on the page, and what each model said there. Read by the sections contexts and layers.

A run may hold fifty thousand places; the page carries as many as its budget of characters and numbers allows: first
one of each term, then a second of each, and so on, drawn by the run's seed. All of them stay in the run's parquet.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from .pack import SCALE, codes, scaled
from .run_view import RunView

LENS_SCALE = 1000
"""What a token was given is kept to three decimals."""
LAYER_SCALE = 100
"""Layers, the most numbers of a page, to two; a tuned model's as what it adds to the base's."""
TOP_RANK = 99_999
"""Ranks are kept to here."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What contexts may take on a page."""

    characters: int = 1_200_000
    """Of distinct passages."""
    scores: int = 320_000
    """A place of a model is one."""
    layers: int = 450_000
    """Log-probability or rank of a place, a model and a layer."""
    readings: int = 200_000
    """Numbers of whole passages read token by token."""

    def times(self, share: float) -> Budget:
        return Budget(*(int(share * getattr(self, field.name)) for field in fields(self)))


def choose_contexts(run: RunView, budget: Budget | None = None) -> dict[str, Any]:
    """Return what `contexts.js` and `layers.js` show; without places, or without their scores, `shown` is 0."""
    budget = budget or Budget()
    models, depth = ["", *run.models], len(run.result.layer_numbers)
    scored = run.scores("", ["item"]) if run.places.height else None
    places = run.places.clear() if scored is None else run.places.join(scored.unique(), "item", "semi")
    chosen = _choose(run, places, budget, len(models))
    tables = [_scores(run, model, chosen["item"]) for model in models] if chosen.height else []
    out: dict[str, Any] = {
        "places": places.height,
        "models": models,
        "layers": list(run.result.layer_numbers),
        "text": run.text,
        "unit": run.unit,
    }
    if not tables or tables[0] is None:
        return out | {"shown": 0}
    passages = chosen.select("document", "begin", "passage").unique(maintain_order=True)
    place = {key: k for k, key in enumerate(passages.select("document", "begin").iter_rows())}
    concepts, concept = codes(chosen["concept"])
    base = tables[0]
    layered = min(chosen.height, budget.layers // max(1, 2 * depth * len(models)))
    return out | {
        "shown": chosen.height,
        "scale": SCALE,
        "lensScale": LENS_SCALE,
        "layerScale": LAYER_SCALE,
        "passages": {"text": passages["passage"].to_list(), "document": passages["document"].to_list()},
        "begin": passages["begin"].to_list(),
        "concepts": concepts,
        "concept": concept,
        "passage": [place[key] for key in chosen.select("document", "begin").iter_rows()],
        "start": chosen["start"].to_list(),
        "end": chosen["end"].to_list(),
        "tokens": base["tokens"].to_list(),
        "scores": [None if one is None else scaled(one["logprob"]) for one in tables],
        "layered": layered if depth else 0,
        "lens": _differences([_flat(one, "lens", layered, depth) for one in tables]),
        "rank": _differences([_flat(one, "rank", layered, depth) for one in tables]),
        "readings": _readings(run, models, place, budget.readings),
    }


def _choose(run: RunView, places: pl.DataFrame, budget: Budget, models: int) -> pl.DataFrame:
    """Return those of `places` that the budget allows, in the order in which they were drawn."""
    if not places.height:
        return places
    luck = [hashlib.sha256(f"{run.result.seed}\0{item}".encode()).digest()[:8] for item in places["item"]]
    read = run.readings.select("document", "begin").unique().with_columns(_read=True)
    frame = places.with_columns(_luck=pl.Series(luck, dtype=pl.Binary))
    if read.height:
        frame = frame.join(read, ["document", "begin"], "left").with_columns(pl.col("_read").fill_null(False))
    else:
        frame = frame.with_columns(_read=False)
    by = [pl.col("_read"), pl.col("_luck")]
    frame = frame.sort("concept", *by, descending=[False, True, False])
    frame = frame.with_columns(_round=pl.int_range(pl.len()).over("concept"))
    frame = frame.sort("_round", *by, descending=[False, True, False])
    new = pl.struct("document", "begin").is_first_distinct() | (not run.text)
    cost = pl.when(new).then(pl.col("passage").str.len_chars()).otherwise(0).cum_sum()
    allowed = frame.filter(cost <= budget.characters).head(budget.scores // models)
    return allowed.select(places.columns)


def _scores(run: RunView, model: str, items: pl.Series) -> pl.DataFrame | None:
    """Return the score rows of `items`, in their order, null where the model has none."""
    table = run.scores(model, ["item", "tokens", "logprob", "lens", "rank"])
    if table is None:
        return None
    return pl.DataFrame({"item": items}).join(table.unique("item", keep="first"), "item", "left", maintain_order="left")


def _flat(table: pl.DataFrame | None, column: str, rows: int, layers: int) -> list[int | None] | None:
    """Join the lists of the first `rows` rows; None where no layers were read."""
    if table is None or not layers or table[column].dtype != pl.List:
        return None
    lists = table[column].head(rows)
    width = lists.list.len().fill_null(0)
    if not rows or not (width == layers).any():
        return None
    nothing: list[float | None] = [None] * layers
    every = [
        value
        for row, ok in zip(lists.to_list(), (width == layers).to_list(), strict=True)
        for value in (row if ok else nothing)
    ]
    return _ranks(every) if column == "rank" else scaled(every, LAYER_SCALE)


def _differences(models: list[list[int | None] | None]) -> list[list[int | None] | None]:
    """Return the base's list as it is, the others less it: small numbers take little room."""
    base, *rest = models
    return models if base is None else [base, *(one and _subtract(one, base) for one in rest)]


def _subtract(values: list[int | None], base: list[int | None]) -> list[int | None]:
    return [None if one is None or of is None else one - of for one, of in zip(values, base, strict=True)]


def _ranks(values: list[Any]) -> list[int | None]:
    return [None if value is None else min(int(value), TOP_RANK) for value in values]


def _readings(run: RunView, models: list[str], place: dict[tuple[Any, ...], int], budget: int) -> dict[str, Any]:
    """Return the passages on the page whose every token was read, by model, within the budget."""
    rows: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in run.readings.iter_rows(named=True):
        if (key := (row["document"], row["begin"])) in place:
            rows.setdefault(key, {})[row["model"]] = row
    words: dict[str, int] = {}
    depth = len(run.result.layer_numbers)
    passages, spent = [], 0
    for key in sorted(rows, key=lambda key: place[key]):
        by_model = rows[key]
        numbers = sum(len(row["starts"]) * (7 + 2 * depth) for row in by_model.values())
        if "" not in by_model or spent + numbers > budget:
            continue
        spent += numbers
        spans = by_model[""]["starts"], by_model[""]["ends"]
        # Another tokenizer's tokens are others: they cannot stand under these.
        alike = {model for model, row in by_model.items() if (row["starts"], row["ends"]) == spans}
        read = [_reading(by_model[model], words) if model in alike else {} for model in models]
        for one in read[1:]:
            for grid in ("lens", "lensRank") if one else ():
                # None where a model of other layers was read at its end alone.
                base = read[0][grid] if one[grid] else []
                one[grid] = [_subtract(row, before) for row, before in zip(one[grid], base, strict=True)]
        passages.append({"passage": place[key], "starts": spans[0], "ends": spans[1], "models": read})
    return {"passages": passages, "words": list(words)}


def _reading(row: dict[str, Any], words: dict[str, int]) -> dict[str, Any]:
    def layers(grid: Any) -> list[Any]:
        return grid if grid is not None else []

    return {
        "logprob": scaled(row["logprob"], LENS_SCALE),
        "rank": _ranks(row["rank"]),
        "top": [[words.setdefault(word, len(words)) for word in top or ()] for top in row["top"]],
        "topLogprob": [scaled(one or [], LAYER_SCALE) for one in row["top_logprob"]],
        "lens": [scaled(one, LAYER_SCALE) for one in layers(row["lens"])],
        "lensRank": [_ranks(one) for one in layers(row["lens_rank"])],
    }
