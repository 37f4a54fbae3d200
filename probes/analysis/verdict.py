"""The verdict rule, as a table a person can read. Written by `probes.runs.compare`, read by reports and the command.

knowledge  yes      permutation p ≤ .01 of the centred residual, own against other (Holm over the run's models),
                    and the plain centred margin gain of the own facts above zero
           no       one-sided test at .05 (Holm): specific knowledge below +0.10 nats per token
           unclear  otherwise; and always with fewer than 30 own or 60 other concepts, or where the base margins
                    of the other facts do not cover those of the own ones
shift      no       one-sided test at .025 (Holm): below +0.10 nats per token beyond the temperature's prediction, or
                    beyond zero where that is the greater; also where it is above zero, for every re-training moves it
           yes      else, where the matched rung is above zero and above the temperature's prediction, at .025 (Holm)
           unclear  otherwise; and always with fewer than 30 concepts, or where too few general targets are like the
                    domain's

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

from ..results.findings import Detectable, Finding, ShiftFinding, State
from .detectable import detectable
from .knowledge import COVERED, Knowledge
from .resample import holm
from .shift import SUPPORT, Shift

KNOWLEDGE_LEVEL = 0.01
ABSENCE_LEVEL = 0.05
SHIFT_LEVEL = 0.025
OWN_CONCEPTS = 30
OTHER_CONCEPTS = 60
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
    knowledge: Finding
    shift: ShiftFinding
    missing: tuple[str, ...] = ()


Answer = tuple[State, str]
"""The state, and why."""


def _knowledge(found: Knowledge, p_yes: float, p_no: float) -> Answer:
    if found.own_concepts < OWN_CONCEPTS or found.other_concepts < OTHER_CONCEPTS:
        return (
            "unclear",
            f"{found.own_concepts} own and {found.other_concepts} {found.beside} concepts with usable facts; "
            f"{OWN_CONCEPTS} and {OTHER_CONCEPTS} are needed",
        )
    if not found.specific.known:
        return ("unclear", found.specific.note or "specific knowledge cannot be estimated")
    if found.covered < COVERED:
        return ("unclear", f"only {found.covered:.0%} of own facts have a base margin within the range of the others'")
    value, gain = found.specific, found.margin_gain
    limit = f"{found.margin:+.2g}"
    shown = f"specific knowledge {value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}] {value.unit}"
    above = p_yes <= KNOWLEDGE_LEVEL
    if above and (gain.value or 0) > 0:
        return ("yes", f"{shown}, permutation p = {p_yes:.4f}; own margins gained {gain.value:+.3f}")
    if p_no <= ABSENCE_LEVEL:
        lost = "; clearly negative: other specialties learned more, or own facts were lost"
        return ("no", f"{shown}, below {limit} (p = {p_no:.4f})" + (lost if (value.high or 0) < 0 else ""))
    if above:
        gained = "unknown" if gain.value is None else f"{gain.value:+.3f}"
        return ("unclear", f"{shown}, permutation p = {p_yes:.4f}, but own margins did not gain ({gained})")
    return ("unclear", f"{shown}: neither above zero (p = {p_yes:.4f}) nor below {limit} (p = {p_no:.4f})")


def _shift(found: Shift, p: float, p_no: float) -> Answer:
    if not found.matched.known:
        return ("unclear", found.matched.note)
    if found.matched.n < SHIFT_CONCEPTS:
        return ("unclear", f"{found.matched.n} of the domain's concepts; {SHIFT_CONCEPTS} are needed")
    if found.support < SUPPORT:
        return ("unclear", f"only {found.support:.0%} of the domain's targets have general ones like them")
    value = found.matched
    shown = (
        f"matched rung {value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}] {value.unit} over {found.view}s; "
        f"temperature {found.temperature:.2f} alone gives {found.predicted:+.3f}"
    )
    if p_no <= SHIFT_LEVEL:
        small = f", though above zero (p = {p:.4f})" if p <= SHIFT_LEVEL else ""
        return ("no", f"{shown}; below {found.margin:+.2g} (p = {p_no:.4f}){small}")
    if p <= SHIFT_LEVEL:
        return ("yes", f"{shown}; p = {p:.4f}")
    return ("unclear", f"{shown}; p = {p:.4f}, p of absence = {p_no:.4f}")


def _detectable_knowledge(found: Knowledge, models: int) -> Detectable | None:
    return detectable(
        found.errors,
        KNOWLEDGE_LEVEL / models,
        ABSENCE_LEVEL / models,
        concepts=found.own_concepts,
        margin=found.margin,
        unit=found.specific.unit,
        least=OWN_CONCEPTS,
    )


def _detectable_shift(found: Shift, models: int) -> Detectable | None:
    level = SHIFT_LEVEL / models
    n, unit = found.matched.n, found.matched.unit
    return detectable(found.errors, level, level, concepts=n, margin=found.margin, unit=unit)


def _shift_finding(found: Shift, answer: Answer, models: int) -> ShiftFinding:
    state, why = answer
    return ShiftFinding(
        state=state,
        why=why,
        detectable=_detectable_shift(found, models),
        view=found.view,
        matched=found.matched,
        temperature=found.temperature,
        predicted=found.predicted,
        support=found.support,
    )


def verdicts(knowledge: Mapping[str, Knowledge], shift: Mapping[str, Shift]) -> dict[str, Verdict]:
    """Return the verdict on every model of a run; Holm's correction runs over the run's models."""
    models = list(knowledge)

    def corrected(p_values: list[float | None]) -> dict[str, float]:
        return dict(zip(models, holm([1.0 if p is None else p for p in p_values]), strict=True))

    learned_p = corrected([knowledge[m].specific.p for m in models])
    not_learned_p = corrected([knowledge[m].below_margin_p for m in models])
    moved_p = corrected([shift[m].matched.p for m in models])
    not_moved_p = corrected([shift[m].below_margin_p for m in models])
    out = {}
    for m in models:
        state, why = _knowledge(knowledge[m], learned_p[m], not_learned_p[m])
        learned = Finding(state=state, why=why, detectable=_detectable_knowledge(knowledge[m], len(models)))
        shifted = _shift_finding(shift[m], _shift(shift[m], moved_p[m], not_moved_p[m]), len(models))
        verdict = VERDICTS.get((learned.state, shifted.state), CANNOT_TELL)
        missing: tuple[str, ...] = ()
        if verdict == CANNOT_TELL:
            missing = tuple(
                f"{name}: {finding.why}" + (f" ({finding.detectable})" if finding.detectable else "")
                for name, finding in (("knowledge", learned), ("shift", shifted))
                if finding.state == "unclear"
            )
        out[m] = Verdict(verdict, learned, shifted, missing)
    return out
