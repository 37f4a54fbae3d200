"""The options of `probe evaluate` that hold for every suite, and which model is compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ...errors import UsageError
from ...models.options import ModelOptions
from ...options import Option, declared, make_settings
from ...terms.defaults import DOMAIN
from ...terms.reading.content import checked_encoding
from .data import GivenData
from .suite_names import help_line, suite_names

COMMAND = ("evaluate",)
ENGINES = ("transformers", "vllm")
"""What runs the models, by the name of its package."""
METHODS = ("letter", "text", "pmi", "generation")
DEFAULT_SUITE = "smedqa"
TEMPLATES = ("none", "chat")


@dataclass(frozen=True, kw_only=True)
class Settings(ModelOptions):
    """The options that hold for every suite; a suite declares its own."""

    suite: Annotated[str, Option(help_line, COMMAND, choices=suite_names)] = DEFAULT_SUITE
    data: Annotated[tuple[str, ...], Option("A file or folder of data, or TASK=PATH once for each task.", COMMAND)] = ()
    encoding: Annotated[
        str | None,
        Option("Encoding of --data that is neither UTF-8 nor has a byte order mark, such as cp1252.", COMMAND),
    ] = None
    pair: Annotated[tuple[str, ...], Option("TUNED=BASE: which base a model is compared with; repeat.", COMMAND)] = ()
    own: Annotated[tuple[str, ...], Option("MODEL=SPECIALTY, where its name does not tell.", COMMAND)] = ()
    methods: Annotated[
        tuple[str, ...],
        Option(
            f"How multiple-choice questions are asked: {', '.join(METHODS)} (default: all); repeat.",
            COMMAND,
            flag="--method",
            choices=METHODS,
        ),
    ] = METHODS
    out: Annotated[Path | None, Option("Run directory (default: runs/<base>-<tuned>-<suite>-<date>).", COMMAND)] = None
    domain: Annotated[
        str,
        Option(
            f"An embedded domain's name, or a domain folder (default: that of --run; {DOMAIN}).",
            COMMAND,
        ),
    ] = DOMAIN
    prompts: Annotated[Path | None, Option("A folder of edited prompt templates.", COMMAND)] = None
    context: Annotated[
        int | None, Option("Tokens a model may read (default: the smallest context).", COMMAND, minimum=1)
    ] = None
    limit: Annotated[int | None, Option("Only N questions of each task.", COMMAND, minimum=1)] = None
    seed: Annotated[int, Option("Seed of the resampling, of --limit and of what is drawn.", COMMAND, minimum=0)] = 0
    template: Annotated[str, Option("none, or chat: the models' chat template.", COMMAND, choices=TEMPLATES)] = "none"
    batch_size: Annotated[int, Option("Prompts that are read together.", COMMAND, minimum=1)] = 8
    engine: Annotated[str, Option(f"What runs the models: {', '.join(ENGINES)}.", COMMAND, choices=ENGINES)] = ENGINES[
        0
    ]

    @property
    def given(self) -> GivenData:
        """What `--data` names."""
        return GivenData(self.data)


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return settings from options by name; None stands for the default. Raises `UsageError`."""
    settings = make_settings(Settings, None, options)
    _check_placement(settings)
    checked_encoding(settings.encoding)
    return settings


def _check_placement(settings: Settings) -> None:
    """Raise `UsageError` where vllm is to run the models and an option says how to place or round them."""
    if settings.engine != "vllm":
        return
    for option in declared(ModelOptions):
        value = getattr(settings, option.name)
        if option.name in ("device", "quantize", "device_map") and value != option.default:
            raise UsageError(f"{option.flag} {value}: vllm places and rounds models itself; drop it, or --engine vllm")


def pairs_of(base: str, tuned: Sequence[str], given: Sequence[str]) -> list[tuple[str, str]]:
    """Return (tuned, base) by name: as `given`, and `base` for each tuned model of which no pair is given.

    A model that serves as a base of others only is compared with nothing. Raises `UsageError`.
    """
    names = [base, *tuned]
    made: list[tuple[str, str]] = []
    for value in given:
        one, found, other = value.partition("=")
        for name in (one, other):
            if not found or name not in names:
                raise UsageError(f"--pair {value}: expected TUNED=BASE, two of the models {', '.join(names)}")
        if one == other:
            raise UsageError(f"--pair {value}: a model is compared with itself; give TUNED=BASE")
        if (one, other) not in made:
            made.append((one, other))
    bases = {other for _, other in made}
    rest = [(name, base) for name in tuned if name not in bases and all(name != one for one, _ in made)]
    return [*made, *rest]
