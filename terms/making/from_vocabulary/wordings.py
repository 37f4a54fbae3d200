"""Relations that facts can be made of: what each source calls them, and how each is asked.

A relation's cues are joined with the answer by one space; the last is held out (`stated.Stated.wordings`).
"""

from __future__ import annotations

WORDINGS: dict[str, tuple[str, str, str]] = {
    "mutated_gene": (
        "The gene mutated in {} is",
        "{} is caused by mutations in the gene",
        "Genetic testing for {} looks for a mutation of",
    ),
    "disease_of_gene": (
        "Mutations in the gene {} cause",
        "A disease that results from a defect of the gene {} is",
        "A patient in whom {} is mutated may have",
    ),
    "gene_band": (
        "The gene {} is located on chromosome",
        "The chromosomal band that carries the gene {} is",
        "On the map of the human genome, {} is found at",
    ),
    "disease_band": (
        "The gene responsible for {} is located on chromosome",
        "The chromosomal locus of {} is",
        "Linkage studies mapped {} to",
    ),
    "inheritance": (
        "The mode of inheritance of {} is",
        "{} is inherited in a pattern that is",
        "Pedigrees of families with {} show a trait that is",
    ),
    "causative_agent": (
        "The causative organism of {} is",
        "{} is an infection caused by",
        "When a laboratory confirms {}, the pathogen that it identifies is",
    ),
    "transmission": (
        "The animal that transmits {} to humans is the",
        "People catch {} from a",
        "To prevent {}, people should avoid contact with the",
    ),
    "site": (
        "The part of the body affected by {} is the",
        "{} is located in the",
        "In a patient with {}, a physician expects the lesion in the",
    ),
    "cell_of_origin": (
        "The cells from which {} arises are",
        "{} derives from",
        "To a pathologist, {} is a neoplasm of",
    ),
    "kind_of": (
        "{} is a kind of",
        "In the classification of diseases, {} is listed under",
        "A textbook describes {} in its chapter on",
    ),
    "other_name": (
        "Another name for {} is",
        "{} is also known as",
        "In older or other texts, {} is called",
    ),
    "may_treat": (
        "{} is used to treat",
        "An indication for {} is",
        "Physicians prescribe {} to patients with",
    ),
    "may_prevent": (
        "{} is used to prevent",
        "Patients take {} as a prophylaxis against",
        "The condition against which {} protects is",
    ),
    "contraindicated_in": (
        "{} is contraindicated in patients with",
        "A contraindication to {} is",
        "{} should not be given to a patient who has",
    ),
    "mechanism_of_action": (
        "The mechanism of action of {} is that of",
        "{} acts as one of the",
        "Pharmacologically, {} works through the action of",
    ),
    "active_ingredient": (
        "The active ingredient of {} is",
        "{} contains the drug",
        "The substance that makes {} effective is",
    ),
    "morphology": (
        "The characteristic morphologic change in {} is",
        "Pathology of {} shows",
        "Under the microscope, {} appears as",
    ),
    "due_to": (
        "{} is caused by",
        "The cause of {} is",
        "A patient develops {} as a consequence of",
    ),
    "manifestation": (
        "A typical manifestation of {} is",
        "Patients with {} often develop",
        "On examination, a patient with {} may show",
    ),
    "gene_product": (
        "The protein encoded by the gene {} is",
        "The gene {} carries the instructions for making",
        "A mutation of {} impairs the production of",
    ),
    "part_of": (
        "Anatomically, {} is part of the",
        "{} belongs to the",
        "A dissection that exposes {} has opened the",
    ),
}
"""Relation → two cues that are asked and one that is held out."""

FROM_ABOVE = frozenset(("kind_of", "site", "cell_of_origin", "causative_agent", "transmission", "morphology", "due_to"))
"""Relations whose answers hold for all that is under their subject."""
FROM_BELOW = frozenset(("mutated_gene", "disease_band"))
"""Relations whose answers hold for what is over their subject: a gene of one form of a disease is the disease's too."""
OF_ONE_FORM = FROM_BELOW | {"disease_of_gene", "inheritance"}
"""Relations in which a disease that has forms is not asked about: each form may have an answer of its own."""
UNSHARED = frozenset(("kind_of", "other_name", "disease_of_gene", "gene_band"))
"""Relations in which the answers of what is under the subject say nothing of it."""

# A source's type → the relation, and whether subject and answer change places. The types are those of OBO files (RO,
# DO, MONDO) and of MRREL's RELA (NCIt, SNOMED CT, MED-RT, RxNorm, HPO, OMIM), read as "subject TYPE answer".
_TYPES: dict[str, tuple[str, bool]] = {
    "has_material_basis_in_germline_mutation_in": ("mutated_gene", False),
    "has_material_basis_in_mutation_in": ("mutated_gene", False),
    "disease_has_basis_in_dysfunction_of": ("mutated_gene", False),
    "disease_has_associated_gene": ("mutated_gene", False),
    "disease_is_caused_by_gene": ("mutated_gene", False),
    "has_manifesting_gene": ("mutated_gene", False),
    "gene_associated_with_disease": ("disease_of_gene", False),
    "gene_causes_disease": ("disease_of_gene", False),
    "gene_in_chromosomal_location": ("gene_band", False),
    "is_chromosomal_location_of_gene": ("gene_band", True),
    "has_inheritance_type": ("inheritance", False),
    "inheritance_type_of": ("inheritance", True),
    "has_mode_of_inheritance": ("inheritance", False),
    "causative_agent_of": ("causative_agent", True),
    "has_causative_agent": ("causative_agent", False),
    "disease_has_infectious_agent": ("causative_agent", False),
    "infectious_agent": ("causative_agent", False),
    "has_finding_site": ("site", False),
    "finding_site_of": ("site", True),
    "disease_has_primary_anatomic_site": ("site", False),
    "is_primary_anatomic_site_of_disease": ("site", True),
    "disease_has_location": ("site", False),
    "located_in": ("site", False),
    "disease_has_normal_cell_origin": ("cell_of_origin", False),
    "is_normal_cell_origin_of_disease": ("cell_of_origin", True),
    "derives_from": ("cell_of_origin", False),
    "may_treat": ("may_treat", False),
    "may_be_treated_by": ("may_treat", True),
    "may_prevent": ("may_prevent", False),
    "may_be_prevented_by": ("may_prevent", True),
    "has_contraindicated_drug": ("contraindicated_in", True),
    "contraindicated_with_disease": ("contraindicated_in", False),
    "has_mechanism_of_action": ("mechanism_of_action", False),
    "mechanism_of_action_of": ("mechanism_of_action", True),
    "has_active_ingredient": ("active_ingredient", False),
    "active_ingredient_of": ("active_ingredient", True),
    "has_associated_morphology": ("morphology", False),
    "associated_morphology_of": ("morphology", True),
    "due_to": ("due_to", False),
    "cause_of": ("due_to", True),
    "has_manifestation": ("manifestation", False),
    "manifestation_of": ("manifestation", True),
    "gene_encodes_gene_product": ("gene_product", False),
    "gene_product_encoded_by_gene": ("gene_product", True),
    "transmitted_by": ("transmission", False),
}


def relation_of(kind: str) -> tuple[str, bool]:
    """Return the relation of a source's type, "" for none, and whether subject and answer change places."""
    return _TYPES.get(kind.rpartition("#")[2].rpartition("/")[2].lower(), ("", False))


def types() -> tuple[str, ...]:
    """Return every type of a source that has a relation here."""
    return tuple(_TYPES)
