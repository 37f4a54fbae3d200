"""Options of whatever opens models and reads their layers, each declared once for every command that takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar

from ..errors import UsageError
from ..options import Option, make_settings
from .choices import (
    DEFAULT_DEVICE,
    DEFAULT_DEVICE_MAP,
    DEFAULT_DTYPE,
    DEFAULT_FORM,
    DEFAULT_QUANTIZATION,
    DTYPES,
    FORMS,
    LENS_FILE,
    LENSES,
    QUANTIZATIONS,
)
from .layers import LayerSpec, is_trained, parse_layers

OPENING = ("compare", "lens", "evaluate")
"""Commands that open models."""
READING = ("compare", "lens")
"""Commands that read layers."""


class Loading(TypedDict):
    """How `Checkpoint.find` places and rounds a model."""

    device: str
    dtype: str
    quantize: str
    device_map: str


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """How models are opened."""

    device: Annotated[str, Option("auto, cpu, cuda, cuda:1, mps.", OPENING)] = DEFAULT_DEVICE
    dtype: Annotated[str, Option(f"{', '.join(DTYPES)}.", OPENING)] = DEFAULT_DTYPE
    quantize: Annotated[
        str,
        Option(f"Round the weights with bitsandbytes as they are loaded: {', '.join(QUANTIZATIONS)}.", OPENING),
    ] = DEFAULT_QUANTIZATION
    device_map: Annotated[
        str,
        Option("auto: lay a model too large for one device on all of them, the CPU and the disk.", OPENING),
    ] = DEFAULT_DEVICE_MAP
    forms: Annotated[
        tuple[str, ...],
        Option(
            "What is read where a folder holds a full model and an adapter: full, adapter, or MODEL=full once for each "
            "(default: of a base the full model, of a tuned model the adapter).",
            OPENING,
            flag="--as",
        ),
    ] = ()
    config: Annotated[
        Path | None,
        Option("Folder with config.json and tokenizer for a bare weight file.", OPENING, path="folder"),
    ] = None

    @property
    def loading(self) -> Loading:
        """Return what base and tuned models share of these options."""
        return {
            "device": self.device,
            "dtype": self.dtype,
            "quantize": self.quantize,
            "device_map": self.device_map,
        }


def forms_of(given: Sequence[str], base: str, tuned: Sequence[str]) -> dict[str, str]:
    """Return what each model's folder is read as, keyed by model name; `""` is the base.

    A value without a name is for all tuned models. Raises `UsageError` on another value or name.
    """
    forms = by_model("--as", given, tuned, FORMS, base)
    return dict.fromkeys(["", *tuned], DEFAULT_FORM) | {
        name if name in tuned else "": form for name, form in forms.items()
    }


def by_model(
    flag: str, given: Sequence[str], tuned: Sequence[str], choices: Sequence[str], base: str | None = None
) -> dict[str, str]:
    """Return the values of an option that is given for all tuned models or as MODEL=VALUE, keyed by model name.

    Raises `UsageError` on a value that is none of `choices`, and on a name that is neither a tuned model's nor `base`.
    """
    general = [value for value in given if "=" not in value]
    if len(general) > 1:
        raise UsageError(f"{flag} {f' {flag} '.join(general)}: give one, or MODEL={choices[0]} for each model")
    models = [*([] if base is None else [base]), *tuned]
    values: dict[str, str] = {name: general[0] for name in tuned if general}
    for text in given:
        name, named, value = text.rpartition("=")
        if value not in choices:
            raise UsageError(f"{flag} {text}: no such value; give {', '.join(choices)}, or MODEL={choices[0]}")
        if named and name not in models:
            raise UsageError(f"{flag} {text}: no such model; the models are {', '.join(models)}")
        if named:
            values[name] = value
    return values


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """What runs the models, on which prompt, and which of their layers are read."""

    template: Annotated[str, Option("none, chat, or a text file that ends in {text}.", READING)] = "none"
    engine: Annotated[str, Option("What runs the models: hooks, transformer-lens, nnsight, nnsight-vllm.", READING)] = (
        "hooks"
    )
    remote: Annotated[bool, Option("Run the models on NDIF (hub ids; with --engine nnsight).", READING)] = False
    layers: Annotated[
        LayerSpec,
        Option("Layers to read, and the last: all, a stride (4), a list from 0 (0,6,11; of one: 6,).", READING),
    ] = "all"


def _lens_name(lens: Any) -> Any:
    """Programs may say True and False for the raw lens and none."""
    return {True: "raw", False: "none"}.get(lens, lens)


@dataclass(frozen=True, kw_only=True)
class LensOptions:
    """Through what layers are read."""

    lens: Annotated[
        str,
        Option("What reads the layers: raw (default), tuned, none.", READING, choices=LENSES, parse=_lens_name),
    ] = "raw"
    lens_data: Annotated[
        Path | None,
        Option("For --lens tuned: texts (.txt, .jsonl), or a trained lens.safetensors.", READING, path="file"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ReadingSettings(ModelOptions, ReadingOptions):
    """The options of `probes.runs.lens_reading.read_lens`."""


@dataclass(frozen=True, kw_only=True)
class LensSettings(ReadingSettings, LensOptions):
    """The options of `probe lens`; those of `probe compare` include them."""


S = TypeVar("S", bound=LensSettings)


def lens_settings_from(kind: type[S], settings: S | None, options: Mapping[str, Any]) -> S:
    """Return `settings` with `options` put over it; a trained lens may be given without `lens`.

    Raises `UsageError` on invalid or conflicting options.
    """
    settings = make_settings(kind, settings, options)
    lens, data = settings.lens, settings.lens_data
    if data is not None and is_trained(data) and lens == "raw" and "lens" not in options:
        lens = "tuned"
    if lens == "tuned" and data is None:
        raise UsageError(f"--lens tuned: give --lens-data FILE, texts to train it on or a trained {LENS_FILE}")
    if lens != "tuned" and data is not None:
        raise UsageError(
            f"--lens-data {data}: is for a tuned lens, and the lens is {lens}; give --lens tuned, or drop it"
        )
    if data is not None and settings.remote and not is_trained(data):
        raise UsageError(f"--lens-data {data}: with --remote no lens can be trained; give a trained {LENS_FILE}")
    if parse_layers(settings.layers) != 1 and lens == "none":
        raise UsageError(f"--layers {settings.layers}: no layer is read with --lens none; drop one of the two")
    return replace(settings, lens=lens)
