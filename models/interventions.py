"""Changes to the residual stream during a forward pass: activation patching, steering, ablating a direction.

An `Intervention` names a layer, the tokens that it changes, and a function on their residuals. `Engine.residuals` takes
several; engines that cannot change residuals say so with `supports_interventions = False` and refuse in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

    Residuals = Float[Tensor, "tokens width"]
    Tokens = Bool[Tensor, "rows length"]

EMBEDDING = -1
"""The layer number of the residual that enters layer 0."""


@dataclass(frozen=True, eq=False, slots=True)
class Intervention:
    """A function on the residuals that leave one layer, applied before the next layer reads them."""

    layer: int
    """Zero-based, as `transformers` numbers its layers; `EMBEDDING` for what enters layer 0."""
    apply: Callable[[Residuals], Residuals]
    """Return new residuals of the same shape.

    It is called once for each batch, with the residuals of all `tokens` of the batch, row by row from left to right, in
    the model's dtype and on the layer's device.
    """
    tokens: Tokens | None = None
    """Which tokens of the batch are changed; None for all that the batch's places depend on.

    Rows of one stem read what they begin with alike at one place for all, so their common tokens must be changed alike:
    selecting one in some rows only is an error, and `apply` must give the same residual in each.
    """


def add_vector(layer: int, vector: Float[Tensor, "width"], tokens: Tokens | None = None) -> Intervention:
    """Return an intervention that adds `vector` to each residual (steering)."""
    return Intervention(layer, lambda residuals: residuals + vector.to(residuals), tokens)


def replace_residuals(layer: int, values: Residuals, tokens: Tokens | None = None) -> Intervention:
    """Return an intervention that puts `values` in place of the residuals, token by token (activation patching)."""
    return Intervention(layer, lambda _: values, tokens)


def remove_direction(layer: int, direction: Float[Tensor, "width"], tokens: Tokens | None = None) -> Intervention:
    """Return an intervention that projects each residual onto the complement of `direction` (ablation)."""
    unit = direction.float() / direction.float().norm()

    def apply(residuals: Residuals) -> Residuals:
        axis = unit.to(residuals.device)
        wide: Residuals = residuals.float()
        return wide - torch.outer(wide @ axis, axis)

    return Intervention(layer, apply, tokens)
