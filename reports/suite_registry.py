"""Find what a suite adds to the page of an evaluation: the module of `suites/` that is called as the suite.

Each such module has a function `render(evaluation: EvaluationResult) -> SuiteExtras`. Another package adds one under
the entry-point group `knowshift.suite_pages`: the suite's name, and such a function. A suite without one has the tables
that every evaluation has.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from ..errors import RunError
from ..plugins import load, registered
from ..probes.results.evaluation import EvaluationResult
from . import suites
from .markup import NOTHING

GROUP = "knowshift.suite_pages"
"""Entry points of other packages' suites."""


@dataclass(frozen=True, slots=True)
class SuiteExtras:
    """What a suite adds to the page of an evaluation."""

    body: Markup = NOTHING
    """Tables and charts, after those that every evaluation has."""
    outlined: Mapping[str, str] = field(default_factory=dict)
    """Label of questions to outline in a model's column of the matrix of accuracies, by model."""
    below_matrix: Mapping[str, Markup] = field(default_factory=dict)
    """A paragraph below the matrix of a task."""


Render = Callable[[EvaluationResult], SuiteExtras]


def suite_extras(evaluation: EvaluationResult) -> SuiteExtras:
    """Return what the evaluation's suite adds. Raises `RunError` where another package's function cannot be used."""
    name = evaluation.suite
    if name in {module.name for module in pkgutil.iter_modules(suites.__path__)}:
        render: Render = importlib.import_module(f"{suites.__name__}.{name}").render
        return render(evaluation)
    if (point := registered(GROUP).get(name)) is None:
        return SuiteExtras()

    def made(function: Any) -> Any:
        return function(evaluation)

    return load(point, f"page of suite {name}", RunError, SuiteExtras, made)
