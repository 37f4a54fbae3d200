"""What an architecture is: where a causal LM keeps its layers, final norm and head, and what it does to its logits.

The one place that knows; the engines, the readout and the checkpoint ask it. Modules are found by the attribute names
below, so an architecture that is not listed works if it is named alike; the run's own check (the last layer must give
the model's log-probabilities) catches one that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedModel

LAYERS = ("layers", "h", "blocks", "block")
NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm", "norm_f", "ln_out", "embedding_norm", "layer_norm")
"""A decoder that has one of these set to None, as OPT-350m has, reads its residuals out without a norm."""
PROJECTIONS = ("project_out",)  # OPT-350m, whose embedding is narrower than its layers
INNER = ("language_model", "text_model", "decoder", "model", "transformer", "backbone")
"""Where the decoder hides inside a multimodal model, or one of an encoder's kind."""
CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
MULTIPLIERS = ("logit_scale", "lm_head_multiplier", "output_multiplier")  # Cohere, Falcon-H1, Muse
DIVISORS = ("logits_scaling",)  # Granite
SOFT_CAPS = ("final_logit_softcapping", "output_logit_soft_cap", "logits_soft_cap")  # Gemma, xLSTM, RecurrentGemma


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The parts of one causal LM.

    `head(projection(final_norm(residual))) * logit_scale`, then the soft cap, are its logits.
    """

    decoder: nn.Module
    """Ids to hidden states, without the head."""
    layers: nn.ModuleList
    final_norm: nn.Module
    """The identity where the model has none."""
    projection: nn.Module | None
    """From the layers' width to the head's, where these differ."""
    head: nn.Module
    logit_scale: float
    soft_cap: float | None
    config: PretrainedConfig
    """The text part, where the model is multimodal."""
    context: int
    """Most tokens that the model reads at once."""
    width: int
    vocabulary: int
    supports_logits_to_keep: bool
    """Whether the model, called with `logits_to_keep`, gives logits at these positions alone."""

    @property
    def rope_boundary(self) -> int | None:
        """Tokens beyond which a model with long RoPE rotates every position otherwise; None for others.

        transformers chooses one set of factors for a whole batch, so that a short text beside a long one would be read
        with the long one's factors.
        """
        parameters: dict[str, Any] = getattr(self.config, "rope_parameters", None) or {}
        every = [parameters] if "rope_type" in parameters else [one for one in parameters.values() if one]
        bounds = [one.get("original_max_position_embeddings") for one in every if one.get("rope_type") == "longrope"]
        return min((int(bound) for bound in bounds if bound), default=None)

    @property
    def ends(self) -> list[nn.Module]:
        """The model's own modules through which residuals are read, in order."""
        final_norm = [] if isinstance(self.final_norm, torch.nn.Identity) else [self.final_norm]
        projection = [] if self.projection is None else [self.projection]
        return [*final_norm, *projection, self.head]

    @property
    def entry(self) -> torch.device:
        """Where token ids go in."""
        decoder: Any = self.decoder
        return runs_on(decoder.get_input_embeddings())

    @property
    def exit(self) -> torch.device:
        """Where the final norm and the head run: residuals are read there."""
        return runs_on(self.head)


def anatomy(model: PreTrainedModel) -> Anatomy:
    """Finds the parts of `model` (not wrapped by peft). Raises `CheckpointError` naming the part that is not found."""
    config: Any = model.config.get_text_config()
    decoder = _decoder(model)
    head = model.get_output_embeddings()
    if head is None:
        raise _missing(model, "output head", "give a causal language model")
    context = _first(config, CONTEXTS)
    if not context:
        raise _missing(model, "context length", "add max_position_embeddings to its config.json")
    return Anatomy(
        decoder=decoder,
        layers=_part(model, decoder, LAYERS, "decoder layers"),
        final_norm=_final_norm(model, decoder),
        projection=next((getattr(decoder, name, None) for name in PROJECTIONS), None),
        head=head,
        logit_scale=_logit_scale(config),
        soft_cap=_first(config, SOFT_CAPS),
        config=config,
        context=int(context),
        width=int(config.hidden_size),
        vocabulary=int(config.vocab_size),
        supports_logits_to_keep="logits_to_keep" in signature(model.forward).parameters,
    )


