"""Scores against the model's own full log-softmax: every architecture, batch size, interruption and shortage."""

from dataclasses import replace
from itertools import islice

import pyarrow as pa
import pytest
import torch
from knowshift.errors import ItemError
from knowshift.models import plan as plans
from knowshift.models.architecture import anatomy
from knowshift.models.engines import hooks
from knowshift.models.engines.hooks import HooksEngine
from knowshift.models.layers import Lens
from knowshift.models.plan import BatchPlan
from knowshift.models.scoring import in_order, plan_scoring, score, score_shards
from knowshift.models.table import SCHEMA, TEMPERATURES
from knowshift.models.template import Template
from knowshift.terms.items import Item
from scored import ANSWERS, ITEMS, LONG, a_fact, a_term, as_checkpoint, long_rope_model, tiny
from tiny import ARCHITECTURES, CORPUS, TOKENIZERS, make_tokenizer, tiny_model


def own_rows(checkpoint, table, sequences):
    """The score rows with what the model's own forward pass says: (row, summed log-softmax at each temperature)."""
    rows = {(row["item"], row["cue"], row["role"]): row for row in table.to_pylist()}
    for sequence in sequences:
        logits = checkpoint.model(input_ids=torch.tensor([sequence.ids])).logits[0].double()
        for target in sequence.targets:
            span = torch.arange(target.first, target.last)
            tokens = torch.tensor(sequence.ids)[span]
            yield rows.pop((target.item, target.cue, target.role)), logits[span - 1], tokens
    assert not rows


def check_against_own(checkpoint, items=ITEMS, **options):
    table = score(items, checkpoint, **options)
    sequences = plan_scoring(items, checkpoint, options.get("template", Template())).aligned.sequences
    for row, logits, tokens in own_rows(checkpoint, table, sequences):
        each = logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        assert row["token_logprobs"] == pytest.approx(each.tolist(), abs=1e-4)
        assert row["logprob"] == pytest.approx(float(each.sum()), abs=1e-4)
        for value, temperature in zip(row["tempered"], TEMPERATURES, strict=True):
            expected = (logits / temperature).log_softmax(-1).gather(1, tokens[:, None]).sum()
            assert value == pytest.approx(float(expected), abs=1e-4 * len(tokens))
        assert row["tokens"] == len(tokens)
    return table


class InRows(HooksEngine):
    """The default engine without trees: every row read in full."""

    def reads_trees(self, anatomy):
        return False


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_scores_are_the_models_own_log_probabilities(arch):
    table = check_against_own(tiny(arch))
    rows = check_against_own(tiny(arch), engine=InRows())
    assert_close(table, rows)


def test_a_chinese_fact_is_scored_as_its_sentence_is_written():
    cue, answers = "糖尿病的首选药物是", ("二甲双胍", "阿司匹林", "胰岛素")
    checkpoint = tiny("llama")
    fact = Item("fact:zh", "fact", ("s",), "zh", answers[0], "drug", (cue,), answers, joiner="")
    check_against_own(checkpoint, [fact])
    sequences = plan_scoring([fact], checkpoint).aligned.sequences
    read = [checkpoint.tokenizer.decode(sequence.ids, skip_special_tokens=True).strip() for sequence in sequences]
    assert read == [cue + answer for answer in answers]
    spaced = [row["logprob"] for row in score([replace(fact, joiner=" ")], checkpoint).to_pylist()]
    assert spaced != pytest.approx([row["logprob"] for row in score([fact], checkpoint).to_pylist()], abs=1e-3)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_shared_cues_are_read_once_on_every_architecture(arch):
    assert HooksEngine().reads_trees(tiny(arch).anatomy)


