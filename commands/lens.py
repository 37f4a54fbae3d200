"""`probe lens`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..models.options import LensSettings, lens_settings_from
from .options import Base, Debug, GivenOptions, Tuned, with_options

if TYPE_CHECKING:
    from ..models.checkpoint import Checkpoint
    from ..models.translators import Translators

EPILOG = 'Example:  probe lens base.pt neuro_lora --text "Absence seizures are treated with ethosuximide"'


@with_options("lens", LensSettings)
def lens(
    base: Base,
    tuned: Tuned,
    text: Annotated[str, typer.Option(help="The text to read.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("lens.html"),
    *,
    options: GivenOptions,
    debug: Debug = False,
) -> None:
    """Show one text through the logit lens: tokens × layers for base and tuned."""
    from ..probes.runs.lens_reading import read_lens
    from ..probes.runs.lenses import open_source, tuned_lens
    from ..reports.page import render_lens
    from ..terminal import Reporter, lens_table

    settings = lens_settings_from(LensSettings, None, options)
    if settings.lens == "none":
        raise UsageError("--lens none: leaves nothing to show; give raw or tuned")
    with Reporter() as reporter:

        def translators(root: Checkpoint) -> Translators:
            assert settings.lens_data is not None
            return tuned_lens(root, open_source(settings.lens_data, root), progress=reporter)

        tuned_maps = translators if settings.lens == "tuned" else None
        reading = read_lens(base, tuned, text, settings, translators=tuned_maps, note=reporter.note)
    page = render_lens(reading, out)
    lens_table(reading)
    print(f"page: {page}")
