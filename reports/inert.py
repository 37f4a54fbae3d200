"""Text that shows as what it is: characters that no reader sees, or that turn the text around them, become visible.

Each is replaced by one character, so that places in a text stay where they are. Read by `run_view` and `page`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

TURNED = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
"""Marks that turn, or set, the direction of the text after them."""
SHOWN = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *TURNED, *range(0xD800, 0xE000)], 0xFFFD),
}
"""Control characters by their pictures; marks of direction, and halves of a character, by U+FFFD."""


def inert(value: Any) -> Any:
    """Return a text, or JSON with texts in it, made inert; keys too."""
    if isinstance(value, str):
        return value.translate(SHOWN)
    if isinstance(value, list | tuple):
        return [inert(part) for part in value]
    if isinstance(value, dict):
        return {inert(key): inert(part) for key, part in value.items()}
    return value


def inert_model(model: Model) -> Model:
    """Return a result with every text in it made inert, keys and further analyses too."""
    return type(model).model_validate(inert(model.model_dump(exclude_unset=True)))


def inert_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its texts, and lists of texts, made inert."""
    whole = {code: new for code, new in SHOWN.items() if not 0xD800 <= code < 0xE000}  # parquet holds no halves
    old, new = [chr(code) for code in whole], [chr(code) for code in whole.values()]

    def shown(column: pl.Expr, kind: Any) -> pl.Expr:
        if isinstance(kind, pl.List):
            return column.list.eval(shown(pl.element(), kind.inner))
        return column.str.replace_many(old, new)

    def holds_text(kind: Any) -> bool:
        return holds_text(kind.inner) if isinstance(kind, pl.List) else kind == pl.String

    texts = [shown(pl.col(name), kind) for name, kind in frame.schema.items() if holds_text(kind)]
    return frame.with_columns(texts)
