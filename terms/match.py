"""Where names stand in running text. Read by `terms.select` for a domain's concepts, by the linker for a vocabulary.

Names and texts are compared in their normal form (`terms.normal_form`), longest first and without overlap. A mention
begins and ends at the edge of a word (a run of letters, digits and underscores, so a hyphen bounds words); white space
in a name matches any white space. Case:

- a name of at most four characters matches as it is written (one in lower case also with a first capital);
- in longer names, words with a capital after their first letter (ECG, HbA1c, mRNA) match as they are written;
- all else matches in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .domain import Concept
from .normal_form import TOKEN, NormalForm, normal_form

if TYPE_CHECKING:
    from .vocabulary.compiled import Vocabulary

SHORT = 4
"""Characters up to which a name is read as an acronym or an everyday word, and its case counts."""
PLURAL = 5
"""Letters from which a word's last "s" may be passed over in linking."""

# Short words that are acronyms too; in a heading ("ALL OTHER SYSTEMS") only the neighbours tell.
_EVERYDAY = """a all am an and any are arm art as at back bad bed big but by can cat cm come do dr ear etc eye far
    fit for gas get go had has he her hip his how if in is it its kg leg lid lip low man map may me mg ml mm mo mom mr
    mrs ms my no non not now of off old on one or our out pain past pin pm prn pt put rib run sad see she sit six skin
    so such tap ten the to toe too top try two up us via vs was we who why with year yes you"""
EVERYDAY = frozenset(_EVERYDAY.split())


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` (characters) is a name of each of `entries`, the likeliest first."""

    start: int
    end: int
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """`text[start:end]` (characters) names the concept."""

    start: int
    end: int
    concept: Concept


class Matcher:
    """Finds a domain's concepts; one pass over a text's words, whatever the number of names.

    A name that two concepts share goes to the one whose display name it is, else to the first.
    """

    def __init__(self, concepts: Iterable[Concept]) -> None:
        from .vocabulary.compiled import Vocabulary
        from .vocabulary.entry import Entry

        self._concepts = [concept for concept in concepts if normal_form(concept.name).strip()]
        entries = (Entry(str(n), c.name, c.aliases) for n, c in enumerate(self._concepts))
        self._names = Vocabulary.of(entries) if self._concepts else None

    def mentions(self, text: str) -> list[Mention]:
        """All mentions, in the order of the text; offsets are characters of `text` as given."""
        if self._names is None:
            return []
        form = NormalForm.of(text)
        spans = find(self._names, form.text)
        return [Mention(*form.place(span.start, span.end), self._concepts[span.entries[0]]) for span in spans]


def find(vocabulary: Vocabulary, text: str, *, linking: bool = False) -> list[Span]:
    """Return all spans of `text`, which is in normal form, that are names of the vocabulary, in their order.

    With `linking` the names are a vocabulary's, which nobody chose for these texts: the last word of a span may have an
    "s" that the name has not, where no name has it, and an everyday word in a heading in capitals is no acronym.
    """
    tokens = [(m.start(), m.end(), m.group()) for m in TOKEN.finditer(text)]
    words = [word for _, _, word in tokens]
    keys = [" " if word.isspace() else word.casefold() for word in words]
    flat = "".join(keys)
    begins, ends, at = [], {}, 0
    for index, key in enumerate(keys):
        begins.append(at)
        at += len(key)
        ends[at] = index
        if linking and is_plural(key):
            ends.setdefault(at - 1, index)
    found = []
    for first, begin in enumerate(begins):
        if keys[first] == " ":
            continue
        # Longest first, so that of a plural and its singular the plural is taken.
        for key in reversed(vocabulary.prefixes(flat[begin : begin + vocabulary.longest])):
            last = ends.get(begin + len(key))
            if last is None or key.endswith(" "):
                continue
            said = words[first : last + 1]
            if not flat.startswith(keys[last], begin + len(key) - len(keys[last])):
                said[-1] = said[-1][:-1]
            shouted = linking and key in EVERYDAY and _in_upper_case(words, first, last)
            named = dict.fromkeys(
                entry
                for entry, name in vocabulary.named(key)
                if fits(name, said) and not (shouted and name == name.upper())
            )
            if named:
                found.append(Span(tokens[first][0], tokens[last][1], tuple(named)))
    taken = bytearray(len(text))
    kept = []
    for span in sorted(found, key=lambda s: (s.start - s.end, s.start)):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


def fits(name: str, said: str | list[str]) -> bool:
    """Whether `said` (a string or its words) may be meant by `name`, which it equals but for case and white space."""
    words = TOKEN.findall(normal_form(said)) if isinstance(said, str) else said
    name = " ".join(normal_form(name).split())
    written = TOKEN.findall(name)
    short = len(name) <= SHORT
    if short and name == name.lower() and words[0] == written[0].capitalize():
        words = [written[0], *words[1:]]
    return all(
        want == word or not (short or want[1:] != want[1:].lower()) or want.isspace()
        for want, word in zip(written, words, strict=False)
    )


def is_plural(text: str) -> bool:
    """Whether the last word may be a regular plural."""
    word = text.rpartition(" ")[2]
    return len(word) >= PLURAL and word.endswith("s") and not word.endswith("ss")


def _in_upper_case(words: list[str], first: int, last: int) -> bool:
    """Whether no word beside these is written in lower case, so that their own capitals say nothing."""
    beside = [next((w for w in side if w[0].isalpha()), "") for side in (reversed(words[:first]), words[last + 1 :])]
    return all(word == word.upper() for word in beside)
