"""Score tables with a known truth, in memory: a domain of facts and texts, and models made by moving its base.

Each target token has logits of its own over a small vocabulary, so that a temperature is a real temperature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from knowshift.models.table import SCHEMA, TEMPERATURES
from knowshift.probes.analysis import controls, ladder, matrix, recipe, shift, strata, views
from knowshift.probes.analysis import pair as pairs
from knowshift.probes.analysis.inputs import AnalysisInputs
from knowshift.probes.analysis.knowledge import measure
from knowshift.probes.analysis.resample import bootstrap, bootstrap_sums
from knowshift.probes.analysis.verdict import Verdict, verdicts
from knowshift.terms.domain import Domain, Specialty
from knowshift.terms.items import CONTRAST, Item

TOKENS, VOCABULARY = 2, 12
"""Longest target, and the logits of each of its tokens; the target is the first of them."""
WORDING = 0.3
"""Standard deviation of a logit between the wordings of a fact."""


def fact(
    id: str, specialty: str, answers: tuple[str, ...], cues: int = 1, relation: str = "r", concept: str = ""
) -> Item:
    """A fact item; the first of `answers` is true."""
    wordings = tuple(f"{id} wording {cue}" for cue in range(cues))
    return Item(f"fact:{id}", "fact", (specialty,), concept or id, answers[0], relation, wordings, answers)


def mention(id: str, specialty: str, concept: str, document: str) -> Item:
    """A term in running text: a control word where `specialty` is general, a contrast's term where it is that."""
    kind = {"general": "word", CONTRAST: "contrast"}.get(specialty, "term")
    return Item(f"{kind}:{id}", kind, (specialty,), concept, concept, text=concept, document=document, end=len(concept))


@dataclass(frozen=True)
class World:
    """A domain's items and a row for each of their targets; R rows."""

    domain: Domain
    items: tuple[Item, ...]
    item: np.ndarray
    """[R] place in `items`."""
    cue: np.ndarray
    role: np.ndarray
    tokens: np.ndarray
    logits: np.ndarray
    """[R, TOKENS, VOCABULARY]"""
    layers: int = 0

    def is_(self, wanted: Callable[[Item], bool]) -> np.ndarray:
        """[R] rows of items for which `wanted` holds."""
        return np.array([wanted(item) for item in self.items])[self.item]

    def of(self, specialty: str) -> np.ndarray:
        return self.is_(lambda item: specialty in item.specialties)

    @property
    def in_domain(self) -> np.ndarray:
        return ~self.of("general") & ~self.of(CONTRAST)

    def relation(self, name: str) -> np.ndarray:
        """[R] rows of facts of one relation."""
        return self.is_(lambda item: item.relation == name)

    @cached_property
    def answer(self) -> np.ndarray:
        """[R] number of the target's string."""
        strings = [
            self.items[i].scored[k] if self.items[i].kind == "fact" else self.items[i].target
            for i, k in zip(self.item, self.role, strict=True)
        ]
        return np.unique(strings, return_inverse=True)[1]

    def logprob(self, temperature: float = 1.0) -> np.ndarray:
        """[R] nats, summed over tokens."""
        scaled = self.logits / temperature
        each = scaled[..., 0] - np.log(np.exp(scaled).sum(-1))
        return np.where(np.arange(TOKENS) < self.tokens[:, None], each, 0.0).sum(1)

    def model(self, gain: np.ndarray | float = 0.0, temperature: float = 1.0, scale: float = 1.0) -> pa.Table:
        """The base's table moved: another temperature, all log-probabilities scaled, `gain` nats per token [R]."""
        logprob = scale * self.logprob(temperature) + gain * self.tokens
        tempered = np.stack([self.logprob(t) for t in TEMPERATURES], 1)
        depth = np.linspace(0.3, 1.0, self.layers) if self.layers else None
        rows = len(logprob)
        columns: dict[str, Any] = {
            "item": np.array([item.id for item in self.items])[self.item],
            "cue": self.cue,
            "role": self.role,
            "window": np.zeros(rows),
            "tokens": self.tokens,
            "characters": 4 * self.tokens,
            "logprob": logprob,
            "token_logprobs": _lists(np.repeat(logprob / self.tokens, self.tokens), self.tokens),
            "tempered": _lists(tempered.ravel(), np.full(rows, len(TEMPERATURES))),
            "lens": pa.nulls(rows) if depth is None else _lists(np.outer(logprob, depth).ravel(), [self.layers] * rows),
            "rank": pa.nulls(rows),
            "flags": [""] * rows,
            "engine": ["synthetic"] * rows,
        }
        return pa.table({name: pa.array(column).cast(SCHEMA.field(name).type) for name, column in columns.items()})

    def material(
        self, own: dict[str, str | None] | None = None, per: Any = "token", seed: int = 0, **tuned: pa.Table
    ) -> AnalysisInputs:
        """Return what `analyze` takes; every model's own specialty is `s0` where `own` says nothing."""
        given = {name: ((own or {}).get(name, "s0"), "test") for name in tuned}
        return AnalysisInputs(self.domain, self.items, self.model(), tuned, given, per, seed)

    def moved(self, seed: int = 1, ease: float = 0.4, noise: float = 0.05) -> np.ndarray:
        """[R] gains of a tune that taught nothing: most of a gain is the answer's own ease, little the cue's."""
        rng = np.random.default_rng(seed)
        return rng.normal(0, ease, self.answer.max() + 1)[self.answer] + rng.normal(0, noise, len(self.item))


