"""Mentions of concepts in running text, by names and aliases. Read by `terms.select`.

Longest first and without overlap. A mention begins and ends at the edge of a word (a run of letters, digits and
underscores, so a hyphen bounds words); white space in a name matches any white space. Case:

- a name of at most four characters matches as it is written (one in lower case also with a first capital);
- in longer names, words with a capital after their first letter (ECG, HbA1c, mRNA) match as they are written;
- all else matches in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .domain import Concept

SHORT = 4
"""Characters up to which a name is read as an acronym or an everyday word, and its case counts."""
# A combining accent belongs to the letter before it.
_TOKEN = re.compile(r"[\w\u0300-\u036f]+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Mention:
    """`text[start:end]` (characters) names the concept."""

    start: int
    end: int
    concept: Concept


class Matcher:
    """Finds concepts; one pass over a text's words, whatever the number of names.

    A name that two concepts share goes to the one whose display name it is, else to the first.
    """

    def __init__(self, concepts: Iterable[Concept]) -> None:
        # A trie over casefolded words; under the key None, the (words to match exactly or None, concept) of a name.
        self._root: dict[Any, Any] = {}
        concepts = list(concepts)
        for concept in concepts:
            self._add(concept.name, concept)
        for concept in concepts:
            for alias in concept.aliases:
                self._add(alias, concept)

    def _add(self, name: str, concept: Concept) -> None:
        name = " ".join(name.split())
        words = _TOKEN.findall(name)
        if not words:
            return
        short = len(name) <= SHORT
        node = self._root
        for word in words:
            node = node.setdefault(word.casefold(), {})
        found = node.setdefault(None, [])
        found.append((tuple(word if short or word[1:] != word[1:].lower() else None for word in words), concept))
        if short and name == name.lower():
            found.append(((words[0].capitalize(), *words[1:]), concept))

    def mentions(self, text: str) -> list[Mention]:
        """All mentions, in the order of the text; offsets are characters of `text` as given."""
        tokens = [(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text)]
        words = [" " if word.isspace() else word for _, _, word in tokens]
        found = [
            Mention(tokens[i][0], tokens[j][1], concept) for i in range(len(words)) for j, concept in self._at(words, i)
        ]
        taken = bytearray(len(text))
        kept = []
        for mention in sorted(found, key=lambda m: (m.start - m.end, m.start)):
            if not any(taken[mention.start : mention.end]):
                taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
                kept.append(mention)
        return sorted(kept, key=lambda m: m.start)

    def _at(self, words: list[str], i: int) -> Iterator[tuple[int, Concept]]:
        """Names that begin at word i, as (last word, concept)."""
        node: Any = self._root
        j = i
        while j < len(words) and (node := node.get(words[j].casefold())) is not None:
            for exact, concept in node.get(None, ()):
                if all(want is None or want == word for want, word in zip(exact, words[i : j + 1], strict=True)):
                    yield j, concept
                    break
            j += 1
