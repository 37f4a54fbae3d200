"""The keys that a calibration's answers and records are kept under: each model's by its own lesson.

An arm is a few functions beside many others, so a model's key holds what it was taught, sentence by sentence, and not
the code of its arm: to add or edit an arm changes no other's models. What trains, asks and judges all models alike
counts by its code (`fingerprint`), the world by its size and the code that makes it.
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

if TYPE_CHECKING:
    from .arms import Arm
    from .world import World

ANSWERING = ("probes.calibrate.asking",)
"""Roots of the code that trains a model and asks it; it must not import the arms."""
JUDGING = ("probes.calibrate.judging", "probes.analysis.*")
"""Roots of the code that judges answers; it must not import the arms."""


@cache
def answers_key(base: str, arm: Arm, made: World, seed: int) -> str:
    """Return the key of what one model of `arm` answers, trained with `seed` from the base of content `base`."""
    return _hash([base, asdict(made.size), code_fingerprint(*ANSWERING), lesson_hash(arm, made, seed)])


def record_key(base: str, arm: Arm, made: World, seed: int, sizes: Sequence[int]) -> str:
    """Return the key of the record of one model, judged on samples of `sizes` own facts."""
    case = arm.case(made, seed)
    asked = sorted(fact.fact.id for fact in case.mine if arm.asks(fact, case))
    judged = [arm.name, arm.asked, arm.dose, sorted(case.taught), asked, list(sizes)]
    return _hash([answers_key(base, arm, made, seed), code_fingerprint(*JUDGING), judged])


def lesson_hash(arm: Arm, made: World, seed: int) -> str:
    """Return the SHA-256 (hex) of all that makes one model of `arm` differ from the others: its seed and its lesson.

    It takes about as long as writing the lesson does, a tenth of a second at the standard size.
    """
    case = arm.case(made, seed)
    found = hashlib.sha256(json.dumps([case.own, seed, arm.temperature]).encode())
    if arm.lesson is not None:
        for step in islice(arm.lesson(case), arm.steps(case)):
            found.update(b"\n" + json.dumps(step).encode())
    return found.hexdigest()


def _hash(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
