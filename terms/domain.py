"""The domain: texts, facts, questions and controls, each with specialties. Read by `terms.select` and the command.

    domain.toml       name, description, licence, control group, joiner, specialties with their aliases, neutral cues
    concepts.jsonl    what is looked for in the texts
    texts.jsonl       running text
    facts.jsonl       cues, one true answer, distractors
    questions.jsonl   multiple choice, in S-MedQA's released fields

Any part may be missing (but not texts, facts and questions together); `.parquet` serves as well as `.jsonl`. Fields
that are not known are passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import DomainError, UsageError
from .items import GENERAL, JOINER
from .normal_form import exact_key, words_of
from .reading.options import keyed_options
from .reading.parts import read_part
from .records import Faults, Record

EMBEDDED = Path(__file__).parent / "domains"
NEUTRAL = "Answer:"
QUESTION = "question"
"""Relation of the facts that come from questions."""


@dataclass(frozen=True, slots=True)
class Specialty:
    """A specialty: its id in records, its display name, and other names a person or a model's folder gives it."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concept:
    """What is looked for in texts; `id` is a UMLS CUI or a key of the domain's own; `types` are TUIs or words."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Running text; a control carries the control group as its only specialty."""

    id: str
    text: str
    specialties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """Cues (wordings), each joined to the true answer or to a distractor by the domain's `joiner`.

    `concept` is a cluster key.
    """

    id: str
    cues: tuple[str, ...]
    answer: str
    distractors: tuple[str, ...]
    specialties: tuple[str, ...]
    relation: str
    concept: str
    wordings: tuple[str, ...] = ()
    """What each cue is (`taught`, `paraphrase`, `inverse`, …); empty where that is not known."""
    aliases: tuple[str, ...] = ()
    """Other names of the answer; whoever says one of them says the answer."""
    also_true: tuple[str, ...] = ()
    """Other true answers, which are never distractors of this fact."""


