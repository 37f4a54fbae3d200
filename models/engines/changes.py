"""Interventions as engines make them: checked against model and batch, joined to one function for each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from ...errors import EngineError, UsageError
from ..interventions import EMBEDDING, Intervention
from .protocol import Batch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Change = Callable[["Float[Tensor, 'rows length width']"], "Float[Tensor, 'rows length width']"]
"""All interventions of one layer, as a function on the residuals of the whole batch."""


def changes_by_layer(interventions: Sequence[Intervention], batch: Batch, layers: int) -> dict[int, Change]:
    """Return the change that each layer's interventions make, in the order given, for a model of `layers` layers.

    Raises `UsageError` where a layer does not exist, or where `tokens` do not fit the batch.
    """
    chosen: dict[int, list[tuple[Intervention, Tensor]]] = {}
    for intervention in interventions:
        if not EMBEDDING <= intervention.layer < layers:
            raise UsageError(
                f"intervention at layer {intervention.layer}: the model has {layers} layers; give a number from 0 to "
                f"{layers - 1}, or {EMBEDDING} for the embedding"
            )
        chosen.setdefault(intervention.layer, []).append((intervention, _tokens(intervention, batch)))
    return {layer: _change(parts) for layer, parts in chosen.items()}


def check_support(engine: object, interventions: Sequence[Intervention]) -> None:
    """Raise `EngineError` if there are interventions and `engine` cannot make them.

    An engine without the attribute `supports_interventions` cannot.
    """
    if interventions and not getattr(engine, "supports_interventions", False):
        name = getattr(engine, "name", type(engine).__name__)
        raise EngineError(f"engine {name}: cannot change residuals; use --engine hooks")


def _tokens(intervention: Intervention, batch: Batch) -> Tensor:
    tokens = intervention.tokens
    columns = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    if tokens is None:
        # Nothing that is read depends on what follows a row's last place, padding above all.
        last = torch.full_like(batch.stem, -1).scatter_reduce(0, batch.row, batch.column, "amax")
        return columns <= last[:, None]
    if tokens.dtype != torch.bool or tokens.shape != batch.ids.shape:
        raise UsageError(
            f"intervention at layer {intervention.layer}: its tokens are {list(tokens.shape)} of {tokens.dtype}; give "
            f"booleans of the batch's shape {list(batch.ids.shape)}"
        )
    tokens = tokens.to(batch.ids.device)
    # Rows of one stem read what they begin with alike at one place for all, which can hold one residual only.
    prefix = batch.stem
    for ids, chosen in zip(batch.ids.T, tokens.T.long(), strict=True):
        prefix = torch.stack([prefix, ids]).unique(dim=1, return_inverse=True)[1]
        most = torch.zeros_like(prefix).scatter_reduce(0, prefix, chosen, "amax")
        if bool((most[prefix] != chosen).any()):
            raise UsageError(
                f"intervention at layer {intervention.layer}: it changes a shared token in some rows only; select it "
                "in every row that begins with the same tokens"
            )
    return tokens


def _change(parts: Sequence[tuple[Intervention, Tensor]]) -> Change:
    def change(hidden: Tensor) -> Tensor:
        changed = hidden.clone()
        for intervention, tokens in parts:
            place = tokens.to(hidden.device)
            before = changed[place]
            after = intervention.apply(before)
            if after.shape != before.shape:
                raise UsageError(
                    f"intervention at layer {intervention.layer}: it returned {list(after.shape)} for residuals "
                    f"{list(before.shape)}; return one residual for each"
                )
            changed[place] = after.to(before)
        return changed

    return change
