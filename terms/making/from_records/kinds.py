"""Questions sorted into relations, without a language model. Read by `pairs`.

A relation is what a verdict permutes and what wrong answers are drawn from, so its answers must be of one kind. A
question's relation is, the first that applies:

1. its **frame**, where many questions differ in one place alone: "what is the capital of {}". What stands in the place
   is the subject. Of all frames those are taken that explain most words (questions times the words they share); frames
   that ask the same of the same subjects ("the capital of {} is") are one relation with several wordings.
2. its **focus**: the noun that it asks for, or who, when, where, how many; "which drug …", "the most likely diagnosis".
3. the semantic **type** of its answer, where a vocabulary knows it.

Frames apart, numbers and dates are never mixed with words. A question of which there is no such kind, or too few, is
left out: its wrong answers would be told from the truth by their kind.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from ...tables import slug
from ...vocabulary.entry import normal
from ...words import STOP_WORDS
from ..census import SMALL_RELATION
from .questions import asking_sentence, focus_of, shape_of, singular, trim_verbs

MOST_WORDS, MOST_FILLED = 20, 6
"""Words of a question that may have a frame, and of the subject in it."""
SAMPLED = 10_000
"""Questions from which frames are found; they are looked for in all."""
SHARED = 0.5
"""Share of the smaller frame's subjects and answers that two frames of one relation have in common."""
FEW = f"of a kind with fewer than {SMALL_RELATION} facts or different answers"
UNKNOWN = "whose question names no kind of answer"
GENERIC = 0.2
"""Share of a frame's subjects that may have a word in common, where no question names what it asks for."""
_PLAIN = {"following", "likely", "name", "called", "what", "which", "who", "when", "where", "please", "tell"}
Frame = tuple[tuple[str, ...], tuple[str, ...]]
"""Words before and after the subject."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A question's relation and subject."""

    relation: str
    subject: str


def sort_questions(
    pairs: Sequence[tuple[str, str]], type_of: Callable[[str], str]
) -> tuple[list[Kind | None], list[str]]:
    """Return the kind of each question and answer, None where it has none; and for each the reason, else "".

    `type_of` is the semantic type of an answer, "" where it is not known.
    """
    sentences = [asking_sentence(question) for question, _ in pairs]
    foci = [focus_of(sentence) for sentence in sentences]
    shapes = [shape_of(answer) for _, answer in pairs]
    keys: list[tuple[str, ...] | None] = [None] * len(pairs)
    subjects = [" ".join(question.split()) for question, _ in pairs]
    tokens = [_short(question) for question, _ in pairs]
    folded = [tuple(word.casefold() for word in words) for words in tokens]
    framed = _framed(folded, foci, [normal(answer) for _, answer in pairs])
    for i, (frame, relation) in framed.items():
        before, after = frame
        keys[i] = ("frame", *relation, shapes[i])
        subjects[i] = trim_verbs(" ".join(tokens[i][len(before) : len(tokens[i]) - len(after)]))
    _drop_small(keys, pairs)
    for i in range(len(pairs)):
        if keys[i] is None and foci[i]:
            keys[i] = ("focus", foci[i], shapes[i])
    _drop_small(keys, pairs)
    for i, (_, answer) in enumerate(pairs):
        if keys[i] is None and (kind := type_of(answer)):
            keys[i] = ("type", kind, shapes[i])
    _drop_small(keys, pairs)
    names = _names(keys)
    why = ["" if key else FEW if focus else UNKNOWN for key, focus in zip(keys, foci, strict=True)]
    return [Kind(names[k], subject) if k else None for k, subject in zip(keys, subjects, strict=True)], why


def _short(question: str) -> tuple[str, ...]:
    """Return the words of a question that may have a frame; of a long one none, since its subject is told before it."""
    words = tuple(question.rstrip(" ?.:").split())
    return words if "\n" not in question and len(words) <= MOST_WORDS else ()


def _drop_small(keys: list[tuple[str, ...] | None], pairs: Sequence[tuple[str, str]]) -> None:
    """Take the key from the members of groups that have too few facts or answers."""
    facts: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for key, (question, answer) in zip(keys, pairs, strict=True):
        if key is not None:
            facts[key].add((normal(question), normal(answer)))
    small = {key for key, found in facts.items() if min(len(found), len({a for _, a in found})) < SMALL_RELATION}
    for i, key in enumerate(keys):
        if key in small:
            keys[i] = None


