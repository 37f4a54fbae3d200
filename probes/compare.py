"""The comparison: from a base, its tuned models and a domain to a finished run directory.

The whole way of the data in one place: items → scores (`probes.run`) → ladder, knowledge, shift, ledger, matrix →
verdicts → `comparison.json`. What one model's part of it holds is in `probes.findings`.
"""

from __future__ import annotations

import datetime
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import versions
from ..errors import CheckpointError, RunError, UsageError, ValidityError
from ..models.sources import one_line
from ..models.table import SCHEMA_VERSION as SCORE_SCHEMA
from ..models.table import TEMPERATURES
from ..models.template import Template
from ..terms.domain import Domain
from ..terms.items import Item, items_hash
from ..terms.select import items as items_of
from ..terms.select import lend
from ..terms.select import limit as limited
from . import cache
from .comparison import Comparison
from .ladder import DISTRACTORS
from .run import SCHEMA_VERSION, Progress, RunDirectory, write_json, write_whole
from .scores import Per
from .settings import Settings, default_out, file_of, names_of, own_specialties, settings_from
from .validity import Check

if TYPE_CHECKING:
    import pyarrow as pa

    from ..models.checkpoint import Checkpoint
    from ..models.scoring import ScoringPlan


def compare(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    **options: Any,
) -> Comparison:
    """Compares tuned models with their base and leaves a run directory.

    Options are the fields of `Settings`, whole or by name. `progress` is called with stage, items done, items in all;
    `note` with lines a person should read. Raises `KnowshiftError` for whatever a user can cause, `ValidityError`
    where a check failed and failing checks are not allowed.
    """
    settings = settings_from(settings, options)
    say = note or (lambda line: None)
    base, specs = str(base), [str(spec) for spec in ([tuned] if isinstance(tuned, str | Path) else tuned)]
    if not specs:
        raise UsageError("no tuned model given: probe compare BASE TUNED...")
    domain = Domain.open(settings.domain)
    template = Template.parse(settings.template)
    names = names_of(specs)
    own = own_specialties(names, settings.own, domain)
    for name, (specialty, source) in own.items():
        shown = domain.specialties[specialty].name if specialty else "the whole domain"
        say(f"{name}: own specialty {shown} (from {source})")
    items = items_of(domain)
    if settings.limit is not None:
        items = limited(items, settings.limit, [s for s, _ in own.values()], domain.general, settings.seed)
    items = lend(items, settings.seed)

    from ..models.checkpoint import Checkpoint
    from ..models.scoring import plan_scoring
    from . import validity

    how: dict[str, Any] = {"device": settings.device, "dtype": settings.dtype}
    root = Checkpoint.open(base, config=settings.config, **how)
    # Before any adapter is put on it: what "adapter off" must give again.
    base_plan = plan_scoring(items, root, template)
    probed = validity.probed_sequences(base_plan)
    alone = validity.full_logprobs(root, probed)
    opened = {name: _open_tuned(spec, root, **how) for name, spec in zip(names, specs, strict=True)}
    for checkpoint in (root, *opened.values()):
        for line in checkpoint.notes:
            say(f"{checkpoint.name}: {line}")
    per: Per = settings.per
    if any(c.tokenizer_hash != root.tokenizer_hash for c in opened.values()) and per != "character":
        per = "character"
        say("a tuned model brings its own tokenizer: everything is per character")

    plans = _plans(items, root, base_plan, opened, template)
    code, digest = versions.code_hash(), items_hash(items)
    keys = {name: _key(c, digest, template, settings.lens) for name, c in {"": root, **opened}.items()}
    identity = {
        "base": root.content_key,
        "models": {name: c.content_key for name, c in opened.items()},
        "own": {name: specialty for name, (specialty, _) in own.items()},
        "items": digest,
        "template": asdict(template),
        "dtype": str(root.dtype),
        "lens": settings.lens,
        "per": per,
        "seed": settings.seed,
    }
    run = RunDirectory.claim(
        settings.out or default_out(root.name, names),
        identity,
        {
            "command": _command(),
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "versions": versions.installed(),
            "hashes": {"base": root.content_key, "domain": domain.hash, "items": digest, "code": code,
                       "models": identity["models"]},
            "seed": settings.seed, "dtype": str(root.dtype), "device": str(root.device),
            "template": template.label, "engine": "hooks", "per": per,
        },
    )  # fmt: skip

    base_file = f"{root.name}-base" if root.name in map(file_of, names) else root.name
    with _writing(run):
        base_table = run.score(base_file, keys[""], base_plan, root, lens=settings.lens, progress=progress)
        shared = [
            validity.alignment_check(base_plan, len(items)),
            validity.readout_check(root, base_plan, base_table),
            validity.base_unchanged_check(alone, validity.full_logprobs(root, probed), validity.tolerance(root)),
        ]
        tables: dict[str, pa.Table] = {}
        checks: dict[str, list[Check]] = {}
        for name, checkpoint in opened.items():
            tables[name] = run.score(
                file_of(name), keys[name], plans[name], checkpoint, lens=settings.lens, progress=progress
            )
            checks[name] = [
                *shared,
                validity.tokenizer_check(root, checkpoint, per),
                validity.readout_check(checkpoint, plans[name], tables[name]),
                *validity.adapter_checks(alone, validity.full_logprobs(checkpoint, probed), checkpoint),
            ]
        failed = [(name, check) for name, every in checks.items() for check in every if not check.passed]
        if failed and not settings.allow_failed_checks:
            name, check = failed[0]
            raise ValidityError(
                f"{name}: check failed: {check.check} (value {check.value}, tolerance {check.tolerance}); "
                "no verdict is given; --allow-failed-checks goes on and shows it in red"
            )
        return _conclude(run, domain, items, base_table, tables, own, checks, per, settings, root.name, plans, progress)


