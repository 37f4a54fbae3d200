"""`probe domain from`: a domain made of what a person has already, training data or another source of facts.

    source ── reader by its form ── Stated ── facts ── controls, contrast ── a new folder, whole or not at all

A reader (`from_records`, `from_vocabulary`) decides what the source states; what is made of it is decided here, for
every form alike. The same source gives the same bytes. The folder's `domain.toml` remembers a file of records as the
domain's training data.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ...errors import DomainError, UsageError
from ..contrast import open_contrast
from ..defaults import DOMAIN, MOST_FACTS
from ..domain import Domain, Fact, Specialty, domain_folder, embedded, head
from ..extraction.hierarchy import Hierarchy, roots_of
from ..normal_form import words_of
from ..reading.load import read_records
from ..records import Faults, Record
from ..vocabulary.compiled import Vocabulary
from ..vocabulary.reading import Tally
from .controls import count_named, general_facts, open_embedded
from .facts import make_facts
from .folder import facts_text, write_new
from .from_records.forms import UNFIT, Fields
from .from_records.pairs import read_pairs
from .from_records.triples import is_table, is_triples, read_triples
from .from_vocabulary.source import is_vocabulary, stated_by
from .head import head_text, joiner_of
from .labels import Labels
from .names import Names, holds
from .new import new_folder
from .rows import keep_large_relations, label_rows, rename_shared_relations, thin_rows
from .stated import Stated
from .texts import LABELS
from .vocabulary_names import VocabularyNames

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Origin:
    """What a domain is made from; the options of `probe domain from`."""

    source: str
    """A file, a folder, or a dataset of the hub, as `terms.reading` reads them."""
    name: str
    out: Path | None = None
    question_field: str | None = None
    answer_field: str | None = None
    specialty_field: str | None = None
    labels: tuple[str, ...] = ()
    """LABEL=SPECIALTY[,SPECIALTY], or LABEL=none."""
    vocabulary: Path | None = None
    specialties: str = DOMAIN
    """The domain whose specialties and hierarchy sort the vocabulary's concepts."""
    contrast: str | None = None
    most: int = MOST_FACTS
    encoding: str | None = None


@dataclass(frozen=True)
class MadeDomain:
    """A domain as it was written."""

    folder: Path
    domain: Domain
    records: int
    skipped: Mapping[str, int]
    """Records by the reason why they became no fact of their own, the most frequent first."""
    notes: tuple[str, ...]
    """What happened to single facts after that, a line each."""

    def lines(self) -> list[str]:
        """Return what a person should read of it."""
        general = self.domain.general
        own = [fact for fact in self.domain.facts if general not in fact.specialties]
        relations = Counter(fact.relation for fact in own)
        by_specialty = Counter(name for fact in own for name in fact.specialties)
        wordings = sorted({len(fact.cues) for fact in own})
        spread = str(wordings[0]) if len(wordings) == 1 else f"{wordings[0]} to {wordings[-1]}"
        out = [
            f"facts: {len(own):,} from {self.records:,} records, in {spread} wordings each; "
            f"{len(self.domain.facts) - len(own):,} general facts added as controls",
            f"relations: {len(relations):,} ({_counted(relations)})",
            f"specialties: {len(by_specialty):,} ({_counted(by_specialty)})",
            *(f"skipped: {count:,} {reason}" for reason, count in self.skipped.items()),
            *self.notes,
        ]
        if len(self.domain.specialties) == 1:
            out.append("one specialty only: judge models with --own none, or give --specialty-field or --vocabulary")
        out.append(f"contrast: {self.domain.contrast or 'none'}")
        if self.domain.training_data:
            file = Path(self.domain.training_data)
            shown = file.resolve() if ".." in file.parts else file
            out.append(f"training data of its comparisons, unless told otherwise: {shown}")
        return [*out, f"next: probe domain check {self.folder}"]


def _counted(counts: Counter[str], most: int = 6) -> str:
    shown = ", ".join(f"{name} {n:,}" for name, n in counts.most_common(most))
    return f"{shown}, …" if len(counts) > most else shown


