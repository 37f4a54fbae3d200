"""Facts from vocabularies: what definitions, links and relations state, and what cannot serve."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from knowshift.errors import DomainError, KnowshiftError, UsageError, VocabularyError
from knowshift.terms.domain import Domain
from knowshift.terms.making.facts import make_facts
from knowshift.terms.making.from_vocabulary.genes import genetic_basis
from knowshift.terms.making.from_vocabulary.links import other_names
from knowshift.terms.making.from_vocabulary.phrases import definitions
from knowshift.terms.making.from_vocabulary.source import is_vocabulary, stated_by
from knowshift.terms.making.from_vocabulary.telling import tells
from knowshift.terms.making.from_vocabulary.wordings import WORDINGS, relation_of, types
from knowshift.terms.making.source import Origin, domain_from
from knowshift.terms.vocabulary.entry import Entry
from vocabularies import MATERIALS, with_materials

# id, name, parent, gene, band, zygosity, another name
DISEASES = [
    ("X:11", "alphosis", "X:4", "AAA1", "1p36", "homozygous", "Abel syndrome"),
    ("X:12", "betosis", "X:4", "BBB2", "2q31", "heterozygous", "Bruno disease"),
    ("X:13", "gammosis", "X:5", "CCC3", "Xp21", "hemizygous", "Carlo disease"),
    ("X:14", "deltosis", "X:5", "DDD4", "4q22", "homozygous", "Dora syndrome"),
    ("X:15", "epsilosis", "X:6", "EEE5", "5q33", "heterozygous", "Edgar disease"),
    ("X:16", "zetosis", "X:6", "FFF6", "6q25", "homozygous", "Fiona disease"),
    ("X:17", "FFF6-related gout", "X:7", "FFF6", "6q25", "homozygous", "podagra"),
    ("X:18", "thetosis", "X:7", "HHH8", "8q24", "heterozygous", "Hilda syndrome"),
    ("X:19", "iotosis", "X:7", "III9", "9q34", "homozygous", "Ivor syndrome"),
]
CLASSES = [
    ("X:1", "disease", ""),
    ("X:2", "organ disease", "X:1"),
    ("X:3", "blood disease", "X:1"),
    ("X:4", "lysosomal disorder", "X:2"),
    ("X:5", "porphyria", "X:2"),
    ("X:6", "thalassemia", "X:3"),
    ("X:7", "leukemia", "X:3"),
]


def obo(path, diseases=DISEASES, extra=""):
    lines = ["format-version: 1.2", "data-version: test/1", ""]
    for id, name, parent in CLASSES:
        lines += ["[Term]", f"id: {id}", f"name: {name}", *([f"is_a: {parent}"] if parent else []), ""]
    for id, name, parent, gene, band, zygosity, other in diseases:
        definition = (
            f"A disease that has_material_basis_in {zygosity} mutation in the {gene} gene on chromosome {band}.2."
        )
        lines += ["[Term]", f"id: {id}", f"name: {name}", f'def: "{definition}" [url:x]']
        lines += [f'synonym: "{other}" EXACT []', f"is_a: {parent} ! somewhere", ""]
    path.write_text("\n".join([*lines, extra]), encoding="utf-8")
    return str(path)


def pairs(found, relation):
    return {row.subject: row.answer for row in found.stated.rows if row.relation == relation}


def facts_of(found):
    stated = found.stated
    return make_facts(stated.rows, stated.wordings, found.known.names(stated.aliases), "general", [])


# What a definition states


@pytest.mark.parametrize(
    ("definition", "genes", "band", "inheritance"),
    [
        (
            "A myopathy that has_material_basis_in heterozygous mutation in the gene encoding the giant skeletal "
            "muscle protein titin (TTN) on chromosome 2q31.",
            ("TTN",),
            "2q31",
            "autosomal dominant",
        ),
        (
            "A syndrome that has_material_basis_in homozygous or compound heterozygous mutation in PNPLA6 on 19p13.2.",
            ("PNPLA6",),
            "19p13",
            "autosomal recessive",
        ),
        (
            "A deafness that has_material_basis_in autosomal recessive inheritance of mutation in the RAG1 and RAG2 "
            "genes.",
            ("RAG1", "RAG2"),
            "",
            "autosomal recessive",
        ),
        (
            "A disorder that has_material_basis_in homozygous mutation in the MRE11A gene (MRE11) on chromosome 11q21.",
            ("MRE11A",),
            "11q21",
            "autosomal recessive",
        ),
        (
            "A disease that has_material_basis_in hemizygous mutation in GLA on chromosome Xq22.",
            ("GLA",),
            "Xq22",
            "X-linked recessive",
        ),
        (
            "A tumor that has_material_basis_in somatic heterozygous mutation in the NRAS gene on chromosome 1p13.",
            ("NRAS",),
            "1p13",
            "",
        ),
        ("A syndrome that has_material_basis_in a contiguous gene deletion with the SHOX gene.", (), "", ""),
        ("A disease characterized by loss of the FGA gene on chromosome 4q28.", (), "", ""),
        (
            "A disease that has_material_basis_in homozygous mutation in KRT5 on chromosome 12q13-q15.",
            ("KRT5",),
            "",
            "autosomal recessive",
        ),
    ],
)
def test_genes_bands_and_inheritance_are_read_from_phrases(definition, genes, band, inheritance):
    basis = genetic_basis(definition)
    assert (basis.genes, basis.band, basis.inheritance) == (genes, band, inheritance)


@pytest.mark.parametrize(
    ("definition", "relation", "answers"),
    [
        (
            "A viral infectious disease that results_in inflammation located_in brain, has_material_basis_in West "
            "Nile virus (Orthoflavivirus nilense), which is transmitted_by Culex or Anopheles species of mosquitoes.",
            "causative_agent",
            {"West Nile virus"},
        ),
        (
            "A viral infectious disease that has_material_basis_in West Nile virus, which is transmitted_by Culex, "
            "Aedes species of mosquitoes. The infection has_symptom fever.",
            "transmission",
            {"mosquito"},
        ),
        (
            "An infectious disease that has_material_basis_in Borrelia burgdorferi or has_material_basis_in Borrelia "
            "afzelii, transmitted_by ticks.",
            "causative_agent",
            {"Borrelia burgdorferi", "Borrelia afzelii"},
        ),
        (
            "A plague that has_material_basis_in Yersinia pestis, transmitted_by the oriental rat flea.",
            "transmission",
            {"flea"},
        ),
        ("A disease that is located_in the thyroid and has_symptom fatigue.", "site", {"thyroid gland"}),
        ("A disease that is located_in the brain and located_in the liver.", "site", set()),
        ("A cancer that derives_from melanocytes.", "cell_of_origin", {"melanocytes"}),
        ("A cancer that derives_from epithelial cells.", "cell_of_origin", set()),
        ("A disease that is caused by mutation of the gene.", "causative_agent", set()),
    ],
)
def test_other_phrases(definition, relation, answers):
    entry = Entry.of("X:1", "someone's disease", definition=definition)
    assert {claim.answer for claim in definitions([entry]) if claim.relation == relation} == answers


def test_a_name_that_says_the_answer():
    assert tells("BRCA1-related cancer", "BRCA1")
    assert tells("hepatitis", "liver")
    assert tells("leptospirosis", "Leptospira")
    assert tells("rectal polyp", "rectum")
    assert tells("acquired hyperkeratosis", "keratosis")
    assert tells("corticosteroid-binding globulin deficiency", "CBG deficiency")
    assert not tells("Hansen's disease", "Mycobacterium leprae")
    assert not tells("cystic fibrosis", "CFTR")


# A small OBO file


def test_what_a_small_ontology_states(tmp_path):
    found = stated_by([obo(tmp_path / "small.obo")])
    assert pairs(found, "mutated_gene") == {
        name: gene for _, name, _, gene, *_ in DISEASES if name != "FFF6-related gout"
    }
    assert pairs(found, "disease_band")["thetosis"] == "8q24"
    assert pairs(found, "gene_band")["AAA1"] == "1p36"
    assert pairs(found, "disease_of_gene")["AAA1"] == "alphosis"
    assert pairs(found, "other_name")["iotosis"] == "Ivor syndrome"
    assert pairs(found, "kind_of")["zetosis"] == "thalassemia"
    # Three modes only: fewer than three could be wrong.
    assert not pairs(found, "inheritance")
    assert found.stated.skipped["of relation inheritance, which has fewer than 4 answers"] == 9
    assert found.stated.skipped["whose subject's name says the answer"] == 2
    assert found.stated.records == len(found.stated.rows) + sum(found.stated.skipped.values())
    assert len({row.relation for row in found.stated.rows}) >= 5


def test_specialties_are_the_branches_where_no_map_fits(tmp_path):
    found = stated_by([obo(tmp_path / "small.obo")])
    assert {id: s.name for id, s in found.specialties.items()} == {
        "organ_disease": "Organ disease",
        "blood_disease": "Blood disease",
    }
    assert {row.specialties for row in found.stated.rows if row.subject == "zetosis"} == {("blood_disease",)}
    # A gene is of its disease's.
    assert {row.specialties for row in found.stated.rows if row.subject == "AAA1"} == {("organ_disease",)}
    assert found.map == ""


def test_other_true_answers_aliases_and_wordings(tmp_path):
    found = stated_by([obo(tmp_path / "small.obo")])
    [row] = [row for row in found.stated.rows if row.relation == "disease_of_gene" and row.subject == "FFF6"]
    assert (row.answer, row.also) == ("zetosis", ("FFF6-related gout",))
    assert found.stated.aliases["alphosis"] == ("Abel syndrome",)
    for relation, cues in found.stated.wordings.items():
        assert cues == WORDINGS[relation]
        assert len(set(cues)) == 3
    assert {row.wordings for row in found.stated.rows} == {("asked", "asked", "held out")}
    for fact in facts_of(found):
        assert not {fact.answer, *fact.also_true} & set(fact.distractors)


def test_no_ancestor_of_the_answer_is_a_distractor(tmp_path):
    extra = "".join(
        f"[Term]\nid: {id}\nname: {name}\nis_a: {parent}\n\n"
        for id, name, parent in (
            ("X:30", "erythropoietic porphyria", "X:5"),
            ("X:31", "Gunther disease", "X:30"),
            ("X:32", "Watson syndrome", "X:4"),
        )
    )
    found = stated_by([obo(tmp_path / "small.obo", extra=extra)])
    [fact] = [f for f in facts_of(found) if f.relation == "kind_of" and f.cues[0] == "Gunther disease is a kind of"]
    assert fact.answer == "erythropoietic porphyria"
    assert set(fact.also_true) == {"porphyria", "organ disease"}
    # Another organ disease is not told apart from the class over both.
    assert set(fact.distractors) == {"blood disease", "thalassemia", "leukemia"}


def test_a_disease_with_forms_is_not_asked_for_its_gene(tmp_path):
    found = stated_by([obo(tmp_path / "small.obo", extra="[Term]\nid: X:40\nname: mild form\nis_a: X:11\n")])
    assert "alphosis" not in pairs(found, "mutated_gene")
    assert "alphosis" not in pairs(found, "disease_of_gene").values()
    assert pairs(found, "gene_band")["AAA1"] == "1p36"
    assert found.stated.skipped["of a concept whose forms may have answers of their own"] == 4


def test_a_misspelled_synonym_is_no_answer():
    right = [
        Entry.of(f"X:{n}", f"case {n}", (f"{word} neuropathy",)) for n, word in enumerate(["Adams", "Brown", "Clark"])
    ]
    wrong = Entry.of("X:9", "another", ("Dalton nueropathy",))
    assert [claim.answer for claim in other_names([*right, wrong], frozenset())] == [e.aliases[0] for e in right]


def test_relationships_of_an_obo_file(tmp_path):
    lines = []
    for n, (id, place) in enumerate([("X:11", "liver"), ("X:12", "spleen"), ("X:13", "thymus"), ("X:14", "larynx")]):
        lines += [
            f"[Term]\nid: Y:{n}\nname: case {'abcd'[n]}\nis_a: {id}",
            f"relationship: disease_has_location UBERON:{n} ! {place}",
        ]
        lines += ["relationship: related_to X:11 ! alphosis", ""]
    found = stated_by([obo(tmp_path / "small.obo", extra="\n".join(lines))])
    assert pairs(found, "site") == {"case a": "liver", "case b": "spleen", "case c": "thymus", "case d": "larynx"}
    assert found.stated.skipped['of relationships of type "related_to", which has no wording'] == 4


def test_fewer_facts_are_the_better_known(tmp_path):
    more = [
        (f"X:5{n}", f"{name}osis", "X:4", f"Q{name.upper()}{n}", f"1{n}q21", "homozygous", f"{name.title()} malady")
        for n, name in enumerate(["mu", "nu", "xi", "pi", "rho", "sigma"])
    ]
    path = obo(tmp_path / "small.obo", DISEASES + more)
    every = stated_by([path])
    less = stated_by([path], mentions={"X:55": 9, "X:54": 3}, most=50)
    assert len(less.stated.rows) < len(every.stated.rows)
    assert {"sigmaosis", "rhoosis"} <= pairs(less, "mutated_gene").keys()
    assert less.stated.skipped["beyond the number of facts asked for (--most)"] == len(every.stated.rows) - len(
        less.stated.rows
    )


def test_the_same_file_states_the_same(tmp_path):
    path = obo(tmp_path / "small.obo")
    assert stated_by([path]).stated == stated_by([path]).stated


def test_a_domain_of_an_ontology(tmp_path):
    path = obo(tmp_path / "small.obo")
    assert is_vocabulary(path)
    made = domain_from(Origin(path, "small", tmp_path / "small"))
    domain = Domain.open(tmp_path / "small")
    assert made.domain.hash == domain.hash
    assert domain.training_data == ""
    own = [fact for fact in domain.facts if "general" not in fact.specialties]
    by_cue = {fact.cues[0]: fact for fact in own}
    assert by_cue["Mutations in the gene BBB2 cause"].aliases == ("Bruno disease",)
    # The subject's own names would be scored for the repetition.
    assert not any(fact.aliases for fact in own if fact.relation == "other_name")
    assert (
        json.loads((tmp_path / "small" / "build.json").read_text())["skipped"]["whose subject's name says the answer"]
        == 2
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[Term]\nid: X:1\nname: one\n\n[Term]\nid: X:2\nname: two\n", "no relation in it that facts can be made of"),
        (
            "".join(
                f"[Term]\nid: X:{n}\nname: {name}osis\n"
                'def: "A disease that has_material_basis_in mutation in the AAA1 gene." []\n\n'
                for n, name in enumerate(["alph", "bet", "gamm", "delt", "eps"])
            ),
            r"none of 10 statements can serve as a fact \(.*of relation mutated_gene, which has fewer than 4 answers",
        ),
        ("", "no .Term. in it"),
    ],
)
def test_what_states_nothing_is_said_in_one_line(tmp_path, text, said):
    (tmp_path / "bad.obo").write_text(text)
    with pytest.raises(KnowshiftError, match=said) as failed:
        stated_by([str(tmp_path / "bad.obo")])
    assert "\n" not in str(failed.value)


def test_options_of_records_mean_nothing_to_a_vocabulary(tmp_path):
    with pytest.raises(UsageError, match="--answer-field: the source is a vocabulary"):
        domain_from(Origin(obo(tmp_path / "small.obo"), "small", tmp_path / "small", answer_field="answer"))


# A UMLS release


def release(folder, relations, names):
    folder.mkdir()
    rows = [f"{cui}|ENG|P|L1|PF|S1|Y|A1||||MSH|MH|D1|{name}|0|N|256|" for cui, name in sorted(names.items())]
    (folder / "MRCONSO.RRF").write_text("".join(f"{row}\n" for row in rows))
    if relations is not None:
        rows = [
            f"{one}|A1|CUI|RO|{two}|A2|CUI|{kind}|R1||MED-RT|MED-RT|||{flag}||" for one, kind, two, flag in relations
        ]
        (folder / "MRREL.RRF").write_text("".join(f"{row}\n" for row in sorted(rows)))
    return folder


DRUGS = {
    "C0000001": ("aspirin", "C0000011", "headache"),
    "C0000002": ("metformin", "C0000012", "diabetes mellitus"),
    "C0000003": ("isoniazid", "C0000013", "tuberculosis"),
    "C0000004": ("levodopa", "C0000014", "parkinsonism"),
    "C0000005": ("warfarin", "C0000015", "thrombosis"),
}
NAMES = {cui: drug for cui, (drug, _, _) in DRUGS.items()} | {cui: name for _, cui, name in DRUGS.values()}


def test_relations_of_a_release(tmp_path):
    # "C2 may_treat C1", and its inverse, say one thing.
    rows = [(disease, "may_treat", drug, "N") for drug, (_, disease, _) in DRUGS.items()]
    rows += [(drug, "may_be_treated_by", disease, "N") for drug, (_, disease, _) in DRUGS.items()]
    rows += [("C0000011", "may_treat", "C0000002", "O"), ("C0000011", "may_treat", "C0000099", "N")]
    folder = release(tmp_path / "META", rows, NAMES)
    for source in (folder, folder / "MRREL.RRF", tmp_path):
        assert is_vocabulary(str(source))
        found = stated_by([str(source)])
        assert pairs(found, "may_treat") == {drug: disease for drug, _, disease in DRUGS.values()}
        assert found.stated.skipped["of a concept that has no name in the vocabulary"] == 1
        assert len(found.stated.rows) == 5


def test_a_release_without_relations(tmp_path):
    folder = release(tmp_path / "META", None, NAMES)
    with pytest.raises(DomainError, match=r"no MRREL\.RRF in it"):
        stated_by([str(folder)])


def test_a_row_that_is_cut_off(tmp_path):
    folder = release(tmp_path / "META", [], NAMES)
    (folder / "MRREL.RRF").write_text("C0000001|A1|CUI|RO|C0000011|A2|CUI|may_treat|\n")
    with pytest.raises(VocabularyError, match="line 1: 8 columns, expected 16"):
        stated_by([str(folder)])


def test_every_type_has_wordings():
    for kind in types():
        assert relation_of(kind)[0] in WORDINGS
    assert relation_of("http://purl.obolibrary.org/obo/doid#has_material_basis_in_mutation_in") == (
        "mutated_gene",
        False,
    )
    assert relation_of("part_of") == ("", False)
    for cues in WORDINGS.values():
        assert len(set(cues)) == 3
        assert all(cue.count("{}") == 1 and cue == cue.strip() for cue in cues)


# The Disease Ontology


@pytest.fixture(scope="module")
def ontology():
    folder = MATERIALS / "disease_ontology"
    terms = MATERIALS / "corpora" / "terms_doid_nci.jsonl"
    return stated_by([str(folder / "DO_rare_slim.obo"), str(terms), str(folder / "HumanDO.tsv")])


@with_materials
def test_facts_of_named_diseases(ontology):
    """Checked by hand against what OMIM and textbooks say."""
    for relation, expected in {
        "mutated_gene": {"Netherton syndrome": "SPINK5", "familial renal glucosuria": "SLC5A2"},
        "gene_band": {"KCNQ2": "20q13", "KDM5C": "Xp11", "CSF3R": "1p34"},
        "disease_band": {"metatropic dysplasia": "12q24", "PLACK syndrome": "5q15"},
        "disease_of_gene": {"ITK": "lymphoproliferative syndrome 1", "ALAS2": "sideroblastic anemia 1"},
        "causative_agent": {"plague": "Yersinia pestis", "Q fever": "Coxiella burnetii"},
        "transmission": {"sleeping sickness": "tsetse fly", "Lyme disease": "tick"},
        "inheritance": {"occipital horn syndrome": "X-linked recessive"},
        "other_name": {"stuttering": "stammering"},
        "kind_of": {"bulimia nervosa": "eating disorder"},
    }.items():
        stated = pairs(ontology, relation)
        assert {subject: stated.get(subject) for subject in expected} == expected


@with_materials
def test_counts_of_the_disease_ontology(ontology):
    relations = Counter(row.relation for row in ontology.stated.rows)
    assert ontology.map == "medicine"
    least = {"mutated_gene": 1000, "disease_of_gene": 850, "gene_band": 850, "disease_band": 950, "kind_of": 1200}
    least |= {"other_name": 900, "inheritance": 200, "causative_agent": 40, "site": 40, "transmission": 12}
    assert {name: relations[name] for name, count in least.items() if relations[name] < count} == {}
    specialties = {name for row in ontology.stated.rows for name in row.specialties}
    assert len(specialties) == 14
    assert ontology.stated.skipped["whose subject's name says the answer"] > 5000
    assert ontology.stated.aliases["Tay-Sachs disease"]


@with_materials
@pytest.mark.heavy
def test_no_kin_of_an_answer_is_a_distractor(ontology):
    names = ontology.known.names({})
    stated = ontology.stated
    rows = [row for row in stated.rows if row.relation == "kind_of"][:600]
    facts = make_facts(rows, stated.wordings, names, "general", [])
    assert len(facts) > 550
    for fact in facts:
        answer = names.concept(fact.answer)
        for distractor in fact.distractors:
            assert names.concept(distractor) not in names.above(fact.answer), fact.id
            assert answer not in names.above(distractor), fact.id
