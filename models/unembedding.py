"""Residuals to logits, a block of the vocabulary at a time: the head's weights are read once for many residuals.

A head that is a plain linear layer is multiplied block by block of its rows, each block with all residuals that are at
hand, so that its logits are reduced while they lie in the processor's cache. Any other head (one with an adapter on
it, quantised, moved about by accelerate) is called whole, with as few residuals as its logits leave room for.
Read by `models.readout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .architecture import Anatomy, final_logits, final_normed, scaled_and_capped

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

ROWS = 2048
"""Residuals that a plain head is multiplied with at a time: so many that reading its weights costs little."""
BLOCK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 25}
"""Logits that are reduced at a time: on the CPU, what its caches hold, because each is read several times."""
WHOLE_ELEMENTS = {"cpu": 7 << 20, "cuda": 1 << 25}
"""Logits that another head gives at a time.

On the CPU less than 32 MiB, above which glibc asks the kernel for new pages at every allocation.
"""
STEP = 64
"""A block's tokens are a multiple of so many: a product of any other width takes a quarter longer."""
OTHERWISE = 1 << 22
"""Elements on any other device."""


@dataclass(frozen=True, slots=True)
class Logits:
    """Of some residuals (float32): those of a few tokens, and those of all, block by block."""

    asked: Float[Tensor, "rows asked"]
    blocks: Iterator[tuple[int, Float[Tensor, "rows columns"]]]
    """(the block's first token, its logits); the next block may take the place of the one before."""


def rows_at_once(parts: Anatomy, device: torch.device) -> int:
    """Residuals that `unembed` is given at a time."""
    return ROWS if _is_plain(parts.head) else whole_rows(parts, device)


def whole_rows(parts: Anatomy, device: torch.device) -> int:
    """Residuals whose logits of the whole vocabulary are held at a time."""
    return max(1, WHOLE_ELEMENTS.get(device.type, OTHERWISE) // parts.vocabulary)


def held_bytes(parts: Anatomy, device: torch.device) -> int:
    """What a readout holds at a time."""
    rows = rows_at_once(parts, device)
    whole = 2 * parts.width if _is_plain(parts.head) else parts.vocabulary
    # A block, what it is compared into, what it is scaled to, and the tokens that are asked for.
    return (rows * whole + 4 * rows * _columns(parts, device, rows)) * 4


def unembed(parts: Anatomy, residual: Float[Tensor, "rows width"], asked: Int[Tensor, "asked"]) -> Logits:
    """Logits of `residual`, which left a decoder layer, as the model's own end gives them; `asked` are token ids."""
    columns = _columns(parts, residual.device, len(residual))
    if _is_plain(parts.head):
        return _by_weights(parts, final_normed(parts, residual), asked, columns)
    logits = final_logits(parts, residual)
    return Logits(logits[:, asked], ((at, logits[:, at : at + columns]) for at in range(0, logits.shape[1], columns)))


def _by_weights(
    parts: Anatomy, normed: Float[Tensor, "rows width"], asked: Int[Tensor, "asked"], columns: int
) -> Logits:
    head: Any = parts.head

    def product(tokens: slice | Tensor) -> Tensor:
        bias = None if head.bias is None else head.bias[tokens]
        return scaled_and_capped(parts, nn.functional.linear(normed, head.weight[tokens], bias))

    # As wide as a block could be: beyond the last whole step a product rounds otherwise, and equal logits would differ.
    filled = torch.cat([asked, asked[:1].expand(-len(asked) % STEP)])
    starts = range(0, len(head.weight), columns)
    return Logits(product(filled)[:, : len(asked)], ((at, product(slice(at, at + columns))) for at in starts))


def _is_plain(head: nn.Module) -> bool:
    """Whether calling the head is multiplying its weights and nothing else."""
    called: Any = head
    if type(head) is not nn.Linear or type(head.weight) is not nn.Parameter:  # torchao's weights are a class of its own
        return False
    return not ("forward" in vars(head) or called._forward_hooks or called._forward_pre_hooks)


def _columns(parts: Anatomy, device: torch.device, rows: int) -> int:
    steps = BLOCK_ELEMENTS.get(device.type, OTHERWISE) // (max(1, rows) * STEP)
    return min(parts.vocabulary, max(1, steps) * STEP)
