"""What a question asks for: its asking sentence, the noun that names the answer's kind, and the answer's shape.

No language model and no part of speech: in English the noun stands in few places ("which drug …", "what is the most
likely diagnosis of …", "name the capital of …", "the capital of Peru is"). Where it stands in none of them, or in
another language, the question has no focus, and only frames (`kinds`) or the vocabulary tell its kind. Read by `kinds`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SENTENCE = re.compile(r"(?<=[.!?:])[\"'”’)]*\s+|\n+")
_WH = re.compile(
    r"\b(which|what|who|whom|whose|when|where|how (?:many|much|old|long|far|tall|high|often|large|big))\b", re.I
)
_WORD = re.compile(r"[^\W_][\w'’.+/-]*")
_ASKING = {"which", "what"}
_NAMING = {
    "name", "give", "state", "identify", "list", "specify", "provide", "tell", "mention", "find", "choose", "select",
    "determine",
}  # fmt: skip
_ARTICLES = {"the", "a", "an", "this", "that", "these", "those", "his", "her", "its", "their", "one", "me", "us"}
_VERBS = {
    "is", "are", "was", "were", "be", "been", "being", "do", "does", "did", "has", "have", "had", "can", "could",
    "will", "would", "should", "shall", "may", "might", "must", "'s", "became", "become", "describes", "explains",
    "represents", "characterizes", "causes", "caused", "contains", "gives", "gave", "makes", "made", "produces",
    "encodes", "codes", "treats", "shows", "means", "occurs", "lies", "plays", "wrote", "won", "led", "helps",
}  # fmt: skip
_EDGES = {
    "of", "in", "for", "to", "with", "on", "at", "by", "from", "as", "that", "which", "who", "whose", "where", "when",
    "during", "after", "before", "between", "among", "under", "over", "into", "through", "against", "about", "than",
    "and", "or", "if", "because", "upon", "within", "without", "via", "towards", "regarding", "while",
}  # fmt: skip
_ADVERBS = {
    "most", "least", "best", "likely", "probably", "first", "next", "also", "mainly", "primarily", "usually", "often",
    "commonly", "typically", "then", "now", "not", "never", "always", "initially", "currently", "originally", "better",
}  # fmt: skip
_NO_NOUN = _ADVERBS | {
    "appropriate", "important", "common", "true", "correct", "false", "incorrect", "responsible", "associated",
    "consistent", "effective", "useful", "expected", "seen", "found", "known", "called", "used", "following", "above",
    "it", "he", "she", "they", "there", "you", "we", "i", "needed", "required", "recommended", "indicated", "given",
    "located", "involved", "affected", "elevated", "present", "different", "similar", "better", "possible", "main",
}  # fmt: skip
_EMPTY = {"name", "names", "type", "types", "kind", "kinds", "sort", "form", "forms", "term", "word", "title"}
"""Nouns that pass the question on to what comes after "of"."""
_YES_NO = re.compile(
    r"(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)\b", re.IGNORECASE
)
_DATE = re.compile(
    r"(\d{1,2}(st|nd|rd|th)? )?(january|february|march|april|may|june|july|august|september|october|november|december)"
    r"\b.*\d|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(in |c\. ?|circa )?(1\d{3}|20\d{2})( ?(ad|bc|ce|bce))?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[<>≤≥~±+\-−$€£]?\s*\d[\d.,/:–\-\s]*\S{0,12}(\s+\S+){0,2}")


@lru_cache(maxsize=4096)
def asking_sentence(question: str) -> str:
    """Return the sentence that asks: the last with a question mark, else with a question word, else the last."""
    sentences: list[str] = [part.strip(" \"'”’*") for part in _SENTENCE.split(question) if part.strip(" \"'”’*")]
    asking = [part for part in sentences if part.endswith("?")] or [part for part in sentences if _WH.search(part)]
    return (asking or sentences or [question])[-1]


def focus_of(sentence: str) -> str:
    """Return the noun that names the answer's kind, in the singular, or who, when, where or "how many"; "" if none."""
    words: list[str] = [word.casefold().rstrip(".") for word in _WORD.findall(sentence.replace("’", "'"))]
    # "The drug which is given for malaria is" asks by its end.
    if words and words[-1] in _VERBS and not sentence.endswith("?") and not _WH.match(sentence):
        return _noun(words)[0]
    for at, word in enumerate(words):
        if word in _ASKING:
            return _asked(words[at + 1 :])
        if word in ("who", "whom"):
            return "who"
        if word in ("when", "where"):
            # "…, when the patient stands": no question.
            if at == 0 or sentence.endswith("?"):
                return word
        elif word == "how" and at + 1 < len(words) and _WH.match(f"how {words[at + 1]}"):
            return f"how {words[at + 1]}"
    if words and words[0] in _NAMING:
        return _noun(words[1:])[0]
    return _noun(words)[0] if sentence.endswith(":") else ""


