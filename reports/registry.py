"""The registry of report sections. Each module of `sections/` writes one entry; `page.render` reads them all.

    @section(order=30, title="Ladder", anchor="ladder")
    def ladder(run: RunView) -> Section: ...

A new section is a new module in `sections/`: it is found by itself, and its title joins the contents bar.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from .run_view import RunView


@dataclass(frozen=True, slots=True)
class Section:
    """What a section puts on the page: an HTML fragment, and one sentence on how to read it."""

    html: Markup
    how: str


Render = Callable[[RunView], Section]


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
    """Registers a function as the section at `anchor`; ValueError if another module holds that anchor."""

    def register(render: Render) -> Render:
        if (held := _entries.get(anchor)) and held.render.__module__ != render.__module__:
            raise ValueError(f"section anchor {anchor!r} is taken by {held.render.__module__}")
        _entries[anchor] = Entry(order, title, anchor, render)
        return render

    return register


def entries() -> list[Entry]:
    """All sections in the page's order."""
    from . import sections

    for module in pkgutil.iter_modules(sections.__path__):
        importlib.import_module(f"{sections.__name__}.{module.name}")
    return sorted(_entries.values(), key=lambda entry: (entry.order, entry.anchor))