def judge(inputs: AnalysisInputs) -> dict[str, tuple[pairs.ModelPair, Verdict]]:
    """Return each model's pair and verdict, as `analyze` finds them, without what is in no verdict."""
    base = pairs.BaseScores(inputs)
    held = {name: base.pair_with(name) for name in inputs.tuned}
    found = verdicts({n: p.knowledge for n, p in held.items()}, {n: p.shift for n, p in held.items()}, inputs.seed)
    return {name: (pair, found[name]) for name, pair in held.items()}


def _quick_measure(*given: Any, **more: Any) -> Any:
    return measure(*given, **{**more, "draws": 99})


def _quick_bootstrap(*given: Any, **more: Any) -> Any:
    return bootstrap(*given, **{**more, "draws": 19})


def _quick_sums(*given: Any, **more: Any) -> Any:
    return bootstrap_sums(*given, **{**more, "draws": 19})


def fewer_draws(patch: Any) -> None:
    """Let `analyze` draw little: for tests of values, not of intervals."""
    for module in (ladder, matrix, controls, strata, views, recipe):
        patch.setattr(module, "bootstrap", _quick_bootstrap)
    patch.setattr(shift, "bootstrap_sums", _quick_sums)
    patch.setattr(pairs, "measure", _quick_measure)


def _lists(values: np.ndarray, lengths: Any) -> pa.Array:
    return pa.ListArray.from_arrays(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), values)


def world(
    specialties: int = 4,
    facts: int = 40,
    controls: int = 40,
    cues: int = 1,
    distractors: int = 5,
    terms: int = 0,
    words: int = 0,
    layers: int = 0,
    seed: int = 0,
    relation: int = 10,
    contrast: int = 0,
    contrast_terms: int = 0,
) -> World:
    """`facts` for each specialty in relations of `relation`, `controls`; `terms` for each specialty, `words`.

    `contrast` facts and `contrast_terms` are another domain's. Within a relation each answer serves equally often as
    truth and as distractor, and all are about equally long.
    """
    rng = np.random.default_rng([seed, 99])
    names = [f"s{k}" for k in range(specialties)]
    items = []
    for name, count in [*((name, facts) for name in names), (CONTRAST, contrast), ("general", controls)]:
        for i in range(count):
            first = i - i % relation
            ring = [f"{name} answer {first + (i + step) % relation}" for step in range(distractors + 1)]
            items.append(fact(f"{name}-{i}", name, tuple(ring), cues, f"{name} relation {first}"))
    for name, count in [*((name, terms) for name in names), (CONTRAST, contrast_terms), ("general", words)]:
        items += [
            mention(f"{name}:{i}", name, f"{name} term {i % max(count // 4, 1)}", f"{name} text {i // 10}")
            for i in range(count)
        ]
    places = [
        (i, cue, role)
        for i, item in enumerate(items)
        for cue in range(len(item.cues) or 1)
        for role in range(len(item.candidates) or 1)
    ]
    item, cue, role = np.array(places).T
    logits = rng.normal(0, 1.5, (len(places), TOKENS, VOCABULARY))
    if cues > 1:
        # Wordings of a fact say much the same.
        first = np.unique(np.stack([item, role], 1), axis=0, return_index=True, return_inverse=True)
        logits = logits[first[1]][first[2].ravel()] + WORDING * rng.normal(size=logits.shape)
    domain = Domain("toy", specialties={name: Specialty(name, name.upper()) for name in names})
    tokens = rng.integers(1, TOKENS + 1, len(places))
    made = World(domain, tuple(items), item, cue, role, tokens, logits, layers)
    # An answer is likely or unlikely wherever it stands, and some are known.
    known = rng.normal(0.5, 0.5, len(items))[item] * (role == 0)
    logits[..., 0] += (rng.normal(0, 1, made.answer.max() + 1)[made.answer] + known)[:, None]
    length = rng.integers(1, TOKENS + 1, made.answer.max() + 1)
    made.tokens[:] = length[made.answer]
    return made