def test_shared_cues_are_read_once_where_reserved_tokens_amplify_rounding():
    """As in SmolLM2, whose first ids are reserved and were never trained."""
    from tiny import tiny_model

    def shake(_embedding, inputs, output):
        return output * (1 + 0.01 * torch.rand_like(output) * (inputs[0] < 16)[..., None])

    model = tiny_model("llama", len(make_tokenizer("byte_bpe")))
    model.model.embed_tokens.register_forward_hook(shake)
    checkpoint = as_checkpoint(model)
    assert HooksEngine().reads_trees(checkpoint.anatomy)
    assert HooksEngine().thins(checkpoint.anatomy)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_last_feed_forward_part_is_read_at_places_alone_on_every_architecture(arch):
    anatomy, seen = tiny(arch).anatomy, []
    assert HooksEngine().thins(anatomy)
    inner = next(module for module in anatomy.layers[-1].mlp.modules() if not list(module.children()))
    handle = inner.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].shape[:-1].numel()))
    table = score(ITEMS, tiny(arch))
    handle.remove()
    read = sum(len(sequence.ids) for sequence in plan_scoring(ITEMS, tiny(arch)).aligned.sequences)
    assert seen[-1] <= sum(table["tokens"].to_pylist()) < read


def test_a_feed_forward_part_that_looks_around_is_read_whole():
    class Around(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, hidden):
            return self.inner(hidden + hidden.roll(1, 1))

    from tiny import tiny_model

    model = tiny_model("llama", len(make_tokenizer("byte_bpe")))
    model.model.layers[-1].mlp = Around(model.model.layers[-1].mlp)
    checkpoint = as_checkpoint(model)
    assert not HooksEngine().thins(checkpoint.anatomy)


def test_short_texts_beside_long_ones_under_long_rope():
    """transformers rotates a whole batch by the factors of its longest row."""
    bound = 16
    checkpoint = as_checkpoint(long_rope_model(bound))
    assert checkpoint.anatomy.rope_boundary == bound
    lengths = [sequence.length for sequence in plan_scoring(ITEMS, checkpoint).aligned.sequences]
    assert min(lengths) <= bound < max(lengths)
    check_against_own(checkpoint)
    check_against_own(checkpoint, engine=InRows())
    assert tiny("phi3").anatomy.rope_boundary is None


def test_a_text_beyond_the_boundary_of_long_rope_is_read_as_such():
    """Although what is read for its early target, or for a fact's answer, would end before the boundary."""
    early = a_term(CORPUS[1], "denies")
    checkpoint = as_checkpoint(long_rope_model(16))
    (sequence,) = plan_scoring([early], checkpoint).aligned.sequences
    assert sequence.targets[0].last < 16 < len(sequence.ids)
    check_against_own(checkpoint, [early])
    (alone,) = plan_scoring([early], tiny("llama")).aligned.sequences
    assert alone.length == alone.targets[0].last - 1
    fact = a_fact("f", "For a child with absence", answers=("seizures, give", "focal seizures, give lamotrigine"))
    for bound in range(8, 24):
        check_against_own(as_checkpoint(long_rope_model(bound)), [fact])


@pytest.mark.heavy
@pytest.mark.parametrize("family", TOKENIZERS)
def test_with_every_tokenizer(family):
    check_against_own(tiny("llama", family))
    check_against_own(tiny("llama", family), template=Template("file", "Note:\n"))


