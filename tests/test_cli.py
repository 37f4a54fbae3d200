"""The command `probe` as a person calls it: what it prints and writes, and one clear line for whatever goes wrong."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from house import command, write_adapter, write_domain
from knowshift import __version__
from knowshift.probes.run import RunDirectory


def test_json_is_alone_on_standard_output(finished, house, probe):
    code, out, err = probe(*command(house, out=finished), "--json")
    assert code == 0
    assert json.loads(out) == json.loads((finished / "comparison.json").read_text())
    for shown in ("neuro_lora: own specialty Neurology (from the model's name)", "base (scored before)",
                  str(finished / "report.html")):  # fmt: skip
        assert shown in err


def test_the_table_shows_every_figure_whole(finished, house, probe, monkeypatch):
    """Also in a narrow terminal, where rich would cut intervals short."""
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = probe(*command(house, out=finished))
    assert code == 0
    assert f"report: {finished / 'report.html'}" in out
    assert "…" not in out
    for model in json.loads((finished / "comparison.json").read_text())["models"].values():
        assert model["sentence"] in out
        for estimate in (*model["rungs"].values(), model["specific_knowledge"]):
            assert f"{estimate['estimate']:+.2f}" in out
            assert f"[{estimate['low']:+.2f}, {estimate['high']:+.2f}]" in out
        own, other = model["ledger"]["own"], model["ledger"]["other"]
        assert f"{own['learned']}/{own['unknown']} | {other['learned']}/{other['unknown']}" in out


def test_report_renders_again(finished, probe, tmp_path):
    page = (finished / "report.html").read_bytes()
    assert probe("report", finished, "--out", tmp_path / "page.html")[:2] == (0, f"report: {tmp_path / 'page.html'}\n")
    assert (tmp_path / "page.html").read_bytes() == page
    (finished / "report.html").unlink()
    assert probe("report", finished)[0] == 0
    assert (finished / "report.html").read_bytes() == page


def test_lens_in_the_terminal_and_as_a_page(house, probe, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    page = tmp_path / "lens.html"
    text = "For a child with absence seizures, give ethosuximide."
    code, out, _ = probe("lens", house / "base", house / "neuro_lora", "--text", text, "--out", page)
    assert code == 0
    assert f"page: {page}" in out
    assert "base: log-probability (nats)" in out
    assert "neuro_lora: log-probability (nats)" in out
    assert text in page.read_text()


def test_a_text_is_read_from_a_model_laid_over_devices(probe, house, tmp_path):
    from knowshift.models.lens import read_lens

    pair = house / "base", [house / "neuro_lora"]
    laid = read_lens(*pair, "A seizure.", device_map="auto")
    assert laid["models"] == read_lens(*pair, "A seizure.")["models"]
    page = tmp_path / "lens.html"
    asked = ("lens", pair[0], *pair[1], "--text", "A seizure.", "--out", page)
    assert probe(*asked, "--device-map", "auto")[0] == 0
    code, _, error = probe(*asked, "--quantize", "3bit")
    assert code == 2
    assert "3bit" in error


def test_a_run_without_texts_stays_so_until_a_person_asks_for_them(finished, house, probe, tmp_path):
    run = tmp_path / "run"
    asked = (*command(house, house / "neuro_lora", out=run), "--limit", "6", "--no-lens")

    def left_out(*arguments):
        code, _, err = probe(*arguments)
        assert code == 0, err
        return "(--no-text)" in (run / "report.html").read_text(encoding="utf-8").split("<script")[0]

    assert left_out(*asked, "--no-text")
    first = json.loads((run / "run.json").read_text())
    assert first["text"] is False
    assert left_out("report", run, "--card")
    assert not left_out("report", run, "--text")
    # It is the same run that goes on, still without them.
    assert left_out(*asked)
    again = json.loads((run / "run.json").read_text())
    assert (again["identity"], again["created"], again["text"]) == (first["identity"], first["created"], False)
    assert pl.read_parquet(run / "places.parquet").height == 0
    assert json.loads((finished / "run.json").read_text())["text"] is True


def test_a_tuned_lens_is_trained_once_and_serves_the_page_of_a_text_too(house, probe, tmp_path):
    texts, run = tmp_path / "notes.txt", tmp_path / "run"
    texts.write_text("The patient was seen for a seizure; there was no migraine. " * 30)
    asked = (*command(house, house / "neuro_lora", out=run), "--limit", "3", "--layers", "0,")
    code, _, err = probe(*asked, "--lens", "tuned", "--lens-data", texts)
    assert code == 0
    assert "tuned lens" in err
    assert json.loads((run / "run.json").read_text())["lens"]["layers"] == [0, 2]
    shown = ("lens", house / "base", house / "neuro_lora", "--text", "A seizure.", "--out", tmp_path / "lens.html")
    for lens in (("--lens-data", run / "lens.safetensors"), ("--lens", "tuned", "--lens-data", texts)):
        code, _, err = probe(*shown, *lens)
        assert (code, err) == (0, "")
        assert "Read through a tuned lens" in (tmp_path / "lens.html").read_text()
    assert probe(*shown)[0] == 0
    assert "Read through the raw logit lens" in (tmp_path / "lens.html").read_text()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--no-lens", "--lens", "tuned"), "--no-lens: is short for --lens none, and --lens tuned is given too; "),
        (("--lens", "tuned"), "--lens tuned: give --lens-data FILE, "),
        (("--lens", "clear"), "lens clear: give raw, tuned, none"),
        (("--layers", "3,5"), "--layers 5: base has 3 layers; give numbers from 0 to 2"),
        (
            ("--lens-data", "nowhere.txt"),
            "Invalid value for '--lens-data': file 'nowhere.txt' does not exist; see probe",
        ),
    ],
)
def test_options_of_the_lens_that_do_not_fit_are_one_line(options, line, house, probe, tmp_path):
    code, out, err = probe(*command(house, house / "neuro_lora", out=tmp_path / "run"), *options)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"probe: {line}")
    assert not (tmp_path / "run").exists()


def test_python_m_knowshift_is_probe():
    done = subprocess.run([sys.executable, "-m", "knowshift", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"knowshift {__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help(arguments, probe):
    code, out, err = probe(*arguments)
    assert (code, err) == (0, "")
    assert all(word in out for word in ("compare", "report", "lens", "demo"))


@pytest.mark.parametrize("name", ["compare", "report", "lens", "demo"])
def test_every_command_has_help_with_an_example(name, probe):
    code, out, _ = probe(name, "--help")
    assert code == 0
    assert f"Example:  probe {name}" in out


def test_interrupted_says_how_to_go_on(house, probe, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("knowshift.models.scoring.score_shards", stop)
    code, _, err = probe(*command(house, out=tmp_path / "run"))
    assert code == 130
    assert err.splitlines()[-1] == "probe: interrupted; the same command goes on where it stopped"


def test_a_failed_check_stops_the_run_unless_allowed(house, probe, tmp_path, monkeypatch):
    """Tolerance -1: no readout can agree that well."""
    monkeypatch.setattr("knowshift.probes.validity.TOLERANCE", -1.0)
    arguments = command(house, out=tmp_path / "run")
    code, out, err = probe(*arguments)
    assert (code, out) == (3, "")
    assert re.fullmatch(r"probe: neuro_lora: check failed: .*--allow-failed-checks.*", err.splitlines()[-1])
    assert not (tmp_path / "run" / "comparison.json").exists()
    assert probe(*arguments, "--allow-failed-checks")[0] == 0
    models = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]
    assert not all(check["passed"] for check in models["neuro_lora"]["validity"])


# What goes wrong, each as (what is put in `tmp_path`, the command's arguments, what its one line says).
# A maker gets the house and an empty folder, and returns arguments for `probe`.


def copied(house, name, folder):
    return shutil.copytree(house / name, folder / name)


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
    "truncated model": (lambda h, f: command(h, cut(h, f, "cardio_full", "model.safetensors").parent),
                        r"cardio_full/model\.safetensors: damaged or cut short"),
    "truncated file": (lambda h, f: command(h, cut(h, f, "cardio_full", "model.safetensors")),
                       r"model\.safetensors: damaged or cut short"),
    "truncated adapter": (lambda h, f: command(h, cut(h, f, "neuro_lora", "adapter_model.safetensors").parent),
                          r"adapter_model\.safetensors: damaged or cut short"),
    "malicious pickle": (malicious, r"tuned\.pt: .*code"),
    "adapter of other shapes": (lambda h, f: command(h, write_adapter(f / "neuro_wide", tiny(hidden_size=48), 1)),
                                r"neuro_wide: was trained for other shapes than base base: .*48.*, expected .*32"),
    "adapter of another vocabulary": (
        lambda h, f: command(h, write_adapter(f / "neuro_w", tiny(vocab_size=640), 1, modules_to_save=["lm_head"])),
        r"neuro_w: was trained with another vocabulary.*\[640, 32\]"),
    "adapter with another tokenizer": (foreign_tokenizer, "neuro_lora: was trained with another vocabulary"),
    "adapter that matches in part": (lambda h, f: renamed(h, f, "layers.1", "layers.11"), r"neuro_lora: .*layers\.11"),
    "adapter that matches nothing": (lambda h, f: renamed(h, f, "layers.", "blocks."), "neuro_lora: none of its"),
    "tuned is the base": (lambda h, f: command(h, h / "base", own="neurology"), "base: is the base itself"),
    "the same twice": (lambda h, f: command(h, h / "neuro_lora", h / "neuro_lora"), "given 2 times"),
    "broken record": (lambda h, f: changed_fact(h, f, distractors="none"),
                      r'domain/facts\.jsonl.*5.*"distractors".*expected a list of texts'),
    "a record's unknown specialty": (lambda h, f: changed_fact(h, f, specialties=["geology"]),
                                     r'facts\.jsonl.*5.*"specialties".*geology'),
    "no such domain": (lambda h, f: command(h, domain=f / "law"), "law: no such domain"),
    "unknown specialty": (lambda h, f: command(h, own="geology"),
                          'unknown specialty "geology".* neurology, cardiology, gastroenterology'),
    "no specialty in the name": (lambda h, f: command(h, copied(h, "cardio_full", f).rename(f / "tuned")),
                                 "tuned: its name tells no specialty .*--own tuned=NAME"),
    "two specialties in the name": (lambda h, f: command(h, copied(h, "neuro_lora", f).rename(f / "neuro_cardio")),
                                    "neuro_cardio: its name holds neurology .*and cardiology"),
    "own of no model": (lambda h, f: command(h, own="gastro_lora=neurology"), "gastro_lora=neurology: no such model"),
    "two owns for one": (lambda h, f: [*command(h, own="neurology"), "--own", "cardiology"], "give one, or MODEL=NAME"),
    "target longer than the context": (lambda h, f: changed_fact(h, f, answer="very " * 200 + "long"),
                                       r"item fact:neurology-4: .*too long for a context of 128"),
    "unknown option": (lambda h, f: [*command(h), "--colour", "red"], "No such option: --colour"),
    "no tuned model": (lambda h, f: ["compare", h / "base"], "Missing argument"),
    "unknown command": (lambda h, f: ["compere"], "No such command 'compere'"),
    "limit 0": (lambda h, f: [*command(h), "--limit", "0"], "limit 0: give a number .*1 or more"),
    "limit in words": (lambda h, f: [*command(h), "--limit", "few"], "'--limit'"),
    "negative seed": (lambda h, f: [*command(h), "--seed", "-1"], "seed -1: give .*0 or more"),
    "unknown unit": (lambda h, f: [*command(h), "--per", "foo"], "per foo: give token, target, character"),
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
    "lens of a long text": (lambda h, f: ["lens", h / "base", h / "neuro_lora", "--text", "word " * 200],
                            r"--text has \d+ tokens, base reads 128"),
    "lens into a folder": (lambda h, f: ["lens", h / "base", h / "neuro_lora", "--text", "a word", "--out", f],
                           "is a folder; give the path of the page"),
}  # fmt: skip


def is_one_line(err, expected):
    """Apart from what each model's own specialty was read as."""
    lines = [line for line in err.splitlines() if ": own specialty " not in line]
    assert len(lines) == 1, err
    assert re.match(rf"probe: .*{expected}", lines[0]), lines[0]


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


