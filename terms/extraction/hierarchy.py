"""What a vocabulary's own hierarchy and semantic types say of a concept's specialties.

A domain's `hierarchy.tsv` names roots: `root` (an id of the vocabulary or a cross-reference, `DOID:1287`,
`MSH:D002318`; `TUI:T048` for a semantic type), `name`, `specialties` (ids joined by `|`; `-`: none of the domain's).
Of the roots over a concept the nearest count, those that lie over no other of them, so that a near root mends a far
one. A concept under none but over several ("disease") has what those have, and so becomes a common one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import DomainError
from ..domain import Domain, domain_folder
from ..vocabulary.compiled import Vocabulary

TYPE = "TUI:"
NONE = "-"
HIERARCHY = "hierarchy.tsv"


@dataclass(frozen=True, slots=True)
class Root:
    """Where a specialty begins in a hierarchy; without specialties: where none of the domain's does."""

    id: str
    name: str
    specialties: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


def roots_of(name_or_path: str | Path, domain: Domain) -> list[Root]:
    """The roots that a domain's folder names in its hierarchy.tsv; none where it has no such file."""
    return read_roots(domain_folder(name_or_path) / HIERARCHY, domain)


def read_roots(path: Path, domain: Domain) -> list[Root]:
    """Roots of a `hierarchy.tsv`; none where there is no such file. Raises DomainError naming file and line."""
    if not path.is_file():
        return []
    roots: dict[str, Root] = {}
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t"))
    except csv.Error as error:
        raise DomainError(f"{path}: {error}; expected root, name and specialties, parted by tabs") from error
    except UnicodeDecodeError as error:
        raise DomainError(f"{path}: not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise DomainError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
    for number, row in enumerate(rows, 2):
        id, name, names = (str(row.get(key) or "").strip() for key in ("root", "name", "specialties"))
        if not id or not names or id in roots:
            what = "stands twice; remove one" if id in roots else "expected root, name and specialties, parted by tabs"
            raise DomainError(f"{path}, line {number}: {id or 'no root'}: {what}")
        if unknown := [n for n in names.split("|") if n not in domain.specialties and n != NONE]:
            known = ", ".join(domain.specialties) or "a specialty of domain.toml (it names none)"
            raise DomainError(f'{path}, line {number}: unknown specialty "{unknown[0]}"; expected {known} or {NONE}')
        roots[id] = Root(id, name, tuple(n for n in names.split("|") if n != NONE))
    return list(roots.values())


class Hierarchy:
    """The roots that lie over each concept of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, roots: Iterable[Root]) -> None:
        roots = list(roots)
        self.vocabulary = vocabulary
        self.types = {root.id.removeprefix(TYPE): root for root in roots if root.id.startswith(TYPE)}
        places = [root for root in roots if not root.id.startswith(TYPE)]
        # A cross-reference may name a narrower or wider concept: the vocabulary's own ids go before.
        own = {root.id: [index] for root in places if (index := vocabulary.index(root.id)) is not None}
        self._at: dict[int, list[Root]] = {}
        for root in places:
            for index in own.get(root.id, []) if own else vocabulary.by_xref(root.id):
                self._at.setdefault(index, []).append(root)
        self._above = {index: vocabulary.ancestors(index) for index in self._at}

    def roots(self, index: int) -> tuple[Root, ...]:
        """The nearest roots over a concept, itself included: those that lie over no other of them."""
        met = [one for one in {index, *self.vocabulary.ancestors(index)} if one in self._at]
        nearest = [one for one in met if not any(one in self._above[other] for other in met if other != one)]
        return tuple(root for one in sorted(nearest) for root in self._at[one])

    def subtree(self, index: int) -> tuple[str, ...]:
        """The specialties of all roots that lie below a concept."""
        below = (root for one, above in self._above.items() if index in above for root in self._at[one])
        return specialties_of(below)

    def of_types(self, types: Iterable[str]) -> tuple[Root, ...]:
        """What the semantic types alone say."""
        return tuple(self.types[name] for name in types if name in self.types)


def specialties_of(roots: Iterable[Root]) -> tuple[str, ...]:
    """Every specialty that one of the roots has, each once."""
    return tuple(dict.fromkeys(name for root in roots for name in root.specialties))
