"""The command `probe`: its subcommands stand in `commands/`, one a module; errors become one line here.

Nothing heavy is imported at the top: `probe --help` answers in under half a second.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Annotated

import typer

from ._version import __version__
from .commands import cache, calibrate, compare, demo, domain, evaluate, lens, report, terms, test
from .errors import KnowshiftError

INTERRUPTED = 130

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


app.command(epilog=compare.EPILOG)(compare.compare)
app.command(epilog=report.EPILOG)(report.report)
app.command(epilog=lens.EPILOG)(lens.lens)
app.command("evaluate", cls=evaluate.SuiteCommand, epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command("test", epilog=test.EPILOG)(test.hypotheses)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=calibrate.EPILOG)(calibrate.calibrate)
app.add_typer(terms.app, name="terms")
app.add_typer(domain.app, name="domain")
app.add_typer(cache.app, name="cache")


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
