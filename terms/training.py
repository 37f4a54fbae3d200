"""What of a domain stood in a model's training data. Read by `probes.runs.plan`; streamed: a file may be of any size.

A fact was seen *exact* where a cue and its answer stand together word for word, *together* where the cue's subject and
the answer stand in one passage (subject: the cue's content words, less those that most cues of its relation share). A
text was seen by decontamination's two customs: one run of 13 words (Brown et al. 2020, arXiv 2005.14165, appendix C),
or 70 % of its runs of 8 words (Chowdhery et al. 2022, arXiv 2204.02311, section 8). A term was seen by its *name*, or
with the *text* that it is read in.

Words are runs of letters and digits in any case. A passage is a record of a .jsonl file (all its strings) or a
paragraph of a text; longer ones are read in overlapping passages of `PASSAGE` words.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .domain import words_of
from .items import Item
from .words import STOP_WORDS

PASSAGE = 400
"""Words read as one passage, at most; the next one begins half of them later."""
SHORT, LONG = 8, 13
"""Words in the two runs."""
SHARE = 0.7
"""Share of a text's short runs that must have been seen."""
SHARED = 0.5
"""A word that stands in the cues of this share of a relation's facts is the relation's, not the subject's."""
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


def seen_in(path: Path, items: Sequence[Item]) -> Seen:
    """Reads the file once. Raises `UsageError` where it cannot be read or is empty."""
    index = _index(items)
    facts = {item.id: "no" for item in items if item.kind == "fact"}
    names: set[str] = set()
    texts: set[str] = set()
    every_short = frozenset().union(*index.short.values()) if index.short else frozenset()
    met: set[int] = set()
    passages = total = 0
    digest = hashlib.sha256()
    for words, new in _passages(path, digest):
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
    return Seen(facts, terms, frozenset(texts), path.name, digest.hexdigest(), passages, total)


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


def _passages(path: Path, digest: Any) -> Iterator[tuple[Words, int]]:
    """The file's passages, and how many words of each stood in none before; `digest` is fed with the bytes."""
    held: list[str] = []
    old = 0
    for words, ends in _lines(path, digest):
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


def _lines(path: Path, digest: Any) -> Iterator[tuple[Words, bool]]:
    """Words of each line, and whether a text ends there."""
    records = path.suffix == ".jsonl"
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                digest.update(raw)
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if records and line:
                    yield words_of("\n".join(_strings(json.loads(line)))), True
                elif not records:
                    yield words_of(line), not line
    except UnicodeDecodeError:
        raise UsageError(f"--training-data {path}: line {number} is not UTF-8; save the file as UTF-8") from None
    except (ValueError, RecursionError):
        raise UsageError(f"--training-data {path}: line {number} is no JSON record; give .jsonl or a text") from None
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"--training-data {path}: cannot be read ({why}); give a text file or .jsonl") from None


def _strings(value: Any) -> Iterator[str]:
    """Every string of a record: a text, a prompt and its completion, the turns of a chat."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)
