"""Rows of a source as a domain takes them: relations of their own, specialties, neither too few nor too many.

Read by `source`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar
from zlib import crc32

from ..defaults import DOMAIN
from ..domain import Fact
from ..tables import slug
from .census import SMALL_RELATION
from .controls import open_embedded
from .facts import FactRow
from .from_records.kinds import FEW
from .labels import Labels
from .stated import Stated
from .thinning import OVER, largest_size
from .vocabulary_names import VocabularyNames

UNSORTED = "without a specialty, by its label or by the vocabulary"
OURS = "_of_source"
"""Put behind a relation that the general facts have too, so that neither lends the other its answers."""
Stating = TypeVar("Stating", FactRow, Fact)


def rename_shared_relations(stated: Stated) -> tuple[list[FactRow], dict[str, tuple[str, ...]]]:
    """Return rows and wordings under relations that no general fact has."""
    shared = open_embedded(DOMAIN)
    theirs = {fact.relation for fact in shared.facts if shared.general in fact.specialties}
    called = {row.relation: row.relation + OURS * (row.relation in theirs) for row in stated.rows}
    rows = [replace(row, relation=called[row.relation]) for row in stated.rows]
    return rows, {called[name]: cues for name, cues in stated.wordings.items() if name in called}


def label_rows(
    rows: Sequence[FactRow], name: str, labels: Labels, known: VocabularyNames, skipped: Counter[str]
) -> list[FactRow]:
    """Return the rows with their specialties: by label, else by vocabulary; where nothing has any, one for all."""
    out = [replace(row, specialties=row.specialties or known.specialties_of(row)) for row in rows]
    if any(set(row.specialties) - {labels.domain.general} for row in out):
        kept = [row for row in out if row.specialties]
        if len(kept) < len(out):
            skipped[UNSORTED] += len(out) - len(kept)
        return kept
    return [replace(row, specialties=row.specialties or (_only_specialty(name),)) for row in out]


def keep_large_relations(stated: Sequence[Stating], skipped: Counter[str]) -> list[Stating]:
    """Return the rows or facts of relations that have enough of them, now that others were left out."""
    counts = Counter(one.relation for one in stated)
    kept = [one for one in stated if counts[one.relation] >= SMALL_RELATION]
    if len(kept) < len(stated):
        skipped[FEW] += len(stated) - len(kept)
    return kept


def _only_specialty(name: str) -> str:
    """Return the id of the specialty of a domain that knows of no others."""
    return slug(name).replace("-", "_") or "domain"


def thin_rows(rows: Sequence[FactRow], most: int, skipped: Counter[str]) -> list[FactRow]:
    """Return at most about `most` rows, those of the largest relations thinned first, chosen by their content."""
    if len(rows) <= most:
        return list(rows)
    blocks: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        blocks[row.relation, row.specialties].append(i)
    size = largest_size([len(block) for block in blocks.values()], most)

    def by_content(i: int) -> tuple[int, int]:
        return crc32(f"{rows[i].subject}\0{rows[i].answer}".encode()), i

    kept = sorted(i for block in blocks.values() for i in sorted(block, key=by_content)[:size])
    skipped[OVER] += len(rows) - len(kept)
    return [rows[i] for i in kept]
