"""`probe compare`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..terms.defaults import DOMAIN
from .options import (
    Base,
    Config,
    Debug,
    Device,
    DeviceMap,
    Dtype,
    Engine,
    Layers,
    LensData,
    LensKind,
    Quantize,
    Remote,
    TemplateOption,
    Tuned,
)

EPILOG = "Example:  probe compare base.pt neuro_lora cardio_lora --own neuro_lora=neurology"


def compare(
    base: Base,
    tuned: Tuned,
    domain: Annotated[str, typer.Option(help="An embedded domain's name, or a domain folder.")] = DOMAIN,
    vocabulary: Annotated[
        Path | None,
        typer.Option(help="A compiled vocabulary: terms come from its linker, not from the domain's names."),
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="Terms to use: a folder of probe terms extract, or its edited terms.csv.")
    ] = None,
    training_data: Annotated[
        list[str] | None,
        typer.Option(help="What models were trained on (text, .jsonl): FILE, or MODEL=FILE once for each."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="smedqa: give that study's plain statistic beside ours, in no verdict.")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(help="Own specialty: NAME, or MODEL=NAME once for each; none for a tune with no specialty."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory (default: runs/<base>-<tuned>-<date>); the same run goes on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the resampling, of --limit and of a tuned lens.")] = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    quantize: Quantize = "none",
    device_map: DeviceMap = "none",
    limit: Annotated[int | None, typer.Option(help="Score only N items of each group.")] = None,
    per: Annotated[str, typer.Option(help="Unit of gains: token, target, character.")] = "token",
    template: TemplateOption = "none",
    config: Config = None,
    engine: Engine = "hooks",
    remote: Remote = False,
    layers: Layers = "all",
    lens: LensKind = None,
    lens_data: LensData = None,
    no_lens: Annotated[bool, typer.Option("--no-lens", help="Short for --lens none.")] = False,
    evaluate: Annotated[
        list[str] | None,
        typer.Option(help="Also ask the models a suite's questions: SUITE, or SUITE=DATA (see probe evaluate)."),
    ] = None,
    passages: Annotated[
        int, typer.Option(help="Passages around terms to read token by token, for the page's contexts; 0 for none.")
    ] = 150,
    no_text: Annotated[
        bool,
        typer.Option("--no-text", help="Keep passages of the corpus out of the run and its page (confidential data)."),
    ] = False,
    allow_failed_checks: Annotated[
        bool, typer.Option("--allow-failed-checks", help="Go on where a validity check fails, and show it in red.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be loaded and read, and what that takes; run nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison, or the plan, on standard output alone.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare tuned models with their base: what was learned, and what only moved."""
    from ..terminal import Reporter, summary

    options: dict[str, Any] = {
        "domain": domain,
        "vocabulary": vocabulary,
        "terms": terms,
        "recipe": recipe,
        "training_data": training_data or (),
        "own": own or (),
        "out": out,
        "seed": seed,
        "device": device,
        "dtype": dtype,
        "quantize": quantize,
        "device_map": device_map,
        "limit": limit,
        "per": per,
        "template": template,
        "config": config,
        "layers": layers,
        "lens_data": lens_data,
        "engine": engine,
        "remote": remote,
        "allow_failed_checks": allow_failed_checks,
        "passages": passages,
        "text": not no_text,
    }
    if no_lens and lens not in (None, "none"):
        raise UsageError(f"--no-lens: is short for --lens none, and --lens {lens} is given too; drop one of the two")
    if no_lens or lens is not None:
        options["lens"] = lens or "none"
    if plan:
        if evaluate:
            print("probe: --plan: what --evaluate would ask is not in it", file=sys.stderr)
        _show_plan(base, tuned, options, as_json)
        return
    with Reporter() as reporter:
        from ..probes.runs.compare import compare as run_comparison

        if evaluate:
            from ..probes.evaluate.joined import also, ready

            ready(evaluate, options)
        done = run_comparison(base, tuned, progress=reporter, note=reporter.note, **options)
        if evaluate:
            also(evaluate, done.run, base, tuned, options, progress=reporter, note=reporter.note)
        reporter("report", 0, 1)
        from ..reports.page import render

        page = render(done.run)
        reporter("report", 1, 1)
    if as_json:
        print(done.result.to_json(), end="")
    else:
        summary(done.result)
    print(f"report: {page}", file=sys.stderr if as_json else sys.stdout)


def _show_plan(base: str, tuned: list[str], options: dict[str, Any], as_json: bool) -> None:
    from ..probes.runs.forecast import forecast
    from ..terminal import Reporter

    with Reporter() as reporter:
        found = forecast(base, tuned, note=reporter.note, progress=reporter, **options)
    lines = [json.dumps(found.json(), indent=1, ensure_ascii=False)] if as_json else found.lines()
    print("\n".join(lines))
