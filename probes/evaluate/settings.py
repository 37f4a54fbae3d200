"""What a person can set of `probe evaluate`, and which model is compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...terms.defaults import DOMAIN
from ..runs.settings import check_names
from .choices import METHODS

BY_TASK = ("clue", "forgetting")
"""Suites whose data are told apart by TASK=PATH, or lie in one folder."""
ENGINES = ("transformers", "vllm")
"""What runs the models, by the name of its package."""
SUITES = ("smedqa", "clue", "cases", "hallucination", "forgetting")


@dataclass(frozen=True)
class Settings:
    """The options of `probe evaluate`."""

    suite: str = "smedqa"
    data: tuple[str, ...] = ()
    """A file or folder, or TASK=PATH for each task of a suite that has several."""
    pair: tuple[str, ...] = ()
    """TUNED=BASE: which model is compared with which; BASE may be any of the models."""
    own: tuple[str, ...] = ()
    """MODEL=SPECIALTY (or SPECIALTY for all), where a model's name does not tell what it was tuned on."""
    domain: str = DOMAIN
    out: Path | None = None
    methods: tuple[str, ...] = METHODS
    quorum: int = 3
    """Votes that a label needs, where records hold `Votes` and no label."""
    alpha: float | None = None
    """Of conformal label sets, where records hold `Samples`; None: the records' own labels."""
    specialties: tuple[str, ...] = ()
    """Of `smedqa`: the questions of these specialties alone; `paper` stands for the study's six; none: all."""
    tasks: tuple[str, ...] = ()
    """Of `forgetting`: tasks of lm-evaluation-harness by name."""
    prompts: Path | None = None
    """A folder of edited prompt templates."""
    vocabulary: Path | None = None
    """Compiled; links concepts for UMLS F1."""
    bertscore: Path | None = None
    """Folder of BERTScore's model."""
    icd10: Path | None = None
    """A file of valid ICD-10 codes, one a line; None: ICD-10-CM of the package simple-icd-10-cm."""
    context: int | None = None
    """Tokens; None: the smallest context of the models."""
    limit: int | None = None
    """Questions of each task, by the seed."""
    seed: int = 0
    template: str = "none"
    batch_size: int = 8
    engine: str = ENGINES[0]
    device: str = "auto"
    dtype: str = "auto"
    quantize: str = "none"
    device_map: str = "none"
    config: Path | None = None

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
    """Settings from options by name; what is None is left at its default. Raises `UsageError`."""
    check_names(Settings, options)
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("data", "pair", "own", "methods", "specialties", "tasks"):
        if name in given:
            value = given[name]
            given[name] = (value,) if isinstance(value, str | Path) else tuple(value)
            given[name] = tuple(str(each) for each in given[name])
            if not given[name]:
                del given[name]
    for name in ("out", "prompts", "vocabulary", "bertscore", "icd10", "config"):
        if name in given:
            given[name] = Path(given[name])
    settings = replace(Settings(), **given)
    if settings.suite not in SUITES:
        raise UsageError(f"--suite {settings.suite}: no such suite; give {', '.join(SUITES)}")
    if unknown := [method for method in settings.methods if method not in METHODS]:
        raise UsageError(f"--method {unknown[0]}: no such method; give {', '.join(METHODS)}")
    if settings.tasks and settings.suite != "forgetting":
        raise UsageError(f"--task {settings.tasks[0]}: is asked with --suite forgetting, not {settings.suite}")
    if settings.engine not in ENGINES:
        raise UsageError(f"--engine {settings.engine}: no such engine; give {' or '.join(ENGINES)}")
    placed = {
        "device": (settings.device, "auto"),
        "quantize": (settings.quantize, "none"),
        "device-map": (settings.device_map, "none"),
    }
    for name, (value, default) in placed.items():
        if settings.engine == "vllm" and value != default:
            raise UsageError(f"--{name} {value}: vllm places and rounds models itself; drop it, or --engine vllm")
    if settings.template not in ("none", "chat"):
        raise UsageError(f"--template {settings.template}: give none or chat")
    for name, value in (
        ("limit", settings.limit),
        ("context", settings.context),
        ("batch-size", settings.batch_size),
        ("quorum", settings.quorum),
    ):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: give a whole number, 1 or more")
    if settings.alpha is not None and not 0 < settings.alpha < 1:
        raise UsageError(f"--alpha {settings.alpha}: give a share between 0 and 1, such as 0.1")
    if settings.seed < 0:
        raise UsageError(f"--seed {settings.seed}: give a whole number, 0 or more")
    _check_paths(settings)
    return settings


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
