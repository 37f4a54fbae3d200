"""One trained model judged: the instrument's verdicts on samples of facts, and the truth beside them.

The verdict comes from the rule that `probes.analysis.analyze` applies, on samples of `SIZES` own facts in which exactly
the arm's dose was taught. The planted effect is the same estimate over all own facts, and coverage asks whether the
interval of a sample drawn without regard to what was taught holds it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...terms.items import CONTRAST, Item
from ..analysis.inputs import AnalysisInputs
from ..analysis.pair import BaseScores, ModelPair
from ..analysis.scores import Array
from ..analysis.verdict import Verdict, verdicts
from ..results.estimate import Estimate
from ..results.findings import ShiftFinding
from . import first_form, rivals
from .asking import Asked, Bench
from .samples import SIZES, sample
from .world import World, WorldFact

if TYPE_CHECKING:
    from .arms import Arm
    from .lessons import TrainingCase


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
            "planted": _brief(self._planted(arm, case, asked, table)),
            "texts": self._texts(arm, case, asked, table, seed),
            "samples": found,
            "seconds": [seconds, round(time.process_time() - begin, 2)],
        }

    def _sample(
        self, arm: Arm, case: TrainingCase, asked: Asked, table: pa.Table, size: int, seed: int
    ) -> dict[str, Any]:
        """Return the verdict, its figures and the rivals' on a sample; and the interval of one drawn blindly."""
        rng = random.Random(f"sample {arm.name} {seed} {size}")
        chosen = sample(arm, case, asked, size, rng)
        items = _items(asked, chosen)
        base, tuned = (_part(each, items) for each in (asked.base, table))
        inputs = _inputs(self.world, arm, case, items, base, tuned, seed)
        pair, found = _judged(inputs)
        acquired = blind = pair.knowledge.acquired
        if 0 < arm.dose < 1:
            drawn = sample(arm, case, asked, size, rng, stratified=False)
            blind = self._estimate(arm, case, asked, drawn, table, seed)
        mine = [fact for fact in chosen if fact.group == case.own]
        return {
            "verdict": found.verdict,
            "knowledge": found.knowledge.state,
            "kind": found.knowledge.kind,
            "wording": found.knowledge.wording,
            "acquired": _brief(acquired),
            "learned": {side: [rate.hits, rate.n] for side, rate in found.knowledge.learned},
            "other_facts": pair.ledger.other.facts,
            "taught": sum(fact.fact.id in case.taught for fact in mine) / max(1, len(mine)),
            "facts": len(mine),
            "shift": _shift(found.shift),
            "blind": _brief(blind),
            "rivals": {
                **{name: one.json() for name, one in rivals.of_facts(pair).items()},
                "first form": first_form.judge(pair, seed).json(),
            },
        }

    def _texts(self, arm: Arm, case: TrainingCase, asked: Asked, table: pa.Table, seed: int) -> dict[str, Any]:
        """Return the domain shift read from running text, and the rivals that read it."""
        base, tuned = (_part(each, asked.texts) for each in (asked.base, table))
        _, found = _judged(_inputs(self.world, arm, case, asked.texts, base, tuned, seed))
        mine = [item for item in asked.texts if item.kind == "term" and case.own in item.specialties]
        terms, texts = (_gains(asked.base, table, items, each) for items, each in ((mine, False), (asked.whole, True)))
        return {
            **_shift(found.shift),
            "rivals": {name: one.json() for name, one in rivals.of_texts(terms, texts).items()},
        }

    def _planted(self, arm: Arm, case: TrainingCase, asked: Asked, table: pa.Table) -> Estimate:
        """Return the estimate over the whole pool of own facts that the arm asks for, and of all beside them."""
        own = [fact for fact in asked.own if arm.asks(fact, case)]
        beside = asked.other + (asked.contrast + asked.general if arm.own == "none" else [])
        return self._estimate(arm, case, asked, own + beside, table, 0)

    def _estimate(
        self, arm: Arm, case: TrainingCase, asked: Asked, facts: Sequence[WorldFact], table: pa.Table, seed: int
    ) -> Estimate:
        """Return *acquired* as `analyze` estimates it."""
        items = _items(asked, facts)
        inputs = _inputs(self.world, arm, case, items, _part(asked.base, items), _part(table, items), seed)
        return BaseScores(inputs).pair_with("model").knowledge.acquired


def _judged(inputs: AnalysisInputs) -> tuple[ModelPair, Verdict]:
    """Return the pair and the verdict on it, as `analyze` finds it, without the parts that are in no verdict."""
    pair = BaseScores(inputs).pair_with("model")
    return pair, verdicts({"model": pair.knowledge}, {"model": pair.shift}, inputs.seed)["model"]


def _shift(shift: ShiftFinding) -> dict[str, Any]:
    return {
        "state": shift.state,
        "kind": shift.kind,
        "over_contrast": _brief(shift.over_contrast),
        "absolute": _brief(shift.absolute),
        "general": _brief(shift.general),
        "support": _rounded(shift.support),
    }


def _brief(estimate: Estimate) -> dict[str, float | None]:
    """Return what of an estimate a record keeps."""
    found = {"estimate": estimate.value, "low": estimate.low, "high": estimate.high, "p": estimate.p}
    return {name: _rounded(value) for name, value in found.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def _items(asked: Asked, facts: Sequence[WorldFact]) -> list[Item]:
    """Return the items of these facts, of those that were asked."""
    ids = {fact.fact.concept for fact in facts}
    return [item for item in asked.facts if item.concept.removeprefix(f"{CONTRAST}:") in ids]


def _part(table: pa.Table, items: Sequence[Item]) -> pa.Table:
    return table.filter(pc.is_in(table["item"], pa.array([item.id for item in items])))


def _gains(base: pa.Table, tuned: pa.Table, items: Sequence[Item], by_token: bool) -> Array:
    """Return gains of the items' targets, nats; by token where asked."""
    one, other = (_part(each, items) for each in (base, tuned))
    gain = other["logprob"].to_numpy() - one["logprob"].to_numpy()
    gains: Array = gain / one["tokens"].to_numpy() if by_token else gain
    return np.asarray(gains, dtype=np.float64)


def _inputs(
    world: World, arm: Arm, case: TrainingCase, items: Sequence[Item], base: pa.Table, tuned: pa.Table, seed: int
) -> AnalysisInputs:
    own = None if arm.own == "none" else case.own
    return AnalysisInputs(world.domain, tuple(items), base, {"model": tuned}, {"model": (own, "--own")}, "token", seed)
