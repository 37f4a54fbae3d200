"""What the statistics are made from: a domain's items, and the score tables of a base and its tuned models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import RunError
from ...models.rounding import TrainedOn
from ...terms.domain import Domain
from ...terms.items import Item
from ...terms.training import Seen
from ..results.rungs import Per


class ScoreFiles(Mapping[str, pa.Table]):
    """Score tables by model name, read from their parquet files each time they are asked for.

    Nothing is kept, so that memory does not grow with the number of models.

    Args:
        files: Parquet files by model name.
        columns: Columns to read; by default all.
    """

    def __init__(self, files: Mapping[str, Path], columns: Sequence[str] | None = None) -> None:
        self.files, self.columns = dict(files), columns

    def __getitem__(self, model: str) -> pa.Table:
        path = self.files[model]
        try:
            return pq.ParquetFile(path).read(columns=self.columns)
        except (OSError, pa.ArrowException) as error:
            raise RunError(
                f"{path}: cannot be read; give the same probe compare again and it is scored anew"
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class AnalysisInputs:
    """Everything a comparison's results are made from."""

    domain: Domain
    items: tuple[Item, ...]
    base: pa.Table
    tuned: Mapping[str, pa.Table]
    """Score tables by model; `ScoreFiles` reads each when it is asked for."""
    own: Mapping[str, tuple[str | None, str]]
    """Own specialty of each model (None: the whole domain), and where it was read from."""
    per: Per
    seed: int
    seen: Mapping[str, Seen] = field(default_factory=dict)
    """By model, what of the items stood in its training data, where that was given."""
    trained_on: Mapping[str, TrainedOn] = field(default_factory=dict)
    """By model, the rounded base that it was trained on, where its own base is not rounded."""
    rounded: Mapping[str, pa.Table] = field(default_factory=dict)
    """Score tables of the rounded base, by precision."""
    replicates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of the models that are trainings of one tune, keyed by the group's name."""
