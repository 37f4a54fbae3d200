"""The same gains looked at in other ways: units, the first token alone, wrong answers of any length, prior-corrected.

They are shown together and are in no verdict. A finding that appears in one view alone depends on that view.

- `per token`, `per target` (summed), `per character`: what a string's gain is divided by;
- `first token`: of each answer its first token alone, which a longer answer cannot dilute;
- `any length`: wrong answers of every length, as they stand in the domain, in the run's unit (a false margin of up to a
  nat per token was measured where lengths differ, so `per token` is what counts);
- `prior-corrected`: the gain less the gain of the same string after a neutral cue (domain-conditional PMI: Holtzman et
  al. 2021, arXiv 2104.08315), which takes out what a string gained whatever stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..results.model import ViewRow
from ..results.rungs import MEASURES, UNITS, Per
from .ladder import nanmean
from .pair import FEW_DRAWS, ModelPair
from .registry import analysis
from .resample import Array, Clusters, bootstrap
from .scores import Pair


@dataclass(frozen=True)
class View:
    """One way to look at gains: `gain` [N, candidates] with NaN where a candidate does not count."""

    name: str
    gain: Array
    unit: str


def corrected(model: ModelPair, neutral: list[str]) -> Array | None:
    """Gains [N, candidates] less those after the neutral cue of each fact [N]; None where no such cue was scored."""
    priors = model.priors
    if not priors.items:
        return None
    gain, place = priors.gain[:, 0], {}
    for row, item in enumerate(priors.items):
        for role, string in enumerate(item.candidates):
            place[item.cues[0], string] = gain[row, role]
    own = nanmean(model.facts.gain[model.gains.index], 1)
    prior = np.full(own.shape, np.nan)
    for row, (cue, item) in enumerate(zip(neutral, model.items, strict=True)):
        for role, string in enumerate(item.candidates):
            prior[row, role] = place.get((cue, string), np.nan)
    without: Array = own - prior
    return without


def every_view(model: ModelPair, neutral: list[str]) -> list[View]:
    """All views of a model's facts; `neutral` [N] gives each fact's neutral cue."""
    index, facts = model.gains.index, model.facts
    true = np.arange(facts.base.logprob.shape[2]) == 0
    like = model.gains.like | true

    def mean(gain: Array, counts: NDArray[np.bool_]) -> Array:
        return np.where(counts, nanmean(gain[index], 1), np.nan)

    units: list[Per] = ["token", "target", "character"]
    out = [View(f"per {per}", mean(Pair(facts.base, facts.tuned, per).gain, like), UNITS[per]) for per in units]
    out.append(View("first token", mean(facts.tuned.first - facts.base.first, like), "nats"))
    count = np.array([len(item.candidates) for item in model.items], dtype=np.int64)
    out.append(View("any length", mean(facts.gain, np.arange(len(true)) < count[:, None]), facts.unit))
    if (prior := corrected(model, neutral)) is not None:
        out.append(View("prior-corrected", np.where(like, prior, np.nan), facts.unit))
    return out


@analysis("views")
def views(model: ModelPair) -> tuple[ViewRow, ...]:
    """Return `MEASURES` in every view, with intervals over concepts and answers' strings."""
    if not len(model.gains.index):
        return ()
    found = every_view(model, [model.domain.neutral_cue(item.relation) for item in model.items])
    # A string counts in some view; answers are clustered as strings, as in the ladder.
    fact, role = np.nonzero(np.any([np.isfinite(view.gain) for view in found], axis=0))
    items = model.items
    clusters = Clusters.of(
        [items[i].concept for i in fact], [items[i].candidates[k] for i, k in zip(fact, role, strict=True)]
    )
    group = model.fact_groups[fact]
    sides = [
        (group == side) & (role > 0 if wrong else role == 0) for side in ("own", "other") for wrong in (False, True)
    ]
    columns = []
    for view in found:
        values = view.gain[fact, role]
        held = np.isfinite(values)
        wrong = np.bincount(fact[held & (role > 0)], minlength=len(items))[fact]
        share = held / np.where(role == 0, 1, np.maximum(wrong, 1))  # a fact's wrong answers weigh as its true one
        for side in sides:
            columns += [share * side, np.where(held, values, 0.0) * share * side]
    table = np.stack(columns, axis=1)

    def statistic(weights: Array) -> Array:
        sums = (weights @ table).reshape(len(weights), len(found), 4, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            true, wrong, others_true, others_wrong = np.moveaxis(sums[..., 1] / sums[..., 0], 2, 0)
        margin = true - wrong
        every = [true, wrong, margin, margin - (others_true - others_wrong)]
        means: Array = np.stack(every, axis=2).reshape(len(weights), -1)
        return means

    own, other = (clusters.fewest(group == side) for side in ("own", "other"))
    fewest = [own, own, own, min(own, other)] * len(found)
    result = bootstrap(statistic, clusters, model.seed, draws=FEW_DRAWS, fewest=fewest)
    n = [clusters.concepts(group == "own"), min(clusters.concepts(group == side) for side in ("own", "other"))]

    def row(k: int, view: View) -> ViewRow:
        estimates = {
            name: result.estimate(4 * k + m, n[m == 3], view.unit, "no such facts") for m, name in enumerate(MEASURES)
        }
        return ViewRow(view=view.name, **estimates)

    return tuple(row(k, view) for k, view in enumerate(found))
