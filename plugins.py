"""Plugins by entry points: vocabulary readers, measures, engines, suites, sections of the page.

Each room names its group and what it expects; this module finds an entry point and reports one that cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import KnowshiftError, first_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def registered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, sorted by name."""
    # `probe --help` asks for no plugin, and this module of the library takes a while to import.
    from importlib.metadata import entry_points

    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load(
    point: EntryPoint, what: str, error: type[KnowshiftError], kind: type[T], make: Callable[[Any], Any] = lambda it: it
) -> T:
    """Return the object of an entry point, or what `make` makes of it; raise `error` if it is not a `kind`."""
    package = point.dist.name if point.dist else "a package"
    try:
        loaded = make(point.load())
        if not isinstance(loaded, kind):
            raise TypeError(f"expected a {kind.__name__}, found {type(loaded).__name__}")
    except Exception as fault:  # A plugin may raise anything.
        raise error(
            f"{what}: cannot be loaded from {point.value} of {package} ({first_line(fault)}); "
            "fix or uninstall that package"
        ) from fault
    return loaded