def domain_from(origin: Origin, progress: Progress | None = None) -> MadeDomain:
    """Make a domain of a source. Raises KnowshiftError, and then nothing is written."""
    folder = new_folder(origin.name, origin.out)
    if origin.vocabulary is not None and not origin.vocabulary.exists():
        raise UsageError(f"{origin.vocabulary}: no such file; give one that was made by probe terms vocabulary")
    if is_vocabulary(origin.source):
        return _of_vocabulary(origin, folder, progress)
    vocabulary = Vocabulary.open(origin.vocabulary) if origin.vocabulary else None
    like = head(domain_folder(origin.specialties)) if vocabulary else None
    empty = Domain(origin.name, specialties=dict(like.specialties) if like else {})
    if origin.contrast is not None:
        open_contrast(empty, origin.contrast)
    labels = Labels(empty, origin.labels)
    hierarchy = Hierarchy(vocabulary, roots_of(origin.specialties, like)) if vocabulary and like else None
    known = VocabularyNames(vocabulary, hierarchy)
    faults = Faults()
    stated = read_source(origin, labels, known, faults)
    labels.check(faults)
    faults.raise_any()
    return write_domain(stated, origin, folder, labels, known, progress)


def _of_vocabulary(origin: Origin, folder: Path, progress: Progress | None) -> MadeDomain:
    """Make a domain of what a vocabulary states. Raises UsageError for options that mean nothing to it."""
    for given, option in (
        (origin.question_field, "--question-field"),
        (origin.answer_field, "--answer-field"),
        (origin.specialty_field, "--specialty-field"),
        (origin.labels, "--map"),
    ):
        if given:
            raise UsageError(
                f"{option}: the source is a vocabulary, whose hierarchy gives the specialties; leave it out"
            )
    wider = Vocabulary.open(origin.vocabulary) if origin.vocabulary else None
    tally = Tally(progress=progress, encoding=origin.encoding)
    found = stated_by([origin.source], wider, most=origin.most, tally=tally)
    labels = Labels(Domain(origin.name, specialties=found.specialties))
    return write_domain(found.stated, origin, folder, labels, found.known, progress, is_training=False)


def read_source(origin: Origin, labels: Labels, known: VocabularyNames, faults: Faults) -> Stated:
    """Return what the source states, by the reader of its form.

    Raises UsageError where no reader finds a fact in it; broken records go to `faults`.
    """
    records = list(read_records(origin.source, faults, encoding=origin.encoding, prose=False))
    faults.raise_any()
    if not records:
        raise UsageError(f"{origin.source}: no record in it; expected questions with answers, or triples")
    label = _label_field(records, origin)

    def specialties_of(record: Record) -> tuple[str, ...]:
        return labels.of(record, label) if label else ()

    fields = Fields(origin.question_field, origin.answer_field)
    if is_triples(records) and fields == Fields():
        stated = read_triples(records, origin.source, specialties_of, faults, label)
    else:
        stated = read_pairs(records, fields, specialties_of, known.type_of)
        if not stated.rows and set(stated.skipped) == {UNFIT} and fields == Fields() and is_table(records, label):
            stated = read_triples(records, origin.source, specialties_of, faults, label)
    faults.raise_any()
    if not stated.rows:
        if set(stated.skipped) == {UNFIT}:
            raise UsageError(_no_pairs(origin.source, records))
        raise UsageError(_no_facts(origin.source, len(records), stated.skipped))
    return stated


