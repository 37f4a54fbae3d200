"""The files that a build leaves in a domain's folder: staged, opened as a domain, then put in place.

`build.json` says which files a build made, with the SHA-256 of each. A later build replaces those, and no other: a
file that a person put there or changed since stops it before anything is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ..._version import __version__
from ...errors import DomainError, UsageError
from ..domain import EMBEDDED, Domain, Fact, embedded

RECORD = "build.json"
SCHEMA = 1
OPTIONAL = ("wordings", "aliases", "also_true")
PARTS = ("concepts", "texts", "facts", "questions")


def folder_of(name_or_path: str | Path) -> Path:
    """The folder of a domain that may be written to. Raises UsageError where there is none."""
    if str(name_or_path) in embedded() or EMBEDDED in Path(name_or_path).resolve().parents:
        raise UsageError(f"{name_or_path}: comes with the package; lay down one of your own with probe domain new NAME")
    folder = Path(name_or_path)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise UsageError(f"{folder}: {what}; lay a domain down with probe domain new NAME --out {folder}")
    return folder


def read_record(folder: Path) -> dict[str, Any]:
    """What the last build left of itself; empty before the first. Raises DomainError where it cannot be read."""
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(record["made"], dict)
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise DomainError(
            f"{path}: not a record of probe domain build; put it back, or delete it and the files that a build made"
        ) from error
    out: dict[str, Any] = record
    return out


def check_ours(folder: Path, names: Iterable[str]) -> None:
    """Raises UsageError where one of the files stands there and is not as a build left it."""
    made = read_record(folder).get("made", {})
    for name in names:
        path = folder / name
        for twin in (path, path.with_suffix(".parquet")):
            if not twin.exists() or made.get(twin.name) == sha256(twin):
                continue
            if twin.name == "terms.csv" and twin.name in made:
                raise UsageError(f"{twin}: edited since it was made; give --terms {twin} to build by it, or delete it")
            what = "changed by hand since it was built" if twin.name in made else "not made by a build"
            raise UsageError(f"{twin}: {what}, and a build would replace it; move it away, or leave this part out")


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden folder inside, gone afterwards."""
    place = Path(mkdtemp(dir=folder, prefix=".build-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def open_staged(stage: Path, folder: Path) -> Domain:
    """The domain as it would be, with the parts of the folder that are not made anew. Raises DomainError."""
    for part in PARTS:
        twins = [f"{part}.jsonl", f"{part}.parquet"]
        if not any((stage / name).exists() for name in twins):
            for name in twins:
                if (folder / name).exists():
                    shutil.copy(folder / name, stage / name)
    return _open_in_place_of(stage, folder)


def _open_in_place_of(stage: Path, folder: Path) -> Domain:
    """Open what is to be in `folder`; an error names that, and not the hidden stage."""
    try:
        return Domain.open(stage)
    except DomainError as error:
        raise DomainError(str(error).replace(str(stage), str(folder))) from error


def install(stage: Path, folder: Path, names: Iterable[str], about: Mapping[str, Any]) -> None:
    """Moves the named files of the stage into the folder, and records them; on failure all is as it was before."""
    names = list(names)
    made = {**read_record(folder).get("made", {}), **{n: sha256(stage / n) for n in names if n != "domain.toml"}}
    _write_record(stage, about, made)
    before = stage / "before"
    before.mkdir()
    moved: list[str] = []
    try:
        for name in [*names, RECORD]:
            if (folder / name).exists():
                shutil.copy2(folder / name, before / name)
            moved.append(name)
            os.replace(stage / name, folder / name)
    except BaseException:
        for name in moved:
            if (before / name).exists():
                os.replace(before / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise


def _write_record(stage: Path, about: Mapping[str, Any], made: Mapping[str, str]) -> None:
    record = {"schema": SCHEMA, "made_by": f"knowshift {__version__}", **about, "made": made}
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (stage / RECORD).write_text(text, encoding="utf-8", newline="\n")


def facts_text(facts: Iterable[Fact]) -> str:
    """Return the content of facts.jsonl; fields that say nothing are left out."""
    plain = ({k: v for k, v in asdict(fact).items() if k not in OPTIONAL or v} for fact in facts)
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in plain)


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give a hidden folder that takes the place of `folder`, which is new or empty, once it is filled.

    Where filling it fails, nothing is there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield stage
        stage.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        stage.rename(folder)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def write_new(folder: Path, files: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Write a new domain's folder, whole or not at all, with the record of what was made.

    Raises DomainError where the files are no domain, and then nothing is there.
    """
    with whole(folder) as stage:
        for name, text in files.items():
            (stage / name).write_text(text, encoding="utf-8", newline="\n")
        made = {name: sha256(stage / name) for name in files if name != "domain.toml"}
        _write_record(stage, about, made)
        _open_in_place_of(stage, folder)


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
