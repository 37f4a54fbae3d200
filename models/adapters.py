"""Adapters on a shared base: one copy of the base's weights, and beside it each adapter's own few tensors.

peft loads a file that does not fit as a no-op, or leaves random weights where the file has none. So before an adapter
touches the base, it is tried on a copy of the base without storage (the meta device), and its file's names and shapes
are compared with what the copy expects; afterwards every tensor is read back. A refused adapter leaves no trace.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import AdapterError, CheckpointError
from .methods import CONFIG, PREFIX, Touched, check_method, read_config
from .sources import one_line, quiet
from .weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

FILES = ("adapter_model.safetensors", "adapter_model.bin")


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


@dataclass(slots=True)
class Host:
    """A base model and the adapters on it; at rest, all of them are off."""

    model: PreTrainedModel
    peft: Any = None
    current: str | None = None
    touched: list[tuple[str, Touched]] = field(default_factory=list)
    """What each adapter is called, and changes."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def active(self, adapter: str | None) -> Iterator[PreTrainedModel]:
        """Runs the model with `adapter` alone, or with none; then as it was before."""
        before = self.current
        self._switch(adapter)
        try:
            yield self.model
        finally:
            self._switch(before)

    def _switch(self, adapter: str | None) -> None:
        if self.peft is None:
            return
        if adapter is None:
            self.peft.base_model.disable_adapter_layers()
        else:
            self.peft.base_model.enable_adapter_layers()
            self.peft.set_adapter(adapter, inference_mode=True)
        self.current = adapter

    def attach(self, folder: Path, label: str, base: str) -> tuple[str, AdapterFacts]:
        """Puts the adapter in `folder` on the base; returns its internal name. Raises `AdapterError`.

        `label` and `base` are what messages call the adapter and the base.
        """
        config = read_config(folder)
        check_method(config, label)
        if self.peft is not None and self.peft.peft_type != config.peft_type:
            raise AdapterError(
                f"{label}: its method is {config.peft_type.value}, but the base already carries "
                f"{self.peft.peft_type.value} adapters; compare the two kinds in separate runs"
            )
        tensors = _read_tensors(folder, label)
        tensors, touched = self._check_fit(config, tensors, label, base)
        for other, theirs in self.touched:
            if module := touched.clash(theirs):
                raise AdapterError(
                    f"{label}: cannot share base {base} with {other}, because both change {module}, in ways that peft "
                    "cannot keep apart; compare it in a run of its own"
                )
        name = f"adapter{next(self._numbers)}"  # no dots: it becomes a module's name
        with quiet():
            try:
                facts = self._load(name, config, tensors)
            except Exception as error:
                self._detach(name)
                raise AdapterError(
                    f"{label}: fits base {base}, but peft cannot put it there ({one_line(error)}); "
                    "compare it in a run of its own"
                ) from error
        if not facts.landed:
            self._detach(name)
            raise AdapterError(
                f"{label}: only {facts.matched} of its {facts.tensors} tensors reached base {base}; save it again "
                "with the peft version it was trained with"
            )
        self.touched.append((label, touched))
        return name, facts

    def _load(self, name: str, config: Any, tensors: dict[str, Tensor]) -> AdapterFacts:
        from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict

        before = self.current
        if self.peft is None:
            self.peft = PeftModel(self.model, config, name)
        else:
            self.peft.add_adapter(name, config)
        set_peft_model_state_dict(self.peft, dict(tensors), adapter_name=name)
        self.model.eval().requires_grad_(False)
        self._switch(before)
        landed = get_peft_model_state_dict(self.peft, adapter_name=name, save_embedding_layers=False)
        same = [
            key
            for key in tensors
            if key in landed and torch.equal(landed[key].cpu(), tensors[key].to(landed[key].dtype))
        ]
        return AdapterFacts(config.peft_type.value, len(tensors), len(same), len(landed.keys() - tensors.keys()))

    def _detach(self, name: str) -> None:
        """Takes a half-loaded adapter off again."""
        if self.peft is None or name not in self.peft.peft_config:
            return
        with quiet():
            if len(self.peft.peft_config) == 1:
                self.peft.unload()
                self.peft = None
            else:
                self.peft.delete_adapter(name)
                self._switch(self.current)

    def _check_fit(
        self, config: Any, tensors: dict[str, Tensor], label: str, base: str
    ) -> tuple[dict[str, Tensor], Touched]:
        """The tensors to load, and what they change. Raises `AdapterError` on names or shapes that do not fit."""
        from peft import PeftModel, get_peft_model_state_dict

        with quiet(), torch.device("meta"):
            bare = type(self.model)(copy.deepcopy(self.model.config))
            vocabulary = _embedding_names(bare)
            try:
                trial = PeftModel(bare, copy.deepcopy(config), "trial", low_cpu_mem_usage=True)
            except Exception as error:  # peft raises what each method does
                raise AdapterError(
                    f"{label}: does not fit base {base} ({one_line(error)}); give the base it was trained on"
                ) from error
            expected = get_peft_model_state_dict(trial, adapter_name="trial", save_embedding_layers=False)
        tensors = self._without_copies(tensors, expected, vocabulary, label, base)
        advice = "give the base it was trained on"
        matched = tensors.keys() & expected.keys()
        unexpected, missing = sorted(tensors.keys() - matched), sorted(expected.keys() - matched)
        if not matched:
            raise AdapterError(
                f"{label}: none of its {len(tensors)} tensors matches base {base} (first: "
                f"{(unexpected or ['none'])[0]}, expected such as {(missing or ['none'])[0]}); {advice}"
            )
        for key in sorted(matched):
            got, want = list(tensors[key].shape), list(expected[key].shape)
            if got != want:
                words = _of_vocabulary(key, vocabulary)
                what = (
                    "was trained with another vocabulary" if words else f"was trained for other shapes than base {base}"
                )
                raise AdapterError(f"{label}: {what}: {key} is {got}, expected {want}; {advice}")
        for names, what in ((unexpected, "unknown to"), (missing, "missing for")):
            if names:
                raise AdapterError(
                    f"{label}: {len(names)} of its tensors are {what} base {base} (first: {names[0]}), "
                    f"{len(matched)} match; {advice}, or save the adapter again"
                )
        return tensors, Touched.of(trial)

    def _without_copies(
        self, tensors: dict[str, Tensor], expected: Any, vocabulary: list[str], label: str, base: str
    ) -> dict[str, Tensor]:
        """Drops copies of the base's embeddings, which peft saves with an adapter on them; they must be equal."""
        own = self.model.state_dict()
        # Another adapter may have wrapped the module by now: its weight then lies one level deeper.
        own |= {key.replace(".base_layer.", ".").replace(".original_module.", "."): own[key] for key in own}
        kept = {}
        for key, value in tensors.items():
            name = key.removeprefix(PREFIX).replace(".base_layer.", ".")
            if key in expected or name not in own:
                kept[key] = value
            elif value.shape != own[name].shape:
                what = "vocabulary" if _of_vocabulary(name, vocabulary) else "shape"
                raise AdapterError(
                    f"{label}: was trained with another {what}: {key} is {list(value.shape)}, base {base} has "
                    f"{list(own[name].shape)}; give the base it was trained on"
                )
            elif not torch.allclose(value.float(), own[name].detach().cpu().float(), rtol=1e-2, atol=1e-6):
                raise AdapterError(
                    f"{label}: carries its own {name}, which differs from base {base}'s; give the base it was "
                    "trained on, or train that module through modules_to_save"
                )
        return kept


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
            raise AdapterError(f"{label}: {key} holds values that are not finite; its training went astray")
    return tensors


def adapter_file(folder: Path) -> Path | None:
    """The adapter's weight file in `folder`."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def _embedding_names(model: Any) -> list[str]:
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    return [name for name, module in model.named_modules() if module in ends]


def _of_vocabulary(key: str, names: list[str]) -> bool:
    """Whether a tensor belongs to the embedding or the head."""
    return any(f".{name}." in f".{key}" for name in names)
