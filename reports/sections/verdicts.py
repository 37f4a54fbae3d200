"""Section: a verdict for each tuned model, and what it rests on."""

from __future__ import annotations

from markupsafe import Markup

from ..figures import forest
from ..markup import (
    NOTHING,
    STATE_TONE,
    VERDICT_TONE,
    badge,
    chart,
    data,
    details,
    each,
    multiples,
    p_value,
    table,
    value,
)
from ..model_view import Detectable, Finding, Ledger, ModelView
from ..numbers import Number
from ..registry import Section, section
from ..run_view import RunView

QUESTIONS = {"yes": "yes", "no": "no", "unclear": "cannot tell"}
MARGIN = 0.10
"""The rule's smallest specific knowledge of interest, nats per token."""


@section(order=10, title="Verdict", anchor="verdict")
def verdicts(run: RunView) -> Section:
    rows = [(model.name, model.specific_knowledge, "--knowledge") for model in run.models]
    plot = (
        NOTHING
        if all(number.estimate is None for _, number, _ in rows)
        else chart(
            forest(rows, run.unit, [MARGIN] if run.per == "token" else []),
            "Specific knowledge of each model, with its 95% interval",
            height=70 + 34 * len(rows),
        )
    )
    cards = multiples([_card(run, model) for model in run.models], len(run.models))
    twin = details(
        "As a table",
        table(
            ["model", "specific knowledge", "domain shift, matched"],
            [
                [model.name, value(model.specific_knowledge, wide=True), value(model.shift.matched, wide=True)]
                for model in run.models
            ],
            f"Effects of each model, {run.unit}",
        ),
    )
    return Section(
        cards + plot + (twin if plot else NOTHING),
        "Specific knowledge is how much more the true answers of a model's own specialty gained on wrong answers than "
        "a model that merely shifted would show: an interval wholly above zero speaks for facts"
        + (f", one wholly below +{MARGIN:.2f} (dashed) against." if run.per == "token" else "."),
    )


def _finding(question: str, found: Finding) -> tuple[str, Markup]:
    shown = badge(QUESTIONS.get(found.state, found.state), STATE_TONE.get(found.state, "unclear"))
    return question, shown + Markup(' <span class="quiet">{}</span>').format(found.why) + _seen(found.detectable)


def _seen(could: Detectable | None) -> Markup:
    """What the question's test could have seen."""
    if could is None:
        return NOTHING
    more = (
        "" if could.effect <= could.margin else f"; for {could.margin:.2g}, about {could.needed:,} concepts are needed"
    )
    return Markup('<br><span class="quiet">With {} an effect of {} {} can be seen ({:.0%} power){}.</span>').format(
        _counted(could.concepts, "concept"), data(could.effect, f"{could.effect:.2g}"), could.unit, could.power, more
    )


def share(ledger: Ledger, group: str, part: str, of: str) -> Markup:
    """`2 of 31 (6 %)`."""
    counts = ledger.groups.get(group)
    if not counts or part not in counts or of not in counts:
        return Markup('<span class="none">no such facts</span>')
    if not counts[of]:
        return Markup('<span class="none">none was {}</span>').format(of)
    percent = f" ({counts[part] / counts[of]:.0%})"
    return Markup("{} of {}{}").format(*(data(counts[key], str(counts[key])) for key in (part, of)), percent)


def _counted(count: int, what: str) -> Markup:
    """`1 concept`, `2 concepts`."""
    return data(count, f"{count:,}") + f" {what}{'' if count == 1 else 's'}"


def _beside(ledger: Ledger, part: str, of: str, p: float | None) -> Markup:
    own, other = (share(ledger, group, part, of) for group in ("own", "other"))
    test = f" · {p_value(p)}" if p is not None else ""
    return Markup('{} own, beside {} other<span class="quiet">{}</span>').format(own, other, test)


def _card(run: RunView, model: ModelView) -> Markup:
    facts = model.ledger.groups.get("own", {}).get("facts", 0)
    source = f" (from {model.own_from})" if model.own_from else ""
    slope = model.sharpening
    scaled = "–" if slope is None else data(slope, f"{slope:.2f}") + Markup(" (above 1: more confident)")
    wrong = model.calibration_brief or model.calibration or "not measured for runs like this one"
    first = [
        ("Specific knowledge", _in_unit(model.specific_knowledge, run)),
        ("Domain shift", _in_unit(model.shift.matched, run)),
        ("Rests on", _counted(facts, "own fact") + ", " + _counted(model.specific_knowledge.n or 0, "concept")),
        ("How often wrong", Markup('<span class="quiet">{}</span>').format(wrong)),
    ]
    rows = [
        _finding("Knowledge?", model.knowledge),
        _finding("Domain shift?", model.shift),
        ("Specific knowledge", value(model.specific_knowledge, wide=True)),
        ("Own margin gain", value(model.margin_gain)),
        ("Transferable", value(model.transferable)),
        ("Margins scaled by", scaled),
        ("Facts learned", _beside(model.ledger, "learned", "unknown", model.ledger.p_learned)),
        ("Facts lost", _beside(model.ledger, "lost", "known", model.ledger.p_lost)),
    ]
    if model.calibration_brief:
        rows.append(("Error rates", model.calibration))
    lacking = Markup("<p>What is missing:</p><ul>{}</ul>").format(each("<li>{}</li>", [[m] for m in model.missing]))
    return Markup(
        '<article class="card"><h3>{}</h3><p class="quiet">own specialty: {}{}</p><p>{}</p><p class="sentence">{}</p>'
        "<dl>{}</dl>{}{}</article>"
    ).format(
        model.name,
        run.specialty(model.own),
        source,
        badge(model.verdict, "verdict " + VERDICT_TONE.get(model.verdict, "unclear")),
        model.sentence,
        each("<dt>{}</dt><dd>{}</dd>", first),
        lacking if model.missing else NOTHING,
        details("Why, and more figures", Markup("<dl>{}</dl>").format(each("<dt>{}</dt><dd>{}</dd>", rows))),
    )


def _in_unit(number: Number, run: RunView) -> Markup:
    unit = NOTHING if number.estimate is None else Markup(' <span class="ci">{}</span>').format(run.unit)
    return value(number) + unit
