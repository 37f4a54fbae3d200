"""Concepts that a string may name: first the vocabulary's own spellings, then scispaCy's nearest neighbours.

scispaCy's candidate generator compares character 3-grams (TF-IDF, cosine) through an approximate index (nmslib, HNSW).
Here the index is built over any compiled vocabulary, once, and kept in the cache folder. Strings that are a name of
the vocabulary never reach it: every concept of that name is a candidate, with similarity 1. What is left is so little
that up to `neighbours.EXACT` spellings the search is exact, by a sparse product, which also takes less time than to
build HNSW.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from scispacy.candidate_generation import CandidateGenerator, MentionCandidate
from scispacy.linking_utils import Entity
from sklearn.feature_extraction.text import TfidfVectorizer

from ..match import fits, is_plural
from ..vocabulary.compiled import Vocabulary
from .neighbours import open_index


class Knowledge:
    """A vocabulary as scispaCy's linker looks at a knowledge base, without its dictionaries of everything."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.cui_to_entity: Mapping[str, Entity] = _Entities(vocabulary)
        self.alias_to_cuis: Mapping[str, list[str]] = _Aliases(vocabulary)


class _Entities(Mapping[str, Entity]):
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def __getitem__(self, concept: str) -> Entity:
        if (index := self.vocabulary.index(concept)) is None:
            raise KeyError(concept)
        entry = self.vocabulary.entry(index)
        return Entity(entry.id, entry.name, list(entry.aliases), list(entry.types), entry.definition or None)

    def __iter__(self) -> Iterator[str]:
        return (entry.id for entry in self.vocabulary)

    def __len__(self) -> int:
        return len(self.vocabulary)


class _Aliases(Mapping[str, list[str]]):
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def __getitem__(self, name: str) -> list[str]:
        found = dict.fromkeys(index for index, spelling in self.vocabulary.named(name) if spelling == name)
        return [self.vocabulary.entry(index).id for index in found]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.vocabulary.aliases())

    def __len__(self) -> int:
        counts = self.vocabulary.about["counts"]
        return int(counts["concepts"] + counts["aliases"])


class Candidates(CandidateGenerator):  # type: ignore[misc]  # scispaCy has no types
    """scispaCy's candidate generator over a compiled vocabulary; `types` are the semantic types that are let through.

    The index is opened (or built) at the first string that is no name of the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, types: frozenset[str] | None = None) -> None:
        self.vocabulary, self.types = vocabulary, types
        self.kb = Knowledge(vocabulary)
        self.verbose = False

    def __call__(self, mention_texts: Sequence[str], k: int) -> list[list[MentionCandidate]]:
        """Candidates of each string, the likeliest first: a preferred name before an alias, then by id."""
        found = [self.exact(text) for text in mention_texts]
        rest = [index for index, candidates in enumerate(found) if not candidates]
        if rest:
            near = super().__call__([mention_texts[index] for index in rest], k)
            for index, candidates in zip(rest, near, strict=True):
                found[index] = sorted(candidates, key=lambda c: (-max(c.similarities), c.concept_id))
        return [[c for c in candidates if self.lets(c.concept_id)] for candidates in found]

    def exact(self, text: str) -> list[MentionCandidate]:
        """Concepts that have this very name, case aside where case says nothing; or its singular, where none has."""
        return self._named(text) or (self._named(text[:-1]) if is_plural(text) else [])

    def _named(self, text: str) -> list[MentionCandidate]:
        named: dict[str, str] = {}
        for index, name in self.vocabulary.named(text):
            if fits(name, text):
                named.setdefault(self.vocabulary.entry(index).id, name)
        return [MentionCandidate(concept, [name], [1.0]) for concept, name in named.items()]

    def lets(self, concept: str) -> bool:
        if self.types is None:
            return True
        index = self.vocabulary.index(concept)
        return index is not None and not self.types.isdisjoint(self.vocabulary.entry(index).types)

    @cached_property
    def _index(self) -> tuple[Any, TfidfVectorizer, list[str]]:
        return open_index(self.vocabulary)

    # What the parent calls them.
    @property
    def ann_index(self) -> Any:
        return self._index[0]

    @property
    def vectorizer(self) -> TfidfVectorizer:
        return self._index[1]

    @property
    def ann_concept_aliases_list(self) -> list[str]:
        return self._index[2]
