"""The checkpoint: a model ready to be scored, with its tokenizer. Opened here, used by the engines and the probes.

One copy of a base's weights serves the base and every adapter opened on it; `active()` switches between them.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from ..errors import AdapterError, CheckpointError, UsageError
from .adapters import AdapterFacts, Host, adapter_file
from .architecture import Anatomy, anatomy
from .companions import compare_tokenizers, load_tokenizer, make_config, read_model_config, unpack_tokenizer
from .methods import CONFIG as ADAPTER_CONFIG
from .methods import read_config
from .sources import (
    WEIGHT_SUFFIXES,
    content_hash,
    label,
    locate,
    one_line,
    tokenizer_files,
    weight_files,
)
from .weights import WeightFile, build_model, load, read_weights

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Kind = Literal["base", "adapter", "full"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(eq=False, slots=True)
class Checkpoint:
    """A causal LM in eval mode, without gradients, and its tokenizer.

    Use the model inside `with checkpoint.active() as model:`; outside, the adapters are off.
    """

    name: str
    """The folder's name, or the file's stem; the caller may change it where two clash."""
    spec: str
    """As the user gave it."""
    kind: Kind
    tokenizer: PreTrainedTokenizerBase
    dtype: torch.dtype
    device: torch.device
    weights_hash: str
    """SHA-256 (hex) of the files: weights, config and tokenizer; for an adapter, its own."""
    base: Checkpoint | None = None
    """What an adapter lies on."""
    adapter: AdapterFacts | None = None
    notes: list[str] = field(default_factory=list)
    """What a reader of the results should know."""
    _host: Host = field(kw_only=True, repr=False)
    _internal: str | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def open(
        cls,
        spec: str | Path,
        *,
        base: Checkpoint | None = None,
        config: str | Path | None = None,
        device: str | torch.device = "auto",
        dtype: str = "auto",
    ) -> Checkpoint:
        """Opens a Hugging Face directory or hub id, a peft adapter, a `.safetensors` or a `.pt` file.

        An adapter goes on `base` (else on the base that it records) and takes its device and dtype. `config` is a
        directory with the config.json and the tokenizer of a weight file that has none beside it; else those of
        `base` are taken. `device` "auto" is CUDA where there is one; `dtype` "auto" is float32 on the CPU, the
        checkpoint's own elsewhere. Raises `CheckpointError`, `AdapterError`, `UsageError`.
        """
        where = _device(device)
        if dtype not in ("auto", *DTYPES):
            raise UsageError(f"dtype {dtype!r} is unknown; expected auto, {', '.join(DTYPES)}")
        path = locate(spec)
        if path.is_dir() and not any(path.iterdir()):
            raise CheckpointError(f"{path}: the directory is empty; expected a model's config.json and weights")
        if path.is_file() and path.name.startswith("adapter_model.") and (path.parent / ADAPTER_CONFIG).is_file():
            path = path.parent
        if path.is_dir() and (path / ADAPTER_CONFIG).is_file():
            return _open_adapter(path, spec, base, where, dtype)
        if path.is_dir():
            return _open_folder(path, spec, base, where, dtype)
        return _open_file(path, spec, base, None if config is None else locate(config, "config"), where, dtype)

    @property
    def model(self) -> PreTrainedModel:
        """The causal LM without peft's wrapper; shared by a base and its adapters."""
        return self._host.model

    @property
    def anatomy(self) -> Anatomy:
        """The model's parts as they are now: an adapter opened later may have wrapped its head or norm."""
        return anatomy(self.model)

    @property
    def content_key(self) -> str:
        """SHA-256 (hex) of all that decides this checkpoint's scores: for an adapter, its base too."""
        return content_hash([self.weights_hash] if self.base is None else [self.base.content_key, self.weights_hash])

    @property
    def tokenizer_hash(self) -> str:
        """SHA-256 (hex) of the tokenizer's whole description; two checkpoints of one hash cut texts alike."""
        text = self.tokenizer.backend_tokenizer.to_str() if self.tokenizer.is_fast else repr(self.tokenizer)
        return hashlib.sha256(text.encode()).hexdigest()

    @contextmanager
    def active(self) -> Iterator[PreTrainedModel]:
        """The causal LM with this checkpoint's adapter on, or with all adapters off; then as it was before."""
        with self._host.active(self._internal) as model:
            yield model


