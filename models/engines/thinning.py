"""The last layer's feed-forward part at a batch's places alone.

Nothing reads the last layer's residuals but the readout, and a feed-forward part works on each position by itself, so
all other positions need not pass through it: of a small model's decoder that is a twentieth of the work. It stands
beside the layer's attention as `mlp` wherever transformers has it so; other layers are left as they are. Read by
`models.engines.hooks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

    from ..architecture import Anatomy


@contextmanager
def thinned(
    anatomy: Anatomy, size: tuple[int, ...], row: Int[Tensor, "places"], column: Int[Tensor, "places"]
) -> Iterator[None]:
    """Within it a pass over ids of `size` is right in the last layer at (row, column), and nowhere else in it."""
    part = getattr(anatomy.layers[-1], "mlp", None)
    if part is None:
        yield
        return

    def at_places(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.shape[:2] == size:
            return value[row.to(value.device), column.to(value.device)][None]
        return value

    def enter(_module: Any, inputs: Any, named: Any) -> tuple[Any, dict[str, Any]]:
        return tuple(map(at_places, inputs)), {name: at_places(value) for name, value in named.items()}

    def leave(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        every = output.new_zeros(*size, output.shape[-1])
        every[row.to(output.device), column.to(output.device)] = output[0]
        return every

    handles = [
        part.register_forward_pre_hook(enter, with_kwargs=True),
        part.register_forward_hook(leave),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
