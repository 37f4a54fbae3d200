"""Random two-layer models of many architectures, tokenizers of every kind, and mixes of items to score with them.

Everything follows from one `random.Random`, so that a seed names a case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from knowshift.terms.items import Item
from tiny import CORPUS, TOKENIZERS, drawn, trained_bytes, wrapped
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CONFIG_MAPPING, PreTrainedModel, PreTrainedTokenizerFast

CONTEXT = 96
Options = dict[str, Any]


def _rope(rng: Random, width: int, partial: float = 1.0) -> Options:
    """Return rotary parameters of any kind, for heads of `width`."""
    rotated = int(width * partial) // 2
    theta = rng.choice([1e2, 1e4, 1e6])
    scaled = {"factor": rng.choice([2.0, 4.0]), "original_max_position_embeddings": CONTEXT // 2}
    kinds: list[Options] = [
        {"rope_type": "default"},
        {"rope_type": "linear", "factor": 4.0},
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "yarn", **scaled},
        {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, **scaled},
        {
            "rope_type": "longrope",
            "short_factor": [rng.uniform(1, 2) for _ in range(rotated)],
            "long_factor": [rng.uniform(1, 60) for _ in range(rotated)],
            "original_max_position_embeddings": rng.choice([8, 16, 32]),
            "factor": 4.0,
        },
    ]
    return {"rope_parameters": rng.choice(kinds) | {"rope_theta": theta, "partial_rotary_factor": partial}}


def _plain(rng: Random) -> Options:
    heads = rng.choice([2, 4])
    return {
        "hidden_size": 8 * heads,
        "num_attention_heads": heads,
        "num_key_value_heads": rng.choice([1, 2, heads]),
        "intermediate_size": rng.choice([24, 40]),
        "num_hidden_layers": 2,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": rng.random() < 0.5,
    }


def _layer_types(rng: Random) -> list[str]:
    return [rng.choice(["full_attention", "sliding_attention"]) for _ in range(2)]


def _window(rng: Random) -> int:
    return rng.choice([3, 8, 16, 40])


def _llama(rng: Random) -> Options:
    biases = {name: rng.random() < 0.5 for name in ("attention_bias", "mlp_bias")}
    return {**_plain(rng), **_rope(rng, 8), **biases, "hidden_act": rng.choice(["silu", "gelu"])}


def _qwen2(rng: Random) -> Options:
    sliding = rng.random() < 0.5
    window = {"use_sliding_window": True, "sliding_window": _window(rng), "max_window_layers": rng.choice([0, 1])}
    return {**_plain(rng), **_rope(rng, 8), **(window if sliding else {})}


def _gemma(rng: Random) -> Options:
    return {**_plain(rng), "head_dim": rng.choice([8, 16])}


def _gemma2(rng: Random) -> Options:
    return {
        **_gemma(rng),
        "query_pre_attn_scalar": rng.choice([4, 8, 32]),
        "sliding_window": _window(rng),
        "layer_types": _layer_types(rng),
        "final_logit_softcapping": rng.choice([None, 1.0, 5.0, 30.0]),
        "attn_logit_softcapping": rng.choice([None, 2.0, 50.0]),
    }


def _gemma3(rng: Random) -> Options:
    both = {
        "full_attention": _rope(rng, 8)["rope_parameters"],
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e2},
    }
    return {**_gemma2(rng), "attn_logit_softcapping": None, "head_dim": 8, "rope_parameters": both}


def _phi3(rng: Random) -> Options:
    options = _rope(rng, 8)
    while options["rope_parameters"]["rope_type"] not in ("default", "longrope"):
        options = _rope(rng, 8)
    bound = options["rope_parameters"].get("original_max_position_embeddings", CONTEXT)
    return {
        **_plain(rng),
        **options,
        "original_max_position_embeddings": bound,
        "pad_token_id": 0,
        "sliding_window": rng.choice([None, _window(rng)]),
    }


def _gpt2(rng: Random) -> Options:
    return {
        "n_embd": 32,
        "n_layer": 2,
        "n_head": rng.choice([2, 4]),
        "n_positions": CONTEXT,
        "scale_attn_by_inverse_layer_idx": rng.random() < 0.5,
        "activation_function": rng.choice(["gelu_new", "relu"]),
        "tie_word_embeddings": rng.random() < 0.7,
    }


def _gpt_neo(rng: Random) -> Options:
    kinds = rng.choice([["global", "local"], ["local", "global"]])
    return {
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 4,
        "max_position_embeddings": CONTEXT,
        "attention_types": [[kinds, 1]],
        "window_size": _window(rng),
    }


def _gpt_neox(rng: Random) -> Options:
    partial = rng.choice([0.5, 1.0])
    options = {name: value for name, value in _plain(rng).items() if name != "num_key_value_heads"}
    return {**options, **_rope(rng, 8, partial), "use_parallel_residual": rng.random() < 0.5}


def _opt(rng: Random) -> Options:
    return {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "ffn_dim": 40,
        "max_position_embeddings": CONTEXT,
        "word_embed_proj_dim": rng.choice([16, 32]),
        "do_layer_norm_before": rng.random() < 0.7,
        "pad_token_id": 0,
    }


def _bloom(rng: Random) -> Options:
    return {
        "hidden_size": 32,
        "n_layer": 2,
        "n_head": rng.choice([2, 4]),
        "seq_length": CONTEXT,
        "apply_residual_connection_post_layernorm": rng.random() < 0.5,
    }


def _falcon(rng: Random) -> Options:
    new = rng.random() < 0.5
    return {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_kv_heads": 2 if new else 4,
        "alibi": not new and rng.random() < 0.5,
        "new_decoder_architecture": new,
        "multi_query": rng.random() < 0.5,
        "parallel_attn": new or rng.random() < 0.5,
        "bias": rng.random() < 0.5,
        "max_position_embeddings": CONTEXT,
    }


def _mpt(rng: Random) -> Options:
    attention = {"alibi": True, "clip_qkv": rng.choice([None, 1.0])}
    return {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": CONTEXT, "attn_config": attention}


def _stablelm(rng: Random) -> Options:
    partial = rng.choice([0.5, 1.0])
    flags = {name: rng.random() < 0.5 for name in ("use_parallel_residual", "qk_layernorm", "use_qkv_bias")}
    return {**_plain(rng), **_rope(rng, 8, partial), **flags}


def _cohere(rng: Random) -> Options:
    return {**_plain(rng), "logit_scale": rng.choice([0.0625, 1.0, 3.0]), "use_qk_norm": rng.random() < 0.5}


def _cohere2(rng: Random) -> Options:
    options = {**_plain(rng), "logit_scale": rng.choice([0.0625, 2.0]), "sliding_window": _window(rng)}
    return options | {"layer_types": _layer_types(rng)}


def _granite(rng: Random) -> Options:
    names = ("logits_scaling", "residual_multiplier", "embedding_multiplier", "attention_multiplier")
    return {**_llama(rng), **{name: rng.choice([0.5, 1.0, 3.0]) for name in names}}


def _mixtral(rng: Random) -> Options:
    return {
        **_plain(rng),
        "num_local_experts": 3,
        "num_experts_per_tok": rng.choice([1, 2]),
        "sliding_window": rng.choice([None, 8]),
    }


def _mamba(rng: Random) -> Options:
    return {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "state_size": rng.choice([4, 8]),
        "max_position_embeddings": CONTEXT,
        "residual_in_fp32": rng.random() < 0.5,
    }


def _bigcode(rng: Random) -> Options:
    return {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT, "multi_query": rng.random() < 0.5}


def _gptj(rng: Random) -> Options:
    return {
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": CONTEXT,
        "rotary_dim": rng.choice([4, 8]),
        "tie_word_embeddings": False,
    }


def _qwen3(rng: Random) -> Options:
    return {**_qwen2(rng), "head_dim": 8, "attention_bias": rng.random() < 0.5}


def _smollm3(rng: Random) -> Options:
    return {**_plain(rng), "no_rope_layers": [rng.choice([0, 1]) for _ in range(2)], "pad_token_id": 0}


def _gpt_oss(rng: Random) -> Options:
    return {
        **_plain(rng),
        "head_dim": 8,
        "num_local_experts": 3,
        "num_experts_per_tok": 2,
        "sliding_window": _window(rng),
        "layer_types": _layer_types(rng),
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
    }


def _qwen3_moe(rng: Random) -> Options:
    return {
        **_qwen3(rng),
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "norm_topk_prob": rng.random() < 0.5,
        "mlp_only_layers": rng.choice([[], [0]]),
    }


def _sliding(rng: Random) -> Options:
    return {**_plain(rng), **_rope(rng, 8), "sliding_window": rng.choice([None, _window(rng)])}


def _xglm(rng: Random) -> Options:
    return {"d_model": 32, "num_layers": 2, "attention_heads": 4, "ffn_dim": 40, "max_position_embeddings": CONTEXT}


def _exaone4(rng: Random) -> Options:
    return {**_plain(rng), "sliding_window": _window(rng), "layer_types": _layer_types(rng)}


def _phi(rng: Random) -> Options:
    options = {**_plain(rng), "partial_rotary_factor": 0.5, "tie_word_embeddings": False}
    return options | {"qk_layernorm": rng.random() < 0.5}


def _unscaled(rng: Random) -> Options:
    return _plain(rng)


ARCHITECTURES: dict[str, Callable[[Random], Options]] = {
    "llama": _llama,
    "mistral": _sliding,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "phi": _phi,
    "phi3": _phi3,
    "gpt2": _gpt2,
    "gpt_neo": _gpt_neo,
    "gpt_neox": _gpt_neox,
    "gptj": _gptj,
    "gpt_bigcode": _bigcode,
    "gpt_oss": _gpt_oss,
    "opt": _opt,
    "bloom": _bloom,
    "falcon": _falcon,
    "mpt": _mpt,
    "stablelm": _stablelm,
    "starcoder2": _sliding,
    "cohere": _cohere,
    "cohere2": _cohere2,
    "olmo": _unscaled,
    "olmo2": _unscaled,
    "granite": _granite,
    "mixtral": _mixtral,
    "qwen3_moe": _qwen3_moe,
    "smollm3": _smollm3,
    "exaone4": _exaone4,
    "glm4": _unscaled,
    "nemotron": _unscaled,
    "xglm": _xglm,
    "mamba": _mamba,
}
"""Model type → options of a random config."""


def random_model(arch: str, rng: Random, tokens: int) -> PreTrainedModel:
    """Return a model of the model type `arch` with a random config, float32, for a tokenizer of `tokens` tokens."""
    special = {"pad_token_id": None, "bos_token_id": 1, "eos_token_id": 2}
    options = {**special, **ARCHITECTURES[arch](rng), "vocab_size": tokens + rng.choice([0, 0, 5])}
    return drawn(CONFIG_MAPPING[arch](**options), seed=rng.randrange(10**6))


def _with_eos(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return tokenizer


def _spaced_bytes() -> PreTrainedTokenizerFast:
    """Byte-level, with a space put before every text."""
    tokenizer = trained_bytes(480)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return wrapped(tokenizer, bos=False)


def _digits() -> PreTrainedTokenizerFast:
    """As Llama 3: words are cut by a pattern of its own, digits in threes, then bytes are merged."""
    pattern = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
    tokenizer = trained_bytes(480)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return wrapped(tokenizer, bos=True)


def _trained(tokenizer: Tokenizer, trainer: Any, bos: bool) -> PreTrainedTokenizerFast:
    tokenizer.train_from_iterator(CORPUS * 2, trainer)
    return wrapped(tokenizer, bos)


def _prepended() -> PreTrainedTokenizerFast:
    """As Llama 2: a normalizer writes spaces as ▁ and puts one before the text; words are not cut."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", left=1, right=0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], max_token_length=9, show_progress=False
    )
    return _trained(tokenizer, trainer, bos=True)


