"""A hypothesis file: TOML in, hypotheses out, everything checked that can be checked without a run.

    name = "own facts only"
    prediction = "The true answers of the own specialty gain on wrong ones; those of other specialties do not."
    items = "facts"                        # or "terms", in running text
    measure = "margin"
    groups.own = { group = "own" }         # any column of the items; own, other, general are there already
    contrast = "own - other"
    direction = "greater"                  # less, differs, equal
    smallest = 0.1                         # the smallest effect of interest, in the measure's unit
    formula = "own + base"                 # optional: the contrast is then over its coefficients
    layers = ["early", "middle"]           # optional: read there instead of at the model's output

Several stand in one file as `[[hypothesis]]` tables.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..results.hypotheses import HypothesisResult, ModelOutcome
from .contrast import coefficients, names_in
from .measures import Measure, measures
from .rows import BY_LAYER, COLUMNS, STAGES

READY = Path(__file__).parent / "ready"
DIRECTIONS = ("greater", "less", "differs", "equal")
GROUPS = {name: {"group": name} for name in ("own", "other", "general")}
"""Groups that need no definition."""
_NEEDED: dict[str, type] = {
    "name": str,
    "prediction": str,
    "items": str,
    "measure": str,
    "contrast": str,
    "direction": str,
    "smallest": float,
}
_MORE = ("groups", "formula", "layers")

Condition = Mapping[str, Any]
"""Column → value, list of values, `{from, to}` of numbers, or `{not}`; all must hold."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that hypotheses stand in."""

    path: Path
    digest: str
    """SHA-256 (hex)."""
    modified: float
    """When it was last written, seconds since 1970."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """One hypothesis; see the module's docstring for its parts."""

    name: str
    prediction: str
    items: str
    measure: Measure
    contrast: str
    direction: str
    smallest: float
    source: Source
    groups: dict[str, Condition] = field(default_factory=dict)
    """Those that the contrast or the formula names."""
    formula: str | None = None
    layers: tuple[str | int, ...] = ()
    """Stages or numbers of layers; none: the model's own output."""

    @property
    def place(self) -> str:
        """For errors."""
        return f"{self.source.path}: hypothesis {self.name!r}"

    @property
    def columns(self) -> set[str]:
        """Columns that it rests on."""
        named = {column for condition in self.groups.values() for column in condition}
        return named | (names_in(self.formula, self.place) - self.groups.keys() if self.formula else set())

    def result(self, outcomes: Mapping[str, ModelOutcome]) -> HypothesisResult:
        """Return the hypothesis as its file states it, with its outcome for each model."""
        return HypothesisResult(
            name=self.name,
            prediction=self.prediction,
            items=self.items,
            measure=self.measure.name,
            groups={name: dict(condition) for name, condition in self.groups.items()},
            contrast=self.contrast,
            formula=self.formula,
            direction=self.direction,
            smallest=self.smallest,
            layers=self.layers,
            file=self.source.path.name,
            sha256=self.source.digest,
            results=dict(outcomes),
        )


def ready() -> dict[str, Path]:
    """The hypotheses that come with the package, by name."""
    return {path.stem: path for path in sorted(READY.glob("*.toml"))}


def read_all(files: Sequence[str | Path]) -> list[Hypothesis]:
    """Hypotheses of files and ready names. Raises `UsageError`, also where two have one name."""
    found: dict[str, Hypothesis] = {}
    for file in files:
        for hypothesis in read(ready().get(str(file), Path(file))):
            if (held := found.get(hypothesis.name)) is not None:
                raise UsageError(
                    f"{hypothesis.place}: another one of that name stands in {held.source.path}; rename one of them"
                )
            found[hypothesis.name] = hypothesis
    return list(found.values())


def read(path: Path) -> list[Hypothesis]:
    """The hypotheses of one file. Raises `UsageError` of one line that names file, place and cure."""
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode())
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such file, and no ready hypothesis; the ready ones are {', '.join(ready())}"
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as TOML ({error}); see probe test --help for an example") from error
    source = Source(path, hashlib.sha256(content).hexdigest(), path.stat().st_mtime)
    tables = data.pop("hypothesis", None) if "hypothesis" in data else [data]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables) or not tables:
        raise UsageError(f"{path}: `hypothesis` is not a list of tables; begin each with [[hypothesis]]")
    if len(tables) and tables[0] is not data and data:
        raise UsageError(f"{path}: `{next(iter(data))}` stands outside of every [[hypothesis]]; move it into one")
    return [_hypothesis(table, source, number) for number, table in enumerate(tables, 1)]


