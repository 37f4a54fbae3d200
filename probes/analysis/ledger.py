"""The facts ledger: which facts the base knew, and which of them were learned or lost.

A fact is known if its true answer ranks first among its candidates by mean whole-target log-probability over its
wordings; a tie is not known. People read this first; the verdict does not hang on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from .ladder import FactGains, Groups, nanmean
from .scores import Array, Pair, Scores


def candidate_ranks(scores: Scores, gains: FactGains) -> tuple[Array, Array, Array]:
    """Rank of the true answer among its like-length candidates (0 best, ties count as better), its margin [N], and the
    log-probabilities [N, candidates], nats over whole targets; NaN where a candidate is not of like length."""
    values = nanmean(scores.logprob[gains.index], 1)
    wrong = np.where(gains.like, values, np.nan)
    rank = (wrong >= values[:, :1]).sum(1)
    logprob = np.concatenate([values[:, :1], wrong[:, 1:]], axis=1)
    return rank.astype(np.float64), values[:, 0] - nanmean(wrong, 1), logprob


def ledger_frame(
    model: str, pair: Pair, gains: FactGains, groups: Groups, third: NDArray[np.str_] | None = None
) -> pl.DataFrame:
    """A row a fact: its state; ranks, margins and candidates' log-probabilities (nats, whole targets) before and after.

    `third` [N] is the third of the base's centred margin that a fact lies in, "" for none. `base_logprobs` and
    `tuned_logprobs` begin with the answer's; the distractors' follow in the order of `distractors`.
    """
    (before, margin_before, base), (after, margin_after, tuned) = (
        candidate_ranks(scores, gains) for scores in (pair.base, pair.tuned)
    )

    def lists(logprob: Array) -> list[list[float]]:
        return [[float(value) for value in row if np.isfinite(value)] for row in logprob]

    states = {(False, True): "learned", (True, True): "kept", (True, False): "lost", (False, False): "never"}
    items = [pair.items[i] for i in gains.index]
    return pl.DataFrame(
        {
            "model": [model] * len(items),
            "item": [item.id for item in items],
            "cue": [item.cues[0] for item in items],
            "answer": [item.candidates[0] for item in items],
            "distractors": [
                [c for c, like in zip(item.candidates, row, strict=False) if like]
                for item, row in zip(items, gains.like, strict=True)
            ],
            "specialties": [list(item.specialties) for item in items],
            "relation": [item.relation for item in items],
            "group": groups.tolist(),
            "base_rank": before.astype(np.int32),
            "tuned_rank": after.astype(np.int32),
            "margin_base": margin_before,
            "margin_tuned": margin_after,
            "margin_gain": margin_after - margin_before,
            "state": [states[b == 0, a == 0] for b, a in zip(before, after, strict=True)],
            "base_third": [name or None for name in (third if third is not None else [""] * len(items))],
            "base_logprobs": lists(base),
            "tuned_logprobs": lists(tuned),
        },
        schema_overrides={
            **dict.fromkeys(("distractors", "specialties"), pl.List(pl.String)),
            **dict.fromkeys(("base_logprobs", "tuned_logprobs"), pl.List(pl.Float64)),
            "base_third": pl.String,
        },
    )


def counts(states: Sequence[str]) -> dict[str, int]:
    """Facts, and how many of those unknown were learned, of those known lost."""
    of = Counter(states)
    return {
        "facts": len(states),
        "unknown": of["learned"] + of["never"],
        "learned": of["learned"],
        "known": of["kept"] + of["lost"],
        "lost": of["lost"],
    }


def by_specialty(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Counts of every specialty that has facts; a fact of two specialties counts in both."""
    rows = frame.explode("specialties")
    states = {name: rows.filter(pl.col("specialties") == name)["state"].to_list() for name in names}
    return {name: counts(held) for name, held in states.items() if held}


def ledger(frame: pl.DataFrame) -> dict[str, Any]:
    """Counts by group; Fisher's exact p and Cohen's h, own against other, of learned facts and of lost ones."""
    out: dict[str, Any] = {
        group: counts(frame.filter(pl.col("group") == group)["state"].to_list())
        for group in ("own", "other", "general")
    }
    for outcome, of in (("learned", "unknown"), ("lost", "known")):
        table = [[out[g][outcome], out[g][of] - out[g][outcome]] for g in ("own", "other")]
        tested = all(map(sum, table))
        out[f"p_{outcome}"] = float(stats.fisher_exact(table)[1]) if tested else None
        # Difference of the shares' arc sines (Cohen 1988, section 6.2).
        own, other = (2 * np.arcsin(np.sqrt(row[0] / max(1, sum(row)))) for row in table)
        out[f"h_{outcome}"] = float(own - other) if tested else None
    return out