@contextmanager
def _writing(run: RunDirectory) -> Iterator[None]:
    """What the disk refuses, as one line that names the run."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else one_line(error)
        raise RunError(
            f"{run.path}: cannot be written ({why}); free some space, and the same command goes on where it stopped"
        ) from error


def _command() -> str:
    """The command line that asked for this run; `knowshift.compare` where a program did."""
    called = Path(sys.argv[0])
    by_module = called.name == "__main__.py" and called.resolve().parent == Path(versions.__file__).parent
    return shlex.join(["probe", *sys.argv[1:]]) if called.name == "probe" or by_module else "knowshift.compare"


def _open_tuned(spec: str, root: Checkpoint, **how: Any) -> Checkpoint:
    from ..models.checkpoint import Checkpoint

    tuned = Checkpoint.open(spec, base=root, **how)
    if tuned.content_key == root.content_key:
        raise CheckpointError(f"{spec}: is the base itself; give a tuned model")
    return tuned


def _plans(
    items: Sequence[Item], root: Checkpoint, plan: ScoringPlan, opened: Mapping[str, Checkpoint], template: Template
) -> dict[str, ScoringPlan]:
    """One scoring plan a tokenizer and context: base and adapters share theirs."""
    from ..models.scoring import plan_scoring

    def kind(checkpoint: Checkpoint) -> tuple[str, int]:
        return checkpoint.tokenizer_hash, checkpoint.anatomy.context

    made = {kind(root): plan}
    for checkpoint in opened.values():
        if kind(checkpoint) not in made:
            made[kind(checkpoint)] = plan_scoring(items, checkpoint, template)
    return {"": plan, **{name: made[kind(checkpoint)] for name, checkpoint in opened.items()}}


def _key(checkpoint: Checkpoint, items: str, template: Template, lens: bool) -> str:
    from ..models.engines.hooks import HooksEngine

    return cache.score_key(
        {
            "weights": checkpoint.content_key,
            "tokenizer": checkpoint.tokenizer_hash,
            "items": items,
            "template": asdict(template),
            "dtype": str(checkpoint.dtype),
            "device": checkpoint.device.type,
            "engine": [HooksEngine.name, HooksEngine.version],
            "schema": SCORE_SCHEMA,
            "temperatures": TEMPERATURES,
            "lens": lens,
        }
    )


def _conclude(
    run: RunDirectory,
    domain: Domain,
    items: Sequence[Item],
    base_table: pa.Table,
    tables: Mapping[str, pa.Table],
    own: Mapping[str, tuple[str | None, str]],
    checks: Mapping[str, Sequence[Check]],
    per: Per,
    settings: Settings,
    base_name: str,
    plans: Mapping[str, ScoringPlan],
    progress: Progress | None,
) -> Comparison:
    """From score tables to `comparison.json` and its tables."""
    import polars as pl

    from .findings import Material, conclude

    material = Material(domain, tuple(items), base_table, tables, own, per, settings.seed)
    found = conclude(material, progress)
    kinds = Counter(item.kind for item in items)
    lost = plans[""].aligned.dropped
    dropped = Counter(lost.values())
    usable = min(frame.height for frame in found.facts)
    if short := sum(item.kind == "fact" and item.id not in lost for item in items) - usable:
        dropped[f"fact with fewer than {DISTRACTORS} distractors of like length"] = short
    data = {
        "schema": SCHEMA_VERSION,
        "base": base_name,
        "domain": domain.name,
        "per": per,
        "seed": settings.seed,
        "run": str(run.path),
        "specialties": {s.id: s.name for s in domain.specialties.values()},
        "layers": found.layers,
        "counts": {
            "facts": kinds["fact"],
            "terms": kinds["term"],
            "words": kinds["word"],
            "concepts": len({item.concept for item in items if item.kind == "term"}),
            "dropped": dict(dropped),
        },
        "mentions": "the domain's names and aliases",
        "diagonal": found.diagonal,
        "models": {
            name: {**model, "own_from": own[name][1], "validity": [check.json() for check in checks[name]]}
            for name, model in found.models.items()
        },
    }
    for file, frames in (("terms", found.terms), ("facts", found.facts)):
        held = BytesIO()
        pl.concat(frames).write_parquet(held)  # polars has an error of its own for a full disk
        write_whole(run.path / f"{file}.parquet", held.getvalue())
    write_json(run.path / "comparison.json", data)
    return Comparison(run.path, data)
