"""Hypotheses and an evaluation of a made run, as the probes write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.hypotheses import (
    GroupSize,
    HypothesisFile,
    HypothesisRecord,
    HypothesisResult,
    HypothesisTestResult,
    ModelOutcome,
)


def estimate(value: float, unit: str = "nats/token") -> Estimate:
    return Estimate(value, value - 0.125, value + 0.125, unit, n=40, method="cluster bootstrap")


def fixed(value: float, unit: str = "nats/token") -> dict[str, Any]:
    return estimate(value, unit).json()


def hypotheses(models: Iterable[str]) -> HypothesisRecord:
    """What `probe test` leaves in a run."""
    sizes = {name: GroupSize(rows=30, concepts=20) for name in ("drugs", "diseases")}
    outcome = ModelOutcome(
        outcome="supported",
        why="p in favour 0.01",
        effect=estimate(0.25),
        p=0.01,
        p_uncorrected=0.005,
        p_against=0.9,
        power=0.9,
        detectable=0.2,
        groups=sizes,
    )
    hypothesis = HypothesisResult(
        name="drugs gain more than diseases",
        prediction="Names of drugs become more probable.",
        items="terms",
        measure="gain",
        groups={"drugs": {"types": ["T121"]}, "diseases": {"types": ["T047"]}},
        contrast="drugs - diseases",
        formula="gain ~ group",
        direction="greater",
        smallest=0.1,
        layers=(),
        file="drugs.toml",
        sha256="58" * 32,
        results=dict.fromkeys(models, outcome),
    )
    file = HypothesisFile(
        file="drugs.toml", sha256="58" * 32, modified="2026-11-20T06:30:00Z", before_run="dated before the run"
    )
    test = HypothesisTestResult(
        tested="2026-11-21T07:30:00Z",
        run_started="2026-11-21T06:30:00Z",
        base="base",
        domain="medicine",
        level=0.05,
        files=(file,),
        hypotheses=(hypothesis,),
    )
    return HypothesisRecord(schema_version=1, tests=(test,))


def evaluation(models: Mapping[str, Any], specialties: Mapping[str, str]) -> dict[str, Any]:
    """What `probe evaluate --run` leaves in a run: one task, by two specialties."""
    task, labels = "smedqa.letter", list(specialties)[:2]
    share = fixed(0.5, "share")

    def pair(name: str, label: str) -> dict[str, Any]:
        counts = {"win": 20, "tie": 10, "loss": 10, "p": 0.01, "q": 0.02, "outcome": "win"}
        row = {"tuned": name, "base": "base.pt", "task": task, "metric": "accuracy", "label": label}
        return {**row, "difference": share, **counts}

    point = {"accuracy": share, **{gain: fixed(0.25) for gain in ("terms", "answers", "margin")}}
    held = {
        "points": [{"specialty": label, **point} for label in labels],
        "correlation": {"terms": fixed(0.375, "Spearman's rho")},
        "counts": {"of": 2, "likelier": 2, "better": 1},
    }
    return {
        "schema": 1,
        "suite": "smedqa",
        "base": "base.pt",
        "models": list(models),
        "specialties": {label: specialties[label] for label in labels},
        "outcomes": [{"tuned": name, "base": "base.pt", "win": 1, "tie": 0, "loss": 0} for name in models],
        "scores": [
            {"model": name, "task": task, "metric": "accuracy", "label": "", "estimate": share}
            for name in ("base.pt", *models)
        ],
        "pairs": [pair(name, label) for name in models for label in ("", *labels)],
        "left_out": {task: {"longer than the context": {"n": 3, "first": "7"}}},
        "faults": [{"records": 2, "what": "no answer among the options"}],
        "not_run": [{"task": "smedqa.generation", "why": "no questions", "where": "smedqa.jsonl"}],
        "notes": ["BERTScore not computed: give its model's folder"],
        "more": {
            "own": {name: own for name, (own, *_) in models.items()},
            "diagonal": {task: fixed(0.0625, "share")},
            "position_bias": {task: {name: {"shares": {"A": 0.5, "B": 0.5}, "excess": 0.0} for name in models}},
            "levels": {
                name: {
                    "published": {"L1": {"value": None, "missing": ["meqsum"]}},
                    "mended": {"L1": fixed(0.5, "share above chance")},
                }
                for name in models
            },
        },
        "beside": {name: {task: held} for name in models},
    }
