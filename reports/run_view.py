"""A finished run as the report sees it: its files, read and checked, every text in them made inert.

    run.json          how the run was made: command, versions, hashes, seed, device
    comparison.json   the comparison, as `--json` prints it
    terms.parquet     a row for each model and concept
    facts.parquet     a row for each model and fact
    places.parquet    optional: a row for each place of a term, with the passage around it
    readings.parquet  optional: of some passages every token, as each model reads it

What the page cannot do without must be there, or one `RunError` line says which file and key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import RunError, first_line
from ..probes.results.comparison import ComparisonResult
from ..probes.results.lens import LensRecord
from ..probes.results.model import ModelResult
from ..probes.results.record import RunRecord
from ..probes.results.rungs import UNITS
from .inert import inert, inert_frame, inert_model

AGAIN = "the file is damaged: run the comparison again"
UNFINISHED = "the run is not finished; run the same `probe compare` again to go on"
# fmt: off
TERM_COLUMNS = (
    "model", "concept", "name", "types", "specialties", "count", "tokens", "base_logprob", "tuned_logprob", "gain",
    "low", "high", "q",
)
FACT_COLUMNS = (
    "model", "item", "cue", "answer", "specialties", "relation", "group", "base_rank", "tuned_rank", "margin_base",
    "margin_tuned", "margin_gain", "state", "distractors",
)
PLACE_COLUMNS = ("item", "concept", "document", "begin", "passage", "start", "end")
READING_COLUMNS = (
    "document", "begin", "model", "starts", "ends", "logprob", "rank", "top", "top_logprob", "lens", "lens_rank",
)
# fmt: on
LATER: dict[str, Any] = {"seen": pl.String}
"""Columns of later versions, null in older runs."""
CANDIDATES = {"base_logprobs": pl.List(pl.Float64), "tuned_logprobs": pl.List(pl.Float64)}
"""Of the facts alone: log-probabilities of the answer and its distractors (nats, whole targets)."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A finished run; `read` makes it."""

    path: Path
    record: RunRecord
    result: ComparisonResult
    terms: pl.DataFrame
    facts: pl.DataFrame
    places: pl.DataFrame
    """No rows where the run keeps no passages."""
    readings: pl.DataFrame
    files: dict[str, str]
    """Each model's name in the run's files, by its name on the page."""
    text: bool
    """Whether text of the corpus and of the facts may stand on the page; without it none is in the frames."""

    @property
    def models(self) -> dict[str, ModelResult]:
        """The tuned models by name."""
        return self.result.models

    @property
    def unit(self) -> str:
        return UNITS[self.result.per]

    @property
    def lens(self) -> LensRecord:
        """The lens that layers were read through."""
        return self.record.lens.model_copy(update={"kind": self.result.lens})

    def specialty(self, key: str | None) -> str:
        """Return the display name of a specialty's id."""
        return "whole domain" if key is None else self.result.specialties.get(key, key)

    @classmethod
    def read(cls, path: Path, text: bool | None = None) -> RunView:
        """Read the run directory `path`.

        Args:
            path: A finished run.
            text: Whether to keep the corpus's passages and the facts' words; by default as run.json says.

        Raises:
            RunError: `path` is no run directory, is not finished, or holds files that this version does not read.
        """
        if not path.is_dir():
            raise RunError(f"{path}: no such run directory; give the folder that `probe compare --out` wrote")
        if not (path / RunRecord.FILE).exists():
            why = "this is not a run directory; give the folder that `probe compare --out` wrote"
            raise RunError(f"{path / RunRecord.FILE}: missing; {why}")
        record = RunRecord.read(path)
        if not (path / ComparisonResult.FILE).exists():
            raise RunError(f"{path / ComparisonResult.FILE}: missing; {UNFINISHED}")
        result = ComparisonResult.read(path)
        _check(result, path / ComparisonResult.FILE)
        text = record.text if text is None else text
        counts = result.counts
        readings = _frame(path / "readings.parquet", READING_COLUMNS, True)
        return cls(
            path,
            inert_model(record),
            inert_model(result),
            terms=_frame(path / "terms.parquet", TERM_COLUMNS, counts.terms == 0, LATER),
            facts=_worded(_frame(path / "facts.parquet", FACT_COLUMNS, counts.facts == 0, LATER | CANDIDATES), text),
            places=_placed(_frame(path / "places.parquet", PLACE_COLUMNS, True), text),
            readings=readings if text else readings.clear(),
            files={inert(name): name for name in result.models},
            text=text,
        )

    def scores(self, model: str, columns: list[str]) -> pl.DataFrame | None:
        """Return columns of a model's score table ("" for the base's); None where the run holds none.

        Raises:
            RunError: The table cannot be read.
        """
        files = {name: file.replace("/", "-") for name, file in self.files.items()}
        base = self.result.base
        file = files[model] if model else f"{base}-base" if base in files.values() else base
        path = self.path / "scores" / f"{file}.parquet"
        return _frame(path, tuple(columns), True) if path.exists() else None


