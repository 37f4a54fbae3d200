"""What of a domain stood in a model's training data. Read by `probes.runs.plan`; streamed: a file may be of any size.

A fact was seen *exact* where a cue and its answer stand together word for word, *together* where the cue's subject and
the answer stand in one passage (subject: the cue's content words, less those that most cues of its relation share). A
text was seen by decontamination's two customs: one run of 13 words (Brown et al. 2020, arXiv 2005.14165, appendix C),
or 70 % of its runs of 8 words (Chowdhery et al. 2022, arXiv 2204.02311, section 8). A term was seen by its *name*, or
with the *text* that it is read in.

Words are those of the normal form (`terms.normal_form`): runs of letters and digits in any case, and in scripts without
spaces every character. A passage is a record (all its strings) or a paragraph of a text; longer ones are read in
overlapping passages of `PASSAGE` words.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CorpusError, DomainError, UsageError
from .items import Item
from .normal_form import words_of
from .reading.content import Content, checked_encoding
from .reading.formats import format_of
from .reading.load import files_of, is_parquet, is_saved_dataset, read_values
from .records import Faults
from .words import STOP_WORDS

PASSAGE = 400
"""Words read as one passage, at most; the next one begins half of them later."""
SHORT, LONG = 8, 13
"""Words in the two runs."""
SHARE = 0.7
"""Share of a text's short runs that must have been seen."""
SHARED = 0.5
"""A word that stands in the cues of this share of a relation's facts is the relation's, not the subject's."""
ROLES, TURN = ("role", "from"), {"content", "value"}
"""Fields of a chat's turn: who speaks, and what is said."""
Words = tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What of the items stood in one training file."""

    facts: dict[str, str]
    """Item id → `exact`, `together` or `no`."""
    terms: dict[str, str]
    """Concept → `text`, `name` or `no`."""
    texts: frozenset[str]
    """Ids of the texts that were seen."""
    file: str
    hash: str
    """SHA-256 (hex) of the file."""
    passages: int
    words: int


@dataclass
class _Index:
    """The domain's side: small, and looked up by a word or a run of words."""

    together: dict[str, list[tuple[str, frozenset[str], str]]] = field(default_factory=lambda: defaultdict(list))
    """By the longest word of subject and answer: fact, all their words, the answer as a phrase."""
    exact: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """By the longest word of cue and answer: fact, both as one phrase."""
    names: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """By the longest word of a name: concept, the name as a phrase."""
    short: dict[str, set[int]] = field(default_factory=dict)
    """By text: its runs of `SHORT` words."""
    long: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By run of `LONG` words: the texts that hold it."""


def seen_in(path: Path, items: Sequence[Item], encoding: str | None = None) -> Seen:
    """Return what of the items stood in the training data, which is read once.

    Args:
        path: A text, a file of records, or a folder of them (`terms.reading`).
        items: The run's items.
        encoding: Of the files, where it is not UTF-8 and no byte order mark says so.

    Raises:
        UsageError: The data cannot be read, or holds no words.
    """
    checked_encoding(encoding)
    index = _index(items)
    facts = {item.id: "no" for item in items if item.kind == "fact"}
    names: set[str] = set()
    texts: set[str] = set()
    every_short = frozenset().union(*index.short.values()) if index.short else frozenset()
    met: set[int] = set()
    passages = total = 0
    for words, new in _reported(path, encoding):
        passages, total = passages + 1, total + new
        held, joined = set(words), f" {' '.join(words)} "
        for word in held:
            for fact, phrase in index.exact.get(word, ()):
                if phrase in joined:
                    facts[fact] = "exact"
            for fact, needed, phrase in index.together.get(word, ()):
                if facts[fact] == "no" and needed <= held and phrase in joined:
                    facts[fact] = "together"
            names |= {concept for concept, phrase in index.names.get(word, ()) if phrase in joined}
        for start in range(len(words) - SHORT + 1):
            if (run := hash(words[start : start + SHORT])) in every_short:
                met.add(run)
                if start + LONG <= len(words):
                    texts |= index.long.get(hash(words[start : start + LONG]), set())
    if not passages:
        raise UsageError(f"--training-data {path}: holds no words; give the texts that the model was trained on")
    texts |= {text for text, runs in index.short.items() if len(runs & met) >= SHARE * len(runs)}
    terms = {item.concept: "name" if item.concept in names else "no" for item in items if item.kind == "term"}
    terms |= {item.concept: "text" for item in items if item.kind == "term" and item.document in texts}
    return Seen(facts, terms, frozenset(texts), path.name, _digest(path), passages, total)


def _index(items: Sequence[Item]) -> _Index:
    index = _Index()
    shared = _shared(items)
    texts: dict[str, str] = {}
    for item in items:
        if item.kind == "fact":
            answer = words_of(item.candidates[0])
            for cue in item.cues:
                words = words_of(cue)
                content = _content(words)
                subject = [word for word in content if word not in shared[item.relation]] or content
                if answer and words:
                    _put(index.exact, (*words, *answer), item.id)
                if answer and subject:
                    needed = frozenset((*subject, *answer))
                    index.together[max(needed, key=len)].append((item.id, needed, f" {' '.join(answer)} "))
        elif item.kind == "term":
            if name := words_of(item.target):
                _put(index.names, name, item.concept)
            texts[item.document] = item.text
        elif item.kind == "word":
            texts[item.document] = item.text
    for id, text in texts.items():
        words = words_of(text)
        if len(words) >= SHORT:
            index.short[id] = {hash(words[n : n + SHORT]) for n in range(len(words) - SHORT + 1)}
        for n in range(len(words) - LONG + 1):
            index.long[hash(words[n : n + LONG])].add(id)
    return index


def _put(index: dict[str, list[tuple[str, str]]], words: Words, id: str) -> None:
    entry = id, f" {' '.join(words)} "
    if entry not in (held := index[max(words, key=len)]):
        held.append(entry)


def _content(words: Iterable[str]) -> list[str]:
    """Words that carry something: no short word but one with a digit in it (a gene, a dose), no stop word."""
    return [w for w in words if (len(w) >= 4 and w not in STOP_WORDS) or any(c.isdigit() for c in w)]


def _shared(items: Sequence[Item]) -> dict[str, set[str]]:
    """By relation, the words that most of its facts' cues have."""
    facts: Counter[str] = Counter()
    holds: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        if item.kind == "fact":
            facts[item.relation] += 1
            holds[item.relation].update({word for cue in item.cues for word in words_of(cue)})
    return defaultdict(set) | {
        relation: {word for word, count in of.items() if facts[relation] > 2 and count >= SHARED * facts[relation]}
        for relation, of in holds.items()
    }


