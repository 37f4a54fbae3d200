"""Models that NDIF holds: known here without their weights, run there through nnsight.

On this machine are the config, the tokenizer, the modules without storage and, fetched once, the numbers of the final
norm and the head, so that what comes back is read as any engine's residuals are. For each batch token ids go out, and
the residuals of the layers that are read come back, at target positions only: layers × positions × width numbers.
Opened by `find_remote`, run by `models.engines.nnsight`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError, EngineError, KnowshiftError, UsageError, first_line
from .architecture import anatomy
from .checkpoint import Checkpoint
from .choices import DEFAULT_DTYPE, DEFAULT_FORM
from .companions import TokenizerSource, compare_tokenizers, read_model_config, resolve_tokenizer
from .finding import ModelSource
from .methods import CONFIG as ADAPTER_CONFIG
from .methods import field_notes
from .placement import TORCH_DTYPES, Placement
from .sources import TOKENIZER_FILES, content_hash, label, quiet

if TYPE_CHECKING:
    from torch import Tensor, nn

WHERE: bool | str = True
"""nnsight's `remote`: True is the host that it is set to; "local" takes the same way inside this process (tests)."""
KEY = "NDIF_API_KEY"


def check_key() -> None:
    """Raises `EngineError` where NDIF would refuse for want of a key."""
    from nnsight.schema.config import CONFIG, ApiConfig

    if WHERE is True and not CONFIG.API.APIKEY and CONFIG.API.HOST == ApiConfig().HOST:
        raise EngineError(f"--remote: NDIF asks for a key; get one at https://login.ndif.us and set {KEY}")


@contextmanager
def asking(name: str) -> Iterator[None]:
    """What goes wrong on the way to NDIF or there, as one line about the model `name`: `EngineError`."""
    from nnsight.schema.config import CONFIG

    shown, CONFIG.APP.REMOTE_LOGGING = CONFIG.APP.REMOTE_LOGGING, False  # it prints where our tables stand
    try:
        with quiet():
            yield
    except KnowshiftError:
        raise
    except Exception as error:  # of its HTTP and websocket libraries, of the hub, of the server
        if "out of memory" in str(error):
            raise torch.OutOfMemoryError(str(error)) from error
        raise EngineError(
            f"{name}: NDIF at {CONFIG.API.HOST} did not run it ({first_line(error)}); see whether it serves that model "
            "now, or leave --remote out"
        ) from error
    finally:
        CONFIG.APP.REMOTE_LOGGING = shown


def envoy_of(model: Any) -> Any:
    """nnsight's handle of a model that NDIF holds; None for one that is here."""
    return model.__dict__.get("ndif")


def find_remote(spec: str | Path, *, base: Checkpoint | None = None, **asked: Any) -> Checkpoint:
    """A model of the hub that NDIF serves, or an adapter of the hub on `base`, another such model.

    `asked` are the options of `Checkpoint.find`, all of which are NDIF's to decide but the device that residuals are
    read on. Raises `EngineError`, `CheckpointError`, `UsageError`.
    """
    device = asked.pop("device", "auto")
    if asked.pop("form", DEFAULT_FORM) != DEFAULT_FORM:
        raise UsageError("--remote: the models run as NDIF holds them; leave --as out")
    if given := sorted(name for name, value in asked.items() if value not in (None, "auto", "none")):
        raise UsageError(f"--remote: the models run as NDIF holds them; leave --{given[0].replace('_', '-')} out")
    folder = _fetch(str(spec))
    name = label(folder, spec)
    if not (folder / ADAPTER_CONFIG).is_file():
        source = resolve_tokenizer([folder], read_model_config(folder), None if base is None else base.files, folder)
        source.parts.append(folder / "config.json")
        under, model = None, _model(name, str(spec), None, source.tokenizer, Placement.of(device).device)
    elif base is not None:
        notes = field_notes(folder)
        notes += compare_tokenizers(folder, name, base.tokenizer, base.name, base.config)
        source = TokenizerSource(base.tokenizer, [folder / ADAPTER_CONFIG], notes)
        under, model = base, _model(name, base.spec, str(spec), source.tokenizer, base.placement.device)
    else:
        raise UsageError(f"{name}: is an adapter; with --remote give its base too")
    source.notes.append("is run by NDIF as the hub has it now; its weights are not seen here")
    head = model.get_output_embeddings()
    dtype = next((name for name, kind in TORCH_DTYPES.items() if kind == head.weight.dtype), DEFAULT_DTYPE)
    return Checkpoint(
        name=name,
        spec=str(spec),
        kind="base" if base is None else "full" if under is None else "adapter",
        tokenizer=source.tokenizer,
        # The folder is called by the commit that the hub has now.
        weights_hash=content_hash([*source.parts, folder.resolve().name]),
        placement=Placement.of(device, dtype),
        base=under,
        notes=source.notes,
        _source=ModelSource(folder, model, source, source.parts, 0, lambda: model),
        _model=model,
    )


