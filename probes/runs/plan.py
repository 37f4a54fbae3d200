"""What a comparison will read and score, known before a weight is read: items, models, batch plans, keys.

Read by `probes.runs.compare`, which runs it, and by `probes.runs.forecast`, which only says what it would cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CheckpointError, UsageError
from ...fingerprint import class_fingerprint, code_fingerprint
from ...models.engines.select import finder, open_engine
from ...models.options import forms_of
from ...models.rounding import TrainedOn
from ...models.template import Template
from ...terms.contrast import contrast_items, open_contrast
from ...terms.domain import Domain
from ...terms.extraction.apply import DomainTerms, domain_terms
from ...terms.extraction.occurrences import occurrences
from ...terms.items import Item, items_hash
from ...terms.select import add_borrowed_options, priors
from ...terms.select import items as items_of
from ...terms.select import limit as limited
from ...terms.training import Seen, seen_in
from ...terms.words import missing_controls
from ..results.rungs import Per
from . import cache
from .directory import RESULT, RunDirectory
from .lenses import NO_LENS, LensPlan
from .naming import default_out, file_of, names_of, own_specialties, training_files
from .replicates import different_weights, replicate_models
from .rounding import rounded_bases, rounded_name, rounded_training
from .settings import Settings

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint
    from ...models.engines.protocol import Engine
    from ...models.scoring import ScoringPlan

Note = Callable[[str], None]
SCORING = ("models.scoring", "models.checkpoint")
"""Modules that, with the engine's, decide what a checkpoint's scores are; templates and items count by their content.
`models.table` (schema, temperatures) is among what they import."""


@dataclass(frozen=True)
class ComparisonPlan:
    """A comparison before its first forward pass; by name, the base's is the empty one."""

    settings: Settings
    domain: Domain
    contrast: Domain | None
    """What a shift is told from; its items are among `items`."""
    terms: DomainTerms
    template: Template
    items: list[Item]
    digest: str
    """Of the items."""
    base: Checkpoint
    tuned: dict[str, Checkpoint]
    own: dict[str, tuple[str | None, str]]
    """Each tuned model's own specialty (None: the whole domain), and where that was read from."""
    plans: dict[str, ScoringPlan]
    keys: dict[str, str]
    """Of each model's scores, in the cache."""
    per: Per
    engine: Engine
    lens: LensPlan
    seen: dict[str, Seen]
    """By tuned model, what of the items stood in its training data, where that was given."""
    trained_on: dict[str, TrainedOn]
    """By tuned model, the rounded base that it was trained on, where the run's base is not rounded."""
    rounded: dict[str, Checkpoint]
    """By precision, the base rounded so, where it can be scored; `rounded_name` names it in `plans` and `keys`."""
    unread: dict[str, str]
    """Models of which no layers are read, and why: theirs and the base's cannot be laid side by side."""
    replicates: dict[str, tuple[str, ...]]
    """Names of the models that are trainings of one tune, keyed by the group's name.

    No model's numbers depend on it, so it is no part of `identity`: a finished run can be grouped without new scores.
    """

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this run and no other."""
        return {
            "base": self.base.content_key,
            "models": {name: checkpoint.content_key for name, checkpoint in self.tuned.items()},
            "own": {name: specialty for name, (specialty, _) in self.own.items()},
            "items": self.digest,
            "template": asdict(self.template)
            | ({"prefix": self.plans[""].aligned.prefix} if self.template.kind == "chat" else {}),
            "dtype": str(self.base.dtype),
            "quantization": self.base.quantization,
            "engine": [self.engine.name, self.engine.version],
            "lens": self.lens.identity,
            "per": self.per,
            "seed": self.settings.seed,
            **({"rounded": sorted(self.rounded)} if self.rounded else {}),
            **({"training": {name: seen.hash for name, seen in self.seen.items()}} if self.seen else {}),
        }

    def out(self) -> Path:
        """The run's folder: what was said, or what is called by the models and the day."""
        stem = default_out(self.base.name, list(self.tuned))
        return self.settings.out or RunDirectory.dated(stem, self.identity, RESULT)

    def about(self, name: str) -> dict[str, str]:
        """What the cache's list says of a model's scores."""
        checkpoint = self.models[name]
        return {
            "model": name or self.base.name,
            "base": self.base.name if checkpoint.base is not None else "",
            "items": f"{len(self.items)} of {self.domain.name}",
            "engine": self.engine.name,
        }

    @property
    def models(self) -> dict[str, Checkpoint]:
        """Every model that is scored, by name."""
        rounded = {rounded_name(precision): base for precision, base in self.rounded.items()}
        return {"": self.base, **self.tuned, **rounded}

    def file(self, name: str) -> str:
        """What a model's score file is called."""
        if name:
            return file_of(name)
        return f"{self.base.name}-base" if self.base.name in map(file_of, self.tuned) else self.base.name


