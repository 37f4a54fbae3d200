"""Items that are scored in a moment, and what scoring needs of a checkpoint around a model made in the session."""

import contextlib
from functools import cache
from types import SimpleNamespace

import torch
from knowshift.models.architecture import anatomy
from knowshift.terms.items import Item
from tiny import CORPUS, make_tokenizer, tiny_model

LONG = " and ".join(CORPUS[:3])
"""A cue longer than the tiny models' sliding window, and a text longer than their context with some tokenizers."""
ANSWERS = ("ethosuximide", "ethambutol", "rain", "atrial fibrillation", "a week of rain", "palpitations")


def as_checkpoint(model, family="byte_bpe", parts=None, tokenizer=None):
    """What scoring needs of a checkpoint, around a model made in the session."""
    return SimpleNamespace(
        name="tiny",
        base=None,
        model=model,
        anatomy=parts or anatomy(model),
        tokenizer=tokenizer or make_tokenizer(family),
        device=torch.device("cpu"),
        dtype=model.dtype,
        active=lambda: contextlib.nullcontext(model),
    )


@cache
def tiny(arch="llama", family="byte_bpe"):
    return as_checkpoint(tiny_model(arch, len(make_tokenizer(family))), family)


def long_rope_model(bound):
    """A model that rotates texts of more than `bound` tokens by other factors."""
    rope = {
        "rope_type": "longrope",
        "short_factor": [1.0] * 4,
        "long_factor": [1.0, 8.0, 20.0, 60.0],
        "rope_theta": 10000.0,
        "original_max_position_embeddings": bound,
        "partial_rotary_factor": 1.0,
    }
    size = len(make_tokenizer("byte_bpe"))
    return tiny_model("phi3", size, original_max_position_embeddings=bound, rope_parameters=rope)


def a_fact(id, *cues, answers=ANSWERS):
    return Item(id, "fact", ("neurology",), f"c{id}", answers[0], "r", cues=cues, candidates=answers)


def a_term(text, word):
    start = text.index(word)
    return Item(f"term:{word}", "term", ("x",), word, word, text=text, document="t", start=start, end=start + len(word))


ITEMS = [
    a_fact("f0", "Absence seizures are first treated with", "For a child with absence seizures, give"),
    a_term(CORPUS[1], "chest pain"),
    a_fact("f1", f"{CORPUS[2]} {CORPUS[0][:60]}", "It was a", answers=("night", "dark night", "river")),
    a_term(CORPUS[1], "palpitations"),
    a_term(LONG, "river"),
    a_fact("f2", "give", answers=("a", "b")),
]
