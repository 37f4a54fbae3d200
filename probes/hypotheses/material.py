"""A finished run opened again for new questions: its items, scores, and models beside their base.

A run keeps scores by item; the items come from its domain again, which must be the one that it was made with.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...errors import DomainError, RunError
from ...terms.domain import Domain
from ...terms.extraction.apply import domain_terms
from ...terms.items import CONTRAST, Item
from ...terms.select import add_borrowed_options
from ...terms.select import items as items_of
from ..analysis.inputs import AnalysisInputs, ScoreFiles
from ..analysis.pair import ModelPair, pair_up
from ..results.finished import Comparison, domain_of
from ..runs.naming import file_of


@dataclass(frozen=True)
class LoadedRun:
    """A finished run, ready for questions that were not asked when it was made."""

    comparison: Comparison
    inputs: AnalysisInputs
    frequency: Counter[str]
    """Mentions of each concept in all texts of the domain."""
    layers: tuple[int, ...]
    """Numbers of the layers that were read; ends in the model's last."""

    @cached_property
    def models(self) -> dict[str, ModelPair]:
        return pair_up(self.inputs)

    def seen(self, model: str) -> dict[str, str]:
        """Item id (facts) or concept (terms) → how it stood in the model's training data; empty where not known."""
        import polars as pl

        out: dict[str, str] = {}
        for frame, key in ((self.comparison.facts(), "item"), (self.comparison.terms(), "concept")):
            if "seen" in frame.columns:
                rows = frame.filter((pl.col("model") == model) & pl.col("seen").is_not_null())
                out |= dict(zip(rows[key].to_list(), rows["seen"].to_list(), strict=True))
        return out


def start(run: Path) -> datetime.datetime:
    """When the run was begun at the latest: as recorded, or when its first score was written, whichever is earlier."""
    record = _record(run)
    created = datetime.datetime.fromisoformat(record["created"])
    files = [file.stat().st_mtime for file in (run / "scores").glob("*.parquet")]
    return min([created, *(datetime.datetime.fromtimestamp(time, datetime.UTC) for time in files)])


def load_run(comparison: Comparison, domain: str | Path | None = None) -> LoadedRun:
    """Load the run's items and scores.

    Args:
        comparison: The run.
        domain: The folder of a domain that does not come with the package.

    Raises:
        RunError: The domain is another than the run's, or scores are missing.
    """
    run, result, record = comparison.run, comparison.result, _record(comparison.run)
    name = domain_of(comparison, domain)
    try:
        opened = Domain.open(name)
    except DomainError as error:
        raise RunError(f"{run}: its domain cannot be opened: {error}") from error
    if opened.hash != (held := record["hashes"]["domain"]):
        raise RunError(
            f"{run}: was made with another state of the domain {opened.name} ({held[:12]}, now {opened.hash[:12]}); "
            "give that one with --domain, or compare again"
        )
    every = items_of(opened, *_mentions(name, opened, record))
    names = [f"{result.base}-base", result.base]
    base_name = next((file for file in names if (run / "scores" / f"{file}.parquet").is_file()), names[1])
    files = {model: run / "scores" / f"{file_of(model)}.parquet" for model in result.models}
    base = ScoreFiles({"": run / "scores" / f"{base_name}.parquet"})[""]
    scored = set(base["item"].unique().to_pylist())
    items = add_borrowed_options([item for item in every if item.id in scored], result.seed)
    _require_same_items(run, items, base)
    own = {name: (model.own, model.own_from) for name, model in result.models.items()}
    inputs = AnalysisInputs(opened, tuple(items), base, ScoreFiles(files), own, result.per, result.seed)
    frequency = Counter(item.concept for item in every if item.kind in ("term", "word"))
    return LoadedRun(comparison, inputs, frequency, result.layer_numbers)


def _record(run: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
        record["hashes"]["domain"], record["created"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{run / 'run.json'}: is not a run's record ({error}); run probe compare again") from error
    return record


def _mentions(name: str | Path, domain: Domain, record: dict[str, Any]) -> tuple[Any, Any]:
    """What stood for terms in the run: None for the domain's own names."""
    held = record.get("terms") or {}
    if not held:
        return None, None
    edits = (held.get("edits") or {}).get("file")
    terms = domain_terms(name, domain, Path(held["vocabulary"]["path"]), Path(edits) if edits else None)
    return terms.mentions, terms.classes


def _require_same_items(run: Path, items: list[Item], base: pa.Table) -> None:
    """Raise `RunError` where items are not those that were scored, with as many roles to each fact."""
    import polars as pl

    table = pl.DataFrame({name: pl.from_arrow(base[name]) for name in ("item", "role")})
    counts = dict(table.group_by("item").agg(pl.max("role")).iter_rows())
    facts = [item for item in items if item.kind == "fact"]
    apart = ("prior:", "occurrence:", f"fact:{CONTRAST}:", f"{CONTRAST}:")
    missing = {item for item in counts if not item.startswith(apart)} - {item.id for item in items}
    if missing or any(counts[item.id] != len(item.scored) - 1 for item in facts):
        raise RunError(f"{run}: its items are not those that its domain gives now; compare again")
