"""What all readers share: filters, what was left out, and lines and records that know their place in a file."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import UsageError, VocabularyError

SCOPES = ("exact", "narrow", "broad", "related")
_EVERY = 100_000
"""Lines between two reports of progress."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, amount done, amount in all."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a source is taken.

    Of a UMLS release: names in `languages` (as LAT has them; None: all), from the sources `sab` (None: all), with
    `keep_suppressed` those of SUPPRESS O, E and Y too; with `broader`, RB relations give parents beside PAR.
    Of OBO: synonyms of these `scopes`.
    """

    languages: tuple[str, ...] | None = ("ENG",)
    sab: tuple[str, ...] | None = None
    keep_suppressed: bool = False
    broader: bool = False
    scopes: tuple[str, ...] = ("exact",)

    @classmethod
    def of(
        cls,
        languages: Iterable[str] | None = ("ENG",),
        sab: Iterable[str] | None = None,
        keep_suppressed: bool = False,
        broader: bool = False,
        scopes: Iterable[str] = ("exact",),
    ) -> Filters:
        """Raises UsageError for an empty list (no filter is None) and for a scope that OBO does not have."""

        def chosen(what: str, values: Iterable[str]) -> tuple[str, ...]:
            found = tuple(dict.fromkeys(value.strip() for value in values))
            if not found or "" in found:
                raise UsageError(f"no {what} is chosen; name at least one, or leave the option away")
            return found

        every = None if languages is None else tuple(v.upper() for v in chosen("language", languages))
        sources = None if sab is None else chosen("source", sab)
        wanted = tuple(v.lower() for v in chosen("scope of synonyms", scopes))
        for scope in wanted:
            if scope not in SCOPES:
                raise UsageError(f'unknown scope of synonyms "{scope}"; expected some of: {", ".join(SCOPES)}')
        return cls(every, sources, keep_suppressed, broader, wanted)


@dataclass(slots=True)
class Tally:
    """What reading left out, by reason, and what else is to be said of the sources; goes into `about`."""

    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    progress: Progress | None = None
    encoding: str | None = None
    """Of tables, where it is not UTF-8 and no byte order mark says so."""


def raw_lines(path: Path, tally: Tally | None = None) -> Iterator[bytes]:
    """Lines of a file, or of its gzipped form where it ends in .gz; with a tally, its progress is told in megabytes.

    Raises VocabularyError where it cannot be read.
    """
    progress = tally.progress if tally else None
    try:
        with path.open("rb") as raw:
            size = path.stat().st_size
            file = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            if progress is None:
                yield from file
                return
            for n, line in enumerate(file):
                if n % _EVERY == 0:
                    progress(f"{path.name}, MB", raw.tell() // 10**6, size // 10**6)
                yield line
            progress(f"{path.name}, MB", size // 10**6, size // 10**6)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise VocabularyError(f"{path}: broken gzip ({error}); fetch the file again") from error
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read: {error.strerror or error}") from error


def text(line: bytes, path: Path, n: int) -> str:
    """A line without its end; raises VocabularyError where it is not UTF-8."""
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path}, line {n}: not UTF-8 ({error.reason}); save the file as UTF-8") from error


def lines(path: Path, tally: Tally | None = None) -> Iterator[tuple[int, str]]:
    """Numbered lines (from 1) without their ends; a byte order mark falls away."""
    for n, line in enumerate(raw_lines(path, tally), 1):
        yield n, text(line, path, n).removeprefix("\ufeff" if n == 1 else "")


def records(path: Path, tally: Tally | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON records with their place (for people): one a line, or all in one list. Raises VocabularyError."""
    numbered = ((n, line) for n, line in lines(path, tally) if line.strip())
    first = True
    for n, line in numbered:
        if first and line.lstrip().startswith("["):
            content = "\n".join([line, *(rest for _, rest in numbered)])
            value = _loaded(content, str(path))
            yield from ((f"{path}, record {i}", _record(f"{path}, record {i}", row)) for i, row in enumerate(value, 1))
        else:
            where = f"{path}, line {n}"
            yield where, _record(where, _loaded(line, where))
        first = False


def _loaded(content: str, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise VocabularyError(f"{where}: expected JSON, one record a line or one list of records: {error}") from error


def _record(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise VocabularyError(f"{where}: expected a record {{...}}, found {type(value).__name__}")
    return value


def strings(where: str, name: str, value: object, separator: str | None = None) -> list[str]:
    """A field's values: a list of texts or numbers; one text is one value, or several between separators."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.split(separator) if separator else [value]
    values = value if isinstance(value, list) else [value]
    for each in values:
        if not isinstance(each, str | int) or isinstance(each, bool):
            raise VocabularyError(f'{where}, field "{name}": expected text or a list of texts, found {each!r:.60}')
    return [str(each) for each in values]
