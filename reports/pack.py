"""Data for the page's scripts: columns as JSON, numbers as scaled whole numbers, the whole gzipped. Read by sections.

A block stands on the page as `<script type="application/gzip" id="data-NAME">`, base64: a data block, which no
browser runs. `data.js` opens it. Fifty thousand rows of eight models take about a megabyte this way.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import polars as pl
from markupsafe import Markup

SCALE = 10_000
"""Numbers are kept to four decimals."""
Kind = Literal["text", "long", "filter", "set", "number", "count", "probability"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table on the page.

    `kind`: `text`, `long` (wide text), `filter` (text with few values: gets a menu), `set` (several of few values,
    a list in the frame), `number` (nats or such), `count` (a whole number), `probability` (kept to three
    significant digits: small ones are what matters).
    """

    key: str
    title: str
    kind: Kind
    shown: bool = True
    """Whether it is there before a person chooses columns."""
    about: str = ""
    """What it holds, where the title does not say."""
    width: float = 0.0
    """In em; by default the kind's."""


def packed(name: str, value: Any) -> Markup:
    """Return the block `data-NAME`; the same value gives the same bytes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return block(f"data-{name}", text)


Made = TypeVar("Made")
_kept: dict[str, tuple[weakref.ref[pl.DataFrame], Any]] = {}


def memoize(name: str, frame: pl.DataFrame, make: Callable[[], Made]) -> Made:
    """Return what `make` makes of `frame`, kept for the last frame of each name: more than one section asks for it."""
    if name not in _kept or _kept[name][0]() is not frame:
        _kept[name] = weakref.ref(frame), make()
    made: Made = _kept[name][1]
    return made


def block(identifier: str, text: str) -> Markup:
    """Return any text as a compressed data block."""
    encoded = base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)).decode()
    return Markup('<script type="application/gzip" id="{}">{}</script>').format(identifier, Markup(encoded))


def finite(series: pl.Series) -> list[float | None]:
    """Return numbers; what is not finite becomes None."""
    values = series.cast(pl.Float64).to_list()
    return [value if value is not None and math.isfinite(value) else None for value in values]


def scaled(values: Any, scale: int = SCALE) -> list[int | None]:
    """Return numbers times `scale`, rounded to whole ones; what is not finite becomes None."""
    array = np.asarray(pl.Series(values, dtype=pl.Float64, strict=False).to_numpy(), dtype=np.float64)
    whole = np.isfinite(array)
    rounded = np.rint(np.where(whole, array, 0.0) * scale).astype(np.int64)
    return [value if there else None for value, there in zip(rounded.tolist(), whole.tolist(), strict=True)]


def codes(values: Iterable[str | None]) -> tuple[list[str], list[int]]:
    """Return distinct strings in order of appearance, and each value's place among them; -1 for None."""
    places: dict[str, int] = {}
    coded = [-1 if value is None else places.setdefault(value, len(places)) for value in values]
    return list(places), coded


def table(frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, Any]:
    """Return `columns` of `frame` as `table.js` reads them: numbers scaled, texts as codes into their `words`."""
    out = []
    for column in columns:
        described: dict[str, Any] = {"key": column.key, "title": column.title, "kind": column.kind}
        described |= {"shown": column.shown, "about": column.about, "width": column.width}
        series = frame[column.key]
        if column.kind == "number":
            described |= {"scale": SCALE, "values": scaled(series)}
        elif column.kind == "probability":
            described |= {"scale": 1, "values": [None if p is None else float(f"{p:.3g}") for p in finite(series)]}
        elif column.kind == "count":
            described |= {"scale": 1, "values": series.cast(pl.Int64).to_list()}
        elif column.kind == "set":
            words, values = codes(word for row in series.to_list() for word in row or ())
            ends = np.cumsum([len(row or ()) for row in series.to_list()]).tolist()
            described |= {"words": words, "values": _split(values, ends)}
        else:
            words, values = codes(series.cast(pl.String).to_list())
            described |= {"words": words, "values": values}
        out.append(described)
    return {"rows": frame.height, "columns": out}


def _split(values: list[int], ends: list[int]) -> list[list[int]]:
    return [values[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
