"""`probe demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..terms.defaults import DOMAIN
from .compare import compare
from .options import Debug

EPILOG = "Example:  probe demo --out demo"

DEMO_LIMIT = 400
"""Items of each group in the demo: enough for every verdict, and done in under a minute."""


def demo(
    domain: Annotated[str, typer.Option(help="An embedded domain that has demo models.")] = DOMAIN,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the demo's models (default: demo, or demo-DOMAIN); its run goes to OUT/run."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    debug: Debug = False,
) -> None:
    """Lay down a small base and adapters whose truth is known, and compare them."""
    from ..showcase import lay_down

    out = out or Path("demo" if domain == DOMAIN else f"demo-{domain}")
    base, *tuned = map(str, lay_down(out, domain).values())
    said = [] if domain == DOMAIN else [f"--domain {domain}"]
    shown = [base, *tuned, *said, f"--limit {DEMO_LIMIT} --seed {seed} --out {out / 'run'}"]
    print("$ probe compare", *shown, file=sys.stderr)
    compare(base, tuned, domain=domain, out=out / "run", seed=seed, limit=DEMO_LIMIT)
