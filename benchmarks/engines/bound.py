"""The bound: multiply-adds that nobody can avoid, at the rate at which this machine multiplies matrices.

Counted are the decoder's matrices for every token that must be read (padding left out; of the last layer's feed-forward
part the places alone), causal attention's two products, and the head for every place and layer that is read. Norms,
softmax and everything else are taken as free.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from knowshift.models.architecture import Anatomy
from material import Work

HEAD_ROWS = 1024
"""Rows of the head's product at most, so that its logits fit beside the model."""


@dataclass(frozen=True, slots=True)
class Product:
    """`count` multiply-adds, done as products of [rows, inner] with [inner, outer]."""

    rows: int
    inner: int
    outer: int
    count: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.rows, self.inner, self.outer


def products(anatomy: Anatomy, work: Work, layers: int) -> list[Product]:
    """What cannot be avoided for `work` (texts, no shared stems), read at that many layers."""
    matrices = [module for module in anatomy.decoder.modules() if isinstance(module, torch.nn.Linear)]
    read = sum(len(batch.row) for batch, _ in work.batches)
    thin = set(anatomy.layers[-1].mlp.modules())
    out = []
    for each in matrices:
        rows = read if each in thin else work.tokens
        out.append(Product(rows, each.in_features, each.out_features, rows * each.in_features * each.out_features))
    # A token sees itself and those before it. As if that went as well as a product with a matrix of the decoder's.
    pairs = sum(sequence.length * (sequence.length + 1) // 2 for sequence in work.sequences)
    width = anatomy.config.num_attention_heads * anatomy.config.head_dim
    out.append(Product(work.tokens, anatomy.width, width, 2 * pairs * width * len(anatomy.layers)))
    places = layers * read
    head = anatomy.width * anatomy.vocabulary
    out.append(Product(min(places, HEAD_ROWS), anatomy.width, anatomy.vocabulary, places * head))
    return [product for product in out if product.count]


SUSTAINED = 0.3
"""Seconds of a product at least: what a pass of seconds can count on, not a moment's luck."""
LEAST = 4


class Machine:
    """How fast matrices are multiplied here: of each product the best that was seen, and the mean of every round."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.best: dict[tuple[int, int, int], float] = {}
        self.rounds: list[dict[tuple[int, int, int], float]] = []

    def measure(self, shapes: set[tuple[int, int, int]]) -> None:
        """Takes the time of these products, each for `SUSTAINED` seconds; it is called once a round."""
        means: dict[tuple[int, int, int], float] = {}
        for rows, inner, outer in shapes:
            left = torch.randn(rows, inner, device=self.device, dtype=self.dtype)
            # As a linear layer holds its weight.
            right = torch.randn(outer, inner, device=self.device, dtype=self.dtype).T
            taken: list[float] = []
            until = time.perf_counter() + SUSTAINED
            while len(taken) < LEAST or time.perf_counter() < until:
                self._wait()
                begin = time.perf_counter()
                torch.mm(left, right)
                self._wait()
                taken.append(time.perf_counter() - begin)
            shape = rows, inner, outer
            means[shape] = sum(taken[1:]) / len(taken[1:])  # the first reads the matrices from memory
            self.best[shape] = min(*taken, self.best.get(shape, taken[0]))
        self.rounds.append(means)

    def seconds(self, wanted: list[Product], round_: int | None = None) -> float:
        """The bound, each product at the rate of its own shape: the best of all rounds, or the mean of one."""
        taken = self.best if round_ is None else self.rounds[round_]
        return sum(each.count / (each.rows * each.inner * each.outer) * taken[each.shape] for each in wanted)

    def rate(self) -> float:
        """Multiply-adds a second, of the product that went best."""
        return max(rows * inner * outer / seconds for (rows, inner, outer), seconds in self.best.items())

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
