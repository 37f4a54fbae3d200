"""Tiny random models of every architecture, and real tokenizers of every family, made in the session.

Weights are drawn wide (std 0.2), so that logits differ markedly and a wrong norm, scale or position shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

torch.set_num_threads(1)  # on matrices this small, threads only wait for each other

WIDTH, LAYERS, CONTEXT = 32, 3, 128

_PLAIN: dict[str, Any] = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": CONTEXT,
}
_GROUPED = {**_PLAIN, "num_key_value_heads": 2}
_GEMMA = {**_GROUPED, "head_dim": 8, "sliding_window": 16, "query_pre_attn_scalar": 8}

ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", _GROUPED),
    "gpt2": ("gpt2", {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": 4, "n_positions": CONTEXT}),
    "gpt_neox": ("gpt_neox", _PLAIN),
    "qwen2": ("qwen2", {**_GROUPED, "tie_word_embeddings": True}),
    "qwen3": ("qwen3", {**_GROUPED, "head_dim": 8}),
    "gemma2": ("gemma2", {**_GEMMA, "final_logit_softcapping": 5.0, "attn_logit_softcapping": 10.0}),
    "gemma3": ("gemma3_text", _GEMMA),
    "mistral": ("mistral", {**_GROUPED, "sliding_window": 16}),
    "phi3": ("phi3", {**_GROUPED, "pad_token_id": 0}),
    "olmo2": ("olmo2", _GROUPED),
    "granite": (
        "granite",
        {**_GROUPED, "logits_scaling": 4.0, "residual_multiplier": 0.5, "embedding_multiplier": 3.0},
    ),
}
"""Name -> (model type, config arguments): the architectures that are promised to work."""


def tiny_model(arch: str, vocab_size: int = 300, seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """A random causal LM of `arch` (a key of `ARCHITECTURES`), float32, in eval mode."""
    model_type, arguments = ARCHITECTURES[arch]
    tokens = {"pad_token_id": None, "bos_token_id": 1, "eos_token_id": 2}
    return drawn(CONFIG_MAPPING[model_type](**{**tokens, **arguments, "vocab_size": vocab_size, **overrides}), seed)


def drawn(config: PretrainedConfig, seed: int) -> PreTrainedModel:
    """A causal LM of `config` with every weight drawn at random, float32, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                # Norm gains too: a final norm left out, or applied twice, must show.
                centre = 1.0 if weight.dim() == 1 and name.endswith("weight") else 0.0
                weight.copy_(centre + 0.2 * torch.randn_like(weight))
    return model.requires_grad_(False)


CORPUS = [
    "Absence seizures are first treated with ethosuximide, and the child is seen again after four weeks.",
    "The patient denies chest pain, shortness of breath, or palpitations; the ECG shows atrial fibrillation.",
    "It was a dark night in the old town, and the river was high after a week of rain.",
    "For a child with absence seizures, give ethosuximide. For focal seizures, give lamotrigine or levetiracetam.",
    "In the morning she walked to the harbour, bought bread and looked at the ships for a while.",
    "Ménière's disease, Sjögren's syndrome and naïve café words; 1,234 mg/dL (12.5 %) – “quoted”.",
    "The court held that the contract was void, and the bank had to pay the interest of 3.5 per cent.",
    "def score(items): return [item.start for item in items if item.kind == 'term']",
]

_SPECIAL = ["<unk>", "<s>", "</s>"]


def wrapped(tokenizer: Tokenizer, bos: bool) -> PreTrainedTokenizerFast:
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def _train(tokenizer: Tokenizer, corpus: Iterable[str], size: int, alphabet: list[str], **more: Any) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False, **more
    )
    tokenizer.train_from_iterator(corpus, trainer)


def trained_bytes(size: int, use_regex: bool = True, **more: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    tokenizer.decoder = decoders.ByteLevel()
    _train(tokenizer, CORPUS * 2, size, pre_tokenizers.ByteLevel.alphabet(), **more)
    return tokenizer


def _byte_bpe() -> PreTrainedTokenizerFast:
    """GPT-2's family: byte-level, split into words before merging; offsets not trimmed of their space."""
    tokenizer = trained_bytes(480)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return wrapped(tokenizer, bos=False)


def _byte_bpe_trimmed() -> PreTrainedTokenizerFast:
    """As RoBERTa and some GPT-2 exports: the same tokens, offsets trimmed of their leading space."""
    tokenizer = trained_bytes(480)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return wrapped(tokenizer, bos=False)


def _byte_crossing() -> PreTrainedTokenizerFast:
    """Merges may cross words and spaces: a token can straddle the edge of a cue or a target."""
    return wrapped(trained_bytes(480, use_regex=False, max_token_length=9), bos=False)


def _metaspace(scheme: str, bos: bool) -> PreTrainedTokenizerFast:
    """The sentencepiece family: a space is written ▁; unknown characters fall back to bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=True)
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=scheme), decoders.Fuse()]
    )
    alphabet = sorted(set("".join(CORPUS)) - {" "} | {"▁"})
    _train(tokenizer, CORPUS * 2, 320, alphabet)
    tokenizer.add_tokens([f"<0x{byte:02X}>" for byte in range(256)])
    return wrapped(_with_bytes(tokenizer), bos)


def _with_bytes(tokenizer: Tokenizer) -> Tokenizer:
    """Moves the byte tokens from the added tokens into the model's own vocabulary, where byte fallback looks."""
    import json

    saved = json.loads(tokenizer.to_str())
    added = [entry for entry in saved["added_tokens"] if entry["content"].startswith("<0x")]
    saved["model"]["vocab"].update({entry["content"]: entry["id"] for entry in added})
    saved["added_tokens"] = [entry for entry in saved["added_tokens"] if entry not in added]
    return Tokenizer.from_str(json.dumps(saved))


TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "byte_bpe": _byte_bpe,
    "byte_bpe_trimmed": _byte_bpe_trimmed,
    "byte_crossing": _byte_crossing,
    "metaspace_prefix": lambda: _metaspace("first", bos=True),
    "metaspace_plain": lambda: _metaspace("never", bos=True),
}
"""Family -> maker. The byte-level ones add no beginning-of-sequence token, the metaspace ones do."""


@cache
def make_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A real tokenizer of `family` (a key of `TOKENIZERS`), trained on `CORPUS`; one object a session."""
    return TOKENIZERS[family]()
