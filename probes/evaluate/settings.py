"""What a person can set of `probe evaluate`, and which model is compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ...errors import UsageError
from ...models.options import ModelOptions
from ...options import Option, declared, make_settings
from ...terms.defaults import DOMAIN

BY_TASK = ("clue", "forgetting")
"""Suites whose data are told apart by TASK=PATH, or lie in one folder."""
ENGINES = ("transformers", "vllm")
"""What runs the models, by the name of its package."""
METHODS = ("letter", "text", "pmi", "generation")
SUITES = ("smedqa", "clue", "cases", "hallucination", "forgetting")
COMMAND = ("evaluate",)


@dataclass(frozen=True, kw_only=True)
class Settings(ModelOptions):
    """The options of `probe evaluate`."""

    suite: Annotated[str, Option(f"{', '.join(SUITES)}; see docs/evaluate.md.", COMMAND, choices=SUITES)] = "smedqa"
    data: Annotated[tuple[str, ...], Option("A file or folder of data, or TASK=PATH once for each task.", COMMAND)] = ()
    pair: Annotated[tuple[str, ...], Option("TUNED=BASE: which base a model is compared with; repeat.", COMMAND)] = ()
    own: Annotated[tuple[str, ...], Option("MODEL=SPECIALTY, where its name does not tell.", COMMAND)] = ()
    methods: Annotated[
        tuple[str, ...],
        Option(f"{', '.join(METHODS)} (default: all); repeat.", COMMAND, flag="--method", choices=METHODS),
    ] = METHODS
    specialties: Annotated[
        tuple[str, ...],
        Option(
            "smedqa: only this specialty's questions, repeat; or paper: the study's six.", COMMAND, flag="--specialty"
        ),
    ] = ()
    tasks: Annotated[
        tuple[str, ...],
        Option("forgetting: a task of lm-evaluation-harness by name; repeat.", COMMAND, flag="--task"),
    ] = ()
    quorum: Annotated[
        int, Option("smedqa: votes that a label needs, where records hold Votes.", COMMAND, minimum=1)
    ] = 3
    alpha: Annotated[
        float | None,
        Option("smedqa: conformal label sets at this level, where records hold Samples.", COMMAND),
    ] = None
    out: Annotated[Path | None, Option("Run directory (default: runs/<base>-<tuned>-<suite>-<date>).", COMMAND)] = None
    domain: Annotated[
        str,
        Option(f"An embedded domain's name, or a domain folder (default: that of --run; {DOMAIN}).", COMMAND),
    ] = DOMAIN
    prompts: Annotated[Path | None, Option("A folder of edited prompt templates.", COMMAND)] = None
    vocabulary: Annotated[Path | None, Option("A compiled vocabulary, for UMLS F1.", COMMAND)] = None
    bertscore: Annotated[Path | None, Option("Folder of BERTScore's model.", COMMAND)] = None
    icd10: Annotated[Path | None, Option("Valid ICD-10 codes, one a line (default: ICD-10-CM).", COMMAND)] = None
    context: Annotated[
        int | None, Option("Tokens a model may read (default: the smallest context).", COMMAND, minimum=1)
    ] = None
    limit: Annotated[int | None, Option("Only N questions of each task.", COMMAND, minimum=1)] = None
    seed: Annotated[int, Option("Seed of the resampling, of --limit and of what is drawn.", COMMAND, minimum=0)] = 0
    template: Annotated[str, Option("none, or chat: the models' chat template.", COMMAND, choices=("none", "chat"))] = (
        "none"
    )
    batch_size: Annotated[int, Option("Prompts that are read together.", COMMAND, minimum=1)] = 8
    engine: Annotated[str, Option(f"What runs the models: {', '.join(ENGINES)}.", COMMAND, choices=ENGINES)] = ENGINES[
        0
    ]

    def data_for(self, task: str) -> Path | None:
        """The path given for `task`: TASK=PATH, else `task` (with any ending) in a folder given without a name."""
        for value in self.data:
            name, _, path = value.partition("=")
            if path and name == task:
                return Path(path)
        for value in self.data:
            folder = Path(value)
            if folder.is_dir():
                return next(
                    (file for file in sorted(folder.iterdir()) if file.stem.casefold() == task.casefold()), None
                )
        return None

    @property
    def file(self) -> Path | None:
        """The one path that was given without a task's name."""
        plain = [value for value in self.data if "=" not in value or Path(value).exists()]
        return Path(plain[0]) if plain else None


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return the settings of options by name; None stands for the default. Raises `UsageError`."""
    settings = make_settings(Settings, None, options)
    if settings.tasks and settings.suite != "forgetting":
        raise UsageError(f"--task {settings.tasks[0]}: is asked with --suite forgetting, not {settings.suite}")
    if settings.alpha is not None and not 0 < settings.alpha < 1:
        raise UsageError(f"--alpha {settings.alpha}: give a share between 0 and 1, such as 0.1")
    _check_placement(settings)
    _check_paths(settings)
    return settings


def _check_placement(settings: Settings) -> None:
    """Raise `UsageError` where vllm is to run the models and an option says how to place or round them."""
    if settings.engine != "vllm":
        return
    for option in declared(ModelOptions):
        value = getattr(settings, option.name)
        if option.name in ("device", "quantize", "device_map") and value != option.default:
            raise UsageError(f"{option.flag} {value}: vllm places and rounds models itself; drop it, or --engine vllm")


def _check_paths(settings: Settings) -> None:
    """Raises `UsageError` where a path of --data would not be read."""
    plain = [value for value in settings.data if "=" not in value or Path(value).exists()]
    names = [value.partition("=")[0] for value in settings.data if value not in plain]
    second = plain[1:] if settings.suite in BY_TASK else settings.data[1:]
    if second:
        more = ", or TASK=PATH for each task" if settings.suite in BY_TASK else ""
        raise UsageError(
            f"--data {second[0]}: {settings.suite} reads one path, and {settings.data[0]} is given too; give one{more}"
        )
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--data {twice[0]}=…: is given twice; give one path for {twice[0]}")
    if settings.suite not in BY_TASK or not plain:
        return
    task = "text" if settings.suite == "forgetting" else "TASK"
    if Path(plain[0]).is_file():
        raise UsageError(
            f"--data {plain[0]}: {settings.suite} does not know what this is; give --data {task}={plain[0]}"
        )
    if settings.suite == "forgetting" and Path(plain[0]).is_dir() and settings.data_for("text") is None:
        raise UsageError(f"--data {plain[0]}: holds no file called text; give --data text=FILE")


def pairs_of(base: str, tuned: Sequence[str], given: Sequence[str]) -> list[tuple[str, str]]:
    """(tuned, base) by name: as `given`, and `base` for each tuned model of which no pair is given.

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
