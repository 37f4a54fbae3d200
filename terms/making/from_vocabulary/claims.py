"""One statement of a vocabulary, before it is a row. Written by `genes`, `phrases`, `links` and `mrrel`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """The relation holds between subject and answer.

    Names are as the vocabulary writes them. `concepts` are ids: the first that has specialties gives the row's (the
    disease's, where the subject is a gene).
    """

    subject: str
    relation: str
    answer: str
    concepts: tuple[str, ...]
    where: str
    aliases: tuple[str, ...] = ()
    """Other names of the answer."""


def claims(subject: str, relation: str, answers: Iterable[str], concept: str) -> list[Claim]:
    """Return one claim of a concept's definition for each answer."""
    return [Claim(subject, relation, answer, (concept,), concept) for answer in dict.fromkeys(answers)]
