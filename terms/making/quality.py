"""The quality of distractors, and facts that contradict or repeat each other. Read by `probes.runs.domain_check`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ..domain import QUESTION, Domain, Fact
from ..normal_form import words_of
from ..vocabulary.entry import normal
from .names import Names, differ_in_case, holds
from .problem import Problem, such

ENOUGH = 3
"""Distractors that a verdict needs of a fact."""
UNEVEN = 3
"""How many times more often an answer may serve as a distractor than as a truth, or the other way round."""
ENOUGH_TO_TELL = 20
"""Facts of a relation below which lengths say nothing."""
SURE_ERRORS = 3
"""Standard errors above chance."""
_CATCH_ALL = re.compile(r"(all|none|any|both|neither) of (the )?(above|these|those)|(all|none) of the other", re.I)
_NUMBER = re.compile(r"[<>≤≥~±+-]?\s*\d[\d.,/:\s-]*(?P<unit>.*)", re.DOTALL)


@dataclass(frozen=True)
class Quality:
    """Over all facts, or all questions."""

    facts: int
    fewest: int
    median: float
    """Distractors of a fact."""
    few: tuple[str, ...]
    """Ids of facts with fewer than `ENOUGH`."""
    length: float
    """Median difference in length between answer and distractor, characters."""
    same_type: float | None
    """Share of distractors of the answer's type: a semantic type where both are concepts, else a number or words."""

    @classmethod
    def of(cls, facts: Sequence[Fact], names: Names) -> Quality | None:
        """None of no facts."""
        if not facts:
            return None
        counts = [len(fact.distractors) for fact in facts]
        apart = [abs(len(d) - len(fact.answer)) for fact in facts for d in fact.distractors]
        alike = [_type_alike(fact.answer, d, names) for fact in facts for d in fact.distractors]
        return cls(
            facts=len(facts),
            fewest=min(counts),
            median=float(median(counts)),
            few=tuple(fact.id for fact in facts if len(fact.distractors) < ENOUGH),
            length=float(median(apart)),
            same_type=sum(alike) / len(alike) if alike else None,
        )


def _type_alike(one: str, other: str, names: Names) -> bool:
    types = [names.types(name) for name in (one, other)]
    if all(types):
        return bool(types[0] & types[1])
    found = [_NUMBER.fullmatch(name.strip()) for name in (one, other)]
    if all(found):
        units = [normal(match["unit"]) for match in found if match]
        return units[0] == units[1]
    return not any(found)


def quality_problems(domain: Domain, names: Names) -> list[Problem]:
    """Facts that contradict each other or themselves, and distractors that say nothing."""
    return [
        *_contradictions(domain, names),
        *_repeated(domain.facts, "facts"),
        *_repeated(domain.questions, "questions"),
        *_other_names(domain),
        *_within(domain, names),
        *_uneven(domain),
        *_told_by_length(domain),
    ]


def subjects(facts: Iterable[Fact]) -> dict[str, tuple[str, ...]]:
    """The words of each fact's subject, by its id: what its first cue has beyond its relation's wording.

    The wording is what the first cues of the relation begin and end with; empty where a relation has one fact only, and
    for questions.
    """
    relations: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for fact in facts:
        if fact.relation != QUESTION:
            relations[fact.relation].append((fact.id, words_of(fact.cues[0])))
    out = {}
    for cues in relations.values():
        rows = list(dict.fromkeys(cue for _, cue in cues))
        begin = _shared(rows)
        end = _shared([row[begin:][::-1] for row in rows])
        for id, cue in cues:
            out[id] = cue[begin : len(cue) - end] if len(rows) > 1 else ()
    return out


def _shared(rows: Sequence[tuple[str, ...]]) -> int:
    """Length of the prefix that all rows share."""
    shortest = min(map(len, rows), default=0)
    return next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)


