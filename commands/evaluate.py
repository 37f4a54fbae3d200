"""`probe evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ..errors import UsageError
from ..probes.evaluate.settings import Settings
from .options import Debug, GivenOptions, with_options

if TYPE_CHECKING:
    from ..probes.evaluate.suite import Suite
    from ..probes.results.evaluation import EvaluationResult

EPILOG = (
    "Examples:  probe evaluate base.pt neuro_lora --suite smedqa --data S-MedQA_test.json  |  "
    "probe evaluate base tuned other_base --suite clue --data clue_files --pair tuned=other_base"
)


class SuiteCommand(TyperCommand):
    """Adds the options of every suite to `probe evaluate`, once it is called: suites take long to import."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        whole = typer.Typer(add_completion=False, rich_markup_mode=None)
        whole.command()(with_options("evaluate", Settings, *(suite.options for suite in _suites()))(_evaluate))
        command = typer.main.get_command(whole)
        self.params, self.callback = command.params, command.callback
        suites = "  |  ".join(f"{suite.name}: {suite.help}" for suite in _suites())
        self.epilog = f"Suites:  {suites}\n\n{EPILOG}"
        return super().make_context(*args, **kwargs)


def _suites() -> list[Suite[Any]]:
    from ..probes.evaluate.registry import all_suites

    return all_suites()


def _evaluate(
    options: GivenOptions,
    base: Annotated[str | None, typer.Argument(help="Base model: a folder, hub id, .safetensors or .pt file.")] = None,
    tuned: Annotated[list[str] | None, typer.Argument(help="Tuned models, or further bases (see --pair).")] = None,
    run: Annotated[
        Path | None, typer.Option(help="A finished comparison of these models: answers beside its probabilities.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option(help="Compare published scores (JSON) instead of models; with --pair.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation on standard output alone.")] = False,
    debug: Debug = False,
) -> None:
    """Ask the models questions: do answers get better, and on what?"""
    if published is not None:
        _published(published, options.get("pair") or [], as_json)
        return
    if base is None or not tuned:
        raise UsageError("probe evaluate: give BASE and at least one TUNED model, or --published FILE")
    from ..probes.runs.processes import Processes
    from ..terminal import Reporter

    first = Processes.here().is_first  # the others answer in silence
    with Reporter() as reporter:
        from ..probes.evaluate.attached import evaluate_attached
        from ..probes.evaluate.evaluate import evaluate as ask

        reporting: dict[str, Any] = {"progress": reporter, "note": reporter.note} if first else {}
        if run is None:
            done = ask(base, tuned, **options, **reporting)
        else:
            if options.get("out") is not None:
                raise UsageError("--out and --run: the evaluation is kept in the comparison's run; give one of the two")
            done = evaluate_attached(run, base, tuned, **options, **reporting)
    if done is None:  # another process prints the results
        return
    if as_json:
        print(done.result.to_json(), end="")
    else:
        _table(done.result)
    where = sys.stderr if as_json else sys.stdout
    print(f"evaluation: {done.run / done.result.FILE}", file=where)
    from ..reports.page import render

    print(f"report: {render(run or done.run)}", file=where)


evaluate = with_options("evaluate", Settings)(_evaluate)


def _table(result: EvaluationResult) -> None:
    """Print a row a task and metric, a column a model; then what differs from the base it is paired with."""
    from rich.console import Console
    from rich.table import Table

    from ..terminal import shown

    console = Console(highlight=False, markup=False)
    table = Table(title=f"{result.suite} · 95 % intervals")
    for head in ("", *result.names):
        table.add_column(head)
    cells = {(row.task, row.metric, row.model): row.estimate.json() for row in result.scores if not row.label}
    for task, metric in dict.fromkeys((task, metric) for task, metric, _ in cells):
        estimates = (cells.get((task, metric, name)) for name in result.names)
        table.add_row(f"{task}\n{metric}", *(shown(estimate, plus=False) for estimate in estimates))
    console.print(table)
    for outcomes in result.outcomes:
        unknown = f", {outcomes.unknown} not to be told" if outcomes.unknown else ""
        console.print(
            f"{outcomes.tuned} against {outcomes.base}: {outcomes.win} won, {outcomes.tie} tied, {outcomes.loss} lost"
            f"{unknown} (tie: the interval of the difference holds zero)",
            soft_wrap=True,
        )
    for row in result.pairs:
        if not row.label and row.p is not None:
            questions = f"{row.win} won, {row.tie} tied, {row.loss} lost, q = {row.q:.2g}"
            change = shown(row.difference.json()).replace("\n", " ")
            against = f"{row.tuned} against {row.base}"
            console.print(f"{against}: {row.task} {row.metric} {change}: {row.outcome} ({questions})")


def _published(file: Path, pairs: list[str], as_json: bool) -> None:
    from ..probes.evaluate.pairs import published

    found = published(file, pairs)
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    for row in found.pairs:
        print(f"{row.tuned} against {row.base}: {row.measure} {row.difference:+.2f}: {row.outcome}")
    for count in found.counts:
        print(count)
