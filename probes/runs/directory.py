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
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import versions
from ...errors import RunError, first_line
from ...progress import Progress as Progress
from ...storage import write_whole
from .processes import ALONE, Processes

if TYPE_CHECKING:
    import polars as pl

SCHEMA_VERSION = 1
RESULT = "comparison.json"
"""What a comparison's folder holds once it is finished."""
PART = ".run.json.*part"
"""What is left of a record where a run was killed."""


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
    def share(
        cls, path: Path, identity: Mapping[str, Any], about: Mapping[str, Any], here: Processes = ALONE
    ) -> RunDirectory:
        """Claim the folder in the first process; wait for its record in others. Raises `RunError` as `claim`."""
        if here.is_first:
            return cls.claim(path, identity, about)
        record = path / "run.json"
        here.wait(lambda: record.is_file() or None, record)
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
