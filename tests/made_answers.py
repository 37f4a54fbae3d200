"""Hypotheses and an evaluation of a made run, as the probes write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from knowshift.probes.results.base import ResultModel
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.evaluation import (
    BetterCounts,
    DataFault,
    EvaluationResult,
    GainCorrelation,
    LeftOutQuestions,
    MissingTask,
    ModelScore,
    PairDifference,
    PairOutcomes,
    SpecialtyPoint,
)
from knowshift.probes.results.hypotheses import (
    GroupSize,
    HypothesisFile,
    HypothesisRecord,
    HypothesisResult,
    HypothesisTestResult,
    ModelOutcome,
)
from knowshift.probes.results.suite_parts import CluePart, ModelLevels, PlaceShares, PublishedLevel, SmedqaPart


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


def evaluations(models: Mapping[str, Any], specialties: Mapping[str, str]) -> list[EvaluationResult]:
    """What `probe evaluate --run` leaves in a run: one task each of two suites, by two specialties."""
    task = "smedqa.letter"
    smedqa = SmedqaPart(
        own={name: own for name, (own, *_) in models.items()},
        position_bias={
            task: {name: PlaceShares(options=2, shares={"A": 0.5, "B": 0.5}, excess=0.0, choices=40) for name in models}
        },
        diagonal={task: estimate(0.0625, "share")},
    )
    level = PublishedLevel(value=None, missing=("meqsum",))
    clue = CluePart(
        levels={
            name: ModelLevels(published={"L1": level}, mended={"L1": estimate(0.5, "share above chance")})
            for name in models
        }
    )
    return [
        _evaluation("smedqa", task, smedqa, models, specialties),
        _evaluation("clue", "clue.mednli", clue, models, specialties),
    ]


def _evaluation(
    suite: str, task: str, part: ResultModel, models: Mapping[str, Any], specialties: Mapping[str, str]
) -> EvaluationResult:
    labels, share = list(specialties)[:2], estimate(0.5, "share")

    def pair(name: str, label: str) -> PairDifference:
        return PairDifference(
            tuned=name,
            base="base.pt",
            task=task,
            metric="accuracy",
            label=label,
            difference=share,
            win=20,
            tie=10,
            loss=10,
            p=0.01,
            q=0.02,
            outcome="win",
        )

    gain = estimate(0.25)
    correlation = GainCorrelation(
        points=tuple(
            SpecialtyPoint(specialty=label, accuracy=share, terms=gain, answers=gain, margin=gain) for label in labels
        ),
        correlation={"terms": estimate(0.375, "Spearman's rho")},
        counts=BetterCounts(of=2, likelier=2, better=1),
    )
    return EvaluationResult(
        schema=1,
        suite=suite,
        base="base.pt",
        models=tuple(models),
        specialties={label: specialties[label] for label in labels},
        outcomes=tuple(PairOutcomes(tuned=name, base="base.pt", win=1, tie=0, loss=0) for name in models),
        scores=tuple(
            ModelScore(model=name, task=task, metric="accuracy", label="", estimate=share)
            for name in ("base.pt", *models)
        ),
        pairs=tuple(pair(name, label) for name in models for label in ("", *labels)),
        left_out={task: {"longer than the context": LeftOutQuestions(n=3, first="7")}},
        faults=(DataFault(what="no answer among the options", records=2),),
        not_run=(MissingTask(task=f"{suite}.generation", why="no questions", where="smedqa.jsonl"),),
        notes=("BERTScore not computed: give its model's folder",),
        more=part.model_dump(mode="json"),
        beside={name: {task: correlation} for name in models},
    )
