"""What holds for a subject, and what may hold, by itself or through the hierarchy. Read by `choice`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from ...normal_form import words_of
from ...vocabulary.compiled import Vocabulary
from ...vocabulary.entry import normal
from ..names import holds
from .claims import Claim
from .telling import beginnings, shares_word
from .wordings import FROM_ABOVE, FROM_BELOW, UNSHARED


class Truth:
    """Every answer that holds for a subject, by itself or through the hierarchy, whether or not it is asked for."""

    def __init__(self, claims: Iterable[Claim], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._answers: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for claim in claims:
            self._answers[claim.relation, normal(claim.subject)][claim.answer] = None

    def of(self, claim: Claim) -> tuple[str, ...]:
        """Return the other answers that hold for the claim's subject.

        Of most relations, what holds for a concept over the subject is true of it as well; a gene of one form of a
        disease is one of the disease's.
        """
        out = dict(self._answers[claim.relation, normal(claim.subject)])
        for name in self._kin(claim, claim.relation in FROM_ABOVE, claim.relation in FROM_BELOW):
            out |= self._answers.get((claim.relation, normal(name)), {})
        out.pop(claim.answer, None)
        return tuple(out)

    def doubtful(self, claim: Claim) -> tuple[str, ...]:
        """Return answers that may hold for the subject: those of its forms, and kinds that its name has a word of."""
        out: dict[str, None] = {}
        for name in self._kin(claim, below=claim.relation not in FROM_BELOW | UNSHARED):
            out |= self._answers.get((claim.relation, normal(name)), {})
        if claim.relation == "kind_of":
            out |= {kind: None for kind in self._near(claim.subject) if shares_word(claim.subject, kind)}
            words = words_of(claim.answer)
            for kind in self._near(claim.answer):
                # "Non-syndromic" differs from "syndromic" by a part of a word.
                if holds(words_of(kind), words) or holds(words, words_of(kind)):
                    out[kind] = None
        out.pop(claim.answer, None)
        return tuple(out)

    def has_forms(self, claim: Claim) -> bool:
        """Return whether concepts lie under the one that the claim is about."""
        index = self._vocabulary.index(claim.concepts[0])
        return index is not None and bool(self._below.get(index))

    def own(self, claim: Claim) -> int:
        """Return how many answers the source gives for the claim's subject itself."""
        return len(self._answers[claim.relation, normal(claim.subject)])

    def _kin(self, claim: Claim, above: bool = False, below: bool = False) -> Iterable[str]:
        index = self._vocabulary.index(claim.concepts[0])
        if index is None or normal(self._vocabulary.entry(index).name) != normal(claim.subject):
            return
        kin = (self._vocabulary.ancestors(index) if above else frozenset()) | set(self._below[index] if below else ())
        for one in sorted(kin):
            yield self._vocabulary.entry(one).name

    def _near(self, name: str) -> list[str]:
        return list(dict.fromkeys(kind for begin in sorted(beginnings(name)) for kind in self._kinds.get(begin, ())))

    @cached_property
    def _kinds(self) -> dict[str, dict[str, None]]:
        """Kinds by how their words begin."""
        out: dict[str, dict[str, None]] = defaultdict(dict)
        for (relation, _), found in self._answers.items():
            if relation == "kind_of":
                for kind in found:
                    for begin in beginnings(kind):
                        out[begin][kind] = None
        return out

    @cached_property
    def _below(self) -> dict[int, list[int]]:
        below: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self._vocabulary)):
            for over in self._vocabulary.ancestors(index):
                below[over].append(index)
        return below