def write_domain(
    stated: Stated,
    origin: Origin,
    folder: Path,
    labels: Labels,
    known: VocabularyNames,
    progress: Progress | None = None,
    is_training: bool = True,
) -> MadeDomain:
    """Make facts of what a source states, add controls and a contrast, and write the folder.

    With `is_training` the folder remembers the source as the training data of the models it will be asked of.

    Raises DomainError where nothing can serve as a fact, or the contrast is none.
    """
    skipped = Counter(stated.skipped)
    rows, wordings = rename_shared_relations(stated)
    rows = label_rows(rows, origin.name, labels, known, skipped)
    rows = thin_rows(keep_large_relations(rows, skipped), origin.most, skipped)
    names = known.names(stated.aliases)
    notes: list[str] = []
    try:
        facts = make_facts(rows, wordings, names, labels.domain.general, notes, progress)
    except DomainError as error:
        raise DomainError(f"{origin.source}: {str(error).removeprefix('facts: ')}") from error
    facts = _with_aliases(keep_large_relations(facts, skipped), stated.aliases, names)
    if not facts:
        raise UsageError(_no_facts(origin.source, stated.records, skipped))
    domain = Domain(
        origin.name,
        stated.description or f"Facts that {Path(origin.source).name} states, with general knowledge as control",
        stated.licence or f"that of {Path(origin.source).name}",
        labels.domain.general,
        _used_specialties(facts, origin.name, labels),
        contrast=_contrast(facts, origin),
        joiner=joiner_of(facts),
    )
    open_contrast(domain)
    # The general facts are English: without a space cue and answer would run into one word.
    controls = general_facts(facts) if domain.joiner else []
    files = {
        "domain.toml": head_text(domain, origin.source if is_training else "", folder),
        "facts.jsonl": facts_text([*facts, *controls]),
    }
    # Where the folder lies is no part of what it holds.
    given = {**asdict(origin), "out": None}
    about = {
        "sources": json.loads(json.dumps(given, default=str)),
        "records": stated.records,
        "skipped": dict(skipped.most_common()),
        "notes": notes,
    }
    write_new(folder, files, about)
    made = Domain.open(folder)
    return MadeDomain(folder, made, stated.records, dict(skipped.most_common()), tuple(notes))


def _label_field(records: Sequence[Record], origin: Origin) -> str | None:
    """Return the field that holds a record's specialty, as the records spell it; None where there is none."""
    names = list(dict.fromkeys(str(name) for record in records for name in record.data))
    if origin.specialty_field is not None:
        if origin.specialty_field not in names:
            what = f'no record has the field "{origin.specialty_field}"'
            raise UsageError(f"{origin.source}: {what}; name one of its fields with --specialty-field: {_shown(names)}")
        return origin.specialty_field
    return next((name for name in names if name.casefold() in LABELS), None)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) or "none"


def _no_pairs(source: str, records: Sequence[Record]) -> str:
    """Return the line that says that a source has neither questions nor triples."""
    fields = _shown(list(dict.fromkeys(str(name) for record in records for name in record.data)))
    return (
        f"{source}: no question with an answer in its {len(records):,} records, nor subject, relation and object "
        f"(fields: {fields}); name them with --question-field and --answer-field"
    )


def _no_facts(source: str, records: int, skipped: Mapping[str, int]) -> str:
    """Return the line that says why a source gives no fact."""
    reasons = "; ".join(f"{n:,} {why}" for why, n in Counter(skipped).most_common(4))
    return (
        f"{source}: none of its {records:,} records becomes a fact ({reasons}); a fact needs a short answer, and "
        "wrong answers of its kind from other records"
    )


def _with_aliases(facts: Sequence[Fact], aliases: Mapping[str, tuple[str, ...]], names: Names) -> list[Fact]:
    """Return the facts with the other names of their answers, but for names that another true answer has."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for answer, others in aliases.items():
        by_key[names.key(answer)] += [answer, *others]
    out = []
    for fact in facts:
        taken = {names.key(name) for name in fact.also_true} | {fact.answer.casefold()}
        given = dict.fromkeys(by_key.get(names.key(fact.answer), ()))
        cues = [words_of(cue) for cue in fact.cues]
        kept = (
            name
            for name in given
            if name.casefold() not in taken
            and names.key(name) not in taken
            # A name that the cue holds would be scored for the repetition.
            and not any(holds(cue, words_of(name)) for cue in cues)
        )
        out.append(replace(fact, aliases=tuple(kept)))
    return out


def _used_specialties(facts: Sequence[Fact], name: str, labels: Labels) -> dict[str, Specialty]:
    """Return the facts' specialties; those that an embedded domain has too bring their names and aliases."""
    known = {**labels.grown().specialties}
    shared = {one.id: one for domain in embedded() for one in head(domain_folder(domain)).specialties.values()}
    used = dict.fromkeys(id for fact in facts for id in fact.specialties if id != labels.domain.general)
    return {id: shared.get(id) or known.get(id) or Specialty(id, name) for id in used}


def _contrast(facts: Sequence[Fact], origin: Origin) -> str:
    """Return the contrast asked for, else the embedded domain that names the fewest of the facts' things."""
    if origin.contrast is not None:
        return "" if origin.contrast == "none" else origin.contrast
    others = [name for name in embedded() if name != origin.name]
    return min(others, key=lambda name: count_named(facts, open_embedded(name)), default="")
