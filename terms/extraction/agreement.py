"""Agreement of an extraction with a gold file: precision, recall and F1 of mentions and of linked concepts.

Gold is JSON lines, a mention a record (`document`, `start`, `end`, and `concept` where it is known) or a document a
record (`document` or `id`, and `mentions`, a list of such). Only documents that stand in the gold file count; a
document without mentions is written as a record with an empty list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CorpusError, DomainError
from ..reading.load import read_records
from ..records import Faults

if TYPE_CHECKING:
    import pyarrow as pa

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts, and what follows from them."""

    right: int
    found: int
    gold: int

    @property
    def precision(self) -> float | None:
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        return self.right / self.gold if self.gold else None

    @property
    def f1(self) -> float | None:
        return 2 * self.right / (self.found + self.gold) if self.found + self.gold else None


def read_gold(path: Path) -> tuple[dict[Place, str | None], set[str]]:
    """Gold mentions with their concepts (None: not said), and the documents looked at. Raises CorpusError by line."""
    faults = Faults()
    gold: dict[Place, str | None] = {}
    documents: set[str] = set()
    try:
        for record in read_records(path, faults):
            document = record.text("document") if record.has("document") else record.id()
            documents.add(document)
            for mention in record.data["mentions"] if record.has("mentions") else [record.data]:
                start, end = (mention.get(key) for key in ("start", "end")) if isinstance(mention, dict) else (0, 0)
                if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
                    record.fault("start", f"expected whole numbers 0 <= start < end, found {start!r} and {end!r}")
                    continue
                gold[document, start, end] = mention.get("concept")
        faults.raise_any()
    except DomainError as error:
        raise CorpusError(str(error)) from None
    if not documents:
        raise CorpusError(f"{path}: no gold mentions; expected records with document, start, end and concept")
    return gold, documents


def agreement(table: pa.Table, gold: dict[Place, str | None], documents: set[str]) -> dict[str, Agreement]:
    """`mentions`: the same characters; `overlapping`: characters shared; `concepts`: the same characters and concept,
    among gold mentions whose concept is said; `document concepts`: the same concept anywhere in the document."""
    columns = (table[name].to_pylist() for name in ("document", "start", "end", "concept"))
    found = {(d, s, e): c for d, s, e, c in zip(*columns, strict=True) if d in documents}
    linked = {place: concept for place, concept in gold.items() if concept is not None}
    # A mention that gold has without a concept is neither right nor wrong.
    judged = {place: concept for place, concept in found.items() if place not in gold or place in linked}
    pairs, told = ({(place[0], concept) for place, concept in what.items()} for what in (judged, linked))
    return {
        "mentions": Agreement(len(found.keys() & gold.keys()), len(found), len(gold)),
        "overlapping": Agreement(_overlapping(set(found), set(gold)), len(found), len(gold)),
        "concepts": Agreement(sum(linked.get(place) == c for place, c in judged.items()), len(judged), len(linked)),
        "document concepts": Agreement(len(pairs & told), len(pairs), len(told)),
    }


def _overlapping(found: set[Place], gold: set[Place]) -> int:
    """Pairs of mentions that share characters, each mention in one pair at most."""
    right, free = 0, sorted(gold)
    for document, start, end in sorted(found):
        met = next((place for place in free if place[0] == document and place[1] < end and start < place[2]), None)
        if met:
            right += 1
            free.remove(met)
    return right
