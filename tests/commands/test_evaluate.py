"""`probe evaluate`, `probe compare --evaluate`, and the sections of the page that they fill."""

import json
import shutil

import pytest
from evaluation import write_smedqa
from house import command, write_adapter, write_domain
from knowshift.cli import main
from knowshift.errors import RunError, UsageError
from knowshift.probes.evaluate import attached
from knowshift.reports.page import render
from tiny import make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy

SPECIALTIES = ("Neurology", "Cardiology", "Gastroenterology")


def probe(arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    tokenizer = make_tokenizer("metaspace_prefix")
    for name, seed in (("neuro_lora", 1), ("cardio_lora", 2)):
        model = tiny_model("llama", vocab_size=len(tokenizer), max_position_embeddings=512)
        model.save_pretrained(folder / "base")
        tokenizer.save_pretrained(folder / "base")
        write_adapter(folder / name, model, seed)
    write_domain(folder / "domain", 8)
    write_smedqa(folder / "questions.json", 24, SPECIALTIES)
    return folder


@pytest.fixture(scope="module")
def compared(house, tmp_path_factory):
    """A comparison that also asked the questions."""
    run = tmp_path_factory.mktemp("runs") / "run"
    arguments = command(house, domain=house / "domain", out=run)
    assert probe([*arguments, "--lens", "none", "--evaluate", f"smedqa={house / 'questions.json'}"]) == 0
    return run


def test_json_alone_on_standard_output(house, tmp_path, capsys):
    arguments = [
        "evaluate",
        house / "base",
        house / "neuro_lora",
        "--data",
        house / "questions.json",
        "--method",
        "text",
        "--limit",
        "6",
        "--domain",
        house / "domain",
        "--out",
        tmp_path / "run",
    ]
    assert probe([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["suite"] == "smedqa"
    assert data == json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert probe(arguments) == 0
    shown = capsys.readouterr().out
    assert "smedqa.text" in shown
    assert "neuro_lora against base" in shown
    # An evaluation alone has a page of its own, with every score of every model.
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<h1>neuro_lora beside base: answers</h1>" in page
    for row in data["scores"]:
        assert row["label"] or f'value="{row["estimate"]["estimate"]}"' in page
    assert 'id="answers"' in page
    assert 'id="methods"' in page
    assert 'id="ladder"' not in page
    assert probe(["report", tmp_path / "run", "--out", tmp_path / "again.html"]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_answers_lie_beside_the_probabilities(compared):
    data = json.loads((compared / "evaluate" / "smedqa" / "evaluation.json").read_text())
    held = data["beside"]["neuro_lora"]["smedqa.letter"]
    assert {point["specialty"] for point in held["points"]} == {name.lower() for name in SPECIALTIES}
    assert held["counts"]["of"] == 3
    # Three specialties are too few for an interval, and that is said.
    assert "fewer than 4" in held["correlation"]["terms"]["note"]


def test_the_page_has_both_sections(compared):
    page = (compared / "report.html").read_text(encoding="utf-8")
    for anchor in ('id="answers"', 'id="answers-beside"'):
        assert anchor in page
    assert "smedqa.letter: accuracy" in page
    assert "Position bias" in page


def test_the_page_of_a_run_without_answers_has_neither(compared, tmp_path):
    kept = compared / "evaluate"
    kept.rename(compared.parent / "aside")
    try:
        page = render(compared, tmp_path / "page.html").read_text(encoding="utf-8")
    finally:
        (compared.parent / "aside").rename(kept)
    assert 'id="answers"' not in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data | {"schema": 2}, "has schema 2, .* reads schema 1; install a newer knowshift"),
        (lambda data: {k: v for k, v in data.items() if k != "pairs"}, "pairs: field required; run probe evaluate"),
        (lambda data: data | {"scores": [{"model": "base"}]}, r"scores\.0\.task: field required"),
        (lambda data: data | {"colour": "red"}, "colour: extra inputs are not permitted"),
        (lambda data: "not JSON", "has schema None"),
    ],
)
def test_a_damaged_evaluation_is_one_line(compared, tmp_path, change, says):
    file = compared / "evaluate" / "smedqa" / "evaluation.json"
    whole = file.read_text()
    file.write_text(json.dumps(change(json.loads(whole))))
    try:
        with pytest.raises(RunError, match=says) as raised:
            render(compared, tmp_path / "page.html")
        assert "\n" not in str(raised.value)
    finally:
        file.write_text(whole)


def test_an_evaluation_joins_a_finished_comparison(house, compared, capsys):
    arguments = [
        "evaluate",
        house / "base",
        house / "neuro_lora",
        "--suite",
        "forgetting",
        "--limit",
        "3",
        "--domain",
        house / "domain",
        "--run",
        compared,
    ]
    assert probe(arguments) == 0
    assert "report:" in capsys.readouterr().out
    assert "forgetting.instructions: followed" in (compared / "report.html").read_text(encoding="utf-8")


def test_an_evaluation_of_a_comparison_is_of_its_domain(house, compared, capsys):
    arguments = ["evaluate", house / "base", house / "neuro_lora", "--suite", "forgetting", "--run", compared]
    capsys.readouterr()
    assert probe(arguments) == 2
    assert "its domain small does not come with the package; give its folder with --domain" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["base", "neuro_lora"])
