"""Who is measured: each a way to get log-probabilities of the same targets from the same batches.

A contender is opened once and called on `Work`; it gives the sums of its log-probabilities over each target's tokens,
[layers read, targets] in the order of the score table, or None where it reads none. So what is timed can be checked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines.hooks import HooksEngine
from knowshift.models.scoring import score_shards
from knowshift.models.sharing import clone_sharing_weights
from knowshift.models.sources import quiet
from material import Work
from rivals import Rival, python_of

Values = np.ndarray | None
Run = Callable[[Work], Values]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a contender may use: the model in memory, and its folder for those who read it themselves."""

    checkpoint: Checkpoint
    folder: Path
    threads: int

    @property
    def device(self) -> str:
        return self.checkpoint.device.type


@dataclass(frozen=True, slots=True)
class Contender:
    """A row of the table."""

    name: str
    open: Callable[[Opened], Run]
    reads: str = "layers"
    """What its log-probabilities are read from: `layers` (every one), `last` (that alone) or `none`."""
    share: float = 0.065
    """Of tokens that are targets."""
    needs: str = ""
    """The package that it needs in an environment of its own."""

    @property
    def missing(self) -> str:
        """What keeps it from being measured here; empty where nothing does."""
        return "" if not self.needs else python_of(self.needs)[1]


def _plain(opened: Opened) -> Run:
    def run(work: Work) -> None:
        for batch, _ in work.batches:
            opened.checkpoint.model(input_ids=batch.ids, use_cache=False)

    return run


def _decoder(opened: Opened) -> Run:
    def run(work: Work) -> None:
        for batch, _ in work.batches:
            opened.checkpoint.anatomy.decoder(input_ids=batch.ids, use_cache=False)

    return run


def ours(lens: bool) -> Callable[[Opened], Run]:
    """All of `models.scoring`: batches laid out, residuals, readout with ranks and temperatures, the table's rows."""

    def open_(opened: Opened) -> Run:
        engine = HooksEngine()

        def run(work: Work) -> Values:
            parts = []
            for _, table in score_shards(work.plan, opened.checkpoint, engine=engine, lens=lens):
                parts.append(np.array(table["lens"].to_pylist() if lens else table["logprob"].to_pylist()))
            return np.concatenate(parts).reshape(-1, len(opened.checkpoint.anatomy.layers) if lens else 1).T

        return run

    return open_


def _full_logits(opened: Opened) -> Run:
    """What notebooks do, at its thriftiest: one layer's logits at a time, and of these the targets' kept."""
    anatomy = opened.checkpoint.anatomy

    def run(work: Work) -> Values:
        parts = []
        for batch, wanted in work.batches:
            out = opened.checkpoint.model(input_ids=batch.ids, use_cache=False, output_hidden_states=True)
            row, column = batch.row[wanted.place], batch.column[wanted.place]
            layers = []
            # The last of the hidden states is normed already.
            for hidden in out.hidden_states[1:-1]:
                logits = anatomy.head(anatomy.final_norm(hidden))
                layers.append(logits.float().log_softmax(-1)[row, column, wanted.target])
            layers.append(out.logits.float().log_softmax(-1)[row, column, wanted.target])
            parts.append(torch.stack(layers))
        return sums(work, parts)

    return run


def _all_at_once(opened: Opened) -> Run:
    """What notebooks do where memory does not end: the hidden states stacked, and one array of every logit."""
    anatomy = opened.checkpoint.anatomy

    def run(work: Work) -> Values:
        parts = []
        for batch, wanted in work.batches:
            out = opened.checkpoint.model(input_ids=batch.ids, use_cache=False, output_hidden_states=True)
            logits = anatomy.head(anatomy.final_norm(torch.stack(out.hidden_states[1:-1])))
            row, column = batch.row[wanted.place], batch.column[wanted.place]
            inner = logits.float().log_softmax(-1)[:, row, column, wanted.target]
            last = out.logits.float().log_softmax(-1)[row, column, wanted.target]
            parts.append(torch.cat([inner, last[None]]))
        return sums(work, parts)

    return run


def _bridge(opened: Opened) -> object:
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    model = clone_sharing_weights(opened.checkpoint.model)
    with torch.inference_mode(False), torch.no_grad(), quiet():
        bridge = build_bridge_from_module(
            model, type(model).__name__, hf_config=copy.deepcopy(model.config), tokenizer=opened.checkpoint.tokenizer
        )
    return bridge.eval()