def _unigram(scheme: str) -> PreTrainedTokenizerFast:
    """As T5 and XGLM: characters in compatibility form, words cut at ▁."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    return _trained(tokenizer, trainer, bos=scheme == "never")


def _wordpiece(lowercase: bool) -> PreTrainedTokenizerFast:
    """As BERT: words and punctuation apart, spaces in no token; in lower case without accents, or as written."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=320, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    return _trained(tokenizer, trainer, bos=lowercase)


def _characters() -> PreTrainedTokenizerFast:
    """A token for each character."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    return _trained(tokenizer, trainer, bos=False)


KINDS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    **TOKENIZERS,
    "byte_bpe_bos": lambda: wrapped(trained_bytes(480), bos=True),
    "byte_bpe_eos": lambda: _with_eos(wrapped(trained_bytes(480), bos=False)),
    "byte_bpe_spaced": _spaced_bytes,
    "byte_bpe_digits": _digits,
    "prepended": _prepended,
    "unigram": lambda: _unigram("never"),
    "unigram_eos": lambda: _with_eos(_unigram("always")),
    "wordpiece": lambda: _wordpiece(lowercase=True),
    "wordpiece_cased": lambda: _wordpiece(lowercase=False),
    "characters": _characters,
}
"""Kind of tokenizer → maker."""


@cache
def tokenizer_of(kind: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a kind (a key of `KINDS`); one object a session."""
    return KINDS[kind]()