@contextmanager
def without_rights():
    """Root may write anywhere, so root becomes nobody meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError as error:
        pytest.skip(f"root cannot become another user here: {error}")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_house(house, tmp_path):
    """The house where every user can read it: pytest's own folders are the owner's alone."""
    tmp_path.chmod(0o755)
    for path in house.rglob("*"):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    closed = [(path, path.stat().st_mode) for path in (house, *house.parents) if not path.stat().st_mode & 0o001]
    for path, mode in closed:
        path.chmod(mode | 0o011)
    yield house
    for path, mode in closed:
        path.chmod(mode)


def test_no_right_to_write_the_run(open_house, probe, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with without_rights():
        code, out, err = probe(*command(open_house, out=locked / "run"))
    assert (code, out) == (2, "")
    is_one_line(err, rf"--out {locked}/run: cannot be written \(Permission denied\); give another folder")


def test_no_right_to_read_a_model(open_house, probe, tmp_path):
    tuned = copied(open_house, "neuro_lora", tmp_path)
    (tuned / "adapter_config.json").chmod(0)
    (tuned / "adapter_model.safetensors").chmod(0)
    with without_rights():
        code, _, err = probe(*command(open_house, tuned, out=tmp_path / "run"))
    assert code == 2
    is_one_line(err, "adapter_config.json: .*Permission denied")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a given size at `tmp_path/disk`; call it again to grow it."""
    disk, mounted = tmp_path / "disk", False
    disk.mkdir()

    def size(kib):
        nonlocal mounted
        options = f"size={kib}k" + (",remount" if mounted else "")
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted here: {getattr(error, 'stderr', error)}")
        mounted = True
        return disk

    yield size
    if mounted:
        subprocess.run(["umount", disk], check=True)