def trim_verbs(subject: str) -> str:
    """Return a subject without the verbs at its ends: a frame may leave "insulin is" or "does insulin"."""
    words = subject.split()
    while len(words) > 1 and words[-1].casefold() in _VERBS:
        words.pop()
    while len(words) > 1 and words[0].casefold() in _VERBS:
        words = words[1:]
    return " ".join(words)


def is_yes_no(sentence: str) -> bool:
    """Whether a question is answered by yes or no."""
    return bool(_YES_NO.match(sentence)) and sentence.endswith("?") and " or " not in sentence


def shape_of(answer: str) -> str:
    """Return `number`, `date` or `words`: answers of unlike shape are told apart without any knowledge."""
    if _DATE.fullmatch(answer):
        return "date"
    return "number" if _NUMBER.fullmatch(answer) else "words"


def statement_of(sentence: str) -> str:
    """Return a question for a thing as the statement that its answer ends; "" where it is worded otherwise.

    "What is the capital of Peru?" becomes "The capital of Peru is".
    """
    match = re.fullmatch(
        r"(?:what|which|who)(?: (?:one )?of (?:the following|these))? (?P<verb>is|are|was|were) (?P<rest>.+?)\s*\??",
        sentence,
        re.IGNORECASE,
    )
    if match is None or match["rest"].split()[0].casefold() not in _ARTICLES | {"your", "our"}:
        return ""
    words = _WORD.findall(match["rest"].casefold())
    # "What is the patient suffering from?" and "Which is the most likely to …" have no thing to name.
    if not _noun(words)[0] or words[-1] in _EDGES or ", " in match["rest"]:
        return ""
    return f"{match['rest'][:1].upper()}{match['rest'][1:]} {match['verb'].casefold()}"


def _asked(words: list[str]) -> str:
    """Return the noun after "which" or "what"."""
    phrases = (phrase.split() for phrase in ("one of the following", "of the following", "one of these", "of these"))
    begin = next((len(phrase) for phrase in phrases if words[: len(phrase)] == phrase), 0)
    rest = words[begin:]
    # "Which of the following best describes …": what comes before the verb, if it is a noun.
    noun, end = _noun(rest)
    if noun and not (rest and rest[0] in _VERBS):
        return noun
    while rest and (rest[0] in _VERBS or rest[0] in _ADVERBS):
        rest = rest[1:]
    if end == 0 or (words[begin : begin + 1] and words[begin] in _VERBS):
        return _noun(rest)[0] if rest and rest[0] in _ARTICLES else ""
    return ""


def _noun(words: list[str]) -> tuple[str, int]:
    """Return the last word of the phrase that begins here, in the singular, and where the phrase ends."""
    end = next((i for i, word in enumerate(words) if word in _EDGES or word in _VERBS), len(words))
    phrase = [word for word in words[:end] if word not in _ARTICLES]
    while phrase and phrase[-1] in _ADVERBS:
        phrase.pop()
    if not phrase or phrase[-1] in _NO_NOUN or any(c.isdigit() for c in phrase[-1]):
        return "", end
    if phrase[-1] in _EMPTY and words[end : end + 1] == ["of"]:
        inner, further = _noun(words[end + 1 :])
        if inner:
            return inner, end + 1 + further
    return singular(phrase[-1]), end


@lru_cache(maxsize=1 << 16)
def singular(word: str) -> str:
    """Return an English noun's singular by its ending; a word of another form as it is."""
    word = word.removesuffix("'s").removesuffix("'")
    for ending, single in (("ies", "y"), ("oses", "osis"), ("ses", "se"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith(("ss", "us", "is")):
            return word[: -len(ending)] + single
    return word
