"""The harness around our checkpoints: its numbers are the model's own, nothing is cut, repeated or lost."""

from dataclasses import replace

import pytest
import torch
from evaluation import Scripted, answered
from house import write_adapter
from knowshift.errors import UsageError
from knowshift.models.checkpoint import Checkpoint
from knowshift.probes.evaluate import answers, runner
from knowshift.probes.evaluate.language_model import language_model
from knowshift.probes.evaluate.prompt_task import PromptTask
from knowshift.probes.evaluate.prompting import PromptingConfig
from knowshift.probes.runs.tables import read_table
from scored import long_rope_model
from tiny import make_tokenizer, tiny_model
from transformers import GenerationConfig

FAMILIES = ("byte_bpe", "metaspace_prefix")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A base of each tokenizer family, tied head, and an adapter that also moves the embedding.

    Qwen's tokenizer adds a padding token for which this model has no row, as resized tokenizers do.
    """
    place = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        tokenizer = make_tokenizer(family)
        model = tiny_model("qwen2", vocab_size=len(tokenizer))
        # What a model would do by itself when it writes; a comparison must not hang on it.
        model.generation_config = GenerationConfig(do_sample=True, temperature=3.0, max_new_tokens=2, eos_token_id=2)
        model.save_pretrained(place / family)
        tokenizer.save_pretrained(place / family)
        targets = ["q_proj", "down_proj", "embed_tokens"]
        write_adapter(place / f"{family}-lora", model, 1, target_modules=targets, ensure_weight_tying=True)
    return place


def find(folder, family):
    base = Checkpoint.find(folder / family)
    return base, Checkpoint.find(folder / f"{family}-lora", base=base)


CHOICES = ["cough", "a rash"]


def docs(n):
    return tuple(
        {
            "id": f"d{i}",
            "question": f"q{i}",
            "stem": f"for {i} days fever",
            "choices": ["cough", "a rash"],
            "target": "",
        }
        for i in range(n)
    )


CHOICE = PromptTask("choice", "choices", docs(5), "Q: {{ stem }}\nA:")
WRITTEN = PromptTask("written", "answer", docs(5), "Q: {{ stem }}\nA:", until=("zzz",), max_tokens=6)
ASKING = PromptingConfig(context=128, batch_size=3)


@pytest.mark.heavy
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("which", [0, 1], ids=["base", "adapter"])
def test_log_probabilities_are_the_models_own(folder, tmp_path, family, which):
    checkpoint = find(folder, family)[which]
    rows = runner.run([CHOICE], checkpoint, ASKING, tmp_path)["choice"].to_pylist()
    with checkpoint.active() as model, torch.no_grad():
        for row, doc in zip(rows, CHOICE.docs, strict=True):
            prompt = f"Q: {doc['stem']}\nA:"
            for value, choice in zip(row["logprobs"], doc["choices"], strict=True):
                before = checkpoint.tokenizer(prompt).input_ids
                ids = checkpoint.tokenizer(f"{prompt} {choice}").input_ids
                assert ids[: len(before)] == before
                logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
                own = sum(float(logprobs[i - 1, ids[i]]) for i in range(len(before), len(ids)))
                assert value == pytest.approx(own, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_writing_is_greedy_whatever_the_models_own_settings(folder, tmp_path, family):
    checkpoint, _ = find(folder, family)
    rows = runner.run([WRITTEN], checkpoint, ASKING, tmp_path)["written"].to_pylist()
    with checkpoint.active() as model, torch.no_grad():
        for row, doc in zip(rows, WRITTEN.docs, strict=True):
            ids = start = checkpoint.tokenizer(f"Q: {doc['stem']}\nA:").input_ids
            for _ in range(WRITTEN.max_tokens):
                best = int(model(torch.tensor([ids])).logits[0, -1].argmax())
                ids = [*ids, best]
                if best == 2:
                    break
            assert row["answer"] == checkpoint.tokenizer.decode(ids[len(start) :], skip_special_tokens=True)


def test_prompts_are_read_alone_where_a_long_one_would_change_the_others(tmp_path):
    long_rope_model(16).save_pretrained(tmp_path)
    make_tokenizer("byte_bpe").save_pretrained(tmp_path)
    checkpoint = Checkpoint.find(tmp_path)
    assert [language_model(checkpoint, context, 8).batch_size for context in (16, 17)] == [8, 1]


def test_the_harness_leaves_a_model_as_it_was(folder, tmp_path):
    _, adapter = find(folder, "byte_bpe")
    ids = torch.tensor([[5, 6, 7, 8]])
    tokenizer = adapter.tokenizer_hash, adapter.tokenizer.pad_token
    with adapter.active() as model, torch.no_grad():
        before = model(ids).logits
        language_model(adapter, ASKING.context)
        assert torch.equal(model(ids).logits, before)
    assert (adapter.tokenizer_hash, adapter.tokenizer.pad_token) == tokenizer


def test_what_is_too_long_for_one_model_is_left_out_for_all(folder):
    base, _ = find(folder, "byte_bpe")
    other, _ = find(folder, "metaspace_prefix")
    long = [
        {**doc, "id": f"{doc['id']}l", "question": f"long {doc['question']}", "stem": "fever " * 90} for doc in docs(2)
    ]
    ask = PromptTask("choice", "choices", (*docs(3), *long), "{{ stem }}")
    out = runner.left_out([ask], [base, other], ASKING)
    assert out.why == {"choice": dict.fromkeys(["long q0", "long q1"], "longer than the context of 128 tokens")}
    assert out.trimmed(ask).docs == docs(3)


def test_the_context_is_kept_to_the_token(folder):
    base, _ = find(folder, "byte_bpe")
    ask = PromptTask("written", "answer", docs(1), "Q: {{ stem }}\nA:", max_tokens=6, until=("\n",))
    tokens = len(base.tokenizer("Q: for 0 days fever\nA:").input_ids) + 6
    assert runner.left_out([ask], [base], PromptingConfig(tokens)).why == {}
    assert len(runner.left_out([ask], [base], PromptingConfig(tokens - 1)).why["written"]) == 1


def test_an_interrupted_run_goes_on_without_a_repeated_or_a_lost_question(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "SHARD", 4)
    base, _ = find(folder, "byte_bpe")
    ask = PromptTask("choice", "choices", docs(10), "Q: {{ stem }}\nA:")
    whole = runner.run([ask], base, ASKING, tmp_path / "whole")["choice"]
    asked = []
    own = runner._asked
    monkeypatch.setattr(runner, "_asked", lambda *a: asked.extend(doc["id"] for doc in a[0].docs) or own(*a))

    def stop(stage, done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run([ask], base, ASKING, tmp_path / "broken", stop)
    assert asked == [f"d{i}" for i in range(8)]
    table = runner.run([ask], base, ASKING, tmp_path / "broken")["choice"]
    assert asked == [f"d{i}" for i in range(10)]
    assert table.equals(whole)
    assert not (tmp_path / "broken" / ".parts").exists()
    runner.run([ask], base, ASKING, tmp_path / "broken")
    assert asked == [f"d{i}" for i in range(10)]


def test_answers_of_another_model_question_or_prompt_are_not_taken(folder, tmp_path):
    base, adapter = find(folder, "byte_bpe")
    first = runner.run([CHOICE], base, ASKING, tmp_path)["choice"]
    assert not runner.run([CHOICE], adapter, ASKING, tmp_path)["choice"].equals(first)
    other = PromptTask("choice", "choices", docs(5), "Question: {{ stem }}\nA:")
    assert not runner.run([other], base, ASKING, tmp_path)["choice"].equals(first)
    again = runner.run([CHOICE], base, PromptingConfig(128, batch_size=1), tmp_path)["choice"]
    for one, two in zip(first.to_pylist(), again.to_pylist(), strict=True):
        assert one["logprobs"] == pytest.approx(two["logprobs"], abs=1e-4)


def test_a_broken_file_of_answers_is_asked_again(folder, tmp_path):
    base, _ = find(folder, "byte_bpe")
    table = runner.run([CHOICE], base, ASKING, tmp_path)["choice"]
    file, key = tmp_path / "choice.parquet", ASKING.key(CHOICE, base)
    content = file.read_bytes()
    for place in range(0, len(content), 97):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        held = read_table(file, key, answers.SCHEMA)
        assert held is None or held.equals(table)
    file.write_bytes(content[: len(content) // 2])
    assert read_table(file, key, answers.SCHEMA) is None
    assert runner.run([CHOICE], base, ASKING, tmp_path)["choice"].equals(table)


def test_a_chat_template_that_is_not_there_is_one_line(folder):
    base, _ = find(folder, "byte_bpe")
    with pytest.raises(UsageError, match="has no chat template; give --template none"):
        runner.left_out([CHOICE], [base], PromptingConfig(128, chat=True))


def test_a_chat_template_frames_the_prompt(folder, tmp_path):
    base, _ = find(folder, "byte_bpe")
    base.tokenizer.chat_template = "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}[assistant] "
    try:
        ask = PromptTask("choice", "choices", docs(1), "Q: {{ stem }}", shots=({**docs(1)[0], "target": "cough"},))
        lm = language_model(base, ASKING.context)
        ((_, requests),) = runner._requests(ask, lm, PromptingConfig(128, chat=True))
        assert requests[0][0] == (
            "[user] Q: for 0 days fever [assistant] cough [user] Q: for 0 days fever [assistant] "
        )
        assert [continuation for _, continuation in requests] == ["cough", "a rash"]
    finally:
        base.tokenizer.chat_template = None


def test_a_blank_line_parts_the_instructions_from_the_prompt(tmp_path):
    shot = {**docs(1)[0], "stem": "for a week fever", "target": "cough"}
    ask = PromptTask(
        "written", "answer", docs(1), "Q: {{ stem }}\nA:", system="Say one word.", until=("\n",), max_tokens=6
    )
    for shots, between in (((), ""), ((shot,), "Q: for a week fever\nA: cough\n\n")):
        lm = Scripted(reply=lambda prompt: "cough")
        runner.ask_model(replace(ask, shots=shots), lambda lm=lm: lm, ASKING, tmp_path / str(len(shots)), "key")
        assert lm.asked[0][0] == f"Say one word.\n\n{between}Q: for 0 days fever\nA:"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_texts_log_probability_is_the_models_own(folder, tmp_path, family):
    """After one beginning token, whether or not the tokenizer adds one of its own."""
    base, _ = find(folder, family)
    text = "In the morning she walked to the harbour."
    ask = PromptTask("text", "text", ({"id": "t", "question": "t", "text": text, "target": ""},))
    ((found,),) = runner.run([ask], base, ASKING, tmp_path)["text"]["logprobs"].to_pylist()
    own = base.tokenizer(text, add_special_tokens=False).input_ids
    assert (base.tokenizer(text).input_ids == own) == (family == "byte_bpe")
    ids = [base.tokenizer.bos_token_id, *own]
    with base.active() as model, torch.no_grad():
        logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    assert found == pytest.approx(sum(float(logprobs[i - 1, ids[i]]) for i in range(1, len(ids))), abs=1e-4)


ROLES = "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}[assistant] "
REFUSING = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + ROLES
PASSING = "{% for m in messages if m.role != 'system' %}[{{ m.role }}] {{ m.content }} {% endfor %}[assistant] "


@pytest.mark.parametrize("template", [REFUSING, PASSING], ids=["refuses", "passes over"])
def test_instructions_that_a_chat_template_does_not_take_are_the_users(folder, template):
    base, _ = find(folder, "byte_bpe")
    ask = PromptTask("choice", "choices", docs(1), "Q: {{ stem }}", system="Say one word.")
    chat = PromptingConfig(128, chat=True)
    base.tokenizer.chat_template = template
    ((_, requests),) = runner._requests(ask, language_model(base, 128), chat)
    assert requests[0][0] == "[user] Say one word.\n\nQ: for 0 days fever [assistant] "
    (note,) = runner.system_notes({"base": base}, chat)
    assert note.startswith("base: the chat template takes no system message")
    base.tokenizer.chat_template = ROLES
    ((_, requests),) = runner._requests(ask, language_model(base, 128), chat)
    assert requests[0][0] == "[system] Say one word. [user] Q: for 0 days fever [assistant] "
    assert runner.system_notes({"base": base}, chat) == []
    base.tokenizer.chat_template = "{{ raise_exception('never') }}"
    with pytest.raises(UsageError, match=r"chat template cannot be used \(never\)"):
        runner.left_out([ask], [base], chat)


def test_an_edited_chat_template_is_asked_and_measured_anew(folder):
    base, other = (find(folder, "byte_bpe")[0] for _ in range(2))
    base.tokenizer.chat_template, other.tokenizer.chat_template = ROLES, ROLES + "so, " * 100
    chat = PromptingConfig(128, chat=True)
    assert chat.key(CHOICE, base) != chat.key(CHOICE, other)
    assert ASKING.key(CHOICE, base) == ASKING.key(CHOICE, other)
    assert runner.left_out([CHOICE], [base], chat).why == {}
    assert len(runner.left_out([CHOICE], [base, other], chat).why["choice"]) == len(CHOICE.docs)


@pytest.mark.heavy
@pytest.mark.parametrize(("joiner", "read"), [(" ", " 二甲双胍"), ("", "二甲双胍")])
def test_a_choice_follows_its_prompt_as_the_domain_joins_them(tmp_path, joiner, read):
    doc = {"id": "a", "question": "a", "stem": "糖尿病的首选药物是", "choices": ["二甲双胍", "胰岛素"], "target": ""}
    model = Scripted(weigh=lambda prompt, continuation: -1.0)
    answered([PromptTask("facts", "choices", (doc,), "{{ stem }}", joiner=joiner)], model, tmp_path)
    assert model.asked[0] == ("糖尿病的首选药物是", read)