@pytest.mark.heavy
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_lens_is_the_final_norm_and_head_after_each_layer(arch):
    checkpoint = tiny(arch)
    parts, config = checkpoint.anatomy, checkpoint.model.config
    table = score(ITEMS, checkpoint)
    rows = {(row["item"], row["cue"], row["role"]): row for row in table.to_pylist()}
    for sequence in plan_scoring(ITEMS, checkpoint).aligned.sequences:
        states = checkpoint.model(input_ids=torch.tensor([sequence.ids]), output_hidden_states=True).hidden_states[1:]
        # The last of `hidden_states` has been through the final norm.
        normed = [*(parts.final_norm(state) for state in states[:-1]), states[-1]]
        logits = torch.cat([checkpoint.model.get_output_embeddings()(state) for state in normed])
        logits = logits / getattr(config, "logits_scaling", 1.0)
        if cap := getattr(config, "final_logit_softcapping", None):
            logits = cap * (logits / cap).tanh()
        for target in sequence.targets:
            row = rows[target.item, target.cue, target.role]
            read = logits[:, target.first - 1 : target.last - 1]
            tokens = torch.tensor(sequence.ids[target.first : target.last])
            expected = read.log_softmax(-1)[:, torch.arange(len(tokens)), tokens].sum(1)
            assert row["lens"] == pytest.approx(expected.tolist(), abs=1e-4 * len(tokens))
            assert row["lens"][-1] == pytest.approx(row["logprob"], abs=1e-4)
            first = read[:, 0]
            chosen = first[:, tokens[0], None]
            # Rounding may swap two logits that are equal to 1e-4.
            low, high = ((first > chosen + d).sum(1) for d in (1e-4, -1e-4))
            assert all(a <= rank < max(b, a + 1) for a, rank, b in zip(low, row["rank"], high, strict=True))


def assert_close(one, other, limit=1e-4):
    """Two score tables: the same rows, values within `limit` a token."""
    for name in ("item", "cue", "role", "window", "tokens", "characters", "flags", "engine"):
        assert one[name].to_pylist() == other[name].to_pylist(), name
    for name in ("logprob", "token_logprobs", "tempered", "lens"):
        pairs = zip(one[name].to_pylist(), other[name].to_pylist(), one["tokens"].to_pylist(), strict=True)
        for a, b, tokens in pairs:
            assert a == pytest.approx(b, abs=limit * tokens), name


def planned(items, checkpoint, tokens):
    """A plan with a budget of `tokens` for batches and shards."""
    plan = plan_scoring(items, checkpoint)
    sequences = plan.aligned.sequences
    stems = [sequence.ids[: sequence.shared] for sequence in sequences]
    plan.batches = BatchPlan.of([sequence.length for sequence in sequences], stems, tokens, tokens)
    return plan


@pytest.mark.heavy
@pytest.mark.parametrize("arch", ["llama", "gpt2", "gemma2"])
@pytest.mark.parametrize("tokens", [1, 60, 500, 10**6])
def test_the_size_of_a_batch_changes_nothing(arch, tokens):
    whole = score(ITEMS, tiny(arch))
    plan = planned(ITEMS, tiny(arch), tokens)
    assert (sum(map(len, plan.batches.shards)) == 1) == (tokens == 10**6)
    tables = [table for _, table in score_shards(plan, tiny(arch))]
    assert_close(in_order(pa.concat_tables(tables), plan), whole)


@pytest.mark.parametrize("engine", [HooksEngine(), InRows()])
def test_a_batch_of_more_tokens_than_a_pass_takes_is_read_in_several(engine, monkeypatch):
    checkpoint = tiny("llama")
    whole = score(ITEMS, checkpoint, engine=engine)
    sizes = []

    def counted(module, inputs, named):
        sizes.append(tuple(named["input_ids"].shape))

    handle = checkpoint.anatomy.decoder.register_forward_pre_hook(counted, with_kwargs=True)
    try:
        monkeypatch.setattr(hooks, "PASS_TOKENS", 100)
        parts = score(ITEMS, checkpoint, engine=engine)
        few = len(sizes)
        assert all(rows * length <= 100 or rows == 1 for rows, length in sizes)
        monkeypatch.setattr(hooks, "PASS_TOKENS", 10**6)
        score(ITEMS, checkpoint, engine=engine)
    finally:
        handle.remove()
    assert_close(parts, whole)
    assert len(sizes) - few < few


def test_the_table_is_in_the_items_order_and_schema():
    table = score(ITEMS, tiny())
    assert table.schema == SCHEMA
    keys = list(zip(*(table[name].to_pylist() for name in ("item", "cue", "role")), strict=True))
    expected = [
        (item.id, cue, role)
        for item in ITEMS
        for cue in range(max(1, len(item.cues)))
        for role in range(max(1, len(item.candidates)))
    ]
    assert keys == expected
    characters = {(row["item"], row["role"]): row["characters"] for row in table.to_pylist()}
    assert characters["f0", 1] == len("ethambutol")
    assert characters["term:chest pain", 0] == len("chest pain")


