"""A checkpoint as one plain model, its adapter's change written into the weights.

For backends that change the modules they are given, or pass over an adapter's layers. Only the weights that the
adapter changes are copied; all others lie in the storage of the model they were taken from. Read by
`models.engines.transformer_lens`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

from ..errors import EngineError, first_line
from .sharing import clone_sharing_weights
from .sources import quiet

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from .checkpoint import Checkpoint


def merged(checkpoint: Checkpoint) -> PreTrainedModel:
    """The checkpoint's model as it is while active, in modules of its own and without adapter layers.

    Raises `EngineError` where the adapter's method has no merged form.
    """
    with checkpoint.active() as model:
        alone = clone_sharing_weights(model)
    uses = Counter(id(weight) for module in alone.modules() for weight in module._parameters.values())
    tied = {weight for weight, times in uses.items() if times > 1}
    try:
        with quiet(), torch.no_grad():
            _unwrap(alone, tied)
    except Exception as error:  # peft raises what each method does
        raise EngineError(
            f"{checkpoint.name}: its adapter cannot be merged into the weights ({first_line(error)}); "
            "use --engine hooks"
        ) from error
    head, embedding = alone.get_output_embeddings(), alone.get_input_embeddings()
    if head is not None and getattr(head, "weight", None) is not getattr(embedding, "weight", None):
        alone.config.get_text_config().tie_word_embeddings = False
    return alone


def _unwrap(parent: nn.Module, tied: set[int]) -> None:
    for name, child in list(parent.named_children()):
        plain = _plain(child, tied)
        if plain is not child:
            setattr(parent, name, plain)
        _unwrap(plain, tied)


def _plain(module: Any, tied: set[int]) -> nn.Module:
    """The module that stands for peft's `module`, with what is active there merged in."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    if isinstance(module, AuxiliaryTrainingWrapper):
        if module.disable_adapters:
            plain: nn.Module = module.original_module
        else:
            plain = module.unload_and_optionally_merge_module(merge=True, safe_merge=True, adapter_names=None)
        return plain
    if not isinstance(module, BaseTunerLayer):
        return module  # type: ignore[no-any-return]
    if not module.disable_adapters:
        base: Any = module.get_base_layer()
        if id(getattr(base, "weight", None)) in tied:  # the change is this module's alone
            base.weight = torch.nn.Parameter(base.weight.clone(), requires_grad=False)
        # Safe: it writes to a copy and puts that in the weight's place.
        module.merge(safe_merge=True)
    return module.get_base_layer()
