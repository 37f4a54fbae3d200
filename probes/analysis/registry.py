"""The registry of analyses: functions from one model's `ModelPair` to a part of its `ModelResult`.

An analysis is registered under the key that its part has in comparison.json:

    class Spread(ResultModel):
        widest: Estimate

    @analysis("spread")
    def spread(model: ModelPair) -> Spread: ...

A module of this package that registers one is found without any list. Another package adds one by an entry point of
the group `knowshift.analyses`: its name is the key, its object such a function. A part that is no field of
`ModelResult` is read with `model.part("spread", Spread)`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic_core import PydanticSerializationError, to_jsonable_python

from ...errors import KnowshiftError, UsageError, first_line
from ...plugins import load, registered
from ..results.model import ModelResult, ModelVerdict
from .pair import ModelPair

GROUP = "knowshift.analyses"
PACKAGE = __name__.rpartition(".")[0]

AnalysisFunction = Callable[[ModelPair], Any]
Function = TypeVar("Function", bound=AnalysisFunction)


@dataclass(frozen=True)
class Analysis:
    """A registered analysis."""

    name: str
    """Its key in `ModelResult`."""
    function: AnalysisFunction
    source: str
    """Where it comes from, for error messages."""

    @property
    def is_built_in(self) -> bool:
        return self.name in ModelResult.model_fields

    def run(self, model: ModelPair) -> Any:
        """Return the part of one model.

        Raises:
            UsageError: The analysis of another package fails, or its part cannot be written as JSON.
        """
        if self.is_built_in:
            return self.function(model)
        place = f"analysis {self.name} of {self.source}"
        try:
            part = self.function(model)
        except KnowshiftError:
            raise
        except Exception as fault:  # a stranger's code
            kind = type(fault).__name__
            raise UsageError(
                f"{place}: fails on {model.name} ({kind}: {first_line(fault)}); fix or remove it"
            ) from fault
        try:
            json.dumps(to_jsonable_python(part), allow_nan=False)
        except (PydanticSerializationError, ValueError) as fault:
            raise UsageError(
                f"{place}: returns a {type(part).__name__} that cannot be written as JSON ({first_line(fault)}); "
                "return a ResultModel, or plain finite values"
            ) from fault
        return part


_ANALYSES: dict[str, Analysis] = {}


def analysis(name: str) -> Callable[[Function], Function]:
    """Register a function as the analysis of that name.

    Args:
        name: The key of its part in `ModelResult`.

    Raises:
        UsageError: The name is taken or cannot be a key.
    """

    def register(function: Function) -> Function:
        source = f"{function.__module__}.{function.__qualname__}"
        held = _ANALYSES.get(name)
        if held is not None and held.source != source:
            raise UsageError(f"analysis {name} of {source}: {held.source} has that name; choose another")
        _ANALYSES[name] = Analysis(_require_free(name, source), function, source)
        return function

    return register


def analyses() -> list[Analysis]:
    """Return every analysis: those of this package, then those of other packages.

    Raises:
        UsageError: An analysis of another package cannot be loaded, or its name is taken.
    """
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__, f"{PACKAGE}."):
        importlib.import_module(module.name)
    found = dict(_ANALYSES)
    for name, point in registered(GROUP).items():
        source = f"{point.dist.name} ({point.value})" if point.dist else point.value
        if name in found:
            raise UsageError(f"analysis {name} of {source}: {found[name].source} has that name; choose another")
        # mypy refuses an abstract class such as Callable where a type is expected.
        function: AnalysisFunction = load(point, f"analysis {name}", UsageError, Callable)  # type: ignore[arg-type]
        found[name] = Analysis(_require_free(name, source), function, source)
    return list(found.values())


def _require_free(name: str, source: str) -> str:
    """Return the name. Raises `UsageError` where `ModelResult` uses it for something else than an analysis."""
    is_part = name in ModelResult.model_fields and name not in ModelVerdict.model_fields
    if not name.isidentifier() or (hasattr(ModelResult, name) and not is_part) or name in ModelVerdict.model_fields:
        raise UsageError(f"analysis {name!r} of {source}: a result cannot have such a key; choose another name")
    return name
