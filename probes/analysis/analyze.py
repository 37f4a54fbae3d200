"""The results of a comparison: score tables of base and tuned models in, typed results out.

Models are read and analysed one at a time; what all of them are looked at together by is small and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...memory import release_freed_memory
from ..results.estimate import DiagonalEstimate
from ..results.findings import Ledger
from ..results.model import ModelResult
from ..results.replicates import ReplicateGroup
from ..results.rungs import DiagonalView
from .diagonals import GainsOfModel, diagonals
from .inputs import AnalysisInputs
from .knowledge import Knowledge
from .pair import BaseScores, ModelPair
from .registry import Analysis, analyses
from .replicates import replicate_groups
from .sentence import describe
from .shift import Shift
from .term_table import term_table, term_tables
from .verdict import Verdict, verdicts

__all__ = ["AnalysisInputs", "ComparisonAnalysis", "analyze"]


@dataclass(frozen=True)
class ComparisonAnalysis:
    """What the statistics of a comparison give."""

    models: dict[str, ModelResult]
    diagonal: dict[DiagonalView, DiagonalEstimate | None]
    terms: list[pl.DataFrame]
    """A table a model, a row a concept."""
    facts: list[pl.DataFrame]
    """A table a model, a row a fact."""
    layers: int
    """How many were read through the lens."""
    replicates: dict[str, ReplicateGroup]
    """By name, the groups of models that are trainings of one tune."""


@dataclass(frozen=True)
class ModelSummary:
    """What is kept of a model once its score arrays are gone."""

    own: str | None
    parts: dict[str, Any]
    """By name, what each analysis returned; `ModelResult` validates them."""
    ledger: Ledger
    knowledge: Knowledge
    shift: Shift
    facts: pl.DataFrame
    terms: pl.DataFrame
    gains: GainsOfModel


def analyze(inputs: AnalysisInputs, progress: Callable[[str, int, int], None] | None = None) -> ComparisonAnalysis:
    """Analyse every model, then judge them together.

    Args:
        inputs: Items, and score tables by model.
        progress: Called with the stage, models done, and models in all.

    Raises:
        ItemError: A score table holds a log-probability that is not finite.
        UsageError: An analysis of another package cannot be loaded or fails.
    """
    every = analyses()
    base = BaseScores(inputs)
    summaries: dict[str, ModelSummary] = {}
    for step, name in enumerate(inputs.tuned):
        if progress:
            progress("statistics", step, len(inputs.tuned))
        # The pair is the argument alone, so that its arrays are gone before the next model is read.
        summaries[name] = summarize(base.pair_with(name), every)
        release_freed_memory()
    found = verdicts(
        {name: summary.knowledge for name, summary in summaries.items()},
        {name: summary.shift for name, summary in summaries.items()},
        inputs.seed,
    )
    results = {name: _result(name, inputs, summaries[name], verdict) for name, verdict in found.items()}
    return ComparisonAnalysis(
        results,
        diagonals([summary.gains for summary in summaries.values()], list(inputs.domain.specialties), inputs.seed),
        term_tables([summary.terms for summary in summaries.values()]),
        [summary.facts for summary in summaries.values()],
        base.layers,
        replicate_groups(inputs.replicates, results),
    )


def summarize(model: ModelPair, every: Sequence[Analysis]) -> ModelSummary:
    """Run every analysis of one model and keep what the joint parts need."""
    return ModelSummary(
        model.own,
        {analysis.name: analysis.run(model) for analysis in every},
        model.ledger,
        model.knowledge,
        model.shift,
        model.fact_frame,
        term_table(model.name, model.texts, model.seen.terms if model.seen else None),
        GainsOfModel.of(model),
    )


def _result(name: str, inputs: AnalysisInputs, summary: ModelSummary, verdict: Verdict) -> ModelResult:
    return ModelResult(
        own=summary.own,
        own_from=inputs.own[name][1],
        verdict=verdict.verdict,
        sentence=describe(name, inputs.domain, summary.own, verdict, summary.knowledge, summary.ledger),
        missing=verdict.missing,
        knowledge=verdict.knowledge,
        shift=verdict.shift,
        **summary.parts,
    )
