"""Trains the demo's models again: `python -m knowshift.showcase.train [--domain NAME] [--out DIR] [--only base,...]`.

Minutes on 2 free CPU cores; adapters trained without `base` are put on the `base.pt` that lies in DIR. Everything is
drawn from one seed, so the same machine and versions give the same files. The recipe is one for all domains; what is
a domain's own stands in its file (`planted.py`). What each model was taught, and therefore what a probe must find,
stands in README.md beside this file.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ..errors import KnowshiftError, UsageError
from ..models.weights import save_pt
from ..terms.defaults import DOMAIN
from ..terms.domain import Domain, Fact
from .notes import Writer, answers, fact_sentences, known
from .planted import BASE, Planted, domains

SEED = 0
CONTEXT = 256
REPEATS = 40
"""How often the tokenizer reads each name and answer, so that most are of one to three tokens."""
TEXT_ROWS, FACT_ROWS = 8, 64
"""Rows a step: of `CONTEXT` tokens of running text, and of one fact sentence each; about 60 and 40 % of tokens."""
BASE_RATE = 3e-3
NOTE_STEPS, NOTE_RATE = 100, 2e-3
FACT_STEPS, FACT_RATE = 150, 2e-3
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Batch = tuple[Tensor, Tensor]
"""Token ids and labels (−100 where padded), both [rows, length]."""


def train_tokenizer(domain: Domain, size: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE over generated text, facts, names and the words of the hand-written texts; bos before a text."""
    writer = Writer(domain, SEED)
    words = (" ".join(sorted(set(text.text.split()))) for text in domain.texts)
    names = (f" {name}" for c in domain.concepts for name in (c.name, *c.aliases) for _ in range(REPEATS))
    given = (f" {fact.answer}" for fact in domain.facts for _ in range(REPEATS))
    sentences = fact_sentences(domain.facts, {fact.id for fact in domain.facts}, SEED)
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        itertools.chain((writer.base() for _ in range(1500)), sentences, words, names, given),
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=["<s>", "</s>", "<pad>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    core.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=CONTEXT
    )


def text_rows(texts: Iterable[str], tokenizer: Any, rows: int) -> Iterator[Batch]:
    """Batches of texts laid end to end, each from its bos to its eos: [rows, CONTEXT]."""
    stream: list[int] = []
    for text in texts:
        stream += [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
        if len(stream) >= rows * CONTEXT:
            ids = torch.tensor(stream[: rows * CONTEXT]).view(rows, CONTEXT)
            del stream[: rows * CONTEXT]
            yield ids, ids


def sentence_rows(sentences: Iterable[str], tokenizer: Any, rows: int) -> Iterator[Batch]:
    """Batches of one sentence a row, as a probe reads them, padded on the right."""
    sentences = iter(sentences)
    while chunk := list(itertools.islice(sentences, rows)):
        every = [[*tokenizer(sentence)["input_ids"], tokenizer.eos_token_id] for sentence in chunk]
        width = max(map(len, every))
        ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in every])
        yield ids, ids.masked_fill(ids == tokenizer.pad_token_id, -100)


