"""Scores of random models, tokenizers and mixes of items against transformers' own logits of each text alone."""

import unicodedata
from random import Random

import pyarrow as pa
import pytest
import torch
from knowshift.models.engines import hooks
from knowshift.models.plan import BatchPlan
from knowshift.models.scoring import in_order, plan_scoring, score_shards
from random_models import ARCHITECTURES, CONTEXT, KINDS, random_items, random_model, tokenizer_of
from scored import as_checkpoint

MANY, FEW = 200, 12


def case(seed):
    """Every architecture and every kind of tokenizer in turn, each time beside others."""
    archs, kinds = list(ARCHITECTURES), list(KINDS)
    return archs[seed % len(archs)], kinds[(seed + seed // len(archs)) % len(kinds)]


def plain(text):
    """The text without spaces, accents and capitals, which a tokenizer may drop."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(part for part in parts if not part.isspace() and unicodedata.category(part) != "Mn")


def check_texts(items, tokenizer, sequences):
    """What is read is each text as the tokenizer alone cuts it, and a target's tokens spell the target."""
    texts = {item.id: item.text or [[f"{cue} {c}" for c in item.candidates] for cue in item.cues] for item in items}
    names = {item.id: item for item in items}
    for sequence in sequences:
        for target in sequence.targets:
            text = texts[target.item]
            text = text if isinstance(text, str) else text[target.cue][target.role]
            ids = tokenizer(text)["input_ids"]
            ids = ids[: len(ids) - (ids[-1] == tokenizer.eos_token_id)]
            if len(ids) <= CONTEXT and "cue_cut" not in target.flags:
                assert list(sequence.ids) == ids
            item = names[target.item]
            tokens = sequence.ids[target.first : target.last]
            if item.text and tokenizer.unk_token_id not in tokens:
                assert plain(item.text[item.start : item.end]) in plain(tokenizer.decode(tokens))


def check(seed, monkeypatch):
    rng = Random(seed)
    arch, kind = case(seed)
    tokenizer = tokenizer_of(kind)
    model = random_model(arch, rng, len(tokenizer))
    checkpoint, items = as_checkpoint(model, tokenizer=tokenizer), random_items(rng)
    monkeypatch.setattr(hooks, "PASS_TOKENS", rng.choice([1, 100, 1024]))
    plan = plan_scoring(items, checkpoint)
    sequences = plan.aligned.sequences
    check_texts(items, tokenizer, sequences)
    lengths, stems = [s.length for s in sequences], [s.ids[: s.shared] for s in sequences]
    budget = rng.choice([1, 60, 300, 4096])
    plan.batches = BatchPlan.of(lengths, stems, budget, budget, checkpoint.anatomy.rope_boundary)
    table = in_order(pa.concat_tables([table for _, table in score_shards(plan, checkpoint)]), plan)
    rows = {(row["item"], row["cue"], row["role"]): row["token_logprobs"] for row in table.to_pylist()}
    for sequence in sequences:
        own = model(input_ids=torch.tensor([list(sequence.ids)])).logits[0].double().log_softmax(-1)
        for target in sequence.targets:
            expected = [float(own[at - 1, sequence.ids[at]]) for at in range(target.first, target.last)]
            where = target.item, target.cue, target.role
            assert rows.pop(where) == pytest.approx(expected, abs=1e-4), (arch, kind, seed, where)
    assert not rows


@pytest.mark.parametrize("seed", Random(0).sample(range(MANY), FEW))
def test_scores_of_a_few_random_models_are_their_own(seed, monkeypatch):
    check(seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MANY))
def test_scores_of_many_random_models_are_their_own(seed, monkeypatch):
    check(seed, monkeypatch)
