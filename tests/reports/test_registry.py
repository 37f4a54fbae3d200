"""Sections are registered once, other packages' among them, and the room loads no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from knowshift.errors import RunError
from knowshift.reports.page import render
from knowshift.reports.registry import GROUP, section
from pages import shown


@pytest.fixture
def package(strange, monkeypatch):
    """Installs a package with one report section; `package(source)` fills its module."""
    from knowshift.reports import registry

    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    return lambda source: strange(source, f"[{GROUP}]\nwards = strange\n")


def test_another_package_adds_a_section(package, fresh):
    package(
        "from markupsafe import Markup\n"
        "from knowshift.reports.registry import Section, section\n"
        "@section(order=35, title='Wards', anchor='wards')\n"
        "def wards(run):\n"
        "    return Section(Markup('<p>Ward of {}</p>').format(run.result.base), 'How to read it.')\n"
    )
    page = shown(fresh)
    assert "Ward of base" in page.text
    anchors = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert anchors.index("ladder") + 1 == anchors.index("wards") == anchors.index("matrix") - 1


def test_a_section_that_cannot_be_loaded_is_one_line(package, fresh):
    package("raise ImportError('no such library')\n")
    with pytest.raises(
        RunError, match=r"report section wards: cannot be loaded from strange of strange .*no such library"
    ) as caught:
        render(fresh)
    assert "\n" not in str(caught.value)


def test_an_anchor_is_taken_once():
    def other(run):
        raise NotImplementedError

    with pytest.raises(ValueError, match="ladder"):
        section(order=1, title="Another", anchor="ladder")(other)


def test_the_room_loads_no_torch():
    code = "import knowshift.reports.page, sys; print(*{'torch', 'transformers', 'plotly'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not out.stdout.strip()
