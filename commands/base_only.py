"""What `probe compare BASE --base-only` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ..terminal import Reporter, print_wrapped

if TYPE_CHECKING:
    from ..probes.results.base_knowledge import BaseKnowledge
    from ..probes.runs.settings import Settings

COLUMNS = ("facts", "known", "maybe known", "unknown", "clearly unknown", "to teach, to be seen")


def show_base(base: str, settings: Settings, as_json: bool) -> None:
    """Look at the base, and print a table or JSON alone."""
    from ..probes.runs.base_only import FACTS, know_base

    with Reporter() as reporter:
        found = know_base(base, settings, progress=reporter, note=reporter.note)
    if as_json:
        print(found.to_json(), end="")
    else:
        _table(found)
    print(f"facts: {found.run}/{FACTS}", file=sys.stderr if as_json else sys.stdout)


def _table(found: BaseKnowledge) -> None:
    """Print a row a specialty, then what to add."""
    console = Console(highlight=False, markup=False)
    table = Table(title=f"{found.base} · {found.domain}: facts before any tuning", title_justify="left")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for one in [*found.specialties.values(), *([found.controls] if found.controls else [])]:
        counts = one.facts, one.known, one.maybe_known, one.unknown, one.clearly_unknown
        teach = "–" if one.to_teach is None else f"{one.to_teach} ({one.share or 0:.0%})"
        table.add_row(one.name, *(f"{count:,}" for count in counts), teach)
    console.print(table)
    print_wrapped(
        console,
        "To teach, to be seen: facts that a tune must teach for a verdict of knowledge in 80 of 100 models "
        f"(from the calibration). Clearly unknown: a wrong answer leads by {found.threshold:.2f} nats per token.",
    )
    for line in found.advice:
        print_wrapped(console, line)
