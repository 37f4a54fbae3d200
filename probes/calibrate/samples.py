"""The facts of one verdict: own facts of all own relations, and other, contrast and general ones beside them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .asking import Asked, by_relation
from .world import WorldFact

if TYPE_CHECKING:
    from .arms import Arm
    from .lessons import TrainingCase

SIZES = {40: 8, 300: 20}
"""Own facts in a sample, and the facts of each relation beside them."""


def sample(
    arm: Arm, case: TrainingCase, asked: Asked, size: int, rng: random.Random, stratified: bool = True
) -> list[WorldFact]:
    """Return `size` own facts of all own relations and those beside them; stratified: exactly the dose is taught."""
    if arm.own == "none":
        return _of_whole_domain(asked, size, rng)
    own = _own(arm, case, asked.own, size, rng, arm.dose if stratified and arm.teaches != "elsewhere" else 0.0)
    return own + _some(asked.other + asked.contrast + asked.general, SIZES[size], rng)


def _some(facts: Sequence[WorldFact], count: int, rng: random.Random) -> list[WorldFact]:
    """Return so many facts of each relation."""
    relations = by_relation(facts).values()
    return [fact for each in relations for fact in rng.sample(each, min(count, len(each)))]


def _of_whole_domain(asked: Asked, size: int, rng: random.Random) -> list[WorldFact]:
    """Return whole relations of any specialty as own facts, beside contrast and general ones."""
    relations = [each[: SIZES[size]] for each in by_relation(asked.own + asked.other).values()]
    chosen = rng.sample(relations, max(1, size // SIZES[size]))
    return [fact for each in chosen for fact in each] + _some(asked.contrast + asked.general, SIZES[300], rng)


def _own(
    arm: Arm, case: TrainingCase, pool: Sequence[WorldFact], size: int, rng: random.Random, dose: float
) -> list[WorldFact]:
    """Return own facts, as many of each relation, the taught ones spread evenly over them."""
    groups: dict[str, list[WorldFact]] = defaultdict(list)
    for fact in pool:
        if arm.asks(fact, case):
            groups[fact.fact.relation].append(fact)
    names = list(groups)
    rng.shuffle(names)
    each, out = size // max(1, len(names)), list[WorldFact]()
    for name in names:
        rng.shuffle(groups[name])
    taught = [[fact for fact in groups[name] if fact.fact.id in case.taught] for name in names]
    rest = [[fact for fact in groups[name] if fact.fact.id not in case.taught] for name in names]
    due = _spread([len(some) for some in taught], [len(some) for some in rest], each, round(dose * size))
    for name, some, others, count in zip(names, taught, rest, due, strict=True):
        group = some[:count] + others[: each - count] if dose else groups[name]
        out += group[:each]
    return out


def _spread(taught: Sequence[int], rest: Sequence[int], each: int, wanted: int) -> list[int]:
    """Return how many taught facts to draw from each relation, as even as can be and `wanted` in all.

    A relation gives `each` facts, and no more of either kind than it has.
    """
    due = [max(0, min(each, known + other) - other) for known, other in zip(taught, rest, strict=True)]
    most = [min(each, known) for known in taught]
    while sum(due) < wanted and any(one < limit for one, limit in zip(due, most, strict=True)):
        due[min((k for k in range(len(due)) if due[k] < most[k]), key=due.__getitem__)] += 1
    return due
