"""The comparison: from a base, its tuned models and a domain to a finished run directory.

The whole way of the data in one place: what is known beforehand (`runs.plan`) → scores (`runs.directory`) → ladder,
knowledge, shift, ledger, matrix → verdicts → `comparison.json`. What one model's part of it holds is in
`probes.analysis.analyze`.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import versions
from ...errors import ValidityError
from ...fingerprint import code_fingerprint
from ...models.sources import hub_id
from ...progress import Progress
from ..analysis.error_rates import Evidence, error_rate_for, packaged
from ..analysis.inputs import AnalysisInputs, ScoreFiles
from ..analysis.ladder import DISTRACTORS
from ..analysis.registry import analyses
from ..analysis.scores import COLUMNS
from ..results.comparison import ComparisonResult, ItemCounts
from ..results.findings import Check, ErrorRate
from ..results.finished import Comparison
from ..results.model import ModelResult
from ..results.rungs import Per
from . import validity
from .directory import RESULT, RunDirectory, command, write_frame, writing
from .executors import choose_executor
from .passages import PassageRecorder
from .plan import ComparisonPlan, plan_comparison
from .processes import ALONE, Processes
from .rounding import rounded_name
from .scores import score_model, score_store
from .settings import Settings, settings_from

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint


def compare(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    **options: Any,
) -> Comparison:
    """Compare tuned models with their base and leave a run directory.

    Options are the fields of `Settings`, whole or by name. `progress` is called with stage, items done, items in all;
    `note` with lines a person should read. Of a launcher's processes the first makes the comparison; the others wait
    for it once they have scored their share. Raises `KnowshiftError` for whatever a user can cause, `ValidityError`
    where a check failed and failing checks are not allowed.
    """
    settings = settings_from(settings, options)
    done = run_comparison(base, tuned, settings, progress=progress, note=note)
    if done is not None or settings.out is None:
        assert done is not None  # without a folder there is one process
        return done
    run, result = settings.out, settings.out / RESULT
    return Processes.here().wait(lambda: Comparison.open(run) if result.is_file() else None, result)


def run_comparison(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    **options: Any,
) -> Comparison | None:
    """Do as `compare`, but return None in a launcher's process that is not the first, once its share is scored."""
    here = Processes.here()
    settings = settings_from(settings, options)
    here.require_folder(settings.out)
    settings = replace(settings, device=here.device(settings.device, settings.device_map))
    here.use_all_threads()
    specs = [tuned] if isinstance(tuned, str | Path) else list(tuned)
    tell = note or (lambda line: None)
    ready = _without_text(plan_comparison(base, specs, settings, tell, progress), tell)
    analyses()  # A plugin that cannot be loaded is refused before hours of scoring.
    run = _claim(ready, hub_id(base), here)
    with writing(run):
        tables, checks = _score(ready, run, progress, here)
        if not here.is_first:
            return None
        failed = [(name, check) for name, every in checks.items() for check in every if not check.passed]
        if failed and not settings.allow_failed_checks:
            name, check = failed[0]
            raise ValidityError(
                f"{name}: check failed: {check.check} (value {check.value}, tolerance {check.tolerance}); "
                "no verdict is given; --allow-failed-checks goes on and shows it in red"
            )
        return _conclude(run, ready, tables, checks, progress)


def _without_text(ready: ComparisonPlan, note: Callable[[str], None]) -> ComparisonPlan:
    """A run that was made without texts goes on without them, whoever forgets to say so again."""
    out = ready.out()
    # Where there is no record yet, or none that can be read, `RunDirectory.claim` tells.
    text = ready.settings.text and RunDirectory.recorded(out).get("text", True) is True
    if text != ready.settings.text:
        note(f"{out}: was made with --no-text, and goes on without texts; give another --out for a run with them")
    return replace(ready, settings=replace(ready.settings, text=text))