def _fetch(spec: str) -> Path:
    """A folder with everything but the weights."""
    if Path(spec).expanduser().exists():
        if WHERE is True:
            raise UsageError(f"{spec}: lies on this machine; with --remote give a model's id on the hub (owner/name)")
        return Path(spec)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(spec, allow_patterns=["config.json", ADAPTER_CONFIG, *TOKENIZER_FILES]))
    except Exception as error:  # the hub's client raises its own, its HTTP library's and the system's errors
        raise CheckpointError(
            f"{spec}: cannot be had from the hub ({first_line(error)}); check its spelling"
        ) from error


def _model(name: str, source: str, peft: str | None, tokenizer: Any, device: torch.device) -> Any:
    """The model without storage, but for its final norm and head; called, it runs on NDIF."""
    from nnsight.modeling.transformers import TransformersModel
    from transformers.modeling_outputs import CausalLMOutput

    with asking(name):
        # A copy, because it sets the tokenizer's padding side.
        envoy: Any = TransformersModel(source, task="text-generation", tokenizer=copy.deepcopy(tokenizer), peft=peft)
        model: Any = envoy._module
        parts = anatomy(model)
        ends = parts.ends
        tensors = _tensors(envoy, [envoy.get(path_of(model, end)) for end in ends])
    for end, values in zip(ends, tensors, strict=True):
        end.load_state_dict({key: value.to(device) for key, value in values.items()}, assign=True)
    # As where accelerate keeps the weights elsewhere: token ids and residuals are here.
    embedding: Any = model.get_input_embeddings()
    embedding._hf_hook = SimpleNamespace(execution_device=device)

    def forward(input_ids: Tensor, **_: Any) -> Any:
        with asking(name):
            return CausalLMOutput(logits=_logits(envoy, input_ids.cpu()).to(device))

    def refuse(*_: Any, **__: Any) -> Any:
        raise EngineError(f"{name}: NDIF holds its weights; what needs them here (as to train a tuned lens) cannot run")

    model.forward, parts.decoder.forward, model.ndif = forward, refuse, envoy
    return model.eval().requires_grad_(False)


def path_of(model: nn.Module, module: nn.Module) -> str:
    """What `model` calls one of its modules."""
    names: Iterator[tuple[str, nn.Module]] = model.named_modules()
    return next(name for name, candidate in names if candidate is module)


# nnsight compiles what stands in a `with` block from the file it stands in, and sends that with the names it uses.


def _tensors(envoy: Any, modules: list[Any]) -> list[dict[str, Tensor]]:
    from nnsight import save

    with envoy.trace(torch.zeros(1, 1, dtype=torch.long), remote=WHERE):
        kept: list[dict[str, Tensor]] = save(
            [{name: value.cpu() for name, value in module.state_dict().items()} for module in modules]
        )
    return kept


def _logits(envoy: Any, ids: Tensor) -> Tensor:
    from nnsight import save

    with envoy.trace(ids, use_cache=False, remote=WHERE):
        kept: Tensor = save(envoy.output.logits.cpu())
    return kept
