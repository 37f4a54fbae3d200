"""The item: what is scored. Written by `terms.select`, read by `models.alignment` and `probes`.

An item knows no tokenizer: targets are character spans, and tokens are found later, for each model's own
tokenizer, by `models.alignment`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

GENERAL = "general"
"""Group name of the controls where a domain names none."""
JOINER = " "
"""What joins a cue and its answer where a domain does not say."""

CONTRAST = "contrast"
"""Group name of the items of the contrast domain, which stands in place of their specialties."""

Kind = Literal["term", "word", "control", "contrast", "fact", "prior", "occurrence"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to score.

    A `fact` has cues (wordings) and candidates: the true answer first, then its distractors; each cue is joined
    to each candidate by `joiner`. A `prior` has such answers after a cue that says nothing. A `term` (mention of a
    concept), a `contrast` (a term of the contrast domain), a `word` (content word of a control text) or a `control`
    (content word beside a term, in the same document) has a text and a character span in it; so has an `occurrence`, a
    term as a published recipe reads it (`terms.extraction.occurrences`).
    """

    id: str
    """Unique in a domain: `fact:<fact id>`, `prior:<number>`, else `<kind>:<text id>:<start>`."""
    kind: Kind
    specialties: tuple[str, ...]
    """Specialty ids; `(control group,)` for controls; empty where nothing is known."""
    concept: str
    """Cluster key: the concept's id, or a fact's own key; the lower-cased words for words and controls."""
    name: str
    """What a person reads: the concept's name, the answer, the word."""
    relation: str = ""
    """Facts only: the relation, within which distractors are drawn and answers are centred."""
    cues: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    """Facts only: `candidates[0]` is true; the role of `candidates[k]` in the score table is k."""
    borrowed: tuple[str, ...] = ()
    """Questions only: options of other questions, scored here so that they can be centred; their roles come last."""
    text: str = ""
    document: str = ""
    """Terms, words and controls only: the text's id."""
    start: int = 0
    end: int = 0
    """Terms, words and controls only: the target is `text[start:end]` (characters)."""
    types: tuple[str, ...] = ()
    """Semantic types of the concept."""
    beside: str = ""
    """Controls only: the id of the term that it stands for."""
    wordings: tuple[str, ...] = ()
    """Facts only: what each cue is (`taught`, `paraphrase`, `inverse`, …); empty where the domain does not say."""
    aliases: tuple[tuple[int, str], ...] = ()
    """Facts only: other names of candidates, each with its candidate's place; their roles come after all others."""
    joiner: str = JOINER
    """Facts and priors only: what stands between a cue and a candidate; empty in scripts without spaces."""

    @property
    def answers(self) -> tuple[str, ...]:
        """Facts only: the candidates, then the borrowed options; a string's place is its role."""
        return self.candidates + self.borrowed

    @property
    def scored(self) -> tuple[str, ...]:
        """Facts only: every string scored after the cues, in the order of the roles."""
        return self.answers + tuple(name for _, name in self.aliases)

    @property
    def target(self) -> str:
        """The string whose probability is asked for: the true answer, or the characters of the span."""
        return self.candidates[0] if self.cues else self.text[self.start : self.end]


def items_hash(items: Iterable[Item]) -> str:
    """SHA-256 (hex) of the items' whole content, in order; part of a score's address in the cache."""
    digest = hashlib.sha256()
    for item in items:
        content = asdict(item)
        # Scores that were cached before there was a choice stay valid.
        if item.joiner == JOINER:
            del content["joiner"]
        if not item.aliases:
            del content["aliases"]
        digest.update(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())
        digest.update(b"\n")
    return digest.hexdigest()
