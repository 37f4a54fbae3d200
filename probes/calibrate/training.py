"""Training for the calibration: a small base from nothing, a user's base made to read the world, and LoRA adapters.

Adapters are trained by peft on a twin of the base and written as peft writes them; the instrument then opens them
like any other adapter.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ...models.architecture import SOFT_CAPS, anatomy, final_logits
from ...models.checkpoint import Checkpoint
from ...models.sharing import clone_sharing_weights
from ...models.sources import quiet
from .world import Sentence, World

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..runs.directory import Progress
    from .lessons import Step

WIDTH, LAYERS, HEADS, CONTEXT = 64, 3, 4, 128
BASE_STEPS, BASE_RATE = 1500, 6e-3
BASE_TEXTS, BASE_SENTENCES = 12, 256
"""Rows of a step of the base's training: running texts, and facts of one sentence each."""
RANK, RATE, RATE_LARGE = 32, 5e-3, 1e-3
"""Of adapters; the lower rate for bases of `SMALL` parameters and more."""
SMALL = 10_000_000
READ_RANK, READ_RATE, READ_STEPS = 32, 1e-3, 600
"""Of the adapter that makes a user's base read the world; it is merged into the base."""

Rows = tuple[Tensor, Tensor]
"""Token ids and labels (-100 where nothing is learned), both [rows, tokens]."""


def word_tokenizer(world: World) -> PreTrainedTokenizerBase:
    """One token a word; a bos before every text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ("<s>", "</s>", "<pad>", "<unk>")
    vocabulary = {word: number for number, word in enumerate((*special, *sorted(world.words)))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=CONTEXT,
    )


def rows(texts: Sequence[str] | Sequence[Sentence], tokenizer: Any) -> Rows:
    """One text a row, padded on the right; of a fact's sentence, what follows the cue is learned (as tuning does)."""
    plain = [text if isinstance(text, str) else " ".join(text) for text in texts]
    begins = [0 if isinstance(text, str) else len(text[0]) for text in texts]
    batch = tokenizer(plain, return_offsets_mapping=True)
    width = max(map(len, batch["input_ids"]))
    ids = torch.zeros(len(plain), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, (tokens, spans, begin) in enumerate(zip(batch["input_ids"], batch["offset_mapping"], begins, strict=True)):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        first = next(place for place, (_, high) in enumerate(spans) if high > begin)
        labels[row, first : len(tokens)] = ids[row, first : len(tokens)]
    return ids, labels


def fit(model: PreTrainedModel, batches: Iterator[Sequence[Rows]], steps: int, rate: float) -> Iterator[float]:
    """AdamW with warm-up and a cosine to zero; a step's loss is the mean over all its tokens. Yields each loss."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    parts = anatomy(model)
    device = parts.entry
    end = replace(parts, final_norm=nn.Identity(), projection=None)  # The decoder's output is normed already.
    optimizer = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    warm = max(1, steps // 20)
    model.train()
    for step in range(steps):
        share = min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))
        for group in optimizer.param_groups:
            group["lr"] = rate * share
        batch = [(ids[:, : parts.context], labels[:, : parts.context]) for ids, labels in next(batches)]
        tokens = sum(int((labels[:, 1:] >= 0).sum()) for _, labels in batch)
        total = 0.0
        for ids, labels in batch:
            hidden = parts.decoder(input_ids=ids.to(device), use_cache=False).last_hidden_state[:, :-1]
            wanted = labels[:, 1:].to(device)
            logits = final_logits(end, hidden[wanted >= 0])
            loss = nn.functional.cross_entropy(logits, wanted[wanted >= 0], reduction="sum") / tokens
            loss.backward()
            total += float(loss.detach())
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        yield total
    model.eval()


def diet(world: World, tokenizer: Any, seed: int, texts: int, sentences: int) -> Iterator[list[Rows]]:
    rng = random.Random(f"diet {seed}")
    while True:
        yield [rows(part, tokenizer) for part in world.diet(rng, texts, sentences) if part]


def train_base(world: World, seed: int = 0, steps: int = BASE_STEPS, progress: Progress | None = None) -> Any:
    """A small Llama that reads the world's text from nothing; model and tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    tokenizer = word_tokenizer(world)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    for step, _ in enumerate(fit(model, diet(world, tokenizer, seed, BASE_TEXTS, BASE_SENTENCES), steps, BASE_RATE), 1):
        if progress:
            progress("base", step, steps)
    return model, tokenizer


def train_adapter(
    base: Checkpoint, lesson: Iterator[Step], steps: int, folder: Path, seed: int, rate: float = 1.0
) -> Checkpoint:
    """Train a LoRA adapter on `lesson`, write it to `folder`, and open it on `base` as any adapter is.

    `rate` multiplies the calibration's own learning rate.
    """
    from peft import LoraConfig, get_peft_model

    with base.active() as model, torch.random.fork_rng():
        torch.manual_seed(seed)
        config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
        with quiet():
            peft: Any = get_peft_model(clone_sharing_weights(model), config)
        batches = ([rows(part, base.tokenizer) for part in step if part] for step in lesson)
        peak = rate * (RATE if base.parameters < SMALL else RATE_LARGE)
        for _ in fit(folded(clone_sharing_weights(model), peft), batches, steps, peak):
            pass
        peft.save_pretrained(str(folder), save_embedding_layers=False)
    return Checkpoint.open(folder, base=base)


class _Adapted(nn.Module):
    """A layer's weight with its low-rank change added."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, weight: Tensor) -> Tensor:
        change: Tensor = self.layer.get_delta_weight("default")
        return weight + change


def folded(plain: PreTrainedModel, peft: Any) -> PreTrainedModel:
    """`plain`, computing with `peft`'s adapter folded into its weights, and the adapter's weights its own to train.

    The same function at less cost: a product by an adapter is half as dear as one by a layer where models are small.
    """
    from peft.tuners.lora import LoraLayer

    for name, layer in peft.get_base_model().named_modules():
        if isinstance(layer, LoraLayer):
            parametrize.register_parametrization(plain.get_submodule(name), "weight", _Adapted(layer))
    return plain


def tempered(base: Checkpoint, temperature: float) -> Checkpoint:
    """The base with its logits divided by `temperature`, exactly: in its head, and in its soft cap where it has one."""
    model = clone_sharing_weights(base.load().model)
    head = copy.deepcopy(model.get_output_embeddings())
    for weight in head.parameters(recurse=False):
        weight.data = weight.data / temperature
    model.set_output_embeddings(head)
    config = model.config.get_text_config()
    for name in SOFT_CAPS:
        if getattr(config, name, None):
            setattr(config, name, getattr(config, name) / temperature)
    return replace(base, name=f"temperature {temperature}", _model=model)


def taught_to_read(base: Checkpoint, world: World, out: Path, progress: Progress | None = None) -> None:
    """Writes to `out` a user's base that was trained on the world's text: a LoRA adapter merged into its weights."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    config = LoraConfig(r=READ_RANK, lora_alpha=2 * READ_RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    with base.active() as model:
        with quiet():
            peft: Any = get_peft_model(copy.deepcopy(model), config)
        batches = diet(world, base.tokenizer, 0, BASE_TEXTS, BASE_SENTENCES)
        for step, _ in enumerate(fit(peft.get_base_model(), batches, READ_STEPS, READ_RATE), 1):
            if progress:
                progress("the base reads the fictitious world", step, READ_STEPS)
        merged = peft.merge_and_unload()
        merged.save_pretrained(str(out))
        base.tokenizer.save_pretrained(str(out))
