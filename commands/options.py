"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Base = Annotated[str, typer.Argument(help="Base model: a folder, hub id, .safetensors or .pt file.")]
Tuned = Annotated[list[str], typer.Argument(help="Tuned models: LoRA adapters or full fine-tunes, in the same forms.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")]
Quantize = Annotated[
    str, typer.Option(help="Round the weights with bitsandbytes as they are loaded: none, 8bit, 4bit.")
]
DeviceMap = Annotated[
    str, typer.Option(help="auto: lay a model too large for one device on all of them, the CPU and the disk.")
]
TemplateOption = Annotated[str, typer.Option(help="none, chat, or a text file that ends in {text}.")]
Config = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Folder with config.json and tokenizer for a bare weight file."),
]
Engine = Annotated[str, typer.Option(help="What runs the models: hooks, transformer-lens, nnsight, nnsight-vllm.")]
Remote = Annotated[bool, typer.Option("--remote", help="Run the models on NDIF (hub ids; with --engine nnsight).")]
LensKind = Annotated[str | None, typer.Option("--lens", help="What reads the layers: raw (default), tuned, none.")]
LensData = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="For --lens tuned: texts (.txt, .jsonl), or a trained lens.safetensors."
    ),
]
Layers = Annotated[
    str, typer.Option(help="Layers to read, and the last: all, a stride (4), a list from 0 (0,6,11; of one: 6,).")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
