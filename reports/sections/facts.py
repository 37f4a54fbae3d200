"""Section: the facts ledger, its wordings, and every fact; the table is table.js's, a fact's candidates facts.js's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import polars as pl
from markupsafe import Markup

from ..figures import ledger_bars
from ..markup import NOTHING, chart, data, details, each, p_value, records, signed, table, value
from ..model_view import ModelView
from ..pack import Column, codes, kept, packed, scaled
from ..pack import table as columnar
from ..registry import Section, section
from ..run_view import RunView
from .verdicts import share

STRATA = {"state": "{} to the base", "base margin": "{} third of the base margin"}
STATES = ("learned", "kept", "lost", "never")
ROWS = 24_000
"""Most rows the page carries, over all models."""
LARGEST = 1_600_000
"""Bytes of them."""
COLUMNS = [
    Column("cue", "cue", "long", width=21),
    Column("answer", "answer", "text", width=11),
    Column("model", "model", "filter"),
    Column("group", "group", "filter", width=5),
    Column("state", "state", "filter", width=5),
    Column("before", "answer, base", "number", about="log-probability of the true answer in the base, nats"),
    Column("after", "answer, tuned", "number", about="log-probability of the true answer in the tuned model, nats"),
    Column("margin_gain", "margin gain", "number", about="gain of the true answer on its wrong ones, nats"),
    Column("base_rank", "rank, base", "count", about="0 is best: the fact is known"),
    Column("tuned_rank", "rank, tuned", "count", about="0 is best: the fact is known"),
    Column("specialties", "specialties", "set", shown=False),
    Column("margin_base", "margin, base", "number", shown=False),
    Column("margin_tuned", "margin, tuned", "number", shown=False),
    Column("relation", "relation", "filter", shown=False),
    Column("item", "item", "text", shown=False),
]


@section(order=50, title="Facts", anchor="facts")
def facts(run: RunView) -> Section:
    if not run.facts.height:
        return Section(Markup('<p class="none">This run has no facts, so it cannot speak of knowledge.</p>'), "")
    block, said = carried(run)
    every = block + Markup('<div id="facts-one" tabindex="-1"></div>') + records("facts", "Every fact", said)
    return Section(
        _ledger(run) + _training(run) + _strata(run) + _wordings(run) + Markup("<h3>Every fact</h3>") + every,
        "A fact is known if its true answer ranks first (rank 0) among its candidates; learned is unknown before and "
        "known after, lost the other way round, and own stands beside other because training on anything moves some.",
    )


def carried(run: RunView) -> tuple[Markup, str]:
    """The block of the rows that are on the page, and which these are."""
    return kept("facts", run.facts, lambda: _carried(run)) if run.facts.height else (NOTHING, "")


def _carried(run: RunView) -> tuple[Markup, str]:
    first = [pl.col(f"{side}_logprobs").list.first().alias(name) for side, name in SIDES.items()]
    frame = named(run, run.facts).with_columns(first)
    columns = [c for c in COLUMNS if c.key not in SIDES.values() or frame[c.key].count()]
    if frame["seen"].count():
        frame, columns = frame.with_columns(pl.col("seen").fill_null("not known")), [*columns, SEEN]

    def block(rows: pl.DataFrame) -> Markup:
        rows = rows.sort("item", maintain_order=True)
        return packed("facts", {"table": columnar(rows, columns), "candidates": _candidates(rows)})

    return fitted(frame, "margin_gain", ROWS, LARGEST, block)


SIDES = {"base": "before", "tuned": "after"}
SEEN = Column("seen", "seen in training", "filter")


def _candidates(frame: pl.DataFrame) -> dict[str, Any]:
    """Of each fact its answer, then its wrong answers: strings as codes, log-probabilities (nats, whole targets)."""
    lists = [[answer, *(wrong or ())] for answer, wrong in frame.select("answer", "distractors").iter_rows()]
    words, flat = codes(word for row in lists for word in row)
    place = iter(flat)
    out: dict[str, Any] = {"words": words, "strings": [[next(place) for _ in row] for row in lists]}
    for side in SIDES:
        column = frame[f"{side}_logprobs"]
        out[side] = [None if row is None else scaled(row) for row in column.to_list()]
    return out


def _ledger(run: RunView) -> Markup:
    bars = [
        (f"{model.name}, {group}", _outcomes(counts), model.name)
        for model in run.models
        for group, counts in model.ledger.groups.items()
        if group != "general" and counts.get("facts")
    ]
    plot = (
        chart(
            ledger_bars([(label, counts) for label, counts, _ in bars], STATES),
            "What became of the facts",
            height=90 + 26 * len(bars),
        )
        if bars
        else NOTHING
    )
    rows = [
        [
            model.name,
            group,
            data(counts["facts"], str(counts["facts"])) if "facts" in counts else "–",
            *(_count(model.name, group, state, _outcomes(counts).get(state)) for state in STATES),
            share(model.ledger, group, "learned", "unknown"),
            share(model.ledger, group, "lost", "known"),
            each('<div class="line">{}</div>', [[line] for line in _tests(model)] if group == "own" else []),
        ]
        for model in run.models
        for group, counts in model.ledger.groups.items()
    ]
    head = ["model", "facts of", "facts", *STATES, "learned, of those unknown", "lost, of those known"]
    return plot + table([*head, "own against other"], rows, "Facts ledger") + _by_specialty(run)


def _tests(model: ModelView) -> list[str]:
    """Own against other, of learned facts and of lost ones: Fisher's exact p and Cohen's h."""
    ledger = model.ledger
    every = (("learned", ledger.p_learned), ("lost", ledger.p_lost))
    return [
        f"{name}: {p_value(p)}" + ("" if (h := ledger.h[name]) is None else f", h = {signed(h, 2)}")
        for name, p in every
        if p is not None
    ]


def _outcomes(counts: dict[str, int]) -> dict[str, int]:
    """Facts by what became of them: `STATES`; nothing where they were not counted."""
    if not {"unknown", "learned", "known", "lost"} <= counts.keys():
        return {}
    kept, never = counts["known"] - counts["lost"], counts["unknown"] - counts["learned"]
    return {"learned": counts["learned"], "kept": kept, "lost": counts["lost"], "never": never}


def _count(model: str, group: str, state: str, count: int | None) -> Markup | str:
    """A count that leads to its facts."""
    if count is None:
        return "–"
    target = "#facts?" + urlencode({"model": model, "facts.group": group, "facts.state": state})
    shown = data(count, str(count))
    words = f"{model}: {group} facts {state}: {count}"
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(target, words, shown) if count else shown


def _by_specialty(run: RunView) -> Markup:
    keys = [key for key in run.specialties if any(key in model.ledger.by_specialty for model in run.models)]
    if not keys:
        return NOTHING
    rows = [
        [
            run.specialty(key),
            *(_moved(model.ledger.by_specialty.get(key, {}), model.own == key) for model in run.models),
        ]
        for key in keys
    ]
    head = ["specialty", *(model.name for model in run.models)]
    return details("By specialty", table(head, rows, "Learned of those unknown; lost of those known"))


def _moved(counts: dict[str, int], own: bool) -> Markup:
    if not counts:
        return Markup('<span class="none">no facts</span>')
    shown = Markup("{learned} of {unknown}; {lost} of {known}").format(**counts)
    return shown + (Markup(' <span class="own">own</span>') if own else NOTHING)


def _strata(run: RunView) -> Markup:
    """Own beside other among facts that the base knew alike."""
    rows = [
        [
            model.name,
            STRATA.get(stratum.by, "{}").format(stratum.name),
            *(_moved(stratum.counts[side], False) if stratum.counts[side]["facts"] else "–" for side in stratum.counts),
            *(value(stratum.gain[side]) for side in stratum.gain),
            value(stratum.difference),
        ]
        for model in run.models
        for stratum in model.strata
    ]
    if not rows:
        return NOTHING
    head = ["model", "facts", "own: learned; lost", "other: learned; lost", "own margin gain", "other margin gain"]
    shown = table([*head, "difference"], rows, f"By what the base knew, in {run.unit}")
    said = Markup("<p>{}</p>").format(
        "Facts that the base nearly knew have less to gain; in a stratum own and other facts began alike. Margins that "
        "were very low or high fall back by themselves: read the difference."
    )
    return details("By what the base knew", said + shown)


def _training(run: RunView) -> Markup:
    """Own facts that stood in the training data beside those that did not."""
    rows = [
        [
            model.name,
            side,
            found.counts[side]["facts"],
            _moved(found.counts[side], False),
            value(found.specific[side]),
            value(found.rungs[side]["knowledge"]),
        ]
        for model in run.models
        if (found := model.training)
        for side in found.specific
    ]
    if not rows:
        return NOTHING
    head = ["model", "own facts", "facts", "learned; lost", "specific knowledge", "knowledge rung"]
    shown = table(head, rows, f"Own facts seen in training and not, in {run.unit}")
    return (
        Markup("<h3>Seen in training</h3><p>{}</p>").format(
            "A fact is seen where one passage of the training data holds its subject and its answer."
        )
        + shown
    )


def _wordings(run: RunView) -> Markup:
    rows = [
        [model.name, wording, value(knowledge), value(gain)]
        for model in run.models
        for wording, knowledge, gain in model.wordings
    ]
    if not rows:
        return Markup("")
    head = ["model", "wording", "specific knowledge", "margin gain"]
    said = Markup("<p>{}</p>").format(
        "Each fact is asked in several wordings; a gain in one wording alone is a memorised string."
    )
    return details("By wording", said + table(head, rows, f"Specific knowledge by wording, {run.unit}"))


def named(run: RunView, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its specialties' display names, its models in the run's order."""
    order = {model.name: place for place, model in enumerate(run.models)}
    known = pl.col("specialties").cast(pl.List(pl.String)).list.eval(pl.element().replace(run.specialties))
    return (
        frame.with_columns(known.alias("specialties"))
        .with_columns(pl.col("model").replace_strict(order, default=len(order), return_dtype=pl.Int64).alias("_order"))
        .sort("_order", maintain_order=True)
        .drop("_order")
    )


def largest(frame: pl.DataFrame, column: str, rows: int) -> pl.DataFrame:
    """At most `rows` rows, an equal share for each model: those largest in size by `column`."""
    share_of_each = max(1, rows // max(1, frame["model"].n_unique()))
    rank = pl.col(column).fill_nan(None).abs().rank("ordinal", descending=True).over("model")
    return frame.filter(rank.fill_null(frame.height + 1) <= share_of_each) if frame.height > rows else frame


def fitted(
    frame: pl.DataFrame, column: str, rows: int, size: int, block: Callable[[pl.DataFrame], Markup]
) -> tuple[Markup, str]:
    """The block of the rows `largest` in size by `column`, at most `rows` and `size` bytes; and which these are.

    Where `size` is too small for a row of each model, the block is larger.
    """
    while True:
        shown = largest(frame, column, rows)
        made = block(shown)
        if len(made) <= size or not rows:
            return made, capped(shown, frame)
        rows = int(0.9 * shown.height * size / len(made))


def capped(shown: pl.DataFrame, every: pl.DataFrame) -> str:
    if shown.height == every.height:
        return f"All {every.height:,} rows, to four decimals."
    return f"The {shown.height:,} rows largest in size, of {every.height:,}; all stand in the run's parquet."
