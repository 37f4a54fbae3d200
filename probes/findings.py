"""What a comparison finds: score tables of base and tuned models in, the parts of `comparison.json` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from ..terms.domain import Domain
from ..terms.items import Item
from ..terms.select import COMMON, group
from .estimate import Estimate
from .knowledge import MARGIN, Knowledge, centre, measure
from .ladder import FactGains, Groups, Ladder, fact_gains, fact_ladder, text_clusters, text_ladder
from .ledger import ledger, ledger_frame
from .matrix import diagonal, matrix_row, members, term_table
from .scores import Array, Pair, Per, Scores, checked, fact_scores, text_scores
from .shift import Shift, fact_entries, matched_shift, text_entries
from .verdict import Verdict, verdicts

if TYPE_CHECKING:
    from .run import Progress


WORDING_DRAWS = 999


@dataclass(frozen=True)
class Material:
    """Everything the findings are made from."""

    domain: Domain
    items: tuple[Item, ...]
    base: pa.Table
    tuned: Mapping[str, pa.Table]
    own: Mapping[str, tuple[str | None, str]]
    """Own specialty of each model (None: the whole domain), and where it was read from."""
    per: Per
    seed: int


@dataclass(frozen=True)
class Findings:
    models: dict[str, dict[str, Any]]
    diagonal: dict[str, Any]
    terms: list[pl.DataFrame]
    facts: list[pl.DataFrame]
    layers: int


@dataclass(frozen=True)
class _Model:
    """One tuned model beside its base."""

    own: str | None
    facts: Pair
    texts: Pair
    gains: FactGains
    fact_groups: Groups
    text_groups: Groups


def _shared(one: Scores, other: Scores, items: tuple[Item, ...], table: Any, make: Any) -> tuple[Scores, Scores]:
    """Both scores over the items that both tables hold (another tokenizer may have dropped some)."""
    if [item.id for item in one.items] == [item.id for item in other.items]:
        return one, other
    both = {item.id for item in one.items} & {item.id for item in other.items}
    kept = [item for item in items if item.id in both]
    return make(table[0], kept), make(table[1], kept)


def _model(material: Material, name: str, base_facts: Scores, base_texts: Scores) -> _Model:
    table = material.tuned[name]
    tables = (material.base, table)
    facts = Pair(
        *_shared(base_facts, fact_scores(table, material.items), material.items, tables, fact_scores), material.per
    )
    texts = Pair(
        *_shared(base_texts, text_scores(table, material.items), material.items, tables, text_scores), material.per
    )
    gains = fact_gains(facts)
    own = material.own[name][0]

    def groups(items: list[Item]) -> Groups:
        return np.array([group(item, own, material.domain.general) or "" for item in items], dtype="<U8")

    return _Model(
        own, facts, texts, gains, groups([facts.items[i] for i in gains.index]), groups(list(texts.items))
    )  # fmt: skip


def _margin(model: _Model, per: Per) -> float:
    """The smallest effect of interest in `per`'s unit: `MARGIN` nats per token of a typical true answer."""
    if per == "token" or not len(model.gains.index):
        return MARGIN
    base = model.facts.base
    tokens, length = (np.nanmean(values[model.gains.index, :, 0]) for values in (base.tokens, base.length(per)))
    return float(MARGIN * tokens / length)


def _knowledge(model: _Model, per: Per, seed: int, cue: int | None = None) -> Knowledge:
    """Over all wordings, or of wording `cue` alone (shown beside, so with fewer draws)."""
    whole = model.own is None
    draws = {} if cue is None else {"draws": WORDING_DRAWS, "permutations": WORDING_DRAWS}
    return measure(
        centre(model.facts, model.gains, cue),
        model.fact_groups == "own",
        model.fact_groups == ("general" if whole else "other"),
        model.gains.clusters,
        seed,
        unit=model.facts.unit,
        margin=_margin(model, per),
        whole_domain=whole,
        **draws,
    )


def _shift(model: _Model, per: Per, seed: int) -> Shift:
    """From the text view where the domain has texts with controls, else from the facts."""
    own_tuned = model.own is not None
    margin = _margin(model, per)
    texts = text_entries(model.texts, model.text_groups, own_tuned)
    if texts.domain.any() and not texts.domain.all():
        return matched_shift(texts, text_clusters(model.texts), "text", model.texts.unit, margin, seed)
    facts = fact_entries(model.facts, model.gains, model.fact_groups, own_tuned)
    return matched_shift(facts, model.gains.answers, "fact", model.facts.unit, margin, seed)


def _sentence(name: str, domain: Domain, own: str | None, verdict: Verdict, counts: dict[str, Any]) -> str:
    """What happened, in plain words."""
    subject = domain.specialties[own].name.lower() if own else domain.name
    moved = {
        "yes": f"{name} moved towards the domain ({domain.name})",
        "no": f"{name} did not move towards the domain ({domain.name})",
        "unclear": f"whether {name} moved towards the domain ({domain.name}) cannot be told",
    }[verdict.shift.state]
    learned = {
        "yes": f"it learned {subject} facts",
        "no": f"no sign that it learned {subject} facts beyond that",
        "unclear": f"whether it learned {subject} facts cannot be told",
    }[verdict.knowledge.state]
    own_counts, other = counts["own"], counts["other"]
    expected = other["learned"] / other["unknown"] * own_counts["unknown"] if other["unknown"] else None
    beside = f", {expected:.0f} expected from the other specialties" if expected is not None else ""
    return (
        f"{moved}; {learned}: {own_counts['learned']} of {own_counts['unknown']} unknown facts learned{beside}, "
        f"{own_counts['lost']} of {own_counts['known']} known facts lost."
    )


