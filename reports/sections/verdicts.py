"""Section: a verdict for each tuned model, and what it rests on."""

from __future__ import annotations

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.findings import MARGIN, Counts, Detectable, Finding, Ledger
from ...probes.results.model import ModelResult
from ...probes.results.rounding import RoundingResult
from ...probes.results.rungs import ROUNDING, Change
from ..figures import forest
from ..markup import (
    NOTHING,
    STATE_LABELS,
    STATE_TONE,
    VERDICT_TONE,
    badge,
    chart,
    data,
    details,
    fill_each,
    multiples,
    p_value,
    table,
    value,
)
from ..registry import Section, section
from ..run_view import RunView


@section(order=10, title="Verdict", anchor="verdict")
def verdicts(run: RunView) -> Section:
    rows = [(name, model.specific_knowledge, "--knowledge") for name, model in run.models.items()]
    per_token = run.result.per == "token"
    plot = (
        NOTHING
        if all(number.value is None for _, number, _ in rows)
        else chart(
            forest(rows, run.unit, [MARGIN] if per_token else []),
            "Specific knowledge of each model, with its 95% interval",
            height=70 + 34 * len(rows),
        )
    )
    cards = multiples([_card(run, name, model) for name, model in run.models.items()], len(run.models))
    twin = details(
        "As a table",
        table(
            ["model", "specific knowledge", "domain shift, matched"],
            [
                [name, value(model.specific_knowledge, wide=True), value(model.shift.matched, wide=True)]
                for name, model in run.models.items()
            ],
            f"Effects of each model, {run.unit}",
        ),
    )
    return Section(
        cards + plot + (twin if plot else NOTHING),
        "Specific knowledge is how much more the true answers of a model's own specialty gained on wrong answers than "
        "a model that merely shifted would show: an interval wholly above zero speaks for facts"
        + (f", one wholly below +{MARGIN:.2f} (dashed) against." if per_token else "."),
    )


def _finding(question: str, finding: Finding) -> tuple[str, Markup]:
    shown = badge(STATE_LABELS[finding.state], STATE_TONE[finding.state])
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
    first = [
        ("Specific knowledge", _in_unit(model.specific_knowledge, run)),
        ("Domain shift", _in_unit(model.shift.matched, run)),
        (
            "Rests on",
            _counted(model.ledger.own.facts, "own fact") + ", " + _counted(model.specific_knowledge.n, "concept"),
        ),
        ("How often wrong", Markup('<span class="quiet">{}</span>').format(wrong)),
    ]
    if (rounding := model.part(ROUNDING, RoundingResult)) is not None:
        first.append(("Rounding", Markup('<span class="quiet">{}</span>').format(rounding.sentence)))
    rows = [
        _finding("Knowledge?", model.knowledge),
        _finding("Domain shift?", model.shift),
        ("Specific knowledge", value(model.specific_knowledge, wide=True)),
        ("Own margin gain", value(model.margin_gain)),
        ("Transferable", value(model.transferable)),
        ("Margins scaled by", scaled),
        ("Facts learned", _own_and_other(model.ledger, "learned", model.ledger.p_learned)),
        ("Facts lost", _own_and_other(model.ledger, "lost", model.ledger.p_lost)),
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


def _in_unit(number: Estimate, run: RunView) -> Markup:
    unit = NOTHING if number.value is None else Markup(' <span class="ci">{}</span>').format(run.unit)
    return value(number) + unit
