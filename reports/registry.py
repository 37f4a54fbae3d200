"""The registry of report sections. Each module of `sections/` writes one entry; `page.render` reads them all.

    @section(order=30, title="Ladder", anchor="ladder")
    def ladder(run: RunView) -> Section: ...

A new section is a new module in `sections/`; its title joins the contents bar. Another
package adds one under the entry-point group `knowshift.sections`: a name for a module, or an object in it, whose import
registers it. The page's own sections have the orders 10 (verdict), 12 (trainings), 15 (evidence), 20 (validity),
30 (ladder), 40 (matrix), 50 (facts), 60 (terms), 62 and 63 (answers), 70 (contexts), 80 (layers),
90 (counter-evidence), 95 (hypotheses), 100 (methods).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from ..errors import RunError
from ..plugins import load, registered
from .run_view import RunView


@dataclass(frozen=True, slots=True)
class Section:
    """What a section puts on the page: an HTML fragment, and one sentence on how to read it."""

    html: Markup
    how: str


GROUP = "knowshift.sections"
"""Entry points of other packages' sections."""
Render = Callable[[RunView], Section | None]
"""None where the run has nothing for the section: it is then not on the page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered section."""

    order: int
    title: str
    anchor: str
    """The page's fragment identifier, unique."""
    render: Render


_entries: dict[str, Entry] = {}


def section(*, order: int, title: str, anchor: str) -> Callable[[Render], Render]:
    """Register a function as the section at `anchor`.

    Raises:
        ValueError: Another module has a section there.
    """

    def register(render: Render) -> Render:
        if (taken := _entries.get(anchor)) and taken.render.__module__ != render.__module__:
            raise ValueError(f"section anchor {anchor!r} is taken by {taken.render.__module__}")
        _entries[anchor] = Entry(order, title, anchor, render)
        return render

    return register


def entries() -> list[Entry]:
    """Return all sections in the page's order.

    Raises:
        RunError: Another package's section cannot be loaded.
    """
    from . import sections

    for module in pkgutil.iter_modules(sections.__path__):
        importlib.import_module(f"{sections.__name__}.{module.name}")
    for name, point in registered(GROUP).items():
        load(point, f"report section {name}", RunError, object)
    return sorted(_entries.values(), key=lambda entry: (entry.order, entry.anchor))
