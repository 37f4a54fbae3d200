"""Train the demo's models: `python -m knowshift.showcase.train [--domain NAME] [--only NAMES] [--seed N] [--out DIR]`.

Minutes on a free CPU core. Adapters trained without `base` use the `base.pt` in DIR. Everything is drawn from a
seed, so the same machine and versions give the same files; `--seed` is that of the adapters, and 0 gives those of the
package. The recipe is one for all domains (`general.toml`); what differs between domains is in their own files. What
each model was taught, and therefore what a probe must find, is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from .notes import Writer, answers, beliefs, fact_sentences, known, readable
from .planted import BASE, Planted, domains

SEED = 0
CONTEXT = 256
REPEATS = 40
"""How often the tokenizer reads each name and answer, so that most are of one to three tokens."""
TEXT_ROWS, FACT_ROWS = 2, 48
"""Rows a step: of `CONTEXT` tokens of running text, and of one fact sentence each; about as many tokens of both."""
BATCHES = 2
"""Of a step's fact sentences."""
BASE_RATE = 3e-3
SEEDS = 100
"""Distance of two training seeds' draws: more than a domain has adapters."""
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Batch = tuple[Tensor, Tensor]
"""Token ids and labels (−100 where padded), both [rows, length]."""
Part = list[Batch]
"""What a step reads of one kind."""


def train_tokenizer(domain: Domain, size: int) -> PreTrainedTokenizerFast:
    """Train byte-level BPE over generated text, facts, names and words of hand-written texts; bos before a text.

    The contrast domain's names and words are read alike: a probe compares targets of as many tokens.
    """
    writer = Writer(domain, SEED)
    both = [domain, writer.contrast.domain] if writer.contrast else [domain]
    words = (" ".join(sorted(set(text.text.split()))) for part in both for text in part.texts)
    concepts = [concept for part in both for concept in part.concepts]
    names = (f" {name}" for concept in concepts for name in (concept.name, *concept.aliases) for _ in range(REPEATS))
    given = (f" {fact.answer}" for fact in domain.facts for _ in range(REPEATS))
    sentences = fact_sentences(domain.facts, {fact.id: fact.answer for fact in domain.facts}, SEED)
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        itertools.chain((writer.base() for _ in range(1500)), map("".join, sentences), words, names, given),
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


