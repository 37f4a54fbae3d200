"""A finished run as the report sees it: files read, checked and typed. Written by nobody but `probes`; read here.

    run.json          how the run was made: command, versions, hashes, seed, device
    comparison.json   the comparison, as `--json` prints it
    terms.parquet     a row for each model and concept
    facts.parquet     a row for each model and fact

What the page cannot do without must be there, or one `RunError` line says which file and key; what may be missing
becomes a `Number` without a value that says why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import RunError

SCHEMA = 1
"""Newest schema of run.json and comparison.json that this version reads."""

RUNGS = ("generic_drift", "domain_shift", "specialty_vocabulary", "knowledge")
TEXT_RUNGS = RUNGS[:3]
GROUPS = ("own", "other", "general")
COUNTED = ("facts", "unknown", "learned", "known", "lost")

# fmt: off
TERM_COLUMNS = (
    "model", "concept", "name", "types", "specialties", "count", "tokens", "base_logprob", "tuned_logprob", "gain",
    "low", "high", "q",
)
FACT_COLUMNS = (
    "model", "item", "cue", "answer", "specialties", "relation", "group", "base_rank", "tuned_rank", "margin_base",
    "margin_tuned", "margin_gain", "state", "distractors",
)
# fmt: on
WORDING = ("specific_knowledge", "margin_gain")
AGAIN = "the file is damaged: run the comparison again"


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate of comparison.json; `estimate` is None where the data cannot tell, and `note` says why."""

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int = 0
    method: str = ""
    p: float | None = None
    note: str = ""

    @property
    def why(self) -> str:
        """Why there is no value."""
        return self.note or "not in this run"

    @classmethod
    def read(cls, raw: Any, where: str) -> Number:
        """Raises RunError, naming `where`, if `raw` is neither null nor an estimate."""
        if raw is None or raw == {}:
            return cls()
        if not isinstance(raw, Mapping):
            raise RunError(f"{where}: expected an estimate or null, found {raw!r:.40}; {AGAIN}")
        values = {key: _finite(raw.get(key), f"{where}.{key}") for key in ("estimate", "low", "high", "p")}
        words = {key: str(raw.get(key) or "") for key in ("unit", "method", "note")}
        return cls(**values, **words, n=int(_finite(raw.get("n"), f"{where}.n") or 0))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Finding:
    """One question's answer: yes, no or unclear, and why."""

    state: str
    why: str


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
    missing: tuple[str, ...]
    rungs: dict[str, Number]
    text_rungs: dict[str, Number]
    total: Number
    text_total: Number
    specific_margin: Number
    specific_knowledge: Number
    margin_gain: Number
    sharpening: float | None
    """Slope of tuned on base margins: above 1 the model grew more confident."""
    transferable: Number
    matrix: dict[str, dict[str, Number]]
    """By specialty id: terms, answers, margin."""
    by_layer: dict[str, dict[str, list[Number]]]
    """By view (fact, text) and rung: one number a layer."""
    ledger: Ledger
    wordings: list[tuple[int, Number, Number]]
    """Cue index, specific knowledge, margin gain."""
    validity: list[Check]


@dataclass(frozen=True, slots=True)
class RunView:
    """A finished run; `read` makes it."""

    path: Path
    run: dict[str, Any]
    """run.json as it stands."""
    base: str
    domain: str
    per: str
    seed: Any
    specialties: dict[str, str]
    """Display names by id."""
    layers: int
    counts: dict[str, Any]
    mentions: str
    diagonal: dict[str, Number]
    """Effect of a model's own specialty over all models, by kind of item: term, fact."""
    models: list[ModelView]
    terms: pl.DataFrame
    facts: pl.DataFrame

    @property
    def unit(self) -> str:
        return f"nats/{self.per}"

    def specialty(self, key: str | None) -> str:
        """Display name of a specialty's id."""
        return "whole domain" if key is None else self.specialties.get(key, key)

    @classmethod
    def read(cls, path: Path) -> RunView:
        """Reads the run directory `path`; RunError if it is none, is not finished, or is newer than this version."""
        if not path.is_dir():
            raise RunError(f"{path}: no such run directory; give the folder that `probe compare --out` wrote")
        run = _json(path / "run.json", "this is not a run directory; give the folder that `probe compare --out` wrote")
        data = _json(path / "comparison.json", "the run is not finished; run the same `probe compare` again to go on")
        where = str(path / "comparison.json")
        models = _need(data, "models", dict, where)
        if not models:
            raise RunError(f"{where}: `models` is empty; a comparison holds at least one tuned model; {AGAIN}")
        counts = data.get("counts") or {}
        return cls(
            path,
            run,
            base=_need(data, "base", str, where),
            domain=_need(data, "domain", str, where),
            per=_need(data, "per", str, where),
            seed=data.get("seed"),
            specialties=dict(data.get("specialties") or {}),
            layers=int(data.get("layers") or 0),
            counts=counts,
            mentions=str(data.get("mentions") or ""),
            diagonal=_numbers(data.get("diagonal"), ("term", "fact"), f"{where}: diagonal"),
            models=[_model(name, raw, f"{where}: models.{name}") for name, raw in models.items()],
            terms=_frame(path / "terms.parquet", TERM_COLUMNS, counts.get("terms", 1) == 0),
            facts=_frame(path / "facts.parquet", FACT_COLUMNS, counts.get("facts", 1) == 0),
        )


