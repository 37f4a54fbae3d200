"""The values and defaults of the options that say how a model is put into memory and through which lens it is read.

This module imports nothing heavy, so that settings and the command line can read it without torch.
"""

from __future__ import annotations

from typing import Final

DEFAULT_DEVICE: Final = "auto"
"""A GPU where there is one, else the CPU."""

DTYPES: Final = ("auto", "float32", "bfloat16", "float16")
"""`auto` is float32 on the CPU and the checkpoint's own dtype elsewhere."""
DEFAULT_DTYPE: Final = "auto"

QUANTIZATIONS: Final = ("none", "8bit", "4bit")
"""How bitsandbytes rounds the weights of linear layers while they are loaded."""
DEFAULT_QUANTIZATION: Final = "none"

DEVICE_MAPS: Final = ("none", "auto")
"""`auto` lets accelerate spread the layers over several devices, the CPU and the disk."""
DEFAULT_DEVICE_MAP: Final = "none"

FORMS: Final = ("full", "adapter")
"""What a folder that holds a full model and an adapter can stand for."""
DEFAULT_FORM: Final = "auto"
"""As a base the full model, as a tuned model the adapter."""

TRAINED_ON: Final = ("4bit", "8bit", "full")
"""Precisions of the base that a model may have been trained on."""

LENSES: Final = ("raw", "tuned", "none")
LENS_FILE: Final = "lens.safetensors"
"""The name of a trained lens's file in a run directory."""