def _transformer_lens(opened: Opened) -> Run:
    """Its tool takes columns for all rows alike: those in which any row has a target."""
    from transformer_lens.tools.analysis import logit_lens

    bridge = _bridge(opened)
    layers = range(1, len(opened.checkpoint.anatomy.layers) + 1)

    def run(work: Work) -> Values:
        parts = []
        for batch, wanted in work.batches:
            columns = batch.column.unique()
            following = torch.cat([batch.ids[:, 1:], torch.zeros_like(batch.ids[:, :1])], 1)
            row, column = batch.row[wanted.place], batch.column[wanted.place]
            following[row, column] = wanted.target
            lens = logit_lens(
                bridge,
                batch.ids,
                layers=layers,
                positions=columns.tolist(),
                targets=following[:, columns],
                return_type="log_probs",
            )
            parts.append(lens.values[:, row, torch.searchsorted(columns, column), 0])
        return sums(work, parts)

    return run


def _transformer_lens_kernel(opened: Opened) -> Run:
    """Its cache, and the kernel under its tool on the targets' residuals alone: the best that can be had of it."""
    from transformer_lens.tools.analysis import logit_readout

    bridge = _bridge(opened)
    names = [f"blocks.{layer}.hook_out" for layer in range(len(opened.checkpoint.anatomy.layers))]

    def run(work: Work) -> Values:
        parts = []
        for batch, wanted in work.batches:
            _, cache = bridge.run_with_cache(batch.ids, names_filter=names, return_type=None)
            row, column = batch.row[wanted.place], batch.column[wanted.place]
            residuals = torch.stack([cache[name][row, column] for name in names])
            readout = logit_readout(bridge, residuals, targets=wanted.target, return_type="log_probs")
            parts.append(readout.values[..., 0])
        return sums(work, parts)

    return run


def _nnsight(opened: Opened) -> Run:
    """nnsight's documented pattern (its docs, "Logit Lens": norm and head of every block's output in a trace), with
    the softmax at the targets' positions alone."""
    import nnsight

    lens = nnsight.NNsight(clone_sharing_weights(opened.checkpoint.model))
    blocks = list(lens.model.layers)

    def run(work: Work) -> Values:
        parts = []
        for batch, wanted in work.batches:
            row, column, target = batch.row[wanted.place], batch.column[wanted.place], wanted.target[:, None]
            with lens.trace(batch.ids, use_cache=False):
                kept = nnsight.save([])
                for block in blocks:
                    logits = lens.lm_head(lens.model.norm(block.output))
                    kept.append(logits[row, column].float().log_softmax(-1).gather(1, target)[:, 0])
            parts.append(torch.stack(kept))
        return sums(work, parts)

    return run


def rival(tool: str, call: str) -> Callable[[Opened], Run]:
    def open_(opened: Opened) -> Run:
        dtype = str(opened.checkpoint.dtype).removeprefix("torch.")
        return Rival(tool, call, opened.folder, opened.device, dtype, opened.threads)

    return open_


PLAIN = Contender("plain `model(ids)`", _plain, "last")
FULL = Contender("full logits, a layer at a time", _full_logits)
LENS = Contender("**knowshift**, every layer, 6.5 % targets", ours(lens=True))
CONTENDERS = [
    PLAIN,
    Contender("decoder alone", _decoder, "none"),
    Contender("**knowshift**, no lens", ours(lens=False), "last"),
    Contender("**knowshift**, every layer, 2 % targets", ours(lens=True), share=0.02),
    LENS,
    Contender("**knowshift**, every layer, 20 % targets", ours(lens=True), share=0.2),
    Contender("transformer-lens, `logit_lens`", _transformer_lens),
    Contender("transformer-lens, cache and `logit_readout`", _transformer_lens_kernel),
    Contender("nnsight, documented lens", _nnsight),
    FULL,
    Contender("full logits, every layer at once", _all_at_once),
    Contender("minicons, `token_score`", rival("minicons", "tokens"), "last", needs="minicons"),
    Contender("lm-eval, `loglikelihood_rolling`", rival("lm_eval", "texts"), "last", needs="lm_eval"),
    Contender("lm-eval, `loglikelihood`", rival("lm_eval", "targets"), "last", needs="lm_eval"),
]


def sums(work: Work, parts: list[torch.Tensor]) -> np.ndarray:
    """Log-probabilities [layers, target tokens] of each batch → [layers, targets], summed over a target's tokens."""
    sizes = [target.last - target.first for _, _, target in work.spans()]
    values = torch.cat(parts, 1).double().cpu().numpy()
    return np.add.reduceat(values, np.cumsum([0, *sizes[:-1]]), axis=1)
