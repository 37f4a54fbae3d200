"""What the statistics of many models need beside those of one: `python benchmarks/statistics_memory.py`.

Score tables are made up, written to disk as a run writes them, and analysed in a process of their own for one model and
for several. Printed is the highest resident set of each process beyond what it held once everything was imported.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from knowshift.models.table import SCHEMA, TEMPERATURES
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.inputs import AnalysisInputs, ScoreFiles
from knowshift.probes.analysis.scores import COLUMNS
from knowshift.terms.domain import Domain, Specialty
from knowshift.terms.items import Item

SPECIALTIES = ("s0", "s1", "s2", "s3")
RELATION, CANDIDATES = 10, 6


def made_items(count: int) -> tuple[Item, ...]:
    """Return facts and terms in equal number, a fifth of each general."""
    items = []
    groups = (*SPECIALTIES, "general")
    for i in range(count // 2):
        group, first = groups[i // RELATION % len(groups)], i - i % RELATION
        answers = tuple(f"answer {first + (i + step) % RELATION}" for step in range(CANDIDATES))
        items.append(Item(f"fact:{i}", "fact", (group,), f"f{i}", answers[0], f"r{first}", (f"cue {i}",), answers))
    for i in range(count - count // 2):
        group = groups[i % len(groups)]
        kind, name = ("word" if group == "general" else "term"), f"{group} term {i // 20}"
        items.append(Item(f"{kind}:{i}", kind, (group,), name, name, text=name, document=f"d{i // 8}", end=len(name)))
    return tuple(items)


def made_table(items: tuple[Item, ...], layers: int, seed: int) -> pa.Table:
    """Return a score table of `items`; tables of other seeds are the same base moved at random."""
    places = [(i, role) for i, item in enumerate(items) for role in range(len(item.candidates) or 1)]
    item, role = np.array(places).T
    rows, rng = len(places), np.random.default_rng([seed, 1])
    tokens = 1 + item // RELATION % 2
    logprob = np.random.default_rng(0).normal(-4, 1, rows) * tokens + (rng.normal(0, 0.3, rows) if seed else 0.0)
    depth, heat = np.linspace(2, 1, layers), 1 / np.array(TEMPERATURES)

    def lists(values: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1])

    columns = {
        "item": np.array([one.id for one in items])[item],
        "cue": np.zeros(rows),
        "role": role,
        "window": np.zeros(rows),
        "tokens": tokens,
        "characters": 4 * tokens,
        "logprob": logprob,
        "token_logprobs": lists(logprob[:, None] / tokens[:, None]),
        "tempered": lists(np.outer(logprob, heat)),
        "lens": lists(np.outer(logprob, depth)) if layers else pa.nulls(rows),
        "rank": pa.nulls(rows),
        "flags": [""] * rows,
        "engine": ["made up"] * rows,
    }
    return pa.table({name: pa.array(column).cast(SCHEMA.field(name).type) for name, column in columns.items()})


def write_tables(folder: Path, models: int, items: int, layers: int) -> None:
    """Write the tables of a base (`0.parquet`) and of so many tuned models."""
    made = made_items(items)
    for seed in range(models + 1):
        pq.write_table(made_table(made, layers, seed), folder / f"{seed}.parquet")


def stored_inputs(folder: Path, models: int, items: int) -> AnalysisInputs:
    """Return the inputs of an analysis whose tables stay on disk until they are asked for."""
    domain = Domain("made", specialties={name: Specialty(name, name.upper()) for name in SPECIALTIES})
    files = {f"m{seed}": folder / f"{seed}.parquet" for seed in range(1, models + 1)}
    own = {name: (SPECIALTIES[k % len(SPECIALTIES)], "made") for k, name in enumerate(files)}
    base = ScoreFiles({"": folder / "0.parquet"}, COLUMNS)[""]
    return AnalysisInputs(domain, made_items(items), base, ScoreFiles(files, COLUMNS), own, "token", 0)


def peak_megabytes() -> float:
    """Return the highest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def analysed(folder: Path, models: int, items: int) -> None:
    """Analyse and print the peak before and after, MB; run in a process of its own."""
    from knowshift.probes.analysis.registry import analyses

    analyses()
    before = peak_megabytes()
    analyze(stored_inputs(folder, models, items))
    print(before, peak_megabytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--tables", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.tables:
        analysed(given.tables, given.models, given.items)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_tables(Path(folder), given.models, given.items, given.layers)
        needed = {}
        for models in (1, given.models):
            command = [
                sys.executable,
                __file__,
                "--tables",
                folder,
                "--models",
                str(models),
                "--items",
                str(given.items),
            ]
            before, after = map(float, subprocess.check_output(command, text=True).split())
            needed[models] = after - before
            print(f"{models} models of {given.items:,} items: {needed[models]:,.0f} MB above {before:,.0f}", flush=True)
    print(f"ratio {needed[given.models] / needed[1]:.2f}")


if __name__ == "__main__":
    main()
