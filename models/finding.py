"""What a model is, found out before its weights are read: files, config, tokenizer, and whether names and shapes fit.

The model is built on the meta device (names, shapes and dtypes, no storage) and its weight files' headers are loaded
into it by transformers itself, so that whatever loading would complain of is known at once. Read by
`models.checkpoint`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError
from .architecture import anatomy
from .companions import (
    BaseFiles,
    TokenizerSource,
    read_model_config,
    resolve_config,
    resolve_tokenizer,
    unpack_tokenizer,
)
from .methods import CONFIG as ADAPTER_CONFIG
from .placement import Placement, stored_quantization
from .sources import WEIGHT_SUFFIXES, missing_shards, weight_files
from .weights import build, headers, model_class, read_weights, tensors_for

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

MODELS = ("config.json", ADAPTER_CONFIG)
"""One of these is in the folder of every model."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model's skeleton, its tokenizer, and how to read its weights."""

    path: Path
    skeleton: PreTrainedModel
    """On the meta device, in the dtype that the model computes in."""
    tokenizer_source: TokenizerSource
    parts: list[Path | str]
    """The files, and hashes of what was borrowed, that make it up."""
    nbytes: int
    """That its weights take in memory."""
    read: Callable[[], PreTrainedModel]
    """Reads the weights and puts the model into memory. Raises `CheckpointError`."""

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.skeleton.parameters())


def find_model(path: Path, base: BaseFiles | None, folder: Path | None, placement: Placement) -> ModelSource:
    """Find the model in the folder or weight file `path`.

    `folder` holds the config and tokenizer of a file that has none next to it; without one, those of `base` are used.
    Raises `CheckpointError`, `UsageError`.
    """
    source = _find_folder(path, base, placement) if path.is_dir() else _find_file(path, base, folder, placement)
    anatomy(source.skeleton)  # An unreadable model is refused now, not after the first pass.
    embedding: Any = source.skeleton.get_input_embeddings()
    rows, tokens = embedding.weight.shape[0], source.tokenizer_source.tokenizer.vocab_size
    if tokens > rows:
        raise CheckpointError(
            f"{path}: its tokenizer has {tokens} tokens but its embedding {rows} rows; give the tokenizer that "
            "belongs to it"
        )
    return source


def _find_folder(path: Path, base: BaseFiles | None, placement: Placement) -> ModelSource:
    if not (path / "config.json").is_file():
        loose = sorted(file.name for file in path.iterdir() if file.suffix in WEIGHT_SUFFIXES)
        inside = sorted(str(path / file.parent.name) for name in MODELS for file in path.glob(f"*/{name}"))
        advice = f"give the file itself ({loose[0]})" if loose else "give a model's or an adapter's folder"
        if inside:
            more = ", …" if len(inside) > 5 else ""
            advice = f"the models lie in folders of their own, so give one of {', '.join(inside[:5])}{more}"
        raise CheckpointError(f"{path}: has neither config.json nor {ADAPTER_CONFIG}; {advice}")
    config, weights = read_model_config(path), weight_files(path)
    if absent := missing_shards(path):
        raise CheckpointError(
            f"{path}: {absent[0]} is missing ({len(absent)} of the weight files that its index names); copy or "
            "download it again"
        )
    if not weights:
        raise CheckpointError(f"{path}: has config.json but no weights; expected model.safetensors beside it")
    placement.check(config, path)
    tokenizer, dtype = resolve_tokenizer([path], config, base, path), placement.dtype_of(config)
    if stored_quantization(config):  # its tensors are the method's own
        skeleton = bare(config, dtype, path)
        nbytes = sum(file.stat().st_size for file in weights)
    else:
        names = {name: tensor for file in weights for name, tensor in headers(file).items()}
        skeleton, unused = build(config, path, dtype=dtype, strict=False, state_dict=names, device_map="meta")
        if unused:
            tokenizer.notes.append(
                f"{len(unused)} tensors of {path.name} are not part of the model (first: {unused[0]})"
            )
        nbytes = placement.nbytes(skeleton)

    def read() -> PreTrainedModel:
        return build(config, path, dtype=dtype, strict=False, **placement.options(config))[0]

    return ModelSource(path, skeleton, tokenizer, [path / "config.json", *weights, *tokenizer.parts], nbytes, read)


def _find_file(path: Path, base: BaseFiles | None, folder: Path | None, placement: Placement) -> ModelSource:
    if path.suffix not in WEIGHT_SUFFIXES:
        raise CheckpointError(f"{path}: not a checkpoint; expected a folder or a file {', '.join(WEIGHT_SUFFIXES)}")
    if folder is not None and not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: has no config.json; give the folder with the model's config and tokenizer")
    file = read_weights(path)
    places = [folder, path.parent] if folder is not None else [path.parent]
    config, parts = resolve_config(file.config, path, places, base)
    if file.tokenizer:
        tokenizer = TokenizerSource(unpack_tokenizer(file.tokenizer, config, path))
    else:
        tokenizer = resolve_tokenizer(places, config, base, path)
    placement.check(config, path)
    dtype = placement.dtype_of(config)
    names = {name: tensor.to("meta") for name, tensor in tensors_for(file, config, path).items()}
    skeleton, _ = build(config, path, dtype=dtype, strict=True, state_dict=names, device_map="meta")

    def read() -> PreTrainedModel:
        tensors = tensors_for(read_weights(path), config, path)
        return build(config, path, dtype=dtype, strict=True, state_dict=tensors, **placement.options(config))[0]

    return ModelSource(path, skeleton, tokenizer, [path, *parts, *tokenizer.parts], placement.nbytes(skeleton), read)


def bare(config: PretrainedConfig, dtype: torch.dtype, path: Path) -> PreTrainedModel:
    """A model of `config` on the meta device."""
    made: Any = model_class(config, path)
    with torch.device("meta"):
        model: PreTrainedModel = made(config).to(dtype).eval()
    return model
