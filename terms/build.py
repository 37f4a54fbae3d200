"""Build domains' public files from their sources: `python -m knowshift.terms.build [DOMAIN...] [--draft]`.

Sources are one TOML file a specialty (format: `domains/medicine/sources/README.md`), one for the controls, which are
those of `domains/general.toml` where a domain has none of its own, and, for a domain that has UMLS concepts, `cuis.tsv`
(a concept's name, a tab, its UMLS CUI or `-`; written by `terms.cuis`). Written are `concepts.jsonl`, `texts.jsonl` and
`facts.jsonl`; the same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DomainError, KnowshiftError
from .domain import EMBEDDED, Concept, Domain, Fact, Text, domain_folder, embedded, head
from .match import Matcher
from .records import Faults
from .tables import Row, Table, facts, filled, slug
from .vocabulary.entry import normal

SHARED = EMBEDDED / "general.toml"
"""The control group's sources for every domain without some of its own."""


OPTIONAL = ("wordings", "aliases", "also_true")
"""Fields of a fact that are written only where they say something."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What sources must hold, at the least; words of a text as (least, most)."""

    concepts: int = 40
    texts: int = 10
    facts: int = 40
    general_texts: int = 20
    general_facts: int = 60
    words: tuple[int, int] = (60, 150)
    cues: int = 3
    rows: int = 8
    """Facts of a relation, and different answers among them."""


@dataclass(frozen=True, slots=True)
class Source:
    """One TOML file: the terms, texts and tables of one specialty."""

    specialty: str
    file: str
    concepts: tuple[Concept, ...]
    """Not merged yet; without ids."""
    texts: tuple[str, ...]
    tables: tuple[Table, ...]


def build(folder: Path, rules: Rules | None = None, draft: bool = False) -> str:
    """Write the public files and return a summary table.

    Raises DomainError with the first ten faults of the sources; with `draft` the faults are in the summary instead,
    and the files are written from what is sound.
    """
    rules, faults = rules or Rules(), Faults()
    notes: list[str] = []
    domain = head(folder)
    sources = read_sources(domain, folder, faults)
    concepts = merge(sources, read_cuis(folder), notes)
    texts = [
        Text(f"{s.specialty}-text-{n:02}", text, (s.specialty,)) for s in sources for n, text in enumerate(s.texts, 1)
    ]
    rows = list(_facts(sources, faults))
    _check(domain, sources, rules, faults)
    if not draft:
        faults.raise_any()
    _write(folder / "concepts.jsonl", concepts)
    _write(folder / "texts.jsonl", texts)
    _write(folder / "facts.jsonl", rows)
    return "\n".join([*_summary(domain, concepts, texts, rows), *notes, *faults.found])


