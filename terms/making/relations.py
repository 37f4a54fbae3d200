"""The wordings of each relation: from a relations.toml, or from the columns cue_1, cue_2, cue_3 of a table of facts.

    [first_line_treatment]
    cues = ["The usual first-line drug for {} is", "…", "…"]

Read by `facts`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..records import Faults, Record

CUES = 3
FILE = "relations.toml"
_COLUMN = re.compile(r"cue[ _]?\d", re.IGNORECASE)


class Relations:
    """Cues by relation, as they are found; a relation's first cues stand, and others that differ are faults."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.cues: dict[str, tuple[str, ...]] = {}
        self._from: dict[str, str] = {}
        self._read: set[Path] = set()

    def read(self, path: Path) -> None:
        """Takes a relations.toml; none is there, or it was read before: nothing happens."""
        path = path.resolve()
        if path in self._read or not path.is_file():
            return
        self._read.add(path)
        try:
            tables: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.faults.add(str(path), f"expected TOML in UTF-8: {error}")
            return
        for relation, table in tables.items():
            cues = table.get("cues") if isinstance(table, dict) else None
            if not isinstance(cues, list) or not all(isinstance(cue, str) for cue in cues):
                self.faults.add(f"{path}, [{relation}]", f"expected cues = [...], a list of {CUES} wordings")
            else:
                self._take(relation, tuple(cues), f"{path}, [{relation}]")

    def take(self, relation: str, record: Record) -> None:
        """Takes the cues of a record, where it has any."""
        columns = sorted(name for name in record.data if isinstance(name, str) and _COLUMN.fullmatch(name))
        if cues := tuple(record.text(name) for name in columns if record.has(name)):
            self._take(relation, cues, record.where)

    def asked(self, relation: str, where: str) -> None:
        """A relation without cues is a fault."""
        if relation not in self._from:
            self._from[relation] = where
            self.faults.add(
                where,
                f'relation "{relation}" has no wordings; write [{relation}] cues = ["… {{}} …", "…", "…"] into a '
                f"{FILE} beside the table, or give the columns cue_1, cue_2, cue_3",
            )

    def _take(self, relation: str, cues: tuple[str, ...], where: str) -> None:
        known = self.cues.setdefault(relation, cues)
        if self._from.setdefault(relation, where) != where:
            if known != cues:
                what = f'relation "{relation}" has other wordings than in {self._from[relation]}'
                self.faults.add(where, f"{what}; expected the same, remove one")
            return
        if len(set(cues)) != CUES or len(cues) != CUES:
            self.faults.add(where, f'relation "{relation}" has {len(set(cues))} different cues; expected {CUES}')
        for cue in cues:
            if cue.count("{}") != 1:
                self.faults.add(where, f'cue "{cue}": expected {{}} once, where the subject stands')
            elif cue != cue.strip():
                self.faults.add(
                    where, f'cue "{cue}" begins or ends in white space; the domain joins it with its answer, remove it'
                )
