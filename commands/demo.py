"""`probe demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..probes.runs.settings import Settings, settings_from
from ..terms.defaults import DOMAIN
from .compare import compare
from .options import Debug, GivenOptions, with_options

EPILOG = "Example:  probe demo --out demo"

DEMO_LIMIT = 400
"""Items of each group in the demo: enough for every verdict, and done in under a minute."""


@with_options("demo", Settings)
def demo(
    options: GivenOptions,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the demo's models (default: demo, or demo-DOMAIN); its run goes to OUT/run."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Lay down a small base and adapters whose truth is known, and compare them."""
    from ..showcase import lay_down

    settings = settings_from(None, options)
    domain, seed = settings.domain, settings.seed
    out = out or Path("demo" if domain == DOMAIN else f"demo-{domain}")
    base, *tuned = map(str, lay_down(out, domain).values())
    said = [] if domain == DOMAIN else [f"--domain {domain}"]
    shown = [base, *tuned, *said, f"--limit {DEMO_LIMIT} --seed {seed} --out {out / 'run'}"]
    print("$ probe compare", *shown, file=sys.stderr)
    compare(base=base, tuned=tuned, domain=domain, out=out / "run", seed=seed, limit=DEMO_LIMIT)
