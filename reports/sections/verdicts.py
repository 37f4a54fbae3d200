"""Section: a verdict for each tuned model, and what it rests on."""

from __future__ import annotations

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.findings import Counts, Detectable, Finding, LearnedShare, Ledger, Rate
from ...probes.results.model import ModelResult
from ...probes.results.rounding import RoundingResult
from ...probes.results.rungs import (
    ABSOLUTE_SHIFT,
    ACQUIRED,
    BEYOND_CONTRAST,
    CATEGORIES,
    GENERAL_LANGUAGE,
    LEARNED,
    REINFORCED,
    RIGHT_WRONG_PAIRS,
    ROUNDING,
    TOWARDS_OWN,
    Change,
)
from ..figures import forest
from ..markup import (
    NOTHING,
    STATE_TONE,
    VERDICT_TONE,
    badge,
    chart,
    data,
    details,
    fill_each,
    join,
    multiples,
    p_value,
    table,
    value,
)
from ..registry import Section, section
from ..run_view import RunView


@section(order=10, title="Verdict", anchor="verdict")
def verdicts(run: RunView) -> Section:
    rows = [(name, model.acquired, "--knowledge") for name, model in run.models.items()]
    plot = (
        NOTHING
        if all(number.value is None for _, number, _ in rows)
        else chart(
            forest(rows, run.unit),
            f"{ACQUIRED} by each model, with its 95% interval",
            height=70 + 34 * len(rows),
        )
    )
    cards = multiples([_card(run, name, model) for name, model in run.models.items()], len(run.models))
    twin = details(
        "As a table",
        table(
            ["model", *(name.lower() for name in (ACQUIRED, BEYOND_CONTRAST, ABSOLUTE_SHIFT))],
            [
                [name, *(value(of, wide=True) for of in (model.acquired, shift.over_contrast, shift.absolute))]
                for name, model in run.models.items()
                for shift in [model.shift]
            ],
            f"Effects of each model, {run.unit}",
        ),
    )
    return Section(
        cards + plot + (twin if plot else NOTHING),
        f"{ACQUIRED} is how much further true answers pulled ahead of wrong ones on own facts that the base did not "
        "know, beyond other specialties' such facts; shift asks whether the domain itself gained, or only lost less "
        "than the rest.",
    )


def _finding(question: str, finding: Finding) -> tuple[str, Markup]:
    shown = badge(finding.label, STATE_TONE[finding.state])
    why = Markup(' <span class="quiet">{}</span>').format(finding.why)
    return question, shown + why + _detectable(finding.detectable)


def _detectable(could: Detectable | None) -> Markup:
    """Return what the question's test could have seen."""
    if could is None:
        return NOTHING
    more = (
        "" if could.effect <= could.margin else f"; for {could.margin:.2g}, about {could.needed:,} concepts are needed"
    )
    return Markup('<br><span class="quiet">With {} an effect of {} {} can be seen ({:.0%} power){}.</span>').format(
        _counted(could.concepts, "concept"), data(could.effect, f"{could.effect:.2g}"), could.unit, could.power, more
    )


def share(counts: Counts, change: Change) -> Markup:
    """Return `2 of 31 (6 %)`."""
    part, whole = counts.share(change)
    if not whole:
        return Markup('<span class="none">none was {}</span>').format("unknown" if change == "learned" else "known")
    return Markup("{} of {} ({:.0%})").format(data(part, str(part)), data(whole, str(whole)), part / whole)


def _counted(count: int, what: str) -> Markup:
    """Return `1 concept`, `2 concepts`."""
    return data(count, f"{count:,}") + f" {what}{'' if count == 1 else 's'}"


def _own_and_other(ledger: Ledger, change: Change, p: float | None) -> Markup:
    own, other = share(ledger.own, change), share(ledger.other, change)
    test = f" · {p_value(p)}" if p is not None else ""
    return Markup('{} own, beside {} other<span class="quiet">{}</span>').format(own, other, test)


