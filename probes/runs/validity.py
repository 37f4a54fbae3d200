"""Validity before verdict: checks that the numbers mean what the report says they mean.

Written by `probes.runs.compare` through the functions below, read by reports. A failed check stops the run with exit
code 3, unless the user said `--allow-failed-checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..results.findings import Check

if TYPE_CHECKING:
    from ...models.alignment import TokenSequence
    from ...models.checkpoint import Checkpoint
    from ...models.scoring import ScoringPlan

TOLERANCE = 1e-4
"""Nats: agreement of a readout with the model's own log-softmax, in float32."""
HALF_TOLERANCE = 5e-2
"""The same in bfloat16, in float16, or with rounded weights."""
PROBED = 8
"""Sequences on which models are run a second time, in full."""


def tolerance(checkpoint: Checkpoint) -> float:
    """What rounding allows; in 8 bits it also hangs on what stands in the same batch."""
    exact = checkpoint.quantization == "none" and str(checkpoint.dtype).endswith("float32")
    return TOLERANCE if exact else HALF_TOLERANCE


def probed_sequences(plan: ScoringPlan) -> list[TokenSequence]:
    """A few sequences of the plan, evenly over their lengths."""
    order = [index for shard in plan.batches.shards for batch in shard for index in batch]
    step = max(1, len(order) // PROBED)
    return [plan.aligned.sequences[index] for index in order[::step][:PROBED]]


def own_logprobs(checkpoint: Checkpoint, sequences: Sequence[TokenSequence]) -> list[Any]:
    """The model's own log-softmax at each sequence's target tokens, [target tokens, vocabulary] float32 on the CPU."""
    import torch

    out = []
    with torch.inference_mode(), checkpoint.active() as model:
        for sequence in sequences:
            ids = torch.tensor([sequence.ids], device=checkpoint.device)
            before = predicting(sequence)
            if picks(checkpoint):
                logits = model(input_ids=ids, use_cache=False, logits_to_keep=torch.tensor(before, device=ids.device))
                read = logits.logits[0]
            else:
                read = model(input_ids=ids, use_cache=False).logits[0, before]
            out.append(read.float().log_softmax(-1).cpu())
    return out


def predicting(sequence: TokenSequence) -> list[int]:
    """The positions that predict its target tokens, in order."""
    return [position - 1 for place in sequence.targets for position in range(place.first, place.last)]


def picks(checkpoint: Checkpoint) -> bool:
    """Whether `own_logprobs` has the head applied at these positions alone, and not at every token."""
    from ...models.architecture import runs_on

    anatomy = checkpoint.anatomy
    # accelerate moves the positions to where the ids go in, and they are looked up where the final norm runs.
    return anatomy.supports_logits_to_keep and runs_on(anatomy.ends[0]) == anatomy.entry


def readout_check(checkpoint: Checkpoint, plan: ScoringPlan, table: pa.Table) -> Check:
    """The score table against the model's own full log-softmax on a few sequences."""
    chosen = probed_sequences(plan)
    worst = 0.0
    wanted = pa.array([place.item for sequence in chosen for place in sequence.targets], pa.string())
    table = table.filter(pc.is_in(table["item"], wanted))
    rows = {
        (item, cue, role): logprob
        for item, cue, role, logprob in zip(
            *(table[name].to_pylist() for name in ("item", "cue", "role", "logprob")), strict=True
        )
    }
    for sequence, full in zip(chosen, own_logprobs(checkpoint, chosen), strict=True):
        read = iter(full)
        for place in sequence.targets:
            tokens = sequence.ids[place.first : place.last]
            expected = sum(float(next(read)[token]) for token in tokens)
            scored = rows[place.item, place.cue, place.role]
            # Tolerances are per token; a target's error is the sum of its tokens'.
            worst = max(worst, _apart(scored, expected) / len(tokens))
    limit = tolerance(checkpoint)
    name = "last lens layer equals the model's own log-probabilities"
    return Check(check=name, value=worst, tolerance=limit, passed=worst <= limit)


def _apart(one: Any, other: Any) -> float:
    """The largest distance of two numbers or arrays; equal infinities (a token that cannot come) are not apart."""
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        distance = np.where(one == other, 0.0, np.abs(one - other))
    return float(np.where(np.isnan(distance), np.inf, distance).max(initial=0.0))


def base_unchanged_check(before: Sequence[Any], after: Sequence[Any], limit: float) -> Check:
    """The base's log-softmax before any adapter was put on it, and with every adapter off."""
    worst = max((_apart(a, b) for a, b in zip(before, after, strict=True)), default=0.0)
    return Check(check="adapter off equals base", value=worst, tolerance=limit, passed=worst <= limit)


def tuned_checks(checkpoint: Checkpoint, base: pa.Table, tuned: pa.Table) -> list[Check]:
    """Whether an adapter landed (every tensor of its file matched, none left as it began), and a score moved."""
    out = []
    landed = checkpoint.adapter
    if landed is not None:
        astray = float(landed.tensors - landed.matched + landed.initial)
        note = f"{landed.method}: {landed.matched} of {landed.tensors} tensors matched, {landed.initial} left as begun"
        out.append(Check(check="adapter landed", value=astray, tolerance=0.0, passed=landed.landed, note=note))
    # By target, because a tuned model may bring its own vocabulary.
    places = ["item", "cue", "role"]
    before, after = (t.group_by(places).aggregate([("logprob", "mean")]) for t in (base, tuned))
    both = before.join(after, places, right_suffix=" after", join_type="inner")
    moved = pc.max(pc.abs(pc.subtract(both["logprob_mean after"], both["logprob_mean"]))).as_py() or 0.0
    note = "largest change of a target's log-probability, nats; it proves nothing by itself"
    out.append(Check(check="tuned model differs from base", value=moved, tolerance=None, passed=moved > 0, note=note))
    return out


def notes_checks(*checkpoints: Checkpoint) -> list[Check]:
    """Return a passed check for each note on the models' files, so that whoever reads the page reads the note."""
    return [
        Check(check="files read as noted", value=None, tolerance=None, passed=True, note=f"{checkpoint.name}: {note}")
        for checkpoint in checkpoints
        for note in checkpoint.notes
    ]


def tokenizer_check(base: Checkpoint, tuned: Checkpoint, per: str) -> Check:
    """Tokenizers agree, or everything is per character."""
    same = base.tokenizer_hash == tuned.tokenizer_hash
    note = "" if same else "the tuned model brings its own tokenizer: everything is per character"
    passed = same or per == "character"
    return Check(check="tokenizers agree", value=None, tolerance=None, passed=passed, note=note)


def alignment_check(plan: ScoringPlan, items: int) -> Check:
    """Share of items whose span found its tokens."""
    lost = len(plan.aligned.dropped)
    share = 1 - lost / max(1, items)
    note = "" if not lost else f"{lost} of {items} items dropped"
    return Check(check="spans aligned", value=share, tolerance=0.95, passed=share >= 0.95, note=note)
