"""The knowledge statistic: what was acquired, what was reinforced.

*Acquired* is read from facts that the base clearly does not know (`standing`). A fact's truth may gain because the
model learned it, or because every answer of its kind moved. So the truth is compared with wrong answers at equal
standing in the base (`fact_scores`). `acquired` is the own facts' mean score less the other specialties', with an
interval (`acquired`). Its p permutes whole relations (`relations`) over scores in units of the wrong answers' own
spread, so that a specialty whose answers all move about looks like no learning.

*Reinforced* is the same over facts that the base knew, shown with its two absolute parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..results.estimate import Estimate
from ..results.findings import MARGIN, LearnedShare
from ..results.rungs import Group
from .acquired import compare
from .centring import Centred
from .detectable import Errors
from .fact_scores import Scored, score_facts
from .proportions import rate
from .relations import Blocks, permutation_p
from .resample import DRAWS, Array, Clusters, effect_size
from .standing import Standing

SMALLEST_SHARE = 0.05
"""Smallest effect of interest: this share of the unknown facts learned, beyond what the reference learned."""
ELSEWHERE = 0.25
"""Facts learned in another wording, as a share of those in the best one, up to which the best is the only one."""

FLAT = "the tuned model scores all answers alike: what it knows cannot be read"


@dataclass(frozen=True)
class Knowledge:
    """What the facts say of knowledge; read by `probes.analysis.verdict`."""

    acquired: Estimate
    """Own unknown facts' mean score less the reference's; `p` permutes whole relations."""
    own_gain: Estimate
    """Plain margin gain of the own unknown facts."""
    reinforced: Estimate
    """The same as `acquired` over facts that the base knew."""
    own_kept: Estimate
    """Plain margin gain of the own facts that the base knew."""
    reference_kept: Estimate
    learned: LearnedShare
    """Of the clearly unknown own facts, how many became clearly known, beside the reference's."""
    below_margin_p: float | None = None
    """One-sided p of H0: acquired is at least the smallest effect of interest."""
    own_relations: int = 0
    reference_relations: int = 0
    """With clearly unknown facts."""
    facts: tuple[int, int] = (0, 0)
    """Own and reference facts with a margin."""
    known: tuple[int, int] = (0, 0)
    """Those of them that the base knew."""
    carriers: tuple[str, ...] = ()
    """Own relations in which facts were learned, the most first."""
    wording: str = ""
    """The only wording in which facts were learned; empty where they were learned in several, or in none."""
    carried_by_one: bool = False
    """Whether nothing is left of the effect without the first of them."""
    sharpening: float | None = None
    """Slope of the own wrong answers' line; above 1 the model grew more confident."""
    threshold: float = 0.0
    """Lead of the best wrong answer from which a fact is clearly unknown."""
    margin: float = MARGIN
    """Smallest effect of interest, in the estimates' unit: what learning `SMALLEST_SHARE` of the facts amounts to."""
    reference: Group = "other"
    errors: Errors | None = None
    """Standard errors of the test, for what it could have seen."""
    blocks: Blocks | None = field(default=None, repr=False)
    """What p is computed from, again where a run has many models."""