def _words(rng: Random, least: int, most: int) -> str:
    """Return a piece of the corpus of some words."""
    words = " ".join(CORPUS).split()
    count = rng.randint(least, most)
    begin = rng.randrange(len(words) - count)
    return " ".join(words[begin : begin + count])


def _fact(rng: Random, name: str, stem: str) -> Item:
    cues = tuple(f"{stem} {_words(rng, 1, 6)}" for _ in range(rng.randint(1, 3)))
    answers = tuple(dict.fromkeys(_words(rng, 1, 3) for _ in range(rng.choice([2, 3, 6, 30]))))
    return Item(name, "fact", ("x",), name, answers[0], "r", cues=cues, candidates=answers)


def _terms(rng: Random, name: str, text: str) -> list[Item]:
    words, items = text.split(" "), []
    for number in range(rng.randint(1, 3)):
        first = rng.randrange(len(words))
        term = " ".join(words[first : first + rng.randint(1, 2)])
        start = len(" ".join(words[:first])) + (first > 0)
        end = start + len(term)
        items.append(
            Item(f"{name}:{number}", "term", ("x",), term, term, text=text, document=name, start=start, end=end)
        )
    return items


def random_items(rng: Random) -> list[Item]:
    """Return facts and terms in any order: short and long texts, facts that share a beginning, terms of one text."""
    items: list[Item] = []
    stems = ["", _words(rng, 1, 4), _words(rng, 10, 25)]
    for number in range(rng.randint(1, 5)):
        items.append(_fact(rng, f"f{number}", rng.choice(stems)))
    for number in range(rng.randint(1, 5)):
        least, most = rng.choice([(2, 5), (5, 15), (40, 70)])
        items += _terms(rng, f"t{number}", _words(rng, least, most))
    rng.shuffle(items)
    return items
