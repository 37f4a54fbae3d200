"""One checkpoint's score table as arrays over items. Read by the ladder, the ledger and every other probe.

Facts are laid out as [facts, cues, candidates] with NaN where a fact has fewer; terms and words as [items].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import ItemError
from ...terms.items import Item, Kind
from ..results.rungs import UNITS, Per

Array = NDArray[np.float64]
Place = tuple[NDArray[np.int64], ...]
COLUMNS = ("item", "cue", "role", "tokens", "characters", "logprob", "token_logprobs", "tempered", "lens")
"""Columns of a score table that statistics read."""


def require_finite(table: pa.Table, model: str) -> pa.Table:
    """Return the table. Raises `ItemError` where a log-probability is NaN or infinite: no figure could be right."""
    for column in ("logprob", "tempered"):
        values = table[column].combine_chunks()
        flat = values.flatten() if pa.types.is_list(values.type) else values
        broken = np.flatnonzero(~np.isfinite(flat.to_numpy(zero_copy_only=False)))
        if len(broken):
            row = int(broken[0]) * len(values) // len(flat)
            raise ItemError(
                f"{model}: item {table['item'][row].as_py()} has a log-probability of {flat[int(broken[0])].as_py()} "
                f"({len(broken)} such values), expected finite nats; the weights or the dtype overflow: "
                "score with --dtype float32, and if it stays, the model's weights are damaged"
            )
    return table


def _nested(column: pa.ChunkedArray, rows: int) -> Array | None:
    """A list column of equal lengths as [rows, length]; None where it holds nulls."""
    array = column.combine_chunks()
    if array.null_count or not rows:
        return None
    return np.asarray(array.flatten(), dtype=np.float64).reshape(rows, -1)


@dataclass(frozen=True)
class Scores:
    """Log-probabilities (nats, summed over a target's tokens) of one checkpoint, in places given by `shape`.

    Shapes below: S is `[facts, cues, candidates]` or `[items]`.
    """

    items: tuple[Item, ...]
    logprob: Array
    """S"""
    tokens: Array
    """S"""
    characters: Array
    """S"""
    tempered: Array
    """S + [temperatures]"""
    lens: Array | None
    """S + [layers]"""
    first: Array
    """S: of the target's first token alone."""

    def length(self, per: Per) -> Array:
        """What a string's log-probability is divided by."""
        if per == "target":
            return np.ones_like(self.logprob)
        return self.tokens if per == "token" else self.characters

    def value(self, per: Per) -> Array:
        """Log-probability in `per`'s unit, S."""
        return self.logprob / self.length(per)

    def at_layers(self, per: Per) -> Array | None:
        """Lens log-probability in `per`'s unit, S + [layers]."""
        return None if self.lens is None else self.lens / self.length(per)[..., None]


def _first(column: pa.ChunkedArray) -> Array:
    """The first number of each list."""
    array = column.combine_chunks()
    begin = array.offsets.to_numpy()[:-1] - array.offsets[0].as_py()
    first: Array = array.flatten().to_numpy().astype(np.float64)[begin]
    return first


def _scatter(
    table: pa.Table, items: Sequence[Item], shape: tuple[int, ...], place: tuple[NDArray[np.int64], ...]
) -> Scores:
    rows = table.num_rows

    def spread(values: Array) -> Array:
        out = np.full(shape + values.shape[1:], np.nan)
        out[place] = values
        return out

    lens = _nested(table["lens"], rows)
    tempered = _nested(table["tempered"], rows)
    return Scores(
        tuple(items),
        spread(table["logprob"].to_numpy()),
        spread(table["tokens"].to_numpy().astype(np.float64)),
        spread(table["characters"].to_numpy().astype(np.float64)),
        spread(tempered if tempered is not None else np.zeros((rows, 0))),
        None if lens is None else spread(lens),
        spread(_first(table["token_logprobs"])),
    )


def fact_scores(table: pa.Table, items: Sequence[Item], kind: Kind = "fact") -> Scores:
    """Arrays [facts, cues, candidates] of the fact items that the table holds, in the items' order."""
    held = set(table["item"].unique().to_pylist())
    facts = [item for item in items if item.kind == kind and item.id in held]
    place = {item.id: index for index, item in enumerate(facts)}
    index = np.array([place.get(item, -1) for item in table["item"].to_pylist()], dtype=np.int64)
    table, index = table.filter(pa.array(index >= 0)), index[index >= 0]
    shape = (
        len(facts),
        max((len(item.cues) for item in facts), default=1),
        max((len(item.scored) for item in facts), default=1),
    )
    every = _scatter(table, facts, shape, (index, table["cue"].to_numpy(), table["role"].to_numpy()))
    return _fold_aliases(every) if any(item.aliases for item in facts) else every


def _fold_aliases(scores: Scores) -> Scores:
    """Return the scores with each candidate's probability summed over its names, and no places of aliases."""
    width = max(len(item.answers) for item in scores.items)
    logprob, tempered = scores.logprob.copy(), scores.tempered.copy()
    lens = None if scores.lens is None else scores.lens.copy()
    for row, item in enumerate(scores.items):
        for role, (candidate, _) in enumerate(item.aliases, len(item.answers)):
            for values in (logprob, tempered, *(() if lens is None else (lens,))):
                both = np.logaddexp(values[row, :, candidate], values[row, :, role])
                values[row, :, candidate] = np.where(np.isnan(both), values[row, :, candidate], both)
    beyond = np.arange(logprob.shape[2]) >= np.array([[len(item.answers)] for item in scores.items])

    def kept(values: Array) -> Array:
        mask = beyond[:, None] if values.ndim == 3 else beyond[:, None, :, None]
        out: Array = np.where(mask, np.nan, values)[:, :, :width]
        return out

    return Scores(
        scores.items,
        kept(logprob),
        kept(scores.tokens),
        kept(scores.characters),
        kept(tempered),
        None if lens is None else kept(lens),
        kept(scores.first),
    )


def text_scores(table: pa.Table, items: Sequence[Item], kinds: Sequence[Kind] = ("term", "word", "contrast")) -> Scores:
    """Arrays [items] of the items of running text of these kinds that the table holds, in the items' order."""
    held = set(table["item"].unique().to_pylist())
    wanted = [item for item in items if item.kind in kinds and item.id in held]
    place = {item.id: index for index, item in enumerate(wanted)}
    index = np.array([place.get(item, -1) for item in table["item"].to_pylist()], dtype=np.int64)
    table, index = table.filter(pa.array(index >= 0)), index[index >= 0]
    return _scatter(table, wanted, (len(wanted),), (index,))


def control_scores(table: pa.Table, items: Sequence[Item]) -> Scores:
    """Arrays [items] of the control words beside terms that the table holds, in the items' order."""
    return text_scores(table, items, ("control",))


def prior_scores(table: pa.Table, items: Sequence[Item]) -> Scores:
    """Arrays [items, 1, candidates] of the answers after neutral cues that the table holds."""
    return fact_scores(table, items, "prior")


def occurrence_scores(table: pa.Table, items: Sequence[Item]) -> Scores:
    """Return arrays [occurrences] of the S-MedQA statistic's items that the table holds, in the items' order."""
    return text_scores(table, items, ("occurrence",))


@dataclass(frozen=True)
class Pair:
    """Base and tuned scores of the same items, with the unit of the comparison."""

    base: Scores
    tuned: Scores
    per: Per = "token"

    @property
    def items(self) -> tuple[Item, ...]:
        return self.base.items

    @property
    def unit(self) -> str:
        return UNITS[self.per]

    @property
    def gain(self) -> Array:
        """S: each string's gain, divided by its own length."""
        return self.tuned.value(self.per) - self.base.value(self.per)

    def gain_at_layers(self) -> Array | None:
        """S + [layers]."""
        base, tuned = self.base.at_layers(self.per), self.tuned.at_layers(self.per)
        if base is None or tuned is None or base.shape != tuned.shape:
            return None
        with np.errstate(invalid="ignore"):  # an early layer may overflow; its rungs are then left out
            return tuned - base


def like_length(base: Scores) -> NDArray[np.bool_]:
    """[facts, candidates]: distractors within one token of the true answer's length in every cue of the fact."""
    with np.errstate(invalid="ignore"):
        near = np.abs(base.tokens - base.tokens[:, :, :1]) <= 1
    missing = np.isnan(base.tokens)
    asked = ~missing.all(axis=2, keepdims=True)
    out = (near | ~asked).all(axis=1) & ~missing.all(axis=1)
    candidates = np.array([len(item.candidates) for item in base.items], dtype=np.int64)
    role = np.arange(out.shape[1])
    like: NDArray[np.bool_] = out & (role > 0) & (role < candidates[:, None])
    return like
