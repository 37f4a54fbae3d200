"""What drops what was computed before: code that changes its numbers, and no other.

The package is copied and edited, and a process of its own takes the copy's fingerprints, or compares with it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import knowshift
import pytest
from house import command
from knowshift.fingerprint import class_fingerprint, code_fingerprint, imported_modules
from knowshift.probes.evaluate import prompting
from knowshift.probes.runs.plan import SCORING

pytestmark = pytest.mark.heavy

ROOT = Path(knowshift.__file__).parent
ROOTS = {
    "scores": SCORING,
    "readings": ("models.reading",),
    "lens": ("models.lens_training", "models.checkpoint"),
    "hooks": ("models.engines.hooks",),
    "transformer-lens": ("models.engines.transformer_lens",),
    "mentions": ("terms.extraction.mentions",),
    "linker": ("terms.extraction.neighbours",),
    "written": prompting.ANSWERING,
}


def run_copy(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def copy(tmp_path):
    """A copy of the package's code and data, in a folder to run it from."""
    ignored = shutil.ignore_patterns(
        "tests", "docs", "benchmarks", "examples", "showcase", "__pycache__", ".*", "build"
    )
    shutil.copytree(ROOT, tmp_path / "copy" / "knowshift", ignore=ignored)
    return tmp_path / "copy"


def edit(copy, file, before, after):
    path = copy / "knowshift" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{file} holds {text.count(before)} times: {before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def fingerprints(copy):
    code = (
        f"import json; from knowshift import fingerprint; print(fingerprint.__file__); "
        f"found = {{n: fingerprint.code_fingerprint(*r) for n, r in {ROOTS!r}.items()}}; "
        f"found['written'] = fingerprint.code_fingerprint(*{ROOTS['written']!r}, alone={prompting.PROMPTING!r}); "
        f"print(json.dumps(found))"
    )
    place, found = run_copy(copy, "-c", code).stdout.splitlines()
    assert place.startswith(str(copy))
    return json.loads(found)


def dropped(copy, *edits):
    """What an edit of the copy drops."""
    before = fingerprints(copy)
    for change in edits:
        edit(copy, *change)
    after = fingerprints(copy)
    return {name for name in ROOTS if before[name] != after[name]}


def test_prose_types_and_layout_drop_nothing(copy):
    assert not dropped(
        copy,
        ("models/readout.py", '"""What is read at each target token; nats."""', '"""Other words."""'),
        ("models/readout.py", '"""Zero-based: how many tokens', '"""How many tokens'),
        (
            "models/readout.py",
            "@torch.inference_mode()\ndef read(",
            "# A comment.\n\n\n@torch.inference_mode()\ndef read(",
        ),
        ("models/readout.py", "    from torch import Tensor\n", "    from torch import Tensor, nn\n"),
        ("models/plan.py", "BATCH_TOKENS = 4096", "BATCH_TOKENS: int = 4_096"),
        ("terms/match.py", "import annotations\n", "import annotations\n# Another comment.\n"),
        ("_version.py", '__version__ = "', '__version__ = "9'),
    )


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("models/table.py", "1.5, 2.0)", "1.5, 2.5)", {"scores"}),
        ("models/reading.py", "TOP = 5", "TOP = 6", {"readings"}),
        ("models/lens_training.py", "HELD_OUT = 8192", "HELD_OUT = 4096", {"lens"}),
        ("models/lens_training.py", "momentum: float = 0.9", "momentum: float = 0.8", {"lens"}),
        ("models/engines/transformer_lens.py", "HALF_TOLERANCE = 5e-2", "HALF_TOLERANCE = 6e-2", {"transformer-lens"}),
        ("terms/match.py", "SHORT = 4", "SHORT = 5", {"mentions"}),
        ("terms/extraction/neighbours.py", "EXACT = 300_000", "EXACT = 3", {"linker", "mentions"}),
        ("probes/analysis/exposure.py", '("exact", "together")', '("exact",)', set()),
        ("probes/analysis/resample.py", "DRAWS = 1999", "DRAWS = 999", set()),
        ("probes/evaluate/runner.py", '"sampler": "first_n"', '"sampler": "last_n"', {"written"}),
        ("probes/analysis/error_rates.py", "import annotations\n", "import annotations\n\nWIDTH = 7\n", set()),
        ("terminal.py", "import annotations\n", "import annotations\n\nWIDTH = 7\n", set()),
        ("reports/page.py", "import annotations\n", "import annotations\n\nWIDTH = 7\n", set()),
    ],
)
def test_a_constant_drops_what_depends_on_it_and_only_that(copy, file, before, after, expected):
    assert dropped(copy, (file, before, after)) == expected


def test_annotations_that_may_be_read_at_run_time_count(copy):
    """Those in a class and of a decorated function."""
    assert "scores" in dropped(copy, ("models/plan.py", "    tokens: int\n", "    tokens: float\n"))
    assert "scores" in dropped(copy, ("models/readout.py", "    anatomy: Anatomy,\n", "    anatomy: object,\n"))


