"""transformer-lens state dicts: a `TransformerBridge`'s is turned back into Hugging Face's names.

The bridge renames and splits weights per architecture. Rather than copy its tables, its own `load_state_dict` writes
into the modules of a Hugging Face model; weights that it left untouched show as NaN.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError, first_line
from .sources import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel

CONVERT = (
    "convert it with transformer-lens 4: TransformerBridge.boot_transformers(NAME), then "
    "torch.save(bridge.state_dict(), FILE) beside the model's config.json; or give the Hugging Face directory itself"
)


def is_hooked_transformer(names: Iterable[str]) -> bool:
    """Whether these are the weights of an old `HookedTransformer`."""
    return any(re.fullmatch(r"embed\.W_E|unembed\.W_U|blocks\.\d+\.attn\._?W_[QKVO]", name) for name in names)


def is_bridge(names: Iterable[str]) -> bool:
    """Whether these are the weights of a `TransformerBridge`."""
    return any(re.match(r"blocks\.\d+\.", name) or "_original_component" in name for name in names)


def to_hugging_face(
    state_dict: dict[str, Tensor], config: PretrainedConfig, model_class: type[PreTrainedModel], path: Path
) -> dict[str, Tensor]:
    """The state dict of the Hugging Face model that the bridge was made around. Raises `CheckpointError`."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    _refuse_processed(state_dict, config, path)
    dtype = next(value.dtype for value in state_dict.values() if value.is_floating_point())
    with quiet():
        config = copy.deepcopy(config)  # the bridge switches it to eager attention
        model: Any = model_class(config)
        model.to(dtype)
        held: dict[str, Tensor] = model.state_dict(keep_vars=True)
        with torch.no_grad():
            for weight in model.parameters():
                weight.fill_(torch.nan)
        try:
            bridge: Any = build_bridge_from_module(model, model_class.__name__, hf_config=config)
            bridge.load_state_dict(state_dict)
        except Exception as error:  # the bridge raises what its adapters raise
            raise CheckpointError(
                f"{path}: its transformer-lens weights do not fit {model_class.__name__} ({first_line(error)}); "
                "give the config.json of the model they came from"
            ) from error
    result = {name: value.detach() for name, value in held.items()}
    _join_interleaved(result, state_dict, config)
    if empty := sorted(name for name, value in result.items() if value.is_floating_point() and value.isnan().any()):
        raise CheckpointError(
            f"{path}: {len(empty)} weights of {model_class.__name__} are not in the transformer-lens file "
            f"(first: {empty[0]}); save the model with bridge.original_model.save_pretrained(DIR) instead"
        )
    return result


def _refuse_processed(state_dict: dict[str, Tensor], config: Any, path: Path) -> None:
    """Folding the norm into the head unties it from the embedding; writing it back would overwrite the embedding."""
    embed, head = state_dict.get("embed.weight"), state_dict.get("unembed.weight")
    tied = getattr(config.get_text_config(), "tie_word_embeddings", False)
    if tied and embed is not None and head is not None and not torch.equal(embed, head):
        raise CheckpointError(
            f"{path}: its embedding and head differ although the model ties them, so its weights were processed "
            "(folded); save bridge.state_dict() before enable_compatibility_mode()"
        )


def _join_interleaved(result: dict[str, Tensor], state_dict: dict[str, Tensor], config: Any) -> None:
    """GPT-NeoX keeps query, key and value interleaved by head; the bridge splits them into copies."""
    for name, value in result.items():
        match = re.search(r"layers\.(\d+)\.attention\.query_key_value\.(weight|bias)$", name)
        parts = [state_dict.get(f"blocks.{match[1]}.attn.{part}.{match[2]}") for part in "qkv"] if match else []
        if parts and value.isnan().any() and all(part is not None for part in parts):
            heads = [part.unflatten(0, (config.num_attention_heads, -1)) for part in parts if part is not None]
            result[name] = torch.stack(heads, dim=1).reshape(value.shape)