@dataclass(frozen=True)
class Domain:
    """A domain as read; `hash` is the SHA-256 of its content, the same for JSON lines and parquet."""

    name: str
    description: str = ""
    licence: str = ""
    general: str = GENERAL
    specialties: dict[str, Specialty] = field(default_factory=dict)
    concepts: tuple[Concept, ...] = ()
    texts: tuple[Text, ...] = ()
    facts: tuple[Fact, ...] = ()
    questions: tuple[Fact, ...] = ()
    contrast: str = ""
    """Name or folder of the contrast domain, like this one in form and of other things; empty where there is none."""
    neutral: dict[str, str] = field(default_factory=dict)
    """By relation, a cue that says nothing, after which an answer's own likelihood is read; `default` for the rest."""
    joiner: str = JOINER
    """What stands between a cue and its answer: one space, or nothing in scripts without spaces."""
    training_data: str = ""
    """File or folder that the facts were made from; empty where they were not, or it is not known."""

    @classmethod
    def open(cls, name_or_path: str | Path) -> Domain:
        """Read an embedded domain by its name, or a folder.

        Raises DomainError with the first ten faults, each naming file, line and field.
        """
        folder = domain_folder(name_or_path)
        return _parts(head(folder), folder)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the content."""
        content = asdict(self)
        # Where a file lies says nothing of the domain.
        del content["training_data"]
        if self.joiner == JOINER:
            # A domain has the hash that it had before there was a choice.
            del content["joiner"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def neutral_cue(self, relation: str) -> str:
        """The cue that says nothing for answers of `relation`."""
        return self.neutral.get(relation) or self.neutral.get("default", NEUTRAL)

    @cached_property
    def _ids(self) -> dict[tuple[str, ...], str]:
        return {words_of(name): s.id for s in self.specialties.values() for name in (s.id, s.name, *s.aliases)}

    def specialty(self, name: str) -> Specialty:
        """The specialty of that id, display name or alias, in any case; raises DomainError where there is none."""
        if (found := self._ids.get(words_of(name))) is None:
            known = ", ".join(self.specialties) or "none"
            raise DomainError(f'unknown specialty "{name}"; the specialties of domain {self.name} are: {known}')
        return self.specialties[found]

    def own_from_name(self, model_name: str) -> str | None:
        """Id of the specialty that a model's name holds as whole words (`neuro_lora`: neurology), else None.

        Words are runs of letters and digits. Raises UsageError where two specialties are named.
        """
        words = words_of(model_name)
        named: dict[str, str] = {}
        for alias, specialty in self._ids.items():
            if any(words[i : i + len(alias)] == alias for i in range(len(words))):
                named.setdefault(specialty, " ".join(alias))
        if len(named) > 1:
            found = " and ".join(f'{specialty} ("{alias}")' for specialty, alias in named.items())
            raise UsageError(f"model {model_name}: its name holds {found}; say which with --own {model_name}=NAME")
        return next(iter(named), None)


def domain_folder(name_or_path: str | Path) -> Path:
    """Where a domain lies: an embedded one by its name, else the folder as given."""
    return EMBEDDED / name_or_path if str(name_or_path) in embedded() else Path(name_or_path)


def embedded() -> list[str]:
    """Names of the domains that come with the package."""
    return sorted(path.parent.name for path in EMBEDDED.glob("*/domain.toml"))


def head(folder: Path) -> Domain:
    """The domain without its parts, from domain.toml; raises DomainError at its first fault."""
    path = folder / "domain.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        known = ", ".join(embedded())
        what = "the folder has no domain.toml" if folder.is_dir() else "no such domain"
        raise DomainError(f"{folder}: {what}; expected {known} or a folder with a domain.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DomainError(f"{path}: expected TOML in UTF-8: {error}") from error
    except OSError as error:
        raise DomainError(f"{path}: cannot be read: {error.strerror}; expected a file") from error

    def text(table: dict[str, Any], key: str, default: str | None, where: str = "") -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise DomainError(f'{path}, field "{where}{key}": expected text, found {value!r}')
        return value

    tables = raw.get("specialties", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise DomainError(f'{path}, field "specialties": expected one table [specialties.ID] for each specialty')
    general = text(raw, "general", GENERAL)
    specialties, owners = {}, {words_of(general): "the control group"}
    for id, table in tables.items():
        where = f"specialties.{id}."
        aliases = table.get("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(a, str) and words_of(a) for a in aliases):
            raise DomainError(f'{path}, field "{where}aliases": expected a list of names, found {aliases!r}')
        specialties[id] = Specialty(id, text(table, "name", id, where), tuple(aliases))
        for name in (id, specialties[id].name, *aliases):
            if owners.setdefault(words_of(name), id) != id:
                raise DomainError(f'{path}: "{name}" names both {owners[words_of(name)]} and {id}; leave it to one')
    neutral = raw.get("neutral", {})
    if not isinstance(neutral, dict) or not all(
        isinstance(cue, str) and cue == cue.strip() != "" for cue in neutral.values()
    ):
        raise DomainError(f'{path}, field "neutral": expected a table of cues by relation, no space around them')
    if (joiner := raw.get("joiner", JOINER)) not in ("", " "):
        raise DomainError(f'{path}, field "joiner": expected " " or "" (scripts without spaces), found {joiner!r}')
    about = (text(raw, "name", None), text(raw, "description", ""), text(raw, "licence", ""))
    training = text(raw, "training_data", "")
    return Domain(
        *about,
        general,
        specialties,
        contrast=text(raw, "contrast", ""),
        neutral=neutral,
        joiner=joiner,
        training_data=os.path.normpath(folder / training) if training else "",
    )


def _parts(empty: Domain, folder: Path) -> Domain:
    faults = Faults()
    concepts = tuple(_concepts(empty, read_part(folder, "concepts", faults)))
    texts = tuple(_texts(empty, read_part(folder, "texts", faults)))
    facts = tuple(_facts(empty, read_part(folder, "facts", faults)))
    questions = tuple(_questions(empty, read_part(folder, "questions", faults)))
    for id in {fact.id for fact in facts} & {question.id for question in questions} - {""}:
        faults.add(str(folder), f'a question has the id of a fact, "{id}"; give each its own')
    faults.raise_any()
    if not (texts or facts or questions):
        raise DomainError(f"{folder}: neither texts nor facts nor questions; expected at least one of the three files")
    return replace(empty, concepts=concepts, texts=texts, facts=facts, questions=questions)


def _unique(records: list[Record], ids: Iterator[str]) -> Iterator[tuple[Record, str]]:
    seen: dict[str, str] = {}
    for record, id in zip(records, ids, strict=True):
        if id and seen.setdefault(id, record.where) != record.where:
            record.fault("id", f'"{id}" is already the id of {seen[id]}; expected an id of its own')
        yield record, id


def _specialties(domain: Domain, record: Record, names: tuple[str, ...], field: str = "specialties") -> tuple[str, ...]:
    out = []
    for name in filter(None, names):
        if words_of(name) == words_of(domain.general):
            out.append(domain.general)
        elif (id := domain._ids.get(words_of(name))) is not None:
            out.append(id)
        else:
            known = ", ".join([*domain.specialties, domain.general])
            record.fault(field, f'unknown specialty "{name}"; expected one of: {known}')
    if domain.general in out and len(set(out)) > 1:
        shown = ", ".join(out)
        record.fault(field, f'a control carries ["{domain.general}"] alone, found {shown}; remove the others')
    return tuple(dict.fromkeys(out))


def _concepts(domain: Domain, records: list[Record]) -> Iterator[Concept]:
    for r, id in _unique(records, (r.id() for r in records)):
        specialties = _specialties(domain, r, r.texts("specialties"))
        yield Concept(id, r.text("name"), r.texts("aliases"), r.texts("types"), specialties)


def _texts(domain: Domain, records: list[Record]) -> Iterator[Text]:
    for r, id in _unique(records, (r.id() for r in records)):
        yield Text(id, r.text("text"), _specialties(domain, r, r.texts("specialties")))


def _facts(domain: Domain, records: list[Record]) -> Iterator[Fact]:
    for r, id in _unique(records, (r.id() for r in records)):
        cues, answer, distractors = r.texts("cues", 1), r.text("answer"), r.texts("distractors", 1)
        for cue in cues:
            if cue and cue[-1].isspace():
                r.fault("cues", f'"{cue[-40:]}" ends in whitespace; the domain joins cue and answer itself, remove it')
        for name, value in [("answer", answer), *(("distractors", d) for d in distractors)]:
            if value != value.strip():
                r.fault(name, f'"{value}" begins or ends in whitespace; the domain joins it with its cue, remove it')
        for n, distractor in enumerate(distractors):
            if distractor and _same(distractor, answer):
                r.fault("distractors", f'"{distractor}" is the answer; expected answers that are wrong here')
            elif distractor and any(_same(distractor, other) for other in distractors[:n]):
                r.fault("distractors", f'"{distractor}" stands twice; expected each once')
        aliases, also_true = r.texts("aliases"), r.texts("also_true")
        for other, what in [(o, "another name of the answer") for o in aliases] + [
            (o, "another true answer") for o in also_true
        ]:
            if taken := [distractor for distractor in distractors if _same(distractor, other)]:
                r.fault("distractors", f'"{taken[0]}" is {what}; expected answers that are wrong here')
        if (wordings := r.texts("wordings")) and len(wordings) != len(cues):
            r.fault("wordings", f"expected one for each of the {len(cues)} cues, found {len(wordings)}")
        specialties = _specialties(domain, r, r.texts("specialties"))
        relation, concept = r.text("relation"), r.text("concept", f"fact:{id}")
        yield Fact(id, cues, answer, distractors, specialties, relation, concept, wordings, aliases, also_true)


def _questions(domain: Domain, records: list[Record]) -> Iterator[Fact]:
    """S-MedQA as released: stems and options may begin or end in whitespace, and records carry no id."""
    width = len(str(len(records)))
    ids = (r.id(f"question-{n:0{width}}") for n, r in enumerate(records, 1))
    for r, id in _unique(records, ids):
        stem, answer = r.text("Question").strip(), r.text("Answer").strip()
        _, r.data["Options"] = keyed_options(r.data.get("Options"))
        options: dict[str, str] = {}
        for option in r.texts("Options", 2):
            options.setdefault(exact_key(option), option.strip())
        if answer and options and exact_key(answer) not in options:
            shown = ", ".join(options.values())
            r.fault("Answer", f'"{answer}" is none of the options: {shown}; correct one of them')
        answer = options.get(exact_key(answer), answer)
        several = isinstance(r.data.get("Specialty"), list)
        names = r.texts("Specialty", 1) if several else (r.text("Specialty"),)
        wrong = tuple(option for option in options.values() if option and option != answer)
        yield Fact(
            id, (stem,), answer, wrong, _specialties(domain, r, names, "Specialty"), QUESTION, f"{QUESTION}:{id}"
        )


def _same(one: str, other: str) -> bool:
    return exact_key(one) == exact_key(other)
