"""One tuned model and its base: their scores in pairs, the groups of items, and the statistics that analyses share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ...models.rounding import TrainedOn
from ...terms.domain import QUESTION, Domain
from ...terms.items import Item
from ...terms.select import group
from ...terms.training import Seen
from ..results.findings import MARGIN, Ledger
from ..results.rungs import Group
from .centring import Centred, centre
from .inputs import AnalysisInputs
from .knowledge import Knowledge, measure
from .ladder import FactGains, Groups, Ladder, fact_gains, fact_ladder, text_clusters, text_ladder
from .ledger import ledger, ledger_frame, thirds
from .resample import DRAWS
from .scores import (
    Pair,
    Scores,
    control_scores,
    fact_scores,
    occurrence_scores,
    prior_scores,
    require_finite,
    text_scores,
)
from .shift import Shift, matched_shift
from .standing import Standing
from .targets import fact_targets, text_targets

FEW_DRAWS = 999
"""For figures that are in no verdict."""
ScoreReader = Callable[[pa.Table, Sequence[Item]], Scores]


@dataclass(frozen=True)
class ModelPair:
    """One tuned model and its base; N facts as in `gains`.

    What several analyses need is a cached property, so that nothing is computed twice.
    """

    name: str
    domain: Domain
    own: str | None
    """Own specialty; None for a tune of the whole domain."""
    facts: Pair
    texts: Pair
    controls: Pair
    priors: Pair
    occurrences: Pair
    gains: FactGains
    fact_groups: Groups
    """[N]"""
    text_groups: Groups
    seed: int
    seen: Seen | None = None
    """What of the items stood in the training data, where that was given."""
    trained_on: TrainedOn | None = None
    """The rounded base that it was trained on, where its own base is not rounded."""
    rounded: ModelPair | None = None
    """That rounded base in the tuned model's place, where it was scored."""

    @property
    def items(self) -> list[Item]:
        """[N] the facts that can be used."""
        return [self.facts.items[i] for i in self.gains.index]

    @property
    def specialties(self) -> list[str]:
        return list(self.domain.specialties)

    @property
    def is_own_tuned(self) -> bool:
        """Whether the model was tuned on one specialty, so that others can be compared with it."""
        return self.own is not None

    @property
    def reference(self) -> Group:
        """The group that the own facts are compared with; for a tune of the whole domain contrast and general ones."""
        return "general" if self.own is None else "other"

    @property
    def is_reference(self) -> NDArray[np.bool_]:
        """[N] whether the own facts are compared with this one."""
        return np.isin(self.fact_groups, ["contrast", "general"] if self.own is None else ["other"])

    @cached_property
    def centred(self) -> Centred:
        return centre(self.facts, self.gains)

    @cached_property
    def standing(self) -> Standing:
        """What base and tuned model know of the facts."""
        return Standing.of(self.centred, self.margin / MARGIN)

    @cached_property
    def fact_specialties(self) -> list[str]:
        """[N] the specialty that each fact's relation is counted in: the own one of own facts."""
        own = self.own or ""
        return [own if own in item.specialties else item.specialties[0] for item in self.items]

    @cached_property
    def fact_relations(self) -> list[str]:
        """[N] what moves together: the relation of each fact; questions share none, so each is one of its own."""
        return [item.id if item.relation == QUESTION else item.relation for item in self.items]

    @property
    def wording_names(self) -> tuple[str, ...]:
        """Names of the wordings, where all facts' have the same."""
        named = {item.wordings for item in self.items if item.wordings}
        return next(iter(named)) if len(named) == 1 else ()

    @cached_property
    def margin(self) -> float:
        """The smallest effect of interest in the run's unit: `MARGIN` nats per token of a typical true answer."""
        if self.facts.per == "token" or not len(self.gains.index):
            return MARGIN
        base = self.facts.base
        tokens, length = (np.nanmean(of[self.gains.index, :, 0]) for of in (base.tokens, base.length(self.facts.per)))
        return float(MARGIN * tokens / length)

    @cached_property
    def fact_ladder(self) -> Ladder:
        return fact_ladder(self.facts, self.gains, self.fact_groups, self.is_own_tuned, self.seed)

    @cached_property
    def text_ladder(self) -> Ladder:
        return text_ladder(self.texts, self.text_groups, self.is_own_tuned, self.seed)

    @cached_property
    def thirds(self) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
        """The third of the base's centred margin that each fact [N] lies in, and the two edges."""
        return thirds(self.centred.margins()[0], (self.fact_groups == "own") | self.is_reference)

    @cached_property
    def fact_frame(self) -> pl.DataFrame:
        """The facts ledger, a row for each of the N facts."""
        frame = ledger_frame(self.name, self.facts, self.gains, self.fact_groups, self.centred, self.thirds[0])
        how = [self.seen.facts.get(item.id, "no") if self.seen else None for item in self.items]
        return frame.with_columns(seen=pl.Series(how, dtype=pl.String))

    @cached_property
    def ledger(self) -> Ledger:
        return ledger(self.fact_frame, self.specialties)

    @cached_property
    def knowledge(self) -> Knowledge:
        """The knowledge statistic over all facts, which the verdict reads."""
        return self._measure(self.centred, self.fact_groups == "own")

    def knowledge_of_wordings(self, asked: NDArray[np.bool_]) -> Knowledge:
        """Return the statistic of the wordings `asked` [N, cues] alone, with fewer draws."""
        return self._measure(centre(self.facts, self.gains, asked), self.fact_groups == "own", FEW_DRAWS)

    def knowledge_among(self, among: NDArray[np.bool_]) -> Knowledge:
        """Return the statistic of the own facts `among` [N] alone, with fewer draws."""
        return self._measure(self.centred, (self.fact_groups == "own") & among, FEW_DRAWS)

    def _measure(self, centred: Centred, own: NDArray[np.bool_], draws: int = DRAWS) -> Knowledge:
        return measure(
            centred,
            own,
            self.is_reference,
            self.fact_relations,
            self.fact_specialties,
            self.gains.clusters,
            self.seed,
            unit=self.facts.unit,
            margin=self.margin,
            reference_name=self.reference,
            wordings=self.wording_names,
            draws=draws,
        )

    def knowledge_as_if(self, specialty: str) -> Knowledge:
        """Return the statistic as if `specialty`, which is not the own one, were the own one: a placebo.

        The true own specialty has no part in it.
        """
        return self.knowledge_within(self.fact_groups == "other", specialty)

    def knowledge_within(self, among: NDArray[np.bool_], specialty: str) -> Knowledge:
        """Return the statistic of the facts `among` [N], those of `specialty` as own and the rest as others.

        It has neither an interval to rely on nor a p.
        """
        own = np.array([specialty in item.specialties for item in self.items], dtype=bool)
        return measure(
            self.centred,
            among & own,
            among & ~own,
            self.fact_relations,
            [specialty if specialty in item.specialties else item.specialties[0] for item in self.items],
            self.gains.clusters,
            self.seed,
            unit=self.facts.unit,
            margin=self.margin,
            draws=2,
            permute=False,
        )

    @cached_property
    def shift(self) -> Shift:
        """The shift statistic, from the text view where the domain has texts with controls, else from the facts."""
        moved = "other" if self.is_own_tuned else "own"
        texts = text_targets(self.texts, self.text_groups)
        rest = self.margin, self.seed, self.is_own_tuned
        if (texts.group == moved).any() and np.isin(texts.group, ["contrast", "general"]).any():
            return matched_shift(texts, text_clusters(self.texts), "text", self.texts.unit, *rest)
        facts = fact_targets(self.facts, self.gains, self.fact_groups)
        return matched_shift(facts, self.gains.answers, "fact", self.facts.unit, *rest)


