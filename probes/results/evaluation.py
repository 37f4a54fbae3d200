"""The layout of evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, ValidationError

from ...errors import RunError
from .base import Count, Document, Finite, ResultModel, describe
from .estimate import Estimate

Outcome = Literal["win", "tie", "loss", "unknown"]
GainKind = Literal["terms", "answers", "margin"]
OptionValue = str | int | float | bool | None
Part = TypeVar("Part", bound=ResultModel)


class ModelScore(ResultModel):
    """A model's mean on one metric of a task, over all questions or over those with one label."""

    model: str
    task: str
    metric: str
    label: str
    """A specialty or another group of questions; empty: all of them."""
    estimate: Estimate


class PairDifference(ResultModel):
    """A tuned model compared with its base, question by question."""

    tuned: str
    base: str
    task: str
    metric: str
    label: str
    """As of `ModelScore`."""
    difference: Estimate
    """Tuned minus base."""
    win: Count
    """Questions on which the tuned model did better."""
    tie: Count
    loss: Count
    p: Finite
    """Exact sign test of `win` against `loss`; None for metrics that are described and not compared."""
    q: Finite
    """`p` corrected over every test of the evaluation (Benjamini and Hochberg)."""
    outcome: Outcome


class PairOutcomes(ResultModel):
    """On how many of the tested metrics a tuned model wins, ties or loses, or cannot be told from its base."""

    tuned: str
    base: str
    win: Count
    tie: Count
    loss: Count
    unknown: Count = 0


class QuestionCount(ResultModel):
    """How many questions of a task were asked."""

    asked: Count
    left_out: Count


class LeftOutQuestions(ResultModel):
    """The questions that were left out of a task for one reason."""

    n: Count
    first: str = ""
    """The first of them."""


def _counted(value: Any) -> Any:
    """Accept the number alone, which early evaluations hold."""
    return {"n": value} if isinstance(value, int) else value


class DataFault(ResultModel):
    """Records of the data that cannot be used, by what is wrong with them."""

    what: str
    records: Count
    first: str = ""
    """Where the first of them is."""


class MissingTask(ResultModel):
    """A task that is not run."""

    task: str
    why: str
    where: str = ""
    """Where to get what it lacks."""

    def __str__(self) -> str:
        return f"{self.task}: not run: {self.why}" + (f"; {self.where}" if self.where else "")


class SpecialtyPoint(ResultModel):
    """One specialty's gains in the comparison and its difference of accuracy."""

    specialty: str
    accuracy: Estimate
    terms: Estimate | None
    answers: Estimate | None
    margin: Estimate | None


class BetterCounts(ResultModel):
    """In how many specialties terms became likelier and answers better; both are known in `of` specialties."""

    of: Count
    likelier: Count
    better: Count


class GainCorrelation(ResultModel):
    """Gains of probability beside differences of accuracy, over specialties."""

    points: tuple[SpecialtyPoint, ...]
    correlation: dict[GainKind, Estimate]
    counts: BetterCounts


class EvaluationResult(Document):
    """A finished evaluation, as `probe evaluate --json` prints it."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str] = "evaluation.json"
    COMMAND: ClassVar[str] = "probe evaluate"

    suite: str
    seed: int = 0
    scores: tuple[ModelScore, ...]
    pairs: tuple[PairDifference, ...]
    outcomes: tuple[PairOutcomes, ...] = ()
    tie_rule: str = ""
    base: str
    models: tuple[str, ...]
    """Every other model, further bases among them."""
    run: str = ""
    """Path of the run directory when the run was made."""
    domain: str = ""
    specialties: dict[str, str] = Field(default_factory=dict)
    """Display names by id."""
    context: int | None = None
    """Tokens that every model may read."""
    template: str = "none"
    methods: tuple[str, ...] = ()
    """Ways to ask multiple-choice questions."""
    options: dict[str, OptionValue] = Field(default_factory=dict)
    """Other options of the command, by name."""
    counts: dict[str, QuestionCount] = Field(default_factory=dict)
    """By task."""
    left_out: dict[str, dict[str, Annotated[LeftOutQuestions, BeforeValidator(_counted)]]] = Field(default_factory=dict)
    """By task and reason."""
    faults: tuple[DataFault, ...] = ()
    not_run: tuple[MissingTask, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the numbers should know."""
    more: dict[str, JsonValue] = Field(default_factory=dict)
    """What the suite adds; `part` reads it as the class that the suite declares."""
    beside: dict[str, dict[str, GainCorrelation]] | None = Field(default=None, exclude_if=lambda value: value is None)
    """By tuned model and task, where the evaluation belongs to a comparison."""

    @property
    def names(self) -> list[str]:
        """Every model, base first."""
        return [self.base, *self.models]

    def part(self, kind: type[Part]) -> Part:
        """Return what the suite adds. Raises `RunError` where it does not have the layout of `kind`."""
        try:
            return kind.model_validate(self.more)
        except ValidationError as error:
            raise RunError(f"{self.FILE}: more: {describe(error)}; run {self.COMMAND} again") from error

    def estimates(self) -> Mapping[tuple[str, str, str, str], Estimate]:
        """Return the scores by model, task, metric and label."""
        return {(row.model, row.task, row.metric, row.label): row.estimate for row in self.scores}
