"""The facts ledger: which facts the base knew, and which of them were learned or lost.

A fact is known if its true answer ranks first among its candidates by mean whole-target log-probability over its
wordings; a tie is not known. People read this first; the verdict does not hang on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from .ladder import FactGains, Groups, nanmean
from .scores import Array, Pair, Scores


def candidate_ranks(scores: Scores, gains: FactGains) -> tuple[Array, Array]:
    """Rank of the true answer among its like-length candidates (0 best, ties count as better) and its margin [N]."""
    values = nanmean(scores.logprob[gains.index], 1)
    wrong = np.where(gains.like, values, np.nan)
    rank = (wrong >= values[:, :1]).sum(1)
    return rank.astype(np.float64), values[:, 0] - nanmean(wrong, 1)


def ledger_frame(model: str, pair: Pair, gains: FactGains, groups: Groups) -> pl.DataFrame:
    """A row a fact: ranks and margins (nats, whole targets) before and after, and its state."""
    (before, margin_before), (after, margin_after) = (
        candidate_ranks(scores, gains) for scores in (pair.base, pair.tuned)
    )
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
        },
        schema_overrides={"distractors": pl.List(pl.String), "specialties": pl.List(pl.String)},
    )


def ledger(frame: pl.DataFrame) -> dict[str, Any]:
    """Counts by group; `p` is Fisher's exact test of learned among unknown, own against other."""
    out: dict[str, Any] = {}
    for group in ("own", "other", "general"):
        states = frame.filter(pl.col("group") == group)["state"].value_counts()
        count = dict(zip(states["state"], states["count"], strict=True))
        learned, never, kept, lost = (int(count.get(state, 0)) for state in ("learned", "never", "kept", "lost"))
        out[group] = {
            "facts": learned + never + kept + lost,
            "unknown": learned + never,
            "learned": learned,
            "known": kept + lost,
            "lost": lost,
        }
    for outcome, of in (("learned", "unknown"), ("lost", "known")):
        table = [[out[g][outcome], out[g][of] - out[g][outcome]] for g in ("own", "other")]
        out[f"p_{outcome}"] = float(stats.fisher_exact(table)[1]) if all(map(sum, table)) else None
    return out
