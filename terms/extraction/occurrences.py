"""Items read as the S-MedQA study reads them (arXiv 2505.10113, released script), asked for by `--recipe smedqa`.

Theirs: the question in lower case; of each term its first occurrence there; a term is a concept of one to three
specialties. Read here in the domain's questions, or in its texts where it has none. With a vocabulary, mentions and
specialties are those of `terms.extraction.smedqa`; without, the domain's own names. Their script searches token ids;
here the place is found by characters, which is what they meant (searching ids, some tokenizers give wrong tokens for
every term).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..domain import Domain
from ..items import Item
from ..match import Matcher
from ..vocabulary.compiled import Vocabulary
from . import smedqa
from .corpus import Corpus, Document
from .evidence import is_common
from .extract import extract
from .hierarchy import roots_of
from .mentions import by_document

Found = Iterable[tuple[str, str, str, tuple[str, ...]]]
"""Concept, its name, how it is written, its specialties."""


def occurrences(
    name_or_path: str | Path,
    domain: Domain,
    vocabulary: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Item]:
    """One item for each document and term. Raises UsageError, CorpusError where a vocabulary does not serve."""
    asked = [Document(question.id, question.cues[0], question.specialties) for question in domain.questions]
    texts = [Document(text.id, text.text, text.specialties) for text in domain.texts]
    documents = tuple(one for one in asked or texts if domain.general not in one.specialties)
    if vocabulary is None:
        matcher = Matcher(domain.concepts)
        found = {one.id: _named(matcher, one) for one in documents}
    else:
        found = _linked(Corpus(documents), Vocabulary.open(vocabulary), name_or_path, domain, progress)
    return [item for one in documents for item in _first(one, found.get(one.id, ()))]


def _named(matcher: Matcher, document: Document) -> Found:
    for mention in matcher.mentions(document.text):
        concept, written = mention.concept, document.text[mention.start : mention.end]
        yield concept.id, concept.name, written, concept.specialties or document.specialties


def _linked(
    corpus: Corpus,
    vocabulary: Vocabulary,
    name_or_path: str | Path,
    domain: Domain,
    progress: Callable[[str, int, int], None] | None,
) -> dict[str, Found]:
    roots = roots_of(name_or_path, domain)
    rule = smedqa.SMedQARule(vocabulary, roots)
    done = extract(corpus, vocabulary, domain, roots, smedqa.SETTINGS, rule=rule, progress=progress)
    terms = {term.concept: term for term in done.terms if smedqa.keeps(term)}
    text = {document.id: document.text for document in corpus.documents}
    return {
        id: [
            (one.concept, terms[one.concept].name, text[id][one.start : one.end], terms[one.concept].specialties)
            for one in linked
            if one.concept in terms
        ]
        for id, linked in by_document(done.mentions).items()
    }


def _first(document: Document, found: Found) -> Iterator[Item]:
    """The first occurrence of each term in the lower-cased text."""
    lowered, seen = document.text.lower(), set()
    for concept, name, written, specialties in found:
        target = written.lower()
        start = lowered.find(target)
        if concept in seen or not specialties or is_common(specialties) or start < 0:
            continue
        seen.add(concept)
        yield Item(
            id=f"occurrence:{document.id}:{concept}",
            kind="occurrence",
            specialties=specialties,
            concept=concept,
            name=name,
            text=lowered,
            document=document.id,
            start=start,
            end=start + len(target),
        )
