"""Run evaluations that belong to a comparison: they are kept in its run and on its page."""

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
from .registry import find_suite
from .settings import DEFAULT_SUITE
from .suite import Suite

FOLDER = "evaluate"
"""Folder of a comparison's run that keeps its evaluations, one folder a suite."""


def evaluate_attached(
    run: str | Path, base: str | Path, tuned: Sequence[str | Path], **options: Any
) -> Evaluation | None:
    """Evaluate models of the finished comparison `run`; keep the evaluation in it, in `evaluate/<suite>`.

    Takes the options of `evaluate`. The domain is the run's, where no other is given. Raises `KnowshiftError` as
    `evaluate`, and where `run` is no finished comparison of these models.
    """
    comparison = Comparison.open(run)
    names = names_of([str(spec) for spec in tuned])
    if not set(names) & set(comparison.models):
        raise UsageError(f"--run {run}: compares {', '.join(comparison.models)}, and none of {', '.join(names)}")
    suite = find_suite(str(options.get("suite") or DEFAULT_SUITE))
    domain = domain_of(comparison, options.get("domain"))
    gains = {name: model.matrix for name, model in comparison.models.items()}

    def check(hashes: Mapping[str, str]) -> None:
        _require_same_models(run, hashes)

    place = Path(run) / FOLDER / suite.name
    return evaluate(base, tuned, gains=gains, check=check, **{**options, "domain": domain, "out": place})


def _require_same_models(run: str | Path, hashes: Mapping[str, str]) -> None:
    """Raise `UsageError` where a model is not the one that was compared (content keys by name, base first)."""
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


SHARED = ("own", "domain", "seed", "device", "dtype", "quantize", "device_map", "forms", "config")
"""Options of a comparison that its evaluations inherit."""


def check_attached_suites(requests: Sequence[str], options: Mapping[str, Any]) -> None:
    """Check the values of `--evaluate` before a comparison starts. Raises `UsageError` on what cannot be run.

    Args:
        requests: SUITE or SUITE=DATA.
        options: The comparison's, by name.
    """
    language_model.require()
    if options.get("remote"):
        raise UsageError("--evaluate: models on NDIF cannot be asked; drop --remote, or --evaluate")
    for value in requests:
        name, has_data, data = value.partition("=")
        suite = find_suite(name)
        if has_data and not suite.data.is_required:
            raise UsageError(
                f"--evaluate {value}: takes no data here; give --evaluate {name}, and data of your own to "
                f"probe evaluate --data {'|'.join(suite.data.names)}=FILE --run"
            )
        if not has_data and suite.data.is_required and _domain_data(suite, options) is None:
            raise UsageError(f"--evaluate {value}: this suite needs data; give --evaluate {name}=PATH")
        if has_data and not Path(data).exists():
            raise UsageError(f"--evaluate {value}: no such file or folder; give the suite's data")


def run_attached_evaluations(
    requests: Sequence[str],
    run: Path,
    base: str | Path,
    tuned: Sequence[str | Path],
    options: Mapping[str, Any],
    **how: Any,
) -> None:
    """Run the evaluations that belong to a comparison, with its options; `requests` as of `check_attached_suites`."""
    shared = {name: options[name] for name in SHARED if options.get(name) is not None}
    asked = str(options.get("template") or "none")
    template = "chat" if asked == "chat" else "none"
    if asked != template and how.get("note"):
        how["note"](f"--evaluate: questions have prompts of their own, and are asked without --template {asked}")
    for value in requests:
        name, _, data = value.partition("=")
        path = data or _domain_data(find_suite(name), options)
        given = {"data": path} if path else {}
        evaluate_attached(run, base, tuned, suite=name, template=template, **given, **shared, **how)


def _domain_data(suite: Suite[Any], options: Mapping[str, Any]) -> Path | None:
    """Return the data that the comparison's domain holds for a suite."""
    if suite.data.from_domain is None:
        return None
    return suite.data.from_domain(domain_folder(options.get("domain") or DOMAIN))
