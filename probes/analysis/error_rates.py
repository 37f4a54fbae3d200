"""How often a verdict like this one was wrong on models of known truth, from the packaged calibration.

Read by `probes.runs.compare`. Knows neither torch nor scipy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..results.calibration import ArmCalibration, Calibration
from ..results.findings import ArmRate, Counts, ErrorRate, Rate, State
from ..results.model import ModelResult

FOLDER = Path(__file__).parent
"""Holds the calibration that comes with the package."""
OURS = "acquired"


@dataclass(frozen=True)
class Evidence:
    """What a run says, as far as its error rate depends on it."""

    knowledge: State
    shift: State
    view: str
    """Where the shift was read: text or fact."""
    learned: float | None
    """Share of all own facts that were learned, beyond what other specialties learned: what an arm's dose counts."""
    others: int
    """Facts of other specialties."""

    @classmethod
    def of(cls, model: ModelResult) -> Evidence:
        """Return the evidence of one model."""
        own, other = _learned(model.ledger.own), _learned(model.ledger.other)
        learned = None if own is None else max(0.0, own - (other or 0.0))
        return cls(model.knowledge.state, model.shift.state, model.shift.view, learned, model.ledger.other.facts)


def _learned(counts: Counts) -> float | None:
    return counts.learned / counts.facts if counts.facts else None


@lru_cache(maxsize=1)
def packaged() -> Calibration | None:
    """Return the calibration that comes with the package; None where it has none."""
    return Calibration.read(FOLDER) if (FOLDER / Calibration.FILE).is_file() else None


def error_rate_for(calibration: Calibration | None, n_own_facts: int, evidence: Evidence) -> ErrorRate | None:
    """Return the error rates of a run's verdict, with a sentence; None where nothing was measured.

    Rates are those of the largest calibrated number of own facts that the run reaches. Where it has fewer than the
    smallest, or fewer facts of other specialties than those models had, nothing is known, and the sentence says so. The
    dose is the largest calibrated one that the run's ledger reaches.

    Args:
        calibration: Rates of models of known truth.
        n_own_facts: Usable own facts of the run, known ones too, as a calibration's sizes count them.
        evidence: What the run says.
    """
    if calibration is None:
        return None
    sizes = sorted(calibration.sizes)
    size = max((one for one in sizes if one <= n_own_facts), default=sizes[0])
    key = str(size)
    arms = calibration.arms
    nothing = {name: arm.sizes[key].knowledge[OURS] for name, arm in arms.items() if arm.knowledge != "yes"}
    worst = max(nothing, key=lambda name: nothing[name].rate or 0.0, default=None)
    injected = _injected(arms, evidence.learned)
    of_size = injected.sizes[key] if injected else None
    rates = ErrorRate(
        sentence="",
        brief="",
        own_facts=n_own_facts,
        calibrated_at=size,
        other_facts=evidence.others,
        calibrated_beside=calibration.others[key],
        reached=n_own_facts >= size and evidence.others >= calibration.others[key],
        false_knowledge=calibration.false_knowledge[key][OURS],
        worst_arm=None if worst is None else ArmRate(arm=worst, **dict(nothing[worst])),
        false_shift=calibration.false_shift.get("text" if evidence.view == "text" else key),
        dose=injected.dose if injected else None,
        power=of_size.knowledge[OURS] if of_size else None,
        missed=of_size.no_knowledge if of_size else None,
    )
    return rates.model_copy(update={"sentence": _sentence(rates, evidence), "brief": _brief(rates, evidence)})


def _injected(arms: Mapping[str, ArmCalibration], learned: float | None) -> ArmCalibration | None:
    """Return the arm of the largest dose that the run's ledger reaches, else that of the least dose."""
    doses = sorted(((arm.dose, name) for name, arm in arms.items() if name.startswith("injection")))
    reached = [(dose, name) for dose, name in doses if learned is not None and dose <= learned]
    return arms[(reached or doses[:1])[-1][1]] if doses else None


def _of(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n} (95 % interval {rate.low:.1%} to {rate.high:.1%})"


def _one_in(share: float | None) -> str:
    return f"{share or 0:.0%} of the facts"


def _short(rates: ErrorRate) -> str:
    """Return which facts are fewer than the calibration models had; empty where none are."""
    few = []
    if rates.own_facts < rates.calibrated_at:
        few.append(f"{rates.own_facts} own facts (calibrated from {rates.calibrated_at})")
    if rates.other_facts < rates.calibrated_beside:
        few.append(f"{rates.other_facts} facts of other specialties (calibrated from {rates.calibrated_beside})")
    return " and ".join(few)


def _brief(rates: ErrorRate, evidence: Evidence) -> str:
    """Return the rates that the verdict depends on, for those who have a minute."""
    if not rates.reached:
        return f"not known: this run has only {_short(rates)}"
    parts = []
    if rates.false_knowledge.n:
        false = rates.false_knowledge
        parts.append(f"knowledge was wrongly claimed for {false.hits} of {false.n} that had acquired none")
    if evidence.knowledge != "yes" and rates.power and rates.power.n:
        missed = rates.power.n - rates.power.hits
        parts.append(f"missed in {missed} of {rates.power.n} that were taught {_one_in(rates.dose)}")
    if rates.false_shift and rates.false_shift.n:
        shift = rates.false_shift
        parts.append(f"a shift wrongly claimed for {shift.hits} of {shift.n} that had not moved towards the domain")
    return f"of test models whose truth is known, {'; '.join(parts)}"


def _sentence(rates: ErrorRate, evidence: Evidence) -> str:
    parts = []
    if rates.false_knowledge.n:
        worst = rates.worst_arm
        most = f" (most in one kind: {worst.arm}, {worst.hits} of {worst.n})" if worst and worst.hits else ""
        parts.append(f"knowledge was wrongly claimed for {_of(rates.false_knowledge)} that had acquired none{most}")
    if rates.power and rates.power.n:
        seen = f"it was found in {_of(rates.power)} that were taught {_one_in(rates.dose)}"
        denied = f", and denied of {rates.missed.hits}" if evidence.knowledge == "no" and rates.missed else ""
        parts.append(seen + denied)
    if rates.false_shift and rates.false_shift.n:
        parts.append(f"a shift was wrongly claimed for {_of(rates.false_shift)} that had not moved towards the domain")
    least = (
        "" if rates.reached else f" This run has only {_short(rates)}: its error rates are not known, and no better."
    )
    about = f"{rates.calibrated_at} own facts and {rates.calibrated_beside} of other specialties"
    return f"Of calibration models with {about}, {'; '.join(parts)}.{least}"
