"""Nothing but its own domain folder knows of medicine: the code's words and names, with the exceptions named here."""

import ast
import re
from pathlib import Path

import knowshift
import pytest
from knowshift import Domain
from knowshift.terms import defaults

ROOT = Path(knowshift.__file__).parent
OURS = ("commands", "models", "probes", "reports", "showcase", "terms")
ALLOWED = {
    "terms/defaults.py": "the default domain, named in one place",
    "terms/cuis.py": "a tool of the embedded domain's folder: its CUIs against the Disease Ontology (make check-cuis)",
    "terms/extraction/smedqa.py": "a paper's recipe: the released script's keywords",
    "terms/making/from_vocabulary/": "what the Disease Ontology's definitions and the UMLS's relations state, in words",
    "probes/evaluate/": "the papers' own experiments: their suites, data formats and labels",
    "probes/hypotheses/ready/s-medqa-claim.toml": "a paper's claim",
    "probes/hypotheses/ready/drugs-gain-more-than-diseases.toml": "a hypothesis about the UMLS's semantic types",
    "showcase/medicine.toml": "the demo: models trained on notes written from the embedded domain",
}
"""Place → why. Vocabularies (UMLS, its CUIs, OBO) are formats that any domain may use, and are not asked about."""
GENERAL = {
    "health",
    "care",
    "acute",
    "mental",
    "heart",
    "skin",
    "resp",
    "disease",
    "diseases",
    "emergency",
    "infections",
}
"""Words in names of the specialties that other domains have too; `disease` is asked about with the subject's words."""
SUBJECT = r"medic(?:al|ine|ation)\w*|clinic\w*|patients?|diseases?|drugs?|diagnos\w*|symptom\w*|therap\w*|hospitals?|physician\w*|biomed\w*"  # fmt: skip  # noqa: E501
EXAMPLE = re.compile(r"Examples?:")
"""Help texts call with the demo's models and their specialties."""


@pytest.fixture(scope="module")
def words():
    """Words of the subject, and of the embedded domain's specialties and their aliases."""
    specialties = Domain.open("medicine").specialties.values()
    names = " ".join(name for one in specialties for name in (one.id, one.name, *one.aliases))
    of = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", names)} - GENERAL
    assert {"neurology", "neuro", "cardiology", "psychiatry", "pulmonary"} <= of
    longest_first = sorted(of, key=len, reverse=True)
    return re.compile(rf"(?<![a-z])(?:{SUBJECT}|{'|'.join(longest_first)})(?![a-z])", re.IGNORECASE)


def spoken(path):
    """(line, text) of all that acts: names and strings of a module but its docstrings; every line of other files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value
        for name in (getattr(node, field, None) for field in ("id", "attr", "name", "arg")):
            if isinstance(name, str):
                yield node.lineno, name


def files():
    own = ROOT / "terms" / "domains"
    for path in sorted([*ROOT.glob("*.py"), *(path for room in OURS for path in (ROOT / room).rglob("*"))]):
        if path.suffix in (".py", ".js", ".css", ".j2", ".toml", ".jsonl") and own not in path.parents:
            yield path


def said(words):
    out = {}
    for path in files():
        place = path.relative_to(ROOT).as_posix()
        hits = [(line, text) for line, text in spoken(path) if words.search(text) and not EXAMPLE.match(text.lstrip())]
        if hits:
            out[place] = hits
    return out


@pytest.mark.heavy
def test_what_is_looked_for_is_found(words):
    """The tests below rest on this."""
    found = said(words)
    assert [text for _, text in found["terms/defaults.py"]] == [defaults.DOMAIN]
    assert len(list(files())) > 100
    for place in ALLOWED:
        assert any(name.startswith(place) for name in found), f"{place} needs no exception any more: drop it"


@pytest.mark.heavy
def test_nothing_outside_of_its_folder_speaks_of_medicine(words):
    extra = {
        place: [f"line {line}: {words.search(text)[0]!r} in {text[:60]!r}" for line, text in hits]
        for place, hits in said(words).items()
        if not place.startswith(tuple(ALLOWED))
    }
    assert not extra


@pytest.mark.heavy
def test_no_relation_or_concept_of_it_is_known_by_name():
    """Relations are the domain's own words; code that asked for one would serve that domain alone."""
    relations = {fact.relation for fact in Domain.open("medicine").facts} - {"question"}
    relations -= {fact.relation for fact in Domain.open("geography").facts}
    assert len(relations) > 10
    for path in files():
        place = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and not place.startswith(tuple(ALLOWED)):
            assert not [text for _, text in spoken(path) if text in relations], place


def test_the_default_is_an_embedded_domain_and_said_once():
    assert Domain.open(defaults.DOMAIN).name == defaults.DOMAIN
    for place in ("commands/terms.py", "probes/evaluate/settings.py", "probes/runs/settings.py"):
        assert "DOMAIN" in (ROOT / place).read_text(encoding="utf-8")
