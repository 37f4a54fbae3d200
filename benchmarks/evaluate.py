"""Time and memory of `probe evaluate`: questions × four rotations × the demo's base and two adapters.

    python benchmarks/evaluate.py [--questions 900] [--methods letter,text,pmi,generation] [--interrupt]

Questions are made of the domain's facts, short enough for the demo's context of 256 tokens. With `--interrupt` each
model's run is broken off in its middle and taken up again; the answers must be those of one go, each question once.
Figures stand in `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path

import polars as pl
from knowshift.probes.evaluate.evaluate import Evaluation, evaluate
from knowshift.showcase import lay_down
from knowshift.terms.domain import Domain

SPECIALTIES = 6


def write_questions(path: Path, count: int, seed: int) -> Path:
    """`count` questions in S-MedQA's form, over the first `SPECIALTIES` specialties."""
    domain = Domain.open("medicine")
    names = list(domain.specialties)[:SPECIALTIES]
    facts = [fact for fact in domain.facts if set(fact.specialties) & set(names) and len(fact.distractors) >= 3]
    rng = random.Random(seed)
    rng.shuffle(facts)
    records = []
    for n in range(count):
        fact = facts[n % len(facts)]
        options = [fact.answer, *rng.sample(fact.distractors, 3)]
        rng.shuffle(options)
        specialty = next(name for name in fact.specialties if name in names)
        cue = fact.cues[n // len(facts) % len(fact.cues)]
        records.append({"Question": cue, "Specialty": specialty, "Options": options, "Answer": fact.answer})
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


class Breaker:
    """Stops at the middle of each ask, once."""

    def __init__(self) -> None:
        self.stopped: set[str] = set()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if done >= total / 2 and done < total and stage not in self.stopped:
            self.stopped.add(stage)
            raise KeyboardInterrupt


def in_parts(**options: object) -> tuple[Evaluation, int]:
    """The evaluation, broken off wherever `Breaker` says; and how often it was."""
    breaker = Breaker()
    while True:
        try:
            done = evaluate(progress=breaker, **options)  # type: ignore[arg-type]
        except KeyboardInterrupt:
            continue
        return done, len(breaker.stopped)


def same(one: Path, other: Path) -> bool:
    """Whether two runs hold the same answers, each question once."""
    for file in sorted((one / "scores").glob("*/*.parquet")):
        held, twin = pl.read_parquet(file), pl.read_parquet(other / file.relative_to(one))
        if not held.equals(twin) or held["id"].n_unique() != held.height:
            return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=900)
    parser.add_argument("--methods", default="letter,text,pmi,generation")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--interrupt", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lay_down(folder / "models")
        options = {
            "base": folder / "models" / "base.pt",
            "tuned": [folder / "models" / name for name in ("neuro_lora", "cardio_lora")],
            "data": write_questions(folder / "questions.json", chosen.questions, 0),
            "methods": chosen.methods.split(","),
            "batch_size": chosen.batch_size,
        }
        begun = time.perf_counter()
        done = evaluate(**options, out=folder / "whole")
        took = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        counts = {name: each["asked"] for name, each in done.data["counts"].items()}
        print(f"{chosen.questions} questions, 3 models, {chosen.methods}: {took:.0f} s, peak {peak:.0f} MiB")
        print(f"asked of each model: {counts}")
        if chosen.interrupt:
            broken, times = in_parts(**options, out=folder / "broken")
            print(f"broken off {times} times and taken up again: {'the same' if same(done.run, broken.run) else 'NOT'}")


if __name__ == "__main__":
    main()