def final_logits(parts: Anatomy, residual: Float[Tensor, "rows width"]) -> Float[Tensor, "rows vocabulary"]:
    """Logits (float32) of residuals that left a decoder layer, read through the model's own end.

    Modules are called, never their weights read, so that an adapter on the norm or the head has its say. The product
    is taken in the model's own dtype, as the model takes it; scale and soft cap follow in float32.
    """
    return scaled_and_capped(parts, parts.head(final_normed(parts, residual)))


def final_normed(parts: Anatomy, residual: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
    """Residuals as they enter the head, in the model's own dtype."""
    dtype = _computes_in(parts.head, parts.final_norm)
    normed: Tensor = parts.final_norm(residual.to(dtype))
    projected: Tensor = normed if parts.projection is None else parts.projection(normed)
    return projected.to(dtype)


def scaled_and_capped(parts: Anatomy, product: Float[Tensor, "rows tokens"]) -> Float[Tensor, "rows tokens"]:
    """What the head gave, of any tokens, as logits (float32)."""
    logits = product.float()
    if parts.logit_scale != 1.0:
        logits = logits * parts.logit_scale
    if parts.soft_cap is not None:
        logits = parts.soft_cap * torch.tanh(logits / parts.soft_cap)
    return logits


def runs_on(module: nn.Module) -> torch.device:
    """The device that a module computes on; accelerate may keep its weights elsewhere in between."""
    hooks = (getattr(part, "_hf_hook", None) for part in module.modules())
    each: Iterator[Any] = (one for hook in hooks for one in (hook, *getattr(hook, "hooks", ())))
    devices = (getattr(one, "execution_device", None) for one in each)
    placed = next((device for device in devices if device is not None), None)
    return torch.device(placed) if placed is not None else next(module.parameters()).device


def _computes_in(*modules: nn.Module) -> torch.dtype:
    """The dtype of the first weights that are not rounded to integers."""
    weights = (weight for module in modules for weight in module.parameters())
    return next(weight.dtype for weight in weights if weight.is_floating_point())


def _decoder(model: Any) -> nn.Module:
    """The module that owns the layers, from the base model inwards."""
    module: nn.Module = model.base_model
    while not any(hasattr(module, name) for name in LAYERS):
        inner = [getattr(module, name) for name in INNER if isinstance(getattr(module, name, None), torch.nn.Module)]
        if not inner:
            raise _missing(model, "decoder layers", f"its modules should be named as one of {', '.join(LAYERS)}")
        module = inner[0]
    return module


def _part(model: Any, decoder: nn.Module, names: tuple[str, ...], what: str) -> Any:
    found = next((getattr(decoder, name) for name in names if getattr(decoder, name, None) is not None), None)
    if found is None:
        raise _missing(model, what, f"its module should be named as one of {', '.join(names)}")
    return found


def _final_norm(model: Any, decoder: nn.Module) -> Any:
    if all(getattr(decoder, name, None) is None for name in NORMS) and any(hasattr(decoder, name) for name in NORMS):
        return torch.nn.Identity()
    return _part(model, decoder, NORMS, "final norm")


def _first(config: Any, names: tuple[str, ...]) -> Any:
    """The first of the config's attributes that is a number; some configs keep words or null there."""
    values = (getattr(config, name, None) for name in names)
    return next((value for value in values if isinstance(value, int | float) and not isinstance(value, bool)), None)


def _logit_scale(config: Any) -> float:
    multiplier, divisor = _first(config, MULTIPLIERS), _first(config, DIVISORS)
    if divisor is not None and config.model_type.startswith("hyperclovax"):  # Granite's name, but it multiplies
        multiplier, divisor = divisor, None
    return float(multiplier if multiplier is not None else 1.0) / float(divisor if divisor is not None else 1.0)


def _missing(model: Any, what: str, remedy: str) -> CheckpointError:
    return CheckpointError(f"{type(model).__name__}: its {what} cannot be found, so it cannot be read; {remedy}")
