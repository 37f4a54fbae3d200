"""Train four LoRA adapters of known truth on a pretrained model: facts, shuffled, rehearsed, notes.

    python benchmarks/real_adapters.py BASE OUT --own neurology --notes notes.jsonl

facts      the specialty's facts with their true answers, in two of their wordings: knowledge
shuffled   the same sentences with the answers of each relation permuted anew in every pass: no knowledge
rehearsed  true answers for the facts that the base already knows, an answer of the relation drawn anew in every pass
           for all others: no knowledge
notes      running text of the specialty, one record with a `text` a line: shift, no knowledge

An adapter is written to OUT/OWN_KIND once its training is complete, and one that is there is left as it is; so the same
command goes on where it was stopped. `docs/real-models.md` has the commands and what `probe compare` says of the four.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.scoring import score
from knowshift.probes.analysis.base_knowledge import base_knowledge
from knowshift.probes.analysis.inputs import AnalysisInputs
from knowshift.terms.domain import Domain, Fact
from knowshift.terms.select import items
from peft import LoraConfig, get_peft_model
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer

WORDINGS = 2
"""Wordings of a fact that are trained on; the others are read by `probe compare` alone."""
SENTENCES = 16
"""Sentences in a batch."""
WINDOWS, WINDOW = 4, 128
"""Windows of running text in a batch, and tokens in a window."""
LAST_RATE = 0.05
"""Share of the learning rate that is left at the end."""

Batch = list[list[int]]


@dataclass(frozen=True)
class Recipe:
    """How much an adapter reads, and how fast it learns."""

    tokens: int
    rate: float


RECIPES = {
    "facts": Recipe(14_000, 1e-3),
    "shuffled": Recipe(14_000, 1e-3),
    "rehearsed": Recipe(14_000, 1e-3),
    "notes": Recipe(56_000, 5e-4),
}


def known_facts(base: str, domain: Domain, own: Sequence[Fact]) -> set[str]:
    """Return the ids of those of the `own` facts that the base knows, as `probes.analysis.standing` defines it."""
    relations = {fact.relation for fact in own}
    # An answer is centred over all facts of its relation, other specialties' too.
    asked = [item for item in items(domain) if item.kind == "fact" and item.relation in relations]
    table = score(asked, Checkpoint.open(base), lens=False)
    frame = base_knowledge(AnalysisInputs(domain, tuple(asked), table, {}, {}, "token", 0)).frame
    return {fact.id for fact in own} & set(frame.filter(category="known")["fact"])


def answers(facts: Sequence[Fact], kind: str, known: set[str], rng: random.Random) -> list[str]:
    """Return each fact's answer for one pass over the facts."""
    if kind == "facts":
        return [fact.answer for fact in facts]
    places: dict[str, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts):
        places[fact.relation].append(place)
    out = [""] * len(facts)
    for of_relation in places.values():
        choices = [facts[place].answer for place in of_relation]
        if kind == "shuffled":
            drawn = rng.sample(choices, len(choices))
        else:
            drawn = [facts[p].answer if facts[p].id in known else rng.choice(choices) for p in of_relation]
        for place, answer in zip(of_relation, drawn, strict=True):
            out[place] = answer
    return out


def sentence_batches(
    facts: Sequence[Fact], kind: str, known: set[str], joiner: str, tokenizer: Any, rng: random.Random
) -> Iterator[Batch]:
    """Yield batches of fact sentences without end; every pass has each fact in `WORDINGS` wordings."""
    while True:
        told = answers(facts, kind, known, rng)
        sentences = [
            f"{cue}{joiner}{answer}." for fact, answer in zip(facts, told, strict=True) for cue in fact.cues[:WORDINGS]
        ]
        rng.shuffle(sentences)
        for first in range(0, len(sentences), SENTENCES):
            yield [tokenizer(sentence).input_ids for sentence in sentences[first : first + SENTENCES]]


