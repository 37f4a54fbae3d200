"""The command `probe` as a person calls it: what it prints and writes."""

import json
import re
import subprocess
import sys

import polars as pl
import pytest
from house import command
from knowshift import __version__


def test_json_is_alone_on_standard_output(finished, house, probe):
    code, out, err = probe(*command(house, out=finished), "--json")
    assert code == 0
    assert json.loads(out) == json.loads((finished / "comparison.json").read_text())
    for shown in (
        "neuro_lora: own specialty Neurology (from the model's name)",
        "base (scored before)",
        str(finished / "report.html"),
    ):
        assert shown in err


def test_the_table_shows_every_figure_whole(finished, house, probe, monkeypatch):
    """Also in a narrow terminal, where rich would cut intervals short."""
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = probe(*command(house, out=finished))
    assert code == 0
    assert f"report: {finished / 'report.html'}" in out
    assert "…" not in out
    joined = " ".join(out.split())
    for model in json.loads((finished / "comparison.json").read_text())["models"].values():
        assert model["sentence"] in joined
        shift = (model["shift"][key] for key in ("over_contrast", "absolute", "general"))
        for estimate in (*model["rungs"].values(), model["acquired"], *shift):
            if estimate["estimate"] is not None:
                assert f"{estimate['estimate']:+.2f}" in out
            if estimate["low"] is not None:
                assert f"[{estimate['low']:+.2f}, {estimate['high']:+.2f}]" in out
        own, other = model["knowledge"]["learned"]["own"], model["knowledge"]["learned"]["reference"]
        assert f"{own['hits']}/{own['n']} | {other['hits']}/{other['n']}" in out


def test_every_line_fits_a_terminal_of_80_columns(finished, house, probe, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = probe(*command(house, out=finished))
    assert code == 0
    for word in ("knowledge", "not testable", "acquired", "shift beyond", "in absolute"):
        assert word in out
    assert [line for line in out.splitlines() if len(line) > 80 and not line.startswith("report: ")] == []


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
    from knowshift.probes.runs.lens_reading import read_lens

    pair = house / "base", [house / "neuro_lora"]
    laid = read_lens(*pair, "A seizure.", device_map="auto")
    assert laid.models == read_lens(*pair, "A seizure.").models
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
        (("--lens", "clear"), "--lens clear: no such lens; give raw, tuned, none"),
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
    assert re.search(rf"Examples?:  probe {name}", out)


def test_interrupted_says_how_to_go_on(house, probe, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("knowshift.models.scoring.score_shards", stop)
    code, _, err = probe(*command(house, out=tmp_path / "run"))
    assert code == 130
    assert err.splitlines()[-1] == "probe: interrupted; the same command goes on where it stopped"


def test_a_failed_check_stops_the_run_unless_allowed(house, probe, tmp_path, monkeypatch):
    """Tolerance -1: no readout can agree that well."""
    monkeypatch.setattr("knowshift.probes.runs.validity.TOLERANCE", -1.0)
    arguments = command(house, out=tmp_path / "run")
    code, out, err = probe(*arguments)
    assert (code, out) == (3, "")
    assert re.fullmatch(r"probe: neuro_lora: check failed: .*--allow-failed-checks.*", err.splitlines()[-1])
    assert not (tmp_path / "run" / "comparison.json").exists()
    assert probe(*arguments, "--allow-failed-checks")[0] == 0
    models = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]
    assert not all(check["passed"] for check in models["neuro_lora"]["validity"])
