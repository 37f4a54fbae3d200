"""Weight files: knowshift's own self-contained `.pt`, Hugging Face state dicts, transformer-lens bridges, safetensors.

A `.pt` is a pickle, and a pickle may run code; only tensors and plain values are read (`weights_only`).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError, first_line
from . import bridge
from .sources import TOKENIZER_FILES, quiet

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

FORMAT = "knowshift-checkpoint"
VERSION = 1
NESTED = ("state_dict", "model_state_dict", "model")


@dataclass(slots=True)
class WeightFile:
    """What a weight file holds."""

    tensors: dict[str, Tensor]
    config: dict[str, Any] | None = None
    """The model's config, where the file carries it."""
    tokenizer: dict[str, str] = field(default_factory=dict)
    """The tokenizer's files (name -> text), where the file carries them."""


def save_pt(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    path: str | Path,
    *,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes one self-contained file: config, weights and tokenizer. `dtype` (such as half) makes it smaller.

    The config keeps the model's own dtype, so the file opens as what it was. Written whole or not at all.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        files = {name: Path(folder, name) for name in TOKENIZER_FILES if Path(folder, name).is_file()}
        texts = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.suffix != ".model"}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "config": json.loads(model.config.to_json_string(use_diff=False)) | {"dtype": str(model.dtype)[6:]},
        "state_dict": _without_ties(model, dtype),
        "tokenizer": texts,
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save(content, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _without_ties(model: PreTrainedModel, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """Each weight once: a tied one is found again when the model is built."""
    seen: set[int] = set()
    kept = {}
    for name, weight in model.state_dict(keep_vars=True).items():
        if id(weight) not in seen:
            seen.add(id(weight))
            value = weight.detach().cpu()
            kept[name] = value.to(dtype) if dtype and value.is_floating_point() else value
    return kept


def read_weights(path: Path) -> WeightFile:
    """Reads a `.safetensors`, `.pt`, `.pth` or `.bin` file. Raises `CheckpointError`."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        try:
            return WeightFile(dict(load_file(path)))
        except Exception as error:  # safetensors' own error, or the system's
            raise unreadable(path, error) from error
    try:
        # Older files are no zip archives, and cannot be mapped into memory.
        with quiet():
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (KeyError, IndexError) as error:  # what the unpickler raises on bytes that are no pickle
        raise CheckpointError(
            f"{path}: not a file that torch.save wrote; give a PyTorch or safetensors file"
        ) from error
    except Exception as error:
        raise unreadable(path, error) from error
    return _unpack(content, path)


def _unpack(content: Any, path: Path) -> WeightFile:
    held = content if isinstance(content, dict) else {}
    if held.get("format") == FORMAT and held.get("version") != VERSION:
        raise CheckpointError(
            f"{path}: a knowshift checkpoint of version {held.get('version')}, but this knowshift reads version "
            f"{VERSION}; install a newer one"
        )
    inner = next((held[key] for key in NESTED if isinstance(held.get(key), dict)), held)
    tensors = {name: value for name, value in inner.items() if isinstance(value, torch.Tensor)}
    if not tensors or len(tensors) < len(inner):
        odd = next((repr(name) for name in inner if name not in tensors), type(content).__name__)
        raise CheckpointError(
            f"{path}: not a state dict (a name -> tensor mapping was expected, found {odd}); "
            "save it with torch.save(model.state_dict(), FILE)"
        )
    if bridge.is_hooked_transformer(tensors):
        raise CheckpointError(f"{path}: an old HookedTransformer's weights, which cannot be read; {bridge.CONVERT}")
    config = held.get("config")
    own = config if inner is not held and isinstance(config, dict) and "model_type" in config else None
    return WeightFile(tensors, own, held.get("tokenizer", {}) if held.get("format") == FORMAT else {})


def headers(path: Path) -> dict[str, Tensor]:
    """Names, shapes and dtypes of a weight file's tensors, without their values. Raises `CheckpointError`."""
    from transformers.modeling_utils import load_state_dict

    if path.suffix != ".safetensors":
        return {name: tensor.to("meta") for name, tensor in read_weights(path).tensors.items()}
    try:
        return dict(load_state_dict(path, map_location="meta"))
    except Exception as error:  # safetensors' own error, or the system's
        raise unreadable(path, error) from error


def model_class(config: PretrainedConfig, path: Path) -> type[PreTrainedModel]:
    """The class of a causal LM of `config`. Raises `CheckpointError`."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise CheckpointError(f"{path}: {config.model_type} is no causal language model; give one that is")
    # A few configs stand for several classes; the first is the text model.
    classes: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    chosen: type[PreTrainedModel] = classes[0] if isinstance(classes, list | tuple) else classes
    return chosen


def tensors_for(file: WeightFile, config: PretrainedConfig, path: Path) -> dict[str, Tensor]:
    """The file's weights by the names of a causal LM of `config`. Raises `CheckpointError`."""
    if any(name.startswith("base_model.model.") for name in file.tensors):
        raise CheckpointError(
            f"{path}: an adapter's weights, not a model's; give the folder with its adapter_config.json instead"
        )
    if bridge.is_bridge(file.tensors):
        return bridge.to_hugging_face(file.tensors, config, model_class(config, path), path)
    return file.tensors


def build(
    config: PretrainedConfig, path: Path, *, dtype: torch.dtype, strict: bool, **options: Any
) -> tuple[PreTrainedModel, list[str]]:
    """A causal LM of `config` through `from_pretrained`, held against its weights.

    `options` say where the weights are (`state_dict`; else the folder `path`) and where they go (`device_map`).
    Returns the model and the names of tensors that it has no use for; if `strict`, these are an error too.
    """
    made: Any = model_class(config, path)
    options = {"dtype": dtype, "output_loading_info": True, "ignore_mismatched_sizes": True, **options}
    # transformers would put an adapter that lies in the folder on the model; in this subfolder there is none.
    options["adapter_kwargs"] = {"subfolder": "no-adapter"}
    source = None if "state_dict" in options else path
    folder = tempfile.TemporaryDirectory(prefix="knowshift-") if options.get("device_map") == "auto" else None
    try:
        with quiet():
            model, info = made.from_pretrained(
                source, config=config, local_files_only=True, offload_folder=folder and folder.name, **options
            )
    except Exception as error:  # transformers raises whatever a config's author did
        raise unreadable(path, error) from error
    model._offload_folder = folder  # what does not fit in memory lies there, as long as the model is in use
    shapes = [f"{name} {list(got)}, expected {list(want)}" for name, got, want in info["mismatched_keys"]]
    faults = {
        "of another shape": sorted(shapes),
        "missing": sorted(info["missing_keys"]),
        "unknown": sorted(info["unexpected_keys"]) if strict else [],
    }
    for fault, names in faults.items():
        if names:
            raise CheckpointError(
                f"{path}: {len(names)} tensors are {fault} for {type(model).__name__} "
                f"({'; '.join(names[:3])}{'; …' if len(names) > 3 else ''}); give the config.json that belongs to it"
            )
    return model, sorted(info["unexpected_keys"])


def unreadable(path: Path, error: BaseException) -> CheckpointError:
    """An error of a library, as one line that names the file."""
    text = str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return CheckpointError(f"{path}: too large for this machine's memory; give a smaller dtype or another device")
    if "Weights only load failed" in text or "weights_only" in text:
        found = re.search(r"GLOBAL `?([\w.]+)", text)
        what = f" ({found[1]})" if found else ""
        return CheckpointError(
            f"{path}: refused, because it is a pickle that holds code or Python objects{what}, not only tensors, and "
            "opening it could run them; save the weights alone with torch.save(model.state_dict(), FILE)"
        )
    damaged = ("safetensor", "PytorchStreamReader", "invalid load key", "Ran out of input", "unexpected EOF", "zip")
    if isinstance(error, EOFError) or any(word.lower() in f"{type(error)} {text}".lower() for word in damaged):
        return CheckpointError(f"{path}: damaged or cut short ({first_line(error)}); copy or download it again")
    return CheckpointError(f"{path}: cannot be opened ({first_line(error)})")
