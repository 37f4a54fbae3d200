"""The verdict rule, as a table a person can read. Written by `probes.runs.compare`, read by reports and the command.

knowledge  yes      permutation of whole relations p ≤ .01 (Holm over the run's models); the own unknown facts' plain
                    gain above zero; and of the clearly unknown own facts at least two became clearly known, 5 points
                    more than of the other specialties' (and Fisher's exact p ≤ .01)
           no       one-sided test at .05 (Holm): acquired below the smallest effect of interest, which is 5 % of the
                    unknown facts learned
           unclear  otherwise; and always with fewer than 20 own or 60 other facts that the base did not know, fewer
                    than 3 own or 20 other relations, shares known that differ by more than 25 points, or where one
                    relation alone carries the effect
           kind     acquired where yes; else reinforced or lost where the known own facts' interval lies above or
                    below zero; else none, or unclear

shift      D1       other less contrast, like with like      each: no below +0.10 beyond the prediction of temperature
           D0       other, absolute, and its plain gain      (.025, Holm), else yes above zero and above it (.025, Holm)
           yes      towards the domain: D1 and D0
           no       narrowed: D1, and D0 no; none: D1 no
           unclear  otherwise; and always with fewer than 30 concepts

knowledge  shift    verdict
yes        yes      both
yes        no / ?   knowledge injection
no         yes      domain shift
no         no       neither
else                cannot tell, with what is missing

Beside each answer stands the smallest effect that its test could see at the level of Holm's first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

from ..results.estimate import Estimate
from ..results.findings import (
    Detectable,
    KnowledgeFinding,
    KnowledgeKind,
    LearnedShare,
    ShiftFinding,
    ShiftKind,
    State,
)
from .detectable import detectable
from .fact_scores import CONSTANT
from .knowledge import SMALLEST_SHARE, Knowledge
from .relations import permutation_p
from .resample import holm
from .shift import SUPPORT, Shift

KNOWLEDGE_LEVEL = 0.01
ABSENCE_LEVEL = 0.05
SHIFT_LEVEL = 0.025
OWN_UNKNOWN, OTHER_UNKNOWN = 20, 60
"""Facts that the base did not know."""
OWN_RELATIONS, OTHER_RELATIONS = 3, 20
KNOWN_DIFFERENCE = 0.25
"""Most that the shares of facts known to the base may differ."""
LEARNED = 2
"""Own facts that must have become clearly known."""
LEARNED_LEVEL = 0.01
"""Of Fisher's exact test that the own share learned is above the others': where a tune shakes every fact, some of
them seem learned anywhere."""
SHIFT_CONCEPTS = 30

VERDICTS: dict[tuple[State, State], str] = {
    ("yes", "yes"): "both",
    ("yes", "no"): "knowledge injection",
    ("yes", "unclear"): "knowledge injection",
    ("no", "yes"): "domain shift",
    ("no", "no"): "neither",
}
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """The answers to both questions, and the word for them."""

    verdict: str
    knowledge: KnowledgeFinding
    shift: ShiftFinding
    missing: tuple[str, ...] = ()


Answer = tuple[State, str]
"""The state, and why."""


def too_little(found: Knowledge) -> str:
    """Return why the question cannot be put to these facts; empty where it can."""
    name, facts, known = found.reference, found.facts, found.known
    unknown = tuple(all_facts - knew for all_facts, knew in zip(facts, known, strict=True))
    for side, count, least in zip(("own", name), facts, (OWN_UNKNOWN, OTHER_UNKNOWN), strict=True):
        if not count:
            return f"there are no usable {side} facts; {least} that the base does not know are needed"
    if unknown[0] < OWN_UNKNOWN or unknown[1] < OTHER_UNKNOWN:
        return (
            f"the base knew {known[0]} of {facts[0]} own facts: {unknown[0]} were left to learn, and {unknown[1]} of "
            f"{facts[1]} {name} ones; {OWN_UNKNOWN} own and {OTHER_UNKNOWN} {name} facts unknown to the base are needed"
        )
    if found.own_relations < OWN_RELATIONS or found.reference_relations < OTHER_RELATIONS:
        return (
            f"{found.own_relations} own and {found.reference_relations} {name} relations with facts clearly unknown "
            f"to the base; {OWN_RELATIONS} and {OTHER_RELATIONS} are needed"
        )
    if not found.acquired.known:
        return found.acquired.note or "what was acquired cannot be estimated"
    shares = [knew / all_facts for all_facts, knew in zip(facts, known, strict=True)]
    if abs(shares[0] - shares[1]) > KNOWN_DIFFERENCE:
        return (
            f"the base knew {shares[0]:.0%} of the own facts and {shares[1]:.0%} of the {name} ones: too unlike to be "
            "compared"
        )
    return ""


def _knowledge(found: Knowledge, p_yes: float, p_no: float) -> Answer:
    if why := too_little(found):
        return ("unclear", why)
    value, gain, learned = found.acquired, found.own_gain, found.learned
    limit = f"{found.margin:+.2g}"
    shown = f"acquired {value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}] {value.unit}"
    facts = (
        f"{learned.own.hits} of {learned.own.n} clearly unknown facts learned, "
        f"{learned.reference.hits} of {learned.reference.n} {found.reference} ones"
    )
    above = p_yes <= KNOWLEDGE_LEVEL and (gain.value or 0) > 0
    enough = (
        learned.own.hits >= LEARNED
        and (learned.excess or 0) >= SMALLEST_SHARE
        and _more_learned_p(learned) <= LEARNED_LEVEL
    )
    alone = f"{shown}: learned {found.carriers[0]}, nothing seen elsewhere; {facts}" if found.carried_by_one else ""
    if above and enough and alone:
        return ("unclear", alone)
    if above and enough:
        return ("yes", f"{shown}, permutation p = {p_yes:.2g}; {facts}")
    if p_no <= ABSENCE_LEVEL:
        return ("no", f"{shown}, below {limit} (p = {p_no:.4f}); {facts}")
    if alone:
        return ("unclear", alone)
    if above:
        return ("unclear", f"{shown}, permutation p = {p_yes:.2g}, but too few facts became known: {facts}")
    return ("unclear", f"{shown}: neither above zero (p = {p_yes:.4f}) nor below {limit} (p = {p_no:.4f}); {facts}")


def _more_learned_p(learned: LearnedShare) -> float:
    """Return Fisher's exact one-sided p of the own share learned being above the reference's."""
    sides = learned.own, learned.reference
    found = stats.fisher_exact([[side.hits, side.n - side.hits] for side in sides], alternative="greater")
    return float(found.pvalue)


def _kind(state: State, found: Knowledge) -> KnowledgeKind:
    if state == "yes":
        return "acquired"
    if (found.reinforced.low or 0) > CONSTANT:
        return "reinforced"
    if (found.reinforced.high or 0) < -CONSTANT and (found.own_kept.high or 0) < -CONSTANT:
        return "lost"
    return "none" if state == "no" else "unclear"


def _part(value: Estimate, p: float, p_no: float) -> State:
    """Return whether one part of the shift is there; *no* is looked at first, for every re-training moves it."""
    if not value.known:
        return "unclear"
    if p_no <= SHIFT_LEVEL:
        return "no"
    return "yes" if p <= SHIFT_LEVEL else "unclear"


def _shift(found: Shift, p: tuple[float, float], p_no: tuple[float, float]) -> tuple[State, ShiftKind, str]:
    over, absolute = found.over_contrast, found.absolute
    if not over.known or not absolute.known:
        return "unclear", "unclear", over.note or absolute.note
    if over.n < SHIFT_CONCEPTS:
        return "unclear", "unclear", f"{over.n} of the domain's concepts; {SHIFT_CONCEPTS} are needed"
    parts = _part(over, p[0], p_no[0]), _part(absolute, p[1], p_no[1])
    beside = "the contrast's" if found.contrast == "contrast" else "general"
    shown = (
        f"the domain's targets gained {over.value:+.3f} [{over.low:+.3f}, {over.high:+.3f}] {over.unit} beyond "
        f"{beside} ones like them and {absolute.value:+.3f} [{absolute.low:+.3f}, {absolute.high:+.3f}] in absolute "
        f"terms, over {found.view}s; general ones {_signed(found.general)}; temperature {found.temperature:.2f} alone "
        f"gives {found.predicted:+.3f}"
    )
    if found.support < SUPPORT:
        shown += f"; of the {found.support:.0%} of targets that have counterparts"
    if parts == ("yes", "yes"):
        return "yes", "towards the domain", shown
    if parts == ("yes", "no"):
        return "no", "narrowed", f"{shown}: the domain held while the rest faded"
    if parts[0] == "no":
        return "no", "none", shown
    return "unclear", "unclear", shown


def _signed(value: Estimate) -> str:
    return "are missing" if value.value is None else f"{value.value:+.3f}"


def _detectable_knowledge(found: Knowledge, models: int) -> Detectable | None:
    return detectable(
        found.errors,
        KNOWLEDGE_LEVEL / models,
        ABSENCE_LEVEL / models,
        concepts=found.acquired.n,
        margin=found.margin,
        unit=found.acquired.unit,
        least=OWN_UNKNOWN,
    )


def _detectable_shift(found: Shift, models: int) -> Detectable | None:
    level = SHIFT_LEVEL / models
    n, unit = found.over_contrast.n, found.over_contrast.unit
    return detectable(found.errors, level, level, concepts=n, margin=found.margin, unit=unit)


def _shift_finding(found: Shift, answer: tuple[State, ShiftKind, str], models: int) -> ShiftFinding:
    state, kind, why = answer
    return ShiftFinding(
        state=state,
        kind=kind,
        why=why,
        detectable=_detectable_shift(found, models),
        view=found.view,
        contrast=found.contrast,
        over_contrast=found.over_contrast,
        absolute=found.absolute,
        general=found.general,
        towards_own=found.towards_own,
        gradient=found.gradient,
        temperature=found.temperature,
        predicted=found.predicted,
        support=found.support,
    )


def _knowledge_finding(found: Knowledge, answer: Answer, models: int) -> KnowledgeFinding:
    state, why = answer
    return KnowledgeFinding(
        state=state,
        why=why,
        detectable=_detectable_knowledge(found, models),
        kind=_kind(state, found),
        learned=found.learned,
        relations=found.carriers,
        wording=found.wording,
        threshold=found.threshold,
        own_unknown=found.facts[0] - found.known[0],
        own_known=found.known[0],
        testable=not too_little(found),
    )


def _missing(knowledge: KnowledgeFinding, found: Knowledge, shift: ShiftFinding) -> tuple[str, ...]:
    """Return advice on each answer that is unclear."""
    lines = []
    if knowledge.state == "unclear":
        lines.append(f"knowledge: {_more_facts(knowledge, found)}")
    if shift.state == "unclear":
        lines.append(f"shift: {_more_targets(shift)}")
    return tuple(lines)


def _more_facts(finding: KnowledgeFinding, found: Knowledge) -> str:
    if not finding.testable:
        return finding.why
    if found.carried_by_one:
        return f"ask more facts of other relations than {found.carriers[0]}"
    return "ask more facts that the base does not know" + _visible(finding.detectable)


def _more_targets(finding: ShiftFinding) -> str:
    if not finding.over_contrast.known or not finding.absolute.known or finding.over_contrast.n < SHIFT_CONCEPTS:
        return finding.why
    return "score more of the domain's terms and of its contrast's" + _visible(finding.detectable)


def _visible(could: Detectable | None) -> str:
    return f" ({could})" if could else ""


def verdicts(knowledge: Mapping[str, Knowledge], shift: Mapping[str, Shift], seed: int = 0) -> dict[str, Verdict]:
    """Return the verdict on every model of a run; Holm's correction runs over the run's models."""
    models = list(knowledge)

    def corrected(p_values: list[float | None]) -> dict[str, float]:
        return dict(zip(models, holm([1.0 if p is None else p for p in p_values]), strict=True))

    learned_p = corrected([_p(knowledge[m], seed, len(models)) for m in models])
    not_learned_p = corrected([knowledge[m].below_margin_p for m in models])
    moved_p = [corrected([of.p for of in (shift[m].over_contrast for m in models)])]
    moved_p += [corrected([shift[m].absolute.p for m in models])]
    not_moved_p = [corrected([shift[m].below_margin_p[part] for m in models]) for part in (0, 1)]
    out = {}
    for m in models:
        answer = _knowledge(knowledge[m], learned_p[m], not_learned_p[m])
        learned = _knowledge_finding(knowledge[m], answer, len(models))
        moved = _shift(shift[m], (moved_p[0][m], moved_p[1][m]), (not_moved_p[0][m], not_moved_p[1][m]))
        shifted = _shift_finding(shift[m], moved, len(models))
        verdict = VERDICTS.get((learned.state, shifted.state), CANNOT_TELL)
        missing = _missing(learned, knowledge[m], shifted) if verdict == CANNOT_TELL else ()
        out[m] = Verdict(verdict, learned, shifted, missing)
    return out


def _p(found: Knowledge, seed: int, models: int) -> float | None:
    """Return p with permutations enough for Holm's first step over so many models."""
    p = found.acquired.p
    if p is None or found.blocks is None or models == 1 or p > KNOWLEDGE_LEVEL:
        return p
    return permutation_p(found.blocks, seed, models)