def _reported(path: Path, encoding: str | None) -> Iterator[tuple[Words, int]]:
    """Yield the passages; what cannot be read becomes one line that names the option."""
    try:
        yield from _passages(path, encoding)
    except (CorpusError, DomainError) as error:
        raise UsageError(f"--training-data {str(error).splitlines()[0]}") from error


def _passages(path: Path, encoding: str | None) -> Iterator[tuple[Words, int]]:
    """Yield the passages, and how many words of each stood in none before."""
    held: list[str] = []
    old = 0
    for words, ends in _lines(path, encoding):
        held += words
        while len(held) > PASSAGE:
            yield tuple(held[:PASSAGE]), PASSAGE - old
            held, old = held[PASSAGE // 2 :], PASSAGE - PASSAGE // 2
        if ends:
            if held:
                yield tuple(held), len(held) - old
            held, old = [], 0
    if held:
        yield tuple(held), len(held) - old


def _lines(path: Path, encoding: str | None) -> Iterator[tuple[Words, bool]]:
    """Yield the words of each record, or of each line of a text, and whether a passage ends there."""
    faults = Faults()
    for file in files_of(path) if path.is_dir() and not is_saved_dataset(path) else [path]:
        form = None if file.is_dir() else format_of(file)
        if file.is_file() and (form is None or form.is_prose) and not is_parquet(file):
            # Line by line: a text may be of any size, and one without an ending is read as text.
            for line in Content(file, encoding).lines():
                yield words_of(line), not line.strip()
            yield (), True
            continue
        for _, value in read_values(file, faults, encoding=encoding):
            yield words_of("\n".join(_strings(value))), True
    faults.raise_any()


def _digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, or of a folder's files by name."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as content:
                while block := content.read(1 << 16):
                    digest.update(block)
    return digest.hexdigest()


def _strings(value: Any) -> Iterator[str]:
    """Every string of a record: a text, a prompt and its completion, the turns of a chat."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            # A turn's role would part the question from its answer.
            if not (key in ROLES and TURN & value.keys()):
                yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
