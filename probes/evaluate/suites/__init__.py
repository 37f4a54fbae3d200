"""What a suite is, and which there are: one module a suite. A suite reads data, says what is asked, and scores answers;
it knows no model."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from ....errors import UsageError
from ....terms.domain import Domain
from ..prompt_task import PromptTask
from ..question import Faults
from ..settings import Settings
from ..values import Value

Answers = Mapping[str, pa.Table]
"""One model's answers by ask."""
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class NotRun:
    """A task that is not run, why, and where what it lacks is to be had."""

    task: str
    why: str
    where: str = ""

    def line(self) -> str:
        return f"{self.task}: not run: {self.why}" + (f"; {self.where}" if self.where else "")


@dataclass
class Suite:
    """A suite over its data."""

    name: str
    asks: list[PromptTask]
    values: Callable[[Answers], list[Value]]
    """Of one model's answers."""
    more: Callable[[Mapping[str, Answers], Mapping[str, Sequence[Value]]], dict[str, Any]] = lambda answers, values: {}
    """What the suite says beyond means and differences, from all models' answers and values."""
    harness: tuple[str, ...] = ()
    """Tasks of the harness itself that are run too."""
    faults: Faults = field(default_factory=Faults)
    not_run: list[NotRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader of the numbers should know."""


def open_suite(settings: Settings, domain: Domain, own: Mapping[str, str]) -> Suite:
    """The suite that `settings` name; `own` are the tuned models' specialties. Raises `UsageError`."""
    module = importlib.import_module(f"{__name__}.{settings.suite}")
    check_data(settings, getattr(module, "WHERE", ()))
    suite: Suite = module.open_suite(settings, domain, own)
    if not suite.asks and not suite.harness:
        why = "; ".join(each.line() for each in suite.not_run)
        raise UsageError(f"--suite {settings.suite}: nothing can be run ({why}); give its data with --data")
    return suite


MEDMCQA = ("medmcqa0", "medmcqa1")
"""--data NAME=FILE says whether MedMCQA's answers count from 0 or 1, where the file does not tell."""


def choice_file(settings: Settings, what: str) -> tuple[Path, int | None]:
    """The one data file, and where it was said, the number of MedMCQA's first option. Raises as `data_file`."""
    for first, name in enumerate(MEDMCQA):
        if any(value.partition("=")[0] == name for value in settings.data) and (path := settings.data_for(name)):
            return path, first
    return data_file(settings, what), None


def data_file(settings: Settings, what: str) -> Any:
    """The one data file. Raises `UsageError`, saying `what` is expected."""
    if settings.file is None:
        raise UsageError(f"--suite {settings.suite}: no data; give --data FILE, {what}")
    return settings.file


def check_data(settings: Settings, names: Collection[str] = ()) -> None:
    """Raises `UsageError` where --data names a task that is none of `names`, or a path that is not there."""
    for value in settings.data:
        name, found, path = value.partition("=")
        if Path(value).exists():
            continue
        if found and name not in names:
            known = f"the tasks are {', '.join(names)}" if names else "give a path alone"
            raise UsageError(f"--data {value}: {settings.suite} has no task {name}; {known}")
        if not Path(path if found else value).exists():
            raise UsageError(f"--data {value}: no such file or folder; give the data's path")


def limited(things: Sequence[Thing], settings: Settings) -> list[Thing]:
    """`--limit` of them, drawn by the seed, in their order."""
    if settings.limit is None or len(things) <= settings.limit:
        return list(things)
    kept = random.Random(settings.seed).sample(range(len(things)), settings.limit)
    return [things[index] for index in sorted(kept)]
