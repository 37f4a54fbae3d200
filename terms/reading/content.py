"""A file's content as text: gzip, byte order marks and declared encodings. Read by `terms.reading.formats`."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from ...errors import CorpusError, UsageError

GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings that they say."""
_OTHERS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"PK\x03\x04": "zip (or a spreadsheet)",
}
"""First bytes of forms that are not read."""


class UndecodableError(CorpusError):
    """A file that is not in the encoding it was read in."""

    def __init__(self, path: Path, line: int, encoding: str) -> None:
        self.line = line
        name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper() if encoding.startswith("utf") else encoding)
        self.why = f"not {name}; save the file as UTF-8, or declare its encoding, such as --encoding cp1252"
        super().__init__(f"{path}, line {line}: {self.why}")


def checked_encoding(name: str | None) -> str | None:
    """Return the declared encoding. Raises `UsageError` for one that Python does not know."""
    if name is not None:
        try:
            "".encode(name)
            b"".decode(name)
        except (LookupError, TypeError):
            raise UsageError(
                f"--encoding {name}: no such encoding; give one such as utf-16, cp1252 or latin-1"
            ) from None
    return name


@dataclass(frozen=True)
class Content:
    """One file, unpacked where it is gzipped, and decoded.

    `encoding` is what the user declared; a byte order mark goes before it, and without both the file is UTF-8.
    """

    path: Path
    declared: str | None = None

    @cached_property
    def head(self) -> bytes:
        """The first bytes, unpacked."""
        with self.binary() as file:
            return file.read(16)

    @cached_property
    def is_gzipped(self) -> bool:
        try:
            with self.path.open("rb") as file:
                return file.read(2) == GZIP
        except OSError as error:
            raise _unreadable(self.path, error) from error

    @cached_property
    def encoding(self) -> str:
        return next((name for mark, name in _MARKS if self.head.startswith(mark)), self.declared or "utf-8")

    @contextmanager
    def binary(self) -> Iterator[IO[bytes]]:
        """Open the file's bytes, unpacked. Raises `CorpusError` where they cannot be read."""
        try:
            with self.path.open("rb") as file:
                yield cast(IO[bytes], gzip.GzipFile(fileobj=file)) if self.is_gzipped else file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CorpusError(f"{self.path}: broken gzip ({error}); fetch the file again") from error
        except OSError as error:
            raise _unreadable(self.path, error) from error

    @contextmanager
    def characters(self) -> Iterator[io.TextIOWrapper]:
        """Open the file's text, line ends as they are. Raises `CorpusError` for a form that is no text."""
        if other := next((name for start, name in _OTHERS.items() if self.head.startswith(start)), None):
            raise CorpusError(
                f"{self.path}: is a {other} file, which is not read; unpack it, or save it as CSV or JSON"
            )
        with self.binary() as file:
            text = io.TextIOWrapper(file, encoding=self.encoding, newline="\n")
            yield text
            text.detach()

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends. Raises `UndecodableError`.

        Only line feeds end a line (with a carriage return before them): JSON allows U+2028 and its like in a string.
        """
        with self.characters() as text:
            try:
                for line in text:
                    yield line.rstrip("\n").removesuffix("\r")
            except UnicodeDecodeError:
                # Text is decoded ahead of the line that is read.
                raise UndecodableError(self.path, self._broken_line(), self.encoding) from None

    def whole(self) -> str:
        """Return all of the text. Raises `UndecodableError`."""
        return "\n".join(self.lines())

    def _broken_line(self) -> int:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        number = 0
        with self.binary() as file:
            for number, line in enumerate(file, 1):
                try:
                    decoder.decode(line)
                except UnicodeDecodeError:
                    return number
        return max(number, 1)  # the last line ends in the middle of a character


def _unreadable(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"{path}: cannot be read: {error.strerror or error}; expected a file that you may read")
