"""`probe test`: hypotheses from files, tested as stated."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..probes.runs.settings import Settings, settings_from
from .options import Debug, GivenOptions, with_options

if TYPE_CHECKING:
    from ..probes.results.hypotheses import HypothesisTestResult, ModelOutcome

EPILOG = """Examples:  probe test own-facts-only mine.toml --run runs/base-neuro_lora  |  probe test mine.toml base.pt
neuro_lora  |  probe test --list

\b
A hypothesis file:
    name = "rare drugs gain more"
    prediction = "Drugs that stand once in the texts gain more than others."
    items = "terms"
    measure = "gain"
    groups.rare = { types = "T121", band = "rare" }
    groups.others = { types = "T121", band = { not = "rare" } }
    contrast = "rare - others"
    direction = "greater"
    smallest = 0.1"""


@with_options("test", Settings)
def hypotheses(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE... [BASE TUNED...]",
            help="Hypothesis files (.toml) and names of ready ones (default: every ready one); without --run, the "
            "models to compare first.",
        ),
    ] = None,
    run: Annotated[Path | None, typer.Option(help="A finished run directory.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the ready hypotheses, measures and columns.")] = False,
    *,
    options: GivenOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results on standard output alone.")] = False,
    debug: Debug = False,
) -> None:
    """Test hypotheses that were stated in a file: supported, refuted or cannot tell."""
    from ..probes.hypotheses.files import ready
    from ..reports.page import render
    from ..terminal import Reporter

    if show:
        _list()
        return
    known = ready()
    files = [name for name in given or () if name in known or name.endswith(".toml")]
    models = [name for name in given or () if name not in files]
    with Reporter() as reporter:
        if run is not None:
            _no_models(models, options)
            from ..probes.hypotheses.testing import test_hypotheses

            done, place = test_hypotheses(run, *files, domain=options.get("domain"), progress=reporter), run
        else:
            if len(models) < 2:
                raise UsageError("no run: give --run RUN, or a base and its tuned models after the hypothesis files")
            done, place = _compared(files, models, settings_from(None, options), reporter)
        page = render(place, text=options.get("text"))
    if as_json:
        print(done.result.model_dump_json(indent=1))
    else:
        _table(done.result)
    print(f"report: {page}", file=sys.stderr if as_json else sys.stdout)


def _no_models(models: Sequence[str], options: GivenOptions) -> None:
    if models:
        raise UsageError(
            f"{models[0]}: no hypothesis file (.toml) and no ready one; models are not given together with --run; "
            "the ready ones: probe test --list"
        )
    for name in ("own", "out", "limit"):
        if name in options:
            raise UsageError(f"--{name}: is for models that are compared first; with --run, drop it")


def _compared(files: Sequence[str], models: Sequence[str], settings: Settings, reporter: Any) -> tuple[Any, Path]:
    """The files are read, so that their hashes are known, before the run begins."""
    read_at = datetime.datetime.now(datetime.UTC)
    from ..probes.hypotheses.files import read_all, ready
    from ..probes.hypotheses.testing import conclude
    from ..probes.runs.compare import compare

    hypotheses = read_all(files or tuple(ready()))
    compared = compare(models[0], models[1:], settings, progress=reporter, note=reporter.note)
    done = conclude(
        compared, hypotheses, domain=settings.domain, strict=bool(files), read_at=read_at, progress=reporter
    )
    return done, compared.run


def _list() -> None:
    from ..probes.hypotheses.files import read, ready
    from ..probes.hypotheses.measures import measures
    from ..probes.hypotheses.rows import COLUMNS

    print("ready hypotheses:")
    for name, path in ready().items():
        for hypothesis in read(path):
            print(f"  {name}: {hypothesis.prediction}")
    print("measures:")
    for measure in measures().values():
        print(f"  {measure.name} ({' and '.join(measure.items)}): {measure.means}")
    for items, columns in COLUMNS.items():
        print(f"columns of {items}:")
        for column, means in columns.items():
            print(f"  {column}: {means}")


def _table(result: HypothesisTestResult) -> None:
    """Print a row a hypothesis and model; then why, where nothing can be said."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    table = Table()
    for head in ("hypothesis", "model", "outcome", "effect", "p", "power", "could be seen"):
        right = head in ("effect", "p", "power", "could be seen")
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    for hypothesis in result.hypotheses:
        for at, (model, outcome) in enumerate(hypothesis.results.items()):
            table.add_row(hypothesis.name if at == 0 else "", model, outcome.outcome, *_cells(outcome))
    console.print(table)
    for hypothesis in result.hypotheses:
        for model, outcome in hypothesis.results.items():
            if not outcome.effect.known:
                console.print(f"{hypothesis.name}, {model}: {outcome.why}", soft_wrap=True)
    for file in result.files:
        console.print(
            f"{file.file}: sha256 {file.sha256[:12]}, of {file.modified}, {file.before_run} ({result.run_started})",
            soft_wrap=True,
        )


def _cells(outcome: ModelOutcome) -> tuple[str, str, str, str]:
    from ..terminal import shown

    p, power, seen, effect = outcome.p, outcome.power, outcome.detectable, outcome.effect
    interval = shown(effect).replace("\n", " ")
    return (
        f"{interval} {effect.unit}" if effect.known else "–",
        "–" if p is None else f"{p:.4f}" if p < 0.01 else f"{p:.2f}",
        "–" if power is None else f"{power:.0%}",
        "–" if seen is None else f"{seen:.2f}",
    )