class BaseScores:
    """The base's scores as arrays, ready to be paired with one tuned model after another.

    Raises:
        ItemError: The base's table holds a log-probability that is not finite.
    """

    def __init__(self, inputs: AnalysisInputs) -> None:
        self.inputs = inputs
        table, items = require_finite(inputs.base, "the base"), inputs.items
        self.facts = fact_scores(table, items)
        self.texts = text_scores(table, items)
        self.controls = control_scores(table, items)
        self.priors = prior_scores(table, items)
        self.occurrences = occurrence_scores(table, items)

    @property
    def layers(self) -> int:
        """How many layers were read through the lens."""
        return max((s.lens.shape[-1] for s in (self.facts, self.texts) if s.lens is not None), default=0)

    def pair_with(self, name: str) -> ModelPair:
        """Return the base and the tuned model `name` as a pair.

        Raises:
            ItemError: The model's table holds a log-probability that is not finite.
        """
        pair, trained = self._pair_with_table(name, self.inputs.tuned[name]), self.inputs.trained_on.get(name)
        if trained is None or trained.precision not in self.inputs.rounded:
            return replace(pair, trained_on=trained)
        rounded = self._pair_with_table(name, self.inputs.rounded[trained.precision])
        return replace(pair, trained_on=trained, rounded=rounded)

    def _pair_with_table(self, name: str, table: pa.Table) -> ModelPair:
        inputs = self.inputs
        facts, texts, controls, priors, occurrences = self._pairs(require_finite(table, name))
        gains, own = fact_gains(facts), inputs.own[name][0]

        def groups(items: Sequence[Item]) -> Groups:
            return np.array([group(item, own, inputs.domain.general) or "" for item in items], dtype="<U8")

        return ModelPair(
            name,
            inputs.domain,
            own,
            facts,
            texts,
            controls,
            priors,
            occurrences,
            gains,
            groups([facts.items[i] for i in gains.index]),
            groups(texts.items),
            inputs.seed,
            inputs.seen.get(name),
        )

    def _pairs(self, table: pa.Table) -> list[Pair]:
        """Pair the scores of each kind of item with those of a tuned model's table."""
        readers: list[tuple[Scores, ScoreReader]] = [
            (self.facts, fact_scores),
            (self.texts, text_scores),
            (self.controls, control_scores),
            (self.priors, prior_scores),
            (self.occurrences, occurrence_scores),
        ]
        return [self._pair(base, table, read) for base, read in readers]

    def _pair(self, base: Scores, table: pa.Table, read: ScoreReader) -> Pair:
        """Pair both scores over the items that both tables hold; another tokenizer may have dropped some."""
        inputs = self.inputs
        tuned = read(table, inputs.items)
        if [item.id for item in base.items] != [item.id for item in tuned.items]:
            both = {item.id for item in base.items} & {item.id for item in tuned.items}
            kept = [item for item in inputs.items if item.id in both]
            base, tuned = read(inputs.base, kept), read(table, kept)
        return Pair(base, tuned, inputs.per)


def pair_up(inputs: AnalysisInputs) -> dict[str, ModelPair]:
    """Return every tuned model paired with the base, all in memory at once."""
    base = BaseScores(inputs)
    return {name: base.pair_with(name) for name in inputs.tuned}
