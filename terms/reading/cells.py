"""Rows of tables with separated values: CSV with its dialects, and TSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from itertools import islice

from ..records import Faults
from .content import Content

SEPARATORS = (",", ";", "\t", "|")
MOST_LINES = 10_000
"""Lines that a quoted cell of a tab-separated file may span."""
# A note may be longer than the module's 128 KiB.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

Row = dict[str, str | None]


def csv_rows(content: Content, faults: Faults) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a file with commas, or with semicolons as spreadsheets of many countries write it."""
    lines = content.lines()
    first = next((line for line in lines if line.strip()), "")
    plain = "".join(part for n, part in enumerate(first.split('"')) if n % 2 == 0)
    separator = max(SEPARATORS, key=lambda mark: (plain.count(mark), -SEPARATORS.index(mark)))

    def again() -> Iterator[str]:
        yield f"{first}\n"
        yield from (f"{line}\n" for line in lines)

    reader = csv.reader(again(), delimiter=separator, strict=True)
    begin = 1

    def cells() -> Iterator[tuple[int, list[str]]]:
        nonlocal begin
        for row in reader:
            here, begin = begin, reader.line_num + 1
            yield here, row

    try:
        yield from _named(content, cells(), separator, faults)
    except csv.Error as error:
        faults.add(f"{content.path}, line {begin}", f"{error}; expected cells quoted as in CSV")


def tsv_rows(content: Content, faults: Faults) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a tab-separated file. A cell is quoted only where its quotation marks close as in CSV; a lone
    one is a character like any other."""
    yield from _named(content, _tab_cells(content), "\t", faults)


def _tab_cells(content: Content) -> Iterator[tuple[int, list[str]]]:
    width = 0
    held: list[str] = []
    begin = 1
    lines = enumerate(content.lines(), 1)
    pending: list[tuple[int, str]] = []
    while True:
        number, line = pending.pop(0) if pending else next(lines, (0, ""))
        if not number:
            return
        begin, held = number, [line]
        row = _unquoted(held, width)
        if row is None and line.count('"') % 2:
            # The cell may go on in the next lines; where it does not close, these lines are read one by one.
            ahead = pending + list(islice(lines, max(0, MOST_LINES - len(pending))))
            for n, (_, more) in enumerate(ahead):
                held.append(more)
                if '"' in more and (row := _unquoted(held, width)) is not None:
                    ahead = ahead[n + 1 :]
                    break
            pending = ahead
        cells = row if row is not None else line.split("\t")
        width = width or len(cells)
        yield begin, cells


def _unquoted(lines: list[str], width: int) -> list[str] | None:
    """Return the cells of a row whose quotation marks are those of CSV; None where they are not."""
    text = "\n".join(lines)
    if '"' not in text:
        return text.split("\t") if len(lines) == 1 else None
    try:
        rows = list(csv.reader((f"{line}\n" for line in lines), delimiter="\t", strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 and len(rows[0]) == (width or len(rows[0])) else None


def _named(
    content: Content, rows: Iterator[tuple[int, list[str]]], separator: str, faults: Faults
) -> Iterator[tuple[str, Row]]:
    """Yield rows under the header's names; an empty cell is an absent field."""
    header: list[str] = []
    for line, cells in rows:
        where = f"{content.path}, line {line}"
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = [cell.strip() for cell in cells]
            if twice := [name for name in header if name and header.count(name) > 1]:
                faults.add(where, f'column "{twice[0]}" stands twice; expected each name once, rename one')
                return
        elif len(cells) != len(header):
            shown = {"\t": "a tab"}.get(separator, f'"{separator}"')
            what = f"{len(cells)} cells; expected {len(header)} as in the first line"
            faults.add(where, f"{what}: put cells that hold {shown} or a quote in double quotes")
        else:
            yield where, {name: cell if cell.strip() else None for name, cell in zip(header, cells, strict=True)}
