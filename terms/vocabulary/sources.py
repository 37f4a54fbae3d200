"""From sources to a vocabulary: which reader each needs, and the compiled file. Read by the command.

A source is a UMLS release folder, an OBO file, a table (CSV, TSV, JSON lines, parquet), scispaCy's JSON, or the name
of a knowledge base that scispaCy hosts. Several sources become one vocabulary, merged by id.

A package offers a reader of its own in its pyproject.toml, under `[project.entry-points."knowshift.vocabularies"]`, as
`suffix = "module:KIND"`: files that end in `.suffix` are then read by KIND, a `Kind`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError, VocabularyError
from ...plugins import load, registered
from ..reading.content import checked_encoding
from . import obo, rrf, scispacy_json, table
from .entry import Entry
from .merge import merge
from .reading import Filters, Progress, Tally, records

if TYPE_CHECKING:
    from .compiled import Vocabulary

_Reader = Callable[[Path, Filters, Tally], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A form of source: its reader, and the filters (fields of `Filters`) that mean something to it."""

    name: str
    read: _Reader
    filters: tuple[str, ...] = ()
    streamed: bool = False
    """Its concepts are known to be each once, with parents as ids; alone, it is never held in memory."""


RRF = Kind("UMLS release", rrf.read, ("languages", "sab", "keep_suppressed", "broader"), True)
OBO = Kind("OBO", obo.read, ("scopes",))
TABLE = Kind("table", table.read)
SCISPACY = Kind("scispaCy's JSON", scispacy_json.read, (), True)
HOSTED = Kind("scispaCy's knowledge base", scispacy_json.read_hosted, (), True)
_SUFFIXES = {"obo": OBO, "csv": TABLE, "tsv": TABLE, "parquet": TABLE, "jsonl": TABLE, "json": TABLE}
GROUP = "knowshift.vocabularies"


def _expected() -> str:
    suffixes = ", ".join(f".{suffix}" for suffix in dict.fromkeys((*_SUFFIXES, *registered(GROUP))))
    hosted = ", ".join(scispacy_json.HOSTED)
    return f"expected a UMLS release folder, {suffixes}, or one that scispaCy hosts: {hosted}"


RXNORM = (
    "RxNorm's own release (RXNCONSO.RRF) is not read; give the UMLS release with --source RXNORM, rxnorm for the one "
    "that scispaCy hosts, or a table"
)


def kind(source: str) -> Kind:
    """What form a source is of; raises VocabularyError where it is not there or of none."""
    path = Path(source)
    if path.is_dir():
        if rrf.folder(path):
            return RRF
        if rrf.is_rxnorm(path):
            raise VocabularyError(f"{source}: {RXNORM}")
        raise VocabularyError(f"{source}: no MRCONSO.RRF in the folder or its META; {_expected()}")
    if not path.exists():
        if source in scispacy_json.HOSTED:
            return HOSTED
        raise VocabularyError(f"{source}: no such file or folder; {_expected()}")
    suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    # Plugins cannot override built-in suffixes.
    if suffix not in _SUFFIXES and (other := registered(GROUP).get(suffix)):
        return load(other, f"{source}: its reader", VocabularyError, Kind)
    if suffix not in _SUFFIXES:
        hint = "that is one file of a release: give its folder" if suffix == "rrf" else f"unknown form; {_expected()}"
        if suffix == "rrf" and rrf.is_rxnorm(path.parent):
            hint = RXNORM
        raise VocabularyError(f"{source}: {hint}")
    if suffix in ("json", "jsonl") and scispacy_json.MARK in next(records(path), ("", {}))[1]:
        return SCISPACY
    return _SUFFIXES[suffix]


def read(
    sources: Sequence[str], *, tally: Tally | None = None, progress: Progress | None = None, **filters: Any
) -> Iterator[Entry]:
    """Concepts of one source, or of several merged by id; filters are those of `Filters.of`.

    Of several, the first source's name and definition stay, other names become aliases, lists are united; a UMLS
    release is read alone. What is left out is counted in `tally`. Raises VocabularyError where a source cannot be
    read, holds no concept, or keeps none under the filters, and UsageError for a filter that no source has.
    """
    tally = tally or Tally()
    tally.progress = progress
    return _entries(_kinds(sources), Filters.of(**filters), tally)


def compile(
    sources: Sequence[str],
    out: str | Path,
    *,
    languages: Iterable[str] | None = ("ENG",),
    sab: Iterable[str] | None = None,
    keep_suppressed: bool = False,
    broader: bool = False,
    scopes: Iterable[str] = ("exact",),
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Vocabulary:
    """Reads the sources as `read` does, writes the compiled vocabulary to `out`, whole or not at all, and opens it.

    The filters are those of `Filters`. `progress` is called with stage, done and total: megabytes of the source,
    then names. Raises what `read` raises, and VocabularyError where `out` cannot be written.
    """
    from .compiled import write

    kinds, filters, out = _kinds(sources), Filters.of(languages, sab, keep_suppressed, broader, scopes), Path(out)
    if out.resolve() in {Path(source).resolve() for source in kinds}:
        raise UsageError(f"{out}: is one of the sources; choose another file for the compiled vocabulary")
    tally = Tally(progress=progress, encoding=checked_encoding(encoding))
    meaning = {name for form in kinds.values() for name in form.filters}
    about = {
        "name": " + ".join(Path(source).name for source in kinds),
        "sources": [{"name": Path(source).name, "kind": form.name} for source, form in kinds.items()],
        "filters": {name: value for name, value in asdict(filters).items() if name in meaning},
        "counts": {"dropped": tally.dropped},
        "notes": tally.notes,
    }
    return write(_entries(kinds, filters, tally), out, about, progress)


def _kinds(sources: Sequence[str]) -> dict[str, Kind]:
    kinds = {source: kind(source) for source in sources}
    if not kinds:
        raise UsageError(f"no source of a vocabulary; {_expected()}")
    if RRF in kinds.values() and len(kinds) > 1:
        raise UsageError("a UMLS release is too large to be merged with other sources; compile it alone")
    return kinds


def _entries(kinds: dict[str, Kind], filters: Filters, tally: Tally) -> Iterator[Entry]:
    plain = asdict(Filters())
    for name, value in asdict(filters).items():
        if value != plain[name] and not any(name in form.filters for form in kinds.values()):
            forms = ", ".join(dict.fromkeys(form.name for form in kinds.values()))
            raise UsageError(f"the filter {name} means nothing to a source of this form ({forms}); leave it away")
    entries = _each(kinds, filters, tally)
    alone = len(kinds) == 1 and all(form.streamed for form in kinds.values())
    return entries if alone else iter(merge(entries, tally))


def _each(kinds: dict[str, Kind], filters: Filters, tally: Tally) -> Iterator[Entry]:
    for source, form in kinds.items():
        before = tally.dropped.copy()
        entries = form.read(Path(source), filters, tally)
        if (first := next(entries, None)) is None:
            dropped = ", ".join(f"{count} {what}" for what, count in (tally.dropped - before).items())
            why = f"everything was left out ({dropped}); choose other filters" if dropped else "no concept in it"
            raise VocabularyError(f"{source}: {why}")
        yield first
        yield from entries
