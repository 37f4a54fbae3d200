"""The facts ledger: which facts the base knew, and which of them were learned or lost.

A fact is known if its true answer is first among its candidates of like length by centred log-probability, wordings
averaged; a tie is not known (`probes.analysis.standing`). Ranks and margins beside it are of whole targets as they
stand. People read this first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from ..results.findings import Counts, Ledger
from ..results.rungs import GROUPS
from .centring import Centred
from .ladder import FactGains, Groups, nanmean
from .scores import Array, Pair, Scores
from .standing import Standing

THIRDS = ("low", "middle", "high")
"""Of the base's centred margin."""


def candidate_ranks(scores: Scores, gains: FactGains) -> tuple[Array, Array, Array]:
    """Rank of the true answer among its like-length candidates (0 best, ties count as better), its margin [N], and the
    log-probabilities [N, candidates], nats over whole targets; NaN where a candidate is not of like length."""
    values = nanmean(scores.logprob[gains.index], 1)
    wrong = np.where(gains.like, values, np.nan)
    rank = (wrong >= values[:, :1]).sum(1)
    logprob = np.concatenate([values[:, :1], wrong[:, 1:]], axis=1)
    return rank.astype(np.float64), values[:, 0] - nanmean(wrong, 1), logprob


def ledger_frame(
    model: str,
    pair: Pair,
    gains: FactGains,
    groups: Groups,
    centred: Centred,
    third: NDArray[np.str_] | None = None,
) -> pl.DataFrame:
    """A row a fact: its state; ranks, margins and candidates' log-probabilities (nats, whole targets) before and after.

    `base_lead` and `tuned_lead` are the truth's centred lead over its best wrong answer, in the run's unit; where it
    cannot be read the fact's state is that of its ranks, and the leads are null.
    `third` [N] is the third of the base's centred margin that a fact lies in, "" for none. `base_logprobs` and
    `tuned_logprobs` begin with the answer's; the distractors' follow in the order of `distractors`.
    """
    (before, margin_before, base), (after, margin_after, tuned) = (
        candidate_ranks(scores, gains) for scores in (pair.base, pair.tuned)
    )

    def lists(logprob: Array) -> list[list[float]]:
        return [[float(value) for value in row if np.isfinite(value)] for row in logprob]

    standing = Standing.of(centred)
    leads = standing.base_lead, standing.tuned_lead
    known = [
        np.where(np.isfinite(lead), lead > 0, rank == 0) for lead, rank in zip(leads, (before, after), strict=True)
    ]
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
            "base_lead": [float(lead) if np.isfinite(lead) else None for lead in leads[0]],
            "tuned_lead": [float(lead) if np.isfinite(lead) else None for lead in leads[1]],
            "base_category": standing.categories(),
            "tuned_category": standing.categories(tuned=True),
            "state": [states[bool(b), bool(a)] for b, a in zip(*known, strict=True)],
            "base_third": [name or None for name in (third if third is not None else [""] * len(items))],
            "base_logprobs": lists(base),
            "tuned_logprobs": lists(tuned),
        },
        schema_overrides={
            **dict.fromkeys(("distractors", "specialties"), pl.List(pl.String)),
            **dict.fromkeys(("base_logprobs", "tuned_logprobs"), pl.List(pl.Float64)),
            **dict.fromkeys(("base_lead", "tuned_lead"), pl.Float64),
            **dict.fromkeys(("base_third", "base_category", "tuned_category"), pl.String),
        },
    )


def thirds(margin: Array, among: NDArray[np.bool_]) -> tuple[NDArray[np.str_], Array]:
    """Return the third of each base margin [N] among the facts `among` [N] ("" where it is NaN), and the two edges."""
    known = margin[among & np.isfinite(margin)]
    if not len(known):
        return np.full(len(margin), "", dtype="<U6"), np.full(2, np.nan)
    edges = np.quantile(known, [1 / 3, 2 / 3])
    place = np.searchsorted(edges, margin)
    return np.where(np.isfinite(margin), np.array(THIRDS)[np.minimum(place, 2)], ""), edges


def counts(states: Sequence[str]) -> Counts:
    """Count facts, and how many of those unknown were learned, of those known lost."""
    of = Counter(states)
    return Counts(
        facts=len(states),
        unknown=of["learned"] + of["never"],
        learned=of["learned"],
        known=of["kept"] + of["lost"],
        lost=of["lost"],
    )


def by_specialty(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, Counts]:
    """Count every specialty that has facts; a fact of two specialties counts in both."""
    rows = frame.explode("specialties")
    states = {name: rows.filter(pl.col("specialties") == name)["state"].to_list() for name in names}
    return {name: counts(held) for name, held in states.items() if held}


def ledger(frame: pl.DataFrame, specialties: Sequence[str] = ()) -> Ledger:
    """Count facts by group and specialty, and test own against other.

    Args:
        frame: A row a fact, as `ledger_frame` gives it.
        specialties: Ids of the specialties to count.
    """
    groups = {name: counts(frame.filter(pl.col("group") == name)["state"].to_list()) for name in GROUPS}
    own, other = groups["own"], groups["other"]
    p_learned, h_learned = _compare((own.learned, own.unknown), (other.learned, other.unknown))
    p_lost, h_lost = _compare((own.lost, own.known), (other.lost, other.known))
    return Ledger(
        own=own,
        other=other,
        general=groups["general"],
        p_learned=p_learned,
        p_lost=p_lost,
        h_learned=h_learned,
        h_lost=h_lost,
        by_specialty=by_specialty(frame, specialties),
    )


def _compare(own: tuple[int, int], other: tuple[int, int]) -> tuple[float | None, float | None]:
    """Return Fisher's exact p and Cohen's h (1988, section 6.2) of two shares, each as hits and total."""
    if not own[1] or not other[1]:
        return None, None
    table = [[hits, total - hits] for hits, total in (own, other)]
    one, two = (2 * np.arcsin(np.sqrt(hits / total)) for hits, total in (own, other))
    return float(stats.fisher_exact(table)[1]), float(one - two)
