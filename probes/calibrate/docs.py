"""The calibration laid out for people: `docs/calibration.md` from `calibration.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..analysis.error_rates import OURS
from ..analysis.verdict import KNOWLEDGE_LEVEL
from ..results.calibration import ArmCalibration, Calibration
from ..results.findings import Rate
from .arms import ARMS
from .rivals import NAMES

FIRST_FORM = "first form"
STATISTICS = {OURS: "**knowshift**", **NAMES}


def shown(rate: Rate | None) -> str:
    """`1/60 (0.0–8.9 %)`."""
    if not rate or not rate.n:
        return "–"
    return f"{rate.hits}/{rate.n} ({100 * (rate.low or 0):.1f}–{100 * (rate.high or 0):.1f} %)"


def value(rate: Rate) -> float:
    """Return the rate; NaN, which no comparison holds for, where nothing was counted."""
    return math.nan if rate.rate is None else rate.rate


def number(value: float | None, digits: int = 3, plus: bool = True) -> str:
    return "–" if value is None else f"{value:{'+' if plus else ''}.{digits}f}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(lines) + "\n"


def _knowledge(data: Calibration, size: str) -> str:
    rows = []
    for name, arm in data.arms.items():
        found = arm.sizes[size]
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.kinds.items()))
        rows.append(
            [
                name,
                arm.what,
                arm.knowledge,
                shown(found.knowledge[OURS]),
                shown(found.no_knowledge),
                shown(found.knowledge[FIRST_FORM]),
                kinds,
                number(arm.planted),
                number(found.estimate),
                number(found.learned, 2, plus=False),
                shown(found.coverage),
            ]
        )
    heads = (
        "arm",
        "what it read",
        "truth",
        "*yes*",
        "*no*",
        "*yes* by the first form",
        "kinds",
        "planted",
        "found",
        "learned share",
        "coverage",
    )
    return table(heads, rows)


def _shift(data: Calibration) -> str:
    rows = []
    for name, arm in data.arms.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(arm.text_shift.kinds.items()))
        rows.append(
            [
                name,
                arm.shift or "–",
                shown(arm.text_shift.yes),
                shown(arm.text_shift.no),
                kinds,
                number(arm.text_shift.over_contrast),
                number(arm.text_shift.absolute),
                number(arm.text_shift.general),
                *(shown(arm.sizes[str(size)].shift.yes) for size in data.sizes),
            ]
        )
    facts = [f"*yes* from facts, {size}" for size in data.sizes]
    return table(("arm", "truth", "*yes*", "*no*", "kinds", "D1", "D0", "L", *facts), rows)


def _rivals(data: Calibration, size: str) -> str:
    rows = [
        [name, *(shown(arm.sizes[size].knowledge[statistic]) for statistic in STATISTICS)]
        for name, arm in data.arms.items()
    ]
    return table(("arm", *STATISTICS.values()), rows)


def _areas(data: Calibration, size: str) -> str:
    rows = [
        [f"{float(dose):.0%}".replace("%", " %"), *(number(of[statistic], plus=False) for statistic in STATISTICS)]
        for dose, of in data.area[size].items()
    ]
    return table(("dose", *STATISTICS.values()), rows)


def targets(data: Calibration) -> list[tuple[str, str, bool | None]]:
    """Return each target, what was found, and whether it was met; None where nothing was measured."""
    out: list[tuple[str, str, bool | None]] = []

    def add(what: str, rate: Rate | None, met: Callable[[Rate], bool]) -> None:
        out.append((what, shown(rate), met(rate) if rate and rate.n else None))

    def worst(
        of: Callable[[ArmCalibration], Rate], arms: Callable[[ArmCalibration], bool], most: int, what: str
    ) -> None:
        rates = {name: of(arm) for name, arm in data.arms.items() if arms(arm) and of(arm).n}
        # An arm with fewer models may have as many false ones as its share of sixty.
        over = {name: rate for name, rate in rates.items() if rate.hits > (most - 1) * rate.n / 60}
        named = ", ".join(f"{name} {rate.hits} of {rate.n}" for name, rate in over.items())
        out.append((what, named or "none", not over if rates else None))

    for size in map(str, data.sizes):
        false = data.false_knowledge[size][OURS]
        add(
            f"false *knowledge*, all arms that acquired nothing, {size} facts: at most 1 %, upper bound 2 %",
            false,
            lambda rate: value(rate) <= 0.01 and (rate.high or 1) <= 0.02,
        )
        worst(
            lambda arm, s=size: arm.sizes[s].knowledge[OURS],  # type: ignore[misc]
            lambda arm: arm.knowledge != "yes",
            4,
            f"arms with 4 or more of 60 false *knowledge*, {size} facts: none",
        )
    add("false *shift*, from texts: at most 2.5 %", data.false_shift["text"], lambda rate: value(rate) <= 0.025)
    worst(
        lambda arm: arm.text_shift.yes,
        lambda arm: arm.shift in ("no", "narrowed"),
        7,
        "arms with 7 or more of 60 false *shift*, from texts: none",
    )
    null = data.arms.get("null")
    add("of nulls with 300 facts at least 80 % get *no*", _at(null, "300", "no"), lambda rate: value(rate) >= 0.8)
    for size, least in (("300", 57), ("40", 36)):
        add(
            f"power of injection at 10 %, {size} facts: at least {least} of 60",
            _at(data.arms.get("injection 10 %"), size, "yes"),
            lambda rate, least=least: value(rate) >= least / 60,  # type: ignore[misc]
        )
    shift = data.arms.get("shift")
    add(
        "shift, from texts: at least 57 of 60",
        shift.text_shift.yes if shift else None,
        lambda rate: value(rate) >= 57 / 60,
    )
    for size, rate in data.coverage.items():
        add(f"coverage of *acquired*, {size} facts: 93 to 99 %", rate, lambda rate: 0.93 <= value(rate) <= 0.99)
    return out


def _at(arm: ArmCalibration | None, size: str, state: str) -> Rate | None:
    if arm is None or size not in arm.sizes:
        return None
    return arm.sizes[size].knowledge[OURS] if state == "yes" else arm.sizes[size].no_knowledge


def _missed(data: Calibration) -> str:
    """Return the targets that were missed, which a reader should see first."""
    missed = [f"- {what}: {found}" for what, found, met in targets(data) if met is False]
    return "Missed:\n\n" + "\n".join(missed) + "\n" if missed else "No target was missed.\n"


def _open(data: Calibration) -> list[str]:
    """Return what of the whole grid is not in the figures."""
    held = {arm.name: data.arms[arm.name].seeds if arm.name in data.arms else 0 for arm in ARMS}
    planned = sum(arm.seeds for arm in ARMS)
    if (done := sum(held.values())) >= planned:
        return []
    least, most = min(held.values()), max(held.values())
    return [
        f"**Not the whole grid yet**: {done:,} of {planned:,} models, {least} to {most} of each arm. "
        "`probe calibrate` goes on from the records that are committed.\n"
    ]


def markdown(data: Calibration) -> str:
    """Return the whole page."""
    seeds = (
        "**These are development seeds, on which the rule was chosen: they state no error rate.**\n"
        if data.development
        else f"The rule (number {data.rule}) and its constants were fixed before these models were trained; they were "
        f"judged at commit `{data.commit[:12]}`.\n"
    )
    met = {True: "yes", False: "**no**", None: "–"}
    parts = [
        "# Calibration\n",
        _missed(data),
        *_open(data),
        seeds,
        f"Made by `{data.command}` (knowshift {data.version}); do not edit. {data.models:,} models were "
        f"trained on {data.base} and measured, in {data.hours:.1f} processor hours. The truth of each is known: "
        "its facts are made up, and exist in its training text alone.\n",
        data.about_base + "\n",
        "Rates are over models, with Clopper–Pearson 95 % intervals. *Planted* is *acquired* over all own facts "
        f"({data.pool:,}), *found* its mean over samples, both in nats per token. *Coverage* is how often the 95 % "
        "interval of a sample, drawn without regard to what was taught, holds the truth: zero where nothing was "
        "acquired, else the planted effect (not asked of samples of most of those facts, which hold their own "
        "estimate). In samples for the verdict exactly the dose was taught. *Truth*: what became of the own facts; "
        "*reinforced* and *lost* acquired nothing, so that *yes* is wrong there.\n",
        "## Targets\n",
        table(("target", "found", "met"), [[what, found, met[kept]] for what, found, kept in targets(data)]),
    ]
    for size in map(str, data.sizes):
        parts += [
            f"## Knowledge, {size} own facts\n",
            _knowledge(data, size),
            f"### Rivals, {size} own facts\n",
            "How often each would say *knowledge*: the instrument by its rule, a rival where its one-sided test has "
            f"p ≤ {KNOWLEDGE_LEVEL}.\n",
            _rivals(data, size),
            "Area under the curve, injection against all that acquired nothing:\n",
            _areas(data, size),
        ]
    parts += [
        "## Shift\n",
        "Read from texts; D1, D0 and L are means, in nats per token.\n",
        _shift(data),
    ]
    return "\n".join(parts)
