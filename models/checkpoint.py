"""The checkpoint: a model and its tokenizer, known before its weights are read. Used by the engines and the probes.

`find` looks at everything but the weights' values, `load` reads these, `close` lets them go. One copy of a base's
weights serves the base and every adapter opened on it.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from ..errors import AdapterError, CheckpointError
from .adapters import Adapter, AdapterFacts, adapter_file
from .architecture import Anatomy, anatomy
from .choices import DEFAULT_DEVICE, DEFAULT_DEVICE_MAP, DEFAULT_DTYPE, DEFAULT_FORM, DEFAULT_QUANTIZATION
from .companions import BaseFiles, compare_tokenizers
from .finding import ModelSource, find_model
from .forms import is_adapter
from .methods import CONFIG as ADAPTER_CONFIG
from .methods import field_notes, read_config
from .placement import Placement, ready
from .sources import content_hash, label, locate

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Kind = Literal["base", "adapter", "full"]


@dataclass(eq=False, slots=True)
class Checkpoint:
    """A causal LM, in eval mode and without gradients, and its tokenizer.

    Use the model inside `with checkpoint.active() as model:`.
    """

    name: str
    """The folder's name, or the file's stem; the caller may change it where two clash."""
    spec: str
    """As the user gave it."""
    kind: Kind
    tokenizer: PreTrainedTokenizerBase
    weights_hash: str
    """SHA-256 (hex) of the files: weights, config and tokenizer; for an adapter, its own."""
    placement: Placement
    base: Checkpoint | None = None
    """What an adapter lies on."""
    adapter: AdapterFacts | None = None
    """What landed on the base, once it is loaded."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the results should know."""
    _source: ModelSource | Adapter = field(kw_only=True, repr=False)
    """Where its weights come from, and its skeleton."""
    _model: PreTrainedModel | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def find(
        cls,
        spec: str | Path,
        *,
        base: Checkpoint | None = None,
        config: str | Path | None = None,
        device: str | torch.device = DEFAULT_DEVICE,
        dtype: str = DEFAULT_DTYPE,
        quantize: str = DEFAULT_QUANTIZATION,
        device_map: str = DEFAULT_DEVICE_MAP,
        form: str = DEFAULT_FORM,
    ) -> Checkpoint:
        """A Hugging Face directory or hub id, a peft adapter, a `.safetensors` or a `.pt` file, not yet in memory.

        An adapter goes on `base` (else on the base that it records) and takes its placement. `config` is a directory
        with the config.json and the tokenizer of a weight file that has none beside it; else those of `base` are
        taken. `form` says which is meant where a folder holds a full model and an adapter (`models.forms`); what the
        other options mean, `models.placement` says. Whatever can be known without the weights'
        values is checked. Raises `CheckpointError`, `AdapterError`, `UsageError`.
        """
        placement = Placement.of(device, dtype, quantize, device_map)
        path = locate(spec)
        if path.is_dir() and not any(path.iterdir()):
            raise CheckpointError(f"{path}: the directory is empty; expected a model's config.json and weights")
        if path.is_file() and path.name.startswith("adapter_model.") and (path.parent / ADAPTER_CONFIG).is_file():
            path = path.parent
        name = label(path, spec)
        as_adapter, notes = is_adapter(path, form, name, base is not None)
        if as_adapter:
            try:
                return _find_adapter(path, spec, base, placement, notes)
            except AdapterError as error:
                if not notes or form != DEFAULT_FORM:
                    raise
                raise AdapterError(f"{error}, or take the folder's full model with --as {name}=full") from error
        folder = None if config is None else locate(config, "config")
        source = find_model(path, None if base is None else base.files, folder, placement)
        return cls(
            name=name,
            spec=str(spec),
            kind="base" if base is None else "full",
            tokenizer=source.tokenizer_source.tokenizer,
            weights_hash=content_hash(source.parts),
            placement=placement,
            notes=[*notes, *source.tokenizer_source.notes],
            _source=source,
        )

    @classmethod
    def open(cls, spec: str | Path, **options: Any) -> Checkpoint:
        """As `find`, and in memory."""
        return cls.find(spec, **options).load()

    def load(self) -> Checkpoint:
        """Reads the weights, where they are not in memory already; an adapter's base too. Raises as `find`."""
        if self._model is not None:
            return self
        if isinstance(self._source, Adapter):
            assert self.base is not None
            self._model, self.adapter = self._source.put_on(self.base.load().model)
        else:
            self._model = ready(self._source.read())
        return self

    def close(self) -> None:
        """Lets the weights go; what else is known of the checkpoint stays. Adapters keep what they share with it."""
        self._model = None
        if self.base is None:  # an adapter is small, and this takes a moment
            gc.collect()  # modules may refer to each other in circles
        if self.placement.device.type == "cuda":
            torch.cuda.empty_cache()

    @contextmanager
    def active(self) -> Iterator[PreTrainedModel]:
        """The causal LM, its adapter on it; in memory for the time of the block, where it was not there before."""
        rested = [each for each in (self, self.base) if each is not None and each._model is None]
        try:
            yield self.load().model
        finally:
            for each in rested:
                each.close()

    @property
    def model(self) -> PreTrainedModel:
        """The causal LM, its adapter on it, without peft's wrapper. An adapter's shares its weights with its base's."""
        if self._model is None:
            raise RuntimeError(f"{self.name} is not in memory; load() it, or use it inside active()")
        return self._model

    @property
    def anatomy(self) -> Anatomy:
        """The model's parts; of its skeleton, which has no numbers, as long as it is not in memory."""
        return anatomy(self._model if self._model is not None else self._source.skeleton)

    @property
    def config(self) -> PretrainedConfig:
        config: PretrainedConfig = self._source.skeleton.config
        return config

    @property
    def files(self) -> BaseFiles:
        """What a model tuned from this one takes from it where it has no config or tokenizer of its own."""
        return BaseFiles(self.name, self.tokenizer, self.config, self.weights_hash)

    @property
    def path(self) -> Path:
        """Where its files lie: a folder, or a weight file; an adapter's folder where its weight file was given."""
        return self._source.folder if isinstance(self._source, Adapter) else self._source.path

    @property
    def dtype(self) -> torch.dtype:
        """What the model computes in."""
        return self.placement.dtype_of(self.config)

    @property
    def device(self) -> torch.device:
        """Where token ids go in."""
        return self.anatomy.entry if self._model is not None else self.placement.device

    @property
    def quantization(self) -> str:
        """How its weights are rounded: `none`, `4bit`, `8bit`, or the method that they are stored with."""
        return self.placement.quantization(self.config)

    @property
    def parameters(self) -> int:
        """How many numbers it is made of; for an adapter, those that it adds to its base."""
        return self._source.parameters

    @property
    def nbytes(self) -> int:
        """Bytes that these take in memory, estimated where they are rounded as they are loaded."""
        return self._source.nbytes

    @property
    def method(self) -> str | None:
        """An adapter's method, as peft names it, such as LORA."""
        return self._source.method if isinstance(self._source, Adapter) else None

    @property
    def content_key(self) -> str:
        """SHA-256 (hex) of all that decides this checkpoint's scores: for an adapter, its base too."""
        return content_hash([self.weights_hash] if self.base is None else [self.base.content_key, self.weights_hash])

    @property
    def tokenizer_hash(self) -> str:
        """SHA-256 (hex) of the tokenizer's whole description; two checkpoints of one hash cut texts alike."""
        text = repr(self.tokenizer)
        if self.tokenizer.is_fast:
            # A file may keep how texts were cut and padded in training; transformers forgets it at the first call.
            held = json.loads(self.tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}
            text = json.dumps(held, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _find_adapter(
    path: Path, spec: str | Path, base: Checkpoint | None, placement: Placement, notes: list[str]
) -> Checkpoint:
    name = label(path, spec)
    recorded = read_config(path).base_model_name_or_path or ""
    notes = [*notes, *field_notes(path)]
    # Some programs write Python's None as a word for a base that had no name.
    is_placeholder = recorded.strip().casefold() in ("none", "null")
    recorded = "" if is_placeholder else recorded
    if base is None:
        base = _find_recorded(path, name, recorded, placement)
    elif base.kind == "adapter":
        raise AdapterError(f"{name}: its base {base.name} is itself an adapter; give the base of both")
    elif is_placeholder:
        notes.append(f"{name} records no base; whether it was trained on {base.name} cannot be checked")
    elif recorded and not _same_base(recorded, path, base):
        notes.append(f"{name} records the base {recorded}, and was put on {base.spec}")
    notes += compare_tokenizers(path, name, base.tokenizer, base.name, base.config)
    fitting = Adapter.fit(path, name, base.name, base._source.skeleton)
    file = adapter_file(path)
    return Checkpoint(
        name=name,
        spec=str(spec),
        kind="adapter",
        tokenizer=base.tokenizer,
        weights_hash=content_hash([path / ADAPTER_CONFIG, *([file] if file else [])]),
        placement=base.placement,
        base=base,
        notes=notes,
        _source=fitting,
    )


def _find_recorded(path: Path, name: str, recorded: str, placement: Placement) -> Checkpoint:
    if not recorded:
        raise AdapterError(f"{name}: {path / ADAPTER_CONFIG} records no base; give the base it was trained on")
    beside = path / recorded  # a relative path, recorded from the adapter's own folder
    try:
        return Checkpoint.find(beside if beside.exists() else recorded, **asdict(placement))
    except CheckpointError as error:
        raise AdapterError(f"{name}: its recorded base cannot be opened ({error}); give its base") from error


def _same_base(recorded: str, path: Path, base: Checkpoint) -> bool:
    """Whether the recorded base may be this one: the same place, or the same name elsewhere."""
    given = Path(base.spec).expanduser()
    places = (Path(recorded).expanduser(), path / recorded)
    same_place = given.exists() and any(place.exists() and place.samefile(given) for place in places)
    return recorded == base.spec or same_place or Path(recorded).name in (base.name, given.name)
