"""Adapters on a base: each on a clone of it that shares its weights, as peft alone would put it there.

peft loads a file that does not fit as a no-op, or leaves random weights where the file has none. So an adapter is
first tried on the base's skeleton (the meta device, before any weight is read), where its file's names and shapes are
compared with what the method expects; once it lies on the weights, every tensor is read back. Twins (see
`models.sharing`) keep adapters of any methods apart from each other and from the base.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import AdapterError, CheckpointError, first_line
from .methods import CONFIG, PREFIX, check_method, read_config, rewritten
from .offloading import standing_in, try_out
from .sharing import clone_sharing_weights, unshare
from .sources import quiet
from .weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

FILES = ("adapter_model.safetensors", "adapter_model.bin")
NAME = "default"
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""What data-parallel training, torch.compile, FSDP and checkpointing of activations put into tensors' names."""
ADVICE = "give the base it was trained on"


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """What shows that an adapter landed: every tensor of its file is in the model, and none was left as it began."""

    method: str
    """peft's name of it, such as LORA."""
    tensors: int
    """Tensors in the file."""
    matched: int
    """Of those, how many were read back from the model with the file's values."""
    initial: int
    """The adapter's tensors in the model that the file has no value for."""

    @property
    def landed(self) -> bool:
        return self.matched == self.tensors > 0 and self.initial == 0


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter whose file fits its base, as far as can be known before the base's weights are read."""

    folder: Path
    label: str
    """What messages call it; so `base` for the base."""
    base: str
    config: Any
    skeleton: PreTrainedModel
    """The base with the adapter on it, on the meta device."""
    parameters: int
    """Numbers in its file."""
    nbytes: int
    """That it adds to its base in memory."""

    @classmethod
    def fit(cls, folder: Path, label: str, base: str, skeleton: PreTrainedModel) -> Adapter:
        """Check the adapter in `folder` against the skeleton of the base. Raises `AdapterError`."""
        config = read_config(folder)
        check_method(config, label)
        tensors = _read_tensors(folder, label)
        size, alike = sum(value.numel() for value in tensors.values()), clone_sharing_weights(skeleton)
        try:
            with quiet():
                trial = _wrap(alike, config, low_cpu_mem_usage=True)
        except Exception as error:  # peft raises what each method does
            if "meta" in str(error):  # It starts from the values of the base, so `put_on` checks it when they are read.
                nbytes = sum(value.nbytes for value in tensors.values())
                return cls(folder, label, base, config, skeleton, size, nbytes)
            raise AdapterError(f"{label}: does not fit base {base} ({first_line(error)}); {ADVICE}") from error
        _fitting(tensors, _state(trial), skeleton, label, base)
        with_it, without = (
            sum(weight.nbytes for weight in model.parameters()) for model in (trial.get_base_model(), skeleton)
        )
        return cls(folder, label, base, config, trial.get_base_model(), size, with_it - without)

    @property
    def method(self) -> str:
        """peft's name of it, such as LORA."""
        return str(self.config.peft_type.value)

    def put_on(self, model: PreTrainedModel) -> tuple[PreTrainedModel, AdapterFacts]:
        """Return a clone of `model` with the adapter on it, and what landed there. Raises `AdapterError`."""
        from peft import set_peft_model_state_dict

        alike, rounded, away = clone_sharing_weights(model), getattr(model, "is_quantized", False), False
        unshare(alike, rewritten(self.config, self.skeleton))
        tensors = _read_tensors(self.folder, self.label)
        try:
            with quiet():
                with standing_in(alike) as away:
                    peft = _wrap(alike, self.config)
                if rounded:
                    try_out(peft.get_base_model())
                tensors = _fitting(tensors, _state(peft), model, self.label, self.base)
                set_peft_model_state_dict(peft, dict(tensors), adapter_name=NAME)
                if away:
                    try_out(peft.get_base_model())
        except AdapterError:
            raise
        except Exception as error:
            full = "load the base whole and in float" if rounded or away else "merge it and give the full model"
            raise AdapterError(
                f"{self.label}: fits base {self.base}, but peft cannot put it there ({first_line(error)}); {full}"
            ) from error
        peft.eval().requires_grad_(False)
        landed = _state(peft)
        same = [
            key
            for key in tensors
            if key in landed and torch.equal(landed[key].cpu(), tensors[key].to(landed[key].dtype))
        ]
        facts = AdapterFacts(self.method, len(tensors), len(same), len(landed.keys() - tensors.keys()))
        if not facts.landed:
            raise AdapterError(
                f"{self.label}: only {facts.matched} of its {facts.tensors} tensors reached base {self.base}; save it "
                "again with the peft version it was trained with"
            )
        return peft.get_base_model(), facts


