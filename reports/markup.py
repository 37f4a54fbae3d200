"""HTML fragments that the sections share: numbers, tables, charts. Everything given to them is escaped.

A number stands on the page as `<data value="…">`: the reader sees three decimals, a program the exact value.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from ..probes.results.estimate import Estimate
from ..probes.results.findings import State

NOTHING = Markup("")
ABSENT = Estimate.missing("not in this run")
"""Stands for an estimate that a run does not have."""
VERDICT_TONE = {
    "both": "both",
    "knowledge injection": "knowledge",
    "domain shift": "shift",
    "neither": "neither",
    "cannot tell": "unclear",
}
STATE_TONE: dict[State, str] = {"yes": "yes", "no": "no", "unclear": "unclear"}


def signed(value: float, digits: int = 3) -> str:
    """Return `+0.123`, with a true minus sign; zero has no sign."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def plain(value: float | None, digits: int = 3) -> str:
    """Return a whole number as it is, another to `digits` significant digits, a dash for none."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value.is_integer() else f"{value:.{digits}g}"


def p_value(p: float | None) -> str:
    """Return `p = 0.03`, kept on one line."""
    if p is None:
        return ""
    return ("p < 0.0001" if p < 1e-4 else f"p = {p:.4f}" if p < 0.01 else f"p = {p:.2f}").replace(" ", "\u00a0")


def why_missing(number: Estimate) -> str:
    """Return why there is no value."""
    return number.note or ABSENT.note


def interval(number: Estimate) -> str:
    """Return `[−0.123, +0.456]`."""
    if number.low is None or number.high is None:
        return "no interval"
    return f"[{signed(number.low)}, {signed(number.high)}]"


def data(value: float | int, shown: str) -> Markup:
    """Return a number with its exact value."""
    return Markup('<data value="{}">{}</data>').format(repr(value), shown)


def value(number: Estimate, *, wide: bool = False) -> Markup:
    """Return an estimate and its interval, or why there is none; `wide` adds unit, n and method."""
    if number.value is None:
        return Markup('<span class="none">not estimated: {}</span>').format(why_missing(number))
    shown = data(number.value, signed(number.value))
    if number.low is not None and number.high is not None:
        ends = (data(end, signed(end)) for end in (number.low, number.high))
        shown += Markup(' <span class="ci">[{}, {}]</span>').format(*ends)
    effect = "" if number.effect is None else f"effect\u00a0{signed(number.effect, 2)}\u00a0SD"
    tested = [p_value(number.p), effect]
    rest = [number.unit, f"n\u00a0=\u00a0{number.n}" if number.n else "", *tested, number.method, number.note]
    more = Markup(' <span class="quiet">{}</span>').format(" · ".join(filter(None, rest))) if wide else NOTHING
    return Markup('<span class="number">{}{}</span>').format(shown, more)


def badge(text: str, tone: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(tone, text)


def join(parts: Iterable[Any], separator: str | Markup = NOTHING) -> Markup:
    return escape(separator).join(escape(part) for part in parts)


def fill_each(template: str, rows: Iterable[Sequence[Any]]) -> Markup:
    """Fill `template` (HTML) with each row, escaped, one after another."""
    return join(Markup(template).format(*row) for row in rows)


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str, *, css: str = "") -> Markup:
    """Return a table whose first column heads its rows; it scrolls sideways by itself on a narrow screen."""
    body = join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], fill_each("<td>{}</td>", [[cell] for cell in row[1:]])
        )
        for row in rows
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="{}"><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(caption, css, caption, fill_each('<th scope="col">{}</th>', [[name] for name in head]), body)


def multiples(charts: Iterable[Markup], count: int) -> Markup:
    """Lay `count` charts side by side: three to a row where that comes out even, else two."""
    css = "multiples thirds" if count % 3 == 0 else "multiples"
    return Markup('<div class="{}">{}</div>').format(css, join(charts))


def details(summary: str, content: Markup) -> Markup:
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, content)


def json_block(value: Any) -> Markup:
    """Return JSON for a `<script type="application/json">`: no `<` in it, so it cannot end the element."""
    return Markup(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def plot_text(text: Any) -> str:
    """Return text for a chart's labels: Plotly reads some HTML and LaTeX there, so `&<>$` are escaped."""
    return html.escape(str(text), quote=False).replace("$", "&#36;")


def chart(figure: dict[str, Any], label: str, *, height: int = 320, min_width: int = 0, model: str = "") -> Markup:
    """Return a figure that charts.js draws; `label` stands above it, and a screen reader reads it.

    A chart of one `model` disappears when a person chooses another.
    """
    of = Markup(' data-model="{}"').format(model) if model else NOTHING
    return Markup(
        '<figure class="chart"{4}><figcaption>{0}</figcaption><div class="scroll"><div class="plot" role="img" '
        'aria-label="{0}" style="height:{1}px;min-width:{2}px"></div></div>'
        '<script type="application/json">{3}</script></figure>'
    ).format(label, height, min_width, json_block(figure), of)


def records(name: str, label: str, note: str) -> Markup:
    """Return a table that table.js fills from the block `data-NAME`; `note` says which rows there are."""
    return Markup(
        '<div class="records" id="{0}-records" data-label="{1}"><noscript><p>This table needs JavaScript; its rows '
        'stand in the run directory.</p></noscript></div><p class="quiet">{2}</p>'
    ).format(name, label, note)


def pairs(title: str, pairs: Iterable[tuple[str, Any]], empty: str = "Not recorded.") -> Markup:
    """Return names and their values under a title."""
    rows = [[name, "–" if value is None else str(value)] for name, value in pairs]
    body = fill_each('<tr><th scope="row">{}</th><td>{}</td></tr>', rows)
    shown = Markup('<table class="words">{}</table>').format(body) if rows else Markup("<p>{}</p>").format(empty)
    return Markup("<div><h3>{}</h3>{}</div>").format(title, shown)
