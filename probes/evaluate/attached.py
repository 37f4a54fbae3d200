"""Evaluations that belong to a comparison: kept in its run, laid beside its probabilities. Called by the command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...terms.defaults import DOMAIN
from ...terms.domain import domain_folder
from ..results.finished import Comparison, domain_of
from ..runs.naming import names_of
from . import language_model
from .evaluate import Evaluation, evaluate
from .settings import settings_from

FOLDER = "evaluate"
"""Of a comparison's run: where evaluations that belong to it are kept, one folder a suite."""


def evaluate_beside(run: str | Path, base: str | Path, tuned: Sequence[str | Path], **options: Any) -> Evaluation:
    """As `evaluate`, kept in the finished comparison `run` (`evaluate/<suite>`) and laid beside its probabilities.

    Its domain is the run's, where no other is given. Raises `KnowshiftError` as `evaluate`, and where `run` is no
    finished comparison of these models.
    """
    held = Comparison.open(run)
    names = names_of([str(spec) for spec in tuned])
    if not set(names) & set(held.models):
        raise UsageError(f"--run {run}: compares {', '.join(held.models)}, and none of {', '.join(names)}")
    place = Path(run) / FOLDER / str(options.get("suite", "smedqa"))
    domain = domain_of(held, options.get("domain"))

    def check(hashes: Mapping[str, str]) -> None:
        _same_models(run, hashes)

    return evaluate(
        base,
        tuned,
        comparison=held.result.model_dump(mode="json"),
        check=check,
        **{**options, "domain": domain, "out": place},
    )


def _same_models(run: str | Path, hashes: Mapping[str, str]) -> None:
    """Raises `UsageError` where a model (content keys by name, the base's first) is not the one that was compared."""
    record = Path(run) / "run.json"
    try:
        compared = json.loads(record.read_text(encoding="utf-8"))["hashes"]
        base, models = str(compared["base"]), dict(compared["models"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--run {run}: {record.name} does not say which models were compared; compare again"
        ) from error
    root = next(iter(hashes))
    for name, found in hashes.items():
        if found != (base if name == root else models.get(name, found)):
            which = "base" if name == root else "model of that name"
            raise UsageError(f"--run {run}: {name} is not the {which} that was compared; give the same, or drop --run")


SHARED = ("own", "domain", "seed", "device", "dtype", "quantize", "device_map", "config")
"""Options of a comparison that its evaluations take over."""


def check_attached_suites(suites: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuses what cannot be run before a comparison's hours: `suites` are SUITE or SUITE=DATA. Raises `UsageError`."""
    language_model.require()
    if options.get("remote"):
        raise UsageError("--evaluate: models on NDIF cannot be asked; drop --remote, or --evaluate")
    for value in suites:
        name, found, data = value.partition("=")
        settings_from({"suite": name})
        if name == "forgetting" and found:
            raise UsageError(
                f"--evaluate {value}: takes no data here; give --evaluate forgetting, and text of your "
                "own to probe evaluate --data text=FILE --run"
            )
        if not found and name != "forgetting" and _own_questions(name, options) is None:
            raise UsageError(f"--evaluate {value}: this suite needs data; give --evaluate {name}=PATH")
        if found and not Path(data).exists():
            raise UsageError(f"--evaluate {value}: no such file or folder; give the suite's data")


def run_attached_evaluations(
    suites: Sequence[str],
    run: Path,
    base: str | Path,
    tuned: Sequence[str | Path],
    options: Mapping[str, Any],
    **how: Any,
) -> None:
    """Run the evaluations that belong to a comparison, with its options."""
    shared = {name: options[name] for name in SHARED if options.get(name) is not None}
    asked = str(options.get("template") or "none")
    template = "chat" if asked == "chat" else "none"
    if asked != template and how.get("note"):
        how["note"](f"--evaluate: questions have prompts of their own, and are asked without --template {asked}")
    for value in suites:
        name, _, data = value.partition("=")
        path = data or _own_questions(name, options)
        given = {"data": path} if path else {}
        evaluate_beside(run, base, tuned, suite=name, template=template, **given, **shared, **how)


def _own_questions(suite: str, options: Mapping[str, Any]) -> Path | None:
    """The questions of the comparison's domain, which `smedqa` reads where it is given no others."""
    if suite != "smedqa":
        return None
    folder = domain_folder(options.get("domain") or DOMAIN)
    files = (folder / f"questions.{kind}" for kind in ("jsonl", "parquet"))
    return next((file for file in files if file.is_file()), None)
