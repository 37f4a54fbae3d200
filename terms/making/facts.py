"""Facts from tables of subject, relation, object. Read by `build`.

Distractors are true objects of other rows of the relation: of the same specialty; for rows where that has too few, of
each other; for what is left, of the whole relation (controls always among themselves). An object
that any row gives for the same subject is none, under whatever name; nor one that holds its words or is held in them;
nor one that lies over or under it in the vocabulary's hierarchy (who has a cardiomyopathy has a heart disease). How
often each answer serves, and of which length it is, `terms.tables` sees to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from ...errors import DomainError
from ..domain import Fact
from ..normal_form import words_of
from ..reading.load import read_records
from ..records import Faults, Record
from ..tables import LEAST, MOST, Row, distractors, filled
from ..vocabulary.entry import normal
from .labels import LIST, Labels
from .names import Names, holds
from .relations import FILE, Relations

FEWEST = 3
"""Distractors without which a fact can serve no verdict."""
TOGETHER = 256
"""Rows that exchange their answers at a time; more would take long, and these are of like length already."""
LONG_SUBJECT = 80
"""Characters of a subject that stands in the cluster key as it is."""
_OBJECT = ("object", "answer")
_SPECIALTY = ("specialty", "specialties")


@dataclass(frozen=True, slots=True)
class FactRow:
    """One row of a table of facts, as the user wrote it."""

    subject: str
    relation: str
    answer: str
    specialties: tuple[str, ...]
    also: tuple[str, ...]
    """Other objects that are right for the subject."""
    where: str
    cues: tuple[str, ...] = ()
    """Cues of its own, in place of its relation's; without `{}`."""
    wordings: tuple[str, ...] = ()
    """What each cue is (`Fact.wordings`); empty where that is not known."""
    doubtful: tuple[str, ...] = ()
    """Objects that may be right for the subject: no distractors, and not said to be true either."""


def read_facts(
    sources: Sequence[str],
    folder: Path,
    labels: Labels,
    faults: Faults,
    specialty_field: str | None = None,
    encoding: str | None = None,
) -> tuple[list[FactRow], dict[str, tuple[str, ...]]]:
    """The rows of all tables, and the cues of each relation. What is wrong with them goes to `faults`.

    Cues come from the tables' own columns, from a relations.toml beside a table, or from one in the domain's folder.
    """
    relations = Relations(faults)
    for place in (folder, folder / "sources"):
        relations.read(place / FILE)
    out = []
    for source in sources:
        path = Path(source)
        relations.read((path if path.is_dir() else path.parent) / FILE)
        before = len(faults.found)
        records = list(read_records(source, faults, encoding=encoding, prose=False))
        if not records:
            if len(faults.found) == before:
                faults.add(source, "no row in it; expected rows with subject, relation and object")
            continue
        names = dict.fromkeys(str(name) for record in records for name in record.data)
        wanted = {"subject": ("subject",), "relation": ("relation",), "object": _OBJECT}
        missing = [name for name, known in wanted.items() if not set(known) & set(names)]
        if missing:
            what = f'no column "{missing[0]}"; expected subject, relation, object, and, if you like, specialty, also'
            faults.add(source, f"{what}; its columns are: {', '.join(names)}")
            continue
        field = next((name for name in (specialty_field, *_SPECIALTY) if name in names), "specialty")
        for record in records:
            row = _stated(record, labels, str(field))
            relations.take(row.relation, record)
            out.append(row)
    for row in out:
        if row.relation:
            relations.asked(row.relation, row.where)
    return out, relations.cues


def _stated(record: Record, labels: Labels, field: str) -> FactRow:
    def value(*names: str) -> str:
        return " ".join(record.text(next((n for n in names if record.has(n)), names[0])).split())

    also = record.data.get("also")
    others = record.texts("also") if isinstance(also, list) else (record.text("also") if also else "").split(LIST)
    return FactRow(
        value("subject"),
        value("relation"),
        value(*_OBJECT),
        labels.of(record, field),
        tuple(" ".join(other.split()) for other in others if other.strip()),
        record.where,
    )


