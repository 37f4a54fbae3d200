"""What definitions state in fixed phrases beside genes: cause, way of infection, site, and cell of origin.

    A viral infectious disease that results_in inflammation located_in brain, has_material_basis_in West Nile virus
    (Orthoflavivirus nilense), which is transmitted_by Culex, Aedes, or Anopheles species of mosquitoes.

The phrases are relations of the Human Disease Ontology, with or without underscores. Symptoms are not read: that a
disease is not said to have one does not make it wrong, so no wrong answer could be drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from ...vocabulary.entry import Entry
from .claims import Claim, claims
from .genes import GeneticBasis, genetic_basis, plain
from .places import WITHIN

_CAUSE = re.compile(
    r"\b(?:has material basis in|caused by|or by)(?: infection with)?(?: the)?"
    r"(?: (?:bacteri(?:um|a)|fung(?:us|i)|nematodes?|trematodes?|parasites?|protozoan?|tapeworms?|larvae|infection) ?"
    r"(?:of|with|by|from)?(?: the)?(?: genus)?)?(?: an?)? "
    r"(?P<agent>[A-Za-z][^,.;()]*?)(?: \((?P<alias>[A-Z][a-z]+ [a-z]+)\))?"
    r"(?=[,.;(]| which\b| that\b| or\b| and\b| where\b| through\b| transmitted\b| in\b| has\b|$)"
)
_SPECIES = re.compile(r"[A-Z][a-z]{3,} [a-z]{4,}(?: (?:subsp|var)\.? [a-z]+)?")
_VIRUS = re.compile(r"(?=[A-Z]|hepatitis|human)[\w-]+(?: [\w-]+){0,5}", re.ASCII)
_GENUS = re.compile(r"[A-Z][a-z]{5,}")
_RANK = re.compile(r" (?:species|bacteria|bacterium|infection)$")
_NO_SPECIES = re.compile(
    r"\b(?:genes?|mutations?|chromosomes?|abnormal|cells?|inheritance|disease|viruses|fungi|protozoa|phylum|variation|"
    r"bacteria|dominant|recessive|deficiency|deletion|exposure|inhalation|loss|linked|mutated|trisomy|duplication|type)\b",
    re.I,
)
_VECTOR = re.compile(
    r"\b(?:transmitted (?:to humans )?(?:by|through|via)|(?:bites?|contact with [\w ]*droppings) of) "
    r"(?P<vectors>[\w ,()-]{2,80}?)(?= has symptom|\. |\.$|, has |, which| which|$)"
)
_VECTORS = {
    "mosquito": "mosquito",
    "tick": "tick",
    "flea": "flea",
    "lice": "louse",
    "louse": "louse",
    "sand fl": "sand fly",
    "sandfl": "sand fly",
    "tsetse": "tsetse fly",
    "black fl": "black fly",
    "blackfl": "black fly",
    "mite": "mite",
    "mouse": "mouse",
    "mice": "mouse",
    "rat": "rat",
    "bat": "bat",
    "snail": "snail",
    "midge": "midge",
    "kissing bug": "kissing bug",
    "triatom": "kissing bug",
}
"""How a definition begins the name of an animal → the answer. Its species are left out: a disease has several."""
_COMMON = {
    "Human herpesvirus 1": "herpes simplex virus 1",
    "Human herpesvirus 2": "herpes simplex virus 2",
    "Human herpesvirus 3": "varicella-zoster virus",
    "Human herpesvirus 4": "Epstein-Barr virus",
    "Human gammaherpesvirus 4": "Epstein-Barr virus",
    "Human herpesvirus 5": "cytomegalovirus",
    "Human betaherpesvirus 5": "cytomegalovirus",
    "Cytomegalovirus": "cytomegalovirus",
    "Human herpesvirus 8": "Kaposi sarcoma-associated herpesvirus",
    "Human papillomaviruses": "Human papillomavirus",
}
"""Names of viruses that clinicians call otherwise."""
_SITE = re.compile(
    r"\blocated in(?: the)?(?: one or more)? (?P<site>[a-z][a-z -]{1,40}?)"
    r"(?=[,.;]| and\b| or\b| that\b| which\b| with\b| caused\b| due\b| has\b| of humans\b| characterized\b| derives\b|"
    r" located\b| result| in\b| where\b| is\b|$)"
)
_CELL = re.compile(
    r"\b(?:derives?|arises?|develops?) from (?:the )?"
    r"(?P<cell>[a-z][a-z -]{2,45}?(?:cells|cytes|blasts|smooth muscle|skeletal muscle))\b"
)
_VAGUE_SITE = re.compile(
    r"\b(?:of|to|for|only|almost|inside|center|structures?|general|both|cells|neurons|locations|base|multiple|"
    r"more|system|tract|body|region|area|part|parts|site|sites|organs?|tissues?|other|various|regions|head|face|limbs?)\b"
)
_VAGUE_CELL = re.compile(
    r"\b(?:transformed|abnormal|malignant|immature|tumou?r|cancer|these|proliferating|precursor|some|other|mature|layer|mutations|the|origin|and)\b"
)
_SINGULAR = {
    "lungs": "lung",
    "kidneys": "kidney",
    "joints": "joint",
    "bones": "bone",
    "ovaries": "ovary",
    "testicles": "testis",
    "testes": "testis",
    "thyroid": "thyroid gland",
    "mammary glands": "breast",
    "breasts": "breast",
    "gums": "gingiva",
    "adrenal glands": "adrenal gland",
    "parathyroid glands": "parathyroid gland",
    "paranasal sinuses": "paranasal sinus",
    "urinary bladder": "bladder",
    "lymph node": "lymph nodes",
    "skeletal muscles": "skeletal muscle",
    "bile ducts": "bile duct",
    "large bowel": "large intestine",
    "eyes": "eye",
    "muscles": "muscle",
    "salivary glands": "salivary gland",
    "nerves": "nerve",
    "lips": "lip",
    "labium majus": "labia majora",
    "labium minora": "labia minora",
}
_CELLS = {
    "epithelial squamous cells": "squamous epithelial cells",
    "squamous cells": "squamous epithelial cells",
    "epithelial transitional cells": "transitional epithelial cells",
    "smooth muscle": "smooth muscle cells",
    "skeletal muscle": "skeletal muscle cells",
    "schwann cells": "Schwann cells",
}
_WIDE = {"epithelial cells", "mesenchymal cells", "spindle cells"}
"""Cells of so many kinds that others are no wrong answers."""


def definitions(entries: Iterable[Entry]) -> Iterator[Claim]:
    """Return what the definitions state of their own diseases, and of the genes that they name."""
    read = [(entry, genetic_basis(entry.definition)) for entry in entries if entry.definition]
    symbols = {gene for _, basis in read for gene in basis.genes}
    # "The PEX genes", where PEX1 is another: a family, not a gene.
    same = _spellings(read)
    families = {gene for gene in symbols if any(f"{gene}{digit}" in symbols for digit in range(1, 10))}
    sites = Counter(site for entry, _ in read for site in _sites(plain(entry.definition)))
    common = {name for whole, parts in WITHIN.items() for name in (whole, *parts.split(", "))}
    known = common | {site for site, count in sites.items() if count > 1}
    for entry, basis in read:
        genes = tuple(dict.fromkeys(same.get(gene, gene) for gene in basis.genes if gene not in families))
        yield from stated_in(entry, replace(basis, genes=genes), known)
        yield from of_genes(entry, replace(basis, genes=genes))


def _spellings(read: Sequence[tuple[Entry, GeneticBasis]]) -> dict[str, str]:
    """Symbol → another of the same gene that stood before: letters and digits alike, on one band (PTH1R, PTHR1)."""
    first: dict[tuple[str, str, str], str] = {}
    out = {}
    for _, basis in read:
        if len(basis.genes) == 1 and basis.band:
            gene = basis.genes[0]
            key = re.sub(r"\d", "", gene).upper(), re.sub(r"\D", "", gene), basis.band
            out[gene] = first.setdefault(key, gene)
    return out


def stated_in(entry: Entry, basis: GeneticBasis, sites: Container[str]) -> list[Claim]:
    """Return what an entry's definition states of its own disease; of places, only those in `sites`."""
    text = plain(entry.definition)
    out: list[Claim] = []
    for relation, answers in (
        ("disease_band", (basis.band,) if basis.band else ()),
        ("inheritance", (basis.inheritance,) if basis.inheritance else ()),
        ("transmission", tuple(_vectors(text))),
        ("site", tuple(site for site in _sites(text) if site in sites)),
        ("cell_of_origin", tuple(_cells(text))),
    ):
        out += claims(entry.name, relation, answers, entry.id)
    renamed = dict(basis.aliases)
    for gene in basis.genes:
        other = (renamed[gene],) if gene in renamed else ()
        out.append(Claim(entry.name, "mutated_gene", gene, (entry.id,), entry.id, other))
    for agent, alias in _agents(text):
        out.append(Claim(entry.name, "causative_agent", agent, (entry.id,), entry.id, (alias,) if alias else ()))
    return out


