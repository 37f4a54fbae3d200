"""The calibration's line that fits a run: how often a verdict like this one was wrong, with as many facts.

Read by `probes.runs.compare`. Knows neither torch nor scipy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "calibration.json"
OURS = "specific_knowledge"


@dataclass(frozen=True)
class Evidence:
    """What a run says, as far as its error rate hangs on it."""

    knowledge: str
    """yes, no or unclear; so `shift`."""
    shift: str
    view: str
    """Where the shift was read: text or fact."""
    learned: float | None
    """Share of all own facts that were learned, beyond what other specialties learned: what an arm's dose counts."""
    others: int
    """Facts of other specialties."""

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Evidence:
        """Of one model's part of `comparison.json`."""
        own, other = (_learned(model["ledger"].get(group) or {}) for group in ("own", "other"))
        learned = None if own is None else max(0.0, own - (other or 0.0))
        others = (model["ledger"].get("other") or {}).get("facts") or 0
        return cls(model["knowledge"]["state"], model["shift"]["state"], model["shift"]["view"], learned, others)


def _learned(counts: Mapping[str, Any]) -> float | None:
    return counts["learned"] / counts["facts"] if counts.get("facts") else None


@lru_cache(maxsize=1)
def packaged() -> dict[str, Any] | None:
    """The calibration that comes with the package; None where it has none."""
    if not FILE.is_file():
        return None
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def line(calibration: Mapping[str, Any] | None, n_own_concepts: int, evidence: Evidence) -> dict[str, Any] | None:
    """A sentence on the error rate of a run's verdict, and its numbers; None where nothing was measured.

    Rates are those of the largest calibrated number of own facts that the run reaches. Where it has fewer than the
    smallest, or fewer facts of other specialties than those models had, nothing is known, and the sentence says so. The
    dose is the largest calibrated one that the run's ledger reaches.
    """
    if calibration is None:
        return None
    sizes = sorted(calibration["sizes"])
    size = max((one for one in sizes if one <= n_own_concepts), default=sizes[0])
    key = str(size)
    arms: Mapping[str, Any] = calibration["arms"]
    # What was re-trained on its own kind of text has not moved; of the other arms the truth of a shift is not known.
    null = arms.get("null")
    nothing = {name: arm["sizes"][key]["knowledge"][OURS] for name, arm in arms.items() if arm["truth"] == "nothing"}
    worst = max(nothing, key=lambda name: nothing[name]["rate"] or 0.0, default=None)
    again = next((arm for arm in arms.values() if arm["truth"] == "reinforced"), None)
    power = _power(arms, key, evidence.learned)
    numbers: dict[str, Any] = {
        "own_facts": n_own_concepts,
        "calibrated_at": size,
        "other_facts": evidence.others,
        "calibrated_beside": calibration["others"][key],
        "reached": n_own_concepts >= size and evidence.others >= calibration["others"][key],
        "false_knowledge": calibration["false_knowledge"][key][OURS],
        "worst_arm": worst and {"arm": worst, **nothing[worst]},
        "false_shift": null and (null["text_shift"] if evidence.view == "text" else null["sizes"][key]["shift"]),
        "dose": power and power["dose"],
        "power": power and power["yes"],
        "missed": power and power["no"],
        "reinforced": again and again["sizes"][key]["knowledge"][OURS],
    }
    return {"sentence": _sentence(numbers, evidence), "brief": _brief(numbers, evidence), **numbers}


def _power(arms: Mapping[str, Any], key: str, learned: float | None) -> dict[str, Any] | None:
    """How often injected knowledge was seen, and denied, at the dose that the run's ledger reaches, else the least."""
    doses = sorted((arm["dose"], name) for name, arm in arms.items() if name.startswith("injection"))
    if not doses:
        return None
    reached = [(dose, name) for dose, name in doses if learned is not None and dose <= learned]
    dose, name = (reached or doses[:1])[-1]
    found = arms[name]["sizes"][key]
    return {"dose": dose, "yes": found["knowledge"][OURS], "no": found["no_knowledge"]}


def _of(rate: Mapping[str, Any]) -> str:
    return f"{rate['hits']} of {rate['n']} (95 % interval {rate['low']:.1%} to {rate['high']:.1%})"


def _brief(numbers: Mapping[str, Any], evidence: Evidence) -> str:
    """The rates that the verdict hangs on, for those who have a minute."""
    if not numbers["reached"]:
        return "not known: fewer facts than were calibrated"
    said = [("knowledge wrongly said", numbers["false_knowledge"], "that learned nothing")]
    if evidence.knowledge == "no" and numbers["missed"]:
        said.append(("denied", numbers["missed"], f"taught {numbers['dose']:.0%} of the facts"))
    if evidence.knowledge == "yes" and numbers["reinforced"]:
        said.append(("also", numbers["reinforced"], "taught again what their base knew"))
    if numbers["false_shift"]:
        said.append(("a shift wrongly said", numbers["false_shift"], "re-trained on their own text"))
    counts = [f"{what} of {rate['hits']} of {rate['n']} {which}" for what, rate, which in said if rate["n"]]
    return f"{'; '.join(counts)} (models of known truth)"


def _sentence(numbers: Mapping[str, Any], evidence: Evidence) -> str:
    parts = []
    if numbers["false_knowledge"]["n"]:
        worst = numbers["worst_arm"]
        most = f" (most in one kind: {worst['arm']}, {worst['hits']} of {worst['n']})" if worst["hits"] else ""
        parts.append(f"knowledge was wrongly said of {_of(numbers['false_knowledge'])} that had learned nothing{most}")
    if numbers["power"]:
        dose = f"{numbers['dose']:.0%} of the facts"
        seen = f"rightly of {_of(numbers['power'])} taught {dose}"
        denied = f", and denied of {numbers['missed']['hits']}" if evidence.knowledge == "no" else ""
        parts.append(seen + denied)
    if evidence.knowledge == "yes" and (again := numbers["reinforced"]) and again["hits"]:
        parts.append(
            f"also of {again['hits']} of {again['n']} that were taught again what their base knew (how many facts are "
            "new stands in the ledger)"
        )
    if numbers["false_shift"] and numbers["false_shift"]["n"]:
        parts.append(f"a domain shift was wrongly said of {_of(numbers['false_shift'])} re-trained on their own text")
    least = (
        ""
        if numbers["reached"]
        else f" This run has {numbers['own_facts']} own concepts and {numbers['other_facts']} facts beside them, fewer "
        "than were calibrated: its error rates are not known, and no better."
    )
    about = f"{numbers['calibrated_at']} own facts and {numbers['calibrated_beside']} beside them"
    return f"Of calibration models with {about}, {'; '.join(parts)}.{least}"
