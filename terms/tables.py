"""From a table of a relation to facts with distractors. Read by `terms.build` and by domains made from tables.

A distractor is a true answer of another row that is wrong for this one. Within a relation each answer serves about
equally often as truth and as distractor, and the two are of like length: else a model that only came to like (or to
shorten) some answers would seem to know something.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DomainError
from .domain import Fact
from .vocabulary.entry import normal

MOST, LEAST = 8, 6
"""Distractors a fact gets, and must get."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of a table: the relation holds between subject and answer; `also`: other answers that are right too."""

    subject: str
    answer: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A relation's rows within one specialty, and its cues: wordings with `{}` once, where the subject stands."""

    relation: str
    cues: tuple[str, ...]
    rows: tuple[Row, ...]
    specialty: str
    source: str
    """File, for people."""


def facts(table: Table, least: int = LEAST) -> list[Fact]:
    """The table's facts, in its order; ids are `<specialty>-<relation>-<nn>`, the cluster key is the subject's.

    Raises DomainError, naming the fact, where a row cannot have `least` distractors.
    """
    width = max(2, len(str(len(table.rows))))
    out = []
    for n, (row, wrong) in enumerate(zip(table.rows, distractors(table.rows), strict=True), 1):
        if len(wrong) < least:
            raise DomainError(
                f'{table.source}, relation {table.relation}, "{row.subject}" → "{row.answer}": {len(wrong)} answers of'
                f" other rows are wrong for it, expected at least {least}; add rows with other answers"
            )
        cues = tuple(filled(cue, row.subject) for cue in table.cues)
        id = f"{table.specialty}-{table.relation}-{n:0{width}}"
        concept = f"fact:{slug(row.subject)}"
        out.append(Fact(id, cues, row.answer, wrong, (table.specialty,), table.relation, concept))
    return out


def filled(cue: str, subject: str) -> str:
    """The wording with its subject, first letter upper-cased."""
    text = cue.replace("{}", subject)
    return text[:1].upper() + text[1:]


def distractors(rows: Sequence[Row], most: int = MOST) -> list[tuple[str, ...]]:
    """For each row up to `most` answers of other rows that are wrong for it, nearest in length first.

    In each round the rows exchange their answers, each row's answer going to one other row, at the least total
    difference in length (characters): so each answer is drawn as often as it is true, times the rounds. What such an
    exchange cannot give (an answer right for too many rows) is filled with the answers drawn least so far.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    truths = Counter(row.answer for row in rows)
    length = {answer: len(answer) for answer in truths}
    right = _right(rows)
    wrong = [[a for a in truths if not any(_alike(a, r) for r in right[normal(row.subject)])] for row in rows]
    chosen: list[list[str]] = [[] for _ in rows]
    drawn: Counter[str] = Counter()
    answers = np.array([length[row.answer] for row in rows], dtype=float)
    never = 1e6
    columns: dict[str, list[int]] = defaultdict(list)
    for j, row in enumerate(rows):
        columns[row.answer].append(j)
    cost = np.full((len(rows), len(rows)), never)
    for i, row in enumerate(rows):
        for answer in wrong[i]:
            cost[i, columns[answer]] = np.abs(answers[columns[answer]] - length[row.answer])
    for _ in range(most):
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < never:
                chosen[i].append(rows[j].answer)
                drawn[rows[j].answer] += 1
                cost[i, columns[rows[j].answer]] = never
    for i, row in enumerate(rows):
        while len(chosen[i]) < min(most, len(wrong[i])):
            left = (a for a in wrong[i] if a not in chosen[i])
            pick = min(left, key=lambda a: (drawn[a] / truths[a], abs(length[a] - length[row.answer]), a))
            chosen[i].append(pick)
            drawn[pick] += 1
        chosen[i].sort(key=lambda a: (abs(length[a] - length[row.answer]), a))
    return [tuple(each) for each in chosen]


def slug(name: str) -> str:
    """Lower-case letters, digits and single hyphens; accents fall away."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", (plain or name).lower()).strip("-")


def _right(rows: Sequence[Row]) -> dict[str, set[str]]:
    """Every answer that the rows say is right for a subject."""
    right: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        right[normal(row.subject)] |= {row.answer, *row.also}
    return right


def _alike(one: str, other: str) -> bool:
    """The same answer, or one holds the other's words ("hepatitis" is not clearly wrong for "hepatitis B")."""
    return f" {normal(one)} " in f" {normal(other)} " or f" {normal(other)} " in f" {normal(one)} "
