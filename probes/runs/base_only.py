"""What a base knows of a domain: `probe compare BASE --base-only`. Scores the domain's facts, and no tuned model."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ... import versions
from ...models.engines.select import finder, open_engine
from ...models.options import forms_of
from ...models.template import Template
from ...progress import Progress
from ...terms.domain import Domain
from ...terms.items import Item, items_hash
from ...terms.select import add_borrowed_options, limit
from ...terms.select import items as items_of
from ..analysis.base_knowledge import Known, base_knowledge
from ..analysis.inputs import AnalysisInputs
from ..results.base_knowledge import BaseKnowledge
from . import cache
from .directory import RunDirectory, command, write_frame, writing
from .lenses import NO_LENS
from .naming import default_out, names_of
from .plan import ComparisonPlan, score_key_of, scoring_plans
from .processes import Processes
from .scores import score_model, score_store
from .settings import Settings, settings_from

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint
    from ...models.engines.protocol import Engine
    from ...models.scoring import ScoringPlan

FACTS = "facts.parquet"
"""A row a fact."""


@dataclass(frozen=True)
class _Asked:
    """A base and the facts that it is asked."""

    base: Checkpoint
    domain: Domain
    items: tuple[Item, ...]
    plan: ScoringPlan
    key: str
    """Of its scores, in the cache."""
    identity: dict[str, Any]
    seed: int

    @classmethod
    def of(cls, base: Checkpoint, domain: Domain, settings: Settings, template: Template, engine: Engine) -> _Asked:
        items = [item for item in items_of(domain, {}) if item.kind == "fact"]
        if settings.limit is not None:
            items = limit(items, settings.limit, list(domain.specialties), domain.general, settings.seed)
        items = add_borrowed_options(items, settings.seed)
        plan, digest = scoring_plans(items, {"": base}, template)[""], items_hash(items)
        key = score_key_of(base, digest, template, plan.aligned.prefix, NO_LENS.identity, engine)
        identity = {"base": base.content_key, "items": digest, "scores": key, "seed": settings.seed}
        return cls(base, domain, tuple(items), plan, key, identity, settings.seed)

    def known(self, scores: pa.Table) -> Known:
        """Return what the scores say."""
        return base_knowledge(AnalysisInputs(self.domain, self.items, scores, {}, {}, "token", self.seed))


def know_base(
    base: str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    **options: Any,
) -> BaseKnowledge:
    """Return how much of a domain's facts a base knows, and leave a folder with `base.json` and `facts.parquet`.

    Options are the fields of `Settings`, whole or by name; those about tuned models, texts and layers are not read.
    Raises `KnowshiftError` for whatever a user can cause.
    """
    settings = settings_from(settings, options)
    Processes.here().use_all_threads()
    engine = open_engine(settings.engine, remote=settings.remote)
    domain, template = Domain.open(settings.domain), Template.parse(settings.template)
    form = forms_of(settings.forms, names_of([str(base)])[0], [])[""]
    opened = finder(settings.remote)(base, config=settings.config, form=form, **settings.loading)
    for line in opened.notes:
        if note:
            note(f"{opened.name}: {line}")
    asked = _Asked.of(opened, domain, settings, template, engine)
    stem = default_out(opened.name, ["knows"], domain.name)
    out = settings.out or RunDirectory.dated(stem, asked.identity, BaseKnowledge.FILE)
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    about = {"command": command(), "created": created, "versions": versions.installed()}
    run = RunDirectory.claim(out, asked.identity, about)
    listed = {"model": opened.name, "base": "", "items": f"{len(asked.items)} of {domain.name}", "engine": engine.name}
    with writing(run), opened.active():
        store = score_store(run.path, opened.name, asked.key)
        table = score_model(store, asked.plan, opened, lens=False, engine=engine, progress=progress, about=listed)
        assert table is not None  # one process alone
        found = asked.known(table)
        result = BaseKnowledge(
            schema=BaseKnowledge.VERSION,
            base=opened.name,
            domain=domain.name,
            run=str(run.path),
            threshold=found.threshold,
            specialties=found.specialties,
            controls=found.controls,
            dropped=len(asked.items) - found.usable,
            advice=found.advice,
        )
        write_frame(run.path / FACTS, found.frame)
        result.write(run.path)
    return result


def known_before(ready: ComparisonPlan) -> list[str]:
    """Return what an earlier `--base-only` found of the comparison's own specialties, a line each.

    Where there was none, the line says how to make one. No weight is read.
    """
    own = [specialty for specialty, _ in dict.fromkeys(ready.own.values()) if specialty]
    asked = _Asked.of(ready.base, ready.domain, ready.settings, ready.template, ready.engine)
    scores = cache.fetch(asked.key)
    if scores is None:
        return (
            ["what the base knows of the domain, and what a tune must teach to be seen: --base-only says it"]
            if own
            else []
        )
    found = asked.known(scores).specialties
    return [found[specialty].line for specialty in dict.fromkeys(own) if specialty in found]
