"""How many statements serve: of a relation, a specialty, an answer, and in all. Read by `choice`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ..facts import FEWEST
from ..thinning import OVER, largest_size
from .claims import Claim

SHARE = 10
"""An answer serves in at most one of so many facts of its relation and specialty, and in `ALWAYS` at least."""
ALWAYS = 4
UNEVEN = 3
"""Of a relation with fewer than `SHARE` answers, none serves more often than so many times the second rarest."""
LEAST_SUBJECTS, LEAST_RELATIONS = 25, 3
"""Of a specialty that a verdict can be given for."""

Placed = tuple[Claim, tuple[str, ...]]
"""A statement with its specialties."""


def limited(rows: Sequence[Placed], skipped: Counter[str], rank: Mapping[str, int], most: int | None) -> list[Placed]:
    """Return the rows that stay, in their order; the others are counted in `skipped`.

    Args:
        rows: Statements that can serve.
        skipped: Counts what is left out, by reason.
        rank: Concept's id → how well it is known; the better known stay.
        most: Rows in all, None for no limit; the largest relations are thinned first.
    """
    answers: dict[str, set[str]] = defaultdict(set)
    for claim, _ in rows:
        answers[claim.relation].add(claim.answer)
    few = {relation for relation, found in answers.items() if len(found) <= FEWEST}
    for claim, _ in rows:
        if claim.relation in few:
            skipped[f"of relation {claim.relation}, which has fewer than {FEWEST + 1} answers"] += 1
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for n, (claim, mine) in enumerate(rows):
        if claim.relation not in few:
            groups[claim.relation, mine].append(n)
    for group in groups.values():
        group.sort(key=lambda n: (-rank.get(rows[n][0].concepts[0], 0), n))
    even = _even(rows, groups, answers)
    kept = [[n for n in group if n in even] for group in groups.values()]
    if uneven := sum(map(len, groups.values())) - len(even):
        skipped["with an answer that has enough facts"] += uneven
    size = len(rows) if most is None else largest_size([len(group) for group in kept], most)
    if over := sum(max(0, len(group) - size) for group in kept):
        skipped[OVER] += over
    return _of_large_specialties([rows[n] for n in sorted(n for group in kept for n in group[:size])], skipped)


def _even(
    rows: Sequence[Placed], groups: Mapping[tuple[str, tuple[str, ...]], list[int]], answers: Mapping[str, set[str]]
) -> set[int]:
    """Places of the rows whose answer does not serve too often."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for relation, found in answers.items():
        if len(found) < SHARE:
            used[relation].update(claim.answer for claim, _ in rows if claim.relation == relation)
    often = {relation: UNEVEN * sorted(counts.values())[1] for relation, counts in used.items() if len(counts) > 1}
    kept: set[int] = set()
    taken: Counter[tuple[str, str]] = Counter()
    # The best known of each specialty first, then the second, so that none is left out.
    turns = [
        (place, n) for (relation, _), group in groups.items() if relation in often for place, n in enumerate(group)
    ]
    for _, n in sorted(turns):
        claim = rows[n][0]
        taken[claim.relation, claim.answer] += 1
        if taken[claim.relation, claim.answer] <= often[claim.relation]:
            kept.add(n)
    for (relation, _), group in groups.items():
        if relation not in often:
            limit, served = max(ALWAYS, len(group) // SHARE), Counter[str]()
            for n in group:
                served[rows[n][0].answer] += 1
                if served[rows[n][0].answer] <= limit:
                    kept.add(n)
    return kept


def _of_large_specialties(rows: list[Placed], skipped: Counter[str]) -> list[Placed]:
    """Without specialties that are too small for a verdict, where there are larger ones."""
    subjects: dict[str, set[str]] = defaultdict(set)
    relations: dict[str, set[str]] = defaultdict(set)
    for claim, mine in rows:
        for specialty in mine:
            subjects[specialty].add(claim.subject)
            relations[specialty].add(claim.relation)
    large = {
        specialty
        for specialty, found in subjects.items()
        if len(found) >= LEAST_SUBJECTS and len(relations[specialty]) >= LEAST_RELATIONS
    }
    if not large:
        return rows
    out = []
    for claim, mine in rows:
        if kept := tuple(specialty for specialty in mine if specialty in large):
            out.append((claim, kept))
        else:
            skipped[f"of specialties with fewer than {LEAST_SUBJECTS} subjects or {LEAST_RELATIONS} relations"] += 1
    return out
