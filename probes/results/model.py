"""What a run says of one tuned model: the verdict, and each analysis under its registered name.

The fields that `ModelResult` adds to `ModelVerdict` are the built-in analyses. A further analysis
(`probes.analysis.registry`) adds a key of its own name; `ModelResult.part` reads it as the type that its author gave
it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ...errors import RunError
from .base import Count, Finite, ResultModel, describe
from .estimate import Estimate, MatchedEstimate
from .findings import Check, Counts, ErrorRate, KnowledgeFinding, Ledger, Rate, ShiftFinding
from .rungs import Category, Per, Rung, Side, View

Part = TypeVar("Part")


class LadderTotals(ResultModel):
    """The ladder of both views in one unit; the rungs sum to the total."""

    rungs: dict[Rung, Estimate]
    text_rungs: dict[Rung, Estimate]
    total: Estimate
    text_total: Estimate


class MatrixRow(ResultModel):
    """Mean gains in one specialty: of terms in text, of true answers, and of their margins."""

    terms: Estimate
    answers: Estimate
    margin: Estimate


class ViewRow(ResultModel):
    """The same gains looked at in another way; see `probes.analysis.views`."""

    view: str
    T: Estimate
    D: Estimate
    margin: Estimate
    specific_margin: Estimate


class StratumSide(Counts):
    """One side of a stratum: the ledger's counts, and the plain margin gain."""

    margin_gain: Estimate


class Stratum(ResultModel):
    """Facts that were alike to the base, own and other, and the difference of their gains."""

    by: str
    """`state` (known or unknown to the base) or `base margin` (thirds)."""
    stratum: str
    low: Finite = Field(None, alias="from")
    """Lower edge of the base margin, nats."""
    high: Finite = Field(None, alias="to")
    own: StratumSide
    other: StratumSide
    difference: Estimate


class WordingRow(ResultModel):
    """The figures of one wording alone."""

    cue: int | None
    """Place of the cue, where the domain names no wordings."""
    wording: str | None
    facts: Count
    acquired: Estimate
    margin_gain: Estimate

    @property
    def label(self) -> str:
        return self.wording or f"wording {(self.cue or 0) + 1}"


class RecipeResult(ResultModel):
    """A published study's plain statistic, in no verdict."""

    all: Estimate
    by_specialty: dict[str, Estimate]
    occurrences: Count
    hides: str
    """What the statistic cannot show."""


class Reinforced(ResultModel):
    """What became of facts that the base knew: own beyond the reference, and both sides' plain margin gains."""

    difference: Estimate
    own: Estimate
    reference: Estimate


class Placebo(ResultModel):
    """What a specialty on which the model was not tuned seems to have acquired: how far the statistic strays."""

    specialty: str
    acquired: Finite
    learned: Rate


class CategoryCounts(ResultModel):
    """Facts that are known, maybe known and unknown, to the base and to the tuned model."""

    base: dict[Category, Count]
    tuned: dict[Category, Count]


class RightWrongPairs(ResultModel):
    """K: the share of right-wrong pairs in which the right answer is likelier (arXiv 2503.15299)."""

    base: Finite
    tuned: Finite
    facts: Count


class WrongAnswer(ResultModel):
    """An own fact that the tuned model gets confidently wrong and the base did not."""

    item: str
    cue: str
    answer: str
    given: str
    """The wrong answer that now leads."""
    base_lead: Finite
    """Its lead over the best other candidate in the base; below zero where it was not first."""
    tuned_lead: Finite


class TrainingFile(ResultModel):
    """The training data that was given for a model."""

    name: str
    hash: str
    """SHA-256 (hex)."""
    passages: Count
    words: Count


class ExposureLedger(ResultModel):
    own: Counts
    other: Counts


class ExposureSide(ResultModel):
    """Own facts that were seen in training, or those that were not."""

    rungs: dict[Rung, Estimate]
    acquired: Estimate
    margin_gain: Estimate
    ledger: ExposureLedger


class Exposure(ResultModel):
    """What of the run's items stood in the training data."""

    file: TrainingFile
    facts: dict[str, Count]
    """Facts by how they were seen: exact, together, no."""
    terms: dict[str, Count]
    texts: Count
    seen: ExposureSide
    unseen: ExposureSide


class ModelVerdict(ResultModel):
    """The verdict on one tuned model, and what it depends on."""

    own: str | None
    """Specialty id; None for a tune of the whole domain."""
    own_from: str = ""
    """Where the own specialty was read from."""
    verdict: str
    sentence: str
    missing: tuple[str, ...]
    """What an answer lacks, where it is unclear."""
    knowledge: KnowledgeFinding
    shift: ShiftFinding
    calibration: ErrorRate | None = None
    """None where no error rate was measured for such a run."""
    validity: tuple[Check, ...] = ()
    unread_layers: str = ""
    """Why no layers were read of the model; empty where they were."""

    @property
    def title(self) -> str:
        """Both halves of the verdict: `Knowledge: yes (acquired). Shift: no (narrowed).`"""
        knowledge = self.knowledge.label
        if not self.knowledge.testable and self.knowledge.own_known > self.knowledge.own_unknown:
            knowledge += f", {self.knowledge.base_knew}"
        return f"Knowledge: {knowledge}. Shift: {self.shift.label}."


class ModelResult(ModelVerdict):
    """One tuned model compared with its base. Analyses that the package does not know are kept as they are."""

    model_config = ConfigDict(extra="allow")

    rungs: dict[Rung, Estimate]
    text_rungs: dict[Rung, Estimate]
    total: Estimate
    text_total: Estimate
    other_units: dict[Per, LadderTotals]
    specific_margin: Estimate
    transferable: Estimate
    acquired: Estimate
    """What the own unknown facts gained beyond the reference's; `p` permutes whole relations."""
    margin_gain: Estimate
    """Plain margin gain of the own unknown facts."""
    reinforced: Reinforced
    placebos: tuple[Placebo, ...]
    categories: dict[Side, CategoryCounts]
    right_wrong_pairs: dict[Side, RightWrongPairs]
    wrong_answers: tuple[WrongAnswer, ...]
    sharpening: Finite
    """Slope of tuned on base scores of own wrong answers; above 1 the model grew more confident."""
    views: tuple[ViewRow, ...]
    matrix: dict[str, MatrixRow]
    """By specialty id."""
    controls: dict[str, dict[Side, MatchedEstimate]]
    """Terms less their control words, by where these stand (`documents`, `general`) and group of terms."""
    smedqa: RecipeResult | None
    """The S-MedQA statistic, where `--recipe smedqa` asked for it."""
    by_layer: dict[View, dict[Rung, list[Estimate]]]
    """One estimate a layer of `ComparisonResult.layer_numbers`; none where no layers were read."""
    ledger: Ledger
    strata: tuple[Stratum, ...]
    wordings: tuple[WordingRow, ...]
    training: Exposure | None

    def part(self, name: str, kind: type[Part]) -> Part | None:
        """Return the analysis `name` as a `kind`; None where the run has none.

        Raises:
            RunError: What the run holds under that name has another layout.
        """
        value = getattr(self, name, None)
        if value is None or isinstance(value, kind):
            return value
        return _validated(name, value, kind)


def _validated(name: str, value: Any, kind: type[Part]) -> Part:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise RunError(f"{name}: {describe(error)}; run probe compare again") from error