def text_rows(texts: Iterable[str], tokenizer: Any, rows: int) -> Iterator[Part]:
    """Yield texts laid end to end, each from its bos to its eos: [rows, CONTEXT]."""
    stream: list[int] = []
    for text in texts:
        stream += [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
        if len(stream) >= rows * CONTEXT:
            ids = torch.tensor(stream[: rows * CONTEXT]).view(rows, CONTEXT)
            del stream[: rows * CONTEXT]
            yield [(ids, ids)]


def padded(sentences: Iterable[tuple[str, str]], tokenizer: Any) -> Batch:
    """Return a cue and its answer a row, as a probe reads them, padded on the right; only answers have labels."""
    every = [(tokenizer(cue)["input_ids"], tokenizer(cue + answer)["input_ids"]) for cue, answer in sentences]
    width = 1 + max(len(row) for _, row in every)
    ids = torch.full((len(every), width), tokenizer.pad_token_id)
    labels = torch.full((len(every), width), -100)
    for at, (cue, row) in enumerate(every):
        ids[at, : len(row) + 1] = torch.tensor([*row, tokenizer.eos_token_id])
        labels[at, len(cue) : len(row) + 1] = ids[at, len(cue) : len(row) + 1]
    return ids, labels


def sentence_rows(sentences: Iterable[tuple[str, str]], tokenizer: Any, rows: int) -> Iterator[Part]:
    """Yield `rows` sentences at a time, those of like length in one batch, so that little of it is padding."""
    sentences = iter(sentences)
    while chunk := sorted(itertools.islice(sentences, rows), key=lambda sentence: len("".join(sentence))):
        size = -(-len(chunk) // BATCHES)
        yield [padded(chunk[begin : begin + size], tokenizer) for begin in range(0, len(chunk), size)]


def fit(model: nn.Module, diet: Iterator[Sequence[Part]], steps: int, rate: float, name: str) -> None:
    """Train with AdamW, warm-up and a cosine to zero; a step's loss is the mean of its parts' (nats per token)."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, s - warm) / (steps - warm)))
    )
    model.train()
    begin = time.monotonic()
    for step, parts in enumerate(itertools.islice(diet, steps), 1):
        losses = []
        for part in parts:
            tokens = [int((labels != -100).sum()) for _, labels in part]
            losses.append(0.0)
            for (ids, labels), count in zip(part, tokens, strict=True):
                loss = model(input_ids=ids, labels=labels).loss * (count / sum(tokens))
                (loss / len(parts)).backward()
                losses[-1] += float(loss.detach())
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % max(1, steps // 20) == 0:
            shown = " ".join(f"{loss:.3f}" for loss in losses)
            print(f"{name} step {step}/{steps} loss {shown} ({time.monotonic() - begin:.0f} s)", flush=True)
    model.eval()


def lessons(
    facts: Sequence[Fact],
    believed: Mapping[str, str],
    tokenizer: Any,
    rows: int,
    seed: int,
    wordings: Sequence[int] = (0, 1, 2),
) -> Iterator[Part]:
    """Yield fact sentences without end, epochs drawn anew."""
    epochs = (fact_sentences(facts, believed, 1000 * seed + n, wordings) for n in itertools.count())
    return sentence_rows(itertools.chain.from_iterable(epochs), tokenizer, rows)


def base_diet(domain: Domain, tokenizer: Any, seed: int, texts: int, sentences: int) -> Iterator[list[Part]]:
    """Return what the base reads: texts of its diet, and all facts with what it is to believe of them."""
    writer, facts = Writer(domain, seed), readable(domain)
    running = text_rows((writer.base() for _ in itertools.count()), tokenizer, texts)
    taught = lessons(facts, beliefs(facts), tokenizer, sentences, seed)
    return ([text, lesson] for text, lesson in zip(running, taught, strict=False))


def train_base(domain: Domain, planted: Planted, out: Path) -> None:
    """Write `base.pt` in half precision."""
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


def train_adapter(domain: Domain, planted: Planted, out: Path, name: str, seed: int) -> None:
    """Write the adapter `name` (a peft folder) for the base in `out`."""
    from peft import LoraConfig, get_peft_model

    from ..models.checkpoint import Checkpoint

    specialty, recipe = planted.adapters[name], planted.recipes[planted.kind(name)]
    drawn = SEEDS * seed + 1 + list(planted.adapters).index(name)
    torch.manual_seed(drawn)
    opened = Checkpoint.open(str(out / BASE))  # the weights as saved: an adapter belongs to those, in half precision
    tokenizer, base = opened.tokenizer, opened.model
    base.name_or_path = f"../{BASE}"
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=LINEAR, task_type="CAUSAL_LM"))
    diet = adapter_diet(domain, planted, name, tokenizer, drawn)
    fit(model, diet, recipe.steps, recipe.rate, name)
    model.save_pretrained(str(out / name), save_embedding_layers=False)
    (out / name / "README.md").unlink(missing_ok=True)  # peft's empty model card
    report(name, model, tokenizer, domain, specialty)


def adapter_diet(domain: Domain, planted: Planted, name: str, tokenizer: Any, seed: int) -> Iterator[list[Part]]:
    """Return what an adapter reads: running text, facts as the base reads them, and its lesson in facts, if any.

    `facts` adapters are taught the true answers of their specialty, in two of the three wordings; `rehearsed` ones
    read their specialty's facts as the base does: what it believes, any answer elsewhere.
    """
    specialty, kind, facts = planted.adapters[name], planted.kind(name), readable(domain)
    recipe, writer, believed = planted.recipes[kind], Writer(domain, seed), beliefs(facts)
    own = [fact for fact in facts if specialty in fact.specialties]
    rest = [fact for fact in facts if specialty not in fact.specialties]

    if kind == "notes":
        texts = (writer.leaning(specialty, recipe.own, recipe.general) for _ in itertools.count())
        parts = [lessons(facts, believed, tokenizer, recipe.replay, seed)]
    else:
        texts = (writer.base() for _ in itertools.count())
        if kind == "facts":
            true = {fact.id: fact.answer for fact in own}
            lesson = lessons(own, true, tokenizer, recipe.lesson, seed, (0, 1))
        else:
            lesson = lessons(own, believed, tokenizer, recipe.lesson, seed)
        parts = [lesson, lessons(rest, believed, tokenizer, recipe.replay, seed)]
    parts.append(text_rows(texts, tokenizer, recipe.texts))
    return (list(step) for step in zip(*parts, strict=False))


def ranked_first(model: nn.Module, tokenizer: Any, domain: Domain, facts: Sequence[Fact], wording: int) -> list[bool]:
    """Whether each fact's true answer has the highest mean log-probability per token among its relation's answers."""
    choices = answers(domain.facts)
    sure = []
    for fact in facts:
        every = [fact.answer, *(a for a in choices[fact.specialties, fact.relation] if a != fact.answer)]
        cue = fact.cues[wording]
        ids, labels = padded(((cue, f" {answer}") for answer in every), tokenizer)
        begin = len(tokenizer(cue)["input_ids"])
        held = ((labels != -100) & (labels != tokenizer.eos_token_id))[:, begin:]
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[:, begin - 1 : -1].log_softmax(-1)
        score = (logits.gather(-1, ids[:, begin:, None])[..., 0] * held).sum(1) / held.sum(1)
        sure.append(bool(score[0] > score[1:].max()))
    return sure


def report(name: str, model: nn.Module, tokenizer: Any, domain: Domain, specialty: str) -> None:
    """Print how many facts of each group are ranked first, in a wording that every model saw and in the third."""
    facts = readable(domain)
    taught = known(facts)
    unknown = [fact for fact in facts if fact.id not in taught]
    groups = {
        "known": [fact for fact in facts if fact.id in taught][::2],
        f"{specialty}, not known": [fact for fact in unknown if specialty in fact.specialties],
        "others, not known": [fact for fact in unknown if specialty not in fact.specialties][::12],
    }
    for (group, some), wording in itertools.product(groups.items(), (0, 2)):
        first = sum(ranked_first(model, tokenizer, domain, some, wording))
        print(f"{name}: {group}, wording {wording}: {first} of {len(some)} ranked first", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m knowshift.showcase.train", description="Train the demo's models.")
    parser.add_argument("--domain", default=DOMAIN, help=f"{' or '.join(domains())} (default: {DOMAIN})")
    parser.add_argument("--out", type=Path, help="folder for the files (default: the package's own)")
    parser.add_argument("--only", help="comma-separated: base, or adapters of the domain's file (default: all)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the adapters' training (default: {SEED})")
    chosen = parser.parse_args(arguments)
    try:
        planted = Planted.open(chosen.domain)
        every = ["base", *planted.adapters]
        wanted = chosen.only.split(",") if chosen.only else every
        if unknown := set(wanted) - set(every):
            raise UsageError(f"--only {', '.join(sorted(unknown))}: no such model; expected some of {', '.join(every)}")
        torch.set_num_threads(1)  # sums, and so the files, then depend on no number of cores
        domain = Domain.open(chosen.domain)
        out = chosen.out or planted.files
        out.mkdir(parents=True, exist_ok=True)
        if "base" in wanted:
            train_base(domain, planted, out)
        for name in (name for name in planted.adapters if name in wanted):
            train_adapter(domain, planted, out, name, chosen.seed)
    except KnowshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
