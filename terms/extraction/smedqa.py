"""The term rule of the S-MedQA study (arXiv 2505.10113, released script), for comparison with ours.

Theirs: the linker's best concept at scispaCy's own threshold; a concept's specialties from its SNOMED CT ancestors,
else from keywords in its ancestors' names, else from HPO; concepts of four specialties or more, and those of none
("Others"), are left out. docs/terms.md says how the two differ. The keywords of their script are not published with the
paper; the ones here are the specialties' names and the organs and words that name their diseases.
"""

from __future__ import annotations

from ..vocabulary.compiled import Vocabulary
from ..vocabulary.entry import Entry
from .evidence import Evidence, is_common
from .hierarchy import Hierarchy, Root, specialties_of
from .linking import LinkerSettings
from .termlist import Term

NAME = "smedqa"
SETTINGS = LinkerSettings(threshold=0.7)
SNOMED, HPO = "SNOMEDCT_US:", "HP:"

KEYWORDS = {
    "cardiology": "cardi heart coronary vascular arter",
    "dermatology": "skin derm cutaneous",
    "emergency_medicine": "emergency trauma poisoning injury",
    "endocrinology": "endocrin thyroid diabet hormon pituitary adrenal metabol",
    "gastroenterology": "gastr intestin liver hepat digestive bowel esophag pancrea",
    "hematology": "blood hemat anemia leukemia lymphoma coagul",
    "infectious_diseases": "infect bacteri viral virus fung parasit",
    "nephrology": "kidney renal nephr",
    "neurology": "neuro brain nerv cerebr epilep",
    "obstetrics_gynecology": "pregnan obstetric gynec uter ovar female reproductive",
    "orthopedics": "bone fractur musculoskeletal orthop",
    "pediatrics": "pediatric child infant neonat congenital",
    "psychiatry": "mental psych mood anxiety",
    "respiratory_medicine": "lung pulmon respirat bronch asthma",
    "rheumatology": "rheum arthrit connective tissue autoimmune",
}


class SMedQARule:
    """Specialties as the published script gives them."""

    __name__ = NAME

    def __init__(self, vocabulary: Vocabulary, roots: list[Root]) -> None:
        self.vocabulary = vocabulary
        self._snomed, self._hpo = (
            Hierarchy(vocabulary, [root for root in roots if root.id.startswith(scheme)]) for scheme in (SNOMED, HPO)
        )

    def __call__(self, entry: Entry, evidence: Evidence) -> tuple[tuple[str, ...], str]:
        index = self.vocabulary.index(entry.id)
        assert index is not None
        if names := specialties_of(self._snomed.roots(index)):
            return names, "SNOMED ancestors"
        above = " ".join(self.vocabulary.entry(one).name.casefold() for one in self.vocabulary.ancestors(index))
        if names := tuple(s for s, words in KEYWORDS.items() if any(word in above for word in words.split())):
            return names, "keywords"
        return specialties_of(self._hpo.roots(index)), "HPO ancestors"


def keeps(term: Term) -> bool:
    """Fewer than four specialties, and at least one."""
    return bool(term.specialties) and not is_common(term.specialties)
