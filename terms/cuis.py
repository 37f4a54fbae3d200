"""UMLS CUIs of the sources' concepts, from the Human Disease Ontology's cross-references.

`python -m knowshift.terms.cuis MATERIALS_DIR [--domain DIR]` writes `sources/cuis.tsv`; with `--check` it compares
every CUI in `concepts.jsonl` with the cross-references and exits 1 if one disagrees. A wrong CUI is worse than none:

- a label counts where it has one CUI that no other disease has;
- a line of cuis.tsv is kept where it chooses among the several CUIs of a disease, or says `-`: none, because a person
  found that the only one is another concept's in UMLS;
- a synonym counts only where a second name of the concept is a label or synonym of the same disease (the ontology
  calls "insulin resistance" a synonym of type 2 diabetes).

Read are `disease_ontology/HumanDO.tsv`, `disease_ontology/allXREFinDO.tsv` and `corpora/terms_doid_nci.jsonl`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DomainError, KnowshiftError
from .build import merge, read_cuis, read_sources
from .domain import EMBEDDED, Concept, Domain, head
from .match import SHORT
from .records import Faults

_UMLS = "UMLS_CUI:"


@dataclass(slots=True)
class Ontology:
    """Casefolded names → disease ids (DOID), and disease ids ↔ CUIs."""

    labels: dict[str, str] = field(default_factory=dict)
    synonyms: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cuis: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    diseases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def read(cls, materials: Path) -> Ontology:
        """Raises DomainError where one of the three files is missing."""
        self = cls()
        try:
            for row in _tsv(materials / "disease_ontology" / "HumanDO.tsv"):
                self.labels[row["label"].casefold()] = row["id"]
            for row in _tsv(materials / "disease_ontology" / "allXREFinDO.tsv"):
                if row["xref"].startswith(_UMLS):
                    cui = row["xref"].removeprefix(_UMLS)
                    self.cuis[row["id"]].append(cui)
                    self.diseases[cui].add(row["id"])
            with (materials / "corpora" / "terms_doid_nci.jsonl").open(encoding="utf-8") as lines:
                for row in map(json.loads, lines):
                    for synonym in row["synonyms"]:
                        self.synonyms[synonym.casefold()].add(row["id"])
        except OSError as error:
            raise DomainError(f"{error.filename}: cannot be read; expected the Disease Ontology's files") from error
        return self

    def disease(self, concept: Concept) -> str | None:
        """The disease a concept is: by its name as a label, or by a name and a second one that agree."""
        if doid := self.labels.get(concept.name.casefold()):
            return doid
        # An acronym means many things, here and there.
        names = [n.casefold() for n in (concept.name, *concept.aliases) if len(n) > SHORT and not n.isupper()]
        votes = [self._named(name) for name in names]
        agreed = set().union(*votes) if votes else set()
        return next(iter(agreed)) if len(agreed) == 1 and sum(map(bool, votes)) > 1 else None

    def _named(self, name: str) -> set[str]:
        return {self.labels[name]} if name in self.labels else self.synonyms.get(name, set())

    def cui(self, concept: Concept, chosen: str | None) -> str | None:
        """The concept's CUI; `chosen` decides between several, where it is one of them."""
        known = self.cuis.get(self.disease(concept) or "", [])
        if chosen in known or (chosen == "-" and known):
            return chosen
        return known[0] if len(known) == 1 and len(self.diseases[known[0]]) == 1 else None

    def disagreement(self, concept: Concept) -> str | None:
        """What is wrong with a concept's CUI; None where it agrees or the ontology knows neither name nor CUI."""
        known = set(self.cuis.get(self.disease(concept) or "", []))
        if known and concept.id not in known:
            return f'"{concept.name}" is {concept.id}; the Disease Ontology says {" or ".join(sorted(known))}'
        if not known and (others := self.diseases.get(concept.id)):
            return f'"{concept.name}" is {concept.id}; the Disease Ontology gives that to {", ".join(sorted(others))}'
        return None


def write(materials: Path, folder: Path) -> str:
    """Write sources/cuis.tsv, a line `name<TAB>CUI` for each concept that has one; returns what was done."""
    ontology, faults, chosen = Ontology.read(materials), Faults(), read_cuis(folder)
    concepts = merge(read_sources(head(folder), folder, faults), {}, [])
    faults.raise_any()
    found: dict[str, str] = {}
    for concept in sorted(concepts, key=lambda c: (c.name.casefold() not in ontology.labels, c.name.casefold())):
        cui = ontology.cui(concept, chosen.get(concept.name.casefold()))
        if cui == "-" or (cui and cui not in found.values()):
            found[concept.name] = cui
    lines = sorted(f"{name}\t{cui}\n" for name, cui in found.items())
    (folder / "sources" / "cuis.tsv").write_text("".join(lines), encoding="utf-8", newline="\n")
    known = {c.name: ontology.cuis.get(ontology.disease(c) or "", []) for c in concepts if c.name not in found}
    several = [f"{name} ({', '.join(cuis)})" for name, cuis in known.items() if len(cuis) > 1]
    said = f"{sum(cui != '-' for cui in found.values())} of {len(concepts)} concepts have a CUI"
    return said + (f"; of several, none was chosen for: {', '.join(several)}" if several else "")


def check(materials: Path, folder: Path) -> list[str]:
    """A line for each CUI of the domain's concepts.jsonl that disagrees with the cross-references."""
    ontology = Ontology.read(materials)
    carrying = (concept for concept in Domain.open(folder).concepts if not concept.id.startswith("local:"))
    return [line for concept in carrying if (line := ontology.disagreement(concept))]


def _tsv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m knowshift.terms.cuis", description="CUIs of a domain's concepts.")
    parser.add_argument("materials", type=Path, help="folder with disease_ontology/ and corpora/")
    parser.add_argument("--domain", type=Path, default=EMBEDDED / "medicine", help="the domain's folder")
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 at a disagreement")
    chosen = parser.parse_args(arguments)
    try:
        if not chosen.check:
            print(write(chosen.materials, chosen.domain))
            return 0
        wrong = check(chosen.materials, chosen.domain)
    except KnowshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("\n".join(wrong) or "every CUI agrees with the Disease Ontology")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
