"""What a written answer says, or that it says nothing: an answer that names several options has chosen none.

Answers, options and labels are compared in normal form (`terms.normal_form`): a curly apostrophe, a soft hyphen, a
ligature, a full-width letter or an accent as a letter of its own makes no difference.

Each rule mends a defect of the published scorers: the right letter found anywhere in the text, and an answer that
lists every label counted as right. An option that is named to be denied ("A is wrong") is no choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...terms.normal_form import exact_key, normal_form
from .phrases import begin, holds, places, words_in
from .question import LETTERS

UNPARSED = None
TOLD = re.compile(
    r"\banswer(?:\s+(?:to|for)\s+(?:this|the)\s+\w+)?(?:\s+(?:is|would\s+be|should\s+be|must\s+be))?\s*[:=]?"
    r"|\b(?:option|choice)\b(?:\s+is\b\s*[:=]?|\s*[:=])"
    r"|\bI(?:\s+would|\s+will|'d|'ll)?\s+(?:think|believe|choose|pick|select|go\s+with|say)\b(?:\s+(?:it\s+is|it's))?"
    r"|^\s*It(?:\s+is\b|'s)",
    re.IGNORECASE,
)
"""What a choice follows."""
NAMED = re.compile(r"\b(?:option|choice)\b", re.IGNORECASE)
"""What a choice may follow, where nothing is `TOLD`."""
DENIED = re.compile(
    r"(?:\bnot|n't|\bcannot|\bnever|\bneither|\bnor|\bno|\bwrong|\bincorrect|\bexcept|\brather\s+than)(?:\s+\w+){0,3}[\s\"'(*]*$",
    re.IGNORECASE,
)
"""Before what is named, in its own clause."""
WRONG = r"(?:wrong|incorrect|false|excluded|ruled\s+out|unlikely|impossible|never)\b"
REFUSED = re.compile(
    rf"[\s\"')\]*,:.-]*(?:(?:(?:is|are|was|can|could|would|should)(?:\s+not\b|n't)|cannot\b|can't\b)"
    rf"|(?:(?:is|are|was|seems)\s+)?{WRONG}|does(?:\s+not|n't)\s+(?:apply|fit|hold)\b"
    r"|not\s+(?:correct|right|true|(?:the|an?)\s+(?:\w+\s+)?(?:answer|option|choice))\b)",
    re.IGNORECASE,
)
"""After what is named."""
LIST = re.compile(
    r"[\s\"')\]*,;:/&+(\[.-]*(?:\b(?:and|or)\b[\s/\"'(\[*]*)*(?:\b(?:option|choice)\b\s*)?", re.IGNORECASE
)
"""Between two of a list."""
ALONE = (
    r"(?=\s*(?:$|[^\w\s'-])|\s+-\s|\s+(?:and|or|because|since|as|is|are|was|would|should|seems|appears|but|so|which"
    r"|that|for|due|given|in|with|by|from|based|according|here|when|if|it|this|the|not)\b)"
)
"""After a letter that is also a word ("A rash", "I think"), or a letter of a list."""
TURN = re.compile(r"\n\s*Question\s*:")
"""Where a model has answered and asks itself the next question."""


def said_option(answer: str, options: Sequence[str]) -> int | None:
    """Index of the one option that `answer` chooses, by letter or by its text; None where it is not told.

    A letter counts at the start ("B", "(B) …", "B: …") or after "answer is", "answer:", "I think"; an option's text
    where the answer is that text or begins with it. Several choices, or one that is denied, are none.
    """
    options = [_plain(option) for option in options]
    text = TURN.split(_plain(answer).strip())[0].strip()
    for marker in (TOLD, NAMED):
        # After "answer is", what is said counts, and not the word that happens to stand first ("A possible answer …").
        found = [
            _listed(text[each.end() :], options)
            for each in marker.finditer(text)
            if not DENIED.search(text[: each.start()])
        ]
        if chosen := set().union(*found):
            return chosen.pop() if len(chosen) == 1 else UNPARSED
    line = text.splitlines()[0].strip() if text else ""
    if chosen := _led(line, options):
        return chosen.pop() if len(chosen) == 1 else UNPARSED
    first = _begun(text, options)
    if first is None or REFUSED.match(text, _end(text, options[first])):
        return UNPARSED
    others = [i for i, option in enumerate(options) if not _begins(text, option) and holds(text, option)]
    return UNPARSED if others else first


def _led(line: str, options: Sequence[str]) -> set[int]:
    """The options that a line begins with by letter: "B", "(B) …", "B: …", "B is …", "C Zinc", "c) zinc"."""
    letters = LETTERS[: len(options)]
    if re.match(rf"[\"'(\[*]*[{letters}](?:[)\].:,*\"']|\s*$|\s+-\s|\s+(?:is|because|since)\b)", line):
        return _listed(line, options)
    if re.match(rf"\(?[{letters.lower()}][)\].:](?![^\s*])", line):  # "c) zinc", and not "e.g."
        upper = re.sub(rf"(?<!\w)[{letters.lower()}](?=[)\].:](?:\s|$))", lambda letter: letter[0].upper(), line)
        return _listed(upper, options)
    if lead := re.match(rf"([{letters}])\s+(.*)", line):
        index = letters.index(lead[1])
        if _begins(lead[2], options[index]):  # "C Zinc", and not "A zinc salt"
            return _listed(line, options)
    return set()


def _listed(text: str, options: Sequence[str]) -> set[int]:
    """The options that `text` begins with, one or a list ("A, B and C"); none where the one is denied."""
    lead = re.match(r"[\s\"'(\[*:]*(?:(?:the\s+)?(?:letter|option|choice)\s+)?[\"'(\[*]*", text)
    place = lead.end() if lead else 0
    named: set[int] = set()
    between = ""
    while (found := _item(text, place, options, between)) is not None:
        index, place = found
        named.add(index)
        if len(named) == 1 and REFUSED.match(text, place):
            return set()
        gap = LIST.match(text, place)
        between = gap[0] if gap else ""
        if not between or "\n" in between:
            break
        place += len(between)
    if len(named) == 1:
        # "A. fev B. cough": a later letter with its own text.
        letters = LETTERS[: len(options)]
        for each in re.finditer(rf"(?<!\w)([{letters}])[).:]\s*", text[place:].split("\n")[0]):
            index = letters.index(each[1])
            if _begins(text[place + each.end() :], options[index]):
                named.add(index)
    return named


def _item(text: str, place: int, options: Sequence[str], between: str) -> tuple[int, int] | None:
    """The option named at `place`, and where its name ends: by its text ("A copper salt" is no letter), else by its
    letter and, where it follows, its text. `between`: what parts it from another, in a list."""
    rest = text[place:]
    if (begun := _begun(rest, options)) is not None:
        return begun, place + _end(rest, options[begun])
    letters = LETTERS[: len(options)]
    if (found := re.match(rf"([{letters}])\b(?![-'])", rest)) is None:
        return None
    index, end = letters.index(found[1]), place + 1
    bare = not re.match(ALONE, rest[1:]) and not re.match(rf"\s+[{letters}]\b", rest[1:])
    if (between or found[1] in "AI") and bare and not _begins(rest[1:], options[index]):
        return None
    if re.search(r"\.\s", between) and not re.match(r"\s*(?:[).:,;]|$)", rest[1:]):
        return None  # "C. D is wrong": another sentence
    gap = re.match(r"[\s)\].:,*\"'-]*", text[end:])
    after = end + (gap.end() if gap else 0)
    told = _begun(text[after:], options)
    if told is not None and (told == index or _begins(options[index], options[told])):
        end = after + _end(text[after:], options[told])
    return index, end


def _begun(text: str, options: Sequence[str]) -> int | None:
    """The option that `text` begins with; of "Iron" and "Iron deficiency", where both fit, the longer.

    Of options with the same words ("pH" and "PH", "+5" and "-5"), the one that is written as in `text`.
    """
    alone = [index for index, option in enumerate(options) if exact_key(option) == exact_key(text)]
    if len(alone) == 1:
        return alone[0]
    fitting = [index for index, option in enumerate(options) if _begins(text, option)]
    longest = max((len(words_in(options[index])) for index in fitting), default=0)
    best = [index for index in fitting if len(words_in(options[index])) == longest]
    if len(best) > 1:
        best = [index for index in best if exact_key(text).startswith(exact_key(options[index]))]
    return best[0] if len(best) == 1 else UNPARSED


def _end(text: str, option: str) -> int:
    """Where `option`, with which `text` begins, ends in it."""
    end = begin(text, option)
    return len(text) if end is None else end


def said_label(answer: str, labels: Sequence[str]) -> int | None:
    """Index of the one label that stands in `answer` as a whole word, in any case; None where none or several do,
    or where it is denied ("not neutral")."""
    text = _plain(answer)
    found = {index: stands for index, label in enumerate(labels) if (stands := places(text, _plain(label)))}
    if len(found) != 1:
        return UNPARSED
    ((index, stands),) = found.items()
    denied = any(DENIED.search(text[:start]) or REFUSED.match(text, end) for start, end in stands)
    return UNPARSED if denied else index


def _plain(text: str) -> str:
    """In normal form, but for a dash that parts sentences ("B—because"), which is no hyphen ("B-cell")."""
    return normal_form(re.sub("[—―]", " - ", text))


def _begins(text: str, option: str) -> bool:
    return begin(text, option) is not None
