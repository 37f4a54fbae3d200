"""Which of a comparison's models were trained on a rounded base, and that base rounded alike, to be scored too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import KnowshiftError
from ...models.choices import DEFAULT_QUANTIZATION, TRAINED_ON
from ...models.options import by_model
from ...models.rounding import OTHER, TrainedOn, trained_on

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint

ENGINES = ("hooks", "nnsight")
"""Engines that run rounded weights."""


def rounded_name(precision: str) -> str:
    """Return the name of the base rounded to `precision` among the models that are scored."""
    return f"base-rounded-to-{precision}"


def rounded_training(base: Checkpoint, tuned: Mapping[str, Checkpoint], given: Sequence[str]) -> dict[str, TrainedOn]:
    """Return the rounded base that each model was trained on, as `--trained-on` or the model's files say.

    Empty where the comparison's base is rounded itself. Raises `UsageError` on a value or name that is not known.
    """
    stated = by_model("--trained-on", given, list(tuned), TRAINED_ON)
    if base.quantization != DEFAULT_QUANTIZATION:
        return {}
    found = {
        name: TrainedOn(stated[name], "--trained-on") if name in stated else trained_on(checkpoint.path)
        for name, checkpoint in tuned.items()
    }
    return {name: how for name, how in found.items() if how is not None and how.precision != "full"}


def rounded_bases(
    trained: Mapping[str, TrainedOn],
    find: Callable[[str], Checkpoint],
    engine: str,
    on_message: Callable[[str], None],
) -> dict[str, Checkpoint]:
    """Return the base by each precision of `trained` that can be scored here; say of each model whether it is.

    Args:
        trained: By tuned model, the rounded base that it was trained on.
        find: Finds the base, rounded to a precision.
        engine: The name of the engine that is to run it.
        on_message: Is called with a line for each model.
    """
    bases: dict[str, Checkpoint] = {}
    why: dict[str, str] = {OTHER: "how it was rounded cannot be repeated here"}
    for precision in sorted({how.precision for how in trained.values()} - {OTHER}):
        if engine not in ENGINES:
            why[precision] = f"--engine {engine} runs no rounded weights"
            continue
        try:
            bases[precision] = find(precision)
        except KnowshiftError as error:  # bitsandbytes is missing, or NDIF decides how weights are rounded
            why[precision] = str(error)
    for name, how in trained.items():
        if how.precision in bases:
            on_message(f"{name}: {how}; the base rounded so is scored too, and gives the rung of rounding")
        else:
            on_message(f"{name}: {how}; what rounding changed is part of its drift ({why[how.precision]})")
    return bases
