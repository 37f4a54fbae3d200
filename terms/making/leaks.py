"""What texts give away of facts, and texts that stand there twice. Read by `probes.runs.domain_check`.

A fact whose subject and answer stand in one sentence of a text is read there by whoever is tuned on such texts; a cue
or a question of which a long piece stands in a text was made from it. Both are told, and left to a person: a leak
matters where the texts are those that a model was tuned on. Overlap of n-grams as in Brown et al. 2020
(arXiv 2005.14165, appendix C), with shorter pieces, since cues are short.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from ..domain import Domain, Text
from ..normal_form import words_of
from .names import holds
from .problem import Problem, such
from .quality import subjects

PIECE = 8
"""Words of a piece; what is shorter shares none."""
TWIN = 0.5
"""Share of the shorter text's pieces that two texts may have in common."""
SAMPLED = 4
"""Of a text's pieces every so many, chosen by their content, are compared with other texts (Broder 1997)."""


@dataclass(frozen=True)
class Leaks:
    """Pairs of ids."""

    stated: tuple[tuple[str, str], ...]
    """Fact and text: a sentence of the text holds subject and answer."""
    shared: tuple[tuple[str, str], ...]
    """Fact or question and text: a piece of cue and answer, or of the stem, stands in the text."""
    twins: tuple[tuple[str, str], ...]
    """Two texts of the same words, or that have at least `TWIN` of their pieces in common."""


def leaks(domain: Domain) -> Leaks:
    """Over all texts, controls too."""
    sentences = [(text.id, words_of(part)) for text in domain.texts for part in _sentences(text.text)]
    index: dict[str, set[int]] = defaultdict(set)
    for n, (_, sentence) in enumerate(sentences):
        for word in sentence:
            index[word].add(n)
    stated = []
    about = subjects(domain.facts)
    for fact in domain.facts:
        subject, answer = about[fact.id], words_of(fact.answer)
        if not subject or not answer:
            continue
        met = set.intersection(*sorted((index.get(word, set()) for word in {*subject, *answer}), key=len))
        for n in sorted(met):
            if holds(sentences[n][1], subject) and holds(sentences[n][1], answer):
                stated.append((fact.id, sentences[n][0]))
                break
    return Leaks(tuple(stated), tuple(_shared(domain)), tuple(_twins(domain.texts)))


def leak_problems(domain: Domain, found: Leaks) -> list[Problem]:
    """One line a kind."""
    out = []
    facts, every = len(domain.facts), len(domain.facts) + len(domain.questions)
    tune = (
        "a model tuned on such texts has read them: keep the texts out of its training, or the facts out of the domain"
    )
    for pairs, what, cure in (
        (found.stated, f"of {facts:,} facts have subject and answer in one sentence of a text", tune),
        (found.shared, f"of {every:,} facts and questions share {PIECE} words in a row with a text", tune),
        (found.twins, f"pairs are the same, or have half of their {PIECE}-word pieces in common", "keep one of each"),
    ):
        if pairs:
            joined = "and" if pairs is found.twins else "in"
            out.append(
                Problem("texts", f"{len(pairs):,} {what} ({such([f'{a} {joined} {b}' for a, b in pairs])})", cure)
            )
    return out


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def _pieces(words: Sequence[str]) -> Iterator[int]:
    for i in range(len(words) - PIECE + 1):
        yield hash(tuple(words[i : i + PIECE]))


def _shared(domain: Domain) -> Iterator[tuple[str, str]]:
    where: dict[int, str] = {}
    for text in domain.texts:
        for piece in _pieces(words_of(text.text)):
            where.setdefault(piece, text.id)
    asked = [(f.id, [f"{cue}{domain.joiner}{f.answer}" for cue in f.cues]) for f in domain.facts]
    asked += [(q.id, list(q.cues)) for q in domain.questions]
    for id, strings in asked:
        met = (where[piece] for string in strings for piece in _pieces(words_of(string)) if piece in where)
        if (text_id := next(met, None)) is not None:
            yield id, text_id


def _twins(texts: Iterable[Text]) -> Iterator[tuple[str, str]]:
    """Pairs of texts, each with the first before it that it is like."""
    whole: dict[str, str] = {}
    sizes: dict[str, int] = {}
    holders: dict[int, list[str]] = defaultdict(list)
    for text in texts:
        said = words_of(text.text)
        # The pieces of a short text are too few to tell.
        if said and (first := whole.setdefault(" ".join(said), text.id)) != text.id:
            yield text.id, first
            continue
        runs = {" ".join(said[i : i + PIECE]) for i in range(len(said) - PIECE + 1)}
        # A content hash, so that the same pieces are chosen in every text and on every day.
        pieces = {h for run in runs if (h := crc32(run.encode())) % SAMPLED == 0}
        common: dict[str, int] = defaultdict(int)
        for piece in pieces:
            for other in holders[piece]:
                common[other] += 1
        for other, count in common.items():
            if min(sizes[other], len(pieces)) >= PIECE and count >= TWIN * min(sizes[other], len(pieces)):
                yield text.id, other
                break
        sizes[text.id] = len(pieces)
        for piece in pieces:
            holders[piece].append(text.id)
