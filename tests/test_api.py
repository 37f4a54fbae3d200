"""The Python API: exactly what docs/api.md says, and each of it does what its page says."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import knowshift
import polars as pl
import pytest

DOCS = Path(knowshift.__file__).parent / "docs"


@pytest.fixture(scope="module")
def page():
    return (DOCS / "api.md").read_text(encoding="utf-8")


def test_what_is_documented_is_public_and_nothing_else(page):
    documented = re.findall(r"^## knowshift\.(\S+)$", page.replace("\\", ""), re.MULTILINE)
    assert sorted(documented) == sorted(knowshift.__all__)
    assert len(set(documented)) == len(documented)
    for name in documented:
        assert getattr(knowshift, name) is not None


def test_every_reference_leads_to_something_with_a_docstring(page):
    named = re.findall(r"^::: (\S+)$", page, re.MULTILINE)
    assert len(named) >= len(knowshift.__all__) - 1
    for name in named:
        module, _, attribute = name.rpartition(".")
        assert getattr(import_module(module), attribute).__doc__, name


def test_public_names_are_those_that_the_page_documents(page):
    """`## knowshift.lens` is followed by the very object that `knowshift.lens` is."""
    for name, place in re.findall(r"^## knowshift\.(\w+)\n(?:(?!^## ).*\n)*?^::: (\S+)$", page, re.MULTILINE):
        module, _, attribute = place.rpartition(".")
        assert getattr(import_module(module), attribute) is getattr(knowshift, name)


def test_importing_is_lazy_and_a_wrong_name_is_said():
    loaded = "import sys, knowshift; sys.exit(any(n in sys.modules for n in ('torch', 'polars', 'numpy')))"
    subprocess.run([sys.executable, "-c", loaded], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'frame'"):
        _ = knowshift.frame


def test_a_finished_run_is_frames(finished):
    run = knowshift.open_run(finished)
    frame = run.frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame["model"].to_list() == ["neuro_lora", "cardio_lora"] == list(run.models)
    assert {"own", "verdict", "knowledge", "knowledge_low", "acquired"} <= set(frame.columns)
    assert frame["knowledge"].to_list() == [model.rungs["knowledge"].value for model in run.models.values()]
    assert set(run.facts()["model"]) == set(run.terms()["model"]) == set(run.models)
    assert run.scores("neuro_lora").height == run.scores("base").height > 0
    assert frame.to_pandas().shape == frame.shape


def test_scores_and_lens_of_models_at_hand(house):
    domain = knowshift.Domain.open(house / "domain")
    base = knowshift.Checkpoint.open(house / "base")
    from knowshift.terms.select import items

    every = items(domain)
    table = knowshift.score(every, base)
    assert set(table["item"].to_pylist()) == {item.id for item in every}
    read = knowshift.lens(house / "base", [house / "neuro_lora"], "The patient was seen.")
    assert [model.name for model in read.models] == ["base", "neuro_lora"]
    assert len(read.models[0].logprob) == len(read.layers)


def test_a_comparison_from_python(house, tmp_path):
    options = {"domain": str(house / "domain"), "own": "neurology", "limit": 8}
    done = knowshift.compare(house / "base", house / "neuro_lora", out=tmp_path / "run", **options)
    assert done.frame().equals(knowshift.open_run(tmp_path / "run").frame())


@pytest.mark.heavy
def test_the_pages_are_built_without_a_warning(tmp_path):
    pytest.importorskip("material", reason="the extra docs is not installed")
    # The reference is read from every module below the package, and in a clone the environment lies there too.
    anywhere = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
    on_top = shutil.ignore_patterns("build", "demo*", "dist", "runs", "tests")

    def ignore(folder, names):
        return anywhere(folder, names) | (on_top(folder, names) if Path(folder) == DOCS.parent else set())

    config = shutil.copytree(DOCS.parent, tmp_path / "knowshift", ignore=ignore) / "mkdocs.yml"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", config, "--site-dir", tmp_path / "site"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").glob("*.html")}
    assert {f"{path.stem}.html" for path in DOCS.glob("*.md")} <= pages.keys()
    for name, text in pages.items():
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?:[^" >]+)', text)
        assert not fetched, f"{name} fetches {fetched}"
    assert "Raises" in pages["api.html"]
    shown = re.sub(r"<[^>]+>", "", pages["api.html"])
    assert "--training-data: What models were trained on" in shown
    assert "--out: Run directory (default: runs/&lt;base&gt;-&lt;tuned&gt;-&lt;date&gt;)" in shown
    assert "--device-map: auto: lay a model too large" in shown, "options that several commands share"
    assert "Option(" not in shown
    for name in knowshift.__all__:
        assert f"knowshift.{name}" in pages["api.html"]