def _hypothesis(table: dict[str, Any], source: Source, number: int) -> Hypothesis:
    place = f"{source.path}: hypothesis {table.get('name', number)!r}"
    if unknown := [key for key in table if key not in (*_NEEDED, *_MORE)]:
        raise UsageError(f"{place}: `{unknown[0]}` is no part of one; the parts are {', '.join((*_NEEDED, *_MORE))}")
    for key, kind in _NEEDED.items():
        if key not in table:
            raise UsageError(f"{place}: `{key}` is missing; the example in probe test --help has every part")
        value = table[key]
        right = (
            isinstance(value, int | float) and not isinstance(value, bool)
            if kind is float
            else (isinstance(value, str) and value.strip())
        )
        if not right:
            raise UsageError(f"{place}: `{key}` is {value!r}, expected {'a number' if kind is float else 'words'}")
    items = _one_of(table["items"], "items", COLUMNS, place)
    known = measures()
    measure = known[_one_of(table["measure"], "measure", known, place)]
    _one_of(table["direction"], "direction", DIRECTIONS, place)
    if items not in measure.items:
        raise UsageError(f"{place}: the measure {measure.name} is of {' and '.join(measure.items)}, not of {items}")
    if not (math.isfinite(table["smallest"]) and table["smallest"] > 0):
        raise UsageError(f"{place}: `smallest` is {table['smallest']}; give the smallest effect of interest, above 0")
    layers = _layers(table.get("layers", []), measure, place)
    groups = _groups(table.get("groups", {}), items, bool(layers), place)
    contrast, formula = table["contrast"], table.get("formula")
    if formula is None:
        used = set(coefficients(contrast, groups, place))
    else:
        if not isinstance(formula, str):
            raise UsageError(f"{place}: `formula` is {formula!r}, expected words such as 'own + base'")
        used = names_in(formula, place)
        for name in sorted(used - groups.keys()):
            _column(name, items, bool(layers), f"{place}: formula")
    kept = {name: condition for name, condition in groups.items() if name in used}
    if not kept:
        raise UsageError(f"{place}: formula {formula!r} names no group; add one of {', '.join(groups)}")
    return Hypothesis(
        table["name"].strip(),
        table["prediction"].strip(),
        items,
        measure,
        contrast,
        table["direction"],
        float(table["smallest"]),
        source,
        kept,
        formula,
        layers,
    )


def _one_of(value: Any, what: str, known: Any, place: str) -> str:
    if value not in known:
        raise UsageError(f"{place}: unknown {what} {value!r}; give {', '.join(known)}")
    return str(value)


def _layers(given: Any, measure: Measure, place: str) -> tuple[str | int, ...]:
    layers = tuple(given) if isinstance(given, list) else (given,)
    if layers and not measure.by_layer:
        raise UsageError(f"{place}: the measure {measure.name} is not read layer by layer; drop `layers`")
    for layer in layers:
        whole = isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0
        if not whole and layer not in (*STAGES, "all"):
            raise UsageError(f"{place}: layer {layer!r}; give all, {', '.join(STAGES)}, or numbers from 0")
    return layers


def _groups(given: Any, items: str, by_layer: bool, place: str) -> dict[str, Condition]:
    if not isinstance(given, dict):
        raise UsageError(f"{place}: `groups` is {given!r}, expected a table such as groups.own = {{ group = 'own' }}")
    for name, condition in given.items():
        where = f"{place}: group {name}"
        if not name.isidentifier() or name in COLUMNS[items]:
            raise UsageError(f"{where}: a group's name is a word of letters that is no column's; rename it")
        if not isinstance(condition, dict) or not condition:
            raise UsageError(f"{where}: is {condition!r}, expected columns and values such as {{ group = 'own' }}")
        for column, value in condition.items():
            _column(column, items, by_layer, where)
            if not _meant(value):
                raise UsageError(f"{where}: {column} is {value!r}; give a value, a list, {{from, to}}, or {{not}}")
    return {**GROUPS, **given}


def _meant(value: Any, plain: bool = False) -> bool:
    """Whether a condition can be meant: words, finite numbers, truth; and, unless `plain`, lists and tables of them."""
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return True
    if plain or not value:
        return False
    if isinstance(value, list):
        return all(_meant(one, plain=True) for one in value)
    if not isinstance(value, dict) or set(value) - {"from", "to", "not"}:
        return False
    ends = [value[end] for end in ("from", "to") if end in value]
    numbers = all(_meant(end, plain=True) and not isinstance(end, str | bool) for end in ends)
    return numbers and ("not" not in value or (not isinstance(value["not"], dict) and _meant(value["not"])))


def _column(column: str, items: str, by_layer: bool, where: str) -> None:
    if column in BY_LAYER and not by_layer:
        raise UsageError(f"{where}: the column {column} is there with `layers` alone; give layers = 'all'")
    if column not in COLUMNS[items]:
        raise UsageError(f"{where}: unknown column {column!r}; {items} have {', '.join(COLUMNS[items])}")