def test_without_lens():
    table = score(ITEMS, tiny(), lens=False)
    assert table["lens"].null_count == table["rank"].null_count == len(table)
    assert_close(table.drop(["lens"]).append_column("lens", score(ITEMS, tiny())["lens"]), score(ITEMS, tiny()))


def test_nothing_to_score():
    assert score([], tiny()).num_rows == 0


def test_candidates_differ_by_what_their_whole_strings_differ():
    """Chain rule: what is left out, the shared beginning, is one constant a cue, also where tokens cross its edge."""
    for family in TOKENIZERS:
        checkpoint = tiny("llama", family)
        table = {(row["item"], row["cue"], row["role"]): row["logprob"] for row in score(ITEMS, checkpoint).to_pylist()}
        constants = {}
        for item in ITEMS:
            for cue, wording in enumerate(item.cues):
                for role, candidate in enumerate(item.candidates):
                    ids = torch.tensor([checkpoint.tokenizer(f"{wording} {candidate}")["input_ids"]])
                    logits = checkpoint.model(input_ids=ids).logits[0, :-1].double().log_softmax(-1)
                    full = float(logits.gather(1, ids[0, 1:, None]).sum())
                    if (item.id, cue, role) in table:
                        constants.setdefault((item.id, cue), []).append(full - table[item.id, cue, role])
        assert constants
        for values in constants.values():
            assert values == pytest.approx([values[0]] * len(values), abs=2e-4)


def with_lora(model):
    from peft import LoraConfig, get_peft_model

    with torch.random.fork_rng():
        torch.manual_seed(3)
        modules = ["q_proj", "k_proj", "v_proj", "down_proj"]
        wrapped = get_peft_model(model, LoraConfig(r=4, target_modules=modules, init_lora_weights=False)).eval()
    return wrapped.requires_grad_(False)


@pytest.mark.parametrize("arch", ["llama", "gemma2", "mistral"])
def test_with_an_adapter_on(arch):
    model = tiny_model(arch, len(make_tokenizer("byte_bpe")))
    base = score(ITEMS, as_checkpoint(model))
    wrapped = with_lora(model)
    tuned = check_against_own(as_checkpoint(wrapped, parts=anatomy(wrapped.get_base_model())))
    assert max(abs(a - b) for a, b in zip(base["logprob"].to_pylist(), tuned["logprob"].to_pylist(), strict=True)) > 0.1


# Architectures that cannot read trees


def test_a_recurrent_model_is_read_row_by_row():
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    tokenizer = make_tokenizer("byte_bpe")
    config = MambaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, state_size=8, max_position_embeddings=128
    )
    checkpoint = as_checkpoint(MambaForCausalLM(config).eval().requires_grad_(False))
    assert not HooksEngine().reads_trees(checkpoint.anatomy)
    check_against_own(checkpoint)


def test_a_model_without_position_ids_is_read_row_by_row():
    from transformers import BloomConfig, BloomForCausalLM

    torch.manual_seed(0)
    tokenizer = make_tokenizer("byte_bpe")
    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4, seq_length=128)
    model = BloomForCausalLM(config).eval().requires_grad_(False)
    checkpoint = as_checkpoint(model)
    assert not HooksEngine().reads_trees(checkpoint.anatomy)
    check_against_own(checkpoint)


@pytest.mark.parametrize("arch", ["gemma2", "gemma3", "mistral"])
def test_cues_longer_than_a_sliding_window(arch):
    checkpoint = tiny(arch)
    items = [a_fact("long", CORPUS[5]), a_fact("short", "give")]
    lengths = [len(sequence.ids) for sequence in plan_scoring(items, checkpoint).aligned.sequences]
    assert max(lengths) > 2 * checkpoint.model.config.sliding_window
    assert min(lengths) < checkpoint.model.config.sliding_window
    check_against_own(checkpoint, items)
    check_against_own(checkpoint, items[1:])


