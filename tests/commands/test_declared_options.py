"""Options of the real commands: each setting appears where it says, as it says, and reaches the work."""

import pytest
import typer
from knowshift import cli
from knowshift.commands import demo
from knowshift.models.options import LensSettings
from knowshift.options import declared
from knowshift.probes.calibrate.settings import Settings as CalibrateSettings
from knowshift.probes.evaluate.settings import Settings as EvaluateSettings
from knowshift.probes.runs.settings import Settings as CompareSettings

KINDS = {
    "compare": CompareSettings,
    "lens": LensSettings,
    "evaluate": EvaluateSettings,
    "calibrate": CalibrateSettings,
}
"""The settings of each command that has its own."""
OTHERS = {
    "compare": {"base", "tuned", "no_lens", "evaluate", "plan", "base_only", "as_json", "debug"},
    "lens": {"base", "tuned", "text", "out", "debug"},
    "evaluate": {"base", "tuned", "run", "published", "as_json", "debug"},
    "calibrate": {"debug"},
    "test": {"given", "run", "show", "as_json", "debug"},
    "demo": {"out", "debug"},
}
"""What these commands take beside settings."""
COMMANDS = {name: command for name, command in typer.main.get_command(cli.app).commands.items() if command.params}
DECLARED = {(kind, option.name): option for kind in KINDS.values() for option in declared(kind)}


@pytest.mark.parametrize(("kind", "name"), DECLARED)
def test_a_setting_appears_on_exactly_the_commands_it_names(kind, name):
    option = DECLARED[kind, name]
    assert set(option.option.commands) <= set(COMMANDS)
    for command, made in COMMANDS.items():
        shown = [p for p in made.params if p.name == name and p.opts == [option.flag]]
        shown = [p for p in shown if p.help == option.help_in(command)]
        assert bool(shown) == (command in option.option.commands), command
        if shown and option.kind not in ("flag", "texts"):
            assert shown[0].default == option.default
            assert bool(shown[0].show_default) == ("(default" not in shown[0].help)


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_has_no_option_that_is_not_declared(command):
    settings = {name for (_, name), option in DECLARED.items() if command in option.option.commands}
    assert not settings & OTHERS[command]
    assert {param.name for param in COMMANDS[command].params} - {"help"} == settings | OTHERS[command]


GIVEN = {"per": "character", "recipe": "smedqa", "lens": "tuned", "layers": "0,"}
"""Values of options that do not take any value."""


def given(option, folder):
    """A value other than the default, as words of the command line and as settings hold it."""
    if option.kind == "flag":
        return [option.flag], not option.default
    if option.kind == "whole number":
        return [option.flag, "7"], 7
    if option.kind == "texts":
        return [option.flag, "one", option.flag, "two"], ("one", "two")
    if option.kind == "path":
        place = folder if option.option.path == "folder" else folder / "lens.safetensors"
        return [option.flag, str(place)], place
    value = GIVEN.get(option.name, "given")
    return [option.flag, value], value


def test_every_option_reaches_the_comparison(probe, tmp_path, monkeypatch):
    """With a value of its own for each: an option that is lost on the way, or mixed up, would keep its default."""
    reached = []

    def stop(base, tuned, settings, **_):
        reached.append((base, tuned, settings))
        raise KeyboardInterrupt

    monkeypatch.setattr("knowshift.probes.runs.compare.run_comparison", stop)
    (tmp_path / "lens.safetensors").touch()
    words, expected = [], {}
    for option in declared(CompareSettings):
        more, expected[option.name] = given(option, tmp_path)
        words += more
    probe("compare", "base.pt", "a_lora", "b_lora", *words)
    [(base, tuned, settings)] = reached
    assert (base, tuned) == ("base.pt", ["a_lora", "b_lora"])
    assert vars(settings) == expected
    assert all(
        value != option.default for option, value in zip(declared(CompareSettings), expected.values(), strict=True)
    )


def test_without_options_a_comparison_has_the_defaults(probe, monkeypatch):
    reached = []

    def stop(base, tuned, settings, **_):
        reached.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("knowshift.probes.runs.compare.run_comparison", stop)
    probe("compare", "base.pt", "a_lora")
    probe("compare", "base.pt", "a_lora", "--no-lens")
    assert reached == [CompareSettings(), CompareSettings(lens="none")]


def test_the_demo_compares_its_models_with_the_options_it_borrows(probe, tmp_path, monkeypatch):
    called = {}
    monkeypatch.setattr("knowshift.commands.demo.compare", lambda **options: called.update(options))
    monkeypatch.setattr(
        "knowshift.showcase.lay_down", lambda out, domain: {"base": out / "base.pt", "tuned": out / "t"}
    )
    assert probe("demo", "--out", tmp_path, "--seed", "3")[0] == 0
    assert called == {
        "base": str(tmp_path / "base.pt"),
        "tuned": [str(tmp_path / "t")],
        "domain": "medicine",
        "out": tmp_path / "run",
        "seed": 3,
        "limit": demo.DEMO_LIMIT,
    }
