"""The fictitious world's running text: general words, terms of two words, and the sentences that they stand in.

A term is a first word that its whole domain shares and a second one of its own, as medicine's terms share their parts;
so have general names. Terms of the *neighbour* are made of the domain's first words and of second ones that no other
text holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Literal

CONSONANTS, VOWELS, CLOSING = "bdfgklmnprstvz", "aeiou", "lnrsk"
TEMPLATES = (
    "the {} was seen with {} and {} .",
    "then {} came after {} .",
    "in the {} there was {} of {} .",
    "{} and {} are near the {} .",
    "no {} without {} .",
    "they gave {} for the {} .",
)
SENTENCES = 4
FIRST_WORDS = 20
"""First words that the terms of a domain share."""
GENERAL_NAMES = 160
"""General names of two words."""
NAME_SHARE = 0.3
"""Chance that a slot filled generally holds a name and not a single word."""
OWN_TERM = 0.15
"""Chance that a term in a text of a specialty is drawn from this specialty alone."""

TextKind = Literal["general", "note", "mixed", "contrast", "foreign", "neighbour"]
SLOT_TERM: dict[TextKind, float] = {
    "general": 0.0,
    "mixed": 0.35,
    "note": 0.9,
    "contrast": 0.35,
    "foreign": 0.9,
    "neighbour": 0.9,
}
"""Chance that a slot of a text holds a term and not a general word."""
FOREIGN: TextKind = "foreign"
NEIGHBOUR: TextKind = "neighbour"


@dataclass(frozen=True)
class Language:
    """The words of a world."""

    general: tuple[str, ...]
    """Single words, the commonest first."""
    names: tuple[str, ...]
    """General names of two words, the commonest first."""
    terms: dict[str, tuple[str, ...]]
    """By specialty and field, and of the foreign text and the neighbour."""
    specialties: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(
        cls,
        specialties: Sequence[str],
        fields: Sequence[str],
        terms: int,
        words: int,
        made: Iterator[str],
        rng: random.Random,
    ) -> Language:
        """Return a language of `words` general words and `terms` terms in each specialty and field."""

        def first() -> list[str]:
            return [next(made) for _ in range(FIRST_WORDS)]

        def phrases(of: Sequence[str], count: int) -> tuple[str, ...]:
            return tuple(f"{rng.choice(of)} {next(made)}" for _ in range(count))

        domain, contrast, general, foreign = first(), first(), first(), first()
        every = {name: phrases(domain, terms) for name in specialties}
        every |= {name: phrases(contrast, terms) for name in fields}
        every |= {NEIGHBOUR: phrases(domain, 4 * terms), FOREIGN: phrases(foreign, 4 * terms)}
        single = tuple(next(made) for _ in range(words))
        return cls(single, phrases(general, GENERAL_NAMES), every, tuple(specialties), tuple(fields))

    @property
    def words(self) -> frozenset[str]:
        """Every word of a running text."""
        phrases = [*self.general, *self.names, *(term for of in self.terms.values() for term in of), *TEMPLATES]
        return frozenset(" ".join(phrases).replace("{}", "").split())

    def text(self, kind: TextKind, rng: random.Random, group: str = "", own: float | None = None) -> str:
        """Return running text.

        Args:
            kind: What its slots hold besides general words.
            rng: Where its luck comes from.
            group: The specialty or field that its terms are drawn from more often.
            own: Chance that a term is drawn from `group` alone; by default `OWN_TERM`.
        """
        share = OWN_TERM if own is None else own
        every = self.fields if kind == "contrast" else self.specialties

        def fill() -> str:
            if rng.random() >= SLOT_TERM[kind]:
                return self.general_word(rng)
            if kind in (FOREIGN, NEIGHBOUR):
                return rng.choice(self.terms[kind])
            return rng.choice(self.terms[group if rng.random() < share else rng.choice(every)])

        return self.sentences(fill, rng)

    def sentences(self, fill: object, rng: random.Random) -> str:
        """Return a text whose slots `fill()` fills."""
        templates = [rng.choice(TEMPLATES) for _ in range(SENTENCES)]
        assert callable(fill)
        return " ".join(template.format(*(fill() for _ in range(template.count("{}")))) for template in templates)

    def general_word(self, rng: random.Random, share: float = 1.0) -> str:
        """Return a general word or name by Zipf's law, so that some are as rare as a term; of the commonest `share`."""
        words = self.names if rng.random() < NAME_SHARE else self.general
        words = words[: max(2, round(share * len(words)))]
        return rng.choices(words, cum_weights=_frequencies(len(words)))[0]


def _frequencies(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 2) for rank in range(count)))


def made_up_words(rng: random.Random) -> Iterator[str]:
    """Return made-up words of two syllables, closed, each once."""
    syllables = [consonant + vowel for consonant in CONSONANTS for vowel in VOWELS]
    every = ["".join(parts) for parts in product(syllables, syllables, CLOSING)]
    rng.shuffle(every)
    return iter(every)