@pytest.mark.heavy
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_tree_of_more_tokens_than_the_context(arch):
    checkpoint = tiny(arch)
    answers = tuple(f"{a} and {b}" for a in ANSWERS for b in ANSWERS)
    items = [a_fact("long", LONG[:60], answers=answers)]
    sequences = plan_scoring(items, checkpoint).aligned.sequences
    assert sum(s.length - s.shared for s in sequences) > checkpoint.anatomy.context > max(s.length for s in sequences)
    # Beside it a smaller one is padded, at positions that the model must know.
    check_against_own(checkpoint, [*items, a_fact("short", "give")])


def test_a_layer_that_is_not_there_leaves_no_hook():
    checkpoint = tiny()
    with pytest.raises(IndexError):
        score(ITEMS, checkpoint, lens=Lens((0, 99)))
    assert not any(layer._forward_hooks for layer in checkpoint.anatomy.layers)


# Shortage of memory


class Short(HooksEngine):
    """An engine on a device that holds `most` rows."""

    def __init__(self, most, error=torch.OutOfMemoryError, words="CUDA out of memory"):
        super().__init__()
        self.most, self.error, self.words, self.refused = most, error, words, 0

    def residuals(self, checkpoint, batch, layers):
        if len(batch.ids) > self.most:
            self.refused += 1
            raise self.error(self.words)
        return super().residuals(checkpoint, batch, layers)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
@pytest.mark.parametrize("most", [1, 3])
def test_a_batch_that_does_not_fit_is_halved(most, error):
    short = Short(most, error)
    assert_close(score(ITEMS, tiny(), engine=short), score(ITEMS, tiny()))
    assert short.refused


@pytest.mark.parametrize(
    "words",
    [
        "MPS backend Out of Memory",
        "DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried",
    ],
)
def test_a_shortage_is_known_by_torchs_words(words):
    short = Short(3, RuntimeError, words)
    assert_close(score(ITEMS, tiny(), engine=short), score(ITEMS, tiny()))
    assert short.refused


def test_an_illegal_memory_access_is_no_shortage():
    short = Short(3, RuntimeError, "CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        score(ITEMS, tiny(), engine=short)
    assert short.refused == 1


def test_a_single_sequence_that_does_not_fit_is_one_line():
    with pytest.raises(ItemError, match=r"item .*: a single text of \d+ tokens does not fit.*--dtype") as error:
        score(ITEMS, tiny(), engine=Short(0))
    assert "\n" not in str(error.value)


def test_other_errors_of_an_engine_are_its_own():
    class Broken(HooksEngine):
        def residuals(self, checkpoint, batch, layers):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        score(ITEMS, tiny(), engine=Broken())


# Interruption


def test_a_run_that_goes_on_is_the_same_to_the_byte():
    plan = planned(ITEMS, tiny(), 60)
    assert plan.shards > 3
    assert sum(plan.sequences(shard) for shard in range(plan.shards)) == len(plan.aligned.sequences)
    whole = dict(score_shards(plan, tiny()))
    half = dict(islice(score_shards(plan, tiny()), plan.shards // 2))
    # Another process aligns and plans again, and opens the model anew.
    model = tiny_model("llama", len(make_tokenizer("byte_bpe")))
    again = planned(ITEMS, as_checkpoint(model), 60)
    rest = dict(score_shards(again, as_checkpoint(model), done=frozenset(half)))
    assert sorted([*half, *rest]) == list(range(plan.shards))
    for shard, table in (half | rest).items():
        assert table.equals(whole[shard])


def test_the_default_budgets_leave_a_long_run_in_several_shards():
    assert plans.BATCH_TOKENS <= plans.SHARD_TOKENS < 10**5
