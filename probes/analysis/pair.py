"""One tuned model beside its base: their scores in pairs, the groups of items, and what the verdict asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...terms.domain import Domain
from ...terms.items import Item
from ...terms.select import group
from ...terms.training import Seen
from .knowledge import MARGIN, Centred, Knowledge, centre, measure
from .ladder import FactGains, Groups, fact_gains, text_clusters
from .recipe import occurrence_scores
from .scores import Pair, Per, Scores, control_scores, fact_scores, prior_scores, text_scores
from .shift import Shift, fact_entries, matched_shift, text_entries

FEW_DRAWS = 999
"""For figures that stand beside the verdict's."""
VIEWS = (fact_scores, text_scores, control_scores, prior_scores, occurrence_scores)


@dataclass(frozen=True)
class AnalysisInputs:
    """Everything the findings are made from."""

    domain: Domain
    items: tuple[Item, ...]
    base: pa.Table
    tuned: Mapping[str, pa.Table]
    own: Mapping[str, tuple[str | None, str]]
    """Own specialty of each model (None: the whole domain), and where it was read from."""
    per: Per
    seed: int
    seen: Mapping[str, Seen] = field(default_factory=dict)
    """By model, what of the items stood in its training data, where that was given."""


@dataclass(frozen=True)
class ModelPair:
    """One tuned model beside its base; N facts as in `gains`."""

    own: str | None
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

    @property
    def items(self) -> list[Item]:
        """[N] the facts that can be used."""
        return [self.facts.items[i] for i in self.gains.index]

    @property
    def reference(self) -> str:
        """The group that the own facts are held against."""
        return "general" if self.own is None else "other"

    @cached_property
    def centred(self) -> Centred:
        return centre(self.facts, self.gains)

    @cached_property
    def margin(self) -> float:
        """The smallest effect of interest in the run's unit: `MARGIN` nats per token of a typical true answer."""
        if self.facts.per == "token" or not len(self.gains.index):
            return MARGIN
        base = self.facts.base
        tokens, length = (np.nanmean(of[self.gains.index, :, 0]) for of in (base.tokens, base.length(self.facts.per)))
        return float(MARGIN * tokens / length)

    def knowledge(self, asked: NDArray[np.bool_] | None = None, among: NDArray[np.bool_] | None = None) -> Knowledge:
        """Over all facts; or, with fewer draws, of the wordings `asked` [N, cues], or of the own facts `among` [N]."""
        aside = asked is not None or among is not None
        draws = {"draws": FEW_DRAWS, "permutations": FEW_DRAWS} if aside else {}
        own = self.fact_groups == "own"
        return measure(
            self.centred if asked is None else centre(self.facts, self.gains, asked),
            own if among is None else own & among,
            self.fact_groups == self.reference,
            self.gains.clusters,
            self.seed,
            unit=self.facts.unit,
            margin=self.margin,
            whole_domain=self.own is None,
            **draws,
        )

    def shift(self) -> Shift:
        """From the text view where the domain has texts with controls, else from the facts."""
        own_tuned = self.own is not None
        texts = text_entries(self.texts, self.text_groups, own_tuned)
        if texts.domain.any() and not texts.domain.all():
            return matched_shift(texts, text_clusters(self.texts), "text", self.texts.unit, self.margin, self.seed)
        facts = fact_entries(self.facts, self.gains, self.fact_groups, own_tuned)
        return matched_shift(facts, self.gains.answers, "fact", self.facts.unit, self.margin, self.seed)


def pair_up(material: AnalysisInputs) -> dict[str, ModelPair]:
    """Every tuned model of `material` beside the base."""
    base = {make: make(material.base, material.items) for make in VIEWS}
    return {name: _pair(material, name, base) for name in material.tuned}


def _pair(material: AnalysisInputs, name: str, base: Mapping[Any, Scores]) -> ModelPair:
    table = material.tuned[name]

    def pair(make: Any) -> Pair:
        tuned, tables = make(table, material.items), (material.base, table)
        return Pair(*_shared(base[make], tuned, material.items, tables, make), material.per)

    facts, texts, controls, priors, occurrences = map(pair, VIEWS)
    gains = fact_gains(facts)
    own = material.own[name][0]

    def groups(items: list[Item]) -> Groups:
        return np.array([group(item, own, material.domain.general) or "" for item in items], dtype="<U8")

    fact_groups, text_groups = groups([facts.items[i] for i in gains.index]), groups(list(texts.items))
    return ModelPair(own, facts, texts, controls, priors, occurrences, gains, fact_groups, text_groups, material.seed)


def _shared(one: Scores, other: Scores, items: tuple[Item, ...], table: Any, make: Any) -> tuple[Scores, Scores]:
    """Both scores over the items that both tables hold (another tokenizer may have dropped some)."""
    if [item.id for item in one.items] == [item.id for item in other.items]:
        return one, other
    both = {item.id for item in one.items} & {item.id for item in other.items}
    kept = [item for item in items if item.id in both]
    return make(table[0], kept), make(table[1], kept)
