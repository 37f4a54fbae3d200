"""Records of trained models become rates: how often each verdict, the instrument's and its rivals', was wrong.

Every rate is over models (seeds), with its Clopper-Pearson interval. The result is `calibration.json`; `docs` lays it
out for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..analysis.error_rates import OURS
from ..analysis.proportions import rate
from ..analysis.verdict import KNOWLEDGE_LEVEL
from ..results.calibration import ArmCalibration, Calibration, ShiftRates, SizeCalibration
from ..results.findings import Rate
from .arms import ARMS, BY_NAME, Arm

Record = Mapping[str, Any]
TEXT_RIVALS, FACT_RIVALS = ("terms", "perplexity"), ("own_less_other", "kr", "K", "first form")


def share(records: Sequence[Record], of: Callable[[Record], bool | None]) -> Rate:
    """Return how many of the records `of` holds for; those where it is None are not counted."""
    held = [one for one in map(of, records) if one is not None]
    return rate(sum(held), len(held))


def area(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Area under the curve: the chance that a positive's value is above a negative's, ties counting half."""
    from scipy.stats import mannwhitneyu

    if not positive or not negative:
        return None
    return float(mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative)))


def value(record: Record, size: str, statistic: str) -> float | None:
    """A statistic of one record: the instrument's estimate, or a rival's."""
    if statistic == OURS:
        found: float | None = record["samples"][size][OURS]["estimate"]
        return found
    where = record["texts"] if statistic in TEXT_RIVALS else record["samples"][size]
    return float(where["rivals"][statistic]["value"])


def says_knowledge(record: Record, size: str, statistic: str) -> bool:
    """Whether the instrument, or a rival at the same level, would say knowledge."""
    if statistic == OURS:
        return bool(record["samples"][size]["knowledge"] == "yes")
    where = record["texts"] if statistic in TEXT_RIVALS else record["samples"][size]
    return bool(where["rivals"][statistic]["p"] <= KNOWLEDGE_LEVEL)


def covered(record: Record, size: str, pool: int) -> bool | None:
    """Whether the interval of a blindly drawn sample holds the truth; None where that cannot be told.

    The truth is zero where nothing was acquired, and else the planted effect over the `pool` of own facts. A sample of
    more than half the pool holds its own estimate, so it is not asked; nor is one without an interval, nor a tune for
    the whole domain, whose own facts are whole specialties.
    """
    arm = BY_NAME[record["arm"]]
    held, truth = record["samples"][size]["blind"], 0.0
    if held["low"] is None or arm.own == "none":
        return None
    if arm.knowledge == "yes":
        truth = record["planted"]["estimate"]
        if truth is None or 2 * int(size) > pool:
            return None
    return bool(held["low"] <= truth <= held["high"])


def _mean(values: Iterable[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def _shift(verdicts: Sequence[Record]) -> ShiftRates:
    def mean(part: str) -> float | None:
        return _mean(one[part]["estimate"] for one in verdicts)

    return ShiftRates(
        yes=share(verdicts, lambda one: one["state"] == "yes"),
        no=share(verdicts, lambda one: one["state"] == "no"),
        kinds=dict(Counter(one["kind"] for one in verdicts)),
        over_contrast=mean("over_contrast"),
        absolute=mean("absolute"),
        general=mean("general"),
    )


def _arm(arm: Arm, records: Sequence[Record], sizes: Sequence[str], pool: int) -> ArmCalibration:
    by_size = {}
    for size in sizes:
        samples = [record["samples"][size] for record in records]
        by_size[size] = SizeCalibration(
            knowledge={
                statistic: share(records, lambda r, s=size, k=statistic: says_knowledge(r, s, k))  # type: ignore[misc]
                for statistic in (OURS, *TEXT_RIVALS, *FACT_RIVALS)
            },
            no_knowledge=share(samples, lambda one: one["knowledge"] == "no"),
            kinds=dict(Counter(one["kind"] for one in samples)),
            shift=_shift([one["shift"] for one in samples]),
            coverage=share(records, lambda r, s=size: covered(r, s, pool)),  # type: ignore[misc]
            estimate=_mean(one[OURS]["estimate"] for one in samples),
            learned=_mean(hits / n for hits, n in (one["learned"]["own"] for one in samples) if n),
            unknown=_mean(float(one["learned"]["own"][1]) for one in samples),
            wordings=sum(bool(one["wording"]) for one in samples),
            verdicts=dict(Counter(one["verdict"] for one in samples)),
        )
    return ArmCalibration(
        what=arm.what,
        knowledge=arm.knowledge,
        shift=arm.shift,
        dose=arm.dose,
        own_given=arm.own != "none",
        seeds=len(records),
        planned=arm.seeds,
        planted=_mean(record["planted"]["estimate"] for record in records),
        text_shift=_shift([record["texts"] for record in records]),
        sizes=by_size,
    )


def calibration(records: Sequence[Record], about: Mapping[str, Any]) -> Calibration:
    """Return all that is known of the instrument's errors; `about` says how it was found."""
    by_arm: dict[str, list[Record]] = {arm.name: [] for arm in ARMS}
    for record in records:
        by_arm[record["arm"]].append(record)
    sizes, pool = list(records[0]["samples"]), int(about["pool"])
    nothing = [record for record in records if BY_NAME[record["arm"]].knowledge != "yes"]
    still = [record for record in records if BY_NAME[record["arm"]].shift in ("no", "narrowed")]
    injected = {arm.dose: by_arm[arm.name] for arm in ARMS if _is_injection(arm.name) and by_arm[arm.name]}
    statistics = (OURS, *TEXT_RIVALS, *FACT_RIVALS)
    arms = {name: _arm(BY_NAME[name], some, sizes, pool) for name, some in by_arm.items() if some}

    def values(some: Sequence[Record], size: str, statistic: str) -> list[float]:
        return [one for record in some if (one := value(record, size, statistic)) is not None]

    def of_size(record: Record, size: str) -> bool:
        return bool(record["samples"][size]["shift"]["state"] == "yes")

    return Calibration(
        schema=Calibration.VERSION,
        **about,
        models=len(records),
        sizes=tuple(int(size) for size in sizes),
        others={
            size: min(
                (record["samples"][size]["other_facts"] for record in records if BY_NAME[record["arm"]].own != "none"),
                default=0,
            )
            for size in sizes
        },
        arms=arms,
        false_knowledge={
            size: {
                statistic: share(nothing, lambda r, s=size, k=statistic: says_knowledge(r, s, k))  # type: ignore[misc]
                for statistic in statistics
            }
            for size in sizes
        },
        false_shift={
            "text": share(still, lambda record: record["texts"]["state"] == "yes"),
            **{size: share(still, lambda record, s=size: of_size(record, s)) for size in sizes},  # type: ignore[misc]
        },
        coverage={size: share(records, lambda r, s=size: covered(r, s, pool)) for size in sizes},  # type: ignore[misc]
        area={
            size: {
                f"{dose:g}": {k: area(values(some, size, k), values(nothing, size, k)) for k in statistics}
                for dose, some in injected.items()
            }
            for size in sizes
        },
        monotone={
            size: _rises([arm.sizes[size].estimate for name, arm in arms.items() if _is_injection(name)])
            for size in sizes
        },
    )


def _is_injection(name: str) -> bool:
    return name.partition(" ")[0] == "injection"


def _rises(values: Sequence[float | None]) -> bool | None:
    """Whether the estimates rise with the dose; None where fewer than two are known."""
    known = [one for one in values if one is not None]
    return all(one < other for one, other in pairwise(known)) if len(known) > 1 else None
