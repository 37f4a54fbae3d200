"""`probe cache`: scores that runs share, tuned lenses, mentions and linkers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..storage import cache_folder
from .options import Debug

if TYPE_CHECKING:
    from ..probes.runs.cache import Entry

app = typer.Typer(
    help="Scores that runs share, readings of passages, tuned lenses, mentions, linkers: what is kept (KNOWSHIFT_CACHE "
    "names the place), and clearing it.",
    no_args_is_help=True,
    epilog="Examples:  probe cache list  |  probe cache size  |  probe cache clear --older-than 30d",
)

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

OTHERS = {
    "readings": "readings of passages",
    "lens": "a tuned lens",
    "mentions": "mentions of a corpus",
    "linker": "a linker's index",
}

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command(name="list", epilog="Example:  probe cache list")
def show(as_json: AsJson = False, debug: Debug = False) -> None:
    """List what is kept, newest first."""
    from ..probes.runs import cache

    found = cache.entries()
    if as_json:
        print(json.dumps([entry.json() for entry in found], indent=1, ensure_ascii=False))
        return
    for entry in found:
        print(f"{_age(entry.age):>5}  {cache.shown_size(entry.size):>9}  {_what(entry)}  {entry.path.stem[:12]}")
    print(_sum(found))


@app.command(epilog="Example:  probe cache size")
def size(as_json: AsJson = False, debug: Debug = False) -> None:
    """Say how much is kept, and where."""
    from ..probes.runs import cache

    found = cache.entries()
    if as_json:
        held = {"folder": str(cache_folder()), "entries": len(found), "size": sum(entry.size for entry in found)}
        print(json.dumps(held, ensure_ascii=False))
    else:
        print(_sum(found))


@app.command(epilog="Example:  probe cache clear --older-than 30d")
def clear(
    older_than: Annotated[str | None, typer.Option(help="Only what is older: 90m, 12h, 30d, 8w.")] = None,
    debug: Debug = False,
) -> None:
    """Remove what is kept; runs keep their own copies."""
    from ..probes.runs import cache

    gone = cache.clear(0.0 if older_than is None else _seconds(older_than))
    print(
        f"removed {len(gone)} of {cache.shown_size(sum(entry.size for entry in gone))}; left: {_sum(cache.entries())}"
    )


def _seconds(text: str) -> float:
    """`30d` in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if found is None:
        raise UsageError(f"--older-than {text}: give a number and a unit, such as 90m, 12h, 30d or 8w")
    return float(found[1]) * UNITS[found[2]]


def _what(entry: Entry) -> str:
    about = entry.about
    if entry.kind in OTHERS:
        return OTHERS[entry.kind]
    if not about:
        return "cannot be read"
    over = f" on {about['base']}" if "base" in about else ""
    rest = ", ".join(about[name] for name in ("items", "engine") if name in about)
    return f"{about.get('model', 'a model')}{over}: {rest}" if rest else f"{about.get('model', 'a model')}{over}"


def _sum(found: list[Entry]) -> str:
    from ..probes.runs import cache

    return f"{len(found)} entries, {cache.shown_size(sum(entry.size for entry in found))}, in {cache_folder()}"


def _age(seconds: float) -> str:
    unit = next((unit for unit in "wdhm" if seconds >= UNITS[unit]), None)
    return f"{seconds / UNITS[unit]:.0f}{unit}" if unit else "now"
