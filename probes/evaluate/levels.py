"""CLUE's levels, as published and mended.

Published: L1 is the mean over MedNLI, MeQSum and ProblemSummary of each task's mean metric, L2 over LongHealth,
MeDiSumQA and MeDiSumCode. That adds up accuracies, ROUGE and BERTScore, whose chance values and spreads differ, counts
a task's correlated metrics several times, and rewards any existing code. Mended: one metric a task, rescaled so that 0
is chance and 1 is perfect, with an interval over questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..estimate import Estimate
from ..resample import DRAWS, Array, Bootstrap, cluster_weights, codes
from .values import Value, by_key

LEVELS = {
    "L1": ("mednli", "meqsum", "problem_summary"),
    "L2": ("longhealth", "medisumqa", "medisumcode"),
}
PARTS = {"longhealth": 3}
"""Metrics that a task has at the least, where that is more than one."""
DESCRIBED = ("unparsed", "consistency", "false answers")
"""Metrics of ours that the published levels have not."""
MAIN = {
    "mednli": (("accuracy",), 1 / 3),
    "meqsum": (("ROUGE-L",), 0.0),
    "problem_summary": (("UMLS F1", "ROUGE-L"), 0.0),
    "longhealth.task1": (("accuracy",), 1 / 5),
    "longhealth.task2": (("accuracy",), 1 / 6),
    "longhealth.task3": (("accuracy",), 1 / 6),
    "medisumqa": (("UMLS F1", "ROUGE-L"), 0.0),
    "medisumcode": (("code F1",), 0.0),
}
"""By part: its main metric (the first that there is) and the value of guessing."""


def published_levels(metrics: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """From each task's metrics (shares), the levels in percent; null with what is missing where a task was not run.

    LongHealth's metrics are the accuracies of its three tasks.
    """
    out: dict[str, dict[str, Any]] = {}
    for level, tasks in LEVELS.items():
        missing = [task for task in tasks if len(metrics.get(task, ())) < PARTS.get(task, 1)]
        value = None if missing else float(np.mean([np.mean(list(metrics[task].values())) for task in tasks])) * 100
        out[level] = {"value": value, "missing": missing}
    return out


def task_metrics(values: Sequence[Value], suite: str) -> dict[str, dict[str, float]]:
    """Each task's mean metrics as the published levels take them."""
    out: dict[str, dict[str, float]] = {}
    for (part, metric), held in by_key(values).items():
        if metric in DESCRIBED:
            continue
        task, _, piece = part.removeprefix(f"{suite}.").partition(".")
        out.setdefault(task, {})[f"{piece} {metric}".strip()] = float(np.mean([each.value for each in held]))
    return out


def mended(values: Sequence[Value], suite: str, seed: int, base: Sequence[Value] | None = None) -> dict[str, Estimate]:
    """The mended levels, over the tasks that were run; with `base`, the paired difference from it."""
    keyed, other = by_key(values), by_key(base or [])
    parts: dict[str, list[tuple[Array, list[str]]]] = {level: [] for level in LEVELS}
    weights: dict[str, list[float]] = {level: [] for level in LEVELS}
    for part, (metrics, chance) in MAIN.items():
        key = next(((f"{suite}.{part}", m) for m in metrics if (f"{suite}.{part}", m) in keyed), None)
        if key is None:
            continue
        level = next(level for level, tasks in LEVELS.items() if part.partition(".")[0] in tasks)
        numbers, clusters = _numbers(keyed[key], other.get(key) if base is not None else None)
        if len(numbers):
            scale = numbers / (1 - chance) if base is not None else (numbers - chance) / (1 - chance)
            parts[level].append((scale, clusters))
            # LongHealth's three tasks are one of the level's three.
            weights[level].append(1 / 3 if part.startswith("longhealth") else 1.0)
    return {level: _estimate(held, weights[level], seed) for level, held in parts.items()}


def _numbers(values: Sequence[Value], base: Sequence[Value] | None) -> tuple[Array, list[str]]:
    before = None if base is None else {each.question: each.value for each in base}
    held = [each for each in values if before is None or each.question in before]
    numbers = np.array([each.value - (before[each.question] if before is not None else 0.0) for each in held])
    return numbers, [each.cluster or each.question for each in held]


def _estimate(parts: Sequence[tuple[Array, list[str]]], weights: Sequence[float], seed: int) -> Estimate:
    """The weighted mean of the parts' means, questions resampled within each part."""
    if not parts:
        return Estimate.missing("no task of this level was run", unit="share above chance")
    share = np.array(weights) / sum(weights)
    value = float(share @ np.array([numbers.mean() for numbers, _ in parts]))
    drawn = np.zeros(DRAWS)
    fewest = []
    for index, (numbers, labels) in enumerate(parts):
        cluster = codes(labels)
        means = [w @ numbers / w.sum(1) for w in cluster_weights(cluster, DRAWS, (seed, 17, index))]
        drawn += share[index] * np.concatenate(means)
        fewest.append(len(set(labels)))
    made = Bootstrap(np.array([value]), (drawn - value)[:, None], np.array([min(fewest)]))
    return made.estimate(0, sum(len(numbers) for numbers, _ in parts), "share above chance")