def _contradictions(domain: Domain, names: Names) -> list[Problem]:
    """Distractors that another fact of the same cue, or of the same subject and relation, gives as the answer."""
    right: dict[tuple[str, ...], dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    """By cue or subject, and by what all names of a thing share: {answer: the fact's id}."""
    about = subjects(domain.facts)

    def keys(fact: Fact) -> list[tuple[str, ...]]:
        cues: list[tuple[str, ...]] = [(fact.relation, "cue", normal(cue)) for cue in fact.cues]
        return [*cues, (fact.relation, "subject", *about[fact.id])] if about.get(fact.id) else cues

    every = (*domain.facts, *domain.questions)
    for fact in every:
        for key in keys(fact):
            right[key][names.key(fact.answer)].setdefault(fact.answer, fact.id)
    found = []
    for fact in every:
        for distractor in fact.distractors:
            true = [pair for key in keys(fact) for pair in right[key].get(names.key(distractor), {}).items()]
            # A fact whose own answer is "pH" tells it apart from "PH" itself; of other facts, case may be carelessness.
            is_cased = differ_in_case(fact.answer, distractor)
            ids = [id for answer, id in true if not (is_cased and differ_in_case(answer, distractor))]
            if (id := next(reversed(ids), None)) is not None:
                same = "its own answer" if id == fact.id else f"the answer of {id}"
                found.append(f'{fact.id}: "{distractor}" is {same}')
                break
    if not found:
        return []
    what = f"{len(found):,} have a distractor that is true ({such(found)})"
    return [Problem("facts", what, "take it out of their distractors, or correct the other fact", True)]


def _other_names(domain: Domain) -> list[Problem]:
    """Distractors that are, in other case, another name of the truth, by any fact of the relation, or also true."""
    aliases: dict[tuple[str, str], set[str]] = defaultdict(set)
    for fact in domain.facts:
        aliases[fact.relation, normal(fact.answer)] |= set(map(normal, fact.aliases))
    found = []
    for fact in domain.facts:
        same = aliases[fact.relation, normal(fact.answer)]
        true = same | set(map(normal, fact.also_true))
        for distractor in fact.distractors:
            theirs = aliases[fact.relation, normal(distractor)]
            if normal(distractor) in true or normal(fact.answer) in theirs:
                found.append(f'{fact.id}: "{distractor}"')
                break
    if not found:
        return []
    what = f"{len(found):,} have a distractor that is another name of the truth, or true as well ({such(found)})"
    return [Problem("facts", what, "take it out of their distractors", True)]


def _told_by_length(domain: Domain) -> list[Problem]:
    """Relations, and questions, whose answer is the longest or shortest candidate far more often than by chance.

    A model that likes long answers would then seem to know them.
    """
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in (*domain.facts, *domain.questions):
        if fact.distractors:
            groups["the questions" if fact.relation == QUESTION else fact.relation].append(fact)
    told = []
    for relation, facts in groups.items():
        chance = sum(1 / (1 + len(fact.distractors)) for fact in facts)
        longest = sum(len(fact.answer) > max(map(len, fact.distractors)) for fact in facts)
        shortest = sum(len(fact.answer) < min(map(len, fact.distractors)) for fact in facts)
        for count, word in ((longest, "longest"), (shortest, "shortest")):
            error = (chance * (1 - chance / len(facts))) ** 0.5
            if len(facts) >= ENOUGH_TO_TELL and count > chance + SURE_ERRORS * error and count > 2 * chance:
                told.append(f"{relation}: the {word} in {count:,} of {len(facts):,}")
    if not told:
        return []
    what = f"the answer is told by its length alone ({such(told)})"
    return [Problem("distractors", what, "give these facts distractors of their answer's length")]


def _repeated(facts: Sequence[Fact], place: str) -> list[Problem]:
    seen: dict[tuple[str, str], str] = {}
    twice = []
    for fact in facts:
        key = normal(fact.cues[0]), normal(fact.answer)
        if seen.setdefault(key, fact.id) != fact.id:
            twice.append(f"{fact.id} is {seen[key]}")
    if not twice:
        return []
    return [Problem(place, f"{len(twice):,} say the same as one before ({such(twice)})", "keep one of each")]


def _within(domain: Domain, names: Names) -> list[Problem]:
    out = []
    every = (*domain.facts, *domain.questions)
    double = [
        f"{fact.id}: {pair}"
        for fact in every
        if (pair := _same_twice((fact.answer, *fact.distractors), names)) is not None
    ]
    if double:
        what = f"{len(double):,} hold one thing under two names ({such(double)})"
        out.append(Problem("distractors", what, "keep one of the two"))
    cased = [
        f"{fact.id}: {pair}" for fact in every if (pair := _same_but_case((fact.answer, *fact.distractors))) is not None
    ]
    if cased:
        what = f"{len(cased):,} have answers that differ only in case ({such(cased)})"
        out.append(Problem("distractors", what, "see whether they are two things; if not, keep one"))
    inside = [fact.id for fact in every if any(_in(d, fact.answer) or _in(fact.answer, d) for d in fact.distractors)]
    if inside:
        what = f"in {len(inside):,} facts one holds the words of the answer, or the other way round ({such(inside)})"
        out.append(Problem("distractors", what, "see whether they are wrong beyond doubt"))
    general = [fact.id for fact in every if any(_CATCH_ALL.search(c) for c in (fact.answer, *fact.distractors))]
    if general:
        what = f'{len(general):,} have an option such as "all of the above" ({such(general)})'
        out.append(Problem("questions", what, "leave it out: alone, it is no answer"))
    told = [f.id for f in every if f.relation != QUESTION and any(_gives_away(c, f) for c in f.cues)]
    if told:
        out.append(Problem("facts", f"{len(told):,} are given away by their cue ({such(told)})", "word it otherwise"))
    return out


def _gives_away(cue: str, fact: Fact) -> bool:
    """Whether a cue holds the answer, one of its other names, or all words of an answer of several in any order."""
    if any(_in(name, cue) for name in (fact.answer, *fact.aliases)):
        return True
    words = {word for word in words_of(fact.answer) if len(word) >= 4 or not word.isalpha()}
    return len(words) > 1 and words <= set(words_of(cue))


def _same_twice(candidates: Sequence[str], names: Names) -> str | None:
    seen: dict[str, str] = {}
    for name in candidates:
        before = seen.setdefault(names.key(name), name)
        if before != name and not differ_in_case(before, name):
            return f'"{before}" and "{name}"'
    return None


def _same_but_case(candidates: Sequence[str]) -> str | None:
    seen: dict[str, str] = {}
    for name in candidates:
        if differ_in_case(before := seen.setdefault(normal(name), name), name):
            return f'"{before}" and "{name}"'
    return None


def _in(part: str, text: str) -> bool:
    return holds(words_of(text), words_of(part))


def _uneven(domain: Domain) -> list[Problem]:
    """Relations with many answers that serve as truth, or as distractor, far more often than the relation's others."""
    true: dict[str, Counter[str]] = defaultdict(Counter)
    false: dict[str, Counter[str]] = defaultdict(Counter)
    for fact in domain.facts:
        true[fact.relation][fact.answer] += 1
        false[fact.relation].update(fact.distractors)
    uneven = []
    for relation, answers in true.items():
        ratio = false[relation].total() / answers.total()
        odd = [a for a, n in answers.items() if not ratio / UNEVEN <= false[relation][a] / n <= ratio * UNEVEN]
        odd += [a for a in false[relation] if a not in answers]
        if 4 * len(odd) > len(answers):
            uneven.append(f'{relation}, such as "{odd[0]}"')
    if not uneven:
        return []
    what = f"{len(uneven):,} of {len(true):,} relations have many answers that serve far more one way ({such(uneven)})"
    cure = "an answer that is seldom false cannot be centred: give these fewer rows, or the relation other answers"
    return [Problem("distractors", what, cure)]
