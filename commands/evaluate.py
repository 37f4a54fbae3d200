"""`probe evaluate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..probes.evaluate.settings import Settings
from .options import Debug, GivenOptions, with_options

EPILOG = (
    "Examples:  probe evaluate base.pt neuro_lora --suite smedqa --data S-MedQA_test.json  |  "
    "probe evaluate base tuned other_base --suite clue --data clue_files --pair tuned=other_base"
)


@with_options("evaluate", Settings)
def evaluate(
    base: Annotated[str | None, typer.Argument(help="Base model: a folder, hub id, .safetensors or .pt file.")] = None,
    tuned: Annotated[list[str] | None, typer.Argument(help="Tuned models, or further bases (see --pair).")] = None,
    *,
    options: GivenOptions,
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
        _published(published, options.get("pair", []), as_json)
        return
    if base is None or not tuned:
        raise UsageError("probe evaluate: give BASE and at least one TUNED model, or --published FILE")
    from ..probes.evaluate.processes import Processes
    from ..terminal import Reporter

    first = Processes.here().first  # the others answer in silence
    with Reporter() as reporter:
        from ..probes.evaluate.attached import evaluate_beside
        from ..probes.evaluate.evaluate import evaluate as ask

        how: dict[str, Any] = {"progress": reporter, "note": reporter.note} if first else {}
        if run is None:
            done = ask(base, tuned, **how, **options)
        else:
            if "out" in options:
                raise UsageError("--out and --run: the evaluation is kept in the comparison's run; give one of the two")
            done = evaluate_beside(run, base, tuned, **how, **options)
    if not first:
        return
    if as_json:
        print(json.dumps(done.data, indent=1, ensure_ascii=False))
    else:
        _table(done.data)
    where = sys.stderr if as_json else sys.stdout
    print(f"evaluation: {done.run / 'evaluation.json'}", file=where)
    from ..reports.page import render

    print(f"report: {render(run or done.run)}", file=where)


def _table(data: dict[str, Any]) -> None:
    """A row a task and metric, a column a model; then what differs from the base it is paired with."""
    from rich.console import Console
    from rich.table import Table

    from ..terminal import shown

    console = Console(highlight=False, markup=False)
    names = [data["base"], *data["models"]]
    table = Table(title=f"{data['suite']} · 95 % intervals")
    for head in ("", *names):
        table.add_column(head)
    cells = {(row["task"], row["metric"], row["model"]): row["estimate"] for row in data["scores"] if not row["label"]}
    for task, metric in dict.fromkeys((task, metric) for task, metric, _ in cells):
        table.add_row(f"{task}\n{metric}", *(shown(cells.get((task, metric, name)), plus=False) for name in names))
    console.print(table)
    for row in data["outcomes"]:
        unknown = f", {row['unknown']} not to be told" if row["unknown"] else ""
        console.print(
            f"{row['tuned']} against {row['base']}: {row['win']} won, {row['tie']} tied, {row['loss']} lost{unknown} "
            "(tie: the interval of the difference holds zero)",
            soft_wrap=True,
        )
    for row in data["pairs"]:
        if not row["label"] and row["p"] is not None:
            questions = f"{row['win']} won, {row['tie']} tied, {row['loss']} lost, q = {row['q']:.2g}"
            against = f"{row['tuned']} against {row['base']}"
            change = shown(row["difference"]).replace("\n", " ")
            console.print(f"{against}: {row['task']} {row['metric']} {change}: {row['outcome']} ({questions})")


def _published(file: Path, pairs: list[str], as_json: bool) -> None:
    from ..probes.evaluate.pairs import line, published

    found = published(file, pairs)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for row in found["pairs"]:
        print(f"{row['tuned']} against {row['base']}: {row['measure']} {row['difference']:+.2f}: {row['outcome']}")
    for count in found["counts"]:
        print(line(count))
