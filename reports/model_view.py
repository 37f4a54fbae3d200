"""One tuned model as the report sees it: its part of comparison.json, checked and typed. Read by `reports.run_view`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RunError
from .numbers import AGAIN, Number, finite, need, numbers

RUNGS = ("generic_drift", "domain_shift", "specialty_vocabulary", "knowledge")
TEXT_RUNGS = RUNGS[:3]
GROUPS = ("own", "other", "general")
COUNTED = ("facts", "unknown", "learned", "known", "lost")
WORDING = ("specific_knowledge", "margin_gain")
MEASURES = ("T", "D", "margin", "specific_margin")
"""Of a view: gain of own true answers, of their wrong answers, the difference, and that beyond other specialties'."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """What a question's test could have seen: the smallest effect, the smallest margin that it could rule out, and the
    concepts needed for an effect as large as `margin`."""

    effect: float
    absence: float
    margin: float
    power: float
    unit: str
    concepts: int
    needed: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One question's answer: yes, no or unclear, and why."""

    state: str
    why: str
    detectable: Detectable | None


@dataclass(frozen=True, slots=True)
class Shift(Finding):
    view: str
    matched: Number
    temperature: float | None
    predicted: float | None
    """What that temperature alone would give for the matched rung."""
    support: float | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts by group (own, other, general): facts, unknown, learned, known, lost; exact tests of own against other."""

    groups: dict[str, dict[str, int]]
    p_learned: float | None
    p_lost: float | None
    h: dict[str, float | None]
    """Cohen's h of own against other, `learned` and `lost`."""
    by_specialty: dict[str, dict[str, int]]
    """The same counts by specialty id."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Facts that were alike to the base: counts and plain margin gain, own and other, and the gains' difference."""

    by: str
    """`state` (known or unknown to the base) or `base margin` (thirds)."""
    name: str
    counts: dict[str, dict[str, int]]
    gain: dict[str, Number]
    difference: Number


@dataclass(frozen=True, slots=True)
class Training:
    """What stood in a model's training data; `sides` are `seen` and `unseen`."""

    file: str
    passages: int
    facts: dict[str, int]
    """Facts of the run by how they were seen: exact, together, no."""
    rungs: dict[str, dict[str, Number]]
    specific: dict[str, Number]
    counts: dict[str, dict[str, int]]
    """Own facts: facts, unknown, learned, known, lost."""


@dataclass(frozen=True, slots=True)
class Check:
    check: str
    value: Any
    tolerance: Any
    passed: bool
    note: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """One tuned model beside the base."""

    name: str
    own: str | None
    """Specialty id; None for a tune of the whole domain."""
    own_from: str
    verdict: str
    knowledge: Finding
    shift: Shift
    sentence: str
    calibration: str
    """How often a verdict like this one was wrong; empty where that was not measured."""
    calibration_brief: str
    """The same in a line."""
    missing: tuple[str, ...]
    rungs: dict[str, Number]
    text_rungs: dict[str, Number]
    total: Number
    text_total: Number
    other_units: dict[str, dict[str, dict[str, Number]]]
    """By unit (token, target) that is not the run's: the fact view's rungs and total, the text view's."""
    specific_margin: Number
    specific_knowledge: Number
    margin_gain: Number
    sharpening: float | None
    """Slope of tuned on base margins: above 1 the model grew more confident."""
    transferable: Number
    matrix: dict[str, dict[str, Number]]
    """By specialty id: terms, answers, margin."""
    controls: dict[str, dict[str, tuple[Number, float]]]
    """Terms less their control words, by where these stand (documents, general) and group of terms (own, other); and
    the share of terms that found one."""
    recipe: dict[str, Number]
    """The S-MedQA statistic where `--recipe smedqa` asked for it: `all`, and by specialty id."""
    recipe_hides: str
    """What it hides, as the run says it."""
    by_layer: dict[str, dict[str, list[Number]]]
    """By view (fact, text) and rung: one number a layer of `RunView.layers`."""
    unread_layers: str
    """Why no layers were read of it; empty where they were."""
    ledger: Ledger
    training: Training | None
    """Own facts seen and unseen in the training data, where that was given."""
    wordings: list[tuple[str, Number, Number]]
    """What the wording is called, specific knowledge, margin gain."""
    views: list[tuple[str, dict[str, Number]]]
    """The same gains in other views: `T`, `D`, `margin`, `specific_margin` of each."""
    strata: list[Stratum]
    validity: list[Check]