def measure(
    centred: Centred,
    own: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    relations: Sequence[str],
    specialties: Sequence[str],
    clusters: Clusters,
    seed: int,
    *,
    unit: str,
    margin: float = MARGIN,
    reference_name: Group = "other",
    wordings: Sequence[str] = (),
    draws: int = DRAWS,
    permute: bool = True,
) -> Knowledge:
    """Return what the own facts acquired and reinforced beside the reference.

    Args:
        centred: Centred candidates of N facts.
        own: [N] own facts.
        reference: [N] facts that the own ones are compared with: those of other specialties.
        relations: [N] relation of each fact.
        specialties: [N] specialty of each fact, the own one for own facts.
        clusters: [N] concepts crossed with answers.
        seed: Of bootstrap and permutation.
        unit: Of the margins.
        margin: The smallest effect of interest, in `unit`, where the base knows too little to state one.
        reference_name: What the reference is called.
        wordings: Names of the wordings; by default their numbers.
        draws: Of the bootstrap.
        permute: Whether p is computed.
    """
    scored = score_facts(centred, own, reference, relations, specialties)
    standing = Standing.of(centred, margin / MARGIN)
    margin = _smallest(standing, scored) or margin
    unknown, known = standing.is_clearly_unknown, standing.base_lead > 0
    acquired = compare(scored, unknown, clusters, seed, draws)
    kept = compare(scored, known, clusters, seed, draws)
    counts = [len(np.unique(clusters.first[side & unknown])) for side in (scored.own, scored.reference)]
    why = f"{counts[0]} own and {counts[1]} {reference_name} facts are clearly unknown to the base"
    estimate, gain = (acquired.estimate(i, counts[0], unit, why) for i in (0, 1))
    if scored.flat:
        estimate = Estimate.missing(FLAT, counts[0], unit)
    blocks = scored.blocks(unknown)
    mine = scored.own & unknown
    below = errors = None
    if estimate.known:
        effect = effect_size(float(acquired.values[0]), scored.score[mine], clusters.first[mine])
        p = permutation_p(blocks, seed) if permute else None
        estimate = replace(estimate, p=p, effect=effect)
        errors = Errors(acquired.error(3), acquired.error(0), int(acquired.clusters[0]), acquired.error(1))
        below = acquired.one_sided_p(0, margin, below=True)
    why_known = "the base knew none of these facts"
    reinforced, own_kept, reference_kept = (
        kept.estimate(i, len(np.unique(clusters.first[scored.own & known])), unit, why_known) for i in (0, 1, 2)
    )
    learned = standing.is_clearly_known & unknown
    names = [f"{relation}" for relation in relations]
    carriers, alone = _carriers(scored, unknown, learned, names)
    wording = _only_wording(centred.wording_leads()[1], standing, mine, wordings)
    return Knowledge(
        estimate,
        gain,
        reinforced,
        own_kept,
        reference_kept,
        LearnedShare(
            own=rate(int((learned & scored.own).sum()), int(mine.sum())),
            reference=rate(int((learned & scored.reference).sum()), int((scored.reference & unknown).sum())),
        ),
        below,
        int((blocks.own & (blocks.count > 0)).sum()),
        int((~blocks.own & (blocks.count > 0)).sum()),
        (int(scored.own.sum()), int(scored.reference.sum())),
        (int((known & scored.own).sum()), int((known & scored.reference).sum())),
        carriers,
        wording,
        alone,
        scored.slope,
        standing.threshold,
        margin,
        reference_name,
        errors,
        blocks,
    )


def _smallest(standing: Standing, scored: Scored) -> float | None:
    """Return the smallest effect of interest: learning a fact takes it from where unknown facts lie to where known do.

    None where the base knows none of the facts, or all.
    """
    some = scored.own | scored.reference
    known, unknown = some & (standing.base_lead > 0), some & standing.is_clearly_unknown
    if not known.any() or not unknown.any():
        return None
    return float(SMALLEST_SHARE * (standing.base_lead[known].mean() - standing.base_lead[unknown].mean()))


def _only_wording(leads: Array, standing: Standing, own: NDArray[np.bool_], names: Sequence[str]) -> str:
    """Return the only wording in which own unknown facts became clearly known; "" where there is no such one."""
    with np.errstate(invalid="ignore"):
        learned = (leads[:, own] >= standing.clear_lead).sum(1)
    if len(learned) < 2:
        return ""
    first, second = np.argsort(-learned, kind="stable")[:2]
    if learned[first] < 2 or learned[second] > ELSEWHERE * learned[first]:
        return ""
    return names[first] if first < len(names) else f"wording {first + 1}"


def _carriers(
    scored: Scored, unknown: NDArray[np.bool_], learned: NDArray[np.bool_], relations: Sequence[str]
) -> tuple[tuple[str, ...], bool]:
    """Return the own relations in which facts were learned, and whether the first of them carries all of it.

    That is where three facts or more of one relation were learned, none of any other, and other relations had as
    many facts to learn.
    """
    mine = scored.own & learned
    count = np.bincount(scored.block[mine], minlength=len(scored.ease))
    order = [int(block) for block in np.argsort(-count, kind="stable") if count[block] > 0]
    if not order:
        return (), False
    name = {int(block): relation for block, relation in zip(scored.block, relations, strict=True)}
    elsewhere = int((scored.own & unknown & (scored.block != order[0])).sum())
    inside = int((scored.own & unknown & (scored.block == order[0])).sum())
    alone = len(order) == 1 and count[order[0]] >= 3 and elsewhere >= inside
    return tuple(name[block] for block in order), alone
