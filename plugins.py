"""What other packages add by entry points: vocabulary readers, measures, engines, sections of the page.

Each room names its group and says what it takes; here is how one is found and what is said where it cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from .errors import KnowshiftError, first_line

T = TypeVar("T")


def registered(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name, in the order of their names."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load(
    point: EntryPoint, what: str, error: type[KnowshiftError], kind: type[T], made: Callable[[Any], Any] = lambda it: it
) -> T:
    """The object of an entry point, or what `made` makes of it; `error` of one line where it is no `kind`."""
    package = point.dist.name if point.dist else "a package"
    try:
        held = made(point.load())
        if not isinstance(held, kind):
            raise TypeError(f"expected a {kind.__name__}, found {type(held).__name__}")
    except Exception as fault:  # a stranger's code
        raise error(
            f"{what}: cannot be loaded from {point.value} of {package} ({first_line(fault)}); "
            "mend or uninstall that package"
        ) from fault
    return held
