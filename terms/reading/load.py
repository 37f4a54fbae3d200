"""Records of whatever a person has: a file, a folder, or a dataset of the Hugging Face hub.

A folder's files are read by name; what `datasets` saved there is read as that dataset; a clone of a dataset's
repository is read by its data files. A folder's README, licence and hidden files are no data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import Any

from ...errors import CorpusError
from ..records import Faults, Record
from .content import Content, UndecodableError
from .formats import PARQUET, Format, Rows, format_of, suffixes

TEXT, LABEL = "text", "specialty"
"""Fields of a record that is made from a text file; the label is the first folder below the one given."""
_ABOUT = re.compile(r"(readme|licen[cs]e|copying|citation|changelog|contributing)(\.\w+)?", re.I)
"""Names of files that are about the data."""
_META = re.compile(r"(dataset_infos?|dataset_dict|state|tokenizer\w*|config)\.json", re.I)
_ON_HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(:[\w.-]+)?|[\w-]+(:[\w-]+)?")


def expected(prose: bool = True) -> str:
    """Return what a source may be, for messages."""
    return (
        f"expected a folder, a file ({suffixes(with_prose=prose)}; each also .gz), or a dataset as OWNER/NAME[:SPLIT]"
    )


def read_records(
    source: str | Path, faults: Faults, *, encoding: str | None = None, prose: bool = True
) -> Iterator[Record]:
    """Yield all records of one source, in the order of its files; without `prose` text files are none.

    Args:
        source: A file, a folder, or a dataset's name on the hub with its split.
        faults: Takes what is wrong with single records; reading goes on after it.
        encoding: Of files of text, where it is not UTF-8 and no byte order mark says so.
        prose: Whether a text file is a record too; its fields are `id`, `text` and `specialty` (its folder).

    Raises:
        CorpusError: The source cannot be read at all.
    """
    for where, value in read_values(source, faults, encoding=encoding, prose=prose):
        if isinstance(value, dict):
            yield Record(value, where, faults)
        else:
            faults.add(where, f"expected a record {{...}}, found {_brief(value)}")


def read_values(source: str | Path, faults: Faults, *, encoding: str | None = None, prose: bool = True) -> Rows:
    """Yield the values of one source as `read_records` does, records or not, with where they stand."""
    path = Path(source)
    if not path.exists():
        yield from _dataset(str(source), _from_hub)
    elif path.is_dir() and is_saved_dataset(path):
        yield from _dataset(str(source), _from_disk)
    elif path.is_dir():
        for file in files_of(path, prose=prose):
            yield from _file_values(file, faults, encoding, path)
    elif (form := _form(path)).is_prose and not prose:
        raise CorpusError(f"{source}: a {form.name} file holds no records; {expected(prose)}")
    else:
        yield from _file_values(path, faults, encoding)


def files_of(folder: Path, *, prose: bool = True) -> list[Path]:
    """Return a folder's files of known forms, sorted by name. Raises `CorpusError` where there are none."""
    found = []
    for path in sorted(folder.rglob("*")):
        form = format_of(path)
        hidden = any(part[0] == "." for part in path.relative_to(folder).parts)
        about = _ABOUT.fullmatch(path.name.removesuffix(".gz")) or _META.fullmatch(path.name)
        if form and (prose or not form.is_prose) and not hidden and not about and path.is_file():
            found.append(path)
    if not found:
        raise CorpusError(f"{folder}: no file of a known form in it; {expected(prose)}")
    return found


def _file_values(path: Path, faults: Faults, encoding: str | None, root: Path | None = None) -> Rows:
    form = _form(path)
    try:
        for where, value in form.read(Content(path, encoding), faults):
            if form.is_prose and isinstance(value, dict):
                below = path.relative_to(root).parts if root else (path.name,)
                yield where, {"id": "/".join(below), **value, LABEL: below[0] if len(below) > 1 else None}
            else:
                yield where, value
    except UndecodableError as error:
        faults.add(f"{path}, line {error.line}", error.why)


def _form(path: Path) -> Format:
    if is_parquet(path):
        return PARQUET
    if (form := format_of(path)) is None:
        raise CorpusError(f"{path}: unknown form; {expected()}")
    return form


def is_parquet(path: Path) -> bool:
    """Whether a file is parquet by its content, whatever its ending."""
    return Content(path).head.startswith(b"PAR1")


def is_saved_dataset(folder: Path) -> bool:
    """Whether `datasets.save_to_disk` wrote the folder; a clone of a repository may hold a dataset_info.json too."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _dataset(source: str, open_it: Callable[[str], Any]) -> Rows:
    if open_it is _from_hub and not _ON_HUB.fullmatch(source):
        raise CorpusError(f"{source}: no such file or folder; {expected()}")
    import datasets

    datasets.disable_progress_bars()
    # The hub's client logs each try; what comes of them is reported below.
    client = getLogger("huggingface_hub")
    level = client.level
    client.setLevel(CRITICAL)
    try:
        found = open_it(source)
        parts = dict(found) if isinstance(found, datasets.DatasetDict) else {"": found}
        for split, part in parts.items():
            where = f"{source}, {split} record" if split else f"{source}, record"
            # Pictures and sounds are no text, and decoding them takes further packages.
            plain = part.select_columns([name for name, kind in part.features.items() if _is_plain(kind)])
            for number, row in enumerate(plain, 1):
                yield f"{where} {number}", dict(row)
    except Exception as error:  # the hub's client, its HTTP library and pyarrow each raise their own
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        where = "no such file or folder, and " if open_it is _from_hub else ""
        raise CorpusError(
            f"{source}: {where}cannot be read as a dataset ({reason.rstrip('.')[:200]}); check the spelling, or give a "
            "file or folder that is on this machine"
        ) from error
    finally:
        client.setLevel(level)


def _from_disk(source: str) -> Any:
    import datasets

    return datasets.load_from_disk(source)


def _from_hub(source: str) -> Any:
    import datasets

    name, _, split = source.partition(":")
    return datasets.load_dataset(name, split=split or None)


def _is_plain(kind: Any) -> bool:
    return type(kind).__name__ not in ("Image", "Audio", "Video", "Pdf", "Nifti")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
