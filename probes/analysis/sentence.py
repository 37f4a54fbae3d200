"""The verdict on one model in plain words: both halves, for a reader who knows no statistics.

Written for `probes.analysis.analyze`.
"""

from __future__ import annotations

from ...terms.domain import Domain
from ..results.findings import KnowledgeFinding, Ledger
from .knowledge import Knowledge
from .verdict import OWN_UNKNOWN, Verdict

FEW_RELATIONS = 3
"""Most relations that are named."""
TRAINED_WORDING = "taught"
"""What a domain calls the wording that was in the training data."""


def describe(name: str, domain: Domain, own: str | None, verdict: Verdict, found: Knowledge, ledger: Ledger) -> str:
    """Return what the model learned, and whether it moved towards the domain."""
    subject = domain.specialties[own].name.lower() if own else domain.name
    return f"{name}: {_knowledge(subject, verdict, found, ledger)}; {_shift(domain.name, verdict)}."


def _knowledge(subject: str, verdict: Verdict, found: Knowledge, ledger: Ledger) -> str:
    finding = verdict.knowledge
    if not finding.testable:
        return f"whether it learned {subject} facts cannot be told: {_untestable(finding)}"
    if finding.kind == "acquired":
        return f"it learned {_learned(subject, found)}{_where(verdict)}"
    if finding.kind == "reinforced":
        first = f"{_reinforced(subject, found)}, with {_none_new(verdict)}"
    elif finding.kind == "lost":
        own, other = ledger.own, ledger.other
        first = (
            f"it lost {own.lost} of the {own.known} {subject} facts that the base knew (other specialties: "
            f"{other.lost} of {other.known}), with {_none_new(verdict)}"
        )
    elif finding.state == "no":
        first = f"no sign that it learned {subject} facts"
    else:
        first = f"whether it learned {subject} facts cannot be told"
    alone = finding.state == "unclear" and found.carried_by_one
    one = f"; all of them on {_plain(found.carriers[0])}" if alone else ""
    return f"{first} ({_counted(found)}{one})"


def _untestable(finding: KnowledgeFinding) -> str:
    if not finding.own_known + finding.own_unknown:
        return "none could be asked"
    return f"{finding.base_knew} of them" if finding.own_unknown < OWN_UNKNOWN else finding.why


def _none_new(verdict: Verdict) -> str:
    return "no sign of new facts" if verdict.knowledge.state == "no" else "new facts in doubt"


def _reinforced(subject: str, found: Knowledge) -> str:
    """Return what became of the facts that the base knew; the interval says whether the others faded."""
    verb = "reinforced" if (found.own_kept.low or 0) > 0 else "kept"
    faded = " while it faded elsewhere" if (found.reference_kept.high or 0) < 0 else ""
    return f"it {verb} what the base knew of {subject}{faded}"


def _learned(subject: str, found: Knowledge) -> str:
    own = found.learned.own
    return f"{own.hits} of {own.n} {subject} facts that the base clearly did not know{_expected(found)}"


def _counted(found: Knowledge) -> str:
    own = found.learned.own
    return f"{own.hits} of {own.n} facts that the base clearly did not know were learned{_expected(found)}"


def _expected(found: Knowledge) -> str:
    reference, source = found.learned.reference, "the other specialties"
    if reference.rate is None:
        return ""
    if found.reference != "other":
        source = f"{found.reference} facts"
    return f", {reference.rate * found.learned.own.n:.0f} expected from {source}"


def _where(verdict: Verdict) -> str:
    """Return the relations and the wording in which facts were learned, where these are few."""
    finding, parts = verdict.knowledge, []
    if 0 < len(finding.relations) <= FEW_RELATIONS:
        parts.append(f", all of them on {_listed([_plain(name) for name in finding.relations])}")
    if finding.wording == TRAINED_WORDING:
        parts.append(", in the trained wording only")
    elif finding.wording:
        parts.append(f", in one wording only ({finding.wording})")
    return "".join(parts)


def _plain(relation: str) -> str:
    return relation.replace("_", " ")


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _shift(domain: str, verdict: Verdict) -> str:
    kind = verdict.shift.kind
    if kind == "towards the domain":
        return f"it moved towards the domain ({domain}) or fields like it"
    if kind == "narrowed":
        return f"it narrowed: the domain ({domain}) held while the rest faded"
    if kind == "none":
        return f"it did not move towards the domain ({domain})"
    return f"whether it moved towards the domain ({domain}) cannot be told"
