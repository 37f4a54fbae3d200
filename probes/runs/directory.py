"""The run directory: everything one comparison leaves behind, written so that an interrupted run can go on.

run.json            identity, command, versions, hashes, seed, dtype, device, lens, whether texts may be shown
lens.safetensors    the tuned lens, where the layers are read through one
scores/*.parquet    one score table a model; while it is being written, its shards in scores/.parts/
comparison.json     what `--json` prints
terms.parquet       a row a model and concept
facts.parquet       a row a model and fact
report.html
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ... import versions
from ...errors import RunError, first_line
from ...models.table import SCHEMA
from ...storage import write_whole
from ..analysis.scores import require_finite
from . import cache

if TYPE_CHECKING:
    import polars as pl

    from ...models.checkpoint import Checkpoint
    from ...models.engines.protocol import Engine
    from ...models.layers import Lens
    from ...models.scoring import ScoringPlan

SCHEMA_VERSION = 1
RESULT = "comparison.json"
"""What a comparison's folder holds once it is finished."""
PART = ".run.json.*part"
"""What is left of a record where a run was killed."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, items done, items in all."""


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, whole or not at all; ValueError where a number is not finite."""
    write_whole(path, (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Writes a parquet file, whole or not at all."""
    held = BytesIO()
    frame.write_parquet(held)  # polars has an error of its own for a full disk
    write_whole(path, held.getvalue())


def _as_kept(identity: Mapping[str, Any]) -> dict[str, Any]:
    """As the record gives it back: lists for tuples."""
    kept: dict[str, Any] = json.loads(json.dumps(identity))
    return kept


@dataclass(frozen=True)
class RunDirectory:
    """A run's folder; `identity` is what makes it this run and no other."""

    path: Path
    identity: Mapping[str, Any]

    @classmethod
    def claim(cls, path: Path, identity: Mapping[str, Any], about: Mapping[str, Any]) -> RunDirectory:
        """Makes the folder, or takes up the same run in it. Raises `RunError` where another run lies there."""
        record = path / "run.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            first = {}
            if record.is_file():
                held = cls._same(record, identity)
                first = {"created": held["created"]} if "created" in held else {}
            elif any(entry.name != "scores" and not entry.match(PART) for entry in path.iterdir()):
                raise RunError(f"--out {path}: the folder holds other things and no run; give an empty or new folder")
            (path / "scores").mkdir(exist_ok=True)
            write_json(record, {"schema": SCHEMA_VERSION, **about, **first, "identity": identity})
            for part in path.glob(PART):
                part.unlink(missing_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise RunError(f"--out {path}: is a file; give a folder") from error
        except OSError as error:
            raise RunError(f"--out {path}: cannot be written ({error.strerror}); give another folder") from error
        return cls(path, identity)

    @classmethod
    def claimed(cls, path: Path, identity: Mapping[str, Any]) -> RunDirectory | None:
        """The same run in `path`, once another process has claimed it. Raises `RunError` where another lies there."""
        record = path / "run.json"
        if not record.is_file():
            return None
        cls._same(record, identity)
        return cls(path, identity)

    @staticmethod
    def recorded(path: Path) -> dict[str, Any]:
        """What the record of the run in `path` says; nothing where there is none that can be read."""
        try:
            held = json.loads((path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    @classmethod
    def dated(cls, stem: Path, identity: Mapping[str, Any], result: str) -> Path:
        """`<stem>-<today>`; or an earlier day's folder, where this very run lies there without its `result`."""
        today = stem.with_name(f"{stem.name}-{datetime.date.today():%Y-%m-%d}")
        if today.exists():
            return today
        asked = _as_kept(identity)
        for path in sorted(stem.parent.glob(f"{escape(stem.name)}-????-??-??"), reverse=True):
            if cls.recorded(path).get("identity") == asked and not (path / result).is_file():
                return path
        return today

    def note(self, **more: Any) -> None:
        """Adds to the run's record."""
        record = self.path / "run.json"
        write_json(record, json.loads(record.read_text(encoding="utf-8")) | more)

    @staticmethod
    def _same(record: Path, identity: Mapping[str, Any]) -> dict[str, Any]:
        """The record that stands there, of this very run."""
        try:
            whole: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
            held = dict(whole["identity"])
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(f"{record}: is not a run's record; give another --out or delete the folder") from error
        asked = _as_kept(identity)
        if held != asked:
            differs = ", ".join(sorted(k for k in {*held, *asked} if held.get(k) != asked.get(k)))
            raise RunError(
                f"--out {record.parent}: another run lies there (it differs in: {differs}); "
                "give another --out or delete the folder"
            )
        return whole

    def score(
        self,
        name: str,
        key: str,
        plan: ScoringPlan,
        checkpoint: Checkpoint,
        *,
        lens: Lens | bool = True,
        engine: Engine | None = None,
        progress: Progress | None = None,
        about: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """The score table of one model: from this run, from the cache, or computed, shard by shard.

        `about` is what the cache's list says of it.
        """
        from ...models.scoring import in_order, score_shards

        finished = self.path / "scores" / f"{name}.parquet"
        total = len(plan.aligned.sequences)
        table = cache.read_table(finished, key)
        if table is None and (table := cache.fetch(key)) is not None:
            cache.write_table(table, finished, key)
        if table is not None:
            if progress:
                progress(f"{name} (scored before)", total, total)
            return table
        parts = _parts(self.path, name, key)
        found = {i: t for i in range(plan.shards) if (t := cache.read_table(parts / f"{i:05d}.parquet", key))}
        done = sum(plan.sequences(shard) for shard in found)
        if progress:
            progress(name, done, total)
        for shard, rows in score_shards(plan, checkpoint, engine=engine, lens=lens, done=frozenset(found)):
            require_finite(rows, name)
            cache.write_table(rows, parts / f"{shard:05d}.parquet", key)
            found[shard] = rows
            done += plan.sequences(shard)
            if progress:
                progress(name, done, total)
        # Shards from a file carry its key, shards just computed do not.
        shards = [SCHEMA.empty_table(), *(found[shard].cast(SCHEMA) for shard in range(plan.shards))]
        table = in_order(pa.concat_tables(shards), plan)
        cache.write_table(table, finished, key)
        shutil.rmtree(parts, ignore_errors=True)
        with suppress(OSError):  # another model's shards may still lie there
            parts.parent.rmdir()
        cache.store(key, table, about or {"model": name})
        return table


def _parts(run: Path, name: str, key: str) -> Path:
    """Where a model's shards lie while it is being scored."""
    return run / "scores" / ".parts" / f"{name}-{key[:16]}"


def shards_held(run: Path, name: str, key: str) -> set[int] | None:
    """Shards of a model's scores that `run` seems to hold; None where it holds the whole table."""
    if cache.marked(run / "scores" / f"{name}.parquet", key):
        return None
    return {int(path.stem) for path in _parts(run, name, key).glob("*.parquet") if cache.marked(path, key)}


@contextmanager
def writing(run: RunDirectory) -> Iterator[None]:
    """What the disk refuses, as one line that names the run."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else first_line(error)
        raise RunError(
            f"{run.path}: cannot be written ({why}); free some space, and the same command goes on where it stopped"
        ) from error


def command() -> str:
    """The command line that asked for this run; `knowshift.compare` where a program did."""
    called = Path(sys.argv[0])
    by_module = called.name == "__main__.py" and called.resolve().parent == Path(versions.__file__).parent
    return shlex.join(["probe", *sys.argv[1:]]) if called.name == "probe" or by_module else "knowshift.compare"