def kib(*paths):
    return sum(-(-path.stat().st_size // 4096) * 4 for path in paths)


@pytest.mark.parametrize("stage", ["record", "scores", "tables", "comparison", "report"])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_space(
    stage, finished, house, probe, small_disk, monkeypatch
):
    """The disk is just too small for that stage; tables found in the cache make the later stages quick to reach."""
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(finished.parent / "cache"))
    record, tables = kib(finished / "run.json"), kib(finished / "terms.parquet", finished / "facts.parquet")
    # run.json is there twice while it is written, hence one record more than stands in the end.
    room = {"record": 4, "scores": 2 * record + 8, "tables": 0, "comparison": tables, "report": tables + 256}[stage]
    if stage not in ("record", "scores"):
        room += record + kib(*finished.glob("scores/*.parquet"))
    disk = small_disk(room)
    if stage == "record":
        (disk / "filler").write_bytes(bytes(4096))
    out = disk / "run"
    code, shown, err = probe(*command(house, out=out))
    assert (code, shown) == (2, "")
    last = err.splitlines()[-1]
    assert re.match(rf"probe: .*{out}.*No space left on device.*", last), err
    assert "Traceback" not in err
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]
    small_disk(16384)
    assert probe(*command(house, out=out))[0] == 0
    for name in ("comparison.json", "terms.parquet", "scores/neuro_lora.parquet"):
        text = (out / name).read_bytes()
        assert text.replace(bytes(out), b"RUN") == (finished / name).read_bytes().replace(bytes(finished), b"RUN")


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(house, probe, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "file"))
    assert probe(*command(house, out=tmp_path / "run"), "--limit", "3", "--no-lens")[0] == 0
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_run_is_claimed_before_the_first_pass(house, probe, tmp_path, monkeypatch):
    """What is wrong with `--out` shows before any time is spent on scoring."""
    monkeypatch.setattr(RunDirectory, "score", lambda *_, **__: pytest.fail("scored"))
    assert probe(*another_run(house, tmp_path))[0] == 2
