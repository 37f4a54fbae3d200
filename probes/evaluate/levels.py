"""CLUE's levels, as published and mended.

Published: L1 is the mean over MedNLI, MeQSum and ProblemSummary of each task's mean metric, L2 over LongHealth,
MeDiSumQA and MeDiSumCode. That adds up accuracies, ROUGE and BERTScore, whose chance values and spreads differ, counts
a task's correlated metrics several times, and rewards any existing code. Mended: one metric a task, rescaled so that 0
is chance and 1 is perfect, with an interval over questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..analysis.resample import DRAWS, Array, Bootstrap, cluster_weights, codes
from ..results.estimate import Estimate
from ..results.suite_parts import Level, LevelDifferences, PublishedLevel
from .values import Value, by_key

LEVELS: dict[Level, tuple[str, ...]] = {
    "L1": ("mednli", "meqsum", "problem_summary"),
    "L2": ("longhealth", "medisumqa", "medisumcode"),
}
_SUMMARY = ("ROUGE-1", "ROUGE-2", "ROUGE-L", "BERTScore")
METRICS = {
    "mednli": ("accuracy",),
    "meqsum": _SUMMARY,
    "problem_summary": (*_SUMMARY, "UMLS F1"),
    "longhealth": ("task1 accuracy", "task2 accuracy", "task3 accuracy"),
    "medisumqa": (*_SUMMARY, "UMLS F1"),
    "medisumcode": ("code F1", "category F1", "valid codes"),
}
"""What the published levels take of each task, all of it: a mean over fewer metrics is another number."""
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


def published_levels(metrics: Mapping[str, Mapping[str, float]]) -> dict[Level, PublishedLevel]:
    """Return the levels in percent from each task's metrics (shares).

    A level is None, and names what is missing, where a task was not run or a metric not computed.
    """
    out: dict[Level, PublishedLevel] = {}
    for level, tasks in LEVELS.items():
        missing: list[str] = []
        for task in tasks:
            lacking = [metric for metric in METRICS[task] if metric not in metrics.get(task, {})]
            missing += [task] if task not in metrics else [f"{task} {metric}" for metric in lacking]
        value = None
        if not missing:
            value = 100 * float(np.mean([np.mean([metrics[task][name] for name in METRICS[task]]) for task in tasks]))
        out[level] = PublishedLevel(value=value, missing=tuple(missing))
    return out


def task_metrics(values: Sequence[Value], suite: str) -> dict[str, dict[str, float]]:
    """Each task's mean metrics as the published levels take them."""
    out: dict[str, dict[str, float]] = {}
    for (part, metric), held in by_key(values).items():
        task, _, piece = part.removeprefix(f"{suite}.").partition(".")
        if (name := f"{piece} {metric}".strip()) in METRICS.get(task, ()):
            out.setdefault(task, {})[name] = float(np.mean([each.value for each in held]))
    return out


def mended(
    values: Sequence[Value], suite: str, seed: int, base: Sequence[Value] | None = None
) -> dict[Level, Estimate]:
    """Return the corrected levels over the tasks that were run; a note names those that were not.

    With `base`, return the paired difference from it.
    """
    keyed, other = by_key(values), by_key(base or [])
    parts: dict[Level, list[tuple[Array, list[str]]]] = {level: [] for level in LEVELS}
    weights: dict[Level, list[float]] = {level: [] for level in LEVELS}
    held: dict[Level, set[str]] = {level: set() for level in LEVELS}
    for part, (metrics, chance) in MAIN.items():
        key = next(((f"{suite}.{part}", m) for m in metrics if (f"{suite}.{part}", m) in keyed), None)
        if key is None or (base is not None and key not in other):
            continue
        task = part.partition(".")[0]
        level = next(level for level, tasks in LEVELS.items() if task in tasks)
        numbers, clusters = _numbers(keyed[key], None if base is None else other[key])
        if len(numbers):
            scale = numbers / (1 - chance) if base is not None else (numbers - chance) / (1 - chance)
            parts[level].append((scale, clusters))
            # LongHealth's three tasks are one of the level's three.
            weights[level].append(1 / 3 if part.startswith("longhealth") else 1.0)
            held[level].add(task)
    out = {level: _estimate(each, weights[level], seed) for level, each in parts.items()}
    for level, tasks in LEVELS.items():
        if 0 < len(held[level]) < len(tasks):
            lacking = ", ".join(task for task in tasks if task not in held[level])
            note = f"{len(held[level])} of {len(tasks)} tasks; without {lacking}"
            out[level] = replace(out[level], note="; ".join(filter(None, (note, out[level].note))))
    return out


def level_differences(
    values: Mapping[str, Sequence[Value]], pairs: Sequence[tuple[str, str]], suite: str, seed: int
) -> tuple[LevelDifferences, ...]:
    """Return each pair's difference of the published levels, and the paired difference of the mended ones."""
    out = []
    for tuned, base in pairs:
        one, other = (published_levels(task_metrics(values[name], suite)) for name in (tuned, base))
        both = {level: (one[level].value, other[level].value) for level in LEVELS}
        out.append(
            LevelDifferences(
                tuned=tuned,
                base=base,
                published={level: None if x is None or y is None else x - y for level, (x, y) in both.items()},
                mended=mended(values[tuned], suite, seed, values[base]),
            )
        )
    return tuple(out)


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