def _card(run: RunView, name: str, model: ModelResult) -> Markup:
    source = f" (from {model.own_from})" if model.own_from else ""
    slope = model.sharpening
    scaled = "–" if slope is None else data(slope, f"{slope:.2f}") + Markup(" (above 1: more confident)")
    wrong = model.calibration.brief if model.calibration else "not measured for runs like this one"
    knowledge, shift = model.knowledge, model.shift
    first = [
        ("Knowledge", badge(knowledge.label, STATE_TONE[knowledge.state])),
        (ACQUIRED, _in_unit(model.acquired)),
        (LEARNED, _learned(knowledge.learned)),
        ("Shift", badge(shift.label, STATE_TONE[shift.state])),
        (BEYOND_CONTRAST, _in_unit(shift.over_contrast)),
        (ABSOLUTE_SHIFT, _in_unit(shift.absolute)),
        (
            "Based on",
            _counted(model.ledger.own.facts, "own fact")
            + ", "
            + _counted(model.acquired.n, "concept")
            + " clearly unknown",
        ),
        ("How often wrong", Markup('<span class="quiet">{}</span>').format(wrong)),
    ]
    if (rounding := model.part(ROUNDING, RoundingResult)) is not None:
        first.append(("Rounding", Markup('<span class="quiet">{}</span>').format(rounding.sentence)))
    rows = [
        _finding("Knowledge", knowledge),
        (ACQUIRED, value(model.acquired, wide=True)),
        ("Learned on", ", ".join(knowledge.relations) or Markup('<span class="none">no relation</span>')),
        ("Known, maybe known, unknown", _categories(model)),
        (RIGHT_WRONG_PAIRS, _pairs(model)),
        ("Lost, of those known", _own_and_other(model.ledger, "lost", model.ledger.p_lost)),
        (REINFORCED, _in_unit(model.reinforced.difference)),
        ("Known own facts gained", _in_unit(model.reinforced.own)),
        ("Known other facts gained", _in_unit(model.reinforced.reference)),
        ("Own margin gain", _in_unit(model.margin_gain)),
        ("Transferable", _in_unit(model.transferable)),
        ("Margins scaled by", scaled),
        _finding("Shift", shift),
        (BEYOND_CONTRAST, value(shift.over_contrast, wide=True)),
        (ABSOLUTE_SHIFT, value(shift.absolute, wide=True)),
        (GENERAL_LANGUAGE, _in_unit(shift.general)),
        (TOWARDS_OWN, _in_unit(shift.towards_own)),
    ]
    if model.calibration:
        rows.append(("Error rates", model.calibration.sentence))
    lacking = Markup("<p>What is missing:</p><ul>{}</ul>").format(
        fill_each("<li>{}</li>", [[m] for m in model.missing])
    )
    return Markup(
        '<article class="card"><h3>{}</h3><p class="quiet">own specialty: {}{}</p><p>{}</p><p class="sentence">{}</p>'
        "<dl>{}</dl>{}{}</article>"
    ).format(
        name,
        run.specialty(model.own),
        source,
        badge(model.verdict, "verdict " + VERDICT_TONE.get(model.verdict, "unclear")),
        model.sentence,
        fill_each("<dt>{}</dt><dd>{}</dd>", first),
        lacking if model.missing else NOTHING,
        details("Why, and more figures", Markup("<dl>{}</dl>").format(fill_each("<dt>{}</dt><dd>{}</dd>", rows))),
    )


def _in_unit(number: Estimate) -> Markup:
    unit = NOTHING if number.value is None else Markup(' <span class="ci">{}</span>').format(number.unit)
    return value(number) + unit


def _learned(shares: LearnedShare) -> Markup:
    return Markup("{} own, beside {} other").format(_rate(shares.own), _rate(shares.reference))


def _rate(rate: Rate) -> Markup:
    """Return `3 of 31 (10 %) [2 %, 26 %]`, with the exact interval."""
    counts = Markup("{} of {}").format(data(rate.hits, str(rate.hits)), data(rate.n, str(rate.n)))
    if rate.rate is None or rate.low is None or rate.high is None:
        return counts
    ends = (data(end, f"{end:.0%}") for end in (rate.low, rate.high))
    return counts + Markup(' ({}) <span class="ci">[{}, {}]</span>').format(data(rate.rate, f"{rate.rate:.0%}"), *ends)


def _categories(model: ModelResult) -> Markup:
    """Return the counts of facts by what is known of them, before and after, own and other."""
    lines = []
    for side, counts in model.categories.items():
        before, after = (
            Markup(" / ").join(data(of.get(name, 0), str(of.get(name, 0))) for name in CATEGORIES)
            for of in (counts.base, counts.tuned)
        )
        lines.append(Markup("{}: {} → {}").format(side, before, after))
    return join(lines, Markup("<br>"))


def _pairs(model: ModelResult) -> Markup:
    """Return K of own and other facts, before and after."""
    lines = []
    for side, pairs in model.right_wrong_pairs.items():
        shares = (NOTHING if k is None else data(k, f"{k:.1%}") for k in (pairs.base, pairs.tuned))
        before, after = (share or "–" for share in shares)
        facts = _counted(pairs.facts, "fact")
        lines.append(Markup('{}: {} → {} <span class="quiet">{}</span>').format(side, before, after, facts))
    return join(lines, Markup("<br>"))
