"""Facts from the relations of a UMLS release (MRREL). Read by `source`.

In a row of MRREL, REL and RELA say what its second concept is to its first: `C1 … may_be_treated_by … C2` reads "C2
may be treated by C1" (UMLS Reference Manual, chapter 3). Every relation stands in the file in both directions, and is
taken once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ....errors import DomainError, VocabularyError
from ...vocabulary import rrf
from ...vocabulary.compiled import Vocabulary
from ...vocabulary.reading import Tally, raw_lines, text
from .claims import Claim
from .wordings import relation_of, types

_CUI1, _CUI2, _RELA, _SAB, _SUPPRESS = 0, 4, 7, 10, 14


def related(source: Path, vocabulary: Vocabulary, skipped: Counter[str]) -> Iterator[Claim]:
    """Return what MRREL says of the vocabulary's concepts, in the file's order.

    Concepts that the vocabulary has not (suppressed, of other languages) are counted in `skipped`. Raises DomainError
    where the release has no MRREL, and VocabularyError for a row that is cut off.
    """
    meta = rrf.folder(source) or source
    path = next((path for end in ("", ".gz") if (path := meta / f"MRREL.RRF{end}").is_file()), None)
    if path is None:
        raise DomainError(f"{source}: no MRREL.RRF in it; facts are made of its relations, add it to the release")
    marks = [f"|{kind}|".encode() for kind in types()]
    seen: set[tuple[str, str, str]] = set()
    for n, line in enumerate(raw_lines(path, Tally()), 1):
        # Most of MRREL's rows are other relations: they are passed over before they cost anything.
        if not any(mark in line for mark in marks):
            continue
        row = text(line, path, n).split("|")
        if len(row) != rrf.COLUMNS["MRREL"] + 1:
            raise VocabularyError(f"{path}, line {n}: {len(row) - 1} columns, expected {rrf.COLUMNS['MRREL']}")
        relation, is_inverse = relation_of(row[_RELA])
        if not relation or row[_SUPPRESS] != "N" or row[_CUI1] == row[_CUI2]:
            continue
        subject, answer = (row[_CUI1], row[_CUI2]) if is_inverse else (row[_CUI2], row[_CUI1])
        if (relation, subject, answer) in seen:
            continue
        seen.add((relation, subject, answer))
        indices = vocabulary.index(subject), vocabulary.index(answer)
        if indices[0] is None or indices[1] is None:
            skipped["of a concept that has no name in the vocabulary"] += 1
            continue
        one, other = (vocabulary.entry(index) for index in indices if index is not None)
        yield Claim(one.name, relation, other.name, (one.id, other.id), f"{path}, line {n}", other.aliases)
