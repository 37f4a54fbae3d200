"""`probe lens`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
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

if TYPE_CHECKING:
    from ..models.checkpoint import Checkpoint
    from ..models.translators import Translators

EPILOG = 'Example:  probe lens base.pt neuro_lora --text "Absence seizures are treated with ethosuximide"'


def lens(
    base: Base,
    tuned: Tuned,
    text: Annotated[str, typer.Option(help="The text to read.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("lens.html"),
    device: Device = "auto",
    dtype: Dtype = "auto",
    quantize: Quantize = "none",
    device_map: DeviceMap = "none",
    template: TemplateOption = "none",
    config: Config = None,
    engine: Engine = "hooks",
    remote: Remote = False,
    layers: Layers = "all",
    lens: LensKind = None,
    lens_data: LensData = None,
    debug: Debug = False,
) -> None:
    """Show one text through the logit lens: tokens × layers for base and tuned."""
    from ..models.lens import read_lens
    from ..probes.results.lens import LensReading
    from ..probes.runs.lenses import open_source, tuned_lens
    from ..probes.runs.settings import settings_from
    from ..reports.page import render_lens
    from ..terminal import Reporter, lens_table

    said = {} if lens is None else {"lens": lens}
    asked = settings_from(None, {"layers": layers, "lens_data": lens_data, "remote": remote, **said})
    if asked.lens == "none":
        raise UsageError("--lens none: leaves nothing to show; give raw or tuned")
    with Reporter() as reporter:

        def translators(root: Checkpoint) -> Translators:
            assert asked.lens_data is not None
            return tuned_lens(root, open_source(asked.lens_data, root), progress=reporter)

        reading = read_lens(
            base,
            tuned,
            text,
            device=device,
            dtype=dtype,
            quantize=quantize,
            device_map=device_map,
            template=template,
            config=config,
            engine=engine,
            remote=remote,
            layers=layers,
            translators=translators if asked.lens == "tuned" else None,
        )
    shown = LensReading.model_validate(reading)
    page = render_lens(shown, out)
    lens_table(shown)
    print(f"page: {page}")
