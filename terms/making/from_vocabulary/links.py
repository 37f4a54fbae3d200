"""Facts from a vocabulary's own links: what a concept is a kind of, what else it is called, OBO's relationships.

Read by `source`. A kind is a class that is neither the vocabulary's root nor so wide that a concept of another class
could belong to it as well: "lysosomal storage disease", not "syndrome". Another name is one that shares no word with
the first, which leaves eponyms and the terms of other schools.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....errors import VocabularyError
from ...normal_form import words_of
from ...vocabulary.compiled import Vocabulary
from ...vocabulary.entry import Entry, normal
from ...vocabulary.reading import Tally, lines
from .claims import Claim
from .telling import shares_word
from .wordings import relation_of

WIDEST = 60
"""Concepts under a class that is still a kind to ask for."""
SHORTEST, LONGEST = 5, 50
"""Characters of a synonym that is an answer."""
FREQUENT = 3
"""How often a word stands in a vocabulary that another may be a slip for."""
_VAGUE = re.compile(
    r"^(?:disease|disorder|syndrome|genetic disease|physical disorder|specific developmental disorder|rare .*|"
    r".* by .*|.* of (?:anatomical entity|cellular proliferation|mental health)|(?:autosomal|X-linked|monogenic) .*)$"
)
_ABBREVIATION = re.compile(r"[A-Z0-9][A-Za-z0-9/-]{0,3}[A-Z0-9/-]*\d*(?: [A-Z0-9]{1,3})?")
_ODD = re.compile(
    r"[,;:\[\]()/]| - | (?:[IVX]+[A-Za-z]?\d*|\d+[A-Za-z0-9]*|[A-Z])$|"
    r"\b(?:NOS|type|or|and/or|unspecified|disorder of|disease of)\b"
)
_RELATIONSHIP = re.compile(r"(?P<type>\S+)\s+(?P<target>\S+)(?:\s+\{.*\})?(?:\s*!\s*(?P<name>.+))?$")


def kinds(vocabulary: Vocabulary) -> Iterator[Claim]:
    """Return what each concept is a kind of: its parents, where these are narrow enough."""
    below: Counter[int] = Counter()
    for index in range(len(vocabulary)):
        below.update(vocabulary.ancestors(index))
    for index in range(len(vocabulary)):
        entry = vocabulary.entry(index)
        for parent in vocabulary.parents(index):
            over = vocabulary.entry(parent)
            if vocabulary.parents(parent) and below[parent] <= WIDEST and not _VAGUE.match(over.name):
                yield Claim(entry.name, "kind_of", over.name, (entry.id,), entry.id, over.aliases)


def other_names(entries: Sequence[Entry], shared: frozenset[str]) -> Iterator[Claim]:
    """Return, for each concept, its first synonym that repeats no word of its name.

    Abbreviations, numbered names ("type 2B"), inverted ones ("prolapse, rectal") and misspelled ones are no answers.

    Args:
        entries: The concepts.
        shared: Names, as `normal` writes them, that several concepts have.
    """
    known = Counter(word for entry in entries for name in (entry.name, *entry.aliases) for word in words_of(name))
    slips = _slips(known)
    for entry in entries:
        for alias in entry.aliases:
            if (
                SHORTEST <= len(alias) <= LONGEST
                and normal(alias) not in shared
                and not alias.isupper()
                and re.search(r"[a-z]{5}", alias)
                and not _ABBREVIATION.fullmatch(alias)
                and not _ODD.search(alias)
                and not shares_word(alias, entry.name)
                and slips.isdisjoint(words_of(alias))
            ):
                yield Claim(entry.name, "other_name", alias, (entry.id,), entry.id)
                break


def _slips(known: Counter[str]) -> frozenset[str]:
    """Words that stand once and are a frequent one with two letters exchanged, or one left out or added."""
    frequent = {word for word, count in known.items() if count >= FREQUENT and len(word) > 5}
    shorter = {word[:i] + word[i + 1 :] for word in frequent for i in range(len(word))}
    out = set()
    for word, count in known.items():
        if count == 1 and len(word) > 5:
            swapped = (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))
            longer = (word[:i] + word[i + 1 :] for i in range(len(word)))
            if word in shorter or not frequent.isdisjoint(swapped) or not frequent.isdisjoint(longer):
                out.add(word)
    return frozenset(out)


def relationships(path: Path, entries: dict[str, Entry], skipped: Counter[str]) -> Iterator[Claim]:
    """Return the `relationship:` lines of an OBO file whose type has wordings; the others are counted by type.

    A target that the file does not define is called as the line's comment calls it.
    """
    id = ""
    for n, line in lines(path, Tally()):
        tag, _, value = line.partition(":")
        if line.startswith("["):
            id = ""
        elif tag == "id":
            id = value.split()[0] if value.split() else ""
        elif tag == "relationship" and id in entries:
            if not (found := _RELATIONSHIP.match(value.strip())):
                raise VocabularyError(f"{path}, line {n}: expected relationship: TYPE ID, found {value.strip()!r:.60}")
            relation, is_inverse = relation_of(found["type"])
            target = entries.get(found["target"])
            name = target.name if target else (found["name"] or "").strip()
            if not relation or not name:
                what = f'of relationships of type "{found["type"]}", which has no wording'
                skipped[what if not relation else "of relationships to a concept without a name"] += 1
                continue
            subject, answer = entries[id].name, name
            aliases = target.aliases if target and not is_inverse else entries[id].aliases if is_inverse else ()
            if is_inverse:
                subject, answer = answer, subject
            yield Claim(subject, relation, answer, (id, found["target"]), f"{path}, line {n}", aliases)