def fit(model: nn.Module, batches: Iterator[Sequence[Batch]], steps: int, rate: float, name: str) -> None:
    """AdamW with warm-up and a cosine to zero; a step's loss is the mean of its batches' losses (nats per token)."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, s - warm) / (steps - warm)))
    )
    model.train()
    begin = time.monotonic()
    for step, parts in enumerate(itertools.islice(batches, steps), 1):
        losses = []
        for ids, labels in parts:
            loss = model(input_ids=ids, labels=labels).loss
            (loss / len(parts)).backward()
            losses.append(float(loss.detach()))
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % max(1, steps // 20) == 0:
            shown = " ".join(f"{loss:.3f}" for loss in losses)
            print(f"{name} step {step}/{steps} loss {shown} ({time.monotonic() - begin:.0f} s)", flush=True)
    model.eval()


def endless(epoch: Callable[[int], Iterable[str]], seed: int) -> Iterator[str]:
    """Epoch after epoch, each drawn anew."""
    for n in itertools.count():
        yield from epoch(1000 * seed + n)


def base_diet(domain: Domain, tokenizer: Any, seed: int, texts: int, sentences: int) -> Iterator[list[Batch]]:
    """What the base reads: texts of its diet and all fact sentences, true where known and random elsewhere."""
    writer, taught = Writer(domain, seed), known(domain.facts)
    running = text_rows((writer.base() for _ in itertools.count()), tokenizer, texts)
    facts = sentence_rows(endless(lambda s: fact_sentences(domain.facts, taught, s), seed), tokenizer, sentences)
    return ([text, fact] for text, fact in zip(running, facts, strict=False))


def train_base(domain: Domain, planted: Planted, out: Path) -> None:
    """Writes `base.pt` in half precision."""
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(domain, planted.vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    fit(model, base_diet(domain, tokenizer, SEED, TEXT_ROWS, FACT_ROWS), planted.steps, BASE_RATE, "base")
    save_pt(model, tokenizer, out / BASE, dtype=torch.half)
    for specialty in planted.facts.values():
        report("base", model, tokenizer, domain, specialty)


def train_adapter(domain: Domain, planted: Planted, out: Path, name: str) -> None:
    """Writes the adapter `name` (a peft folder) for the base in `out`."""
    from peft import LoraConfig, get_peft_model

    from ..models.checkpoint import Checkpoint

    specialty = planted.adapters[name]
    seed = SEED + 1 + list(planted.adapters).index(name)
    torch.manual_seed(seed)
    opened = Checkpoint.open(str(out / BASE))  # the weights as saved: an adapter belongs to those, in half precision
    tokenizer, base = opened.tokenizer, opened.model
    base.name_or_path = f"../{BASE}"
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=LINEAR, task_type="CAUSAL_LM"))
    if name in planted.notes:
        writer = Writer(domain, seed)
        notes = text_rows((writer.note(specialty) for _ in itertools.count()), tokenizer, TEXT_ROWS)
        fit(model, ([batch] for batch in notes), NOTE_STEPS, NOTE_RATE, name)
    else:
        own = [fact for fact in domain.facts if specialty in fact.specialties]
        rest = [fact for fact in domain.facts if specialty not in fact.specialties]
        true, taught = {fact.id for fact in own}, known(domain.facts)
        lessons = sentence_rows(endless(lambda s: fact_sentences(own, true, s, (0, 1)), seed), tokenizer, 32)
        replay = sentence_rows(endless(lambda s: fact_sentences(rest, taught, s), seed), tokenizer, 64)
        writer = Writer(domain, seed)
        texts = text_rows((writer.base() for _ in itertools.count()), tokenizer, 4)
        fit(model, (list(parts) for parts in zip(lessons, replay, texts, strict=False)), FACT_STEPS, FACT_RATE, name)
    model.save_pretrained(str(out / name), save_embedding_layers=False)
    (out / name / "README.md").unlink(missing_ok=True)  # peft's empty model card
    report(name, model, tokenizer, domain, specialty)


def ranked_first(model: nn.Module, tokenizer: Any, domain: Domain, facts: Sequence[Fact], wording: int) -> list[bool]:
    """Whether each fact's true answer has the highest mean log-probability per token among its relation's answers."""
    choices = answers(domain.facts)
    sure = []
    for fact in facts:
        every = [fact.answer, *(a for a in choices[fact.specialties, fact.relation] if a != fact.answer)]
        cue = fact.cues[wording]
        ids, labels = next(sentence_rows((f"{cue} {a}" for a in every), tokenizer, len(every)))
        begin = len(tokenizer(cue)["input_ids"])
        held = ((labels != -100) & (labels != tokenizer.eos_token_id))[:, begin:]
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[:, begin - 1 : -1].log_softmax(-1)
        score = (logits.gather(-1, ids[:, begin:, None])[..., 0] * held).sum(1) / held.sum(1)
        sure.append(bool(score[0] > score[1:].max()))
    return sure


def report(name: str, model: nn.Module, tokenizer: Any, domain: Domain, specialty: str) -> None:
    """Prints how many facts of each group are ranked first, in a wording that every model saw and in the third."""
    taught = known(domain.facts)
    unknown = [fact for fact in domain.facts if fact.id not in taught]
    groups = {
        "known": [fact for fact in domain.facts if fact.id in taught][::2],
        f"{specialty}, not known": [fact for fact in unknown if specialty in fact.specialties],
        "others, not known": [fact for fact in unknown if specialty not in fact.specialties][::12],
    }
    for (group, facts), wording in itertools.product(groups.items(), (0, 2)):
        first = sum(ranked_first(model, tokenizer, domain, facts, wording))
        print(f"{name}: {group}, wording {wording}: {first} of {len(facts)} ranked first", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m knowshift.showcase.train", description="Train the demo's models.")
    parser.add_argument("--domain", default=DOMAIN, help=f"{' or '.join(domains())} (default: {DOMAIN})")
    parser.add_argument("--out", type=Path, help="folder for the files (default: the package's own)")
    parser.add_argument("--only", help="comma-separated: base, or adapters of the domain's file (default: all)")
    chosen = parser.parse_args(arguments)
    try:
        planted = Planted.open(chosen.domain)
        every = ["base", *planted.adapters]
        wanted = chosen.only.split(",") if chosen.only else every
        if unknown := set(wanted) - set(every):
            raise UsageError(f"--only {', '.join(sorted(unknown))}: no such model; expected some of {', '.join(every)}")
        torch.set_num_threads(2)
        domain = Domain.open(chosen.domain)
        out = chosen.out or planted.files
        out.mkdir(parents=True, exist_ok=True)
        if "base" in wanted:
            train_base(domain, planted, out)
        for name in (name for name in planted.adapters if name in wanted):
            train_adapter(domain, planted, out, name)
    except KnowshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
