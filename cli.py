"""The command `probe`. Options become settings; everything else is in the rooms below.

Nothing heavy is imported at the top: `probe --help` answers in under half a second.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from ._version import __version__
from .errors import KnowshiftError

INTERRUPTED = 130

DEMO_LIMIT = 400
"""Items of each group in the demo: enough for every verdict, and done in under a minute."""

app = typer.Typer(
    name="probe",
    help="Did this fine-tune inject knowledge, or did it only shift the domain?",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples:  probe demo  |  probe compare base.pt neuro_lora  |  probe report runs/base-neuro_lora",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"knowshift {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Did this fine-tune inject knowledge, or did it only shift the domain?"""


Base = Annotated[str, typer.Argument(help="Base model: a folder, hub id, .safetensors or .pt file.")]
Tuned = Annotated[list[str], typer.Argument(help="Tuned models: LoRA adapters or full fine-tunes, in the same forms.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")]
TemplateOption = Annotated[str, typer.Option(help="none, chat, or a text file that ends in {text}.")]
Config = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Folder with config.json and tokenizer for a bare weight file."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@app.command(epilog="Example:  probe compare base.pt neuro_lora cardio_lora --own neuro_lora=neurology")
def compare(
    base: Base,
    tuned: Tuned,
    domain: Annotated[str, typer.Option(help="An embedded domain's name, or a domain folder.")] = "medicine",
    own: Annotated[
        list[str] | None,
        typer.Option(help="Own specialty: NAME, or MODEL=NAME once for each; none for a tune with no specialty."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory (default: runs/<base>-<tuned>-<date>); the same run goes on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the resampling and of --limit.")] = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    limit: Annotated[int | None, typer.Option(help="Score only N items of each group.")] = None,
    per: Annotated[str, typer.Option(help="Unit of gains: token, target, character.")] = "token",
    template: TemplateOption = "none",
    config: Config = None,
    lens: Annotated[bool, typer.Option("--lens/--no-lens", help="Read every layer through the logit lens.")] = True,
    allow_failed_checks: Annotated[
        bool, typer.Option("--allow-failed-checks", help="Go on where a validity check fails, and show it in red.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison on standard output alone.")] = False,
    debug: Debug = False,
) -> None:
    """Compare tuned models with their base: what was learned, and what only moved."""
    from .terminal import Reporter, summary

    options: dict[str, Any] = {
        "domain": domain, "own": own or (), "out": out, "seed": seed, "device": device, "dtype": dtype,
        "limit": limit, "per": per, "template": template, "config": config, "lens": lens,
        "allow_failed_checks": allow_failed_checks,
    }  # fmt: skip
    with Reporter() as reporter:
        from .probes.compare import compare as run_comparison

        done = run_comparison(base, tuned, progress=reporter, note=reporter.note, **options)
        reporter("report", 0, 1)
        from .reports.page import render

        page = render(done.run)
        reporter("report", 1, 1)
    if as_json:
        print(json.dumps(done.data, indent=1, ensure_ascii=False))
    else:
        summary(done.data)
    print(f"report: {page}", file=sys.stderr if as_json else sys.stdout)


@app.command(epilog="Example:  probe report runs/base-neuro_lora-2026-11-21")
def report(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    out: Annotated[Path | None, typer.Option(help="The page (default: report.html in the run).")] = None,
    debug: Debug = False,
) -> None:
    """Render a finished run's page again."""
    from .reports.page import render

    print(f"report: {render(run, out)}")


@app.command(epilog='Example:  probe lens base.pt neuro_lora --text "Absence seizures are treated with ethosuximide"')
def lens(
    base: Base,
    tuned: Tuned,
    text: Annotated[str, typer.Option(help="The text to read.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("lens.html"),
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: TemplateOption = "none",
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Show one text through the logit lens: tokens × layers for base and tuned."""
    from .models.lens import read_lens
    from .reports.page import render_lens
    from .terminal import lens_table

    reading = read_lens(base, tuned, text, device=device, dtype=dtype, template=template, config=config)
    page = render_lens(reading, out)
    lens_table(reading)
    print(f"page: {page}")


@app.command(epilog="Example:  probe demo --out demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demo's models; its run goes to OUT/run.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    debug: Debug = False,
) -> None:
    """Lay down a small base and four adapters whose truth is known, and compare them."""
    from .showcase import lay_down

    models = lay_down(out)
    tuned = [str(path) for name, path in models.items() if name != "base.pt"]
    shown = ["probe compare", str(models["base.pt"]), *tuned, f"--limit {DEMO_LIMIT} --seed {seed} --out {out / 'run'}"]
    print("$", " ".join(shown), file=sys.stderr)
    compare(str(models["base.pt"]), tuned, out=out / "run", seed=seed, limit=DEMO_LIMIT)


def main(argv: list[str] | None = None) -> None:
    """Entry point: errors a user can cause become one line and their exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    # Read when torch is loaded: threads that spin while they wait make a shared machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        # Asked nothing, it explains itself.
        code = app(args=arguments or ["--help"], standalone_mode=False, prog_name="probe")
    except KnowshiftError as error:
        code = _fail(str(error), error.exit_code, arguments)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        advice = "free some space" if error.errno == errno.ENOSPC else "check the path and its permissions"
        code = _fail(f"{what}{error.strerror or error}; {advice}, and run it again", 2, arguments)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        # Usage errors of the option parser, as plain lines.
        code = _fail(f"{error.format_message().rstrip('.')}; see probe --help", 2, arguments)
    if code == INTERRUPTED:  # the option parser has caught it
        code = _fail("interrupted; the same command goes on where it stopped", INTERRUPTED, arguments)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int, arguments: list[str]) -> int:
    if "--debug" in arguments:
        traceback.print_exc()
    print(f"probe: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
