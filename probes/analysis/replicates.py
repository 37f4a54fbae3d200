"""Replicates: several trainings of one tune, which differ in their seed alone.

The interval of a model is over facts: what other facts of the same kind would have given for this very training. How
much another training would have given is another question, and only the spread over trainings answers it. The group's
interval is Student's t over its models' values, for the mean of all trainings of this recipe on these facts. No test
and no verdict rest on it. Called by `probes.analysis.analyze`, once every model has its result.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import numpy as np
from scipy import stats

from ..results.estimate import LEVEL, Estimate
from ..results.findings import Finding, Rate, State
from ..results.model import ModelResult
from ..results.replicates import SHARE, ReplicateGroup, ReplicateSpread
from .resample import LEAST, NO_SPREAD, TOO_FEW

METHOD = "t over trainings"
NO_VALUE = "no training has a value"
KNOWLEDGE_WORDS: dict[State, str] = {
    "yes": "it learned facts",
    "no": "there is no sign that it learned facts",
    "unclear": "it cannot be told whether it learned facts",
}
SHIFT_WORDS: dict[State, str] = {
    "yes": "it moved towards the domain",
    "no": "it did not move towards the domain",
    "unclear": "it cannot be told whether it moved towards the domain",
}


def replicate_groups(
    groups: Mapping[str, Sequence[str]], models: Mapping[str, ModelResult]
) -> dict[str, ReplicateGroup]:
    """Summarize each group of trainings.

    Args:
        groups: Names of a group's models, keyed by the group's name.
        models: Results of all models of the run.
    """
    return {name: _group(name, {model: models[model] for model in members}) for name, members in groups.items()}


def spread_over(trainings: Mapping[str, Estimate]) -> ReplicateSpread:
    """Return mean and spread of one quantity over trainings.

    Trainings without a value are left out, and `mean.note` counts them. The interval of a share ends at 0 and 1.

    Args:
        trainings: At least one estimate, keyed by model.
    """
    unit = next(iter(trainings.values())).unit
    values = np.array([e.value for e in trainings.values() if e.value is not None], dtype=np.float64)
    number = len(values)
    if not number:
        return ReplicateSpread(mean=Estimate.missing(NO_VALUE, unit=unit), sd=None, trainings=dict(trainings))
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if number >= LEAST else None
    low = high = None
    notes = [f"{number} of {len(trainings)} trainings have a value"] if number < len(trainings) else []
    if sd is None:
        notes.append(TOO_FEW)
    elif not np.ptp(values):
        # Trainings that agree to the last digit, such as those that learned nothing, show no certainty.
        sd = 0.0
        notes.append(NO_SPREAD)
    else:
        half = float(stats.t.ppf((1 + LEVEL) / 2, number - 1)) * sd / math.sqrt(number)
        low, high = mean - half, mean + half
        if unit == SHARE:
            low, high = max(low, 0.0), min(high, 1.0)
    method = "" if low is None else METHOD
    estimate = Estimate(mean, low, high, unit, method, number, note="; ".join(notes))
    return ReplicateSpread(mean=estimate, sd=sd, trainings=dict(trainings))


def _group(name: str, models: Mapping[str, ModelResult]) -> ReplicateGroup:
    knowledge = _states(model.knowledge for model in models.values())
    shift = _states(model.shift for model in models.values())
    acquired = spread_over({model: result.acquired for model, result in models.items()})
    return ReplicateGroup(
        models=tuple(models),
        own=next(iter(models.values())).own,
        sentence=_describe(name, knowledge, shift, acquired),
        knowledge=knowledge,
        shift=shift,
        acquired=acquired,
        learned=spread_over({model: _share(result.knowledge.learned.own) for model, result in models.items()}),
        over_contrast=spread_over({model: result.shift.over_contrast for model, result in models.items()}),
        absolute=spread_over({model: result.shift.absolute for model, result in models.items()}),
        general=spread_over({model: result.shift.general for model, result in models.items()}),
    )


def _states(findings: Iterable[Finding]) -> dict[State, int]:
    counts = Counter(finding.state for finding in findings)
    return {state: counts[state] for state in get_args(State)}


def _share(rate: Rate) -> Estimate:
    if rate.rate is None:
        return Estimate.missing("no own fact was clearly unknown to the base", unit=SHARE)
    return Estimate(rate.rate, rate.low, rate.high, SHARE, "Clopper-Pearson", rate.n)


def _describe(name: str, knowledge: dict[State, int], shift: dict[State, int], acquired: ReplicateSpread) -> str:
    """Return the group in one sentence: the answers, and acquired over trainings and over facts."""
    shown = f"{name}: {_answers(knowledge, KNOWLEDGE_WORDS)}; {_answers(shift, SHIFT_WORDS)}"
    mean = acquired.mean
    if mean.value is None:
        return f"{shown}; what was acquired cannot be estimated."
    sd = "" if acquired.sd is None else f" ± {acquired.sd:.3f} (SD)"
    shown += f"; over trainings, acquired {mean.value:+.3f}{sd} {mean.unit}"
    if (ends := acquired.over_facts) is not None:
        shown += f"; over facts, the intervals of single trainings reach from {ends[0]:+.3f} to {ends[1]:+.3f}"
    return f"{shown}."


def _answers(states: Mapping[State, int], words: Mapping[State, str]) -> str:
    """Return `in 2 of 3 trainings it learned facts, in 1 it cannot be told whether it learned facts`."""
    counts = [(count, words[state]) for state, count in states.items() if count]
    total = sum(states.values())
    first, *rest = [
        f"in {count}{f' of {total} trainings' if not place else ''} {said}"
        for place, (count, said) in enumerate(counts)
    ]
    return ", ".join([first, *rest])