RECORD_KEYS = """
import json
from knowshift.probes.calibrate.arms import ARMS
from knowshift.probes.calibrate.keys import answers_key, record_key
from knowshift.probes.calibrate.world import Size, World
world = World(Size(specialties=4, fields=2, relations=4, general_relations=4, facts=12, other_facts=8, answers=(7, 8),
                   names=24, pool=20, terms=8, words=60, texts=3))
found = {arm.name: [answers_key("base", arm, world, 1), record_key("base", arm, world, 1, (40,))] for arm in ARMS}
print(json.dumps(found))
"""


def record_keys(copy, *edits):
    """Return by arm the keys of answers and of records before and after the edits."""
    before = json.loads(run_copy(copy, "-c", RECORD_KEYS).stdout)
    for change in edits:
        edit(copy, *change)
    return before, json.loads(run_copy(copy, "-c", RECORD_KEYS).stdout)


def test_an_arm_that_is_added_or_edited_leaves_the_others_models_and_records(copy):
    arms, null = "probes/calibrate/arms.py", '    Arm("null",'
    before, after = record_keys(
        copy,
        (arms, null, f'    Arm("added", "another", lessons.general),\n{null}'),
        (arms, 'lessons.noise, own="hardest", rate=0.03)', 'lessons.noise, own="hardest", rate=0.02)'),
        (arms, "the base's own kind of text", "other words for it"),
        ("probes/calibrate/lessons.py", "COMMONEST = 0.1", "COMMONEST = 0.2"),
    )
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"added", "noise, harder", "narrow", "general lost"}
    for name in changed - {"added"}:
        assert all(mine != other for mine, other in zip(after[name], before[name], strict=True))


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("probes/analysis/resample.py", "DRAWS = 1999", "DRAWS = 999", [False, False]),
        (
            "probes/analysis/verdict.py",
            "OWN_UNKNOWN, OTHER_UNKNOWN = 20,",
            "OWN_UNKNOWN, OTHER_UNKNOWN = 9,",
            [False] * 2,
        ),
        ("probes/analysis/rule.py", "RULE = ", "RULE = 7 + ", [False, True]),
        ("probes/calibrate/samples.py", "300: 20}", "300: 19}", [False, True]),
        ("probes/calibrate/training.py", "RANK, RATE, RATE_LARGE = 32,", "RANK, RATE, RATE_LARGE = 16,", [True, True]),
        ("probes/calibrate/asking.py", "OTHER_FACTS = 20", "OTHER_FACTS = 19", [True, True]),
    ],
)
def test_answers_are_kept_over_changes_of_statistics_and_records_over_all_but_the_rule(copy, file, old, new, changed):
    before, after = record_keys(copy, (file, old, new))
    for name, pair in before.items():
        assert [one != other for one, other in zip(pair, after[name], strict=True)] == changed


def test_what_only_shows_is_no_part_of_a_score():
    found = imported_modules(*ROOTS["scores"], *ROOTS["readings"], *ROOTS["lens"])
    rooms = {name.partition(".")[0] for name in found}
    assert rooms <= {"errors", "storage", "models", "terms"}
    assert {"models.readout", "models.alignment", "models.unembedding", "models.adapters"} <= set(found)


def test_imports_inside_functions_are_followed_and_those_for_types_are_not():
    assert "terms.extraction.linker" in imported_modules("terms.extraction.mentions")
    assert "terms.extraction.corpus" not in imported_modules("terms.extraction.mentions")


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"models\.nothing: no module of knowshift"):
        code_fingerprint("models.nothing")


def test_a_plug_in_counts_by_its_own_source(strange, tmp_path):
    code = "from knowshift.models.architecture import anatomy\nSTEPS = {}\nclass Engine:\n    '''{}'''\n"
    strange(code.format(1, "One."), "")

    def again(steps, words):
        sys.modules.pop("strange", None)
        (tmp_path / "strange.py").write_text(code.format(steps, words))
        import strange as found

        return class_fingerprint(found.Engine)

    assert again(1, "One.") == again(1, "Two.") != again(2, "Two.") != ""
    assert class_fingerprint(type("Made", (), {"__module__": "nowhere"})) == ""


def test_fingerprints_take_little_time():
    """Under half a second on a quiet machine, so under one here; the best of three."""
    code = (
        f"import time; from knowshift import fingerprint; begin = time.process_time(); "
        f"[fingerprint.code_fingerprint(*roots) for roots in {list(ROOTS.values())!r}]; "
        f"print(time.process_time() - begin)"
    )
    assert min(float(run_copy(ROOT.parent, "-c", code).stdout) for _ in range(3)) < 1


def test_a_comparison_takes_cached_scores_until_a_constant_that_they_depend_on_changes(copy, house, tmp_path):
    runs, few = iter(range(9)), ("--lens", "none", "--passages", 0)
    edit(copy, "probes/analysis/resample.py", "PERMUTATIONS = 4999", "PERMUTATIONS = 99")

    def compare():
        out = tmp_path / f"run-{next(runs)}"
        return (
            "(scored before)"
            in run_copy(copy, "-m", "knowshift", *command(house, house / "neuro_lora", out=out), *few).stderr
        )

    assert not compare()
    edit(copy, "models/readout.py", '"""What is read at each target token; nats."""', '"""Other words."""')
    edit(copy, "probes/analysis/resample.py", "DRAWS = 1999", "DRAWS = 199")
    assert compare()
    edit(copy, "models/table.py", "1.5, 2.0)", "1.5, 2.5)")
    assert not compare()