def test_an_evaluation_of_other_models_joins_no_comparison(house, compared, tmp_path, capsys, other):
    """A model of the same name whose files are others."""
    shutil.copytree(house / "base", tmp_path / "base")
    model = tiny_model("llama", vocab_size=len(make_tokenizer("metaspace_prefix")), max_position_embeddings=512, seed=7)
    if other == "base":
        model.save_pretrained(tmp_path / "base")
    models = {"base": house / "base", "neuro_lora": house / "neuro_lora"}
    models[other] = tmp_path / "base" if other == "base" else write_adapter(tmp_path / "neuro_lora", model, 9)
    arguments = [
        "evaluate",
        models["base"],
        models["neuro_lora"],
        "--suite",
        "forgetting",
        "--limit",
        "3",
        "--domain",
        house / "domain",
        "--run",
        compared,
    ]
    capsys.readouterr()  # transformers' own bar
    assert probe(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert f"--run {compared}: {other} is not the " in error
    assert len(error.splitlines()) == 1


def test_a_domains_own_questions_are_asked(house, compared, tmp_path):
    run = shutil.copytree(compared, tmp_path / "run", ignore=shutil.ignore_patterns("evaluate"))
    domain = shutil.copytree(house / "domain", tmp_path / "domain")
    questions = json.loads(write_smedqa(tmp_path / "asked.json", 6, SPECIALTIES).read_text())
    (domain / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    options, notes = {"domain": domain, "template": "before.txt"}, []
    attached.check_attached_suites(["smedqa"], options)
    attached.run_attached_evaluations(
        ["smedqa"], run, house / "base", [house / "neuro_lora"], options, note=notes.append
    )
    assert [note for note in notes if "without --template before.txt" in note]
    counts = json.loads((run / "evaluate" / "smedqa" / "evaluation.json").read_text())["counts"]
    assert counts["smedqa.letter"]["asked"] == 6
    with pytest.raises(UsageError, match="this suite needs data"):
        attached.check_attached_suites(["smedqa"], {"domain": house / "domain"})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate"], "give BASE and at least one TUNED model"),
        (["evaluate", "{house}/base", "{house}/neuro_lora", "--suite", "glue"], "--suite glue"),
        (["evaluate", "{house}/base", "{house}/neuro_lora", "--task", "gsm8k"], "--suite forgetting, not smedqa"),
        (["evaluate", "{house}/base", "{house}/neuro_lora", "--run", "{house}"], "is not finished"),
        (["evaluate", "{house}/base", "{house}/neuro_lora", "--run", "{house}", "--out", "x"], "give one of the two"),
        (["evaluate", "--published", "nowhere.json"], "cannot be read as JSON"),
        (["compare", "{house}/base", "{house}/neuro_lora", "--evaluate", "smedqa"], "this suite needs data"),
        (["compare", "{house}/base", "{house}/neuro_lora", "--evaluate", "smedqa=nowhere"], "no such file or folder"),
        (["compare", "{house}/base", "{house}/neuro_lora", "--evaluate", "glue=x"], "--suite glue"),
        (
            ["compare", "{house}/base", "{house}/neuro_lora", "--evaluate", "forgetting={house}/questions.json"],
            "takes no data here",
        ),
    ],
)
def test_a_fault_is_one_line(house, capsys, arguments, says):
    assert probe([part.format(house=house) for part in arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert len(error.splitlines()) == 1
