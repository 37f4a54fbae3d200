"""Answers beside probabilities, by specialty: did terms get likelier where answers got better?

From a comparison's matrix (gains of terms, of true answers, of margins, in nats) and an evaluation's paired differences
of accuracy on the same specialty's questions. The correlation over specialties is Pearson's, its interval Fisher's z.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats

from ..results.estimate import LEVEL, Estimate

FEWEST = 4
"""Specialties; Fisher's z needs more than three."""
GAINS = ("terms", "answers", "margin")


def correlate_gains(data: Mapping[str, Any], comparison: Mapping[str, Any]) -> dict[str, Any]:
    """By model and task: points (specialty, gain in nats, difference of accuracy) and their correlations by gain."""
    out: dict[str, Any] = {}
    for name, model in comparison.get("models", {}).items():
        rows = [
            row
            for row in data["pairs"]
            if row["tuned"] == name and row["base"] == data["base"] and row["metric"] == "accuracy" and row["label"]
        ]
        matrix = model.get("matrix", {})
        for task in dict.fromkeys(row["task"] for row in rows):
            points = [
                {
                    "specialty": row["label"],
                    "accuracy": row["difference"],
                    **{gain: matrix[row["label"]].get(gain) for gain in GAINS},
                }
                for row in rows
                if row["task"] == task and row["label"] in matrix
            ]
            if points:
                found = {gain: correlation(*_known(points, gain)).json() for gain in GAINS}
                out.setdefault(name, {})[task] = {"points": points, "correlation": found, "counts": _counts(points)}
    return out


def _counts(points: list[dict[str, Any]]) -> dict[str, int]:
    """In how many specialties terms got likelier, and in how many accuracy better: intervals above zero.

    Of the specialties where both are known, as the correlation is.
    """

    def above(estimate: Mapping[str, Any] | None) -> bool:
        return bool(estimate) and (estimate or {}).get("low") is not None and (estimate or {})["low"] > 0

    both = [point for point in points if _has(point, "terms")]
    return {
        "of": len(both),
        "likelier": sum(above(point["terms"]) for point in both),
        "better": sum(above(point["accuracy"]) for point in both),
    }


def _has(point: Mapping[str, Any], gain: str) -> bool:
    return all(point[each] and point[each]["estimate"] is not None for each in (gain, "accuracy"))


def _known(points: list[dict[str, Any]], gain: str) -> tuple[list[float], list[float]]:
    held = [(point[gain]["estimate"], point["accuracy"]["estimate"]) for point in points if _has(point, gain)]
    return [x for x, _ in held], [y for _, y in held]


def correlation(x: list[float], y: list[float]) -> Estimate:
    """Pearson's r with Fisher's interval; missing below four points, or where one side does not vary."""
    if len(x) < FEWEST:
        return Estimate.missing(f"fewer than {FEWEST} specialties with both", len(x), "r")
    if np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return Estimate.missing("one of the two is the same in every specialty", len(x), "r")
    found = stats.pearsonr(x, y)
    low, high = found.confidence_interval(LEVEL)
    return Estimate(
        float(found.statistic), float(low), float(high), "r", "Pearson, Fisher's z", len(x), float(found.pvalue)
    )
