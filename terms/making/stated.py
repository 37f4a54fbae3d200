"""What a source states: the one value between the readers of sources and the domain made from them.

Each form of source has a reader that gives a `Stated`: question–answer pairs, multiple choice and triples
(`from_records`), vocabularies. `source.write_domain` makes facts of it, and knows nothing of the form. A reader decides
what a row says and how it is worded; distractors, doubles, names and controls are not its business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .facts import FactRow

TAUGHT, HELD_OUT = "taught", "held out"
"""Names of wordings (`Fact.wordings`): as it stands in the training data, and worded otherwise."""


@dataclass(frozen=True)
class Stated:
    """What a source states, before facts are made of it.

    Rows keep the source's order, which decides the facts' ids. Rows may repeat or contradict each other: equal ones
    become one fact, and other answers for a row's subject and relation become `also_true`.
    """

    rows: tuple[FactRow, ...]
    """Subject, relation, answer, specialties (ids of the domain to be; empty: by the vocabulary, else the domain's
    only one), other true answers, and where the row stands in the source."""
    wordings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Relation → two or more cues with `{}` once, for the subject; the last is held out. A row that has `cues` of its
    own needs none."""
    skipped: Mapping[str, int] = field(default_factory=Counter)
    """Reason → records, the reason worded as it follows "skipped: 12": "without an answer"."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Answer → its other names. None of them becomes a distractor of it."""
    records: int = 0
    """Records read, the skipped ones too."""
    description: str = ""
    """A sentence for domain.toml; by default one that names the file."""
    licence: str = ""
    """Of the source, where it is known."""
