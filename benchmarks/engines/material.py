"""What is measured: random models by shape, their folders, and texts of random tokens with targets in them.

Everything is drawn from fixed seeds, so that every process of a benchmark, and every run, has the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from knowshift.models.alignment import Aligned, Target, TokenSequence
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines.protocol import Batch
from knowshift.models.plan import BatchPlan
from knowshift.models.scoring import BatchTargets, ScoringPlan, make_batch

SPECIAL = 3
"""Tokens that no text holds: unknown, beginning, end."""
SPANS = (1, 4)
"""Tokens of a target."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A random Llama, and the texts that it reads: `rows` of up to `tokens` tokens."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    rows: int
    tokens: int

    def __str__(self) -> str:
        return "x".join(str(number) for number in astuple(self))

    @property
    def label(self) -> str:
        return f"{self.layers} layers, d = {self.width}, vocabulary {self.vocabulary:,}"

    @property
    def inner(self) -> int:
        """Width of the feed-forward part: 8/3 of the model's, in steps of 64."""
        return round(self.width * 8 / 3 / 64) * 64 or 64

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Of `LAYERSxWIDTHxHEADSxVOCABULARYxROWSxTOKENS`, as `str` writes it."""
        try:
            return cls(*(int(part) for part in text.split("x")))
        except (TypeError, ValueError) as error:
            raise SystemExit(f"{text}: expected LAYERSxWIDTHxHEADSxVOCABULARYxROWSxTOKENS, or a or b") from error


def make_model(shape: Shape, folder: Path, dtype: str) -> Path:
    """Writes the model of that shape, and a tokenizer whose words are w3, w4, and so on, into `folder`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    config = LlamaConfig(
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        vocab_size=shape.vocabulary,
        max_position_embeddings=max(512, shape.tokens),
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    words = {word: number for number, word in enumerate(["<unk>", "<s>", "</s>"])}
    words |= {f"w{number}": number for number in range(SPECIAL, shape.vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def open_model(folder: Path, device: str, dtype: str) -> Checkpoint:
    """The checkpoint in `folder`, with its weights read, not only mapped."""
    checkpoint = Checkpoint.open(folder, device=device, dtype=dtype)
    with torch.inference_mode():
        for weight in checkpoint.model.parameters():
            weight.sum()
    return checkpoint


@dataclass
class Work:
    """Sequences and how they are batched; every contender reads these batches."""

    sequences: list[TokenSequence]
    device: torch.device
    batch_tokens: int

    @cached_property
    def plan(self) -> ScoringPlan:
        lengths = [sequence.length for sequence in self.sequences]
        stems = [sequence.ids[: sequence.shared] for sequence in self.sequences]
        order = {target.item: n for n, sequence in enumerate(self.sequences) for target in sequence.targets}
        return ScoringPlan(Aligned(self.sequences, {}), BatchPlan.of(lengths, stems, self.batch_tokens), order)

    @cached_property
    def read(self) -> list[list[TokenSequence]]:
        """The sequences of each batch."""
        batches = (batch for shard in self.plan.batches.shards for batch in shard)
        return [[self.sequences[index] for index in batch] for batch in batches]

    @cached_property
    def batches(self) -> list[tuple[Batch, BatchTargets]]:
        return [make_batch(sequences, self.device) for sequences in self.read]

    @cached_property
    def tokens(self) -> int:
        """Tokens that must be read, padding left out."""
        return sum(sequence.length for sequence in self.sequences)

    def spans(self) -> Iterator[tuple[int, TokenSequence, Target]]:
        """Number of its batch, sequence and target, in the order of the score table."""
        for number, sequences in enumerate(self.read):
            for sequence in sequences:
                for target in sequence.targets:
                    yield number, sequence, target


def texts(shape: Shape, share: float, device: torch.device, seed: int = 0) -> Work:
    """Texts of like length in one batch, `share` of whose tokens are targets; each text ends in one."""
    # Targets have a draw of their own, so that the rows are the same whatever the share.
    draw, drawn = random.Random(seed), random.Random(f"{seed}, targets")
    sequences = []
    for row in range(shape.rows):
        length = draw.randint(max(8, shape.tokens * 15 // 16), shape.tokens)
        sequence = TokenSequence([draw.randrange(SPECIAL, shape.vocabulary) for _ in range(length)])
        wanted = max(1, round(share * length))
        free = set(range(1, length))
        end = length
        while wanted > 0:
            size = min(wanted, drawn.randint(*SPANS))
            begin = end - size
            if free.issuperset(range(begin, end)):
                free.difference_update(range(begin, end))
                sequence.targets.append(_target(f"{row}:{begin}", 0, begin, end))
                wanted -= size
            end = drawn.randint(2, length)
        sequence.targets.sort(key=lambda target: target.first)
        sequences.append(sequence)
    return Work(sequences, device, shape.rows * shape.tokens)


def facts(
    shape: Shape, count: int, device: torch.device, *, together: bool, cue: int = 60, candidates: int = 9
) -> Work:
    """Facts of one cue and nine candidates of 2 to 4 tokens; `together` lets engines read a cue once for all."""
    draw = random.Random(1)
    sequences = []
    for number in range(count):
        stem = [draw.randrange(SPECIAL, shape.vocabulary) for _ in range(cue)]
        size = draw.randint(2, 3)
        for role in range(candidates):
            answer = [draw.randrange(SPECIAL, shape.vocabulary) for _ in range(size + draw.randint(0, 1))]
            target = _target(f"fact:{number}", role, cue, cue + len(answer))
            sequences.append(TokenSequence(stem + answer, [target], cue if together else 0))
    return Work(sequences, device, 4096)


def _target(item: str, role: int, first: int, last: int) -> Target:
    return Target(item, 0, role, 0, first, last, last - first)


def words(ids: list[int]) -> str:
    """The text that the model's tokenizer cuts into `ids`."""
    return " ".join(f"w{token}" for token in ids)


def machine(device: str) -> dict[str, Any]:
    """What the figures were measured on."""
    import os
    from importlib import metadata

    packages = ("torch", "transformers", "transformer-lens", "nnsight", "peft")
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    return {
        "device": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": {package: metadata.version(package) for package in packages},
    }


def _processor() -> str:
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
