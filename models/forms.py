"""Which model a folder stands for that holds a full model and an adapter.

Trainers save an adapter next to the base that it belongs to, or write the merged model into the adapter's folder. As a
base the full model is meant. As a tuned model the adapter is: where the full model is its base, nothing else was tuned,
and where it is the merged one, the adapter on the base computes the same.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import AdapterError, CheckpointError
from .adapters import adapter_file
from .choices import DEFAULT_FORM
from .methods import CONFIG
from .sources import weight_files


def is_adapter(path: Path, form: str, name: str, has_base: bool) -> tuple[bool, list[str]]:
    """Return whether the model at `path` is read as an adapter, and a note where both forms lie there.

    Args:
        path: A folder or a weight file.
        form: One of `models.choices.FORMS`, or `auto`.
        name: What messages call the model.
        has_base: Whether a base is given, so that the model is a tuned one.

    Raises:
        CheckpointError: The adapter is asked for, and there is none.
        AdapterError: The full model is asked for, and there is none.
    """
    has_adapter = path.is_dir() and (path / CONFIG).is_file()
    has_full = not path.is_dir() or ((path / "config.json").is_file() and bool(weight_files(path)))
    if form == "adapter" and not has_adapter:
        raise CheckpointError(f"{path}: has no {CONFIG}, so it is no adapter; drop --as")
    if form == "full" and has_adapter and not has_full:
        raise AdapterError(f"{path}: holds an adapter and no full model; drop --as")
    if not (has_adapter and has_full):
        return has_adapter, []
    if form == DEFAULT_FORM and adapter_file(path) is None:
        return False, [f"the folder holds a full model, which is used, and {CONFIG} without an adapter's weights"]
    chosen = form if form != DEFAULT_FORM else "adapter" if has_base else "full"
    other = "full" if chosen == "adapter" else "adapter"
    used = "the adapter is used, on the given base" if has_base else "the adapter is used, on the base that it records"
    used = used if chosen == "adapter" else "the full model is used"
    how = f"as --as {chosen} asks" if form != DEFAULT_FORM else f"--as {name}={other} takes the other"
    return chosen == "adapter", [f"the folder holds a full model and an adapter; {used} ({how})"]
