"""CONTRIBUTING.md names files that exist, the markers that pytest knows and the targets that make has."""

import re
from pathlib import Path

import knowshift
import pytest

ROOT = Path(knowshift.__file__).parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = re.split(r"^### ", PAGE.partition("## Recipes")[2], flags=re.MULTILINE)[1:]
PATH = re.compile(r"`([\w.-]+/(?:[\w.-]+/)*[\w-]+(?:/|\.(?:py|js|css|md|json|toml|ini)))`")


def missing(text):
    """Paths in backquotes, two names deep or more, that do not exist; a recipe's own NAME may not yet."""
    return [path for path in PATH.findall(text) if "NAME" not in path and not (ROOT / path).exists()]


def test_there_are_twelve_recipes():
    assert len(RECIPES) == 12


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda text: text.partition("\n")[0])
def test_a_recipe_names_files_that_are_there(recipe):
    assert len(PATH.findall(recipe)) >= 2
    assert not missing(recipe)


def test_the_rest_of_the_page_names_files_that_are_there():
    assert not missing(PAGE.partition("## Recipes")[0])


def test_its_commands_and_markers_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([\w-]+)", PAGE, re.MULTILINE)) <= targets
    settings = (ROOT / "tests" / "pytest.ini").read_text(encoding="utf-8")
    markers = set(re.findall(r"^    (\w+): ", settings.partition("markers =")[2], re.MULTILINE))
    assert set(re.findall(r"^- `(\w+)`: left", PAGE, re.MULTILINE)) == markers
