"""Genes, chromosomal bands and inheritance, as definitions state them in fixed phrases.

    A distal myopathy that has_material_basis_in heterozygous mutation in the gene encoding the giant skeletal muscle
    protein titin (TTN) on chromosome 2q31.

The phrases are those of the Human Disease Ontology. A definition that names several genes gives several true answers;
which of several bands belongs to which gene is not read. A gene is taken by its symbol only: names of proteins in its
place ("the desmin gene") are counted by the caller as definitions without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SYMBOL = r"(?:MT-[A-Z][A-Z0-9]{1,4}|C\d+(?:ORF|orf)\d+|[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]{1,3})?)"
_LIST = rf"{_SYMBOL}(?:(?:, (?:and |or )?| and | or |/){_SYMBOL})*"
_GENES = (
    # mutation in the RAG1 and RAG2 genes; mutations affecting the MT-ND1 gene
    re.compile(rf"\b(?:the|in|of|or|and|within|affecting|encoding) (?P<genes>{_LIST}),? genes?\b"),
    # mutation in PNPLA6 on 19p13.2
    re.compile(
        r"\b(?:mutations?|variants?|variations?|deletions?|duplications?|expansions?) (?:in|of|within|affecting) "
        rf"(?:the )?(?P<genes>{_LIST})(?= on | in chromosome|[.,;]|$)"
    ),
    # in the tubulin beta-1 (TUBB1) gene; in the gene encoding titin (TTN) on chromosome 2q31
    re.compile(rf"\((?P<genes>{_SYMBOL})\)(?= genes?\b| on (?:the )?(?:long arm |short arm )?(?:of )?chromosome)"),
    # in the gene encoding frabin (FGD4); in the peripheral myelin protein-22 gene (PMP22)
    re.compile(rf"\b(?:gene encoding [^.;()]{{3,80}}|(?<![A-Z]) gene) \((?P<genes>{_SYMBOL})\)"),
    # in mitochondrial gene MTATP6; on the genes EXT1, EXT2 and EXT3; in one of 3 genes (TMEM67, CC2D2A)
    re.compile(rf"\bgenes? \(?(?P<genes>{_LIST})\b(?! gene)"),
)
_RENAMED = re.compile(rf"\b(?P<old>{_SYMBOL}) gene \((?P<new>{_SYMBOL})\)")
_REGION = re.compile(
    r"\b(?:contiguous gene|microdeletion|microduplication|gene cluster|chromosomal (?:deletion|duplication))", re.I
)
_NO_GENE = re.compile(r"[IVX]+|[DR]NA|MTDNA|[A-Z]|II?[AB]|NK|T|B|GTP|ATP|NADH|COA|RNASE|CGG|CAG|CTG|GAA")
_BASIS = re.compile(
    r"\b(?:has material basis|material basis in|caused by|due to|results? (?:from|of)|associated with)\b", re.IGNORECASE
)
_BAND = re.compile(r"\b(?:chromosomes?|on|at) (?P<band>(?:[1-9]|1\d|2[0-2]|X|Y)[pq]\d\d)(?:\.\d+)?(?![\d-])(?! ?-)")
_BANDS = re.compile(r"\b(?:[1-9]|1\d|2[0-2]|X|Y)[pq]\d*(?:\.\d+)?")
_CHROMOSOME = re.compile(r"\b(?P<name>1\d|2[0-2]|[1-9]|X|Y)(?=[pq]\d*\b)|\bchromosome (?P<whole>\d+|X|Y)\b")
_STATED = re.compile(
    r"\b(?P<mode>autosomal (?:dominant|recessive)|X-linked (?:dominant|recessive)|mitochondrial|maternal) "
    r"(?:pattern of )?(?:inheritance|mutation|homozygous|heterozygous|trait|manner)\b",
    re.IGNORECASE,
)
_OTHER_MODE = re.compile(r"\b(?:sporadic|somatic|mosaic|de novo|digenic|imprint|fusion|uniparental)", re.IGNORECASE)
_HOMOZYGOUS = re.compile(r"\b(?:homozygous|compound heterozygous)\b", re.IGNORECASE)
_HEMIZYGOUS = re.compile(r"\bhemizygous\b", re.IGNORECASE)
_HETEROZYGOUS = re.compile(r"(?<!compound )(?<!or )\bheterozygous\b", re.IGNORECASE)
MITOCHONDRIAL = "mitochondrial"


@dataclass(frozen=True, slots=True)
class GeneticBasis:
    """What one definition says of a disease's genetics; empty where it says nothing."""

    genes: tuple[str, ...] = ()
    """Symbols, in the definition's order."""
    band: str = ""
    """Chromosome, arm, region and band ("7q31"), where the definition names one only."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Pairs of a symbol and another of the same gene ("the MRE11A gene (MRE11)")."""
    inheritance: str = ""
    """`autosomal dominant`, `autosomal recessive`, `X-linked dominant`, `X-linked recessive` or `mitochondrial`."""


def genetic_basis(definition: str) -> GeneticBasis:
    """Read a definition's fixed phrases.

    Inheritance is what the definition states; where it states none, a homozygous or compound heterozygous mutation on
    an autosome is recessive, a heterozygous one dominant, and a hemizygous one on X recessive. Mutations that are not
    inherited (somatic, de novo) and definitions that state both give none.
    """
    text = plain(definition)
    started = _BASIS.search(text)
    basis = text[started.start() :] if started else ""
    aliases = tuple((found["old"], found["new"]) for found in _RENAMED.finditer(basis))
    genes = tuple(dict.fromkeys(_symbols(_RENAMED.sub(r"\g<old> gene", basis))))
    if _REGION.search(text):
        # A piece of a chromosome is lost or doubled, with all genes on it.
        genes = ()
    bands = {found["band"] for found in _BAND.finditer(basis)}
    every = {found[0] for found in _BANDS.finditer(basis)}
    band = next(iter(bands)) if len(bands) == 1 and len(every) == 1 else ""
    return GeneticBasis(genes, band, aliases, _inheritance(text, basis))


def plain(definition: str) -> str:
    """Return a definition with the underscores of its phrases as spaces (`has_material_basis_in`)."""
    return " ".join(re.sub(r"(?<=[a-z])_(?=[a-z])", " ", definition).split())


def _symbols(basis: str) -> Iterator[str]:
    found = sorted((m.start(), m["genes"]) for pattern in _GENES for m in pattern.finditer(basis))
    for _, names in found:
        for name in re.split(r", (?:and |or )?| and | or |/", names):
            if not _NO_GENE.fullmatch(name):
                yield name


def _inheritance(text: str, basis: str) -> str:
    stated = {found["mode"].lower().replace("x-linked", "X-linked") for found in _STATED.finditer(text)}
    stated = {MITOCHONDRIAL if mode == "maternal" else mode for mode in stated}
    if stated:
        return stated.pop() if len(stated) == 1 else ""
    if _OTHER_MODE.search(basis):
        return ""
    on_x = re.search(r"\bX[pq]|\bchromosome X\b", basis)
    if on_x and _HEMIZYGOUS.search(basis) and "heterozygous" not in basis:
        return "X-linked recessive"
    names = {found["name"] or found["whole"] for found in _CHROMOSOME.finditer(basis)}
    if not names or names & {"X", "Y"}:
        return ""
    recessive, dominant = bool(_HOMOZYGOUS.search(basis)), bool(_HETEROZYGOUS.search(basis))
    if recessive == dominant:
        return ""
    return "autosomal recessive" if recessive else "autosomal dominant"
