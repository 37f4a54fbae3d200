"""A second model over the same weights: modules of its own, tensors shared.

An adapter on such a clone cannot reach the model it was cloned from, nor another clone, and each clone costs only its
modules. Read by `models.adapters`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    Model = TypeVar("Model", bound=PreTrainedModel)

HELD_BY = ("accelerate", "bitsandbytes", "tempfile")
"""Of whose objects on a module there is one: offloaded tensors and their folder, a rounded weight's state."""


def clone_sharing_weights(model: Model) -> Model:
    """Return a copy of the model's modules over the same storage; tied weights stay tied in the clone."""
    shared: dict[int, Any] = {}
    for module in model.modules():
        tensors = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        for value in [*tensors, *vars(module).values()]:
            if type(value) is torch.nn.Parameter:
                # Its own object, so that a method which assigns to `weight.data` assigns to the clone's.
                shared.setdefault(id(value), torch.nn.Parameter(value.detach(), requires_grad=False))
            elif isinstance(value, torch.Tensor) or type(value).__module__.partition(".")[0] in HELD_BY:
                shared[id(value)] = value
        if hasattr(module, "init_8bit_state"):
            shared |= _eight_bits(module)
    return copy.deepcopy(model, shared)


def _eight_bits(module: Any) -> dict[int, Any]:
    """A bitsandbytes weight and its state as before the first call, which moves parts of one into the other."""
    weight, state = module.weight, copy.copy(module.state)
    rounded = {name: getattr(weight if weight.CB is not None else state, name) for name in ("CB", "SCB")}
    state.CB = state.SCB = None
    return {id(weight): type(weight)(weight.data, requires_grad=False, **rounded), id(module.state): state}


def unshare(model: PreTrainedModel, names: set[str]) -> None:
    """Give a clone its own copies of the named parameters, so that values can be written into them."""
    for name, weight in model.named_parameters():
        if name in names:
            weight.data = weight.data.clone()
