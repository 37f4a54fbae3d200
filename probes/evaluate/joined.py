"""Evaluations that belong to a comparison: kept in its run, laid beside its probabilities. Called by the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..comparison import Comparison
from ..settings import names_of
from . import language_model
from .evaluate import Evaluation, evaluate
from .settings import settings_from

FOLDER = "evaluate"
"""Of a comparison's run: where evaluations that belong to it are kept, one folder a suite."""


def evaluate_beside(run: str | Path, base: str | Path, tuned: Sequence[str | Path], **options: Any) -> Evaluation:
    """As `evaluate`, kept in the finished comparison `run` (`evaluate/<suite>`) and laid beside its probabilities.

    Raises `KnowshiftError` as `evaluate`, and where `run` is no finished comparison of these models.
    """
    held = Comparison.open(run)
    names = names_of([str(spec) for spec in tuned])
    if not set(names) & set(held.models):
        raise UsageError(f"--run {run}: compares {', '.join(held.models)}, and none of {', '.join(names)}")
    place = Path(run) / FOLDER / str(options.get("suite", "smedqa"))
    return evaluate(base, tuned, comparison=held.data, **{**options, "out": place})


SHARED = ("own", "domain", "seed", "device", "dtype", "quantize", "device_map", "config")
"""Options of a comparison that its evaluations take over."""


def ready(suites: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuses what cannot be run before a comparison's hours: `suites` are SUITE or SUITE=DATA. Raises `UsageError`."""
    language_model.require()
    if options.get("remote"):
        raise UsageError("--evaluate: models on NDIF cannot be asked; drop --remote, or --evaluate")
    for value in suites:
        name, found, data = value.partition("=")
        settings_from({"suite": name})
        if not found and name != "forgetting":
            raise UsageError(f"--evaluate {value}: this suite needs data; give --evaluate {name}=PATH")
        if found and not Path(data).exists():
            raise UsageError(f"--evaluate {value}: no such file or folder; give the suite's data")


def also(
    suites: Sequence[str], run: Path, base: str | Path, tuned: Sequence[str | Path], options: Mapping[str, Any],
    **how: Any,
) -> None:  # fmt: skip
    """The evaluations that belong to a comparison, with its options."""
    shared = {name: options[name] for name in SHARED if options.get(name) is not None}
    template = "chat" if options.get("template") == "chat" else "none"
    for value in suites:
        name, _, data = value.partition("=")
        given = {"data": data} if data else {}
        evaluate_beside(run, base, tuned, suite=name, template=template, **given, **shared, **how)
