"""Find suites by name: the modules of `suites/` first, then those that other packages register as entry points.

A package offers a suite of its own in its pyproject.toml, under `[project.entry-points."knowshift.suites"]`, as
`name = "module:SUITE"`; the object is a `Suite` of that name.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

from ...errors import UsageError
from ...options import options_of
from ...plugins import load, registered
from . import suites
from .settings import Settings
from .suite import Suite
from .suite_names import GROUP, built_in_names, suite_names


def find_suite(name: str) -> Suite[Any]:
    """Return the suite of that name. Raises `UsageError` where there is none, or it cannot be loaded."""
    if name in built_in_names():
        suite: Suite[Any] = import_module(f"{suites.__name__}.{name}").SUITE
        return suite
    if name not in (others := registered(GROUP)):
        raise UsageError(f"--suite {name}: no such suite; give {', '.join(suite_names())}")
    return _load(others[name])


def built_in_suites() -> list[Suite[Any]]:
    """Return this package's suites."""
    return [find_suite(name) for name in built_in_names()]


def all_suites() -> list[Suite[Any]]:
    """Return every suite. Raises `UsageError` where another package's cannot be loaded."""
    return [find_suite(name) for name in suite_names()]


def _load(point: EntryPoint) -> Suite[Any]:
    def check(suite: Any) -> Any:
        if isinstance(suite, Suite):
            if suite.name != point.name:
                raise ValueError(f"is called {suite.name}, and registered as {point.name}")
            # Its options share a command line with these.
            options_of("evaluate", Settings, *(built_in.options for built_in in built_in_suites()), suite.options)
        return suite

    return load(point, f"suite {point.name}", UsageError, Suite, check)