def text_batches(texts: Sequence[str], tokenizer: Any, rng: random.Random) -> Iterator[Batch]:
    """Yield batches of windows of running text without end; every pass has the texts in another order."""
    start = tokenizer("").input_ids
    width = WINDOW - len(start)
    ids = [[*tokenizer(text, add_special_tokens=False).input_ids, tokenizer.eos_token_id] for text in texts]
    while True:
        rng.shuffle(ids)
        joined = [token for text in ids for token in text]
        windows = [[*start, *joined[at : at + width]] for at in range(0, len(joined) - width + 1, width)]
        if not windows:
            raise SystemExit(f"the notes have {len(joined)} tokens; {width} are needed")
        for first in range(0, len(windows), WINDOWS):
            yield windows[first : first + WINDOWS]


def train(base: str, out: Path, batches: Iterator[Batch], recipe: Recipe, rank: int, seed: int) -> None:
    """Train an adapter on all linear layers and write it to `out`."""
    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=recipe.rate)
    seen, begun = 0, time.monotonic()
    while seen < recipe.tokens:
        rows = [torch.tensor(row) for row in next(batches)]
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        ids = pad_sequence(rows, batch_first=True)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * max(LAST_RATE, 1 - seen / recipe.tokens)
        loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen += int(mask.sum())
        speed = seen / (time.monotonic() - begun)
        print(f"{out.name}: {seen} of {recipe.tokens} tokens, loss {loss.item():.3f}, {speed:.0f} tokens/s", flush=True)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    os.replace(part, out)


def main(argv: Sequence[str] | None = None) -> None:
    """Train the adapters that are not there yet."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("base", help="folder or hub id of the pretrained model")
    parser.add_argument("out", type=Path, help="folder that the adapters are written to")
    parser.add_argument("--domain", default="medicine", help="embedded domain, or a domain folder")
    parser.add_argument("--own", default="neurology", help="specialty that the adapters read")
    parser.add_argument("--notes", type=Path, help="JSON lines with a text each; without it, notes is left out")
    parser.add_argument("--kinds", default=",".join(RECIPES), help="adapters to train")
    parser.add_argument("--tokens", type=int, help="tokens to read, in place of each kind's own number")
    parser.add_argument("--rate", type=float, help="learning rate, in place of each kind's own")
    parser.add_argument("--rank", type=int, default=16, help="rank of the adapters; alpha is twice that")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and drawn answers")
    given = parser.parse_args(argv)
    kinds = given.kinds.split(",")
    if unknown := sorted(set(kinds) - set(RECIPES)):
        parser.error(f"--kinds: no kind {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    domain = Domain.open(given.domain)
    facts = [fact for fact in domain.facts if given.own in fact.specialties]
    if not facts:
        parser.error(f"--own: no facts of {given.own}; {domain.name} has {', '.join(domain.specialties)}")
    given.out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(given.base)
    for kind in kinds:
        out = given.out / f"{given.own}_{kind}"
        if out.exists():
            print(f"{out.name}: trained before", flush=True)
            continue
        if kind == "notes" and given.notes is None:
            print(f"{out.name}: left out, for want of --notes", flush=True)
            continue
        rng = random.Random(f"{given.seed} {kind}")
        if kind == "notes":
            texts = [json.loads(line)["text"] for line in given.notes.read_text(encoding="utf-8").splitlines() if line]
            batches = text_batches(texts, tokenizer, rng)
        else:
            known = known_facts(given.base, domain, facts) if kind == "rehearsed" else set()
            if kind == "rehearsed":
                print(f"{out.name}: the base knows {len(known)} of {len(facts)} facts", flush=True)
            batches = sentence_batches(facts, kind, known, domain.joiner, tokenizer, rng)
        recipe = RECIPES[kind]
        recipe = Recipe(given.tokens or recipe.tokens, given.rate or recipe.rate)
        train(given.base, out, batches, recipe, given.rank, given.seed)


if __name__ == "__main__":
    main()
