"""A multiple-choice question, and what was wrong with the file it comes from. Written by readers, read by `choices`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import CorpusError, UsageError, first_line
from ...terms.normal_form import exact_key
from ...terms.reading.load import read_records
from ...terms.records import Faults as RecordFaults
from ..results.evaluation import DataFault

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class Question:
    """A stem and its options; `right` are the indices of the options that answer it."""

    id: str
    stem: str
    options: tuple[str, ...]
    right: tuple[int, ...]
    labels: tuple[str, ...] = ()
    """Groups it counts in: specialties, a difficulty."""
    context: str = ""
    """What is to be read before it."""
    cluster: str = ""
    """Questions of one cluster hang together (a patient's); empty: the question alone."""
    fixed: bool = False
    """Whether its last option keeps its place when the options are turned (LongHealth's F)."""


@dataclass
class Faults:
    """Records that cannot be used: counted by what is wrong, the first of each named."""

    found: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, where: str) -> None:
        self.found[what] += 1
        self.first.setdefault(what, where)

    def results(self) -> tuple[DataFault, ...]:
        """Return the faults as evaluation.json holds them."""
        return tuple(DataFault(what=what, records=n, first=self.first[what]) for what, n in self.found.items())

    def lines(self) -> list[str]:
        return [f"{n} left out: {what} (first: {self.first[what]})" for what, n in self.found.items()]


def question(where: str, id: str, stem: Any, options: Any, right: Any, faults: Faults, **more: Any) -> Question | None:
    """A question, or None and a fault. `right` is an index, an option's text, or a list of either."""
    if not isinstance(stem, str) or not stem.strip():
        faults.add("the question is missing or empty", where)
        return None
    if not isinstance(options, list | tuple) or len(options) < 2:
        faults.add("fewer than two options", where)
        return None
    if any(not isinstance(option, str) or not option.strip() for option in options):
        faults.add("an option is missing or empty", where)
        return None
    texts = tuple(option.strip() for option in options)
    if len(texts) > len(LETTERS):
        faults.add(f"more than {len(LETTERS)} options", where)
        return None
    keys = list(map(exact_key, texts))
    # "pH" and "PH", or the genes CAT and cat, are two answers.
    if len(set(keys)) < len(texts):
        faults.add("two options are the same", where)
        return None
    given = list(right) if isinstance(right, list | tuple) else [right]
    indices = []
    for one in given:
        if isinstance(one, str) and exact_key(one) in keys:
            indices.append(keys.index(exact_key(one)))
        elif isinstance(one, int) and not isinstance(one, bool) and 0 <= one < len(texts):
            indices.append(one)
        else:
            faults.add("the answer is not among the options", where)
            return None
    if not indices or len(set(indices)) == len(texts):
        faults.add("no option, or every option, is right", where)
        return None
    return Question(id, stem.strip(), texts, tuple(sorted(set(indices))), **more)


def records(path: Path, faults: Faults, encoding: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a file or folder of any form that `terms.reading` knows, with where they stand.

    Broken records are counted.

    Raises:
        UsageError: The file cannot be read, or holds no record.
    """
    if not path.exists():
        raise UsageError(f"--data {path}: no such file; give a data file")
    broken = RecordFaults()
    found = False
    try:
        for record in read_records(path, broken, encoding=encoding, prose=False):
            found = True
            yield record.where, record.data
    except CorpusError as error:
        raise UsageError(f"--data {first_line(error)}") from error
    for line in broken.found:
        faults.add("not a record of JSON", line)
    if not found:
        first = f" ({broken.found[0]})" if broken.found else ""
        raise UsageError(f"--data {path}: holds no record{first}; give JSON lines, a JSON list, parquet or CSV")
