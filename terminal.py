"""Print what the terminal shows: progress on standard error, tables of results."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from .probes.results.calibration import Calibration
from .probes.results.comparison import ComparisonResult
from .probes.results.estimate import Estimate
from .probes.results.findings import Rate
from .probes.results.lens import LensReading
from .probes.results.model import ModelResult
from .probes.results.replicates import SHARE, ReplicateGroup, ReplicateSpread, states_in_words
from .probes.results.rounding import RoundingResult
from .probes.results.rungs import (
    ABSOLUTE_SHIFT,
    ACQUIRED,
    BEYOND_CONTRAST,
    GENERAL_LANGUAGE,
    LEARNED,
    ROUNDING,
    RUNG_LABELS,
    Per,
    Rung,
)

if TYPE_CHECKING:
    from .terms.extraction.agreement import Agreement
    from .terms.extraction.termlist import Term

UNIT_LABELS: dict[Per, str] = {
    "token": "nats per token",
    "target": "nats per target",
    "character": "nats per character",
}


class Reporter:
    """A progress bar of items, rate and time left, called as `reporter(stage, done, total)`."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self.stage: str | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.task is not None:
            self.bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self.stage:
            # Not before there is something to show: a bar leaves a line behind.
            self.bar.start()
            if self.task is not None:
                self.bar.update(self.task, completed=self.bar.tasks[-1].total or 0)
            self.stage, self.task = stage, self.bar.add_task(stage, total=total, rate="")
        assert self.task is not None
        speed = self.bar.tasks[-1].speed
        self.bar.update(self.task, completed=done, rate=f"{speed:,.0f}/s" if speed else "")

    def note(self, line: str) -> None:
        self.console.print(line, markup=False)


def shown(estimate: Estimate | Mapping[str, Any] | None, plus: bool = True) -> str:
    """Return an estimate as `+0.12 [+0.05, +0.19]`, a dash where it has no value."""
    if isinstance(estimate, Mapping):  # `probe evaluate` still passes estimates as JSON.
        estimate = Estimate(estimate.get("estimate"), estimate.get("low"), estimate.get("high"))
    if estimate is None or estimate.value is None:
        return "–"
    sign = "+" if plus else ""
    low, high = estimate.low, estimate.high
    interval = "" if low is None or high is None else f"\n[{low:{sign}.2f}, {high:{sign}.2f}]"
    return f"{estimate.value:{sign}.2f}{interval}"


