"""CUIs from a small ontology in the Disease Ontology's released form, and the real one where it is there."""

import json
import os
from pathlib import Path

import pytest
from knowshift.errors import DomainError
from knowshift.terms.cuis import check, main, write
from knowshift.terms.domain import EMBEDDED

DISEASES = {  # label: CUIs, synonyms
    "multiple sclerosis": (["C0026769"], ["insular sclerosis"]),
    "type 2 diabetes mellitus": (["C0011860"], ["insulin resistance", "NIDDM"]),
    "gout": (["C0003868", "C0018099"], []),
    "myocardial infarction": (["C0027051"], ["heart attack", "cardiac infarct"]),
    "pneumothorax": (["C0029850"], []),
}
CONCEPTS = [
    ["Multiple sclerosis", ["MS"], "T047"],
    ["insulin resistance", ["IR"], "T046"],
    ["gout", [], "T047"],
    ["heart attack", ["cardiac infarct"], "T047"],
    ["pneumothorax", [], "T047"],
    ["stethoscope", [], "T074"],
]


@pytest.fixture
def materials(tmp_path: Path) -> Path:
    ontology = tmp_path / "materials" / "disease_ontology"
    ontology.mkdir(parents=True)
    (tmp_path / "materials" / "corpora").mkdir()
    ids = {label: f"DOID:{n}" for n, label in enumerate(DISEASES)}
    labels = "".join(f'"{id}"\t"{label}"\t"disease"\n' for label, id in ids.items())
    crossed = "".join(
        f'"{ids[label]}"\t"{label}"\t"UMLS_CUI:{cui}"\n' for label, (cuis, _) in DISEASES.items() for cui in cuis
    )
    (ontology / "HumanDO.tsv").write_text(f"id\tlabel\tsubClassOf\n{labels}")
    (ontology / "allXREFinDO.tsv").write_text(
        f'id\tlabel\txref\n{crossed}"DOID:0"\t"multiple sclerosis"\t"NCI:C3243"\n'
    )
    rows = ({"id": ids[label], "name": label, "synonyms": synonyms} for label, (_, synonyms) in DISEASES.items())
    (tmp_path / "materials" / "corpora" / "terms_doid_nci.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in rows)
    )
    return tmp_path / "materials"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "domain"
    (folder / "sources").mkdir(parents=True)
    (folder / "domain.toml").write_text("name = 'toy'\n[specialties.neurology]\n")
    for name, concepts in (("neurology", CONCEPTS), ("general", [])):
        text = f"specialty = '{name}'\nconcepts = {json.dumps(concepts)}\ntexts = []\n"
        (folder / "sources" / f"{name}.toml").write_text(text)
    return folder


def cuis(folder: Path) -> dict[str, str]:
    return dict(line.split("\t") for line in (folder / "sources" / "cuis.tsv").read_text().splitlines())


def test_only_what_is_unambiguous_gets_a_cui(materials: Path, folder: Path) -> None:
    assert "gout (C0003868, C0018099)" in write(materials, folder)
    assert cuis(folder) == {"Multiple sclerosis": "C0026769", "heart attack": "C0027051", "pneumothorax": "C0029850"}


def test_a_persons_choice_is_kept(materials: Path, folder: Path) -> None:
    (folder / "sources" / "cuis.tsv").write_text("gout\tC0018099\npneumothorax\t-\nMultiple sclerosis\tC9999999\n")
    write(materials, folder)
    assert cuis(folder) == {
        "Multiple sclerosis": "C0026769",
        "gout": "C0018099",
        "heart attack": "C0027051",
        "pneumothorax": "-",
    }


def test_check_names_each_cui_that_disagrees(materials: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = {"multiple sclerosis": "C0011860", "gout": "C0018099", "plain word": "C0027051", "unknown": "C7777777"}
    concepts = [{"id": id, "name": name} for name, id in ids.items()] + [{"id": "local:x", "name": "pneumothorax"}]
    (folder / "concepts.jsonl").write_text("".join(json.dumps(c) + "\n" for c in concepts))
    (folder / "texts.jsonl").write_text('{"id": "t", "text": "A text."}\n')
    assert main([str(materials), "--domain", str(folder), "--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == check(materials, folder)
    assert [line.split(";")[0] for line in lines] == ['"multiple sclerosis" is C0011860', '"plain word" is C0027051']


def test_missing_materials_are_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DomainError, match=r"HumanDO.tsv: cannot be read"):
        write(tmp_path, folder)


@pytest.mark.skipif("KNOWSHIFT_MATERIALS" not in os.environ, reason="KNOWSHIFT_MATERIALS is not set: Disease Ontology")
def test_the_embedded_domain_agrees_with_the_disease_ontology() -> None:
    assert check(Path(os.environ["KNOWSHIFT_MATERIALS"]), EMBEDDED / "medicine") == []
