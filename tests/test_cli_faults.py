"""One clear line for whatever a person gives the command wrongly."""

import json
import pickle
from pathlib import Path

import pytest
from house import command, copied, is_one_line, write_adapter, write_domain
from knowshift.probes.runs import compare as comparing

# What goes wrong, each as (what is put in `tmp_path`, the command's arguments, what its one line says).
# A maker gets the house and an empty folder, and returns arguments for `probe`.


def tiny(**overrides):
    from tiny import make_tokenizer, tiny_model

    return tiny_model("llama", **{"vocab_size": len(make_tokenizer("byte_bpe")), **overrides})


def renamed(house, folder, old, new):
    from safetensors.torch import load_file, save_file

    file = copied(house, "neuro_lora", folder) / "adapter_model.safetensors"
    save_file({name.replace(old, new): value for name, value in load_file(file).items()}, file)
    return command(house, folder / "neuro_lora")


def cut(house, folder, name, file):
    path = copied(house, name, folder) / file
    path.write_bytes(path.read_bytes()[:-1000])
    return path


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def malicious(house, folder):
    (folder / "tuned.pt").write_bytes(pickle.dumps({"weight": Payload(folder / "ran")}))
    return command(house, folder / "tuned.pt", own="neurology")


def changed_fact(house, folder, **fields):
    domain = write_domain(folder / "domain")
    lines = (domain / "facts.jsonl").read_text().splitlines()
    lines[4] = json.dumps(json.loads(lines[4]) | fields)
    (domain / "facts.jsonl").write_text("\n".join(lines) + "\n")
    return command(house, domain=domain)


def foreign_tokenizer(house, folder):
    from tiny import make_tokenizer

    make_tokenizer("byte_crossing").save_pretrained(copied(house, "neuro_lora", folder))
    return command(house, folder / "neuro_lora")


def another_run(house, folder):
    (folder / "run").mkdir()
    (folder / "run" / "run.json").write_text(json.dumps({"schema": 1, "identity": {"seed": 1}}))
    return [*command(house), "--out", folder / "run"]


def in_the_way(house, folder):
    (folder / "notes.txt").write_text("mine")
    return [*command(house), "--out", folder]


def file_as_out(house, folder):
    (folder / "file").write_text("mine")
    return [*command(house), "--out", folder / "file"]


def empty(house, folder):
    (folder / "neuro_empty").mkdir()
    return command(house, folder / "neuro_empty")


def words(folder, text):
    (folder / "template.txt").write_text(text)
    return folder / "template.txt"


