"""An extraction as the command asks for it: names and paths in, the written folder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ..defaults import DOMAIN
from ..domain import Domain
from ..vocabulary.compiled import Vocabulary
from . import smedqa
from .corpus import Corpus
from .evidence import Rule, combine
from .extract import Extraction, extract
from .hierarchy import roots_of
from .linking import LinkerSettings
from .termlist import Edits

RECIPES = (smedqa.NAME,)
MODEL_THRESHOLD = 0.85
"""Default where a model finds the spans, which hold more words than a name does."""


def run_extraction(
    corpus: Sequence[Path],
    vocabulary: Path,
    out: Path,
    *,
    domain: str = DOMAIN,
    labels: Sequence[str] = (),
    model: str | None = None,
    threshold: float | None = None,
    types: str | None = None,
    edits: Path | None = None,
    recipe: str | None = None,
    encoding: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Extraction:
    """Extracts and writes. Everything that can be wrong with what was asked is said before the first text is read."""
    if recipe not in (None, *RECIPES):
        raise UsageError(f"--recipe {recipe}: no such recipe; expected {', '.join(RECIPES)}")
    settings = smedqa.SETTINGS if recipe else LinkerSettings()
    chosen = None if types is None else tuple(name.strip() for name in types.split(",") if name.strip())
    settings = replace(settings, model=model, types=chosen)
    if threshold is not None or (model and not recipe):
        settings = replace(settings, threshold=MODEL_THRESHOLD if threshold is None else threshold)
    opened = Domain.open(domain)
    given = Edits.read(edits, opened) if edits else None
    known = Vocabulary.open(vocabulary)
    settings.check(known)
    texts = Corpus.read(corpus, opened, _labels(labels), encoding)
    roots = roots_of(domain, opened)
    rule: Rule = smedqa.SMedQARule(known, roots) if recipe else combine
    done = extract(texts, known, opened, roots, settings, rule=rule, edits=given, progress=progress)
    if recipe:
        kept = [term for term in done.terms if smedqa.keeps(term)]
        done = replace(done, terms=kept, record={**done.record, "left out by the recipe": len(done.terms) - len(kept)})
    done.record["vocabulary"]["path"] = str(vocabulary.resolve())
    done.write(out)
    return done


def _labels(given: Sequence[str]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for value in given:
        label, parted, names = value.partition("=")
        if not parted or not label or not names.strip(" ,"):
            raise UsageError(f"--map {value}: expected LABEL=SPECIALTY[,SPECIALTY], or LABEL=none")
        out[label] = [name.strip() for name in names.split(",") if name.strip()]
    return out
