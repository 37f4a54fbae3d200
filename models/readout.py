"""The readout: residuals at places become log-probabilities, lens values and ranks of the targets they predict.

Each layer's residual is read through the model's own final norm, head, logit scale and soft cap (the logit lens,
nostalgebraist 2020), behind a tuned lens's translator where one is given, in float32, as `logsumexp` and one gathered
logit. An array of [layers, tokens, vocabulary] never exists: `models.unembedding` gives it block by block, and
`models.reduction` keeps of each what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .architecture import Anatomy
from .reduction import reduce
from .table import TEMPERATURES
from .unembedding import rows_at_once

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor


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
    rows, last = rows_at_once(anatomy, device), (layers - 1) * count
    begins = torch.arange(0, layers * places + rows, rows, device=device)
    bounds = torch.searchsorted(asked, begins).tolist()
    for begin, low, high in zip(range(0, layers * places, rows), bounds, bounds[1:], strict=False):
        chunk = _rows(residuals, begin, begin + rows, through)
        # The last layer's logits are the model's own; these alone are read at other temperatures.
        own = max(0, (layers - 1) * places - begin)
        kept = reduce(anatomy, chunk, asked[low:high] - begin, column[low:high], wanted[low:high], own)
        lens[low:high], rank[low:high] = kept.logprob, kept.rank
        if high > last:
            tempered[:, max(low, last) - last : high - last] = kept.tempered[:, max(low, last) - low :]
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
