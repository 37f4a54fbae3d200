"""The card: front matter that the hub's own client reads back, and Markdown that shows every text as it is."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from hostile import HOSTILE
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import RunError
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.findings import ErrorRate, Rate
from knowshift.reports.card import one_line, text, write_card
from knowshift.reports.inert import inert
from knowshift.reports.markup import interval, signed
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
BREAKERS = (
    "---",
    "...",
    "- x",
    "a: b",
    "# heading",
    "```",
    "*x* _y_ `z`",
    "[x](https://example.org)",
    "![x](y)",
    "<b>x</b>",
    "a | b",
    "&amp;",
    "~~x~~",
    "a\n\n---\nevil: yes",
    "%TAG",
    "!!python/object:os.system",
    "{{ x }}",
    "yes",
    "null",
    "0x1F",
    "1e3",
    "'",
    '"',
    "\\",
    "a\\|b",
    "@someone",
    "x\ty",
    "\0",
    "‮abc",
    "1. x",
    "",
)


@pytest.fixture(scope="module")
def written(finished, tmp_path_factory) -> str:
    return write_card(finished, tmp_path_factory.mktemp("card") / "card.md").read_text(encoding="utf-8")


def front(card: str) -> dict:
    """The front matter, by the parser alone."""
    begin, matter, _ = card.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(matter)


def test_a_base_of_the_hub_is_called_by_its_id(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"base_hub_id": "EleutherAI/pythia-70m"}), encoding="utf-8")
    card = write_card(run, tmp_path / "card.md").read_text(encoding="utf-8")
    assert front(card)["base_model"] == "EleutherAI/pythia-70m"


def plain(tokens) -> str:
    """What a reader sees of inline Markdown; anything but text is a fault."""
    shown = ""
    for token in tokens:
        assert token.type in ("text", "text_special"), token
        shown += token.content
    return shown


def test_the_hub_reads_the_metadata_back(written, finished):
    data = json.loads((finished / "comparison.json").read_text(encoding="utf-8"))
    card = ModelCard(written)
    assert card.data.base_model == data["base"]
    assert card.data.base_model_relation == "adapter"
    assert card.data.tags == ["knowshift", data["domain"]]
    index = front(written)["model-index"]
    assert [entry["name"] for entry in index] == list(data["models"])
    for entry, model in zip(index, data["models"].values(), strict=True):
        _, results = model_index_to_eval_results([entry])
        held = {result.metric_type: result for result in results}
        knowledge = model["acquired"]
        assert held["acquired"].metric_value == pytest.approx(knowledge["estimate"], abs=1e-6)
        assert held["acquired"].metric_args["low"] == pytest.approx(knowledge["low"], abs=1e-6)
        for key, metric in (("over_contrast", "shift_beyond_contrast"), ("absolute", "absolute_shift")):
            assert held[metric].metric_value == pytest.approx(model["shift"][key]["estimate"], abs=1e-6)
        own = model["knowledge"]["learned"]["own"]
        assert held["facts_learned"].metric_value == pytest.approx(own["rate"], abs=1e-6)
        assert held["facts_learned"].metric_args["high"] == pytest.approx(own["high"], abs=1e-6)
        assert (
            held["facts_learned"].dataset_revision
            == json.loads((finished / "run.json").read_text())["hashes"]["domain"]
        )


def test_every_finding_stands_on_the_card(written, finished):
    data = json.loads((finished / "comparison.json").read_text(encoding="utf-8"))
    seen = MarkdownIt("gfm-like", {"linkify": False}).render(written.split("---\n", 2)[2])
    assert seen.count("<h2>") == len(data["models"]) + 1
    for name, model in data["models"].items():
        assert f"<h2>{name}</h2>" in seen
        assert f"<strong>{model['verdict']}</strong>: {model['sentence']}" in seen
        shift, reinforced = model["shift"], model["reinforced"]
        names = ("over_contrast", "absolute", "general", "towards_own")
        for held in (model["acquired"], *(shift[key] for key in names), *reinforced.values()):
            number = Estimate(**held)
            assert f"{signed(number.value)} {interval(number)}" in seen
        for rate in model["knowledge"]["learned"].values():
            assert f"{rate['hits']} of {rate['n']} ({rate['rate']:.0%}, interval {rate['low']:.0%}" in seen
        own, other = model["ledger"]["own"], model["ledger"]["other"]
        assert f"{own['lost']} of {own['known']} own, beside {other['lost']} of {other['known']} other" in seen
        assert all(check["check"] in seen for check in model["validity"])
    failed = sum(not check["passed"] for model in data["models"].values() for check in model["validity"])
    assert seen.count("<strong>failed</strong>") == failed > 0
    run = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert f"<pre><code>{run['command']}\n</code></pre>" in seen
    assert run["hashes"]["code"] in seen


def test_the_calibrated_error_rate_is_said(fresh, edit, tmp_path):
    def written() -> str:
        return write_card(fresh, tmp_path / "card.md").read_text(encoding="utf-8")

    edit(fresh / "comparison.json", lambda held: [model.pop("calibration", None) for model in held["models"].values()])
    assert written().count("not measured for this version") == 3
    sentence = "Of calibration models with 40 own facts, knowledge was wrongly claimed for 1 of 400."
    known = ErrorRate(
        sentence=sentence,
        brief="1 of 400",
        own_facts=40,
        calibrated_at=40,
        other_facts=240,
        calibrated_beside=240,
        reached=True,
        false_knowledge=Rate(hits=1, n=400, rate=0.0025, low=0.0, high=0.014),
        worst_arm=None,
        false_shift=None,
        dose=None,
        power=None,
        missed=None,
    ).model_dump()
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"].update(calibration=known))
    assert sentence in written()


def test_no_text_of_the_corpus_stands_on_it(fresh, tmp_path):
    card = write_card(fresh, tmp_path / "card.md").read_text(encoding="utf-8")
    assert not [word for word in ("seizures", "ethosuximide", "syncope") if word in card]


def test_one_model_alone(finished, tmp_path):
    card = write_card(finished, tmp_path / "card.md", "neuro_lora").read_text(encoding="utf-8")
    assert [entry["name"] for entry in front(card)["model-index"]] == ["neuro_lora"]
    assert "cardio" not in card.split("## How to reproduce")[0]
    with pytest.raises(RunError, match=r"--model x: no such tuned model in .*; it has neuro_lora, "):
        write_card(finished, tmp_path / "other.md", "x")
    assert not (tmp_path / "other.md").exists()


def test_a_folder_is_no_place_for_a_card(finished, tmp_path):
    with pytest.raises(RunError, match=r"is a folder; give the path of the file to write, such as .*card\.md"):
        write_card(finished, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        write_card(finished, tmp_path / "file" / "card.md")


def check(words: str) -> None:
    """In a paragraph and in a table's cell."""
    shown = " ".join(one_line(words).split())
    paragraph = MARKDOWN.parse(f"it is: {text(words)}")
    assert [token.type for token in paragraph] == ["paragraph_open", "inline", "paragraph_close"]
    assert plain(paragraph[1].children).strip() == f"it is: {shown}".strip()
    cells = [t for t in MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {text(words)} | z |") if t.type == "inline"]
    assert [plain(cell.children).strip() for cell in cells] == ["a", "b", shown, "z"]


def test_what_breaks_out_elsewhere_is_shown_as_it_is():
    for words in (*BREAKERS, *HOSTILE):
        check(words)


@given(st.text())
def test_any_text_is_shown_as_it_is(words):
    check(words)


def test_names_cannot_break_out(fresh, edit, tmp_path):
    shown = [one_line(inert(name)) for name in BREAKERS]

    def poison(held):
        model = held["models"]["neuro_lora"]
        held["models"] = {name: model | {"sentence": name, "missing": [name], "own": name} for name in BREAKERS}
        held |= {"base": BREAKERS[13], "domain": BREAKERS[15], "specialties": {name: name for name in BREAKERS}}

    edit(fresh / "comparison.json", poison)
    edit(fresh / "run.json", lambda held: held.update(command="probe ``` x\n# ```` y"))
    card = write_card(fresh, tmp_path / "card.md").read_text(encoding="utf-8")
    assert ModelCard(card).data.base_model == one_line(BREAKERS[13])
    matter = front(card)
    assert list(matter) == ["base_model", "base_model_relation", "tags", "model-index"]
    assert list(dict.fromkeys(entry["name"] for entry in matter["model-index"])) == list(dict.fromkeys(shown))
    tokens = MARKDOWN.parse(card.split("---\n", 2)[2])
    assert {token.type for token in tokens if token.nesting == 0} == {"inline", "fence"}
    headings = [
        tokens[k + 1].children for k, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"
    ]
    assert [plain(children) for children in headings] == [*shown, "How to reproduce"]
    assert {child.type for token in tokens for child in token.children or ()} <= {
        "text",
        "text_special",
        "strong_open",
        "strong_close",
    }
    assert [token.content for token in tokens if token.type == "fence"] == ["probe ``` x # ```` y\n"]


def test_the_command_writes_it_beside_the_page(finished, tmp_path, probe):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    code, out, _ = probe("report", run, "--card", "--out", tmp_path / "neuro.md", "--model", "neuro_lora")
    assert (code, out) == (0, f"report: {tmp_path / 'neuro.html'}\ncard: {tmp_path / 'neuro.md'}\n")
    assert front((tmp_path / "neuro.md").read_text(encoding="utf-8"))["base_model"] == "base"
    assert probe("report", run, "--model", "neuro_lora")[::2] == (
        2,
        "probe: --model: says whose card is written, and none is asked for; give --card too\n",
    )


def test_the_command_leaves_texts_out(fresh, probe):
    """The card never had any."""
    assert probe("report", fresh, "--card")[0] == 0
    page, card = fresh / "report.html", (fresh / "report.md").read_bytes()
    assert "--no-text" not in page.read_text(encoding="utf-8").split("<script")[0]
    assert probe("report", fresh, "--no-text", "--card")[0] == 0
    assert "(--no-text)" in page.read_text(encoding="utf-8").split("<script")[0]
    assert (fresh / "report.md").read_bytes() == card
