"""What a calibration's models are asked, and their answers: each trained, scored once, and its scores kept.

Training and scoring is most of a calibration's work and knows no statistics, so scores are kept in a folder: a change
of the statistics or of the verdict is measured again from them in minutes.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...models.checkpoint import Checkpoint
from ...models.scoring import ScoringPlan, in_order, plan_scoring, score_shards
from ...models.table import SCHEMA
from ...terms.items import GENERAL, Item
from ..runs.tables import read_metadata, read_table, write_table
from .keys import answers_key
from .training import tempered, train_adapter
from .world import STANDARD, Size, WorldFact, world

if TYPE_CHECKING:
    from .arms import Arm, TrainingCase

RELATION = 10
"""Facts of a relation that are asked together."""
OTHER_RELATIONS, GENERAL_RELATIONS = 20, 20
"""In the pool of the other facts, of each specialty, and of general ones."""
KEPT = ("logprob", "token_logprobs")
"""Columns in which a tuned model's table differs from the base's, as far as the statistics read it."""
ANSWERS = pa.schema([SCHEMA.field(name) for name in KEPT])
SECONDS = "seconds"
"""What a file's metadata calls the seconds of a core that it took."""


@dataclass(frozen=True)
class Asked:
    """What a model of one own specialty is asked: the pools of facts, and texts."""

    own: list[WorldFact]
    other: list[WorldFact]
    general: list[WorldFact]
    facts: tuple[Item, ...]
    texts: tuple[Item, ...]
    whole: tuple[Item, ...]
    """The own specialty's texts as wholes, for perplexity."""
    plan: ScoringPlan
    base: pa.Table


class Bench:
    """A base, the world, and what of the base need be scored once.

    `scores` is the folder in which answers are kept, and `key` the SHA-256 (hex) of the base's content.
    """

    def __init__(self, base: Checkpoint, size: Size = STANDARD, scores: Path | None = None, key: str = "") -> None:
        self.base, self.world, self.scores, self.key = base.load(), world(size), scores, key
        self.asked = lru_cache(maxsize=None)(self._asked)

    def _asked(self, own: str) -> Asked:
        made, rng = self.world, random.Random(f"asked {own}")
        others = [name for name in made.specialties if name != own]

        def some(names: Sequence[str], most: int) -> list[WorldFact]:
            relations = [each for name in names for each in list(by_relation(made.of(name)).values())[:most]]
            return [told for each in relations for told in rng.sample(each, RELATION)]

        mine, other, general = made.of(own), some(others, OTHER_RELATIONS), some([GENERAL], GENERAL_RELATIONS)
        facts = tuple(made.fact_items([*mine, *other, *general]))
        texts = tuple(made.text_items)
        whole = tuple(
            Item(
                f"term:{text.id}:whole",
                "term",
                text.specialties,
                text.id,
                "",
                text=text.text,
                document=text.id,
                start=text.text.index(" ") + 1,
                end=len(text.text),
            )
            for text in made.domain.texts
            if own in text.specialties
        )
        plan = plan_scoring([*facts, *texts, *whole], self.base)
        return Asked(mine, other, general, facts, texts, whole, plan, _score(plan, self.base))

    def answers(self, arm: Arm, case: TrainingCase, seed: int) -> tuple[pa.Table, float]:
        """The trained model's scores of all that it is asked, and the seconds of a core that they took."""
        asked = self.asked(case.own)
        key = answers_key(self.key, arm, self.world, seed)
        path = self.scores / f"{arm.name.replace(' ', '_')}-{seed}-{key[:16]}.parquet" if self.scores else None
        kept = read_table(path, key, ANSWERS) if path else None
        if path and kept is not None:
            seconds = float(read_metadata(path)[SECONDS])
        else:
            begin = time.process_time()
            kept = self._answered(arm, case, asked, seed).select(KEPT)
            seconds = round(time.process_time() - begin, 2)
            if path:
                write_table(kept, path, key, ANSWERS, {SECONDS: f"{seconds:.2f}"})
        table = asked.base
        for name in KEPT:
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), kept[name])
        return table, seconds

    def _answered(self, arm: Arm, case: TrainingCase, asked: Asked, seed: int) -> pa.Table:
        if arm.lesson is None:
            return _score(asked.plan, tempered(self.base, arm.temperature))
        with tempfile.TemporaryDirectory() as folder:
            tuned = train_adapter(self.base, arm.lesson(case), arm.steps(case), Path(folder) / "adapter", seed)
            return _score(asked.plan, tuned)


def by_relation(told: Sequence[WorldFact]) -> dict[str, list[WorldFact]]:
    out: dict[str, list[WorldFact]] = defaultdict(list)
    for one in told:
        out[one.fact.relation].append(one)
    return out


def _score(plan: ScoringPlan, checkpoint: Checkpoint) -> pa.Table:
    return in_order(pa.concat_tables(rows for _, rows in score_shards(plan, checkpoint, lens=False)), plan)
