"""Section: the facts ledger, its wordings, and every fact; the table is table.js's, a fact's candidates facts.js's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import polars as pl
from markupsafe import Markup

from ...probes.results.findings import Counts, Ledger
from ...probes.results.rungs import FACT_STATES, FactState, Group
from ..figures import ledger_bars
from ..markup import ABSENT, NOTHING, chart, data, details, fill_each, p_value, records, signed, table, value
from ..pack import Column, codes, memoize, packed, scaled
from ..pack import table as columnar
from ..registry import Section, section
from ..run_view import RunView
from .verdicts import share

STRATA = {"state": "{} to the base", "base margin": "{} third of the base margin"}
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
    block, note = rows_block(run)
    every = block + Markup('<div id="facts-one" tabindex="-1"></div>') + records("facts", "Every fact", note)
    return Section(
        _ledger(run) + _training(run) + _strata(run) + _wordings(run) + Markup("<h3>Every fact</h3>") + every,
        "A fact is known if its true answer ranks first (rank 0) among its candidates; learned is unknown before and "
        "known after, lost the other way round, and own stands beside other because training on anything moves some.",
    )


def rows_block(run: RunView) -> tuple[Markup, str]:
    """Return the block of the rows that are on the page, and which these are."""
    return memoize("facts", run.facts, lambda: _rows_block(run)) if run.facts.height else (NOTHING, "")


def _rows_block(run: RunView) -> tuple[Markup, str]:
    first = [pl.col(f"{side}_logprobs").list.first().alias(name) for side, name in ANSWERS.items()]
    frame = with_display_names(run, run.facts).with_columns(first)
    columns = [c for c in COLUMNS if c.key not in ANSWERS.values() or frame[c.key].count()]
    if frame["seen"].count():
        frame, columns = frame.with_columns(pl.col("seen").fill_null("not known")), [*columns, SEEN]

    def block(rows: pl.DataFrame) -> Markup:
        rows = rows.sort("item", maintain_order=True)
        return packed("facts", {"table": columnar(rows, columns), "candidates": _candidates(rows)})

    return fit_rows(frame, "margin_gain", ROWS, LARGEST, block)


ANSWERS = {"base": "before", "tuned": "after"}
"""Columns of the true answer's log-probability, by checkpoint."""
SEEN = Column("seen", "seen in training", "filter")


def _candidates(frame: pl.DataFrame) -> dict[str, Any]:
    """Return each fact's answer, then its wrong ones: strings as codes, log-probabilities (nats, whole targets)."""
    lists = [[answer, *(wrong or ())] for answer, wrong in frame.select("answer", "distractors").iter_rows()]
    words, flat = codes(word for row in lists for word in row)
    place = iter(flat)
    out: dict[str, Any] = {"words": words, "strings": [[next(place) for _ in row] for row in lists]}
    for side in ANSWERS:
        column = frame[f"{side}_logprobs"]
        out[side] = [None if row is None else scaled(row) for row in column.to_list()]
    return out


def _ledger(run: RunView) -> Markup:
    bars = [
        (f"{name}, {group}", counts.states)
        for name, model in run.models.items()
        for group, counts in model.ledger.groups.items()
        if group != "general" and counts.facts
    ]
    plot = (
        chart(
            ledger_bars(bars, FACT_STATES),
            "What became of the facts",
            height=90 + 26 * len(bars),
        )
        if bars
        else NOTHING
    )
    rows = [
        [
            name,
            group,
            data(counts.facts, str(counts.facts)),
            *(_count(name, group, state, counts.states[state]) for state in FACT_STATES),
            share(counts, "learned"),
            share(counts, "lost"),
            fill_each(
                '<div class="line">{}</div>', [[test] for test in _tests(model.ledger)] if group == "own" else []
            ),
        ]
        for name, model in run.models.items()
        for group, counts in model.ledger.groups.items()
    ]
    head = ["model", "facts of", "facts", *FACT_STATES, "learned, of those unknown", "lost, of those known"]
    return plot + table([*head, "own against other"], rows, "Facts ledger") + _by_specialty(run)


def _tests(ledger: Ledger) -> list[str]:
    """Test own against other, learned facts and lost ones: Fisher's exact p and Cohen's h."""
    tests = (("learned", ledger.p_learned, ledger.h_learned), ("lost", ledger.p_lost, ledger.h_lost))
    return [
        f"{name}: {p_value(p)}" + ("" if h is None else f", h = {signed(h, 2)}")
        for name, p, h in tests
        if p is not None
    ]


def _count(model: str, group: Group, state: FactState, count: int) -> Markup:
    """Return a count that leads to its facts."""
    target = "#facts?" + urlencode({"model": model, "facts.group": group, "facts.state": state})
    shown = data(count, str(count))
    words = f"{model}: {group} facts {state}: {count}"
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(target, words, shown) if count else shown


