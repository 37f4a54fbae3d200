"""The shard store: where a table lies once it is finished, and where its shards lie until all are there.

A store knows no schema of its own: score tables, answers and calibrations bring theirs. All files are written whole or
not at all, under a key, so an interrupted table goes on from the shards that are there, whoever wrote them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ...progress import Progress
from .execution import SERIAL, Executor, Unit
from .tables import has_key, read_table, write_table

PARTS = ".parts"
"""The folder beside finished tables in which shards lie."""


@dataclass(frozen=True)
class ShardStore:
    """The files of one table."""

    path: Path
    """Where the finished table lies."""
    key: str
    """SHA-256 (hex) of all that the table depends on; files of another key count as absent."""
    schema: pa.Schema

    @property
    def parts(self) -> Path:
        """The folder of its shards."""
        return self.path.parent / PARTS / f"{self.path.stem}-{self.key[:16]}"

    def shard_file(self, shard: int) -> Path:
        """Return where a shard lies."""
        return self.parts / f"{shard:05d}.parquet"

    def read(self) -> pa.Table | None:
        """Return the finished table; None where it is absent or damaged."""
        return read_table(self.path, self.key, self.schema)

    def write(self, table: pa.Table, about: Mapping[str, str] | None = None) -> None:
        """Write the finished table."""
        write_table(table, self.path, self.key, self.schema, about)

    def read_shard(self, shard: int) -> pa.Table | None:
        """Return a shard; None where it is absent or damaged. A damaged file is left for its writer to replace."""
        return read_table(self.shard_file(shard), self.key, self.schema)

    def write_shard(self, shard: int, rows: pa.Table) -> None:
        """Write a shard."""
        write_table(rows, self.shard_file(shard), self.key, self.schema)

    def held_shards(self) -> set[int] | None:
        """Return the shards that seem to be there, by their keys alone; None where the finished table does."""
        if has_key(self.path, self.key):
            return None
        return {int(path.stem) for path in self.parts.glob("[0-9]*.parquet") if has_key(path, self.key)}

    def assemble(self, shards: Sequence[pa.Table], arrange: Callable[[pa.Table], pa.Table] | None = None) -> pa.Table:
        """Put all shards together, in order, as the finished table; then remove their files."""
        plain = self.schema.remove_metadata()
        table = pa.concat_tables([plain.empty_table(), *(rows.cast(plain) for rows in shards)])
        table = arrange(table) if arrange else table
        self.write(table)
        shutil.rmtree(self.parts, ignore_errors=True)
        with suppress(OSError):  # another table's shards may still lie there
            self.parts.parent.rmdir()
        return table


def build_table(
    store: ShardStore,
    label: str,
    sizes: Sequence[int],
    compute: Callable[[Sequence[int]], Iterable[tuple[int, pa.Table]]],
    *,
    executor: Executor = SERIAL,
    arrange: Callable[[pa.Table], pa.Table] | None = None,
    progress: Progress | None = None,
) -> pa.Table | None:
    """Return the finished table, its missing shards computed by `executor`; None where another process assembles it.

    `label`, `sizes` and `compute` are those of a `Unit`; `arrange` puts the assembled rows in their final order.
    """
    if (table := store.read()) is not None:
        return table
    unit = Unit(
        label=label,
        key=store.key,
        sizes=sizes,
        compute=compute,
        find=store.read_shard,
        keep=store.write_shard,
        file=store.shard_file,
        is_finished=lambda: store.read() is not None,
    )
    shards = executor.run(unit, progress)
    return store.read() if shards is None else store.assemble(shards, arrange)