def _claim(ready: ComparisonPlan, hub: str | None = None, here: Processes = ALONE) -> RunDirectory:
    """The run's folder, with its record; `hub` is the base's id where it came from there."""
    identity, base = ready.identity, ready.base
    about = {
        "command": command(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions.installed(),
        "base_hub_id": hub,
        "hashes": {
            "base": identity["base"],
            "domain": ready.domain.hash,
            "contrast": ready.contrast.hash if ready.contrast else "",
            "items": ready.digest,
            "code": code_fingerprint("probes.runs.compare", "probes.analysis.*"),
            "models": identity["models"],
        },
        "seed": ready.settings.seed,
        "dtype": str(base.dtype),
        "quantization": base.quantization,
        "device": str(base.placement.device),
        "contrast": ready.contrast.name if ready.contrast else "",
        "template": ready.template.label,
        "per": ready.per,
        "terms": ready.terms.record,
        "text": ready.settings.text,
        "engine": f"{ready.engine.name}, version {ready.engine.version}",
    }
    return RunDirectory.share(ready.out(), identity, about, here)


def _score(
    ready: ComparisonPlan, run: RunDirectory, progress: Progress | None, here: Processes = ALONE
) -> tuple[ScoreFiles, dict[str, list[Check]]]:
    """Return every model's score table, and each tuned model's checks.

    Adapters are scored on their base, one after the other; then the base is let go, and full fine-tunes are in memory
    one at a time. Of a launcher's processes the first alone checks models and reads passages; the others score their
    share of the same models in the same order, so that their adapters are attached alike.
    """
    stores = {name: score_store(run.path, ready.file(name), key) for name, key in ready.keys.items()}
    tables = ScoreFiles({name: store.path for name, store in stores.items()}, COLUMNS)
    executor = choose_executor(here)
    checks: dict[str, list[Check]] = {}
    recorder = PassageRecorder(run.path, ready.items, ready.settings, ready.template, ready.engine, ready.keys)

    def score(name: str, checkpoint: Checkpoint) -> None:
        plan = ready.plans[name]
        read = None if name in ready.unread else lens
        table = score_model(
            stores[name],
            plan,
            checkpoint,
            lens=read or False,
            engine=ready.engine,
            executor=executor,
            progress=progress,
            about=ready.about(name),
        )
        if table is None or not here.is_first:
            return
        if checkpoint in ready.rounded.values():
            checks[name] = [validity.readout_check(checkpoint, plan, table)]
            return
        checks[name] = [validity.readout_check(checkpoint, plan, table)]
        if name:
            checks[name].insert(0, validity.tokenizer_check(base, checkpoint, ready.per))
            checks[name] += validity.tuned_checks(checkpoint, tables[""], table)
            checks[name] += validity.notes_checks(base, checkpoint)
        recorder.read(name, checkpoint, read, progress)

    plan, base = ready.plans[""], ready.base
    probed = validity.probed_sequences(plan) if here.is_first else []
    with base.active():
        # Before any adapter is put on it: what "adapter off" must give again.
        alone = validity.own_logprobs(base, probed)
        adapters = {name: checkpoint for name, checkpoint in ready.tuned.items() if checkpoint.base is base}
        for checkpoint in adapters.values():
            with checkpoint.active():
                pass  # what does not land is refused before hours of scoring
        lens = ready.lens.open(base, run.path, progress, here)
        if here.is_first:
            run.note(lens=ready.lens.record(lens))
        score("", base)
        for name, checkpoint in adapters.items():
            with checkpoint.active():
                score(name, checkpoint)
        unchanged = validity.base_unchanged_check(alone, validity.own_logprobs(base, probed), validity.tolerance(base))
    for name, checkpoint in ready.tuned.items():
        if name not in adapters:
            with checkpoint.active():
                score(name, checkpoint)
    for precision, checkpoint in ready.rounded.items():
        with checkpoint.active():
            score(rounded_name(precision), checkpoint)
    if not here.is_first:
        return tables, {}
    recorder.write()
    shared = [validity.alignment_check(plan, len(ready.items)), *checks[""], unchanged]
    rounded = {name: checks.get(rounded_name(how.precision), []) for name, how in ready.trained_on.items()}
    return tables, {name: [*shared, *checks[name], *rounded.get(name, [])] for name in ready.tuned}


def _conclude(
    run: RunDirectory,
    ready: ComparisonPlan,
    tables: ScoreFiles,
    checks: Mapping[str, Sequence[Check]],
    progress: Progress | None,
) -> Comparison:
    """Write `comparison.json` and its tables from the run's score tables."""
    import polars as pl

    from ..analysis.analyze import analyze

    tuned = ScoreFiles({name: tables.files[name] for name in ready.tuned}, COLUMNS)
    inputs = AnalysisInputs(
        ready.domain,
        tuple(ready.items),
        tables[""],
        tuned,
        ready.own,
        ready.per,
        ready.settings.seed,
        ready.seen,
        ready.trained_on,
        ScoreFiles({each: tables.files[rounded_name(each)] for each in ready.rounded}, COLUMNS),
        ready.replicates,
    )
    found = analyze(inputs, progress)
    for file, frames in (("terms", found.terms), ("facts", found.facts)):
        write_frame(run.path / f"{file}.parquet", pl.concat(frames))
    result = ComparisonResult(
        schema=ComparisonResult.VERSION,
        base=ready.base.name,
        domain=ready.domain.name,
        per=ready.per,
        seed=ready.settings.seed,
        run=str(run.path),
        specialties={s.id: s.name for s in ready.domain.specialties.values()},
        lens=ready.lens.kind,
        layers=found.layers,
        layer_numbers=tuple(ready.lens.layers),
        counts=_counts(ready, min(frame.height for frame in found.facts)),
        mentions=ready.terms.found_by,
        diagonal=found.diagonal,
        models={
            name: model.model_copy(
                update={
                    "calibration": _error_rate(model, ready.per),
                    "unread_layers": ready.unread.get(name, ""),
                    "validity": tuple(checks[name]),
                }
            )
            for name, model in found.models.items()
        },
        replicates=found.replicates,
    )
    result.write(run.path)
    return Comparison(run.path, result)


def _counts(ready: ComparisonPlan, usable: int) -> ItemCounts:
    """Count the items of each kind, and those left out by reason; `usable` facts entered the statistics."""
    items, lost = ready.items, ready.plans[""].aligned.dropped
    kinds, dropped = Counter(item.kind for item in items), Counter(lost.values())
    if short := sum(item.kind == "fact" and item.id not in lost for item in items) - usable:
        dropped[f"fact with fewer than {DISTRACTORS} distractors of like length"] = short
    return ItemCounts(
        facts=kinds["fact"],
        terms=kinds["term"],
        words=kinds["word"],
        controls=kinds["control"],
        concepts=len({item.concept for item in items if item.kind == "term"}),
        dropped=dict(dropped),
    )


def _error_rate(model: ModelResult, per: Per) -> ErrorRate | None:
    """Return how often a verdict like this one is wrong: of nats per token, own facts compared with others'."""
    if per != "token" or model.own is None:
        return None
    return error_rate_for(packaged(), model.ledger.own.facts, Evidence.of(model))
