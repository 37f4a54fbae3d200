"""Where each term stands, and some of those passages token by token: what the report shows as contexts and layers.

places.parquet    a row a term item: its concept, its document, the passage around it and the target in it
readings.parquet  a row a passage and model, of a sample: every token's log-probability, rank, five likeliest, layers

Written by `probes.runs.compare`, read by `reports.contexts`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import polars as pl

from ...fingerprint import code_fingerprint
from ...terms.items import Item
from . import cache
from .directory import Progress, write_frame
from .settings import DEFAULT_PASSAGES, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.checkpoint import Checkpoint
    from ...models.engines.protocol import Engine
    from ...models.layers import Lens
    from ...models.template import Template

REACH = 240
"""Most characters of a passage on either side of its target."""
READ_CHARACTERS = 200_000
"""Characters read for them at most, since a passage is read after all that stands before it in its text."""
END = re.compile(r"(?<=[.!?])\s+|\n+")
PLACES = pl.Schema(
    {
        "item": pl.String(),
        "concept": pl.String(),
        "document": pl.String(),
        "begin": pl.Int64(),
        "passage": pl.String(),
        "start": pl.Int32(),
        "end": pl.Int32(),
    }
)
READINGS = pl.Schema(
    {
        "document": pl.String(),
        "begin": pl.Int64(),
        "model": pl.String(),
        "starts": pl.List(pl.Int32()),
        "ends": pl.List(pl.Int32()),
        "logprob": pl.List(pl.Float32()),
        "rank": pl.List(pl.Int32()),
        "top": pl.List(pl.List(pl.String())),
        "top_logprob": pl.List(pl.List(pl.Float32())),
        "lens": pl.List(pl.List(pl.Float32())),
        "lens_rank": pl.List(pl.List(pl.Int32())),
    }
)


@dataclass(frozen=True, slots=True)
class Passage:
    """`text[begin:end]` of a document (characters)."""

    document: str
    text: str
    begin: int
    end: int


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence that holds `text[start:end]`, at most `REACH` characters to either side; cut between words."""
    edges = [0, *(match.end() for match in END.finditer(text)), len(text)]
    begin = max(edge for edge in edges if edge <= start)
    stop = min(edge for edge in edges if edge >= end)
    if start - begin > REACH:
        begin = start - REACH
        begin = (text.find(" ", begin, start) + 1) or begin
    if stop - end > REACH:
        stop = end + REACH
        space = text.rfind(" ", end, stop)
        stop = space if space > end else stop
    while stop > end and text[stop - 1].isspace():
        stop -= 1
    return begin, stop


def places(items: Iterable[Item]) -> tuple[pl.DataFrame, dict[tuple[str, int], Passage]]:
    """The table of places, and its passages by document and begin."""
    found: list[tuple[Item, int]] = []
    passages: dict[tuple[str, int], Passage] = {}
    for item in items:
        if item.kind != "term":
            continue
        begin, stop = around(item.text, item.start, item.end)
        held = passages.get((item.document, begin))
        if held is None or held.end < stop:  # one passage a beginning, the longest
            passages[item.document, begin] = Passage(item.document, item.text, begin, stop)
        found.append((item, begin))
    rows = [
        {
            "item": item.id,
            "concept": item.concept,
            "document": item.document,
            "begin": begin,
            "passage": item.text[begin : passages[item.document, begin].end],
            "start": item.start - begin,
            "end": item.end - begin,
        }
        for item, begin in found
    ]
    return pl.DataFrame(rows, schema=PLACES), passages


def sample(passages: dict[tuple[str, int], Passage], seed: int, most: int = DEFAULT_PASSAGES) -> list[Passage]:
    """At most `most` passages drawn by the seed, and no more than `READ_CHARACTERS` to read."""
    order = sorted(passages, key=lambda key: hashlib.sha256(f"{seed}\0{key[0]}\0{key[1]}".encode()).digest())
    read = accumulate(passages[key].end for key in order)
    return [passages[key] for key, total in zip(order[:most], read, strict=False) if total <= READ_CHARACTERS]


def readings(
    model: str,
    passages: Sequence[Passage],
    checkpoint: Checkpoint,
    template: Template,
    engine: Engine,
    lens: Lens | None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Rows of readings.parquet of one model ("" for the base), which must be active."""
    from ...models.reading import read_passage

    rows = []
    for done, one in enumerate(passages, 1):
        read = read_passage(checkpoint, one.text, one.begin, one.end, template, engine, lens)
        rows.append({"document": one.document, "begin": one.begin, "model": model, **asdict(read)})
        if progress and (done % 20 == 0 or done == len(passages)):
            progress(f"passages, {model or checkpoint.name}", done, len(passages))
    engine.release()
    return rows


class PassageRecorder:
    """Records the passages of a comparison's texts, and what each model reads in a sample of them."""

    def __init__(
        self,
        run: Path,
        items: Sequence[Item],
        settings: Settings,
        template: Template,
        engine: Engine,
        keys: Mapping[str, str],
    ) -> None:
        """`keys` are those of the models' scores in the cache, by name (`""` is the base)."""
        self.run, self.template, self.engine, self.keys = run, template, engine, keys
        self.places, every = places(items if settings.text else ())
        # Each passage would be a request of its own.
        self.sample = [] if settings.remote else sample(every, settings.seed, settings.passages)
        self.rows: list[dict[str, Any]] = []

    def read(self, name: str, checkpoint: Checkpoint, lens: Lens | None, progress: Progress | None) -> None:
        """Read the sample with one model, which must be active (`""` is the base)."""
        if not self.sample:
            return
        passages = [(one.document, one.begin, one.end) for one in self.sample]
        # The key of its scores names the model, the texts, the template, the engine and the lens.
        code = code_fingerprint("models.reading"), str(READINGS)
        key = cache.score_key({"scores": self.keys[name], "passages": passages, "code": code})
        held = cache.fetch_rows(key)
        if held is None:
            rows = readings(name, self.sample, checkpoint, self.template, self.engine, lens, progress)
            table = pl.DataFrame(rows, schema=READINGS)
            cache.store_rows(key, table.to_arrow())
            held = table.to_dicts()
        self.rows += [{**row, "model": name} for row in held]

    def write(self) -> None:
        """Write both tables into the run directory."""
        write_frame(self.run / "places.parquet", self.places)
        write_frame(self.run / "readings.parquet", pl.DataFrame(self.rows, schema=READINGS))