def plan_comparison(
    base: str | Path,
    tuned: Sequence[str | Path],
    settings: Settings,
    say: Note,
    progress: Callable[[str, int, int], None] | None = None,
) -> ComparisonPlan:
    """Opens the domain, finds the models and plans the batches; `say` is told what a person should read.

    Raises `KnowshiftError` for whatever can be known before a weight is read.
    """
    specs = [str(spec) for spec in tuned]
    if not specs:
        raise UsageError("no tuned model given: probe compare BASE TUNED..., or --base-only")
    engine = open_engine(settings.engine, remote=settings.remote)
    domain = Domain.open(settings.domain)
    contrast = open_contrast(domain, settings.contrast)
    template = Template.parse(settings.template)
    names = names_of(specs)
    own = own_specialties(names, settings.own, domain)
    for name, (specialty, source) in own.items():
        shown = domain.specialties[specialty].name if specialty else "the whole domain"
        say(f"{name}: own specialty {shown} (from {source})")
    replicates = replicate_models(settings.replicates, {name: specialty for name, (specialty, _) in own.items()})
    for name, members in replicates.items():
        say(f"{name}: {len(members)} trainings of one tune ({', '.join(members)})")
    terms = domain_terms(settings.domain, domain, settings.vocabulary, settings.terms, progress)
    items = items_of(domain, terms.mentions, terms.classes)
    if contrast:
        # Facts of the contrast are read where terms cannot be, or where no other specialties are to compare with.
        reads_terms = any(item.kind == "term" for item in items)
        items += contrast_items(contrast, facts=not reads_terms or any(s is None for s, _ in own.values()))
    if settings.text and (missing := missing_controls(domain.texts, domain.general)):
        say(f"{domain.name}: {missing}")
    if settings.recipe is not None:
        items += occurrences(settings.domain, domain, settings.vocabulary, progress)
    if settings.limit is not None:
        items = limited(items, settings.limit, [s for s, _ in own.values()], domain.general, settings.seed)
    items = add_borrowed_options(items, settings.seed)
    items += priors(items, domain)
    files = training_files(names, settings.training_data, _domain_training_data(domain, settings, say))
    read = {path: seen_in(path, items, settings.encoding) for path in dict.fromkeys(files.values())}
    seen = {name: read[path] for name, path in files.items()}

    find = finder(settings.remote)
    forms = forms_of(settings.forms, names_of([str(base)])[0], names)
    root = find(base, config=settings.config, form=forms[""], **settings.loading)
    found = {
        name: _tuned(find(spec, base=root, form=forms[name], **settings.loading), root)
        for name, spec in zip(names, specs, strict=True)
    }
    different_weights(replicates, {name: checkpoint.content_key for name, checkpoint in found.items()})
    for checkpoint in (root, *found.values()):
        for line in checkpoint.notes:
            say(f"{checkpoint.name}: {line}")
    per: Per = settings.per
    if any(c.tokenizer_hash != root.tokenizer_hash for c in found.values()) and per != "character":
        per = "character"
        say("a tuned model brings its own tokenizer: everything is per character")
    lens = LensPlan.of(root, settings.lens, settings.layers, settings.lens_data, settings.seed)
    unread = {name: why for name, checkpoint in found.items() if (why := lens.misfit(root, checkpoint))}
    for name, why in unread.items():
        say(f"{name}: {why}; no layers are read of it, and what its last one says stands alone")
    digest = items_hash(items)
    trained = rounded_training(root, found, settings.trained_on)

    def find_rounded(precision: str) -> Checkpoint:
        return find(base, config=settings.config, form=forms[""], **{**settings.loading, "quantize": precision})

    rounded = rounded_bases(trained, find_rounded, settings.engine, say)
    unread |= {rounded_name(precision): "only its output is compared" for precision in rounded}
    models = {"": root, **found, **{rounded_name(precision): model for precision, model in rounded.items()}}
    views = {name: (NO_LENS if name in unread else lens).identity for name in models}
    plans = scoring_plans(items, models, template)
    return ComparisonPlan(
        settings=settings,
        domain=domain,
        contrast=contrast,
        terms=terms,
        template=template,
        items=items,
        digest=digest,
        base=root,
        tuned=found,
        own=own,
        plans=plans,
        keys={
            name: score_key_of(checkpoint, digest, template, plans[name].aligned.prefix, views[name], engine)
            for name, checkpoint in models.items()
        },
        per=per,
        engine=engine,
        lens=lens,
        trained_on=trained,
        rounded=rounded,
        unread=unread,
        seen=seen,
        replicates=replicates,
    )