def summary(result: ComparisonResult) -> None:
    """Print the table at the end of `probe compare`: a column a tuned model, as many as the width holds at a time."""
    console = Console(highlight=False, markup=False)
    models = list(result.models.items())
    across = max(1, (console.width - 25) // 19)
    console.print(
        f"{result.base} · {result.domain} · {UNIT_LABELS[result.per]}, 95 % intervals",
        soft_wrap=True,
    )
    for begin in range(0, len(models), across):
        shown_models = models[begin : begin + across]
        table = Table()
        table.add_column("", no_wrap=True)
        for name, _ in shown_models:
            table.add_column(name, justify="right", overflow="fold", min_width=16, max_width=24)
        for title, cell in _ROWS.items():
            table.add_row(textwrap.fill(title, 22), *(cell(model) for _, model in shown_models))
        console.print(table)
    for name, model in models:
        print_wrapped(console, model.sentence)
        if model.calibration:
            print_wrapped(console, f"  How often wrong: {model.calibration.brief}")
        if (rounding := model.part(ROUNDING, RoundingResult)) is not None:
            print_wrapped(console, f"  {rounding.sentence}")
        for missing in model.missing:
            print_wrapped(console, f"  {name}, missing: {missing}")
    for name, group in result.replicates.items():
        _print_replicates(console, name, group, result.models)


def _print_replicates(console: Console, name: str, group: ReplicateGroup, models: Mapping[str, ModelResult]) -> None:
    """Print the trainings of one tune: their mean and spread beside each one's interval over facts, then a sentence."""
    print_wrapped(console, f"{name}: {len(group.models)} trainings of one tune, {', '.join(group.models)}")
    table = Table()
    table.add_column("", no_wrap=True)
    for head in ("mean, interval\nover trainings", "SD", "each training,\nover facts"):
        table.add_column(head, justify="right")
    findings = {
        "knowledge": (group.knowledge, [models[model].knowledge.label for model in group.models]),
        "shift": (group.shift, [models[model].shift.label for model in group.models]),
    }
    rows = {
        title: (_over_trainings(spread.mean), _sd(spread), *map(_one_line, spread.trainings.values()))
        for title, spread in group.spreads.items()
    }
    for half, titles in _HALVES.items():
        states, labels = findings[half]
        table.add_row(half, states_in_words(states).replace(", ", "\n"), "", "\n".join(labels))
        for title in titles:
            mean, sd, *each = rows[title]
            table.add_row(textwrap.fill(title.lower(), 22), mean, sd, "\n".join(each))
    console.print(table)
    print_wrapped(console, group.sentence)


def _over_trainings(mean: Estimate) -> str:
    return _one_line(mean).replace(" [", "\n[", 1)


def _one_line(number: Estimate) -> str:
    """Return an estimate and its interval on one line; shares in per cent."""
    if number.unit != SHARE or number.value is None:
        return shown(number).replace("\n", " ")
    ends = "" if number.low is None or number.high is None else f" [{number.low:.0%}, {number.high:.0%}]"
    return f"{number.value:.0%}{ends}"


def _sd(spread: ReplicateSpread) -> str:
    if spread.sd is None:
        return "–"
    return f"{spread.sd:.1%}" if spread.mean.unit == SHARE else f"{spread.sd:.3f}"


def print_wrapped(console: Console, text: str) -> None:
    """Print a sentence in lines no wider than the terminal; a name that is wider stays whole."""
    for line in textwrap.wrap(text, console.width, subsequent_indent="  ", break_long_words=False) or [""]:
        console.print(line, soft_wrap=True)


def _rung(rung: Rung) -> Callable[[ModelResult], str]:
    return lambda model: shown(model.rungs.get(rung))


def _rate(rate: Rate) -> str:
    return f"{rate.hits}/{rate.n}"


def _lost(model: ModelResult) -> str:
    return " | ".join("{}/{}".format(*side.share("lost")) for side in (model.ledger.own, model.ledger.other))


def _answer(label: str) -> str:
    """Return an answer with its kind on a line of its own, so that narrow columns break nowhere else."""
    return label.replace(" (", "\n(", 1)


_ROWS: dict[str, Callable[[ModelResult], str]] = {
    "verdict": lambda model: model.verdict,
    "knowledge": lambda model: _answer(model.knowledge.label),
    ACQUIRED.lower(): lambda model: shown(model.acquired),
    "learned, own | other": lambda model: (
        f"{_rate(model.knowledge.learned.own)} | {_rate(model.knowledge.learned.reference)}"
    ),
    "lost, own | other": _lost,
    "shift": lambda model: _answer(model.shift.label),
    BEYOND_CONTRAST.lower(): lambda model: shown(model.shift.over_contrast),
    ABSOLUTE_SHIFT.lower(): lambda model: shown(model.shift.absolute),
    GENERAL_LANGUAGE.lower(): lambda model: shown(model.shift.general),
    **{f"{label}, raw": _rung(rung) for rung, label in RUNG_LABELS.items()},
}


_HALVES: dict[str, tuple[str, ...]] = {
    "knowledge": (ACQUIRED, LEARNED),
    "shift": (BEYOND_CONTRAST, ABSOLUTE_SHIFT, GENERAL_LANGUAGE),
}
"""Quantities by the half of the verdict that they belong to."""


def lens_table(reading: LensReading, widest: int = 12) -> None:
    """Print tokens × layers for each model: log-probability of the token, and the layer's likeliest token."""
    console = Console(highlight=False, markup=False)
    for model in reading.models:
        table = Table(title=f"{model.name}: log-probability (nats) and top token by layer", title_justify="left")
        table.add_column("token")
        for layer in reading.layers:
            table.add_column(f"{layer}", justify="right", overflow="fold")
        for index, token in enumerate(reading.tokens):
            cells = []
            for layer in range(len(reading.layers)):
                value, top = model.logprob[layer][index], model.top[layer][index]
                cells.append("" if value is None else f"{value:.2f} {top[:widest]!r}")
            table.add_row(repr(token), *cells)
        console.print(table)


def term_table(terms: Sequence[Term], specialty: str, title: str) -> None:
    """Print a specialty's terms with what speaks for them."""
    console = Console(highlight=False, markup=False)
    table = Table(title=title, title_justify="left")
    columns: dict[str, Literal["left", "right"]] = {
        "": "right",
        "term": "left",
        "concept": "left",
        "z": "right",
        "specificity": "right",
        "documents": "right",
        "rests on": "left",
    }
    for name, justify in columns.items():
        table.add_column(name, justify=justify, overflow="fold")
    for number, term in enumerate(terms, 1):
        z = term.z.get(specialty)
        why = ", ".join((*term.hierarchy, *term.type_roots)) or term.basis
        inside = f"{term.documents_by.get(specialty, 0)}/{term.documents}"
        specific = "–" if term.specificity is None else f"{term.specificity:.2f}"
        table.add_row(str(number), term.name, term.concept, "–" if z is None else f"{z:+.1f}", specific, inside, why)
    console.print(table)


def agreement_table(agreements: Mapping[str, Agreement]) -> None:
    """Print precision, recall and F1, a row a kind of agreement."""
    console = Console(highlight=False, markup=False)
    table = Table()
    table.add_column("")
    for name in ("precision", "recall", "F1", "right", "found", "gold"):
        table.add_column(name, justify="right")
    for name, agreement in agreements.items():
        rates = (agreement.precision, agreement.recall, agreement.f1)
        counts = (agreement.right, agreement.found, agreement.gold)
        table.add_row(name, *("–" if rate is None else f"{rate:.3f}" for rate in rates), *map(str, counts))
    console.print(table)


def calibration_table(data: Calibration) -> None:
    """Print a row an arm: how often each verdict was reached, of how many models."""
    console = Console(highlight=False, markup=False)
    for size in map(str, data.sizes):
        table = Table(title=f"{size} own facts", title_justify="left")
        for head in ("arm", "knowledge", "no knowledge", "shift, texts", "shift, facts", "planted", "found", "covered"):
            table.add_column(head, justify="left" if head == "arm" else "right")
        for name, arm in data.arms.items():
            at_size = arm.sizes[size]
            rates = at_size.knowledge["acquired"], at_size.no_knowledge, arm.text_shift.yes, at_size.shift.yes
            means = ("–" if value is None else f"{value:+.2f}" for value in (arm.planted, at_size.estimate))
            table.add_row(name, *map(_rate, rates), *means, _rate(at_size.coverage))
        console.print(table)
