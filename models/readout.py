"""The readout: residuals at places become log-probabilities, lens values and ranks of the targets they predict.

Each layer's residual is read through the model's own final norm, head, logit scale and soft cap (the logit lens,
nostalgebraist 2020), in chunks and in float32, as `logsumexp` and one gathered logit. An array of
[layers, tokens, vocabulary] never exists; the largest is of `CHUNK_ELEMENTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from .architecture import Anatomy, final_logits
from .table import TEMPERATURES

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

CHUNK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 25}
"""Logits held at a time, in float32: on the CPU, what its caches hold."""


@dataclass(slots=True)
class Readout:
    """What is read at each target token; nats."""

    logprob: Float[Tensor, "targets"]
    tempered: Float[Tensor, "targets temperatures"]
    lens: Float[Tensor, "layers targets"]
    rank: Int[Tensor, "layers targets"]
    """Zero-based: how many tokens have a higher logit; -1 where not asked for."""


@torch.inference_mode()
def read(
    anatomy: Anatomy,
    residuals: Float[Tensor, "layers places width"],
    targets: Int[Tensor, "targets"],
    place: Int[Tensor, "targets"] | None = None,
    ranked: Bool[Tensor, "targets"] | None = None,
) -> Readout:
    """Reads `targets` (token ids) out of `residuals`, the last of which is the model's last layer.

    `place` says which residual predicts each target (the n-th the n-th by default; several targets may share one);
    `ranked`, for which targets ranks are wanted (all by default).
    """
    layers, places, _ = residuals.shape
    count, device = len(targets), residuals.device
    place = torch.arange(count, device=device) if place is None else place
    ranked = torch.ones(count, dtype=torch.bool, device=device) if ranked is None else ranked
    tempered = torch.empty(count, len(TEMPERATURES), device=device)
    lens = torch.empty(layers, count, device=device)
    rank = torch.full((layers, count), -1, dtype=torch.int32, device=device)
    rows = max(1, CHUNK_ELEMENTS.get(device.type, 1 << 22) // anatomy.vocabulary)
    order = place.argsort(stable=True)
    begins = torch.arange(0, places + rows, rows, device=device)
    bounds = torch.searchsorted(place[order], begins).tolist()
    for begin, low, high in zip(range(0, places, rows), bounds, bounds[1:], strict=False):
        index = order[low:high]
        row, column = place[index] - begin, targets[index]
        first = ranked[index]
        for layer in range(layers):
            logits = final_logits(anatomy, residuals[layer, begin : begin + rows])
            lens[layer, index] = _log_softmax(logits, row, column)
            rank[layer, index[first]] = _above(logits, row[first], column[first])
        # The last layer's logits are the model's own.
        for at, temperature in enumerate(TEMPERATURES):
            scaled = lens[-1, index] if temperature == 1.0 else _log_softmax(logits / temperature, row, column)
            tempered[index, at] = scaled
    return Readout(lens[-1].clone(), tempered, lens, rank)


def _log_softmax(
    logits: Float[Tensor, "rows vocabulary"], row: Int[Tensor, "targets"], column: Int[Tensor, "targets"]
) -> Float[Tensor, "targets"]:
    """The log-softmax at (row, column); a row's normaliser is computed once for all its targets."""
    # As one target's loss: torch's fused kernel takes half the time of `logsumexp` on a CPU.
    lead = torch.zeros(len(logits), dtype=torch.long, device=logits.device).scatter_reduce(0, row, column, "amax")
    normaliser = cross_entropy(logits, lead, reduction="none") + logits.gather(1, lead[:, None])[:, 0]
    return logits[row, column] - normaliser[row]


def _above(
    logits: Float[Tensor, "rows vocabulary"], row: Int[Tensor, "targets"], column: Int[Tensor, "targets"]
) -> Int[Tensor, "targets"]:
    """How many of its row's logits are above that at (row, column)."""
    parts = zip(row.split(len(logits)), column.split(len(logits)), strict=True)
    # Compared in place, which keeps floats: their sum is vectorised, and exact up to 2**24.
    return torch.cat([logits[some].gt_(logits[some, columns][:, None]).sum(1).int() for some, columns in parts])
