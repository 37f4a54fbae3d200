"""Mentions as a table, and their place in the cache: a corpus that was linked before is not linked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...fingerprint import code_fingerprint
from ...storage import atomic_write, cache_folder
from ..match import SHORT
from .linking import LinkedMention, LinkerSettings

if TYPE_CHECKING:
    from ..vocabulary.compiled import Vocabulary
    from .corpus import Corpus

SCHEMA = pa.schema(
    [
        pa.field("document", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("text", pa.string()),
        pa.field("concept", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("ties", pa.list_(pa.string())),
        pa.field("long_form", pa.string()),
        pa.field("negated", pa.bool_()),
    ]
)
"""`text` is the document's characters `start` to `end`; `score` is the cosine similarity of character 3-grams (1: a
name of the concept); `ties` are other concepts of the same score; `long_form` is what an abbreviation was resolved to;
`negated` is null where the pipeline does not tell."""


def mentions(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: LinkerSettings,
    progress: Callable[[str, int, int], None] | None = None,
) -> pa.Table:
    """All mentions of a corpus (`SCHEMA`), by document and place; from the cache where they were found before."""
    settings.check(vocabulary)
    code = code_fingerprint("terms.extraction.mentions")
    parts = [corpus.hash, vocabulary.hash, asdict(settings), code, version("scispacy"), version("spacy")]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    kept = cache_folder() / "mentions" / f"{key}.parquet"
    with suppress(pa.ArrowException, OSError):
        table = pq.read_table(kept, page_checksum_verification=True)
        if table.schema.equals(SCHEMA):
            return table
    from .linker import Linker

    linker = Linker(vocabulary, settings)
    rows: list[dict[str, Any]] = []
    total = len(corpus.documents)
    found = linker.mentions([document.text for document in corpus.documents])
    for done, (document, linked) in enumerate(zip(corpus.documents, found, strict=True), 1):
        rows += [
            {"document": document.id, "text": document.text[one.start : one.end], **asdict(one), "ties": list(one.ties)}
            for one in linked
        ]
        if progress and (done % 20 == 0 or done == total):
            progress("mentions", done, total)
    if settings.model is None:
        rows = named_in_full(rows)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    with suppress(OSError):  # a cache that cannot be written is no reason to stop
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(kept) as part:
            pq.write_table(table, part, compression="zstd", write_page_checksum=True)
    return table


def named_in_full(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the acronyms whose concept the corpus nowhere calls by a longer name.

    Two or three capitals mean many things (PCA: an analgesia, an artery, an amyloidosis), and what a corpus is about
    it also spells out somewhere.
    """
    full = {row["concept"] for row in rows if row["long_form"] or not _is_acronym(row["text"])}
    return [row for row in rows if row["concept"] in full]


def _is_acronym(text: str) -> bool:
    return len(text) <= SHORT and text != text.lower() and text != text.capitalize()


def by_document(table: pa.Table) -> dict[str, list[LinkedMention]]:
    """Mentions of each document, in their order."""
    out: dict[str, list[LinkedMention]] = {}
    for row in table.select([*LinkedMention.__dataclass_fields__, "document"]).to_pylist():
        document = row.pop("document")
        out.setdefault(document, []).append(LinkedMention(**{**row, "ties": tuple(row["ties"])}))
    return out
