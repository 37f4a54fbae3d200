"""Rows that begin alike, laid out as trees: each stem once, the rows' own tokens after it, side by side.

A mask lets every token see its stem and its own row only, and its position is the one it has in its row, so one pass
gives what reading the rows one by one would give (tree attention, Miao et al. 2024, SpecInfer, section 4.2). A cue
with nine candidates is so read once, not nine times, without padding. Read by `models.engines.hooks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .protocol import Batch

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from torch import Tensor


@dataclass(slots=True)
class Trees:
    """A batch as trees, padded on the right."""

    ids: Int[Tensor, "trees size"]
    positions: Int[Tensor, "trees size"]
    sees: Bool[Tensor, "trees size size"]
    row: Int[Tensor, "places"]
    column: Int[Tensor, "places"]
    """Where the batch's places lie in the trees."""


def build_trees(batch: Batch) -> Trees:
    """Lay out a batch as trees, with each row's own tokens up to its last place."""
    stem, shared, device = batch.stem, batch.shared, batch.ids.device
    own = torch.zeros_like(stem).scatter_reduce(0, batch.row, batch.column + 1, "amax").sub(shared).clamp(min=0)
    first = torch.searchsorted(stem, torch.arange(int(stem[-1]) + 1, device=device))
    before = own.cumsum(0) - own
    begin = shared + before - before[first[stem]]
    roots = shared[first]
    size = int((begin + own).max())

    row = torch.arange(len(own), device=device).repeat_interleave(own)
    step = torch.arange(len(row), device=device) - before[row]
    at = stem[row], begin[row] + step
    columns = torch.arange(size, device=device)
    ids = torch.zeros(len(first), size, dtype=torch.long, device=device)
    width = min(size, batch.ids.shape[1])
    ids[:, :width] = batch.ids[first, :width]
    ids[at] = batch.ids[row, shared[row] + step]
    # Padding has positions too, and none may lie beyond those that the model knows.
    positions = columns.clamp(max=batch.ids.shape[1] - 1).expand_as(ids).clone()
    positions[at] = shared[row] + step
    # Which row a token is of; the stem's tokens, and padding, are of none.
    branch = torch.full_like(ids, -1)
    branch[at] = row
    in_stem = columns < roots[:, None]
    sees = (columns <= columns[:, None]) & (in_stem[:, None] | (branch[:, :, None] == branch[:, None]))

    inside = batch.column < shared[batch.row]
    column = torch.where(inside, batch.column, batch.column - shared[batch.row] + begin[batch.row])
    return Trees(ids, positions, sees, stem[batch.row], column)