def _open_adapter(
    path: Path, spec: str | Path, base: Checkpoint | None, device: torch.device, dtype: str
) -> Checkpoint:
    name = label(path, spec)
    recorded = read_config(path).base_model_name_or_path or ""
    notes = []
    if base is None:
        base = _open_recorded(path, name, recorded, device, dtype)
    elif base.kind == "adapter":
        raise AdapterError(f"{name}: its base {base.name} is itself an adapter; give the base of both")
    elif recorded and not _same_base(recorded, path, base):
        notes.append(f"{name} records the base {recorded}, and was put on {base.spec}")
    notes += compare_tokenizers(path, name, base.tokenizer, base.name, base.model.config)
    internal, facts = base._host.attach(path, name, base.name)
    file = adapter_file(path)
    return Checkpoint(
        name=name,
        spec=str(spec),
        kind="adapter",
        tokenizer=base.tokenizer,
        dtype=base.dtype,
        device=base.device,
        weights_hash=content_hash([path / ADAPTER_CONFIG, *([file] if file else [])]),
        base=base,
        adapter=facts,
        notes=notes,
        _host=base._host,
        _internal=internal,
    )


def _open_recorded(path: Path, name: str, recorded: str, device: torch.device, dtype: str) -> Checkpoint:
    if not recorded:
        raise AdapterError(f"{name}: {path / ADAPTER_CONFIG} records no base; give the base it was trained on")
    beside = path / recorded  # a relative path, recorded from the adapter's own folder
    try:
        return Checkpoint.open(beside if beside.exists() else recorded, device=device, dtype=dtype)
    except CheckpointError as error:
        raise AdapterError(f"{name}: its recorded base cannot be opened ({error}); give its base") from error


def _same_base(recorded: str, path: Path, base: Checkpoint) -> bool:
    """Whether the recorded base may be this one: the same place, or the same name elsewhere."""
    given = Path(base.spec).expanduser()
    places = (Path(recorded).expanduser(), path / recorded)
    same_place = given.exists() and any(place.exists() and place.samefile(given) for place in places)
    return recorded == base.spec or same_place or Path(recorded).name in (base.name, given.name)


def _open_folder(path: Path, spec: str | Path, base: Checkpoint | None, device: torch.device, dtype: str) -> Checkpoint:
    from transformers import AutoModelForCausalLM

    if not (path / "config.json").is_file():
        loose = sorted(file.name for file in path.iterdir() if file.suffix in WEIGHT_SUFFIXES)
        advice = f"give the file itself ({loose[0]})" if loose else "give a model's or an adapter's folder"
        raise CheckpointError(f"{path}: has neither config.json nor {ADAPTER_CONFIG}; {advice}")
    config, weights = read_model_config(path), weight_files(path)
    if not weights:
        raise CheckpointError(f"{path}: has config.json but no weights; expected model.safetensors beside it")
    beside = _beside([path], config, base, path)
    model, unused = load(
        path,
        lambda **options: AutoModelForCausalLM.from_pretrained(path, config=config, local_files_only=True, **options),
        _dtype(dtype, config, device),
        strict=False,
    )
    if unused:
        beside.notes.append(f"{len(unused)} tensors of {path.name} are not part of the model (first: {unused[0]})")
    return _finish(path, spec, base, model, beside, [path / "config.json", *weights, *beside.parts], device)


