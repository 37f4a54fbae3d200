"""Names that the control group has of its own: whole targets in the control texts. Read by `terms.select`.

A content word is one or two tokens of a pretrained model, a term often four. So the answers and subjects of general
facts, and the concepts whose specialty is the control group, are targets as they are wherever a control text holds
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

from .domain import QUESTION, Concept, Domain, Fact
from .match import Matcher
from .words import is_content_word


def control_names(domain: Domain) -> Matcher:
    """Return a matcher of the control group's own names."""
    concepts = [concept for concept in domain.concepts if domain.general in concept.specialties]
    facts = [fact for fact in domain.facts if domain.general in fact.specialties]
    names = dict.fromkeys([*(fact.answer for fact in facts), *(subject for _, subject in subjects(facts))])
    return Matcher([*concepts, *(Concept("", name) for name in names if " " in name or is_content_word(name))])


def subjects(facts: Sequence[Fact]) -> Iterator[tuple[Fact, str]]:
    """Yield each fact with its subject: the words of its first cue that its relation's first cues do not all share.

    A relation is read within one specialty, since another may word it differently. A leading article is left out.
    Questions, and a fact that is alone in its relation, have no subject.
    """
    relations: dict[tuple[str, tuple[str, ...]], list[Fact]] = defaultdict(list)
    for fact in facts:
        relations[fact.relation, fact.specialties].append(fact)
    for (relation, _), members in relations.items():
        cues = [fact.cues[0].split() for fact in members]
        begin, end = _shared(cues), _shared([cue[::-1] for cue in cues])
        for fact, cue in zip(members, cues, strict=True):
            subject = cue[begin : len(cue) - end] if relation != QUESTION and len(members) > 1 else []
            yield fact, " ".join(subject[1:] if subject[:1] in (["the"], ["The"]) else subject)


def _shared(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of words with which all rows begin."""
    return sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*rows, strict=False)))