def _by_specialty(run: RunView) -> Markup:
    models = run.models
    keys = [key for key in run.result.specialties if any(key in m.ledger.by_specialty for m in models.values())]
    if not keys:
        return NOTHING
    rows = [
        [
            run.specialty(key),
            *(_moved(model.ledger.by_specialty.get(key), model.own == key) for model in models.values()),
        ]
        for key in keys
    ]
    head = ["specialty", *models]
    return details("By specialty", table(head, rows, "Learned of those unknown; lost of those known"))


def _moved(counts: Counts | None, own: bool = False) -> Markup:
    if counts is None:
        return Markup('<span class="none">no facts</span>')
    shown = Markup("{} of {}; {} of {}").format(counts.learned, counts.unknown, counts.lost, counts.known)
    return shown + (Markup(' <span class="own">own</span>') if own else NOTHING)


def _strata(run: RunView) -> Markup:
    """Set own beside other facts that the base knew alike."""
    rows = [
        [
            name,
            STRATA.get(stratum.by, "{}").format(stratum.stratum),
            *(_moved(side) if side.facts else "–" for side in (stratum.own, stratum.other)),
            *(value(side.margin_gain) for side in (stratum.own, stratum.other)),
            value(stratum.difference),
        ]
        for name, model in run.models.items()
        for stratum in model.strata
    ]
    if not rows:
        return NOTHING
    head = ["model", "facts", "own: learned; lost", "other: learned; lost", "own margin gain", "other margin gain"]
    shown = table([*head, "difference"], rows, f"By what the base knew, in {run.unit}")
    about = Markup("<p>{}</p>").format(
        "Facts that the base nearly knew have less to gain; in a stratum own and other facts began alike. Margins that "
        "were very low or high fall back by themselves: read the difference."
    )
    return details("By what the base knew", about + shown)


def _training(run: RunView) -> Markup:
    """Set own facts that the training data hold beside those that they do not."""
    rows = [
        [
            name,
            label,
            side.ledger.own.facts,
            _moved(side.ledger.own),
            value(side.acquired),
            value(side.rungs.get("knowledge", ABSENT)),
        ]
        for name, model in run.models.items()
        if (exposure := model.training)
        for label, side in (("seen", exposure.seen), ("unseen", exposure.unseen))
    ]
    if not rows:
        return NOTHING
    head = ["model", "own facts", "facts", "learned; lost", "acquired", "knowledge rung"]
    shown = table(head, rows, f"Own facts seen in training and not, in {run.unit}")
    return (
        Markup("<h3>Seen in training</h3><p>{}</p>").format(
            "A fact is seen where one passage of the training data holds its subject and its answer."
        )
        + shown
    )


def _wordings(run: RunView) -> Markup:
    rows = [
        [name, row.label, value(row.acquired), value(row.margin_gain)]
        for name, model in run.models.items()
        for row in model.wordings
    ]
    if not rows:
        return NOTHING
    head = ["model", "wording", "acquired", "margin gain"]
    about = Markup("<p>{}</p>").format(
        "Each fact is asked in several wordings; a gain in one wording alone is a memorised string."
    )
    return details("By wording", about + table(head, rows, f"Acquired by wording, {run.unit}"))


def with_display_names(run: RunView, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with its specialties' display names, its models in the run's order."""
    order = {name: place for place, name in enumerate(run.models)}
    known = pl.col("specialties").cast(pl.List(pl.String)).list.eval(pl.element().replace(run.result.specialties))
    return (
        frame.with_columns(known.alias("specialties"))
        .with_columns(pl.col("model").replace_strict(order, default=len(order), return_dtype=pl.Int64).alias("_order"))
        .sort("_order", maintain_order=True)
        .drop("_order")
    )


def keep_largest(frame: pl.DataFrame, column: str, rows: int) -> pl.DataFrame:
    """Return at most `rows` rows, an equal share for each model: those largest in size by `column`."""
    share_of_each = max(1, rows // max(1, frame["model"].n_unique()))
    rank = pl.col(column).fill_nan(None).abs().rank("ordinal", descending=True).over("model")
    return frame.filter(rank.fill_null(frame.height + 1) <= share_of_each) if frame.height > rows else frame


def fit_rows(
    frame: pl.DataFrame, column: str, rows: int, size: int, block: Callable[[pl.DataFrame], Markup]
) -> tuple[Markup, str]:
    """Return the block of the rows `largest` in size by `column`, at most `rows` and `size` bytes; and which these are.

    Where `size` is too small for a row of each model, the block is larger.
    """
    while True:
        shown = keep_largest(frame, column, rows)
        made = block(shown)
        if len(made) <= size or not rows:
            return made, describe_rows(shown, frame)
        rows = int(0.9 * shown.height * size / len(made))


def describe_rows(shown: pl.DataFrame, every: pl.DataFrame) -> str:
    if shown.height == every.height:
        return f"All {every.height:,} rows, to four decimals."
    return f"The {shown.height:,} rows largest in size, of {every.height:,}; all stand in the run's parquet."
