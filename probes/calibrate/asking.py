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

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...models.checkpoint import Checkpoint
from ...models.scoring import ScoringPlan, in_order, plan_scoring, score_shards
from ...models.table import SCHEMA, TEMPERATURES
from ...terms.items import GENERAL, Item
from ..runs.tables import read_metadata, read_table, write_table
from .keys import answers_key
from .training import train_adapter
from .world import World, WorldFact

if TYPE_CHECKING:
    from .arms import Arm
    from .lessons import TrainingCase

OTHER_FACTS = 20
"""In the pool, of each relation that is not the own specialty's."""
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
    contrast: list[WorldFact]
    general: list[WorldFact]
    facts: tuple[Item, ...]
    texts: tuple[Item, ...]
    whole: tuple[Item, ...]
    """The own specialty's texts as wholes, for perplexity."""
    plan: ScoringPlan
    base: pa.Table


class Bench:
    """A base, the world that it has read, and what of the base need be scored once.

    Args:
        base: The base.
        world: Its world.
        scores: Folder in which answers are kept.
        key: SHA-256 (hex) of the base's content.
    """

    def __init__(self, base: Checkpoint, world: World, scores: Path | None = None, key: str = "") -> None:
        self.base, self.world, self.scores, self.key = base.load(), world, scores, key
        self.asked = lru_cache(maxsize=None)(self._asked)

    def _asked(self, own: str) -> Asked:
        made, rng = self.world, random.Random(f"asked {own}")
        others = [name for name in made.specialties if name != own]

        def some(names: Sequence[str]) -> list[WorldFact]:
            relations = by_relation(made.of(*names)).values()
            return [fact for each in relations for fact in rng.sample(each, min(OTHER_FACTS, len(each)))]

        mine, other, contrast, general = made.of(own), some(others), some(made.fields), some([GENERAL])
        facts = tuple(made.fact_items([*mine, *other, *contrast, *general]))
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
        return Asked(mine, other, contrast, general, facts, texts, whole, plan, _score(plan, self.base))

    def answers(self, arm: Arm, case: TrainingCase, seed: int) -> tuple[pa.Table, float]:
        """Return the trained model's scores of all that it is asked, and the seconds of a core that they took."""
        asked = self.asked(case.own)
        if arm.lesson is None:
            return _own_at(asked, arm.temperature), 0.0
        key = answers_key(self.key, arm, self.world, seed)
        path = self.scores / f"{arm.name.replace(' ', '_')}-{seed}-{key[:16]}.parquet" if self.scores else None
        kept = read_table(path, key, ANSWERS) if path else None
        if path and kept is not None:
            seconds = float(read_metadata(path)[SECONDS])
        else:
            begin = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                lesson = arm.lesson(case)
                tuned = train_adapter(self.base, lesson, arm.steps, Path(folder) / "adapter", seed, arm.rate)
                kept = _score(asked.plan, tuned).select(KEPT)
            seconds = round(time.process_time() - begin, 2)
            if path:
                write_table(kept, path, key, ANSWERS, {SECONDS: f"{seconds:.2f}"})
        table = asked.base
        for name in KEPT:
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), kept[name])
        return table, seconds


def _own_at(asked: Asked, temperature: float) -> pa.Table:
    """Return the base's scores, those of the own facts at another temperature: no model, and nothing learned."""
    table, names = asked.base, {f"fact:{fact.fact.id}" for fact in asked.own}
    own = pc.is_in(table["item"], pa.array(sorted(names)))
    tempered = table["tempered"].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
    values = tempered[:, TEMPERATURES.index(temperature)].astype(np.float64)
    logprob = pc.if_else(own, pa.array(values), table["logprob"])
    return table.set_column(table.schema.get_field_index("logprob"), SCHEMA.field("logprob"), logprob)


def by_relation(told: Sequence[WorldFact]) -> dict[str, list[WorldFact]]:
    out: dict[str, list[WorldFact]] = defaultdict(list)
    for one in told:
        out[one.fact.relation].append(one)
    return out


def _score(plan: ScoringPlan, checkpoint: Checkpoint) -> pa.Table:
    return in_order(pa.concat_tables(rows for _, rows in score_shards(plan, checkpoint, lens=False)), plan)
