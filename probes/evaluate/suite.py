"""What a suite is: a name, rules for its data, options of its own, and a plan of what is asked and how it is scored.

A suite is one module that holds a `Suite`; `registry` finds it. It knows no model. What it adds to an evaluation's
page is a module of `reports/suites/`, found by the suite's name.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pyarrow as pa

from ...terms.domain import Domain
from ..results.base import ResultModel
from ..results.evaluation import MissingTask
from ..results.suite_parts import NoPart
from .data import DataRules
from .prompt_task import PromptTask
from .question import Faults
from .settings import Settings
from .values import Value

Answers = Mapping[str, pa.Table]
"""One model's answers by prompt task."""
Options = TypeVar("Options")
Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """For a suite without options of its own."""


@dataclass(frozen=True)
class SuiteInputs(Generic[Options]):
    """What a suite makes its plan from."""

    settings: Settings
    options: Options
    domain: Domain
    own: Mapping[str, str]
    """Specialty that a model was tuned on, by name."""


def no_part(answers: Mapping[str, Answers], values: Mapping[str, Sequence[Value]]) -> ResultModel:
    """Return what a suite adds that says nothing beyond means and differences."""
    return NoPart()


@dataclass
class SuitePlan:
    """What a suite asks over its data, and how answers are scored."""

    asks: list[PromptTask]
    values: Callable[[Answers], list[Value]]
    """Scores one model's answers."""
    part: Callable[[Mapping[str, Answers], Mapping[str, Sequence[Value]]], ResultModel] = no_part
    """Makes what the suite adds to the result, from the answers and values of all models."""
    harness: tuple[str, ...] = ()
    """Tasks of lm-evaluation-harness that are run too."""
    faults: Faults = field(default_factory=Faults)
    not_run: list[MissingTask] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader of the numbers should know."""


@dataclass(frozen=True)
class Suite(Generic[Options]):
    """A suite of `probe evaluate`."""

    name: str
    """What `--suite` takes; prompt tasks are named `<name>.<task>`."""
    help: str
    """One line, for the command's help."""
    data: DataRules
    plan: Callable[[SuiteInputs[Options]], SuitePlan]
    """Reads the data. Raises `UsageError`."""
    options: type[Any] = NoOptions
    """Settings class (`knowshift.options`) of the options that this suite adds to `probe evaluate`."""
    part: type[ResultModel] = NoPart
    """Layout of what the plan's `part` makes: evaluation.json keeps it under `more`."""


def limited(things: Sequence[Thing], settings: Settings) -> list[Thing]:
    """Return `--limit` of them, drawn by the seed, in their order."""
    if settings.limit is None or len(things) <= settings.limit:
        return list(things)
    kept = random.Random(settings.seed).sample(range(len(things)), settings.limit)
    return [things[index] for index in sorted(kept)]
