"""What is kept of logits that come a block of the vocabulary at a time: log-probabilities, ranks, temperatures.

The normaliser of a softmax is a sum over tokens and a rank a count of them, so both can be taken block by block; the
logits themselves are read while a block is at hand and let go. Read by `models.readout`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from .table import TEMPERATURES
from .unembedding import unembed

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    from .architecture import Anatomy


CANCELS = 1e3
"""Nats that a block's first token may lie below its sum, for the sum to be found from the two."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Of each target, a token at a row; nats."""

    logprob: Float[Tensor, "targets"]
    tempered: Float[Tensor, "temperatures targets"]
    """Undefined for rows that are read at one temperature only."""
    rank: Int[Tensor, "targets"]
    """How many tokens have a higher logit; -1 where not asked for."""


def reduce(
    anatomy: Anatomy,
    residual: Float[Tensor, "rows width"],
    row: Int[Tensor, "targets"],
    token: Int[Tensor, "targets"],
    ranked: Bool[Tensor, "targets"],
    tempered_from: int,
) -> Kept:
    """Reads the targets (row, token), ascending by row; rows from `tempered_from` on at every temperature too."""
    asked, index = token.unique(return_inverse=True)
    known = asked.tolist()
    logits = unembed(anatomy, residual, asked)
    own = logits.asked[row, index]
    above = _Above(len(residual), row[ranked], own[ranked]) if bool(ranked.any()) else None
    sums = [_Normaliser(each, 0 if each == 1.0 else tempered_from) for each in TEMPERATURES]
    for begin, block in logits.blocks:
        # A product of another shape may round otherwise, and a target would stand above itself.
        low, high = (bisect_left(known, at) for at in (begin, begin + block.shape[1]))
        block[:, asked[low:high] - begin] = logits.asked[:, low:high]
        for each in sums:
            each.add(block)
        if above:
            above.add(block)
    tempered = torch.stack([own / each.temperature - each.at(row) for each in sums])
    rank = torch.full_like(row, -1, dtype=torch.int32)
    if above:
        rank[ranked] = above.counts()
    return Kept(tempered[TEMPERATURES.index(1.0)], tempered, rank)


class _Normaliser:
    """The softmax's normaliser (logsumexp) of rows from `first` on, at a temperature."""

    def __init__(self, temperature: float, first: int) -> None:
        self.temperature, self.first = temperature, first
        self._blocks: list[Tensor] = []

    def add(self, block: Float[Tensor, "rows columns"]) -> None:
        rows = block[self.first :]
        if not len(rows):
            return
        scaled = rows if self.temperature == 1.0 else rows / self.temperature
        # As the first token's loss: torch's fused kernel takes half the time of `logsumexp` on a CPU.
        first, lead = torch.zeros(len(rows), dtype=torch.long, device=rows.device), scaled[:, 0]
        loss = cross_entropy(scaled, first, reduction="none")
        # A first token that cannot come, or nearly so, leaves nothing of the sum in a float.
        likely = bool((loss < CANCELS).all())
        self._blocks.append(loss + lead if likely else scaled.logsumexp(1))

    def at(self, row: Int[Tensor, "targets"]) -> Float[Tensor, "targets"]:
        """Return the normaliser of each target's row; undefined for rows before `first`."""
        if not self._blocks:
            return torch.zeros(len(row), device=row.device)
        return torch.stack(self._blocks).logsumexp(0)[(row - self.first).clamp(min=0)]


class _Above:
    """How many tokens have a higher logit than each target (row, own logit)."""

    def __init__(self, rows: int, row: Int[Tensor, "targets"], own: Float[Tensor, "targets"]) -> None:
        self.row, self.own = row, own
        # One target of each row is compared where the row lies; copying rows takes longer than comparing them.
        number = torch.arange(len(row), device=row.device)
        last = torch.zeros(rows, dtype=torch.long, device=row.device).scatter_reduce(0, row, number, "amax")
        leads = last[row] == number
        self._others = (~leads).nonzero()[:, 0]
        self._limit = torch.full((rows, 1), float("inf"), device=row.device)
        self._limit[row[leads], 0] = own[leads]
        self._of_row = torch.zeros(rows, dtype=torch.long, device=row.device)
        self._of_other = torch.zeros(len(self._others), dtype=torch.long, device=row.device)
        self._held = torch.empty(0, device=row.device)

    def add(self, block: Float[Tensor, "rows columns"]) -> None:
        # Written as floats: their sum is vectorised, and exact up to 2**24.
        if self._held.numel() < block.numel():
            self._held = torch.empty(block.numel(), device=block.device)
        held = self._held[: block.numel()].view_as(block)
        self._of_row += torch.gt(block, self._limit, out=held).sum(1).long()
        for at in torch.arange(len(self._others)).split(len(block)):
            target = self._others[at]
            self._of_other[at] += torch.gt(block[self.row[target]], self.own[target, None]).sum(1)

    def counts(self) -> Int[Tensor, "targets"]:
        out = self._of_row[self.row]
        out[self._others] = self._of_other
        return out.int()
