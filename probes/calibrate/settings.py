"""The options of `probe calibrate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ...errors import UsageError
from ...options import Option, make_settings

COMMAND = ("calibrate",)


def _arms() -> tuple[str, ...]:
    from .arms import BY_NAME

    return tuple(BY_NAME)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of `probe calibrate`."""

    base: Annotated[
        str | None,
        Option("Your own base model, in any form that compare takes; default: the package's.", COMMAND),
    ] = None
    out: Annotated[Path, Option("Folder of the results; what stands there is not measured again.", COMMAND)] = Path(
        "runs/calibration"
    )
    small: Annotated[bool, Option("A reduced grid, in under 5 minutes on two cores.", COMMAND, flag="--quick")] = False
    arms: Annotated[
        tuple[str, ...],
        Option("Only this arm, such as 'injection 10 %'; repeat.", COMMAND, flag="--arm", choices=_arms),
    ] = ()
    seeds: Annotated[int | None, Option("Models for each arm (default: 60 or 20).", COMMAND, minimum=1)] = None
    development: Annotated[
        bool,
        Option("Development seeds, on which a rule is chosen: they state no error rate.", COMMAND),
    ] = False
    jobs: Annotated[
        int | None,
        Option("Processes (default: as many as there are cores; with --base, 1).", COMMAND, minimum=1),
    ] = None
    docs: Annotated[Path | None, Option("Also write the tables to this Markdown file.", COMMAND)] = None


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return the settings of options by name. Raises `UsageError` on invalid or conflicting options."""
    settings = make_settings(Settings, None, options)
    if settings.small and (settings.arms or settings.seeds):
        raise UsageError("--quick: is a choice of arms and seeds; drop it, or --arm and --seeds")
    return settings
