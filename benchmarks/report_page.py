"""The report's page at full size: its file, the time to build it, the first view, and what a click takes.

    python benchmarks/report_page.py [--places 50000] [--models 8] [--rounds 5] [--write docs/performance.md]

A run of synthetic numbers in the house's format is written, rendered, and opened in headless Chromium from file://
with the network off. Prints a table in Markdown; `--keep DIR` keeps the run and its page.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from knowshift.models.table import SCHEMA, TEMPERATURES
from knowshift.reports.page import render

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {"size": 6.5e6, "first view": 2.0, "click": 0.150}
"""Bytes and seconds that the page is to keep to."""
LAYERS = 12
PER_CONCEPT = 10
"""Places of a concept, on average."""
PER_PASSAGE = 3
READ = 300
"""Passages of which every token was read."""
TOP = 5
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run"


# The run -------------------------------------------------------------------------------------------------------------


def write_run(path: Path, places: int, models: int, seed: int = 0) -> Path:
    """A finished run of `models` tuned models with `places` term places, and as many facts as a large domain has."""
    sys.path.insert(0, str(ROOT / "tests"))
    maker: Any = importlib.import_module("made_runs")  # what the report's tests make their runs with
    keys = list(maker.SPECIALTIES)
    verdicts = list(maker.MODELS.values())
    maker.MODELS = {f"model_{k}_lora": (keys[k % len(keys)], *verdicts[k % len(verdicts)][1:]) for k in range(models)}
    maker.NUMBERS, maker.LAYERS = list(range(LAYERS)), LAYERS
    concepts = max(1, places // PER_CONCEPT)
    maker.write_run(path, terms=concepts, facts=max(8, concepts // 3), seed=seed)
    rng = np.random.default_rng(seed)
    held = _places(rng, places, pl.read_parquet(path / "terms.parquet")["concept"].unique(maintain_order=True))
    held.write_parquet(path / "places.parquet")
    (path / "scores").mkdir(exist_ok=True)
    tokens = rng.integers(1, 5, places)
    base = -rng.gamma(3.0, 1.5, places)
    for name in ("base", *maker.MODELS):
        shift = 0.0 if name == "base" else rng.normal(0.2, 0.6, places)
        _scores(path / "scores" / f"{name}.parquet", rng, held["item"], tokens, np.minimum(base + shift, -1e-3))
    _readings(path / "readings.parquet", rng, held, ["", *maker.MODELS])
    return path


def _words(rng: np.random.Generator, count: int = 6000) -> list[str]:
    syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "en", "al", "is", "or")]
    return ["".join(rng.choice(syllables, rng.integers(1, 5))) for _ in range(count)]


def _places(rng: np.random.Generator, count: int, concepts: pl.Series) -> pl.DataFrame:
    """A row a place; a passage holds `PER_PASSAGE` of them among two dozen words."""
    words = _words(rng)
    # A few concepts are frequent, most are rare.
    weight = 1 / np.arange(1, len(concepts) + 1) ** 0.7
    drawn = rng.choice(len(concepts), count, p=weight / weight.sum())
    rows = []
    for first in range(0, count, PER_PASSAGE):
        here = drawn[first : first + PER_PASSAGE]
        line = [words[k] for k in rng.integers(0, len(words), rng.integers(18, 30))]
        at = rng.choice(len(line), len(here), replace=False)
        starts = np.cumsum([0, *(len(word) + 1 for word in line)])
        passage = f"{' '.join(line)}."
        document, begin = f"t{first // (4 * PER_PASSAGE)}", 400 * (first // PER_PASSAGE % 4)
        for concept, k in zip(here, at, strict=True):
            start = int(starts[k])
            item = f"term:{document}:{begin + start}"
            rows.append((item, concepts[int(concept)], document, begin, passage, start, start + len(line[k])))
    columns = ["item", "concept", "document", "begin", "passage", "start", "end"]
    return pl.DataFrame(rows, schema=columns, orient="row").cast({"start": pl.Int32, "end": pl.Int32})


def _scores(file: Path, rng: np.random.Generator, items: pl.Series, tokens: Any, logprob: Any) -> None:
    """A score table as `models.scoring` writes it."""
    count = len(items)

    def lists(values: Any, lengths: Any, kind: pa.DataType) -> pa.Array:
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(ends, pa.array(values, kind))

    per_layer = np.full(count, LAYERS)
    depth = np.linspace(6, 0, LAYERS)[None, :] + rng.gamma(1.0, 0.3, (count, LAYERS)) * (np.arange(LAYERS) < LAYERS - 1)
    lens = logprob[:, None] - depth * np.abs(logprob[:, None]) / 4
    rank = np.minimum(30_000, np.expm1(-lens / tokens[:, None])).astype(np.int32)
    columns = {
        "item": items.to_arrow(),
        "cue": np.zeros(count),
        "role": np.zeros(count),
        "window": np.zeros(count),
        "tokens": tokens,
        "characters": 4 * tokens,
        "logprob": logprob,
        "token_logprobs": lists(np.repeat(logprob / tokens, tokens), tokens, pa.float32()),
        "tempered": lists(np.repeat(logprob, len(TEMPERATURES)), np.full(count, len(TEMPERATURES)), pa.float32()),
        "lens": lists(lens.ravel(), per_layer, pa.float32()),
        "rank": lists(rank.ravel(), per_layer, pa.int32()),
        "flags": [""] * count,
        "engine": ["hooks"] * count,
    }
    arrays = [
        held.cast(field.type) if isinstance(held, pa.Array) else pa.array(held).cast(field.type)
        for field in SCHEMA
        for held in [columns[field.name]]
    ]
    pq.write_table(pa.table(arrays, schema=SCHEMA), file)


def _readings(file: Path, rng: np.random.Generator, places: pl.DataFrame, models: list[str]) -> None:
    """Every token of some passages, a word a token."""
    passages = places.select("document", "begin", "passage").unique(maintain_order=True)
    rows = []
    for document, begin, passage in passages.sample(min(READ, passages.height), seed=0).iter_rows():
        words = passage.split(" ")
        starts = np.cumsum([0, *(len(word) + 1 for word in words)])[:-1]
        size = len(words)
        for model in models:
            logprob = -rng.gamma(2.0, 1.5, size)
            rank = np.expm1(-logprob).astype(int).clip(0, 30_000)
            rows.append(
                {
                    "document": document,
                    "begin": begin,
                    "model": model,
                    "starts": starts.tolist(),
                    "ends": [int(s) + len(w) for s, w in zip(starts, words, strict=True)],
                    "logprob": [None, *logprob[1:].tolist()],
                    "rank": [None, *rank[1:].tolist()],
                    "top": [[f" {words[int(k)]}" for k in rng.integers(0, size, TOP)] for _ in words],
                    "top_logprob": np.sort(-rng.gamma(1.0, 1.0, (size, TOP)))[:, ::-1].tolist(),
                    "lens": (logprob - np.linspace(4, 0, LAYERS)[:, None]).tolist(),
                    "lens_rank": (rank + np.linspace(900, 0, LAYERS)[:, None]).astype(int).tolist(),
                }
            )
    kinds = {
        "starts": pl.List(pl.Int32),
        "ends": pl.List(pl.Int32),
        "logprob": pl.List(pl.Float32),
        "rank": pl.List(pl.Int32),
        "top_logprob": pl.List(pl.List(pl.Float32)),
        "lens": pl.List(pl.List(pl.Float32)),
        "lens_rank": pl.List(pl.List(pl.Int32)),
    }
    pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None).write_parquet(file)


# What is measured -----------------------------------------------------------------------------------------------------

WATCH = """
globalThis.seen = {};
const marks = {
  "first section": () => document.querySelector("main section:first-of-type + section, main section:only-of-type"),
  "first chart": () => document.querySelector("main .plot svg.main-svg"),
  "tables": () => document.documentElement.hasAttribute("data-ready"),
  "all charts": () => document.documentElement.hasAttribute("data-drawn"),
};
const look = (now) => {
  for (const [name, there] of Object.entries(marks)) if (!(name in seen) && there()) seen[name] = performance.now();
  if (Object.keys(seen).length < Object.keys(marks).length) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Notes at which frame each part is first there, in milliseconds from the navigation's start."""
CLICK = """async ([row, there]) => {
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const parts = () => [...document.querySelectorAll(`${there} > *`)];
  const old = new Set(parts());
  const charts = [...document.querySelectorAll(`${there} .plot`)];
  const drawn = Promise.all(charts.map((chart) => new Promise((done) => chart.once("plotly_afterplot", done))));
  const begin = performance.now();
  document.querySelector(row).click();
  while (parts().every((part) => old.has(part))) await frame();
  await drawn;
  await frame();
  return performance.now() - begin;
}"""
"""Milliseconds from a click until what it leads to is new, its charts drawn again, and all on the screen."""
CLICKS = {
    "token → layers": ("#contexts-list .context:first-child .token[data-token='{}']", "#layers-token"),
    "term → contexts": ("#terms-records tr[data-place]:nth-child({}) a", "#contexts-list"),
}
"""What is clicked, the k-th, and what it leads to. Tokens first: of the passage that the page begins with every token
was read."""
EACH, IN_VIEW = 5, 14


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        there = Path("/usr/bin/chromium")
        browser = started.chromium.launch(executable_path=there if there.exists() else None, args=ARGUMENTS.split())
        yield browser
        browser.close()


def measure(page: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds, a value a round: the marks of the first view, and clicks on one row after the other."""
    found: dict[str, list[float]] = {}
    with chromium() as browser:
        for turn in range(rounds):
            context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
            opened = context.new_page()
            opened.add_init_script(WATCH)
            opened.goto(page.as_uri())
            opened.wait_for_selector("html[data-drawn]", timeout=120_000)
            opened.wait_for_timeout(100)
            for name, at in opened.evaluate("seen").items():
                found.setdefault(name, []).append(at / 1000)
            for name, (link, there) in CLICKS.items():
                for k in range(EACH):
                    row = link.format((EACH * turn + k) % IN_VIEW + 2)
                    found.setdefault(name, []).append(opened.evaluate(CLICK, [row, there]) / 1000)
            context.close()
    return found


def table(size: int, seconds: dict[str, list[float]], about: str) -> str:
    """What was measured beside its limit, in Markdown."""
    rows = [["the file, MB", f"{size / 1e6:.2f}", "", f"{LIMITS['size'] / 1e6:.1f}"]]
    for name, values in seconds.items():
        limit = LIMITS["click"] if "→" in name else LIMITS["first view"] if name == "first section" else None
        shown = f"{statistics.median(values):.3f}", f"{min(values):.3f}–{max(values):.3f}"
        rows.append([f"{name}, s", *shown, "" if limit is None else f"{limit:g}"])
    lines = [["", "median", "least–most", "limit"], ["---"] * 4, *rows]
    return about + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def timed(call: Callable[[], Any], rounds: int) -> list[float]:
    out = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        out.append(time.perf_counter() - begin)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/report_page.py", description=__doc__.splitlines()[0])
    parser.add_argument("--places", type=int, default=50_000)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the run and its page are left")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its markers")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]  # what else the machine does
    with tempfile.TemporaryDirectory() as place:
        run = write_run((chosen.keep or Path(place)) / "run", chosen.places, chosen.models)
        render(run)  # what is loaded once is loaded
        seconds = {"building it": timed(lambda: render(run), min(3, chosen.rounds))}
        page = run / "report.html"
        seconds |= measure(page, chosen.rounds)
        about = (
            f"{chosen.places:,} places of terms × {chosen.models} models, {LAYERS} layers; {platform.machine()}, "
            f"{os.cpu_count()} cores, load average {load:.1f}, headless Chromium; {chosen.rounds} rounds."
        )
        shown = table(page.stat().st_size, seconds, about)
    print(shown)
    if chosen.write:
        sys.path.insert(0, str(ROOT / "benchmarks" / "engines"))
        from tables import write

        write(chosen.write, {"page": shown})


if __name__ == "__main__":
    main()
