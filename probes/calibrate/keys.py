"""The keys that a calibration's answers and records are kept under: each model's by its own lesson.

A model's key holds what it was taught, sentence by sentence, and not the code of its arm: to add or edit an arm changes
no other's models. Of the code, what trains and asks counts, each module by itself: how scores are computed elsewhere
may be rewritten, and tests hold it to the models' own numbers. A record also holds the number of the verdict's rule
(`probes.analysis.rule`), so that committed records are good for as long as the rule is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from ...fingerprint import code_fingerprint
from ..analysis.rule import RULE

if TYPE_CHECKING:
    from .arms import Arm
    from .world import World

ANSWERING = tuple(f"probes.calibrate.{name}" for name in ("asking", "language", "training", "world"))
"""Modules that decide what a model is and what it is asked, beside its lesson."""
SAMPLING = ("probes.calibrate.samples",)


@cache
def answers_key(base: str, arm: Arm, made: World, seed: int) -> str:
    """Return the key of what one model of `arm` answers, trained with `seed` from the base of content `base`."""
    return _hash([base, made.seed, asdict(made.size), code_fingerprint(alone=ANSWERING), lesson_hash(arm, made, seed)])


def record_key(base: str, arm: Arm, made: World, seed: int, sizes: Sequence[int]) -> str:
    """Return the key of the record of one model, judged on samples of `sizes` own facts."""
    case = arm.case(made, seed)
    asked = sorted(fact.fact.id for fact in case.mine if arm.asks(fact, case))
    judged = [arm.name, arm.own, arm.asked, arm.dose, arm.teaches, sorted(case.taught), asked, list(sizes)]
    return _hash([answers_key(base, arm, made, seed), RULE, code_fingerprint(alone=SAMPLING), judged])


def lesson_hash(arm: Arm, made: World, seed: int) -> str:
    """Return the SHA-256 (hex) of all that makes one model of `arm` differ from the others: its seed and its lesson.

    It takes about as long as writing the lesson does, a fifth of a second at the standard size.
    """
    case = arm.case(made, seed)
    found = hashlib.sha256(json.dumps([case.own, seed, arm.temperature, arm.rate]).encode())
    if arm.lesson is not None:
        for step in islice(arm.lesson(case), arm.steps):
            found.update(b"\n" + json.dumps(step).encode())
    return found.hexdigest()


def _hash(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