def _framed(
    questions: Sequence[tuple[str, ...]], foci: Sequence[str], answers: Sequence[str]
) -> dict[int, tuple[Frame, tuple[str, ...]]]:
    """Return the frame and the relation's words of each question that has one."""
    asked = [i for i, words in enumerate(questions) if words]
    if len(asked) > SAMPLED:
        asked = sorted(sorted(asked, key=lambda i: (crc32(" ".join(questions[i]).encode()), i))[:SAMPLED])
    counts = Counter(frame for i in asked for frame in _frames(questions[i], foci[i]))
    counts = Counter({frame: n for frame, n in counts.items() if n >= SMALL_RELATION})
    members: dict[Frame, list[int]] = defaultdict(list)
    for i, words in enumerate(questions):
        for frame in _frames(words, foci[i]) if words else ():
            if frame in counts:
                members[frame].append(i)
    taken: dict[int, Frame] = {}

    def left(frame: Frame) -> list[int]:
        return [i for i in members[frame] if i not in taken]

    heap = [(-len(members[frame]) * _fixed(frame), frame) for frame in counts]
    heapq.heapify(heap)
    while heap:
        score, frame = heapq.heappop(heap)
        free = left(frame)
        if min(len({questions[i] for i in free}), len({answers[i] for i in free})) < SMALL_RELATION:
            continue
        if not any(foci[i] for i in free) and _is_generic([questions[i] for i in free], frame):
            continue
        if (now := -len(free) * _fixed(frame)) > score:
            heapq.heappush(heap, (now, frame))
            continue
        taken.update(dict.fromkeys(free, frame))
    relations = _united(taken, questions, answers)
    return {i: (frame, relations[frame]) for i, frame in taken.items()}


def _fixed(frame: Frame) -> int:
    return len(frame[0]) + len(frame[1])


def _frames(words: tuple[str, ...], focus: str) -> Iterator[Frame]:
    """Yield every frame of a question that keeps its focus, or, without a focus, a word that says something."""
    for length in range(1, min(MOST_FILLED, len(words) - 2) + 1):
        for begin in range(len(words) - length + 1):
            frame = words[:begin], words[begin + length :]
            fixed = [word.strip("\"'“”‘’.,;") for word in (*frame[0], *frame[1])]
            if focus.partition(" ")[0] in map(singular, fixed) if focus else any(map(_says_something, fixed)):
                yield frame


def _is_generic(questions: Sequence[tuple[str, ...]], frame: Frame) -> bool:
    """Whether what fills a frame shares words, as in "complete the sentence: {}": then these tell the kinds apart."""
    before, after = map(len, frame)
    words = Counter(
        word for question in questions for word in {*question[before : len(question) - after]} if _says_something(word)
    )
    return any(n > max(2, GENERIC * len(questions)) for n in words.values())


def _says_something(word: str) -> bool:
    return len(word) >= 4 and word not in STOP_WORDS and word not in _PLAIN


def _united(
    taken: dict[int, Frame], questions: Sequence[tuple[str, ...]], answers: Sequence[str]
) -> dict[Frame, tuple[str, ...]]:
    """Return each frame's relation: frames that give the same answers for the same subjects are one."""
    told: dict[Frame, set[tuple[tuple[str, ...], str]]] = defaultdict(set)
    for i, (before, after) in taken.items():
        words = questions[i]
        told[before, after].add((words[len(before) : len(words) - len(after)], answers[i]))
    # The first is the one of most facts, whose words name the relation.
    order = sorted(told, key=lambda frame: (-len(told[frame]), frame))
    relation: dict[Frame, Frame] = {}
    for at, frame in enumerate(order):
        alike = (
            other
            for other in order[:at]
            if len(told[frame] & told[other]) >= max(2, SHARED * min(len(told[frame]), len(told[other])))
        )
        relation[frame] = relation[first] if (first := next(alike, None)) else frame
    return {frame: (*one[0], "{}", *one[1]) for frame, one in relation.items()}


def _names(keys: Iterable[tuple[str, ...] | None]) -> dict[tuple[str, ...], str]:
    """Return a short name of its own for each key."""
    out: dict[tuple[str, ...], str] = {}
    times: Counter[str] = Counter()
    for key in dict.fromkeys(key for key in keys if key):
        how, *words, shape = key
        if how == "frame":
            content = [word for word in words if _says_something(word.strip("\"',.")) or word == "how"]
            words = (content or [word for word in words if word != "{}"])[:4]
        elif how == "type":
            words = ["answer", *words]
        name = slug(" ".join([*words, *([shape] if shape != "words" else [])])).replace("-", "_") or "question"
        times[name] += 1
        out[key] = name if times[name] == 1 else f"{name}_{times[name]}"
    return out
