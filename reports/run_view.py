"""A finished run as the report sees it: files read, checked and typed. Written by nobody but `probes`; read here.

    run.json          how the run was made: command, versions, hashes, seed, device
    comparison.json   the comparison, as `--json` prints it
    terms.parquet     a row for each model and concept
    facts.parquet     a row for each model and fact
    places.parquet    optional: a row for each place of a term, with the passage around it
    readings.parquet  optional: of some passages every token, as each model reads it

What the page cannot do without must be there, or one `RunError` line says which file and key; what may be missing
becomes a `Number` without a value that says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import RunError, first_line
from .inert import inert, inert_frame
from .model_view import ModelView, model_view
from .numbers import AGAIN, Number, finite, need, numbers

SCHEMA = 1
"""Newest schema of run.json and comparison.json that this version reads."""
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
    run: dict[str, Any]
    """run.json as it stands."""
    base: str
    domain: str
    per: str
    seed: Any
    specialties: dict[str, str]
    """Display names by id."""
    lens: dict[str, Any]
    """How layers were read: `kind` (raw, tuned, none); of a tuned lens, how it was trained."""
    layers: tuple[int, ...]
    """Numbers of the layers that were read, from 0."""
    counts: dict[str, Any]
    mentions: str
    diagonal: dict[str, Number]
    """Effect of a model's own specialty over all models, by kind of item: term, fact."""
    additivity: dict[str, dict[str, float]]
    """By kind of item: `coefficient`, `f`, `degrees`, `p` of Tukey's test; a kind is missing where it has none."""
    models: list[ModelView]
    terms: pl.DataFrame
    facts: pl.DataFrame
    places: pl.DataFrame
    """No rows where the run keeps no passages."""
    readings: pl.DataFrame
    files: dict[str, str]
    """What each model is called in the run's files."""
    text: bool
    """Whether text of the corpus and of the facts may stand on the page; without it none is in the frames."""

    @property
    def unit(self) -> str:
        return unit_of(self.per)

    def specialty(self, key: str | None) -> str:
        """Display name of a specialty's id."""
        return "whole domain" if key is None else self.specialties.get(key, key)

    @classmethod
    def read(cls, path: Path, text: bool = True) -> RunView:
        """Reads the run directory `path`; RunError if it is none, is not finished, or is newer than this version.

        Without `text` the corpus's passages and the facts' words are left out.
        """
        if not path.is_dir():
            raise RunError(f"{path}: no such run directory; give the folder that `probe compare --out` wrote")
        run = read_json(
            path / "run.json", "this is not a run directory; give the folder that `probe compare --out` wrote"
        )
        data = read_json(
            path / "comparison.json", "the run is not finished; run the same `probe compare` again to go on"
        )
        where = str(path / "comparison.json")
        raw = need(data, "models", dict, where)
        data, run = inert(data), inert(run)
        models = data["models"]
        if not models:
            raise RunError(f"{where}: `models` is empty; a comparison holds at least one tuned model; {AGAIN}")
        counts = data.get("counts") or {}
        layers = _layers(data, where)
        readings = _frame(path / "readings.parquet", READING_COLUMNS, True)
        return cls(
            path,
            run,
            base=need(data, "base", str, where),
            domain=need(data, "domain", str, where),
            per=need(data, "per", str, where),
            seed=data.get("seed"),
            specialties=dict(data.get("specialties") or {}),
            lens=_lens(run, data),
            layers=layers,
            counts=counts,
            mentions=str(data.get("mentions") or ""),
            diagonal=numbers(data.get("diagonal"), ("term", "fact"), f"{where}: diagonal"),
            additivity=_additivity(data.get("diagonal") or {}, f"{where}: diagonal"),
            models=[model_view(name, held, f"{where}: models.{name}", len(layers)) for name, held in models.items()],
            terms=_frame(path / "terms.parquet", TERM_COLUMNS, counts.get("terms", 1) == 0, LATER),
            facts=_worded(
                _frame(path / "facts.parquet", FACT_COLUMNS, counts.get("facts", 1) == 0, LATER | CANDIDATES), text
            ),
            places=_placed(_frame(path / "places.parquet", PLACE_COLUMNS, True), text),
            readings=readings if text else readings.clear(),
            text=text,
            files={inert(name): name for name in raw},
        )

    def scores(self, model: str, columns: list[str]) -> pl.DataFrame | None:
        """Columns of a model's score table ("" for the base's); None where the run holds none.

        RunError where it cannot be read.
        """
        files = {name: file.replace("/", "-") for name, file in self.files.items()}
        base = f"{self.base}-base" if self.base in files.values() else self.base
        file = self.path / "scores" / f"{files[model] if model else base}.parquet"
        return _frame(file, tuple(columns), True) if file.exists() else None