def _domain_training_data(domain: Domain, settings: Settings, say: Note) -> str:
    """Return the file that the domain was made from, where it is the run's training data; `say` tells so."""
    file = domain.training_data
    if not file or settings.training_data:
        return ""
    if not Path(file).exists():
        say(
            f"{domain.name}: {file}, from which it was made, is not there; facts that were in it are not told from "
            "others (give --training-data, or --training-data none)"
        )
        return ""
    say(
        f"{domain.name}: was made from {Path(file).name}, which is taken for the training data of all models: facts "
        "seen and unseen are reported apart (--training-data FILE or none decides otherwise)"
    )
    return file


def _tuned(tuned: Checkpoint, root: Checkpoint) -> Checkpoint:
    if tuned.content_key == root.content_key:
        raise CheckpointError(f"{tuned.spec}: is the base itself; give a tuned model")
    return tuned


def scoring_plans(
    items: Sequence[Item], models: Mapping[str, Checkpoint], template: Template
) -> dict[str, ScoringPlan]:
    """Return the models' scoring plans, one a tokenizer and context: base and adapters share theirs."""
    from ...models.scoring import plan_scoring

    made: dict[tuple[str, int, int | None], ScoringPlan] = {}
    plans = {}
    for name, checkpoint in models.items():
        kind = checkpoint.tokenizer_hash, checkpoint.anatomy.context, checkpoint.anatomy.rope_boundary
        if kind not in made:
            made[kind] = plan_scoring(items, checkpoint, template)
        plans[name] = made[kind]
    return plans


def score_key_of(
    checkpoint: Checkpoint, items: str, template: Template, prefix: str, lens: Mapping[str, Any], engine: Engine
) -> str:
    """Return the key of a checkpoint's scores of the items whose digest is `items`."""
    return cache.score_key(
        {
            "weights": checkpoint.content_key,
            "tokenizer": checkpoint.tokenizer_hash,
            "items": items,
            # A chat template's words are the tokenizer's, and some hold the day's date.
            "template": asdict(template) | {"prefix": prefix},
            "dtype": str(checkpoint.dtype),
            "quantization": checkpoint.quantization,
            "device": checkpoint.placement.device.type,
            "engine": [engine.name, engine.version],
            "code": [code_fingerprint(*SCORING), class_fingerprint(type(engine))],
            "lens": lens,
        }
    )
