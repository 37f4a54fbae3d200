"""Section: what speaks against the verdicts: largest losses, facts that disagree, and a random sample."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import polars as pl
from markupsafe import Markup

from ...probes.results.model import ModelResult
from ..markup import NOTHING, data, join, signed, table
from ..registry import Section, section
from ..run_view import RunView
from .facts import with_display_names

ROWS = 5
"""Of each list."""
WORDS = 90
"""Characters of a cue that are shown: its end, where the answer follows."""


@section(order=90, title="Counter-evidence", anchor="counter")
def counter(run: RunView) -> Section:
    if not run.terms.height and not run.facts.height:
        return Section(Markup('<p class="none">This run has neither terms nor facts.</p>'), "")
    terms, facts = (with_display_names(run, frame) if frame.height else frame for frame in (run.terms, run.facts))
    return Section(
        join(_model(run, name, terms, facts) for name in run.models),
        "What a reviewer would ask for: the items that lost most, the own facts that disagree with the verdict, and "
        "items drawn blindly by the run's seed, so that not only winners are shown.",
    )


def _model(run: RunView, name: str, terms: pl.DataFrame, facts: pl.DataFrame) -> Markup:
    model, seed = run.models[name], run.result.seed
    own = facts.filter(pl.col("model") == name) if facts.height else facts
    model_terms = terms.filter(pl.col("model") == name) if terms.height else terms
    parts = []
    if model_terms.height:
        lost = model_terms.filter(pl.col("gain") < 0).sort("gain").head(ROWS)
        parts.append(_terms("Terms that lost most", run, lost))
        parts.append(_terms("Terms drawn blindly", run, _draw(model_terms, "concept", seed)))
    if own.height:
        against, title = _against(model, own)
        parts.append(_facts(title, against))
        parts.append(_facts("Facts that lost most", own.filter(pl.col("margin_gain") < 0).sort("margin_gain")))
        parts.append(_facts("Facts drawn blindly", _draw(own, "item", seed)))
    first = Markup(" open") if name == next(iter(run.models)) else NOTHING
    return Markup(
        '<details class="against" data-model="{0}"{3}><summary>{0}: {1}</summary><div class="pairs">{2}</div></details>'
    ).format(name, model.verdict, join(parts), first)


def _against(model: ModelResult, facts: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return own facts that disagree with the verdict on knowledge, those that disagree most first."""
    own = facts.filter(pl.col("group") == "own")
    if model.knowledge.state == "yes":
        against = own.filter(pl.col("state").is_in(["never", "lost"]) | (pl.col("margin_gain") < 0)).sort("margin_gain")
        return against, "Own facts that were not learned, which speak against it"
    against = own.filter((pl.col("state") == "learned") | (pl.col("margin_gain") > 0)).sort(
        "margin_gain", descending=True
    )
    return against, "Own facts that gained, which speak for knowledge"


def _draw(frame: pl.DataFrame, key: str, seed: int) -> pl.DataFrame:
    luck = [hashlib.sha256(f"{seed}\0counter\0{value}".encode()).hexdigest() for value in frame[key]]
    return frame.with_columns(_luck=pl.Series(luck)).sort("_luck").head(ROWS)


def _number(value: float | None) -> Markup | str:
    return "–" if value is None else data(value, signed(value))


def _terms(title: str, run: RunView, frame: pl.DataFrame) -> Markup:
    rows: list[Sequence[Any]] = [
        [
            _link(row["name"], "contexts", model=row["model"], concept=row["concept"]),
            ", ".join(row["specialties"] or ()),
            row["count"],
            _number(row["gain"]),
            f"{signed(row['low'])} to {signed(row['high'])}" if None not in (row["low"], row["high"]) else "one place",
        ]
        for row in frame.iter_rows(named=True)
    ]
    return _listed(title, ["term", "specialties", "places", f"gain, {run.unit}", "95% interval"], rows)


def _facts(title: str, frame: pl.DataFrame) -> Markup:
    rows: list[Sequence[Any]] = [
        [
            _link(
                f"{_end(row['cue'])} … {row['answer']}", "facts-one", **{"fact-of": row["model"], "fact": row["item"]}
            ),
            row["group"],
            row["state"],
            f"{row['base_rank']} → {row['tuned_rank']}",
            _number(row["margin_gain"]),
        ]
        for row in frame.head(ROWS).iter_rows(named=True)
    ]
    more = f" ({frame.height} in all)" if frame.height > len(rows) else ""
    return _listed(title + more, ["fact", "group", "state", "rank", "margin gain, nats"], rows)


def _end(cue: str) -> str:
    """Return a question's last words; the row's link leads to all of it."""
    if len(cue) <= WORDS:
        return cue
    begin = len(cue) - WORDS
    space = cue.find(" ", begin)
    return "…" + cue[space if 0 <= space < begin + WORDS // 2 else begin :]


def _listed(title: str, head: list[str], rows: list[Sequence[Any]]) -> Markup:
    if not rows:
        return Markup('<div><p class="quiet">{}</p><p class="none">None.</p></div>').format(title)
    return Markup("<div>{}</div>").format(table(head, rows, title, css="listed"))


def _link(words: str, anchor: str, **state: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(f"#{anchor}?{urlencode(state)}", words) if words else NOTHING
