"""`probe domain` as a person calls it: from an empty folder to a checked domain, and a clear line for each mistake."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import knowshift
import numpy as np
import pytest
from broken import ALL, BROKEN, UNBUILDABLE
from house import command, write_domain
from law import CUES, ROOTS, rows, tree, write_sources
from vocabularies import MATERIALS, with_materials

pytestmark = pytest.mark.heavy

SEVERAL = {
    "facts are CSV": 2,
    "wordings are no TOML": 3,
    "wordings are text": 3,
    "a question without options": 2,
    "a question with an answer that is no option": 2,
    "a question of one option": 4,
    "questions are a table of something else": 3,
}
"""What has more than one fault, each in a line of its own."""
CURE = re.compile(
    r"\b(add|build|choose|correct|delete|expected|give|keep|lay|leave it|make|move|name|put|remove|rename|save|say)\b"
)
"""A word that tells what to do."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The sources of tests/law.py in the current folder."""
    monkeypatch.chdir(write_sources(tmp_path / "here"))
    return tmp_path / "here"


def fill_in(folder):
    toml = folder / "domain.toml"
    text = (
        toml.read_text().replace('description = ""', 'description = "Law"').replace('licence = ""', 'licence = "CC0"')
    )
    toml.write_text(text)
    (folder / "hierarchy.tsv").write_text(ROOTS)


# From an empty folder


def test_a_folder_says_what_is_missing_until_it_is_filled_in(place, probe):
    assert probe("domain", "new", "law")[0] == 0
    code, out, _ = probe("domain", "check", "law")
    assert code == 2
    for missing in ("description", "licence", "specialties", "sources/facts.csv", "probe domain build law --facts"):
        assert missing in out
    fill_in(place / "law")
    code, out, _ = probe("domain", "check", "law")
    assert code == 2
    assert "description" not in out
    assert "nothing is built yet" in out
    # The laid-down example with a person's own rows.
    own = place / "law" / "sources"
    with (own / "facts.csv").open("a") as file:
        file.writelines(f"{r['subject']},{r['relation']},{r['object']},{r['specialty']}\n" for r in rows())
    with (own / "relations.toml").open("a") as file:
        file.writelines(f"[{name}]\ncues = {json.dumps(cues)}\n" for name, cues in CUES.items())
    assert probe("domain", "build", "law", "--facts", own)[0] == 0
    code, out, _ = probe("domain", "check", "law")
    assert code == 0
    assert "to mend" not in out
    assert "general" in out


def test_a_good_domain_passes(tmp_path, probe):
    """What the broken ones below are made from."""
    code, out, _ = probe("domain", "check", write_domain(tmp_path / "domain"))
    assert code == 0
    assert "to mend" not in out


