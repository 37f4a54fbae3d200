"""One trained model judged: the instrument's verdicts on samples of facts, and the truth beside them.

The verdict comes from `probes.analysis.analyze` itself, on samples of `SIZES` own facts in which exactly the arm's
dose was taught. The planted effect is the same estimate over all own facts, and coverage asks whether the interval
of a sample drawn without regard to what was taught holds it.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...terms.items import GENERAL, Item
from ..analysis.analyze import analyze
from ..analysis.inputs import AnalysisInputs
from ..analysis.knowledge import centre, measure
from ..analysis.ladder import fact_gains
from ..analysis.resample import DRAWS
from ..analysis.scores import Array, Pair, fact_scores
from ..results.estimate import Estimate
from . import rivals
from .asking import RELATION, Asked, Bench, by_relation
from .world import World, WorldFact

if TYPE_CHECKING:
    from .arms import Arm, TrainingCase

SIZES = {40: (4, 6), 300: (12, 15)}
"""Own facts in a sample: relations of each other specialty, and general ones, beside them."""
EASIER = 6
"""Known ones of a relation's facts in a sample, where the own facts are to be easier."""


class Judge:
    """The instrument's verdicts on the bench's models; `sizes` are those of the samples of own facts."""

    def __init__(self, bench: Bench, sizes: Sequence[int] = tuple(SIZES)) -> None:
        self.bench, self.world, self.sizes = bench, bench.world, sizes

    def record(self, arm: Arm, seed: int) -> dict[str, Any]:
        """Train and measure one model; return its line of the results."""
        case = arm.case(self.world, seed)
        asked = self.bench.asked(case.own)
        table, seconds = self.bench.answers(arm, case, seed)
        begin = time.process_time()
        found = {str(size): self._sample(arm, case, asked, table, size, seed) for size in self.sizes}
        return {
            "arm": arm.name,
            "seed": seed,
            "own": case.own,
            "planted": self._planted(arm, case, asked, table).json(),
            "texts": self._texts(case, asked, table, seed),
            "samples": found,
            "seconds": [seconds, round(time.process_time() - begin, 2)],
        }

    def _sample(
        self, arm: Arm, case: TrainingCase, asked: Asked, table: pa.Table, size: int, seed: int
    ) -> dict[str, Any]:
        """The verdict, its figures and the rivals' on a sample; and the interval of one drawn blindly."""
        rng = random.Random(f"sample {arm.name} {seed} {size}")
        chosen = sample(arm, case, asked, size, rng)
        items = self.world.fact_items(chosen)
        base, tuned = (_part(each, items) for each in (asked.base, table))
        found = analyze(_material(self.world, case, items, base, tuned, seed)).models["model"]
        scores = fact_scores(base, items), fact_scores(tuned, items)
        own = np.array([case.own in item.specialties for item in scores[0].items])
        general = np.array([GENERAL in item.specialties for item in scores[0].items])
        known = {told.fact.id for told in chosen if told.known}
        mine = [told.fact.id for told in chosen if case.own in told.fact.specialties]
        blind = found.specific_knowledge
        if 0 < arm.dose < 1:
            drawn = sample(arm, case, asked, size, rng, stratified=False)
            blind = self._estimate(case, drawn, asked.base, table, seed)
        return {
            "verdict": found.verdict,
            "knowledge": found.knowledge.state,
            "shift": found.shift.state,
            "specific_knowledge": found.specific_knowledge.json(),
            "margin_gain": found.margin_gain.json(),
            "ledger": {"own": found.ledger.own.model_dump(), "other": found.ledger.other.model_dump()},
            "taught": len(case.taught.intersection(mine)) / len(mine),
            "known": len(known.intersection(mine)) / len(mine),
            "why": found.knowledge.why,
            "blind": blind.json(),
            "rivals": {name: one.json() for name, one in rivals.of_facts(*scores, own, ~own & ~general).items()},
        }

    def _texts(self, case: TrainingCase, asked: Asked, table: pa.Table, seed: int) -> dict[str, Any]:
        """Domain shift read from running text, and the rivals that read it."""
        base, tuned = (_part(each, asked.texts) for each in (asked.base, table))
        found = analyze(_material(self.world, case, asked.texts, base, tuned, seed)).models["model"]
        mine = [item for item in asked.texts if item.kind == "term" and case.own in item.specialties]
        terms, texts = (_gains(asked.base, table, items, each) for items, each in ((mine, False), (asked.whole, True)))
        return {
            "shift": found.shift.state,
            "matched": found.shift.matched.json(),
            "rivals": {name: one.json() for name, one in rivals.of_texts(terms, texts).items()},
        }

    def _planted(self, arm: Arm, case: TrainingCase, asked: Asked, table: pa.Table) -> Estimate:
        """The estimate over the whole pool of own facts that the arm asks for, and of all others."""
        own = eligible(arm, case, asked.own)
        other = [told for told in asked.other if arm.asked != "disjoint" or told.pool != own[0].pool]
        return self._estimate(case, own + other, asked.base, table, 0, draws=2)

    def _estimate(
        self,
        case: TrainingCase,
        told: Sequence[WorldFact],
        base: pa.Table,
        table: pa.Table,
        seed: int,
        draws: int = DRAWS,
    ) -> Estimate:
        """Specific knowledge as `analyze` estimates it, without the permutation test."""
        items = self.world.fact_items([one for one in told if GENERAL not in one.fact.specialties])
        pair = Pair(fact_scores(_part(base, items), items), fact_scores(_part(table, items), items))
        gains = fact_gains(pair)
        own = np.array([case.own in pair.items[i].specialties for i in gains.index])
        return measure(
            centre(pair, gains), own, ~own, gains.clusters, seed, unit=pair.unit, permutations=1, draws=draws
        ).specific


