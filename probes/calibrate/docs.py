"""The calibration laid out for people: `docs/calibration.md` from `calibration.json`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..analysis.error_rates import OURS
from ..analysis.verdict import KNOWLEDGE_LEVEL
from ..results.calibration import Calibration
from ..results.findings import Rate
from .arms import ARMS
from .rivals import NAMES

STATISTICS = {OURS: "**knowshift**", **NAMES}
PROMISES = (
    ("false *knowledge* at most 2 % in each arm", 0.02, ("null", "generic", "shift", "elsewhere", "confidence")),
    ("false *domain shift* at most 5 % in null", 0.05, ("null",)),
)


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


def _verdicts(data: Calibration, size: str) -> str:
    rows = []
    for name, arm in data.arms.items():
        held = arm.sizes[size]
        rows.append(
            [
                name,
                arm.what,
                number(arm.planted),
                number(held.estimate),
                shown(held.knowledge[OURS]),
                shown(held.no_knowledge),
                shown(arm.text_shift),
                shown(held.shift),
                shown(held.coverage),
            ]
        )
    heads = (
        "arm",
        "what it read",
        "planted",
        "found",
        "*knowledge*",
        "*no knowledge*",
        "*shift*, from texts",
        "*shift*, from facts",
        "coverage",
    )
    return table(heads, rows)


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


def compared(data: Calibration, size: str) -> list[str]:
    """A sentence a rival: where it fails and ours holds, and where it is better."""
    nulls = [name for name, arm in data.arms.items() if arm.truth == "nothing"]
    taught = [name for name, arm in data.arms.items() if arm.truth == "knowledge"]

    def yes(name: str, statistic: str) -> float:
        return value(data.arms[name].sizes[size].knowledge[statistic])

    out = []
    for rival, title in NAMES.items():
        fails = [f"{name} ({yes(name, rival):.0%})" for name in nulls if yes(name, rival) > max(0.05, yes(name, OURS))]
        better = [
            f"{name} ({yes(name, rival):.0%} beside {yes(name, OURS):.0%})"
            for name in taught
            if yes(name, rival) > yes(name, OURS)
        ]
        safer = [name for name in nulls if yes(name, rival) < yes(name, OURS)]
        first = (
            f"says *knowledge* of models that learned nothing in: {', '.join(fails)}"
            if fails
            else "fails in no null arm"
        )
        more = f"; sees more than knowshift at: {', '.join(better)}" if better else ""
        less = f"; is wrong less often than knowshift in: {', '.join(safer)}" if safer else ""
        out.append(f"- {title}: {first}{more}{less}.")
    return out


def promises(data: Calibration) -> str:
    """Each figure that was promised, beside what was found at every size."""
    rows = []

    def add(what: str, found: str, kept: bool | None) -> None:
        rows.append([what, found, "–" if kept is None else "yes" if kept else "**no**"])

    arms = data.arms
    for size in map(str, data.sizes):
        for name, held in arms.items():
            if name.split()[0] in PROMISES[0][2]:
                rate = held.sizes[size].knowledge[OURS]
                add(f"{PROMISES[0][0]}: {name}, {size} facts", shown(rate), value(rate) <= PROMISES[0][1])
        if "null" in arms:
            for view, rate in (("texts", arms["null"].text_shift), ("facts", arms["null"].sizes[size].shift)):
                add(f"{PROMISES[1][0]}, {size} facts, from {view}", shown(rate), value(rate) <= PROMISES[1][1])
        for dose, least in (("10 %", 0.95), ("25 %", 0.99)):
            if injected := arms.get(f"injection {dose}"):
                rate = injected.sizes[size].knowledge[OURS]
                add(f"power at least {least:.0%} at {dose}, {size} facts", shown(rate), value(rate) >= least)
        rate = data.coverage[size]
        kept = 0.92 <= value(rate) <= 0.98
        by_arm = [(each.sizes[size].coverage, name) for name, each in arms.items()]
        _, arm = min(((value(held), name) for held, name in by_arm if held.n), default=(0.0, ""))
        lowest = f"least in {arm}, {shown(arms[arm].sizes[size].coverage)}" if arm else "least in –, –"
        found = f"{shown(rate)} = {100 * (rate.rate or 0):.1f} %; {lowest}"
        add(f"coverage 92–98 %, {size} facts", found, kept)
        for family, rises in data.monotone[size].items():
            add(
                f"dose–response rises: {family}, {size} facts", {True: "rises", False: "falls", None: "–"}[rises], rises
            )
    return table(("promised", "found", "kept"), rows)


def _open(data: Calibration) -> list[str]:
    """What of the whole grid is not in the figures."""
    left = [
        f"{arm.name} ({held} of {arm.seeds})"
        for arm in ARMS
        if (held := data.arms[arm.name].seeds if arm.name in data.arms else 0) < arm.seeds
    ]
    return [f"Not the whole grid yet; models so far: {', '.join(left)}; all others in full.\n"] if left else []


def markdown(data: Calibration) -> str:
    """The whole page."""
    parts = [
        "# Calibration\n",
        f"Made by `{data.command}` (knowshift {data.version}); do not edit. {data.models:,} models were "
        f"trained on {data.base} and measured, in {data.hours:.1f} processor hours. The truth of each is known: "
        "its facts are made up, and exist in its training text alone. All are tuned from one base in one world, and "
        "facts are asked in the words in which they were taught. A temperature gives one model alone: there, seeds are "
        "samples of facts.\n",
        data.about_base + "\n",
        "Rates are over models, with Clopper–Pearson 95 % intervals. *Planted* is the estimate over all own facts "
        f"({data.pool:,}; fewer in arms that ask for some of them), *found* its mean over samples, both in nats "
        "per token. Coverage is how often the 95 % interval of a sample, drawn without regard to what was taught, "
        "holds the planted effect, in arms that ask for all own facts. A sample of 300 holds 15 % of the own pool "
        "and 60 % of the others', without replacement, while the interval is for a pool without end: an exact one "
        "would cover about 98 % there. In samples for the verdict exactly the dose was taught. Whether an arm "
        "other than null *should* show a domain shift is not decided here; nor whether *retained*, whose model "
        "was taught again what its base knew, should be called knowledge: its answers gained, and nothing new was "
        "learned. The ledger tells the two apart.\n",
        *_open(data),
        "## What was promised\n",
        promises(data),
    ]
    for size in map(str, data.sizes):
        parts += [
            f"## {size} own facts\n",
            _verdicts(data, size),
            f"### Rivals, {size} own facts\n",
            "How often each would say *knowledge*: the instrument by its rule, a rival where its one-sided t-test has "
            f"p ≤ {KNOWLEDGE_LEVEL}.\n",
            _rivals(data, size),
            "\n".join(compared(data, size)) + "\n",
            "Area under the curve, arms with injected facts (injection and mixed) against all that learned nothing:\n",
            _areas(data, size),
        ]
    return "\n".join(parts)
