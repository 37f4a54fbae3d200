"""Terms against words: what a term gains beyond control words of its own document, and beyond general words.

Each term is paired with one control of the same token count and the nearest base log-probability: among the words
chosen beside it (`terms.words`), or among the general texts' words. Base and tuned model's own headroom is the same on
both sides of a pair, so a difference is the term's own and not that of any word in such a text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..results.estimate import Estimate, MatchedEstimate
from ..results.rungs import SIDES, Side
from .ladder import Groups
from .pair import ModelPair
from .registry import analysis
from .resample import Array, Clusters, bootstrap, effect_size
from .scores import Pair

CALIPER = 1.0
"""Most that a term and its control may differ in base log-probability, nats per token."""
TermControls = dict[str, dict[Side, MatchedEstimate]]
Matches = list[tuple[int, int]]
"""(term, control): places in the text items and in the controls, or twice in the text items."""


@analysis("controls")
def controls(model: ModelPair) -> TermControls:
    """Compare the model's terms with control words."""
    return terms_against_words(model.texts, model.controls, model.text_groups, model.seed)


def terms_against_words(texts: Pair, controls: Pair, groups: Groups, seed: int) -> TermControls:
    """Compare terms with words of the same documents (`documents`) and of general texts (`general`), by group of terms.

    Each estimate is the mean difference of paired gains, with the share of terms that found a control.

    `groups` are those of `texts`' items. Intervals are two-way over concepts and documents (general: over concepts and
    control words).
    """
    items = texts.items
    beside: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(controls.items):
        beside[item.beside].append(place)
    general = np.flatnonzero(groups == "general")
    base, tokens = texts.base.value("token"), texts.base.tokens
    like = {int(n): general[tokens[general] == n] for n in np.unique(tokens[general])}
    sorted_like = {n: places[np.argsort(base[places], kind="stable")] for n, places in like.items()}
    out: TermControls = {"documents": {}, "general": {}}
    for group in SIDES:
        terms = [int(i) for i in np.flatnonzero(groups == group) if items[int(i)].kind == "term"]
        near = _matched(terms, lambda i: beside.get(items[i].id, ()), texts, controls)
        far = _matched(terms, lambda i: _neighbours(sorted_like.get(int(tokens[i])), base, i), texts, texts)
        documents = [items[i].document for i, _ in near]
        words = [items[j].concept for _, j in far]
        out["documents"][group] = _difference(near, terms, texts, controls, documents, seed)
        out["general"][group] = _difference(far, terms, texts, texts, words, seed)
    return out


def _neighbours(places: NDArray[np.int64] | None, base: Array, term: int) -> Iterable[int]:
    """The two places whose base log-probability lies around the term's; `places` are sorted by it."""
    if places is None:
        return ()
    at = int(np.searchsorted(base[places], base[term]))
    return (int(place) for place in places[max(0, at - 1) : at + 1])


def _matched(terms: Sequence[int], candidates: Callable[[int], Iterable[int]], texts: Pair, others: Pair) -> Matches:
    base, tokens = texts.base.value("token"), texts.base.tokens
    other_base, other_tokens = others.base.value("token"), others.base.tokens
    out = []
    for i in terms:
        found = [
            (abs(other_base[j] - base[i]), j)
            for j in candidates(i)
            if other_tokens[j] == tokens[i] and abs(other_base[j] - base[i]) <= CALIPER
        ]
        if found:
            out.append((i, min(found)[1]))
    return out


def _difference(
    matches: Matches, terms: Sequence[int], texts: Pair, others: Pair, second: Sequence[str], seed: int
) -> MatchedEstimate:
    share = len(matches) / len(terms) if terms else 0.0
    if not matches:
        missing = "no terms of this group" if not terms else "no control of like length and base log-probability"
        return MatchedEstimate.of(Estimate.missing(missing, unit=texts.unit), share)
    differences = np.array([texts.gain[i] - others.gain[j] for i, j in matches])
    clusters = Clusters.of([texts.items[i].concept for i, _ in matches], second)

    def mean(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Array = (weights @ differences / weights.sum(1))[:, None]
        return means

    result = bootstrap(mean, clusters, seed)
    n = len(np.unique(clusters.first))
    estimate = result.estimate(0, n, texts.unit)
    p = 2 * min(result.one_sided_p(0), result.one_sided_p(0, below=True), 0.5)
    effect = effect_size(float(result.values[0]), differences, clusters.first)
    return MatchedEstimate.of(replace(estimate, p=p, effect=effect), round(share, 3))