def test_the_whole_way_with_every_source(place, probe):
    probe("domain", "new", "a domain of law", "--out", "law")
    fill_in(place / "law")
    code, out, err = probe("domain", "build", "law", *ALL)
    assert code == 0, err
    for line in ("texts.jsonl: 9", "facts.jsonl: 72", "questions.jsonl: 12", "domain.toml: tax, contract, family"):
        assert line in out
    code, out, _ = probe("domain", "check", "law", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["name"] == "a domain of law"
    assert found["census"]["specialties"]["tax"] == {
        "texts": 3,
        "concepts": 3,
        "mentioned": 3,
        "mentions": 6,
        "facts": 18,
        "relations": 2,
        "questions": 4,
    }
    assert found["facts"]["facts"] == 72


def test_nothing_is_laid_down_over_another(place, probe):
    probe("domain", "new", "law")
    before = tree(place)
    for arguments in (
        ("law",),
        ("medicine",),
        ("../law",),
        ("",),
        ("law", "--out", "novel"),
        ("x", "--out", "exam.json"),
    ):
        code, _, err = probe("domain", "new", *arguments)
        assert code == 2
        assert err.startswith("probe: ")
        assert CURE.search(err)
        assert len(err.splitlines()) == 1
    assert tree(place) == before


@pytest.mark.slow
@with_materials
def test_the_page_can_be_followed_by_its_words(tmp_path, probe):
    """docs/new-domain.md from the empty folder to the built domain, each command as it stands."""
    for name in (
        "corpora/mtsamples_*_heldout.jsonl",
        "corpora/control_novel_heldout.jsonl",
        "corpora/terms_doid_nci.jsonl",
        "disease_ontology/HumanDO.tsv",
        "smedqa/*.json",
    ):
        for path in MATERIALS.glob(name):
            (tmp_path / "material").mkdir(exist_ok=True)
            (tmp_path / "material" / path.name).symlink_to(path)
    page = (Path(knowshift.__file__).parent / "docs" / "new-domain.md").read_text()
    fences = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    blocks = [block for language, block in fences if not language]
    steps = blocks[: 1 + next(n for n, block in enumerate(blocks) if "domain build" in block)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for step in steps:
        done = subprocess.run(["bash", "-c", step], cwd=tmp_path, env=environment, capture_output=True, text=True)
        # An empty domain has faults, as the page says.
        assert done.returncode == (2 if "check" in step else 0), done.stdout + done.stderr
    code, out, _ = probe("domain", "check", tmp_path / "diseases", "--json")
    assert code == 0
    found = json.loads(out)
    assert {"cardiology", "gastroenterology", "neurology"} <= {n for n, s in found["limits"].items() if s["enough"]}
    assert found["questions"]["facts"] == 899
    assert not [problem for problem in found["problems"] if problem["fault"]]


# Check, beside what a comparison says


def test_what_is_counted_is_what_a_verdict_counts(house, finished, probe):
    code, out, _ = probe("domain", "check", house / "domain", "--tokenizer", house / "base", "--json")
    assert code == 0
    limits = json.loads(out)["limits"]
    for name, model in json.loads((finished / "comparison.json").read_text())["models"].items():
        said = next(line for line in model["missing"] if line.startswith("knowledge"))
        own, other = map(int, re.search(r"of (\d+) own facts.* of (\d+) other ones", said).groups())
        assert (limits[model["own"]]["own"], limits[model["own"]]["other"]) == (own, other), name


def test_odds_are_those_of_the_scores(house, probe):
    """Against the score table, by a plain loop."""
    from knowshift import Checkpoint, Domain, score
    from knowshift.terms.select import items

    code, out, _ = probe("domain", "check", house / "domain", "--base", house / "base", "--json")
    assert code == 0
    odds = json.loads(out)["odds"]
    facts = [item for item in items(Domain.open(house / "domain")) if item.kind == "fact"]
    frame = score(facts, Checkpoint.open(house / "base"), lens=False).to_pandas()
    shares, first = [], 0
    for _, fact in frame.groupby("item"):
        lengths = fact.pivot(index="cue", columns="role", values="tokens")
        like = [k for k in lengths if k == 0 or (abs(lengths[k] - lengths[0]) <= 1).all()]
        if len(like) < 4:
            continue
        mean = fact.groupby("role")["logprob"].mean()[like]
        shares.append(np.exp(mean[0] - np.logaddexp.reduce(mean)))
        first += mean[0] > mean[like[1:]].max()
    assert odds["facts"] == len(shares) > 10
    assert odds["first"] == first
    assert odds["share"] == pytest.approx(np.mean(shares))


def test_token_lengths_are_the_tokenizer_s(house, probe):
    from tiny import make_tokenizer

    _, out, _ = probe("domain", "check", house / "domain", "--tokenizer", house / "base", "--json")
    cut = make_tokenizer("byte_bpe")
    facts = [json.loads(line) for line in (house / "domain" / "facts.jsonl").read_text().splitlines()]
    lengths = [len(cut(f" {fact['answer']}")["input_ids"]) for fact in facts for _ in fact["cues"]]
    assert json.loads(out)["lengths"]["answers"] == [min(lengths), np.median(lengths), max(lengths)]


def test_a_comparison_of_a_domain_that_was_built(place, house, probe):
    probe("domain", "new", "law")
    fill_in(place / "law")
    assert probe("domain", "build", "law", *ALL)[0] == 0
    code, out, err = probe(
        *command(house, house / "neuro_lora", domain="law", own="tax", out="run"), "--json", "--no-lens"
    )
    assert code == 0, err
    ledger = json.loads(out)["models"]["neuro_lora"]["ledger"]
    assert ledger["own"]["facts"] > 0
    assert ledger["general"]["facts"] > 0


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({"facts.jsonl": ("answer", "distractor")}, "to mend: facts: 1 have a distractor that is true"),
        ({"facts.jsonl": ("twice",)}, "say the same as one before"),
        (
            {"texts.jsonl": ("short",)},
            "1 pairs are the same, or have half of their 8-word pieces in common (twin and control-0); keep one",
        ),
        ({"texts.jsonl": ("leak",)}, "have subject and answer in one sentence of a text"),
        ({"facts.jsonl": ("small",)}, "of fewer than 5 facts count for nothing (lonely)"),
    ],
)
def test_what_is_planted_is_found(tmp_path, probe, records, said):
    folder = write_domain(tmp_path / "domain")
    facts = [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]
    texts = [json.loads(line) for line in (folder / "texts.jsonl").read_text().splitlines()]
    assert said not in probe("domain", "check", folder)[1]
    (plants,) = records.values()
    if "answer" in plants:
        facts.append(
            {**facts[0], "id": "again", "answer": facts[0]["distractors"][0], "distractors": ["zz", "yy", "xx"]}
        )
    if "twice" in plants:
        facts.append({**facts[0], "id": "again"})
    if "small" in plants:
        facts.append({**facts[0], "id": "again", "relation": "lonely"})
    if "short" in plants:  # of the same words, and too short to have pieces that are compared
        again = next(text for text in texts if text["id"] == "control-0")
        texts.append({**again, "id": "twin", "text": f"  {again['text'].upper()}".replace(",", " –")})
    if "leak" in plants:
        texts.append({"id": "told", "text": f"For neur case 0, {facts[0]['answer']} was given: 0.", "specialties": []})
    for name, lines in (("facts", facts), ("texts", texts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert said in probe("domain", "check", folder)[1]


# Broken domains


def told_plainly(places, faults, err, out=""):
    """A line for each fault, which begins with a place that matches `places` and says what to do; no more."""
    said = err.removeprefix("probe: ") or "\n".join(re.findall(r"^to mend: (.*)$", out, re.MULTILINE))
    lines = said.splitlines()
    assert len(lines) == faults, said
    for one in lines:
        found = re.match(rf'(?:{places})(?:, (?:line|row|record) \d+|, field "[\w.]+"|, \[\w+\])*[:;] (.+)', one)
        assert found, (places, one)
        assert CURE.search(found[1]), one
        assert len(one) < 400, one


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_domain_is_told_plainly(tmp_path, probe, broken):
    folder = write_domain(tmp_path / "domain")
    good = tree(folder)
    BROKEN[broken](folder)
    before = tree(folder)
    code, out, err = probe("domain", "check", folder)
    assert code == 2, (out, err)
    # The folder, or a file that was broken; "facts" and "domain.toml" where the fault is in what it says.
    stems = "|".join({Path(name).stem for name in {*good, *before} if good.get(name) != before.get(name)})
    here = re.escape(str(folder))
    places = rf"{here}|{here}/(?:{stems})\.\w+(?: and (?:{stems})\.\w+ both exist)?|(?:{stems})(?:\.toml)?"
    told_plainly(places, SEVERAL.get(broken, 1), err, out)
    assert tree(folder) == before


def test_there_are_sixty_broken_domains():
    assert len(BROKEN) >= 60


# Broken sources of a build


@pytest.mark.parametrize("broken", UNBUILDABLE)
def test_a_build_that_cannot_be_is_told_plainly_and_writes_nothing(place, probe, broken):
    probe("domain", "new", "law")
    (place / "law" / "hierarchy.tsv").write_text(ROOTS)
    mutate, options = UNBUILDABLE[broken]
    good = tree(place)
    mutate(place)
    before = tree(place)
    domain = () if options[:1] == ("medicine",) else ("law",)
    code, out, err = probe("domain", "build", *domain, *options)
    assert code == 2, (out, err)
    # What was given or broken.
    named = [*options, *(name for name in {*good, *before} if good.get(name) != before.get(name))]
    names = "|".join(re.escape(name) for name in named)
    places = rf"(?:{re.escape(str(place))}/)?(?:{names or 'nothing'})(?: \S+)?|law|facts|nothing to build from"
    told_plainly(places, SEVERAL.get(broken, 1), err)
    assert tree(place) == before


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("texts in latin-1", "t.csv, line 2: not UTF-8; save the file as UTF-8"),
        ("a quote that does not end", "t.csv, line 2: unexpected end of data; expected cells quoted as in CSV"),
        ("a row too long", "t.csv, line 2: 3 cells; expected 2 as in the first line"),
        ("a column twice", 't.csv, line 1: column "text" stands twice; expected each name once, rename one'),
        ("facts empty", "facts.csv: no row in it; expected rows with subject, relation and object"),
        ("facts of a header alone", "facts.csv: no row in it; expected rows with subject, relation and object"),
        ("terms of an unknown specialty", 'terms.csv, row 2: unknown specialty "astrology"; expected one of tax, '),
    ],
)
def test_the_reason_is_the_one_that_a_person_can_mend(place, probe, broken, said):
    probe("domain", "new", "law")
    (place / "law" / "hierarchy.tsv").write_text(ROOTS)
    mutate, options = UNBUILDABLE[broken]
    mutate(place)
    assert said in probe("domain", "build", "law", *options)[2]


def test_a_hierarchy_before_any_specialty_is_told_where_one_is_named(place, probe):
    probe("domain", "new", "law")
    (place / "law" / "hierarchy.tsv").write_text(ROOTS)
    err = probe("domain", "build", "law", "--texts", "texts.jsonl", "--vocabulary", "law.vocab")[2]
    assert 'unknown specialty "tax"; expected a specialty of domain.toml (it names none) or -' in err


def test_help_loads_nothing_heavy():
    code = "from knowshift.commands import domain; import sys; print(*{n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "datasets", "scipy", "spacy", "pyarrow"} & set(done.stdout.split())
