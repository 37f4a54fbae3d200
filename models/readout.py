"""The readout: residuals at places become log-probabilities, lens values and ranks of the targets they predict.

Each layer's residual is read through the model's own final norm, head, logit scale and soft cap (the logit lens,
nostalgebraist 2020), behind a tuned lens's translator where one is given, in chunks and in float32, as `logsumexp` and
one gathered logit. An array of [layers, tokens, vocabulary] never exists; the largest is of `CHUNK_ELEMENTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from .architecture import Anatomy, final_logits
from .table import TEMPERATURES

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

CHUNK_ELEMENTS = {"cpu": 7 << 20, "cuda": 1 << 25}
"""Logits held at a time, in float32: enough rows that reading the head's weights is not what takes the time.

On the CPU less than 32 MiB, above which glibc asks the kernel for new pages at every allocation.
"""
PART_ELEMENTS = {"cpu": 1 << 20}
"""Logits that are reduced at a time: on the CPU, what its caches hold, because each is read several times."""


@dataclass(slots=True)
class Readout:
    """What is read at each target token; nats."""

    logprob: Float[Tensor, "targets"]
    tempered: Float[Tensor, "targets temperatures"]
    lens: Float[Tensor, "layers targets"]
    rank: Int[Tensor, "layers targets"]
    """Zero-based: how many tokens have a higher logit; -1 where not asked for."""


def chunk_rows(anatomy: Anatomy, device: torch.device) -> int:
    """Rows whose logits are held at a time."""
    return max(1, CHUNK_ELEMENTS.get(device.type, 1 << 22) // anatomy.vocabulary)


def held_bytes(anatomy: Anatomy, device: torch.device) -> int:
    """What a readout holds at a time: a chunk of logits, and what a part of it is compared and scaled into."""
    rows = chunk_rows(anatomy, device)
    part = max(1, PART_ELEMENTS.get(device.type, rows * anatomy.vocabulary) // anatomy.vocabulary)
    return (rows + 2 * part) * anatomy.vocabulary * 4


@torch.inference_mode()
def read(
    anatomy: Anatomy,
    residuals: Float[Tensor, "layers places width"],
    targets: Int[Tensor, "targets"],
    place: Int[Tensor, "targets"] | None = None,
    ranked: Bool[Tensor, "targets"] | None = None,
    through: Callable[[int, Tensor], Tensor] | None = None,
) -> Readout:
    """Reads `targets` (token ids) out of `residuals`, the last of which is the model's last layer.

    `place` says which residual predicts each target (the n-th the n-th by default; several targets may share one);
    `ranked`, for which targets ranks are wanted (all by default). `through` carries rows of the n-th of `residuals`
    to where the final norm expects them (`Lens.through`); it must leave the last as they are.
    """
    layers, places, _ = residuals.shape
    count, device = len(targets), residuals.device
    place = torch.arange(count, device=device) if place is None else place
    ranked = torch.ones(count, dtype=torch.bool, device=device) if ranked is None else ranked
    # All layers' rows are one list, layer after layer, so that a chunk is full however few places a layer has.
    order = place.argsort(stable=True)
    asked = (torch.arange(layers, device=device)[:, None] * places + place[order]).ravel()
    column, wanted = targets[order].repeat(layers), ranked[order].repeat(layers)
    lens = torch.empty(layers * count, device=device)
    rank = torch.full((layers * count,), -1, dtype=torch.int32, device=device)
    tempered = torch.empty(len(TEMPERATURES), count, device=device)
    rows, last = chunk_rows(anatomy, device), (layers - 1) * count
    begins = torch.arange(0, layers * places + rows, rows, device=device)
    bounds = torch.searchsorted(asked, begins).tolist()
    for begin, low, high in zip(range(0, layers * places, rows), bounds, bounds[1:], strict=False):
        logits = final_logits(anatomy, _rows(residuals, begin, begin + rows, through))
        row = asked[low:high] - begin
        lens[low:high] = _log_softmax(logits, row, column[low:high])
        rank[low:high] = _above(logits, row, column[low:high], wanted[low:high])
        if high > last:  # the last layer's logits are the model's own
            own, first = slice(max(low, last), high), max(0, (layers - 1) * places - begin)
            for at, temperature in enumerate(TEMPERATURES):
                tempered[at, own.start - last : own.stop - last] = (
                    lens[own]
                    if temperature == 1.0
                    else _log_softmax(logits[first:], asked[own] - begin - first, column[own], temperature)
                )
    by_layer, ranks = (_in_order(flat.view(layers, count), order) for flat in (lens, rank))
    return Readout(by_layer[-1].clone(), _in_order(tempered, order).T, by_layer, ranks)


def _rows(
    residuals: Float[Tensor, "layers places width"],
    begin: int,
    end: int,
    through: Callable[[int, Tensor], Tensor] | None,
) -> Float[Tensor, "rows width"]:
    """Rows from `begin` to `end` of all layers' residuals, layer after layer, each carried `through` its layer's."""
    if through is None:
        return residuals.flatten(0, 1)[begin:end]
    places = residuals.shape[1]
    parts = [
        through(layer, residuals[layer, max(0, begin - layer * places) : end - layer * places])
        for layer in range(begin // places, min(len(residuals), -(-end // places)))
    ]
    return torch.cat(parts)


def _in_order(values: Tensor, order: Tensor) -> Tensor:
    """[_, targets] as they were before they were put in `order`."""
    out = torch.empty_like(values)
    out[:, order] = values
    return out


def _log_softmax(
    logits: Float[Tensor, "rows vocabulary"],
    row: Int[Tensor, "targets"],
    column: Int[Tensor, "targets"],
    temperature: float = 1.0,
) -> Float[Tensor, "targets"]:
    """The log-softmax at (row, column); a row's normaliser is computed once for all its targets."""
    # As one target's loss: torch's fused kernel takes half the time of `logsumexp` on a CPU.
    lead = _lead(logits, row, column)
    rows = _part_rows(logits)
    normaliser = []
    for part, token in zip(logits.split(rows), lead.split(rows), strict=True):
        scaled = part if temperature == 1.0 else part / temperature
        normaliser.append(cross_entropy(scaled, token, reduction="none") + scaled.gather(1, token[:, None])[:, 0])
    return logits[row, column] / temperature - torch.cat(normaliser)[row]


