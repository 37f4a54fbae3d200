"""The notebooks run as they stand, and say what their committed outputs say."""

import re
import shutil
import sys
from pathlib import Path

import knowshift
import nbformat
import pytest

FOLDER = Path(knowshift.__file__).parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:\.\d+)?(?![\w.]*\w)")
WORD = re.compile(r"\w+")
MACHINE = re.compile(r"(?<![\w./])/[\w.-]+/[\w.-]+|\b[A-Za-z]:\\|\d{4}-\d\d-\d\d")
BIG = 300_000
"""Bytes that a notebook may have."""
NEAR, FEW = 0.25, 3
"""How far a number may move on another machine, of itself or at all; a count by so many. A model is trained there anew,
and no word of the outputs hangs on so little."""


@pytest.fixture(scope="module")
def execute():
    """`execute` of docs/notebooks, a script beside the notebooks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        import execute

        yield execute.execute
    sys.modules.pop("execute", None)


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    """By code cell, what a person reads of its outputs: text, and tables without their markup."""
    return [
        [shown for output in cell.outputs for shown in texts(output)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def texts(output):
    data = output.get("data", {"text/plain": output.get("text", "")})
    return [re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL) for _, text in sorted(data.items())]


def words_and_numbers(text):
    return WORD.findall(NUMBER.sub(" ", text)), [one.replace("−", "-") for one in NUMBER.findall(text)]


def near(number):
    return pytest.approx(float(number), rel=NEAR, abs=NEAR if "." in number else FEW)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_what_is_committed(path, execute, tmp_path):
    done, committed = outputs(execute(path, tmp_path)), outputs(read(path))
    assert [len(cell) for cell in done] == [len(cell) for cell in committed]
    for cell, before in zip(done, committed, strict=True):
        for text, expected in zip(cell, before, strict=True):
            (words, numbers), (its_words, its_numbers) = words_and_numbers(text), words_and_numbers(expected)
            assert words == its_words
            assert [float(number) for number in numbers] == [near(number) for number in its_numbers]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("first-comparison", ["neuro_lora domain shift", "neuro_facts_lora knowledge injection"]),
        ("new-domain", ["symbols_lora cannot tell", "taught cannot tell", "along cannot tell", "before the run"]),
    ],
)
def test_what_a_reader_should_take_away_stands_in_the_outputs(name, said):
    """The verdicts that the text of the notebooks explains."""
    shown = " ".join(WORD.findall(" ".join(text for cell in outputs(read(FOLDER / f"{name}.ipynb")) for text in cell)))
    assert [words for words in said if words not in shown] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_small_whole_and_of_no_machine(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.stat().st_size < BIG
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.get("name", "stdout") for cell in code for output in cell.outputs} == {"stdout"}
    kinds = {kind for cell in code for output in cell.outputs for kind in output.get("data", ())}
    assert kinds <= {"text/plain", "text/html"}
    for cell in code:
        assert not set(cell.metadata) - {"tags"}
        for text in (text for output in cell.outputs for text in texts(output)):
            assert not MACHINE.findall(text), "a path or a date of the machine that it ran on"


def test_their_pages_show_code_and_outputs(tmp_path):
    """The site's hook, through mkdocs itself."""
    pytest.importorskip("mkdocs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    shutil.copytree(FOLDER, tmp_path / "docs" / "notebooks", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: s\nuse_directory_urls: false\nhooks: [docs/notebooks/pages.py]\nexclude_docs: '*.py'\n"
        "theme: {name: null, custom_dir: theme}\nplugins: []\nvalidation: {links: {not_found: ignore}}\n"
    )
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "main.html").write_text("<html><body>{{ page.content }}</body></html>")
    build(load_config(str(tmp_path / "mkdocs.yml")))
    site = tmp_path / "site" / "notebooks"
    assert {path.name for path in site.iterdir()} == {
        f"{path.stem}{kind}" for path in NOTEBOOKS for kind in (".html", ".ipynb")
    }
    page = (site / "first-comparison.html").read_text(encoding="utf-8")
    for shown in (
        "<h1",
        "knowshift.compare(",
        "<td>knowledge injection</td>",
        'href="new-domain.html"',
        'href="first-comparison.ipynb"',
    ):
        assert shown in page