def adapter_file(folder: Path) -> Path | None:
    """The adapter's weight file in `folder`."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def _wrap(model: PreTrainedModel, config: Any, **options: Any) -> Any:
    from peft import PeftModel

    return PeftModel(model, copy.deepcopy(config), NAME, **options)


def _state(peft: Any) -> dict[str, Tensor]:
    from peft import get_peft_model_state_dict

    return dict(get_peft_model_state_dict(peft, adapter_name=NAME, save_embedding_layers=False))


def _read_tensors(folder: Path, label: str) -> dict[str, Tensor]:
    file = adapter_file(folder)
    if file is None:
        raise AdapterError(f"{folder}: has {CONFIG} but no {FILES[0]}; save the adapter again with save_pretrained")
    try:
        tensors = read_weights(file).tensors
    except CheckpointError as error:
        raise AdapterError(str(error)) from error
    for key, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise AdapterError(f"{label}: {key} contains NaN/Inf; training diverged, so give another checkpoint")
    return tensors


def _fitting(
    tensors: dict[str, Tensor], expected: dict[str, Tensor], model: PreTrainedModel, label: str, base: str
) -> dict[str, Tensor]:
    """The file's tensors without copies of the base's, if they are what the method expects on `model`."""
    vocabulary = _embedding_names(model)
    tensors = _renamed(tensors, expected)
    tensors = _without_copies(tensors, expected, model, vocabulary, label, base)
    matched = tensors.keys() & expected.keys()
    unexpected, missing = sorted(tensors.keys() - matched), sorted(expected.keys() - matched)
    if not matched:
        raise AdapterError(
            f"{label}: none of its {len(tensors)} tensors matches base {base} (first: "
            f"{(unexpected or ['none'])[0]}, expected such as {(missing or ['none'])[0]}); {ADVICE}"
        )
    for key in sorted(matched):
        got, want = list(tensors[key].shape), list(expected[key].shape)
        if got != want:
            words = _of_vocabulary(key, vocabulary)
            what = "was trained with another vocabulary" if words else f"was trained for other shapes than base {base}"
            resized = words and got[1:] == want[1:]
            how = f", or that base resized to {got[0]} tokens and saved with the adapter's tokenizer" if resized else ""
            raise AdapterError(f"{label}: {what}: {key} is {got}, expected {want}; {ADVICE}{how}")
    for names, what in ((unexpected, "unknown to"), (missing, "missing for")):
        if names:
            raise AdapterError(
                f"{label}: {len(names)} of its tensors are {what} base {base} (first: {names[0]}), "
                f"{len(matched)} match; {ADVICE}, or save the adapter again"
            )
    return tensors


def _renamed(tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors by the names that peft saves them under, where they were saved in another way.

    A wrapper's state dict has the wrapper's parts in its names, and that of a model in memory the adapter's own name.
    """
    known = {key: _saved_name(key, expected) for key in tensors}
    names = list(known.values())
    # Two tensors that would get one name are left as they are, and refused by theirs.
    return {known[key] if names.count(known[key]) == 1 else key: value for key, value in tensors.items()}


def _saved_name(key: str, expected: dict[str, Tensor]) -> str:
    if key in expected:
        return key
    parts = [part for part in key.split(".") if part not in WRAPPERS]
    if parts[:2] == PREFIX.split(".")[:2]:
        parts = parts[2:]
    ways = (parts, [*parts[:-2], *parts[-1:]], parts[:-1])  # the adapter's name before `weight`, or last
    return next((name for way in ways if (name := PREFIX + ".".join(way)) in expected), key)


def _without_copies(
    tensors: dict[str, Tensor],
    expected: dict[str, Tensor],
    model: PreTrainedModel,
    vocabulary: list[str],
    label: str,
    base: str,
) -> dict[str, Tensor]:
    """Drops copies of the base's embeddings, which peft saves with an adapter on them; they must be the base's."""
    theirs = dict(model.named_parameters(remove_duplicate=False))
    kept = {}
    for key, value in tensors.items():
        name = key.removeprefix(PREFIX).replace(".base_layer.", ".")
        if key in expected or name not in theirs:
            kept[key] = value
        elif value.shape != theirs[name].shape:
            what = "vocabulary" if _of_vocabulary(name, vocabulary) else "shape"
            raise AdapterError(
                f"{label}: was trained with another {what}: {key} is {list(value.shape)}, base {base} has "
                f"{list(theirs[name].shape)}; {ADVICE}"
            )
        elif not (theirs[name].is_meta or _alike(value, theirs[name])):
            raise AdapterError(
                f"{label}: carries its own {name}, which differs from base {base}'s; {ADVICE}, or train that module "
                "through modules_to_save"
            )
    return kept


def _alike(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding to half precision."""
    return torch.allclose(one.float(), other.detach().cpu().float(), rtol=1e-2, atol=1e-6)


def _embedding_names(model: Any) -> list[str]:
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    return [name for name, module in model.named_modules() if module in ends]


def _of_vocabulary(key: str, names: list[str]) -> bool:
    """Whether a tensor belongs to the embedding or the head."""
    return any(f".{name}." in f".{key}" for name in names)