def eligible(arm: Arm, case: TrainingCase, own: Sequence[WorldFact]) -> list[WorldFact]:
    return [told for told in own if arm.asks(told, case)]


def sample(
    arm: Arm, case: TrainingCase, asked: Asked, size: int, rng: random.Random, stratified: bool = True
) -> list[WorldFact]:
    """`size` own facts of whole relations, with others and general ones beside; stratified: exactly the dose taught."""
    relations, general = SIZES[size]
    own = _own(arm, case, asked.own, size, rng, arm.dose if stratified else 0.0)
    out = list(own)
    for pool, count in ((asked.other, relations), (asked.general, general)):
        by_specialty: dict[str, list[list[WorldFact]]] = defaultdict(list)
        for each in by_relation(pool).values():
            if arm.asked != "disjoint" or each[0].pool != own[0].pool:
                by_specialty[each[0].fact.specialties[0]].append(each)
        for some in by_specialty.values():
            out += [told for each in rng.sample(some, min(count, len(some))) for told in each]
    return out


def _own(
    arm: Arm, case: TrainingCase, pool: Sequence[WorldFact], size: int, rng: random.Random, dose: float
) -> list[WorldFact]:
    """Own facts relation by relation, up to `RELATION` of each."""
    groups = list(by_relation(eligible(arm, case, pool)).values())
    rng.shuffle(groups)
    wanted = round(dose * size)
    out: list[WorldFact] = []
    while groups and len(out) < size:
        group = groups.pop()
        rng.shuffle(group)
        count = min(RELATION, size - len(out), len(group))
        if arm.asked == "easier":
            group.sort(key=lambda told: told.known, reverse=True)
            group = [*group[:EASIER], *group[-(count - EASIER) :]] if count > EASIER else group
        elif dose:
            # The share of the taught that is still wanted, spread evenly over the facts still to come.
            taught = [told for told in group if told.fact.id in case.taught]
            due = min(len(taught), round((wanted - _taught(out, case)) * count / (size - len(out))))
            rest = [told for told in group if told.fact.id not in case.taught]
            group = taught[:due] + rest[: count - due] + taught[due:]
        out += group[:count]
    return out


def _taught(told: Sequence[WorldFact], case: TrainingCase) -> int:
    return sum(one.fact.id in case.taught for one in told)


def _part(table: pa.Table, items: Sequence[Item]) -> pa.Table:
    return table.filter(pc.is_in(table["item"], pa.array([item.id for item in items])))


def _gains(base: pa.Table, tuned: pa.Table, items: Sequence[Item], by_token: bool) -> Array:
    """Gains of the items' targets, nats; by token where asked."""
    one, other = (_part(each, items) for each in (base, tuned))
    gain = other["logprob"].to_numpy() - one["logprob"].to_numpy()
    gains: Array = gain / one["tokens"].to_numpy() if by_token else gain
    return gains


def _material(
    made: World, case: TrainingCase, items: Sequence[Item], base: pa.Table, tuned: pa.Table, seed: int
) -> AnalysisInputs:
    return AnalysisInputs(
        made.domain, tuple(items), base, {"model": tuned}, {"model": (case.own, "--own")}, "token", seed
    )