def unit_of(per: str) -> str:
    """What an estimate of the ladder is in: `token`, `target` (summed, so no unit of length) or `character`."""
    return "nats" if per == "target" else f"nats/{per}"


def read_json(file: Path, absent: str, again: str = AGAIN, newest: int = SCHEMA) -> dict[str, Any]:
    """A JSON object whose `schema` this version reads, up to `newest`. Raises RunError, which says `absent` or `again`.

    Its text is as it stands in the file: not inert yet.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{file}: missing; {absent}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as JSON ({first_line(error)}); {again}") from None
    if not isinstance(data, dict):
        raise RunError(f"{file}: expected a JSON object, found {type(data).__name__}; {again}")
    if (schema := need(data, "schema", int, str(file))) > newest:
        raise RunError(
            f"{file}: written by a newer knowshift (schema {schema}, this version reads {newest}); upgrade knowshift"
        )
    return data


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a record, each called by the keys on the way to it."""
    for key, held in tree.items():
        if isinstance(held, Mapping):
            yield from flat(held, f"{prefix}{key} ")
        else:
            yield prefix + key, held


def _frame(file: Path, columns: tuple[str, ...], optional: bool, later: dict[str, Any] | None = None) -> pl.DataFrame:
    """The table's `columns`; none of them, and no rows, where the run had no such items and wrote no file."""
    later = later or {}
    if not file.exists():
        if optional:
            return pl.DataFrame({name: [] for name in (*columns, *later)})
        raise RunError(f"{file}: missing; the run is not finished: run the same `probe compare` again to go on")
    try:
        frame = pl.read_parquet(file, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RunError(f"{file}: cannot be read as parquet ({first_line(error)}); {AGAIN}") from None
    if absent := [name for name in columns if name not in frame.columns]:
        raise RunError(f"{file}: column {', '.join(absent)} missing; {AGAIN}")
    added = [pl.lit(None, kind).alias(name) for name, kind in later.items() if name not in frame.columns]
    return inert_frame(frame.with_columns(added).select(*columns, *later))


def _worded(facts: pl.DataFrame, text: bool) -> pl.DataFrame:
    """The facts, or with their words replaced by their ids."""
    if text or not facts.height:
        return facts
    wrong = pl.col("distractors").list.eval(pl.format("wrong answer {}", pl.int_range(1, pl.len() + 1)))
    return facts.with_columns(cue=pl.col("item"), answer=pl.lit("true answer"), distractors=wrong)


def _placed(places: pl.DataFrame, text: bool) -> pl.DataFrame:
    """The places, or without their passages and whose they are."""
    if text or not places.height:
        return places
    return places.with_columns(document=pl.lit(""), passage=pl.lit(""), begin=0, start=0, end=0)


def _additivity(diagonal: dict[str, Any], where: str) -> dict[str, dict[str, float]]:
    out = {}
    for kind, found in diagonal.items():
        if held := (found or {}).get("additivity"):
            at = f"{where}.{kind}.additivity"
            keys = ("coefficient", "f", "degrees", "p")
            out[kind] = {key: finite(need(held, key, (int, float), at), at) or 0.0 for key in keys}
    return out


def _lens(run: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Older runs do not say: their lens was the raw one."""
    kind = str(data.get("lens") or ("raw" if data.get("layers") else "none"))
    held = run.get("lens")
    return {**(held if isinstance(held, dict) else {}), "kind": kind}


def _layers(data: dict[str, Any], where: str) -> tuple[int, ...]:
    """Older runs give the count alone: it was every layer."""
    count = int(data.get("layers") or 0)
    numbers = data.get("layer_numbers", list(range(count)))
    if not isinstance(numbers, list) or len(numbers) != count or not all(isinstance(one, int) for one in numbers):
        raise RunError(f"{where}: `layer_numbers` is not a list of {count} layers, found {numbers!r:.40}; {AGAIN}")
    return tuple(numbers)