def _json(file: Path, absent: str) -> dict[str, Any]:
    """A JSON object whose `schema` this version reads."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{file}: missing; {absent}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as JSON ({str(error).splitlines()[0]}); {AGAIN}") from None
    if not isinstance(data, dict):
        raise RunError(f"{file}: expected a JSON object, found {type(data).__name__}; {AGAIN}")
    if (schema := _need(data, "schema", int, str(file))) > SCHEMA:
        raise RunError(
            f"{file}: written by a newer knowshift (schema {schema}, this version reads {SCHEMA}); upgrade knowshift"
        )
    return data


def _frame(file: Path, columns: tuple[str, ...], optional: bool) -> pl.DataFrame:
    """The table's `columns`; none of them, and no rows, where the run had no such items and wrote no file."""
    if not file.exists():
        if optional:
            return pl.DataFrame({name: [] for name in columns})
        raise RunError(f"{file}: missing; the run is not finished: run the same `probe compare` again to go on")
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RunError(f"{file}: cannot be read as parquet ({str(error).splitlines()[0]}); {AGAIN}") from None
    if absent := [name for name in columns if name not in frame.columns]:
        raise RunError(f"{file}: column {', '.join(absent)} missing; {AGAIN}")
    return frame.select(columns)


def _need(raw: Any, key: str, kind: type, where: str) -> Any:
    value = raw.get(key) if isinstance(raw, Mapping) else None
    if not isinstance(value, kind):
        raise RunError(f"{where}: `{key}` is missing or not a {kind.__name__}; {AGAIN}")
    return value


def _finite(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RunError(f"{where}: expected a number or null, found {value!r:.40}; {AGAIN}")
    return float(value) if math.isfinite(value) else None


def _numbers(raw: Any, keys: tuple[str, ...], where: str) -> dict[str, Number]:
    raw = raw or {}
    return {key: Number.read(raw.get(key), f"{where}.{key}") for key in keys}


def _finding(raw: Any, key: str, where: str) -> tuple[dict[str, Any], str, str]:
    found = _need(raw, key, dict, where)
    return found, _need(found, "state", str, f"{where}.{key}"), str(found.get("why") or "")


def _ledger(raw: Any, where: str) -> Ledger:
    raw = raw or {}
    groups = {g: {k: int(n) for k, n in raw[g].items() if k in COUNTED} for g in GROUPS if raw.get(g)}
    p = {key: _finite(raw.get(key), f"{where}.{key}") for key in ("p_learned", "p_lost")}
    own = raw.get("own") or {}
    learned = p["p_learned"] if "p_learned" in raw else _finite(own.get("p"), f"{where}.own.p")
    return Ledger(groups, learned, p["p_lost"])


def _model(name: str, raw: Any, where: str) -> ModelView:
    _, learned, learned_why = _finding(raw, "knowledge", where)
    moved, shifted, shifted_why = _finding(raw, "shift", where)
    figures = {key: _finite(moved.get(key), f"{where}.shift.{key}") for key in ("temperature", "predicted", "support")}
    alone = ("total", "text_total", "specific_margin", "specific_knowledge", "margin_gain", "transferable")
    return ModelView(
        name,
        own=raw.get("own"),
        own_from=str(raw.get("own_from") or ""),
        verdict=_need(raw, "verdict", str, where),
        knowledge=Finding(learned, learned_why),
        shift=Shift(
            shifted,
            shifted_why,
            view=str(moved.get("view") or ""),
            matched=Number.read(moved.get("matched"), f"{where}.shift.matched"),
            **figures,
        ),
        sentence=str(raw.get("sentence") or ""),
        missing=tuple(map(str, raw.get("missing") or ())),
        rungs=_numbers(_need(raw, "rungs", dict, where), RUNGS, f"{where}.rungs"),
        text_rungs=_numbers(raw.get("text_rungs"), TEXT_RUNGS, f"{where}.text_rungs"),
        **_numbers(raw, alone, where),
        sharpening=_finite(raw.get("sharpening"), f"{where}.sharpening"),
        matrix={
            key: _numbers(cells, ("terms", "answers", "margin"), f"{where}.matrix.{key}")
            for key, cells in (raw.get("matrix") or {}).items()
        },
        by_layer={
            view: {
                rung: [Number.read(one, f"{where}.by_layer.{view}.{rung}") for one in values or ()]
                for rung, values in (rungs or {}).items()
                if rung in RUNGS
            }
            for view, rungs in (raw.get("by_layer") or {}).items()
        },
        ledger=_ledger(raw.get("ledger"), f"{where}.ledger"),
        wordings=[
            (int(one.get("cue") or 0), specific, margin)
            for one in raw.get("wordings") or ()
            for specific, margin in [[Number.read(one.get(k), f"{where}.wordings.{k}") for k in WORDING]]
        ],
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
