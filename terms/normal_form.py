"""One normal form in which names, texts and words are compared, with a map back to the text as given.

The same name is typed in many ways: with a curly or a straight apostrophe, one of a dozen hyphens, a soft hyphen, a
no-break space, a ligature, an accent as a letter of its own (macOS folders, PDFs). In the normal form all of them are
one string. It composes accents (Unicode's NFC), writes one apostrophe, quotation mark, hyphen and space for all of
their variants, spells ligatures, full-width and mathematical letters and subscript digits in plain characters, and
leaves out characters that nobody sees. It keeps case and all other characters, so a name's word boundaries stay where
they were; Unicode's own NFKC would join "aspirin™" to "aspirinTM".
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import chain

import regex

APOSTROPHES = "'‘’‛′`´ʹʻʼʽˈ＇"
QUOTES = '"“”„‟«»″〝〞＂'
DASHES = "-‐‑‒–—―−⁃﹘﹣－"
INVISIBLE = "".join(
    map(
        chr,
        chain(
            [0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF],
            range(0x200B, 0x2010),
            range(0x202A, 0x202F),
            range(0x2060, 0x2070),
            range(0xFE00, 0xFE10),
        ),
    )
)
"""Soft hyphens, zero-width characters, marks of direction, variation selectors, byte order marks."""
_COMPATIBLE = (
    (0x0E33, 0x0E34),  # Thai and Lao am, which some keyboards type as two characters
    (0x0EB3, 0x0EB4),
    (0x2080, 0x208F),  # subscripts: B₁₂, CO₂ (superscripts are footnotes as often)
    (0x2126, 0x212C),  # ohm, kelvin and ångström signs
    (0x2160, 0x2180),  # Roman numerals
    (0x2F00, 0x2FE0),  # Kangxi radicals, which PDFs hold for characters
    (0xFB00, 0xFB50),  # ligatures of Latin, Armenian and Hebrew
    (0xFB50, 0xFE00),  # Arabic letters by their place in a word
    (0xFE70, 0xFEFD),
    (0xFF01, 0xFFEF),  # full-width and half-width letters
    (0x1D400, 0x1D800),  # mathematical letters
)
"""Code points (from, to) that are spelt in plain characters, as NFKC does."""
_PLAIN: dict[int, str] = {
    **dict.fromkeys(map(ord, APOSTROPHES), "'"),
    **dict.fromkeys(map(ord, QUOTES), '"'),
    **dict.fromkeys(map(ord, DASHES), "-"),
    **dict.fromkeys(map(ord, INVISIBLE), ""),
    **dict.fromkeys(map(ord, "\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    0xB5: "μ",  # the micro sign is the Greek letter
}
SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
WORD = rf"[{SPACELESS}ー]\p{{M}}*|[[\w\p{{M}}]--[{SPACELESS}]]+"
"""A word of the normal form: a run of letters, marks, digits and underscores. In scripts that put no spaces between
words (Chinese, Japanese, Thai, …) every character is a word, so a phrase is found wherever its characters stand."""
TOKEN = regex.compile(rf"{WORD}|\s+|[^\w\s]", regex.V1)
LETTERS_AND_DIGITS = (
    rf"[{SPACELESS}ー]\p{{M}}*|[[\p{{L}}\p{{N}}]--[{SPACELESS}]][[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS}]]*"
)
"""A word as people count words: as `WORD`, but an underscore or a lone mark is none."""
_WORDS = regex.compile(LETTERS_AND_DIGITS, regex.V1)


def normal_form(text: str) -> str:
    """Return `text` in normal form."""
    return text if _is_plain(text) else NormalForm.of(text).text


def exact_key(text: str) -> str:
    """Return a text as a key that keeps its case: in normal form, each run of white space one blank, none at the ends.

    "pH" and "PH" are two answers; "pH " and a full-width "ｐＨ" are one.
    """
    return " ".join(normal_form(text).split())


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text: runs of letters and digits in normal form, casefolded.

    In scripts without spaces every character is a word.
    """
    return tuple(_WORDS.findall(normal_form(text).casefold()))


@dataclass(frozen=True)
class NormalForm:
    """A text in normal form; character i of `text` stands for `given[starts[i]:ends[i]]`."""

    given: str
    text: str
    starts: tuple[int, ...] | None
    """[len(text)]; None where both texts are the same."""
    ends: tuple[int, ...] | None

    @classmethod
    def of(cls, given: str) -> NormalForm:
        """Return the normal form of `given`, with the map back to it."""
        if _is_plain(given):
            return cls(given, given, None, None)
        out: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        begin = 0
        """Where in `out` the last character that marks may join begins."""
        for place, character in enumerate(given):
            for plain in _plain(character):
                if not _joins(plain):
                    begin = len(out)
                out.append(plain)
                starts.append(place)
                ends.append(place + 1)
                if begin < len(out) - 1:
                    _compose(out, starts, ends, begin)
        text = "".join(out)
        if text == given:
            return cls(given, given, None, None)
        return cls(given, text, tuple(starts), tuple(ends))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters `text[start:end]` (not empty) stand in the text as given."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def _is_plain(text: str) -> bool:
    return text.isascii() and "`" not in text


def _plain(character: str) -> str:
    code = ord(character)
    if (plain := _PLAIN.get(code)) is None:
        folded = any(low <= code < high for low, high in _COMPATIBLE)
        plain = _PLAIN[code] = unicodedata.normalize("NFKC" if folded else "NFC", character)
    return plain


def _joins(character: str) -> bool:
    """Whether a character may be composed with those before it: a mark, or a vowel or final of Hangul."""
    return character >= "\u0300" and (unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff")


def _compose(out: list[str], starts: list[int], ends: list[int], begin: int) -> None:
    """Compose the characters from `begin` on; what one character replaces, it stands for as a whole."""
    cluster = "".join(out[begin:])
    composed = unicodedata.normalize("NFC", cluster)
    if composed == cluster:
        return
    first, last = starts[begin], ends[-1]
    del out[begin:], starts[begin:], ends[begin:]
    out += composed
    starts += [first] * len(composed)
    ends += [last] * len(composed)