def _by_layer(values: list[Any], layers: int, where: str) -> list[Number]:
    """One number for each layer that was read, or none."""
    if values and len(values) != layers:
        raise RunError(f"{where}: holds {len(values)} numbers, expected one for each of {layers} layers; {AGAIN}")
    return [Number.read(one, where) for one in values]


def _finding(raw: Any, key: str, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The finding as it stands, and what every `Finding` has."""
    found, where = need(raw, key, dict, where), f"{where}.{key}"
    seen = found.get("detectable")
    detectable = None
    if seen is not None:
        keys = ("effect", "absence", "margin", "power", "concepts", "needed")
        held = {key: finite(seen.get(key), f"{where}.detectable.{key}") or 0.0 for key in keys}
        counts = {key: int(held.pop(key)) for key in ("concepts", "needed")}
        detectable = Detectable(**held, **counts, unit=str(seen.get("unit") or ""))  # type: ignore[arg-type]
    words = {"state": need(found, "state", str, where), "why": str(found.get("why") or "")}
    return found, {**words, "detectable": detectable}


def _ledger(raw: Any, where: str) -> Ledger:
    raw = raw or {}
    groups = {g: {k: int(n) for k, n in raw[g].items() if k in COUNTED} for g in GROUPS if raw.get(g)}
    p = {key: finite(raw.get(key), f"{where}.{key}") for key in ("p_learned", "p_lost")}
    own = raw.get("own") or {}
    learned = p["p_learned"] if "p_learned" in raw else finite(own.get("p"), f"{where}.own.p")
    h = {key: finite(raw.get(f"h_{key}"), f"{where}.h_{key}") for key in ("learned", "lost")}
    return Ledger(groups, learned, p["p_lost"], h, raw.get("by_specialty") or {})


def _training(raw: Any, where: str) -> Training | None:
    if not raw:
        return None
    sides = {side: raw.get(side) or {} for side in ("seen", "unseen")}
    own = {side: (held.get("ledger") or {}).get("own") or {} for side, held in sides.items()}
    return Training(
        str((raw.get("file") or {}).get("name") or ""),
        int((raw.get("file") or {}).get("passages") or 0),
        {key: int(count) for key, count in (raw.get("facts") or {}).items()},
        {side: numbers(held.get("rungs"), RUNGS, f"{where}.{side}.rungs") for side, held in sides.items()},
        {
            side: Number.read(held.get("specific_knowledge"), f"{where}.{side}.specific_knowledge")
            for side, held in sides.items()
        },
        {side: {key: int(held.get(key) or 0) for key in COUNTED} for side, held in own.items()},
    )


def _stratum(raw: dict[str, Any], where: str) -> Stratum:
    sides = {side: raw.get(side) or {} for side in GROUPS[:2]}
    return Stratum(
        str(raw.get("by") or ""),
        str(raw.get("stratum") or ""),
        {side: {key: int(held.get(key) or 0) for key in COUNTED} for side, held in sides.items()},
        {side: Number.read(held.get("margin_gain"), f"{where}.{side}.margin_gain") for side, held in sides.items()},
        Number.read(raw.get("difference"), f"{where}.difference"),
    )


def _recipe(raw: dict[str, Any], where: str) -> dict[str, Number]:
    cells = {"all": raw.get("all"), **(raw.get("by_specialty") or {})} if raw else {}
    return {key: Number.read(one, f"{where}.{key}") for key, one in cells.items()}


def model_view(name: str, raw: Any, where: str, layers: int) -> ModelView:
    _, learned = _finding(raw, "knowledge", where)
    moved, shifted = _finding(raw, "shift", where)
    temperature, predicted, support = (
        finite(moved.get(key), f"{where}.shift.{key}") for key in ("temperature", "predicted", "support")
    )
    alone = ("total", "text_total", "specific_margin", "specific_knowledge", "margin_gain", "transferable")
    return ModelView(
        name,
        own=raw.get("own"),
        own_from=str(raw.get("own_from") or ""),
        verdict=need(raw, "verdict", str, where),
        knowledge=Finding(**learned),
        shift=Shift(
            **shifted,
            view=str(moved.get("view") or ""),
            matched=Number.read(moved.get("matched"), f"{where}.shift.matched"),
            temperature=temperature,
            predicted=predicted,
            support=support,
        ),
        sentence=str(raw.get("sentence") or ""),
        calibration=str((raw.get("calibration") or {}).get("sentence") or ""),
        calibration_brief=str((raw.get("calibration") or {}).get("brief") or ""),
        missing=tuple(map(str, raw.get("missing") or ())),
        rungs=numbers(need(raw, "rungs", dict, where), RUNGS, f"{where}.rungs"),
        text_rungs=numbers(raw.get("text_rungs"), TEXT_RUNGS, f"{where}.text_rungs"),
        **numbers(raw, alone, where),
        other_units={
            per: {
                view: numbers(held.get(prefix + "rungs"), keys, f"{where}.other_units.{per}.{prefix}rungs")
                | numbers({"total": held.get(prefix + "total")}, ("total",), f"{where}.other_units.{per}")
                for view, prefix, keys in (("fact", "", RUNGS), ("text", "text_", TEXT_RUNGS))
            }
            for per, held in (raw.get("other_units") or {}).items()
        },
        sharpening=finite(raw.get("sharpening"), f"{where}.sharpening"),
        matrix={
            key: numbers(cells, ("terms", "answers", "margin"), f"{where}.matrix.{key}")
            for key, cells in (raw.get("matrix") or {}).items()
        },
        controls={
            place: {
                group: (
                    Number.read(one, f"{where}.controls.{place}.{group}"),
                    finite(one.get("matched"), f"{where}.controls.{place}.{group}.matched") or 0.0,
                )
                for group, one in groups.items()
            }
            for place, groups in (raw.get("controls") or {}).items()
        },
        recipe=_recipe(raw.get("smedqa") or {}, f"{where}.smedqa"),
        recipe_hides=str((raw.get("smedqa") or {}).get("hides") or ""),
        by_layer={
            view: {
                rung: _by_layer(values or [], layers, f"{where}.by_layer.{view}.{rung}")
                for rung, values in (rungs or {}).items()
                if rung in RUNGS
            }
            for view, rungs in (raw.get("by_layer") or {}).items()
        },
        unread_layers=str(raw.get("unread_layers") or ""),
        ledger=_ledger(raw.get("ledger"), f"{where}.ledger"),
        wordings=[
            (str(one.get("wording") or f"wording {int(one.get('cue') or 0) + 1}"), specific, margin)
            for one in raw.get("wordings") or ()
            for specific, margin in [[Number.read(one.get(k), f"{where}.wordings.{k}") for k in WORDING]]
        ],
        views=[
            (str(one.get("view") or ""), numbers(one, MEASURES, f"{where}.views")) for one in raw.get("views") or ()
        ],
        training=_training(raw.get("training"), f"{where}.training"),
        strata=[_stratum(one, f"{where}.strata") for one in raw.get("strata") or ()],
        validity=[
            Check(
                str(one.get("check") or "?"),
                one.get("value"),
                one.get("tolerance"),
                bool(one.get("passed")),
                str(one.get("note") or ""),
            )
            for one in raw.get("validity") or ()
        ],
    )
