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
from .findings import Check, Counts, ErrorRate, Finding, Ledger, ShiftFinding
from .rungs import Per, Rung, Side, View

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
    specific_knowledge: Estimate
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
    specific_knowledge: Estimate
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
    knowledge: Finding
    shift: ShiftFinding
    calibration: ErrorRate | None = None
    """None where no error rate was measured for such a run."""
    validity: tuple[Check, ...] = ()
    unread_layers: str = ""
    """Why no layers were read of the model; empty where they were."""


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
    specific_knowledge: Estimate
    """Mean residual of the own facts; `p` is the permutation's."""
    margin_gain: Estimate
    sharpening: Finite
    """Slope of tuned on base margins; above 1 the model grew more confident."""
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
