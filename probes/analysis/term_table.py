"""Terms one by one: a table of each model's concepts, with one correction over all tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from .resample import benjamini_hochberg
from .scores import Pair


def term_tables(tables: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return the models' `term_table`s with q for p: Benjamini and Hochberg's over all rows of all models."""
    q = pl.Series("q", benjamini_hochberg([p for table in tables for p in table["p"].fill_null(np.nan)]), pl.Float64)
    ends = np.cumsum([len(table) for table in tables])
    return [
        table.drop("p").insert_column(table.columns.index("p"), q[end - len(table) : end].fill_nan(None))
        for table, end in zip(tables, ends, strict=True)
    ]


def term_table(model: str, texts: Pair, seen: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Return a row a concept, in nats per unit: count, tokens, both log-probabilities, gain, t interval, effect, p.

    `effect` is the gain over its standard deviation between mentions; `seen` says how a concept stood in the training
    data (null where that was not given).
    Intervals and p are over mentions.
    """
    terms = [index for index, item in enumerate(texts.items) if item.kind == "term"]
    frame = pl.DataFrame(
        {
            "concept": [texts.items[i].concept for i in terms],
            "name": [texts.items[i].name for i in terms],
            "types": [list(texts.items[i].types) for i in terms],
            "specialties": [list(texts.items[i].specialties) for i in terms],
            "tokens": texts.base.tokens[terms],
            "base_logprob": texts.base.value(texts.per)[terms],
            "tuned_logprob": texts.tuned.value(texts.per)[terms],
        },
        schema_overrides={"types": pl.List(pl.String), "specialties": pl.List(pl.String)},
    ).with_columns(gain=pl.col("tuned_logprob") - pl.col("base_logprob"))
    table = (
        frame.group_by("concept", maintain_order=True)
        .agg(
            pl.first("name", "types", "specialties"),
            pl.len().alias("count"),
            pl.mean("tokens", "base_logprob", "tuned_logprob", "gain"),
            pl.std("gain").alias("sd"),
        )
        .with_columns(model=pl.lit(model))
    )
    how = [seen.get(concept, "no") if seen is not None else None for concept in table["concept"]]
    return _with_intervals(table).with_columns(seen=pl.Series(how, dtype=pl.String))


def _with_intervals(table: pl.DataFrame) -> pl.DataFrame:
    count, gain, sd = (table[name].to_numpy().astype(np.float64) for name in ("count", "gain", "sd"))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(count > 1, sd / np.sqrt(count), np.nan)
        degrees = np.maximum(count - 1, 1)
        half = stats.t.ppf(0.975, degrees) * error
        p: NDArray[np.float64] = np.where(error > 0, 2 * stats.t.sf(np.abs(gain / error), degrees), np.nan)
        effect = np.where(sd > 0, gain / sd, np.nan)
    columns = {"low": gain - half, "high": gain + half, "effect": effect, "p": p}
    order = ("model", "concept", "name", "types", "specialties", "count", "tokens", "base_logprob", "tuned_logprob")
    return table.with_columns(**{k: pl.Series(v).fill_nan(None) for k, v in columns.items()}).select(
        *order, "gain", "low", "high", "effect", "p"
    )