def _above(
    logits: Float[Tensor, "rows vocabulary"],
    row: Int[Tensor, "targets"],
    column: Int[Tensor, "targets"],
    wanted: Bool[Tensor, "targets"],
) -> Int[Tensor, "targets"]:
    """How many of its row's logits are above that at (row, column); -1 where not wanted."""
    out = torch.full_like(row, -1, dtype=torch.int32)
    if not wanted.any():
        return out
    # One target of each row is read where the row lies; copying rows takes longer than comparing them.
    lead = _lead(logits, row[wanted], column[wanted])
    parts = logits.split(_part_rows(logits))
    # Written as floats: their sum is vectorised, and exact up to 2**24.
    above = torch.empty_like(parts[0])
    counts = []
    for part, token in zip(parts, lead.split(len(parts[0])), strict=True):
        held = above[: len(part)]
        counts.append(torch.gt(part, part.gather(1, token[:, None]), out=held).sum(1).int())
    leads = column == lead[row]
    out[wanted & leads] = torch.cat(counts)[row[wanted & leads]]
    for at in (wanted & ~leads).nonzero()[:, 0].split(len(parts[0])):
        out[at] = logits[row[at]].gt_(logits[row[at], column[at]][:, None]).sum(1).int()
    return out


def _lead(
    logits: Float[Tensor, "rows vocabulary"], row: Int[Tensor, "targets"], column: Int[Tensor, "targets"]
) -> Int[Tensor, "rows"]:
    """One target of each row; token 0 for rows that have none."""
    none = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return none.scatter_reduce(0, row, column, "amax")


def _part_rows(logits: Float[Tensor, "rows vocabulary"]) -> int:
    return max(1, PART_ELEMENTS.get(logits.device.type, logits.numel()) // logits.shape[1])