FAULTS = {
    "missing path": (lambda h, f: command(h, f / "neuro_gone"), "neuro_gone: no such file or directory"),
    "missing base": (lambda h, f: ["compare", f / "gone.pt", h / "neuro_lora"], "gone.pt: no such file or directory"),
    "missing config": (lambda h, f: [*command(h), "--config", f / "gone"], r"'--config': .*gone"),
    "empty directory": (empty, "neuro_empty: the directory is empty"),
    "truncated model": (
        lambda h, f: command(h, cut(h, f, "cardio_full", "model.safetensors").parent),
        r"cardio_full/model\.safetensors: damaged or cut short",
    ),
    "truncated file": (
        lambda h, f: command(h, cut(h, f, "cardio_full", "model.safetensors")),
        r"model\.safetensors: damaged or cut short",
    ),
    "truncated adapter": (
        lambda h, f: command(h, cut(h, f, "neuro_lora", "adapter_model.safetensors").parent),
        r"adapter_model\.safetensors: damaged or cut short",
    ),
    "malicious pickle": (malicious, r"tuned\.pt: .*code"),
    "adapter of other shapes": (
        lambda h, f: command(h, write_adapter(f / "neuro_wide", tiny(hidden_size=48), 1)),
        r"neuro_wide: was trained for other shapes than base base: .*48.*, expected .*32",
    ),
    "adapter of another vocabulary": (
        lambda h, f: command(h, write_adapter(f / "neuro_w", tiny(vocab_size=640), 1, modules_to_save=["lm_head"])),
        r"neuro_w: was trained with another vocabulary.*\[640, 32\]",
    ),
    "adapter with another tokenizer": (foreign_tokenizer, "neuro_lora: was trained with another vocabulary"),
    "adapter that matches in part": (lambda h, f: renamed(h, f, "layers.1", "layers.11"), r"neuro_lora: .*layers\.11"),
    "adapter that matches nothing": (lambda h, f: renamed(h, f, "layers.", "blocks."), "neuro_lora: none of its"),
    "tuned is the base": (lambda h, f: command(h, h / "base", own="neurology"), "base: is the base itself"),
    "the same twice": (lambda h, f: command(h, h / "neuro_lora", h / "neuro_lora"), "given 2 times"),
    "broken record": (
        lambda h, f: changed_fact(h, f, distractors="none"),
        r'domain/facts\.jsonl.*5.*"distractors".*expected a list of texts',
    ),
    "a record's unknown specialty": (
        lambda h, f: changed_fact(h, f, specialties=["geology"]),
        r'facts\.jsonl.*5.*"specialties".*geology',
    ),
    "no such domain": (lambda h, f: command(h, domain=f / "law"), "law: no such domain"),
    "unknown specialty": (
        lambda h, f: command(h, own="geology"),
        'unknown specialty "geology".* neurology, cardiology, gastroenterology',
    ),
    "no specialty in the name": (
        lambda h, f: command(h, copied(h, "cardio_full", f).rename(f / "tuned")),
        "tuned: its name tells no specialty .*--own tuned=NAME",
    ),
    "two specialties in the name": (
        lambda h, f: command(h, copied(h, "neuro_lora", f).rename(f / "neuro_cardio")),
        "neuro_cardio: its name holds neurology .*and cardiology",
    ),
    "own of no model": (lambda h, f: command(h, own="gastro_lora=neurology"), "gastro_lora=neurology: no such model"),
    "two owns for one": (lambda h, f: [*command(h, own="neurology"), "--own", "cardiology"], "give one, or MODEL=NAME"),
    "target longer than the context": (
        lambda h, f: changed_fact(h, f, answer="very " * 200 + "long"),
        r"item fact:neurology-4: .*too long for a context of 128",
    ),
    "unknown option": (lambda h, f: [*command(h), "--colour", "red"], "No such option: --colour"),
    "no tuned model": (
        lambda h, f: ["compare", h / "base"],
        "no tuned model given: probe compare BASE TUNED..., or --base-only",
    ),
    "unknown command": (lambda h, f: ["compere"], "No such command 'compere'"),
    "limit 0": (lambda h, f: [*command(h), "--limit", "0"], "--limit 0: too small; give a whole number, 1 or more"),
    "limit in words": (lambda h, f: [*command(h), "--limit", "few"], "'--limit'"),
    "negative seed": (
        lambda h, f: [*command(h), "--seed", "-1"],
        "--seed -1: too small; give a whole number, 0 or more",
    ),
    "unknown unit": (
        lambda h, f: [*command(h), "--per", "foo"],
        "--per foo: no such unit; give token, target, character",
    ),
    "unknown dtype": (lambda h, f: [*command(h), "--dtype", "int3"], "dtype 'int3' is unknown"),
    "unknown device": (lambda h, f: [*command(h), "--device", "abacus"], "device 'abacus' cannot be used here"),
    "missing template": (lambda h, f: [*command(h), "--template", f / "gone.txt"], r"--template .*gone\.txt: no such"),
    "template of no use": (lambda h, f: [*command(h), "--template", words(f, "Say")], r"template\.txt: .*\{text\}"),
    "no chat template": (lambda h, f: [*command(h), "--template", "chat"], "has no chat template"),
    "another run in out": (another_run, "another run lies there .*seed"),
    "other things in out": (in_the_way, "holds other things and no run"),
    "a file as out": (file_as_out, "--out .*file: is a file; give a folder"),
    "report of nothing": (lambda h, f: ["report", f / "gone"], "gone: no such run directory"),
    "report of an unfinished run": (lambda h, f: ["report", another_run(h, f)[-1]], "run.*not finished"),
    "lens without text": (lambda h, f: ["lens", h / "base", h / "neuro_lora", "--text", " "], "--text is empty"),
    "lens of a long text": (
        lambda h, f: ["lens", h / "base", h / "neuro_lora", "--text", "word " * 200],
        r"--text has \d+ tokens, base reads 128",
    ),
    "lens into a folder": (
        lambda h, f: ["lens", h / "base", h / "neuro_lora", "--text", "a word", "--out", f],
        "is a folder; give the path of the page",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_is_one_line_and_exit_code_2(fault, house, probe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where runs/ would be
    make, expected = FAULTS[fault]
    (tmp_path / "given").mkdir()
    code, out, err = probe(*make(house, tmp_path / "given"))
    assert (code, out) == (2, "")
    is_one_line(err, expected)
    assert not (tmp_path / "given" / "ran").exists(), "the pickle's payload ran"
    assert not list(tmp_path.glob("runs/*/comparison.json"))


def test_debug_shows_the_traceback(probe, tmp_path):
    code, _, err = probe("report", tmp_path / "gone", "--debug")
    assert code == 2
    assert "Traceback (most recent call last)" in err
    assert "gone: no such run directory" in err.splitlines()[-1]


def test_cuda_where_there_is_none(house, probe):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    code, _, err = probe(*command(house), "--device", "cuda")
    assert code == 2
    is_one_line(err, "device 'cuda' cannot be used here")


def test_a_run_is_claimed_before_the_first_pass(house, probe, tmp_path, monkeypatch):
    """What is wrong with `--out` shows before any time is spent on scoring."""
    monkeypatch.setattr(comparing, "score_model", lambda *_, **__: pytest.fail("scored"))
    assert probe(*another_run(house, tmp_path))[0] == 2
