"""Names and labels of the results: rungs, groups of items, views, outcomes of facts; each written once."""

from __future__ import annotations

from typing import Literal, get_args

Rung = Literal["generic_drift", "domain_shift", "specialty_vocabulary", "knowledge"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
TEXT_RUNGS: tuple[Rung, ...] = RUNGS[:3]
"""Terms in running text have no wrong answers, and so no knowledge rung."""
RUNG_LABELS: dict[Rung, str] = {
    "generic_drift": "generic drift",
    "domain_shift": "domain shift",
    "specialty_vocabulary": "own wrong answers",
    "knowledge": "knowledge",
}
TEXT_RUNG_LABELS: dict[Rung, str] = RUNG_LABELS | {"specialty_vocabulary": "own vocabulary"}
"""Terms in running text have no wrong answers."""

ROUNDING = "rounding"
"""Name of the analysis that gives what rounding the base changes by itself, and its label."""

Group = Literal["own", "other", "general"]
GROUPS: tuple[Group, ...] = get_args(Group)
Side = Literal["own", "other"]
ShiftGroup = Literal["general", "contrast", "other", "own"]
"""The groups of the shift's gradient, from what lies farthest from the own specialty to the specialty itself."""
SHIFT_GROUPS: tuple[ShiftGroup, ...] = get_args(ShiftGroup)
SIDES: tuple[Side, ...] = get_args(Side)

View = Literal["fact", "text"]
"""Where gains are read: from facts, or from terms in running text."""
VIEWS: tuple[View, ...] = get_args(View)
DiagonalView = Literal["term", "fact"]

Per = Literal["token", "target", "character"]
UNITS: dict[Per, str] = {"token": "nats/token", "target": "nats", "character": "nats/character"}

Measure = Literal["T", "D", "margin", "specific_margin"]
"""Mean gain of the own true answers, of their wrong ones, the difference, and that less the other specialties'."""
MEASURES: tuple[Measure, ...] = get_args(Measure)

FactState = Literal["learned", "kept", "lost", "never"]
"""What became of a fact: known after training alone, before and after, before alone, at neither time."""
FACT_STATES: tuple[FactState, ...] = get_args(FactState)
Category = Literal["known", "maybe known", "unknown"]
"""What a model knows of a fact; see `probes.analysis.standing`."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
Change = Literal["learned", "lost"]
"""What can become of a fact that the base did not know, and of one that it knew."""

MatrixColumn = Literal["terms", "answers", "margin"]
"""What a cell of the matrix averages: terms in running text, true answers, true beyond wrong answers."""

ACQUIRED = "Acquired"
LEARNED = "Learned, of those clearly unknown"
REINFORCED = "Reinforced"
BEYOND_CONTRAST = "Shift beyond the contrast"
ABSOLUTE_SHIFT = "Shift in absolute terms"
GENERAL_LANGUAGE = "General language"
TOWARDS_OWN = "Towards its specialty"
RIGHT_WRONG_PAIRS = "Right-wrong pairs (K)"
"""Names of the verdict's quantities."""
