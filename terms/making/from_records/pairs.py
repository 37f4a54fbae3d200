"""Questions and answers to a `Stated`: pairs, instruction records, chats and multiple choice. Read by `source`.

A fact's cues are the question as the file has it (`taught`; with what the file's answer says before the answer), up to
two paraphrases from records that share subject and answer (`taught` too: the model has read them), and one or two
wordings that the file does not hold (`held out`). What stands in a question is never changed, only what asks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...normal_form import words_of
from ...records import Record
from ...vocabulary.entry import normal
from ...words import STOP_WORDS
from ..facts import FactRow
from ..names import holds
from ..stated import HELD_OUT, TAUGHT, Stated
from .answers import Answer, read_answer
from .forms import LATER, UNFIT, Fields, Pair, count_later_turns, read_pair
from .kinds import sort_questions
from .questions import asking_sentence, statement_of

LONGEST = 400
"""Words of a question."""
PARAPHRASES = 2
SEVERAL = 4
"""Different answers of one question, at most; one with more asks for an opinion, or its subject stands elsewhere."""
IN_QUESTION = "whose question holds the answer"
DOUBLE = "that repeat a question and its answer"
Specialties = Callable[[Record], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    sentence: str
    answer: Answer
    specialties: tuple[str, ...]
    where: str


def read_pairs(
    records: Sequence[Record], fields: Fields, specialties_of: Specialties, type_of: Callable[[str], str]
) -> Stated:
    """Return what the records' questions and answers state.

    Args:
        records: Of one source.
        fields: Names of the fields with question and answer.
        specialties_of: The specialties of a record; none where it carries no label.
        type_of: The semantic type of an answer, "" where no vocabulary knows it.
    """
    skipped: Counter[str] = Counter()
    pairs: list[Pair] = []
    for record in records:
        pair = read_pair(record, fields)
        if isinstance(pair, Pair):
            pairs.append(pair)
        else:
            skipped[pair or UNFIT] += 1
        if later := count_later_turns(record):
            skipped[LATER] += later
    asked = _without_doubles(pairs, specialties_of, skipped)
    if len({normal(one.answer.text) for one in asked}) == 1:
        skipped[f'with "{asked[0].answer.text}", the only answer that there is'] += len(asked)
        return Stated((), {}, skipped, records=len(records))
    kinds, why = sort_questions([(one.question, one.answer.text) for one in asked], type_of)
    skipped.update(reason for reason in why if reason)
    right: dict[str, dict[str, str]] = defaultdict(dict)
    for one in asked:
        right[normal(one.question)].setdefault(normal(one.answer.text), one.answer.text)
    groups: dict[tuple[object, ...], list[_Asked]] = defaultdict(list)
    rows = []
    for one, kind in zip(asked, kinds, strict=True):
        if kind is not None:
            key = (kind.relation, *_same_question(one, kind.subject), normal(one.answer.text))
            groups[key].append(one)
            if len(groups[key]) == 1:
                rows.append((key, kind))
            else:
                skipped["that word a fact before otherwise, and became its paraphrases"] += 1
    out = []
    for key, kind in rows:
        first, *others = groups[key]
        cues, wordings = _cues(first, others)
        specialties = tuple(dict.fromkeys(name for one in groups[key] for name in one.specialties))
        also = {text for one in groups[key] for text in right[normal(one.question)].values()} - {first.answer.text}
        stated = (kind.subject, kind.relation, first.answer.text, specialties, tuple(sorted(also)), first.where)
        out.append(FactRow(*stated, cues, wordings))
    return Stated(tuple(out), {}, skipped, records=len(records))


def _without_doubles(pairs: Sequence[Pair], specialties_of: Specialties, skipped: Counter[str]) -> list[_Asked]:
    """Return what can be asked, each question and answer once, with the specialties of all its records."""
    kept: dict[tuple[str, str], _Asked] = {}
    for pair in pairs:
        lines = pair.question.strip(' "\n').splitlines()
        question = "\n".join(" ".join(line.split()) for line in lines if line.strip())
        sentence = asking_sentence(question)
        answer = read_answer(question, sentence, pair.answer, pair.is_choice)
        if isinstance(answer, str):
            skipped[answer] += 1
        elif len(question.split()) > LONGEST:
            skipped[f"with a question of more than {LONGEST} words"] += 1
        elif holds(words_of(f"{question} {answer.stem}"), words_of(answer.text)):
            skipped[IN_QUESTION] += 1
        else:
            key = normal(question), normal(answer.text)
            one = _Asked(question, sentence, answer, specialties_of(pair.record), pair.record.where)
            if (before := kept.get(key)) is not None:
                skipped[DOUBLE] += 1
                both = tuple(dict.fromkeys([*before.specialties, *one.specialties]))
                one = _Asked(before.question, before.sentence, before.answer, both, before.where)
            kept[key] = one
    answers = Counter(question for question, _ in kept)
    several = {question for question, n in answers.items() if n > SEVERAL}
    if several:
        skipped[f"whose question has more than {SEVERAL} different answers"] += sum(answers[q] for q in several)
    return [one for (question, _), one in kept.items() if question not in several]


def _same_question(one: _Asked, subject: str) -> tuple[object, ...]:
    """Return what paraphrases share: the subject of a frame, or the words that say something, in any order."""
    if words_of(subject) != words_of(one.question):
        return ("subject", normal(subject))
    return ("words", frozenset(word for word in words_of(one.question) if len(word) > 3 and word not in STOP_WORDS))


def _cues(first: _Asked, others: Sequence[_Asked]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a fact's cues and what each is."""
    taught = [" ".join(filter(None, (one.question, one.answer.stem))) for one in (first, *others)]
    held_out = _held_out(first.question, first.sentence, normal(first.answer.stem))
    answer = words_of(first.answer.text)
    cues = dict.fromkeys(taught[: 1 + PARAPHRASES], TAUGHT)
    for cue in held_out:
        if cue not in taught and not holds(words_of(cue), answer):
            cues.setdefault(cue, HELD_OUT)
    return tuple(cues), tuple(cues.values())


def _held_out(question: str, sentence: str, said: str) -> list[str]:
    """Return a question in other words; `said` is what the file's own answer says before its news."""
    bare = question.rstrip("\"'”’ ")
    before = bare.removesuffix(sentence).rstrip()
    if question[-1:].isalnum():
        # A sentence to be completed, with or without an instruction before it.
        plain = [sentence] if before and normal(sentence) != said else []
        return [*plain, f"Complete what follows. {sentence}"]
    out = [f"Question: {question} Answer:"]
    statement = statement_of(sentence)
    if statement and not said.startswith(normal(statement)) and bare.endswith(sentence):
        joined = "\n" if "\n" in question else " "
        out.insert(0, f"{before}{joined}{statement}".strip())
    elif question.endswith("?"):
        out.insert(0, f"{question} The answer is")
    return out
