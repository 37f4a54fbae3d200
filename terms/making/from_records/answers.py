"""The answer that a fact asks for, out of what a record answers. Read by `pairs`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...normal_form import words_of
from .questions import is_yes_no

MOST_WORDS, MOST_CHARACTERS = 8, 60
"""Of an answer; longer ones are explanations, and no two of them are of like length."""
LONG = f"with an answer of more than {MOST_WORDS} words or {MOST_CHARACTERS} characters"
YES_NO = "with an answer of yes or no"
REFUSED = "with an answer that says nothing, such as none of the above"
LETTER = "with a letter for an answer, and no options to find it among"
_AROUND = " \t\n\r\"“”'‘’`*_"
_LEAD = re.compile(
    r"(?:\*\*)?(?:(?:the )?(?:correct |final )?answer|a)(?:\*\*)?\s*(?::|is\b:?)\s*",
    re.IGNORECASE,
)
_YES_NO = {"yes", "no", "true", "false", "maybe", "unknown", "n a", "none"}
_NOTHING = re.compile(
    r"(all|none|any|both|neither|either)( of)? (the |of )?(above|these|those|them|options|answers).*"
    r"|i (don't|do not) know.*|[a-j] and [a-j]|both [a-j] and [a-j]",
    re.IGNORECASE,
)
_BE = {"is", "are", "was", "were"}
_PRONOUNS = {("it",), ("this",), ("they",), ("that",)}
_FUNCTION = {
    *_BE, "the", "a", "an", "of", "in", "on", "at", "by", "to", "from", "with", "for", "as", "and", "or", "it", "its",
    "this", "that", "they", "called", "known", "named", "also",
}  # fmt: skip
_NEXT = re.compile(r"(?<=\w{3}[.!?])\s+(?=[A-Z(])|\n")
"""Where a second sentence begins; "St. Louis" and "E. coli" are none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and what the record says before it ("The capital of Peru is"), "" where it says nothing more."""

    text: str
    stem: str = ""


def read_answer(question: str, sentence: str, answer: str, is_choice: bool) -> Answer | str:
    """Return the answer, or the reason why it is none."""
    text = _bare(answer)
    if not is_choice:
        text = _bare(_LEAD.sub("", text, count=1)) if _LEAD.match(text) else text
    words = words_of(text)
    if not words:
        return "without an answer"
    if " ".join(words) in _YES_NO or (is_yes_no(sentence) and words[0] in ("yes", "no")):
        return YES_NO
    if not is_choice and re.fullmatch(r"\(?[A-Ja-j]\)?", text):
        return LETTER
    if _NOTHING.fullmatch(text):
        return REFUSED
    stem = ""
    if not is_choice:
        # What follows the first sentence explains it.
        text = _bare(_NEXT.split(text, maxsplit=1)[0])
        if parted := _restated(question, text):
            stem, text = parted
    if is_long(text):
        return LONG
    return Answer(text, stem)


def is_long(text: str) -> bool:
    """Whether a text is too long for an answer."""
    return len(text.split()) > MOST_WORDS or len(text) > MOST_CHARACTERS or "\n" in text


def _bare(text: str) -> str:
    """Return the text without quotes, emphasis and a full stop around it; abbreviations keep theirs."""
    text = text.strip(_AROUND)
    if text.endswith(".") and not re.search(r"(\b\w|\.\w)\.$", text):
        text = text[:-1].rstrip(_AROUND)
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def _restated(question: str, text: str) -> tuple[str, str] | None:
    """Return what a sentence says before its news, and the news; None where it says nothing but news, or two things.

    Of "The capital of Peru is Lima" the news is "Lima"; of "Lima is the capital of Peru" too, with nothing before it.
    """
    asked = set(words_of(question))
    tokens = text.split()
    words = [words_of(token) for token in tokens]
    content = [any(word not in _FUNCTION for word in some) for some in words]
    is_new = [has and not set(some) <= asked for has, some in zip(content, words, strict=True)]
    new = [n for n, new in enumerate(is_new) if new]
    if not new:
        return None
    begin, end = new[0], new[-1] + 1
    # "The largest planet in our solar system is Jupiter": what stands before the verb is no news.
    if verbs := [n for n in range(begin + 1, end) if set(words[n]) & _BE and any(content[:begin])]:
        begin = next((n for n in new if n > verbs[-1]), begin)
    if any(content[n] and not is_new[n] for n in range(begin, end)):
        return None
    outside = [*range(begin), *range(end, len(tokens))]
    repeated = sum(content[n] for n in outside)
    if begin and not any(content[n] for n in outside) and words[0] in _PRONOUNS:
        return " ".join(tokens[:begin]), " ".join(tokens[begin:end]).rstrip(".,;:")
    if not repeated or (repeated < 2 and not any(set(words[n]) & _BE for n in outside)):
        return None
    return " ".join(tokens[:begin]), " ".join(tokens[begin:end]).rstrip(".,;:")
