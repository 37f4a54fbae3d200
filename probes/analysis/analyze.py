"""What a comparison finds: score tables of base and tuned models in, the parts of `comparison.json` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...terms.domain import Domain
from ...terms.items import Item
from ...terms.select import COMMON
from ...terms.training import Seen
from ..results.estimate import Estimate
from .additivity import additivity
from .controls import terms_against_words
from .exposure import exposure
from .knowledge import Knowledge
from .ladder import Ladder, fact_ladder, other_units, text_clusters, text_ladder
from .ledger import by_specialty, ledger, ledger_frame
from .matrix import diagonal, matrix_row, members, term_tables
from .pair import AnalysisInputs, ModelPair, pair_up
from .recipe import smedqa
from .scores import Array, Scores, checked
from .shift import Shift
from .strata import strata, thirds
from .verdict import Finding, Verdict, verdicts
from .views import views
from .wordings import wordings

if TYPE_CHECKING:
    from ..runs.directory import Progress

__all__ = ["AnalysisInputs", "Findings", "analyze"]


@dataclass(frozen=True)
class Findings:
    models: dict[str, dict[str, Any]]
    diagonal: dict[str, Any]
    terms: list[pl.DataFrame]
    facts: list[pl.DataFrame]
    layers: int


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
    counted = [
        f"{own_counts['learned']} of {own_counts['unknown']} unknown facts learned{beside}",
        f"{own_counts['lost']} of {own_counts['known']} known facts lost",
    ]
    there = [text for text, of in zip(counted, ("unknown", "known"), strict=True) if own_counts[of]]
    return f"{moved}; {learned}: {', '.join(there) or 'no facts of it were asked'}."


def _json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.json() for name, estimate in estimates.items()}


def _rungs(facts: Ladder, texts: Ladder) -> dict[str, Any]:
    rungs = {"rungs": _json(facts.rungs), "text_rungs": _json(texts.rungs)}
    return {**rungs, "total": facts.total.json(), "text_total": texts.total.json()}


def _finding(found: Finding) -> dict[str, Any]:
    seen = found.detectable
    return {"state": found.state, "why": found.why, "detectable": seen.json() if seen else None}


def _layers(ladder: Ladder) -> dict[str, Any]:
    return {name: [estimate.json() for estimate in every] for name, every in ladder.by_layer.items()}


def analyze(material: AnalysisInputs, progress: Progress | None = None) -> Findings:
    """Ladder, knowledge, shift, ledger and matrix of every model, then the verdicts over all of them.

    Raises `ItemError` where a score table holds a log-probability that is not finite.
    """
    for name, table in {"the base": material.base, **material.tuned}.items():
        checked(table, name)
    models = pair_up(material)
    knowledge: dict[str, Knowledge] = {}
    shift: dict[str, Shift] = {}
    parts: dict[str, dict[str, Any]] = {}
    facts = []
    for step, (name, model) in enumerate(models.items()):
        if progress:
            progress("statistics", step, len(models))
        knowledge[name], shift[name] = model.knowledge(), model.shift()
        seen = material.seen.get(name)
        facts.append(_ledger_frame(name, model, seen))
        parts[name] = _parts(model, knowledge[name], facts[-1], material.domain, seen)
    seen_terms = {name: seen.terms for name, seen in material.seen.items() if seen}
    terms = term_tables({name: model.texts for name, model in models.items()}, seen_terms)
    out = {}
    for name, verdict in verdicts(knowledge, shift).items():
        moved = shift[name]
        out[name] = {
            "own": models[name].own,
            "verdict": verdict.verdict,
            "sentence": _sentence(name, material.domain, models[name].own, verdict, parts[name]["ledger"]),
            "missing": list(verdict.missing),
            "knowledge": _finding(verdict.knowledge),
            "shift": {
                **_finding(verdict.shift),
                "view": moved.view,
                "matched": moved.matched.json(),
                "temperature": moved.temperature,
                "predicted": moved.predicted,
                "support": moved.support,
            },
            **parts[name],
        }
    first = next(iter(models.values()))
    names = list(material.domain.specialties)
    layers = _count_layers(first.facts.base, first.texts.base)
    return Findings(out, _diagonals(models, names, material.seed), terms, facts, layers)


def _ledger_frame(name: str, model: ModelPair, seen: Seen | None) -> pl.DataFrame:
    domain = np.isin(model.fact_groups, ["own", model.reference])
    third, _ = thirds(model.centred.margins()[0], domain)
    frame = ledger_frame(name, model.facts, model.gains, model.fact_groups, third)
    how = [seen.facts.get(item.id, "no") if seen else None for item in model.items]
    return frame.with_columns(seen=pl.Series(how, dtype=pl.String))


def _parts(
    model: ModelPair, learned: Knowledge, frame: pl.DataFrame, domain: Domain, seen: Seen | None
) -> dict[str, Any]:
    """What `comparison.json` says of one model beside its verdict."""
    names, own_tuned, seed = list(domain.specialties), model.own is not None, model.seed
    ladder = fact_ladder(model.facts, model.gains, model.fact_groups, own_tuned, seed)
    text = text_ladder(model.texts, model.text_groups, own_tuned, seed)
    none = Estimate.missing("no other specialties to compare with")
    rows = matrix_row(model.facts, model.gains, model.texts, names, seed)
    units = other_units(model.facts, model.texts, model.fact_groups, model.text_groups, own_tuned, seed)
    return {
        "own": model.own,
        **_rungs(ladder, text),
        "other_units": {per: _rungs(*both) for per, both in units.items()},
        **{key: ladder.extra.get(key, none).json() for key in ("specific_margin", "transferable")},
        "specific_knowledge": learned.specific.json(),
        "margin_gain": learned.margin_gain.json(),
        "sharpening": learned.slope,
        "views": views(model, [domain.neutral_cue(item.relation) for item in model.items]),
        "matrix": {specialty: _json(row) for specialty, row in rows.items()},
        "controls": terms_against_words(model.texts, model.controls, model.text_groups, seed),
        "smedqa": smedqa(model.occurrences, names, seed) if model.occurrences.items else None,
        "by_layer": {"fact": _layers(ladder), "text": _layers(text)},
        "ledger": {**ledger(frame), "by_specialty": by_specialty(frame, names)},
        "strata": strata(model, frame),
        "wordings": wordings(model),
        "training": exposure(model, seen, frame) if seen else None,
    }


def _count_layers(*every: Scores) -> int:
    return max((scores.lens.shape[-1] for scores in every if scores.lens is not None), default=0)


def _members(items: Sequence[Item], names: list[str]) -> Array:
    """[items, specialties]: as `members`, common items belonging to none."""
    return members([() if len(item.specialties) >= COMMON else item.specialties for item in items], names)


def _diagonals(models: Mapping[str, ModelPair], names: list[str], seed: int) -> dict[str, Any]:
    """γ over the models, for terms in text and for the margins of facts."""
    first = next(iter(models.values()))
    same = all(
        m.texts.items == first.texts.items and np.array_equal(m.gains.index, first.gains.index) for m in models.values()
    )
    if not same or len(models) < 2:
        why = "two models on the same items, tuned on different specialties, are needed"
        return {view: {**Estimate.missing(why).json(), "additivity": None} for view in ("term", "fact")}
    terms = np.array([item.kind == "term" for item in first.texts.items], dtype=bool)
    texts = _members(first.texts.items, names) * terms[:, None]
    facts = _members(first.items, names)
    margin = {name: (m.gains.true[:, 0] - m.gains.wrong[:, 0], m.own) for name, m in models.items()}
    gain = {name: (m.texts.gain, m.own) for name, m in models.items()}
    tables = {
        "term": (gain, texts, text_clusters(first.texts), first.texts.unit),
        "fact": (margin, facts, first.gains.clusters, first.facts.unit),
    }
    out = {}
    for view, (rows, member, clusters, unit) in tables.items():
        tukey = additivity(rows, member, names)
        gamma = diagonal(rows, member, clusters, names, unit, seed)
        out[view] = {**gamma.json(), "additivity": tukey.json() if tukey else None}
    return out
