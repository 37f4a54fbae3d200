"""A vocabulary's reader: files with a concept a line, its names divided by `;`, the first one preferred."""

from collections.abc import Iterator
from pathlib import Path

from knowshift.errors import VocabularyError
from knowshift.terms.vocabulary.entry import Entry
from knowshift.terms.vocabulary.reading import Filters, Tally
from knowshift.terms.vocabulary.sources import Kind


def read(path: Path, filters: Filters, tally: Tally) -> Iterator[Entry]:
    """Yields concepts; what is left out is counted in `tally`, what is wrong names file and line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            tally.dropped["empty lines"] += 1
            continue
        name, *aliases = line.split(";")
        if not name.strip():
            raise VocabularyError(f"{path}, line {number}: no name before the first `;`; expected NAME;ALIAS;…")
        yield Entry.of(f"line:{number}", name, aliases)


LINES = Kind("lines of names", read)