def _json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.json() for name, estimate in estimates.items()}


def _layers(ladder: Ladder) -> dict[str, Any]:
    return {name: [estimate.json() for estimate in every] for name, every in ladder.by_layer.items()}


def conclude(material: Material, progress: Progress | None = None) -> Findings:
    """Ladder, knowledge, shift, ledger and matrix of every model, then the verdicts over all of them.

    Raises `ItemError` where a score table holds a log-probability that is not finite.
    """
    for name, table in {"the base": material.base, **material.tuned}.items():
        checked(table, name)
    names = list(material.domain.specialties)
    base_facts, base_texts = (make(material.base, material.items) for make in (fact_scores, text_scores))
    models = {name: _model(material, name, base_facts, base_texts) for name in material.tuned}
    seed, per = material.seed, material.per
    knowledge: dict[str, Knowledge] = {}
    shift: dict[str, Shift] = {}
    parts: dict[str, dict[str, Any]] = {}
    terms, facts = [], []
    for step, (name, model) in enumerate(models.items()):
        if progress:
            progress("statistics", step, len(models))
        own_tuned = model.own is not None
        ladder = fact_ladder(model.facts, model.gains, model.fact_groups, own_tuned, seed)
        text = text_ladder(model.texts, model.text_groups, own_tuned, seed)
        knowledge[name], shift[name] = _knowledge(model, per, seed), _shift(model, per, seed)
        frame = ledger_frame(name, model.facts, model.gains, model.fact_groups)
        counts = ledger(frame)
        facts.append(frame)
        terms.append(term_table(name, model.texts))
        cues = model.facts.base.logprob.shape[1] if len(model.gains.index) else 0
        wordings = [(cue, _knowledge(model, per, seed, cue)) for cue in range(cues)] if cues > 1 else []
        parts[name] = {
            "own": model.own,
            "rungs": _json(ladder.rungs),
            "text_rungs": _json(text.rungs),
            "total": ladder.total.json(),
            "text_total": text.total.json(),
            **{
                key: ladder.extra.get(key, Estimate.missing("no other specialties to compare with")).json()
                for key in ("specific_margin", "transferable")
            },
            "specific_knowledge": knowledge[name].specific.json(),
            "margin_gain": knowledge[name].margin_gain.json(),
            "sharpening": knowledge[name].slope,
            "matrix": {
                specialty: _json(row)
                for specialty, row in matrix_row(model.facts, model.gains, model.texts, names, seed).items()
            },
            "by_layer": {"fact": _layers(ladder), "text": _layers(text)},
            "ledger": counts,
            "wordings": [
                {"cue": cue, "specific_knowledge": found.specific.json(), "margin_gain": found.margin_gain.json()}
                for cue, found in wordings
            ],
        }
    out = {}
    for name, verdict in verdicts(knowledge, shift).items():
        moved = shift[name]
        out[name] = {
            "own": models[name].own,
            "verdict": verdict.verdict,
            "sentence": _sentence(name, material.domain, models[name].own, verdict, parts[name]["ledger"]),
            "missing": list(verdict.missing),
            "knowledge": {"state": verdict.knowledge.state, "why": verdict.knowledge.why},
            "shift": {
                "state": verdict.shift.state,
                "why": verdict.shift.why,
                "view": moved.view,
                "matched": moved.matched.json(),
                "temperature": moved.temperature,
                "predicted": moved.predicted,
                "support": moved.support,
            },
            **parts[name],
        }
    layers = 0 if base_facts.lens is None and base_texts.lens is None else _count_layers(base_facts, base_texts)
    return Findings(out, _diagonals(models, names, material), terms, facts, layers)


def _count_layers(*every: Scores) -> int:
    return max(scores.lens.shape[-1] for scores in every if scores.lens is not None)


def _members(items: Sequence[Item], names: list[str]) -> Array:
    """[items, specialties]: as `members`, common items belonging to none."""
    return members([() if len(item.specialties) >= COMMON else item.specialties for item in items], names)


def _diagonals(models: Mapping[str, _Model], names: list[str], material: Material) -> dict[str, Any]:
    """γ over the models, for terms in text and for the margins of facts."""
    first = next(iter(models.values()))
    same = all(
        m.texts.items == first.texts.items and np.array_equal(m.gains.index, first.gains.index) for m in models.values()
    )
    if not same or len(models) < 2:
        why = "two models on the same items, tuned on different specialties, are needed"
        return {view: Estimate.missing(why).json() for view in ("term", "fact")}
    terms = np.array([item.kind == "term" for item in first.texts.items], dtype=bool)
    texts = _members(first.texts.items, names) * terms[:, None]
    facts = _members([first.facts.items[i] for i in first.gains.index], names)
    margin = {name: (m.gains.true[:, 0] - m.gains.wrong[:, 0], m.own) for name, m in models.items()}
    gain = {name: (m.texts.gain, m.own) for name, m in models.items()}
    seed = material.seed
    return {
        "term": diagonal(gain, texts, text_clusters(first.texts), names, first.texts.unit, seed).json(),
        "fact": diagonal(margin, facts, first.gains.clusters, names, first.facts.unit, seed).json(),
    }  # fmt: skip
