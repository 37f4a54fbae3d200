"""Time and memory of `probe evaluate`: questions × four rotations × the demo's base and two adapters.

    python benchmarks/evaluate.py [--questions 900] [--methods letter,text,pmi,generation] [--interrupt] [--write PAGE]

Questions are made of the domain's facts, short enough for the demo's context of 256 tokens. With `--interrupt` the run
is broken off once in the middle of each ask of each model, with a part of a shard answered, and taken up again. What
the models are asked in all parts is counted: no more than the shard in flight may be asked twice, and none be kept
twice, lost, or answered otherwise than in one go; else the command ends with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from knowshift.probes.evaluate import answers, language_model
from knowshift.probes.evaluate.evaluate import Evaluation, evaluate
from knowshift.showcase import lay_down
from knowshift.terms.domain import Domain

ROOT = Path(__file__).resolve().parents[1]
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
    """Counts what the models are asked, and breaks off once in the middle of each ask of each model.

    `progress` sees that half is done; the ask's next shard is then answered to its half, and not kept.
    """

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str, str]] = Counter()
        """By model, ask and document."""
        self.stopped: set[tuple[str, str]] = set()
        self._half: set[str] = set()

    def progress(self, stage: str, done: int, total: int) -> None:
        if total / 2 <= done < total:
            self._half.add(stage)

    def counted(self, lm: Any, model: str) -> Any:
        """The harness's model, watched."""
        for name in ("loglikelihood", "generate_until", "loglikelihood_rolling"):
            setattr(lm, name, partial(self._answer, getattr(lm, name), model))
        return lm

    def _answer(self, answer: Callable[..., Any], model: str, requests: Sequence[Any], *args: Any, **how: Any) -> Any:
        ask = str(requests[0].task_name)
        stop = f"{model} {ask}" in self._half and (model, ask) not in self.stopped
        now = requests[: -(-len(requests) // 2)] if stop else requests
        found = answer(now, *args, **how)
        # A document's options are requests of their own.
        self.asked.update({(model, ask, request.doc["id"]) for request in now})
        if stop:
            self.stopped.add((model, ask))
            raise KeyboardInterrupt
        return found


def in_parts(breaker: Breaker, **options: Any) -> Evaluation:
    """The evaluation, begun anew wherever `breaker` broke it off."""
    plain = language_model.language_model
    language_model.language_model = lambda checkpoint, *args, **how: breaker.counted(
        plain(checkpoint, *args, **how), checkpoint.name
    )
    try:
        while True:
            with suppress(KeyboardInterrupt):
                done = evaluate(progress=breaker.progress, **options)
                assert done is not None  # there is no launcher
                return done
    finally:
        language_model.language_model = plain


def compared(one: Path, other: Path) -> dict[str, int]:
    """Answers that `other` kept twice, lost, or holds otherwise than `one`."""
    out = dict.fromkeys(("kept twice", "lost", "other"), 0)
    for file in sorted((one / "scores").glob("*/*.parquet")):
        held = pl.read_parquet(file)
        twin = pl.read_parquet(other / file.relative_to(one))
        out["kept twice"] += twin.height - twin["id"].n_unique()
        out["lost"] += len(set(held["id"]) - set(twin["id"]))
        out["other"] += sum(row not in held.rows() for row in twin.rows()) if not held.equals(twin) else 0
    return out


def interrupted(whole: Path, options: dict[str, Any], out: Path) -> str:
    """What breaking off and taking up again came to. Raises `SystemExit` where it is not as it has to be."""
    breaker = Breaker()
    broken = in_parts(breaker, **options, out=out)
    twice = sum(n > 1 for n in breaker.asked.values())
    found = compared(whole, broken.run)
    most = answers.SHARD * len(breaker.stopped)
    said = (
        f"Broken off {len(breaker.stopped)} times and taken up again: {len(breaker.asked):,} documents asked, {twice} "
        f"of them twice (of shards in flight, {most} at most), {found['kept twice']} kept twice, {found['lost']} lost, "
        f"{found['other']} answered otherwise."
    )
    if any(found.values()) or twice > most or max(breaker.asked.values(), default=0) > 2:
        raise SystemExit(f"NOT as it has to be. {said}")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=900)
    parser.add_argument("--methods", default="letter,text,pmi,generation")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--interrupt", action="store_true")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures between their markers")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]  # what else the machine does
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lay_down(folder / "models")
        options: dict[str, Any] = {
            "base": folder / "models" / "base.pt",
            "tuned": [folder / "models" / name for name in ("neuro_lora", "cardio_lora")],
            "data": write_questions(folder / "questions.json", chosen.questions, 0),
            "methods": chosen.methods.split(","),
            "batch_size": chosen.batch_size,
        }
        begun = time.perf_counter()
        done = evaluate(**options, out=folder / "whole")
        took = time.perf_counter() - begun
        assert done is not None  # there is no launcher
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        asked = sum(len(pl.read_parquet(file)) for file in (done.run / "scores").glob("*/*.parquet"))
        about = (
            f"{chosen.questions:,} questions × 3 models, {chosen.methods.replace(',', ', ')}, batches of "
            f"{chosen.batch_size}; {platform.machine()}, {os.cpu_count()} cores, load average {load:.1f}."
        )
        rows = [
            ["documents asked (rotations are documents of their own)", f"{asked:,}"],
            ["time, s", f"{took:.0f}"],
            ["documents a second", f"{asked / took:.1f}"],
            ["peak memory, MiB", f"{peak:,.0f}"],
        ]
        lines = [["", ""], ["---"] * 2, *rows]
        shown = about + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
        if chosen.interrupt:
            shown += "\n\n" + interrupted(done.run, options, folder / "broken")
    print(shown)
    if chosen.write:
        sys.path.insert(0, str(ROOT / "benchmarks" / "engines"))
        from tables import write

        write(chosen.write, {"evaluate": shown})


if __name__ == "__main__":
    main()
