"""From a corpus and a vocabulary to a list of terms: the whole way, and the folder it leaves.

extraction.json   command, vocabulary, corpus, settings, counts, edits
terms.parquet     a row for each concept (terms.extraction.termlist.Term); terms.csv: the same for a spreadsheet
mentions.parquet  a row for each mention (terms.extraction.mentions.SCHEMA)
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from ...errors import CorpusError
from ..domain import Domain
from .evidence import CorpusCounts, Rule, combine, evidence_of, is_common
from .hierarchy import Hierarchy, Root
from .linking import LinkerSettings
from .mentions import mentions
from .termlist import Edits, Term, frame, read_terms, write_csv

if TYPE_CHECKING:
    import pyarrow as pa

    from ..vocabulary.compiled import Vocabulary
    from ..vocabulary.entry import Entry
    from .corpus import Corpus

SCHEMA_VERSION = 1
EXAMPLES = 3
REACH = 160
"""Characters of a sentence shown on each side of a mention, at most."""
UMLS = "UMLS:"


@dataclass(frozen=True)
class Extraction:
    """Terms with their mentions, and the record of how they came about."""

    terms: list[Term]
    mentions: pa.Table
    record: dict[str, Any]

    def write(self, out: Path) -> None:
        """Leaves the folder, whole or not at all; an extraction that stands there is replaced.

        Raises CorpusError where `out` is something else.
        """
        import pyarrow.parquet as pq

        if out.exists() and not (out / "extraction.json").is_file() and (not out.is_dir() or any(out.iterdir())):
            raise CorpusError(f"{out}: is there already, and no extraction; give another --out")
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
        try:
            frame(self.terms).write_parquet(part / "terms.parquet")
            write_csv(self.terms, part / "terms.csv")
            pq.write_table(self.mentions, part / "mentions.parquet", compression="zstd")
            (part / "extraction.json").write_text(
                json.dumps({"schema": SCHEMA_VERSION, **self.record}, indent=1, ensure_ascii=False), encoding="utf-8"
            )
            part.chmod(0o755)
            if out.exists():
                shutil.rmtree(out)
            part.rename(out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise

    @classmethod
    def open(cls, path: Path) -> Extraction:
        """Reads the folder again. Raises CorpusError where it is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            record = json.loads((path / "extraction.json").read_text(encoding="utf-8"))
            table = pq.read_table(path / "mentions.parquet")
        except (OSError, ValueError, pa.ArrowException) as error:
            raise CorpusError(f"{path}: not an extraction; expected a folder left by probe terms extract") from error
        return cls(read_terms(path / "terms.parquet"), table, record)


def extract(
    corpus: Corpus,
    vocabulary: Vocabulary,
    domain: Domain,
    roots: list[Root],
    settings: LinkerSettings | None = None,
    *,
    rule: Rule = combine,
    edits: Edits | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Extraction:
    """Finds the corpus' mentions, weighs the evidence, lists the terms. Raises UsageError, CorpusError."""
    settings = settings or LinkerSettings()
    table = mentions(corpus, vocabulary, settings, progress)
    found = list(terms_of(corpus, table, vocabulary, domain, roots, rule))
    record: dict[str, Any] = {
        "domain": domain.name,
        "vocabulary": {"hash": vocabulary.hash, **vocabulary.about},
        "corpus": {
            "hash": corpus.hash,
            "documents": len(corpus.documents),
            "specialties": dict(Counter(name for d in corpus.documents for name in d.specialties)),
        },
        "settings": asdict(settings),
        "rule": rule.__name__,
        "edits": None,
    }
    if edits:
        found, record["edits"] = edits.apply(found)
    record["counts"] = {
        "mentions": table.num_rows,
        "with ties": sum(map(bool, table["ties"].to_pylist())),
        "abbreviations": sum(map(bool, table["long_form"].to_pylist())),
        "concepts": len(found),
        "common": sum(term.common for term in found),
        "specialties": dict(Counter(name for term in found if not term.common for name in term.specialties)),
        "basis": dict(Counter(term.basis or "none" for term in found)),
    }
    return Extraction(found, table, record)


def terms_of(
    corpus: Corpus, table: pa.Table, vocabulary: Vocabulary, domain: Domain, roots: list[Root], rule: Rule = combine
) -> Iterator[Term]:
    """A term for each concept that is mentioned, most documents first."""
    counts = CorpusCounts(corpus, table, domain)
    hierarchy = Hierarchy(vocabulary, roots)
    said = Counter(table["concept"].to_pylist())
    examples = _examples(corpus, table)
    for row in sorted(range(len(counts.concepts)), key=lambda n: (-int(counts.total[n]), counts.concepts[n])):
        concept = counts.concepts[row]
        index = vocabulary.index(concept)
        assert index is not None
        entry = vocabulary.entry(index)
        evidence = evidence_of(entry, index, row, hierarchy, counts)
        specialties, basis = rule(entry, evidence)
        yield Term(
            concept=concept,
            name=entry.name,
            cuis=cuis_of(entry),
            types=entry.types,
            specialties=specialties,
            common=is_common(specialties),
            basis=basis,
            hierarchy=tuple(map(str, evidence.hierarchy)),
            type_roots=tuple(map(str, evidence.types)),
            z=evidence.z or {},
            specificity=None if counts.specificity is None else round(float(counts.specificity[row]), 3),
            documents=int(counts.total[row]),
            mentions=said[concept],
            documents_by=evidence.documents or {},
            examples=tuple(examples[concept]),
        )


def cuis_of(entry: Entry) -> tuple[str, ...]:
    """The UMLS concepts that an entry is."""
    if re.fullmatch(r"C\d{7}", entry.id):
        return (entry.id,)
    return tuple(xref.removeprefix(UMLS) for xref in entry.xrefs if xref.startswith(UMLS))


def _examples(corpus: Corpus, table: pa.Table) -> dict[str, list[str]]:
    """Sentences around the first mentions of each concept, each in another document."""
    texts: Mapping[str, str] = {document.id: document.text for document in corpus.documents}
    out: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    columns = (table[name].to_pylist() for name in ("concept", "document", "start", "end"))
    for concept, document, start, end in zip(*columns, strict=True):
        shown = out.setdefault(concept, [])
        if len(shown) < EXAMPLES and last.get(concept) != document:
            last[concept] = document
            shown.append(sentence(texts[document], start, end))
    return out


def sentence(text: str, start: int, end: int) -> str:
    """The sentence around `text[start:end]`, on one line, no longer than `REACH` on either side."""
    edges = list(re.finditer(r"[.!?]\s+|\n\s*\n", text[max(0, start - REACH) : start]))
    begin = max(0, start - REACH) + (edges[-1].end() if edges else 0)
    after = re.search(r"[.!?](?=\s|$)|\n\s*\n", text[end : end + REACH])
    stop = end + (after.end() if after else min(REACH, len(text) - end))
    return " ".join(text[begin:stop].split())


def ranked(terms: list[Term], specialty: str) -> list[Term]:
    """A specialty's own terms, the most telling of its documents first; common ones are left out."""
    own = [term for term in terms if specialty in term.specialties and not term.common]
    return sorted(own, key=lambda t: (-t.z.get(specialty, 0.0), -t.documents_by.get(specialty, 0), t.concept))
