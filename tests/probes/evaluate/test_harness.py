"""Tasks of the harness itself: nothing is cut, mixed up, or taken from other data."""

import json

import pytest
from knowshift.errors import UsageError
from knowshift.models.checkpoint import Checkpoint
from knowshift.probes.evaluate import harness
from knowshift.probes.evaluate.harness import fitting, harness_values, load_tasks
from knowshift.probes.evaluate.prompting import PromptingConfig
from knowshift.probes.evaluate.runner import LeftOut
from knowshift.probes.evaluate.values import means

CHOICE = (
    "output_type: multiple_choice\ndoc_to_text: '{{q}}'\ndoc_to_choice: ['0', '1', '2']\ndoc_to_target: '{{a}}'\n"
    "metric_list:\n  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n"
)
WRITTEN = (
    "output_type: generate_until\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n"
    "generation_kwargs:\n  until: ['zzz']\n  max_gen_toks: 4\n  do_sample: false\n"
    "filter_list:\n  - name: strict\n    filter:\n      - function: regex\n        regex_pattern: 'never (said)'\n"
    "      - function: take_first\n  - name: whole\n    filter:\n      - function: take_first\n"
    "metric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n"
)
ROLLING = (
    "output_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: '{{q}}'\n"
    "metric_list:\n  - metric: word_perplexity\n  - metric: byte_perplexity\n  - metric: bits_per_byte\n"
)


def task(folder, docs, form, more=""):
    """A task of the harness over `docs` (question, answer)."""
    (folder / "docs.json").write_text(json.dumps([{"q": q, "a": a} for q, a in docs]))
    (folder / "own.yaml").write_text(
        f"task: own\ndataset_path: json\ndataset_kwargs:\n  data_files: {{test: {folder / 'docs.json'}}}\n"
        f"test_split: test\n{form}{more}"
    )
    return load_tasks([str(folder / "own.yaml")])


@pytest.fixture(scope="module")
def checkpoints(models):
    base = Checkpoint.find(models / "base")
    return {"base": base, "whole": Checkpoint.find(models / "whole", base=base)}


def asked(tasks, checkpoints, folder, context=128):
    asking = PromptingConfig(context, batch_size=4)
    return harness_values(tasks, checkpoints, asking, folder, fitting(tasks, checkpoints, asking, None, LeftOut()))


def test_every_document_is_measured_by_every_tokenizer(tmp_path, checkpoints):
    text = "The child is seen again after four weeks. " * 5
    sizes = {name: len(each.tokenizer(text).input_ids) for name, each in checkpoints.items()}
    short, long = sorted(sizes, key=sizes.__getitem__)
    context = sizes[short] + 4
    assert sizes[long] > context
    docs = [(f"{text * 3}", "0")] * 3 + [("1 + 1 =", "2")] * 2 + [(text, "1")]
    out, order = LeftOut(), {name: checkpoints[name] for name in (short, long)}
    tasks = task(tmp_path, docs, CHOICE)
    assert fitting(tasks, order, PromptingConfig(context), None, out) == {"own": [3, 4]}
    why = f"longer than the context of {context} tokens"
    assert out.why == {"task.own": dict.fromkeys(["own-0", "own-1", "own-2", "own-5"], why)}
    assert fitting(tasks, {short: checkpoints[short]}, PromptingConfig(context), 4, LeftOut()) == {"own": [3]}
    with pytest.raises(UsageError, match="--task own: every document is longer"):
        fitting(tasks, order, PromptingConfig(context), 3, LeftOut())


def test_each_filter_is_a_metric_of_its_own(tmp_path, checkpoints):
    docs = [(f"{n} days fever", "[invalid]") for n in range(3)]
    found = asked(task(tmp_path, docs, WRITTEN), {"base": checkpoints["base"]}, tmp_path / "run")["base"]
    by = {(value.metric, value.question): value.value for value in found}
    assert len(by) == len(found) == 6
    # A filter that finds nothing says "[invalid]", which stands as the answer here.
    assert {by["exact_match, strict", f"own-{n}"] for n in range(3)} == {1.0}
    assert {by["exact_match, whole", f"own-{n}"] for n in range(3)} == {0.0}


def test_perplexities_of_texts_are_bits_per_byte(tmp_path, checkpoints):
    texts = ["The river was high.", "In the morning she walked to the harbour and bought some bread."]
    found = asked(task(tmp_path, [(text, "") for text in texts], ROLLING), {"base": checkpoints["base"]}, tmp_path)
    assert {value.metric for value in found["base"]} == {"bits per byte"}
    assert [value.weight for value in found["base"]] == [len(text) for text in texts]
    bits = sum(value.value * value.weight for value in found["base"])
    assert means(found["base"], [], 0)[""].value == pytest.approx(bits / sum(map(len, texts)))


def test_a_task_without_a_number_for_a_document_is_one_line(tmp_path, checkpoints):
    tasks = task(tmp_path, [("1 + 1 =", "2")], CHOICE.replace("metric: acc", "metric: f1").replace("mean", "f1"))
    with pytest.raises(UsageError, match=r"--task own: its metrics \(f1\) are no numbers for a single document"):
        asked(tasks, {"base": checkpoints["base"]}, tmp_path / "run")


def test_answers_to_changed_data_are_not_taken(tmp_path, checkpoints):
    one = {"base": checkpoints["base"]}

    def right(answers):
        tasks = task(tmp_path, [("1 + 1 =", answer) for answer in answers], CHOICE)
        return [value.value for value in asked(tasks, one, tmp_path / "run")["base"]]

    first = right("012")
    assert sum(first) == 1
    assert right("120") == [*first[1:], first[0]]


def test_a_documents_shots_hang_on_the_document_alone(tmp_path, checkpoints):
    docs = [(f"{n} + 1 =", str(n % 3)) for n in range(12)]
    (own,) = task(tmp_path, docs, CHOICE, "num_fewshot: 2\nfewshot_split: test\n").values()
    own.build_all_requests()
    whole = {each.doc_id: each.args for each in own.instances}
    own.build_all_requests(samples=[7])
    assert {each.args for each in own.instances} >= {whole[7]}
    assert len({args[0].rsplit("\n\n", 1)[0] for args in whole.values()}) > 1


def test_a_task_with_functions_of_its_own_has_one_key_in_every_process(tmp_path):
    """Answers are kept, and shared among processes, under it: no address may stand in it."""

    def told(said):
        place = tmp_path / said
        place.mkdir()
        (place / "utils.py").write_text(
            f"def process_docs(docs):\n    return docs.filter(lambda doc: doc['q'] != '{said}')\n"
        )
        (found,) = task(
            place, [("a", "0"), ("b", "1")], CHOICE, "process_docs: !function utils.process_docs\n"
        ).values()
        return json.dumps(harness._told(found.dump_config()))

    first, second = told("x"), told("y")
    assert "0x" not in first
    assert "process_docs(docs)" in first
    assert first.replace("'x'", "'y'").replace("/x/", "/y/") == second
