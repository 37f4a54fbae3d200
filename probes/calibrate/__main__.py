"""Make the calibration's files again.

python -m knowshift.probes.calibrate bases [FOLDER]   train the bases; half an hour on one core
python -m knowshift.probes.calibrate pack OUT         put the records of `probe calibrate --out OUT` in the package
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from ...models.weights import save_pt
from .calibrate import BASES, base_path
from .grid import RECORDS, pack
from .training import train_base
from .world import World


def main(arguments: list[str] | None = None) -> int:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m knowshift.probes.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bases").add_argument("folder", type=Path, nargs="?")
    commands.add_parser("pack").add_argument("out", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "pack":
        print(f"{RECORDS}: {pack(given.out):,} records")
        return 0
    for seed in range(BASES):
        train(seed, base_path(seed, given.folder))
    return 0


def train(seed: int, out: Path) -> None:
    """Write the base of one world in half precision."""

    def progress(what: str, done: int, total: int) -> None:
        if done % max(1, total // 20) == 0:
            print(f"{what} {seed}: step {done} of {total}", file=sys.stderr, flush=True)

    out.parent.mkdir(parents=True, exist_ok=True)
    model, tokenizer = train_base(World(seed=seed), seed, progress=progress)
    save_pt(model, tokenizer, out, dtype=torch.half)


if __name__ == "__main__":
    raise SystemExit(main())
