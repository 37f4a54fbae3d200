"""`probe compare`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..probes.runs.settings import Settings, settings_from
from .options import Base, Debug, GivenOptions, Tuned, with_options

EPILOG = (
    "Examples:  probe compare base.pt neuro_lora cardio_lora --own neuro_lora=neurology  |  "
    "probe compare base.pt neuro_s0 neuro_s1 --replicates neuro=neuro_s0,neuro_s1  |  probe compare base.pt --base-only"
)
MaybeTuned = Annotated[list[str] | None, *Tuned.__metadata__]
"""With --base-only there is none."""


@with_options("compare", Settings)
def compare(
    base: Base,
    options: GivenOptions,
    tuned: MaybeTuned = None,
    no_lens: Annotated[bool, typer.Option("--no-lens", help="Short for --lens none.")] = False,
    evaluate: Annotated[
        list[str] | None,
        typer.Option(help="Also ask the models a suite's questions: SUITE, or SUITE=DATA (see probe evaluate)."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be loaded and read, and what that takes; run nothing.")
    ] = False,
    base_only: Annotated[
        bool,
        typer.Option(
            "--base-only",
            help="Say what the base knows of the domain, and how much a tune must teach to be seen; no tuned model.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison, or the plan, on standard output alone.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare tuned models with their base: what was learned, and what only moved."""
    from ..probes.runs.processes import Processes
    from ..terminal import Reporter, summary

    is_first = Processes.here().is_first  # the others score in silence
    lens = options.get("lens", "none")
    if no_lens and lens != "none":
        raise UsageError(f"--no-lens: is short for --lens none, and --lens {lens} is given too; drop one of the two")
    if no_lens:
        options["lens"] = "none"
    settings = settings_from(None, options)
    tuned = tuned or []
    if base_only:
        from .base_only import show_base

        if tuned:
            raise UsageError(f"--base-only: looks at the base alone; drop {', '.join(tuned)}, or the option")
        show_base(base, settings, as_json)
        return
    if plan:
        if evaluate:
            print("probe: --plan: what --evaluate would ask is not in it", file=sys.stderr)
        if is_first:
            _show_plan(base, tuned, settings, as_json)
        return
    with Reporter() as reporter:
        from ..probes.runs.compare import compare as finish_comparison
        from ..probes.runs.compare import run_comparison

        if evaluate:
            from ..probes.evaluate.attached import check_attached_suites, run_attached_evaluations

            check_attached_suites(evaluate, options)
        how: dict[str, Any] = {"progress": reporter, "note": reporter.note} if is_first else {}
        # Evaluations need the finished comparison, so that every process waits for it.
        done = (finish_comparison if evaluate else run_comparison)(base, tuned, settings, **how)
        if evaluate and done is not None:
            run_attached_evaluations(evaluate, done.run, base, tuned, options, **how)
        if done is None or not is_first:  # another process prints the results
            return
        reporter("report", 0, 1)
        from ..reports.page import render

        page = render(done.run)
        reporter("report", 1, 1)
    if as_json:
        print(done.result.to_json(), end="")
    else:
        summary(done.result)
    print(f"report: {page}", file=sys.stderr if as_json else sys.stdout)


def _show_plan(base: str, tuned: list[str], settings: Settings, as_json: bool) -> None:
    from ..probes.runs.forecast import forecast
    from ..terminal import Reporter

    with Reporter() as reporter:
        found = forecast(base, tuned, settings, note=reporter.note, progress=reporter)
    lines = [json.dumps(found.json(), indent=1, ensure_ascii=False)] if as_json else found.lines()
    print("\n".join(lines))
