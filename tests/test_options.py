"""Options that are declared once: what a field says is what the command line shows and what a program may give."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from knowshift.commands.options import Debug, GivenOptions, with_options
from knowshift.errors import UsageError
from knowshift.options import Option, check_names, declared, make_settings, options_of, split_options
from typer.testing import CliRunner


@dataclass(frozen=True, kw_only=True)
class Shared:
    device: Annotated[str, Option("Where to run.", ("bake", "fry"))] = "auto"
    config: Annotated[Path | None, Option("A folder.", ("bake",), path="folder")] = None


@dataclass(frozen=True, kw_only=True)
class Settings(Shared):
    methods: Annotated[
        tuple[str, ...], Option("How (default: all).", ("bake",), flag="--method", choices=("slow", "fast"))
    ] = ("slow", "fast")
    per: Annotated[Literal["slice", "loaf"], Option("Unit.", ("bake",), noun="unit")] = "slice"
    limit: Annotated[int | None, Option("At most N.", ("bake", "fry"), minimum=1, help_for={"fry": "N eggs."})] = None
    share: Annotated[float, Option("A share.", ("bake",))] = 0.5
    layers: Annotated[str | int | Sequence[int], Option("Layers.", ("bake",))] = "all"
    text: Annotated[bool, Option("Keep texts out.", ("bake",))] = True
    remote: Annotated[bool, Option("Run elsewhere.", ("bake",))] = False
    lens: Annotated[str, Option("What reads.", ("bake",), parse=lambda lens: {True: "raw"}.get(lens, lens))] = "raw"
    out: Annotated[Path, Option("The page.", ("bake",))] = Path("page.html")
    domain: Annotated[str, Option("A domain (default: that of the run).", ("bake",))] = "bread"


@dataclass(frozen=True, kw_only=True)
class Topping:
    quorum: Annotated[int, Option("Votes.", ("bake",), minimum=1)] = 3
    device: Annotated[str, Option("Where to run.", ("bake", "fry"))] = "auto"


@dataclass(frozen=True, kw_only=True)
class Required:
    title: Annotated[str, Option("A title.", ("bake",))]


def run(*arguments, kinds=(Settings,), command="bake"):
    """What the command is called with, and what it prints."""
    app, seen = typer.Typer(rich_markup_mode=None, add_completion=False), []

    @app.command()
    @with_options(command, *kinds)
    def bake(
        base: Annotated[str, typer.Argument()],
        options: GivenOptions,
        plan: Annotated[bool, typer.Option("--plan")] = False,
        debug: Debug = False,
    ) -> None:
        """Bake it."""
        seen.append((base, options, plan))

    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    return (seen[0] if seen else None), done.output


def shown(**options):
    """The lines of the help page that describe options, by flag."""
    lines = run("--help", **options)[1].partition("Options:")[2].splitlines()
    return {found[1]: " ".join(line.split()) for line in lines if (found := re.match(r"\s+(--[a-z-]+)", line))}


def test_help_shows_each_option_with_its_type_default_and_help():
    page = shown()
    own = "--method --per --limit --share --layers --no-text --remote --lens --out --domain"
    assert list(page) == [*own.split(), "--device", "--config", "--plan", "--debug", "--help"]
    assert page["--method"] == "--method <list[str]> How (default: all)."
    assert page["--per"] == "--per <str> Unit. [default: slice]"
    assert page["--limit"] == "--limit <int> At most N."
    assert page["--share"] == "--share <float> A share. [default: 0.5]"
    assert page["--no-text"] == "--no-text Keep texts out."
    assert page["--out"] == "--out <path> The page. [default: page.html]"
    assert page["--domain"] == "--domain <str> A domain (default: that of the run)."
    assert page["--config"] == "--config <dir> A folder."


def test_an_option_appears_on_the_commands_that_it_names_alone():
    page = shown(command="fry")
    assert list(page)[:-1] == ["--limit", "--device", "--plan", "--debug"]
    assert page["--limit"] == "--limit <int> N eggs."


def test_the_command_gets_what_was_given_by_field_name():
    assert run("base.pt") == (("base.pt", {}, False), "")
    given = ("--method", "fast", "--method", "slow", "--limit", "3", "--no-text", "--device", "auto", "--plan")
    expected = {"methods": ["fast", "slow"], "limit": 3, "text": False, "device": "auto"}
    assert run("base.pt", *given)[0] == ("base.pt", expected, True)
    made = make_settings(Settings, None, run("base.pt", *given)[0][1])
    assert made == Settings(methods=("fast", "slow"), limit=3, text=False)


def test_paths_must_exist_where_the_option_demands_it(tmp_path):
    assert run("base.pt", "--config", str(tmp_path))[0][1] == {"config": tmp_path}
    called, output = run("base.pt", "--config", str(tmp_path / "gone"))
    assert called is None
    assert "does not exist" in output


def test_an_option_without_a_default_is_required():
    assert "Missing option '--title'" in run("base.pt", kinds=(Required,))[1]
    with pytest.raises(UsageError, match=r"^--title: not given; "):
        make_settings(Required, None, {})
    assert make_settings(Required, None, {"title": "Bread"}) == Required(title="Bread")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"methods": "fast"}, Settings(methods=("fast",))),
        ({"methods": ["fast"]}, Settings(methods=("fast",))),
        ({"methods": ()}, Settings()),
        ({"methods": None, "limit": None, "out": None, "device": None}, Settings()),
        ({"out": "a/b.html", "config": "c"}, Settings(out=Path("a/b.html"), config=Path("c"))),
        ({"device": Path("cpu")}, Settings(device="cpu")),
        ({"layers": [0, 2]}, Settings(layers=[0, 2])),
        ({"lens": True}, Settings(lens="raw")),
        ({"share": 1}, Settings(share=1.0)),
    ],
)
def test_programs_may_give_a_value_in_any_form(given, made):
    assert make_settings(Settings, None, given) == made


def test_settings_that_a_program_made_are_coerced_too():
    assert make_settings(Settings, Settings(out="page.md"), {}).out == Path("page.md")
    assert make_settings(Settings, Settings(limit=4, share=0.1), {"limit": 5}) == Settings(limit=5, share=0.1)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"methods": ["fast", "dry"]}, "--method dry: no such method; give slow, fast"),
        ({"per": "crumb"}, "--per crumb: no such unit; give slice, loaf"),
        ({"limit": 0}, "--limit 0: too small; give a whole number, 1 or more"),
        ({"limit": "few"}, "--limit few: not a whole number; give one"),
        ({"limit": 1.5}, "--limit 1.5: not a whole number; give one"),
        ({"limit": True}, "--limit True: not a whole number; give one"),
        ({"share": "half"}, "--share half: not a number; give one"),
        (
            {"colour": "red"},
            "colour: no such option; the options are config, device, domain, layers, lens, limit, methods, out, per, "
            "remote, share, text",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_one_line(given, line):
    with pytest.raises(UsageError) as caught:
        make_settings(Settings, None, given)
    assert str(caught.value) == line


def test_settings_stand_side_by_side_on_one_command_line():
    assert {"--limit", "--quorum"} <= set(shown(kinds=(Settings, Topping)))
    _, given, _ = run("base.pt", "--quorum", "2", "--limit", "3", "--device", "cpu", kinds=(Settings, Topping))[0]
    general, own = split_options(given, Settings, Topping)
    assert general == {"limit": 3, "device": "cpu"}
    assert own == {"quorum": 2, "device": "cpu"}
    with pytest.raises(UsageError, match=r"^colour: no such option; the options are config, .*quorum"):
        check_names({"colour": "red"}, Settings, Topping)


def test_mistakes_of_a_declaration_are_found():
    @dataclass(frozen=True, kw_only=True)
    class Other:
        quorum: Annotated[int, Option("Something else.", ("bake",))] = 3

    @dataclass(frozen=True)
    class Bare:
        name: str = "x"

    @dataclass(frozen=True)
    class Odd:
        names: Annotated[dict, Option("Odd.", ("bake",))] = field(default_factory=dict)

    with pytest.raises(ValueError, match=r"^--quorum: two settings classes declare it differently"):
        options_of("bake", Topping, Other)
    with pytest.raises(TypeError, match=r"^name: has no Option"):
        declared(Bare)
    with pytest.raises(TypeError, match=r"^names: .*cannot be written on a command line"):
        _ = declared(Odd)[0].kind
