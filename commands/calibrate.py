"""`probe calibrate`."""

from __future__ import annotations

import shlex
import sys

from ..probes.calibrate.settings import Settings, settings_from
from .options import Debug, GivenOptions, with_options

EPILOG = "Examples:  probe calibrate --quick  |  probe calibrate --jobs 8 --docs docs/calibration.md"


@with_options("calibrate", Settings)
def calibrate(options: GivenOptions, debug: Debug = False) -> None:
    """Train models whose truth is known, and measure how often the verdicts are wrong."""
    from ..probes.calibrate.calibrate import calibrate as measure
    from ..terminal import Reporter, calibration_table

    command = shlex.join(["probe", *sys.argv[1:]])
    out = settings_from(options).out
    with Reporter() as reporter:
        data = measure(**{"out": out, **options}, command=command, progress=reporter)
    calibration_table(data)
    print(f"calibration: {out / 'calibration.json'}")