def make_facts(
    stated: Iterable[FactRow],
    cues: Mapping[str, tuple[str, ...]],
    names: Names,
    general: str,
    notes: list[str],
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Fact]:
    """The facts with their distractors, in the rows' order; what cannot serve is left out, counted in `notes`.

    Raises DomainError where nothing is left.
    """
    left_out: dict[str, list[str]] = defaultdict(list)
    rows = _merged(_spelled(_placed(stated, names, left_out), names, notes), names, general, notes)
    told = [_told_by_cue(row, _cues(row, cues)) for row in rows]
    for row, cue in zip(rows, told, strict=True):
        if cue:
            left_out["are given away by their own cue"].append(f'"{_brief(cue)}" → "{row.answer}"')
    kept = [row for row, cue in zip(rows, told, strict=True) if not cue]
    # Against all true pairs, also of rows that are left out.
    right: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        right[row.relation, names.key(row.subject)] |= {row.answer, *row.also}
    doubtful: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        doubtful[row.relation, names.key(row.subject)] |= set(row.doubtful)
    kin = _kin(rows, names)
    wrong: dict[int, tuple[str, ...]] = {}
    pools = list(_pools(kept, general))
    for done, pool in enumerate(pools, 1):
        pairs = [(kept[i].relation, names.key(kept[i].subject)) for i in pool]
        known = [right[pair] | doubtful[pair] for pair in pairs]
        table = [
            Row(str(i), kept[i].answer, tuple(sorted(also.union(*(kin[kept[i].relation, one] for one in also)))))
            for i, also in zip(pool, known, strict=True)
        ]
        wrong.update(zip(pool, _drawn(table, [kept[i].specialties for i in pool]), strict=True))
        if progress is not None:
            progress("wrong answers by relation", done, len(pools))
    out = []
    number: Counter[str] = Counter()
    for i, row in enumerate(kept):
        if len(wrong[i]) < FEWEST:
            why = f"have fewer than {FEWEST} wrong answers among the rows of their relation"
            left_out[why].append(f'{row.relation}, "{_brief(row.subject)}" → "{row.answer}"')
            continue
        prefix = f"{row.specialties[0]}-{row.relation}"
        number[prefix] += 1
        out.append(
            Fact(
                f"{prefix}-{number[prefix]:03}",
                _cues(row, cues),
                row.answer,
                wrong[i],
                row.specialties,
                row.relation,
                f"fact:{_cluster(names.key(row.subject))}",
                row.wordings,
                also_true=tuple(sorted(right[row.relation, names.key(row.subject)] - {row.answer})),
            )
        )
    said = [f"{len(which):,} {why}, and were left out, such as {which[0]}" for why, which in left_out.items()]
    if not out:
        raise DomainError(
            f"facts: none of {len(rows) or 'the'} rows can serve: {'; '.join(said) or 'there are none'}; add rows"
        )
    notes += [f"facts: {line}" for line in said]
    return out


def _placed(stated: Iterable[FactRow], names: Names, left_out: dict[str, list[str]]) -> Iterator[FactRow]:
    """Rows with their specialties: their own, else those of the concept that subject or object names."""
    for row in stated:
        found = row.specialties or names.specialties(row.subject) or names.specialties(row.answer)
        if found:
            yield replace(row, specialties=found)
        else:
            left_out["have no specialty, in the table or by their concepts"].append(
                f'"{_brief(row.subject)}" ({row.where})'
            )


def _spelled(stated: Iterable[FactRow], names: Names, notes: list[str]) -> list[FactRow]:
    """Each answer written one way within a relation: as its first row has it."""
    rows = list(stated)
    first: dict[tuple[str, str], str] = {}
    for row in rows:
        first.setdefault((row.relation, names.key(row.answer)), row.answer)
    changed = sorted({row.answer for row in rows} - set(first.values()))

    def one(row: FactRow, answer: str) -> str:
        return first.get((row.relation, names.key(answer)), answer)

    if changed:
        notes.append(
            f'facts: {len(changed):,} objects are other names of one before, and are called so ("{changed[0]}")'
        )
    return [
        replace(
            r,
            answer=one(r, r.answer),
            also=tuple(one(r, a) for a in r.also),
            doubtful=tuple(one(r, a) for a in r.doubtful),
        )
        for r in rows
    ]