def read_json(file: Path, absent: str, again: str = AGAIN, newest: int = 1) -> dict[str, Any]:
    """Read a JSON object whose `schema` is at most `newest`; its text is not made inert.

    Raises:
        RunError: There is no such file (`absent` says what to do), or it cannot be read (`again` does).
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{file}: missing; {absent}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as JSON ({first_line(error)}); {again}") from None
    if not isinstance(data, dict):
        raise RunError(f"{file}: expected a JSON object, found {type(data).__name__}; {again}")
    if not isinstance(schema := data.get("schema"), int):
        raise RunError(f"{file}: `schema` is missing or not an int; {again}")
    if schema > newest:
        raise RunError(
            f"{file}: written by a newer knowshift (schema {schema}, this version reads {newest}); upgrade knowshift"
        )
    return data


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a record, each named by the keys on the way to it."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key} ")
        else:
            yield prefix + key, value


def _check(result: ComparisonResult, file: Path) -> None:
    """Refuse a comparison that the page could not draw. Raises RunError."""
    if not result.models:
        raise RunError(f"{file}: `models` is empty; a comparison holds at least one tuned model; {AGAIN}")
    layers = len(result.layer_numbers)
    if layers != result.layers:
        raise RunError(f"{file}: `layer_numbers` is not a list of {result.layers} layers, but of {layers}; {AGAIN}")
    for name, model in result.models.items():
        for view, rungs in model.by_layer.items():
            for rung, values in rungs.items():
                if values and len(values) != layers:
                    where = f"models.{name}.by_layer.{view}.{rung}"
                    wrong = f"holds {len(values)} numbers, expected one for each of {layers} layers"
                    raise RunError(f"{file}: {where}: {wrong}; {AGAIN}")


def _frame(file: Path, columns: tuple[str, ...], optional: bool, later: dict[str, Any] | None = None) -> pl.DataFrame:
    """Return the table's `columns`; no rows where the run had no such items and wrote no file."""
    later = later or {}
    if not file.exists():
        if optional:
            return pl.DataFrame({name: [] for name in (*columns, *later)})
        raise RunError(f"{file}: missing; {UNFINISHED}")
    try:
        frame = pl.read_parquet(file, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RunError(f"{file}: cannot be read as parquet ({first_line(error)}); {AGAIN}") from None
    if absent := [name for name in columns if name not in frame.columns]:
        raise RunError(f"{file}: column {', '.join(absent)} missing; {AGAIN}")
    added = [pl.lit(None, kind).alias(name) for name, kind in later.items() if name not in frame.columns]
    return inert_frame(frame.with_columns(added).select(*columns, *later))


def _worded(facts: pl.DataFrame, text: bool) -> pl.DataFrame:
    """Return the facts; without `text` their words replaced by their ids."""
    if text or not facts.height:
        return facts
    wrong = pl.col("distractors").list.eval(pl.format("wrong answer {}", pl.int_range(1, pl.len() + 1)))
    return facts.with_columns(cue=pl.col("item"), answer=pl.lit("true answer"), distractors=wrong)


def _placed(places: pl.DataFrame, text: bool) -> pl.DataFrame:
    """Return the places; without `text` their passages and documents left out."""
    if text or not places.height:
        return places
    return places.with_columns(document=pl.lit(""), passage=pl.lit(""), begin=0, start=0, end=0)