def read_sources(domain: Domain, folder: Path, faults: Faults) -> list[Source]:
    """Read the sources in the order of the domain's specialties, controls last; a missing file is a fault.

    Controls without a file of their own are those that the embedded domains share.
    """
    out = []
    for specialty in [*domain.specialties, domain.general]:
        path = folder / "sources" / f"{specialty}.toml"
        if specialty == domain.general and not path.exists():
            path = SHARED
        try:
            out.append(_source(domain, specialty, path, tomllib.loads(path.read_text(encoding="utf-8")), faults))
        except FileNotFoundError:
            faults.add(str(path), f"missing; expected the sources of {specialty}")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.add(str(path), f"expected TOML in UTF-8: {error}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            faults.add(str(path), f"not as sources/README.md asks: {error!r}")
    return out


def _source(domain: Domain, specialty: str, path: Path, raw: dict[str, Any], faults: Faults) -> Source:
    if raw["specialty"] != specialty:
        faults.add(path.name, f'specialty = "{raw["specialty"]}"; expected "{specialty}", as the file is called')
    concepts = []
    for name, aliases, kind, *further in raw.get("concepts", []):
        every = dict.fromkeys([specialty, *(further[0] if further else [])])
        for unknown in every.keys() - {*domain.specialties, domain.general}:
            faults.add(path.name, f'concept "{name}": unknown specialty "{unknown}"')
        if not re.fullmatch(r"T\d{3}|[a-z]+(_[a-z]+)*", kind):
            expected = "expected a TUI such as T047, or a word such as river"
            faults.add(path.name, f'concept "{name}": semantic type "{kind}"; {expected}')
        concepts.append(Concept("", name.strip(), tuple(a.strip() for a in aliases), (kind,), tuple(every)))
    tables = []
    for relation in raw.get("relation", []):
        rows = tuple(Row(f[0], f[1], tuple(f[2]) if len(f) > 2 else ()) for f in relation["facts"])
        tables.append(Table(relation["name"], tuple(relation["cues"]), rows, specialty, path.name))
    # A line break in a source is layout; an empty line is a paragraph.
    texts = tuple("\n\n".join(" ".join(p.split()) for p in re.split(r"\n\s*\n", t.strip())) for t in raw["texts"])
    return Source(specialty, path.name, tuple(concepts), texts, tuple(tables))


def merge(sources: Iterable[Source], cuis: dict[str, str], notes: list[str]) -> list[Concept]:
    """One concept for each name (in any case), with the union of aliases, types and specialties.

    An alias that is another concept's name, or the alias of two, is dropped; a CUI serves one concept only; both are
    said in `notes`. Concepts without a CUI get `local:<slug of the name>`.
    """
    merged: dict[str, Concept] = {}
    for concept in (c for s in sources for c in s.concepts):
        one = merged.setdefault(concept.name.casefold(), concept)
        merged[concept.name.casefold()] = replace(
            one,
            aliases=_union(one.aliases, concept.aliases),
            types=_union(one.types, concept.types),
            specialties=_union(one.specialties, concept.specialties),
        )
    owners: dict[str, set[str]] = defaultdict(set)
    for key, concept in merged.items():
        for alias in concept.aliases:
            owners[alias.casefold()].add(key)
    taken: dict[str, str] = {}
    out = []
    for key, concept in merged.items():
        kept: dict[str, str] = {}
        for alias in concept.aliases:
            fold = alias.casefold()
            if fold == key:
                continue
            if fold in merged or len(owners[fold]) > 1:
                whose = " and ".join(sorted({merged[k].name for k in owners[fold] | ({fold} & merged.keys())}))
                notes.append(f'alias "{alias}" of "{concept.name}" dropped: it names {whose}')
            else:
                kept.setdefault(alias, alias)
        id = cuis.get(key, "").strip("-")
        if id and taken.setdefault(id, concept.name) != concept.name:
            notes.append(f'CUI {id} of "{concept.name}" dropped: it is that of "{taken[id]}"')
            id = ""
        id = id or f"local:{slug(concept.name)}"
        if id.startswith("local:") and taken.setdefault(id, concept.name) != concept.name:
            raise DomainError(f'concepts "{concept.name}" and "{taken[id]}" have one id, {id}; rename one of them')
        out.append(replace(concept, id=id, aliases=tuple(kept)))
    return out


def read_cuis(folder: Path) -> dict[str, str]:
    """Casefolded name → CUI, or `-` for none, of sources/cuis.tsv; raises DomainError at a broken line."""
    path, out = folder / "sources" / "cuis.tsv", {}
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        name, _, cui = line.partition("\t")
        if not re.fullmatch(r"C\d{7}|-", cui):
            raise DomainError(f"{path}, line {n}: expected a name, a tab and a CUI (C0026769) or -, found {line!r}")
        out[name.casefold()] = cui
    return out


def _facts(sources: list[Source], faults: Faults) -> Iterator[Fact]:
    # An answer that another specialty's table gives for the same subject is right here too.
    elsewhere: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table in (t for s in sources for t in s.tables):
        for row in table.rows:
            elsewhere[table.relation, row.subject.casefold()] |= {row.answer, *row.also}
    for table in (t for s in sources for t in s.tables):
        rows = tuple(
            replace(row, also=tuple(sorted(elsewhere[table.relation, row.subject.casefold()]))) for row in table.rows
        )
        try:
            yield from facts(replace(table, rows=rows))
        except DomainError as error:
            faults.found.append(str(error))


def _check(domain: Domain, sources: list[Source], rules: Rules, faults: Faults) -> None:
    """The rules of sources/README.md; what breaks one goes to `faults`."""
    whose: dict[tuple[str, str], str] = {}
    for source in sources:
        general = source.specialty == domain.general
        counts = {
            "concepts": (len(source.concepts), 0 if general else rules.concepts),
            "texts": (len(source.texts), rules.general_texts if general else rules.texts),
            "facts": (sum(len(t.rows) for t in source.tables), rules.general_facts if general else rules.facts),
        }
        for what, (found, least) in counts.items():
            if found < least:
                faults.add(source.file, f"{found} {what}; expected at least {least}")
        for n, text in enumerate(source.texts, 1):
            if not rules.words[0] <= (words := len(text.split())) <= rules.words[1]:
                faults.add(source.file, f"text {n} has {words} words; expected {rules.words[0]} to {rules.words[1]}")
        for name, times in Counter(table.relation for table in source.tables).items():
            if times > 1:
                faults.add(source.file, f"relation {name} stands {times} times; expected one table for each relation")
        for table in source.tables:
            _check_table(table, rules, faults)
            for row in table.rows:
                key = row.subject.casefold(), row.answer.casefold()
                if whose.setdefault(key, source.file) != source.file:
                    faults.add(
                        f"{source.file} and {whose[key]}",
                        f'both hold "{row.subject}" → "{row.answer}"; expected a fact in one specialty, remove one',
                    )


def _check_table(table: Table, rules: Rules, faults: Faults) -> None:
    where = f"{table.source}, relation {table.relation}"
    answers = {row.answer for row in table.rows}
    if len(table.rows) < rules.rows or len(answers) < rules.rows:
        found = f"{len(table.rows)} facts with {len(answers)} different answers"
        faults.add(where, f"{found}; expected at least {rules.rows} of both")
    if len(table.cues) != rules.cues or len(set(table.cues)) != len(table.cues):
        faults.add(where, f"{len(set(table.cues))} different cues; expected {rules.cues}")
    for cue in table.cues:
        if cue.count("{}") != 1 or cue != cue.strip():
            faults.add(where, f'cue "{cue}"; expected {{}} once, for the subject, and no white space at its ends')
    for subject, times in Counter(row.subject.casefold() for row in table.rows).items():
        if times > 1:
            faults.add(where, f'subject "{subject}" stands {times} times; expected once')
    for row in table.rows:
        for also in set(row.also) - answers:
            faults.add(where, f'"{row.subject}": "{also}" is right too, but no answer of this table; remove it')
        given = [cue for cue in table.cues if _names(filled(cue, row.subject), row.answer)]
        if given:
            faults.add(where, f'"{row.subject}" → "{row.answer}": the cue "{given[0]}" gives the answer away')


def _names(text: str, answer: str) -> bool:
    # A matcher takes ten milliseconds to build, and is needed for few of some thousand cues.
    held = normal(answer) in normal(text)
    return held and bool(Matcher([Concept("", answer)]).mentions(text))


def _write(path: Path, records: Iterable[Concept | Text | Fact]) -> None:
    # Wordings that nobody named are left out.
    plain = (
        {k: v for k, v in asdict(record).items() if not isinstance(record, Fact) or k not in OPTIONAL or v}
        for record in records
    )
    lines = (json.dumps(record, ensure_ascii=False) for record in plain)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*one, *other]))