def _merged(stated: Iterable[FactRow], names: Names, general: str, notes: list[str]) -> list[FactRow]:
    """Each pair of a relation once, with the specialties of all its rows. Raises DomainError for a mixed control."""
    out: dict[tuple[str, str, str], FactRow] = {}
    repeated = 0
    for row in stated:
        key = row.relation, names.key(row.subject), row.answer
        before = out.setdefault(key, row)
        if before is not row:
            repeated += 1
            both = tuple(dict.fromkeys([*before.specialties, *row.specialties]))
            if general in both and len(both) > 1:
                raise DomainError(
                    f'{row.where}: "{row.subject}" → "{row.answer}" is a control in {before.where}, and of a specialty '
                    "here; remove one of the two"
                )
            out[key] = replace(
                before,
                specialties=both,
                also=tuple(dict.fromkeys([*before.also, *row.also])),
                doubtful=tuple(dict.fromkeys([*before.doubtful, *row.doubtful])),
            )
    if repeated:
        notes.append(f"facts: {repeated:,} rows say what one before says, and became one fact with it")
    return list(out.values())


def _kin(rows: Iterable[FactRow], names: Names) -> dict[tuple[str, str], set[str]]:
    """By relation and answer, the relation's answers that lie over or under it in the vocabulary's hierarchy."""
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        answers[row.relation][names.key(row.answer)] = row.answer
    out: dict[tuple[str, str], set[str]] = defaultdict(set)
    for relation, spelled in answers.items():
        for answer in spelled.values():
            for over in (spelled[id] for id in names.above(answer) if id in spelled):
                out[relation, answer].add(over)
                out[relation, over].add(answer)
    return out


def _cues(row: FactRow, cues: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the row's own cues, else its relation's with the subject in them."""
    return row.cues or tuple(filled(cue, row.subject) for cue in cues[row.relation])


def _brief(text: str) -> str:
    """Return a subject or cue for a message; of a long one, such as a case report, its end."""
    plain = " ".join(text.split())
    return plain if len(plain) <= LONG_SUBJECT else f"… {plain[-LONG_SUBJECT:]}"


def _cluster(key: str) -> str:
    """Return a subject's key; of a long one, such as a question, its beginning and a number that tells it apart."""
    return key if len(key) <= LONG_SUBJECT else f"{key[: LONG_SUBJECT // 2]}… {crc32(key.encode()):08x}"


def _told_by_cue(row: FactRow, cues: tuple[str, ...]) -> str:
    """The first cue that holds the answer."""
    answer = words_of(row.answer)
    return next((cue for cue in cues if holds(words_of(cue), answer)), "")


def _pools(rows: Sequence[FactRow], general: str) -> Iterator[list[int]]:
    """Places of the rows that may lend each other answers: of one relation, controls apart."""
    pools: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        pools[row.relation, general in row.specialties].append(i)
    yield from pools.values()


def _drawn(table: list[Row], specialties: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Distractors of each row: within its specialties, else among the rows that have too few there, else among all."""
    circles: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, names in enumerate(specialties):
        circles[names].append(i)
    out: dict[int, tuple[str, ...]] = {}
    for circle in circles.values():
        out.update(zip(circle, _exchanged([table[i] for i in circle]), strict=True))
    short = [i for i in range(len(table)) if len(out[i]) < LEAST]
    out.update(zip(short, _exchanged([table[i] for i in short]), strict=True))
    if short := [i for i in short if len(out[i]) < LEAST]:
        every = _exchanged(table)
        out.update({i: every[i] for i in short})
    return [out[i] for i in range(len(table))]


def _exchanged(rows: list[Row]) -> list[tuple[str, ...]]:
    """`terms.tables.distractors`, over rows of like length at a time."""
    order = list(range(len(rows)))
    # Of a few answers, such as modes of inheritance, a stretch of like length would hold one only.
    if len({row.answer for row in rows}) > 2 * MOST:
        order.sort(key=lambda i: (len(rows[i].answer), normal(rows[i].answer), i))
    parts = max(1, len(order) // TOGETHER)
    out: dict[int, tuple[str, ...]] = {}
    for part in range(parts):
        some = order[part * len(order) // parts : (part + 1) * len(order) // parts]
        out.update(zip(some, distractors([rows[i] for i in some]), strict=True))
    return [out[i] for i in range(len(rows))]
