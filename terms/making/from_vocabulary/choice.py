"""Which statements of a vocabulary can serve as facts, each other one counted with its reason. Read by `source`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...vocabulary.entry import normal
from ..facts import FactRow
from ..stated import HELD_OUT
from .amounts import Placed, limited
from .claims import Claim
from .specialties import SpecialtyMap
from .telling import tells
from .truth import Truth
from .wordings import OF_ONE_FORM, WORDINGS

LONGEST = 60
"""Characters of a name that is still asked for, or about."""
MOST_TRUE = 5
"""True answers of a subject that is still asked about."""
ASKED = "asked"
"""Name of a wording (`Fact.wordings`) that is not held out."""


def choose(
    claims: Sequence[Claim],
    truth: Truth,
    specialties: SpecialtyMap,
    shared: frozenset[str],
    skipped: Counter[str],
    rank: Mapping[str, int],
    most: int | None,
) -> list[FactRow]:
    """Return the rows that can serve, in the claims' order.

    Args:
        claims: What the source states, each once.
        truth: What holds for each subject.
        specialties: Of concepts. Without any, rows have none.
        shared: Names that several concepts have, as `normal` writes them.
        skipped: Counts what is left out, by reason.
        rank: Concept's id → how well it is known, such as its mentions in texts; the better known go first where
            there are too many.
        most: Rows in all, None for no limit; the largest relations are thinned first.
    """
    sound: list[Placed] = []
    asked: set[tuple[str, str]] = set()
    for claim in claims:
        mine = next((found for id in claim.concepts if (found := specialties.by_concept.get(id))), ())
        if claim.relation not in WORDINGS or normal(claim.subject) == normal(claim.answer):
            skipped["of a thing itself"] += 1
        elif specialties.specialties and not mine:
            skipped["of concepts that have no specialty in the hierarchy"] += 1
        elif len(claim.subject) > LONGEST or len(claim.answer) > LONGEST:
            skipped[f"with a name longer than {LONGEST} characters"] += 1
        elif normal(claim.subject) in shared or normal(claim.answer) in shared:
            skipped["with a name that several concepts have"] += 1
        elif tells(claim.subject, claim.answer) or tells(claim.answer, claim.subject):
            skipped["whose subject's name says the answer"] += 1
        elif claim.relation in OF_ONE_FORM and truth.has_forms(claim):
            skipped["of a concept whose forms may have answers of their own"] += 1
        elif truth.own(claim) > MOST_TRUE:
            skipped[f"of subjects with more than {MOST_TRUE} true answers"] += 1
        elif (key := (claim.relation, normal(claim.subject))) in asked:
            # The first that a source names is the one it is known for.
            skipped["with another true answer of the same subject"] += 1
        else:
            asked.add(key)
            sound.append((claim, mine))
    return [
        FactRow(
            claim.subject,
            claim.relation,
            claim.answer,
            mine,
            truth.of(claim),
            claim.where,
            wordings=(ASKED, ASKED, HELD_OUT),
            doubtful=truth.doubtful(claim),
        )
        for claim, mine in limited(sound, skipped, rank, most)
    ]