def _summary(domain: Domain, concepts: list[Concept], texts: list[Text], rows: list[Fact]) -> Iterator[str]:
    matcher = Matcher(concepts)
    yield f"{domain.name:<24}{'concepts':>9}{'with CUI':>9}{'texts':>7}{'mentions':>9}{'relations':>10}{'facts':>7}"
    for s in [*domain.specialties, domain.general]:
        own = [c for c in concepts if s in c.specialties]
        mine = [t for t in texts if s in t.specialties]
        known = [f for f in rows if s in f.specialties]
        numbers = (
            f"{len(own):>9}{sum(not c.id.startswith('local:') for c in own):>9}{len(mine):>7}"
            f"{sum(len(matcher.mentions(t.text)) for t in mine):>9}"
            f"{len({f.relation for f in known}):>10}{len(known):>7}"
        )
        yield f"{s:<24}{numbers}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m knowshift.terms.build", description="Build domains' files.")
    parser.add_argument("domains", nargs="*", metavar="DOMAIN", help="a folder or an embedded domain; default: those")
    parser.add_argument("--draft", action="store_true", help="write what is sound; print faults instead of failing")
    chosen = parser.parse_args(arguments)
    try:
        for name in chosen.domains or embedded():
            print(build(domain_folder(name), draft=chosen.draft))
    except KnowshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