def _open_file(
    path: Path, spec: str | Path, base: Checkpoint | None, folder: Path | None, device: torch.device, dtype: str
) -> Checkpoint:
    if path.suffix not in WEIGHT_SUFFIXES:
        raise CheckpointError(f"{path}: not a checkpoint; expected a folder or a file {', '.join(WEIGHT_SUFFIXES)}")
    if folder is not None and not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: has no config.json; give the folder with the model's config and tokenizer")
    file = read_weights(path)
    places = [folder, path.parent] if folder is not None else [path.parent]
    config, parts = _config_of(file, path, places, base)
    if file.tokenizer:
        beside = Beside(unpack_tokenizer(file.tokenizer, config, path))
    else:
        beside = _beside(places, config, base, path)
    model = build_model(file, config, _dtype(dtype, config, device), path)
    return _finish(path, spec, base, model, beside, [path, *parts, *beside.parts], device)


@dataclass(slots=True)
class Beside:
    """A tokenizer, the files it came from, and what is to be said of that."""

    tokenizer: PreTrainedTokenizerBase
    parts: list[Path | str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _beside(places: list[Path], config: PretrainedConfig, base: Checkpoint | None, path: Path) -> Beside:
    """The tokenizer in the first of `places` that has one, else the base's."""
    found = next((place for place in places if tokenizer_files(place)), None)
    if found is None and base is not None:
        note = f"{path.name} has no tokenizer of its own; {base.name}'s is used"
        return Beside(base.tokenizer, [base.weights_hash], [note])
    found = found or places[0]
    return Beside(load_tokenizer(found, config), [*tokenizer_files(found)])


def _config_of(
    file: WeightFile, path: Path, places: list[Path], base: Checkpoint | None
) -> tuple[PretrainedConfig, list[Path | str]]:
    """The config that the file carries, else in the first of `places` that has one, else the base's."""
    if file.config is not None:
        return make_config(file.config, path), []
    found = next((place for place in places if (place / "config.json").is_file()), None)
    if found is not None:
        return read_model_config(found), [found / "config.json"]
    if base is None:
        raise CheckpointError(
            f"{path}: there is no config.json beside it; give the folder with its config and tokenizer (--config DIR)"
        )
    return copy.deepcopy(base.model.config), [base.weights_hash]


def _finish(
    path: Path,
    spec: str | Path,
    base: Checkpoint | None,
    model: PreTrainedModel,
    beside: Beside,
    parts: list[Path | str],
    device: torch.device,
) -> Checkpoint:
    anatomy(model)  # what cannot be read is refused now, not after the first pass
    embedding: Any = model.get_input_embeddings()
    rows, tokens = embedding.weight.shape[0], beside.tokenizer.vocab_size
    if tokens > rows:
        raise CheckpointError(
            f"{path}: its tokenizer has {tokens} tokens but its embedding {rows} rows; give the tokenizer that "
            "belongs to it"
        )
    try:
        model = model.eval().requires_grad_(False).to(device)
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{path}: does not fit on {device}; give --dtype bfloat16 or --device cpu") from error
    return Checkpoint(
        name=label(path, spec),
        spec=str(spec),
        kind="base" if base is None else "full",
        tokenizer=beside.tokenizer,
        dtype=model.dtype,
        device=device,
        weights_hash=content_hash(parts),
        notes=beside.notes,
        _host=Host(model),
    )


def _device(device: str | torch.device) -> torch.device:
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        if chosen.type == "meta":
            raise NotImplementedError("it holds no numbers")
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # unknown name, or not on this machine
        raise UsageError(
            f"device {str(device)!r} cannot be used here ({one_line(error)}); expected auto, cpu or cuda"
        ) from error
    return chosen


def _dtype(dtype: str, config: PretrainedConfig, device: torch.device) -> torch.dtype:
    if dtype != "auto":
        return DTYPES[dtype]
    own: Any = config.get_text_config().dtype or config.dtype
    own = DTYPES.get(own, own) if isinstance(own, str) else own
    return torch.float32 if device.type == "cpu" or own is None else own
