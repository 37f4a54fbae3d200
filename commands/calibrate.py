"""`probe calibrate`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Debug

EPILOG = "Examples:  probe calibrate --quick  |  probe calibrate --jobs 8 --docs docs/calibration.md"


def calibrate(
    base: Annotated[
        str | None, typer.Option(help="Your own base model, in any form that compare takes; default: the package's.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; what stands there is not measured again.")] = Path(
        "runs/calibration"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="A reduced grid, in under 5 minutes on two cores.")] = False,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm, such as 'injection 10 %'; repeat.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Models for each arm (default: 60 or 20).")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes (default: as many as there are cores; with --base, 1).")
    ] = None,
    docs: Annotated[Path | None, typer.Option(help="Also write the tables to this Markdown file.")] = None,
    debug: Debug = False,
) -> None:
    """Train models whose truth is known, and measure how often the verdicts are wrong."""
    from ..probes.calibrate.calibrate import calibrate as measure
    from ..terminal import Reporter, calibration_table

    command = shlex.join(["probe", *sys.argv[1:]])
    with Reporter() as reporter:
        data = measure(
            out,
            base,
            arms=arm or (),
            seeds=seeds,
            small=quick,
            jobs=jobs,
            docs=docs,
            command=command,
            progress=reporter,
        )
    calibration_table(data.model_dump(mode="json"))
    print(f"calibration: {out / 'calibration.json'}")