def of_genes(entry: Entry, basis: GeneticBasis) -> list[Claim]:
    """Return what the definition of a disease states of its genes."""
    out = []
    for gene in basis.genes:
        out.append(Claim(gene, "disease_of_gene", entry.name, (entry.id,), entry.id, entry.aliases))
    if len(basis.genes) == 1 and basis.band:
        out += claims(basis.genes[0], "gene_band", (basis.band,), entry.id)
    return out


def _agents(text: str) -> Iterator[tuple[str, str]]:
    """Species, genera and viruses, each with its other name where the definition has one in brackets."""
    for found in _CAUSE.finditer(text):
        agent = _RANK.sub("", found["agent"].strip())
        is_virus = "virus" in agent and _VIRUS.fullmatch(agent)
        if (is_virus or _SPECIES.fullmatch(agent) or _GENUS.fullmatch(agent)) and not _NO_SPECIES.search(agent):
            agent = agent[:1].upper() + agent[1:]
            yield _COMMON.get(agent, agent), agent if agent in _COMMON else found["alias"] or ""


def _vectors(text: str) -> Iterator[str]:
    for found in _VECTOR.finditer(text):
        named = {
            animal: place.start()
            for start, animal in _VECTORS.items()
            if (place := re.search(rf"\b{start}", found["vectors"].lower()))
        }
        # A rat flea is a flea.
        if "flea" in named:
            named.pop("rat", None)
        yield from sorted(named, key=lambda animal: named[animal])


def _sites(text: str) -> Iterator[str]:
    """The site of a definition that has one; a disease in several is in none of them alone."""
    if "infection" in text:
        # It has entered there, and may be elsewhere.
        return
    found = [re.sub(r"^(?:an?|the) ", "", match["site"].strip()) for match in _SITE.finditer(text)]
    sites = list(dict.fromkeys(_SINGULAR.get(site, site) for site in found))
    # "Located in ectodermal …" has no noun left.
    vague = len(sites) != 1 or _VAGUE_SITE.search(sites[0]) or re.search(r"(?:al|ic|ar|ous)$", sites[0])
    if not vague and len(sites[0].split()) <= 3:
        yield sites[0]


def _cells(text: str) -> Iterator[str]:
    cells = list(dict.fromkeys(match["cell"].strip() for match in _CELL.finditer(text)))
    cells = [_CELLS.get(cell, cell) for cell in cells]
    if len(cells) == 1 and len(cells[0].split()) <= 3 and not _VAGUE_CELL.search(cells[0]) and cells[0] not in _WIDE:
        yield cells[0]
