"""The names of the suites: the modules of `suites/`, then the entry points of other packages. No suite is loaded."""

from __future__ import annotations

import pkgutil

from ...plugins import registered
from . import suites

GROUP = "knowshift.suites"
"""Entry points of other packages' suites."""


def built_in_names() -> list[str]:
    """Return the names of this package's suites."""
    return sorted(module.name for module in pkgutil.iter_modules(suites.__path__))


def suite_names() -> list[str]:
    """Return every suite's name, this package's first."""
    own = built_in_names()
    return [*own, *(name for name in registered(GROUP) if name not in own)]


def help_line() -> str:
    """Return the help of `--suite`."""
    return f"What is asked: {', '.join(suite_names())}; see docs/evaluate.md."
