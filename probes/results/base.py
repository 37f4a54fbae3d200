"""What every result is made of: frozen values, numbers that are finite or absent, documents with a version."""

from __future__ import annotations

import json
import math
import operator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from ...errors import RunError
from ...storage import write_whole

Kind = TypeVar("Kind")


def _finite(value: Any) -> Any:
    """Return None for NaN and infinities; JSON has neither, and no number is better than one that is not."""
    if value is None or isinstance(value, bool | str):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def _count(value: Any) -> Any:
    """Return a whole number as a Python int, so that NumPy's integers validate too."""
    return value if isinstance(value, bool | str | float) or value is None else operator.index(value)


Finite = Annotated[Annotated[float, Strict()] | None, BeforeValidator(_finite)]
"""A number, or None where the data cannot tell; NaN and infinities become None."""
Count = Annotated[int, BeforeValidator(_count)]

CONFIG = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True, use_attribute_docstrings=True)


class ResultModel(BaseModel):
    """A frozen value of a result file; unknown keys are refused."""

    model_config = ConfigDict(**CONFIG, frozen=True)


class Document(ResultModel):
    """A result file as a whole: a version, and the way to and from JSON."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str]
    """Name of the file in a run directory."""
    COMMAND: ClassVar[str]
    """The command that writes the file, for error messages."""

    schema_version: int = Field(alias="schema")

    def to_json(self) -> str:
        """Return the document as indented JSON text; every number in it is finite."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "") -> Self:
        """Read a document of this version.

        Args:
            text: JSON, as `to_json` writes it.
            source: The file's name, for error messages.

        Raises:
            RunError: The text is not JSON, of another version, or does not have this document's layout.
        """
        source = source or cls.FILE
        again = f"run {cls.COMMAND} again"
        try:
            data = json.loads(text)
        except ValueError as error:
            raise RunError(f"{source}: is not JSON ({error}); {again}") from error
        version = data.get("schema") if isinstance(data, dict) else None
        if version != cls.VERSION or isinstance(version, bool):
            newer = isinstance(version, int) and version > cls.VERSION
            raise RunError(
                f"{source}: has schema {version!r}, and this version of knowshift reads schema {cls.VERSION}; "
                + ("install a newer knowshift" if newer else again)
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            newer = any(fault["type"] == "extra_forbidden" for fault in error.errors(include_url=False))
            remedy = f"install the knowshift that wrote it, or {again}" if newer else again
            raise RunError(f"{source}: {describe(error)}; {remedy}") from error

    @classmethod
    def read(cls, run: Path) -> Self:
        """Read the document from a run directory. Raises `RunError` as `from_json`, and where there is no such file."""
        path = run / cls.FILE
        try:
            text = path.read_bytes()
        except OSError as error:
            raise RunError(f"{path}: cannot be read ({error.strerror}); run {cls.COMMAND} again") from error
        return cls.from_json(text, str(path))

    def write(self, run: Path) -> None:
        """Write the document into a run directory, whole or not at all."""
        write_whole(run / self.FILE, self.to_json().encode())


def describe(error: ValidationError) -> str:
    """Return the first fault of a document in one line: where it is, and what was expected."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the document"
    # A key may be any text, such as a line break or what a terminal obeys.
    place = "".join(character if character.isprintable() else "�" for character in place)
    more = error.error_count() - 1
    return f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}" + (f" (and {more} more)" if more else "")
