"""The engines measured side by side; see docs/performance.md.

    python benchmarks/engines [PART ...] [--models a b] [--device cuda --dtype bfloat16] [--write docs/performance.md]

Prints tables in Markdown. Where `MINICONS_PYTHON` and `LM_EVAL_PYTHON` (or `RIVALS_PYTHON` for both) name
interpreters that have them, minicons and lm-eval are measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}

import facts
import many_adapters
import scaling
import side_by_side
import torch
from material import Shape, machine, make_model
from settings import Settings, say
from tables import render, write

PARTS = ("models", "facts", "adapters", "scaling")
SHAPES = {"a": Shape(12, 768, 12, 32_000, 8, 256), "b": Shape(24, 1024, 16, 150_000, 2, 128)}
QUICK = {"a": Shape(3, 64, 4, 2000, 4, 32), "b": Shape(4, 64, 4, 6000, 2, 32)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/engines", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument(
        "--models",
        nargs="+",
        default=list(SHAPES),
        metavar="MODEL",
        help="a, b, or LAYERSxWIDTHxHEADSxVOCABULARYxROWSxTOKENS",
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, two rounds: that everything runs")
    parser.add_argument("--folder", type=Path, help="where the temporary models are written")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between its markers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure, each round's too")
    chosen = parser.parse_args()
    if unknown := [part for part in chosen.parts if part not in PARTS]:
        parser.error(f"{unknown[0]}: no such part; expected {', '.join(PARTS)}")
    if chosen.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: there is no CUDA device here; use --device cpu")
    return chosen


def main() -> None:
    chosen = arguments()
    rounds = min(2, chosen.rounds) if chosen.quick else chosen.rounds
    settings = Settings(chosen.device, chosen.dtype, chosen.threads, rounds, chosen.quick)
    torch.set_num_threads(settings.threads)
    shapes = [(QUICK if chosen.quick else SHAPES).get(name) or Shape.parse(name) for name in chosen.models]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as place:
        results = measure(chosen.parts or list(PARTS), shapes, Path(place), settings)
    tables = render(results)
    print("\n\n".join(tables.values()))
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if chosen.write:
        write(chosen.write, tables)


def measure(parts: list[str], shapes: list[Shape], place: Path, settings: Settings) -> dict[str, Any]:
    """The figures of `parts`; facts and adapters are measured on the first of `shapes`."""
    results: dict[str, Any] = {"machine": machine(settings.device), "settings": asdict(settings)}
    first = shapes[0]
    folder = make_model(first, place / str(first), settings.dtype)
    if "models" in parts:
        results["models"] = []
        for shape in shapes:
            say(shape.label)
            there = folder if shape == first else make_model(shape, place / str(shape), settings.dtype)
            results["models"].append(side_by_side.measure(shape, there, settings))
    if "facts" in parts:
        say("facts")
        results["facts"] = facts.measure(first, folder, settings)
    if "adapters" in parts:
        say("adapters")
        results["adapters"] = many_adapters.measure(replace(first, rows=min(2, first.rows)), folder, settings)
    if "scaling" in parts:
        say("scaling")
        ways = {"items": scaling.items, "layers": scaling.layers, "vocabulary": scaling.vocabulary}
        results["scaling"] = {what: measured(place, settings) for what, measured in ways.items()}
    return results


if __name__ == "__main__":
    main()
