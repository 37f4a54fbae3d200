"""Which parts of the body, and which cells, lie within which. Read by `source`.

A disease of the cervix is one of the uterus, so neither is a wrong answer where the other is true. Vocabularies of
diseases do not say so; those that do (SNOMED CT, NCIt) need none of this.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...vocabulary.entry import Entry

WITHIN: dict[str, str] = {
    "brain": (
        "cerebrum, parietal lobe, brain stem, cerebral ventricles, cerebellum, pituitary gland, pineal gland, "
        "cerebellopontine angle, cranial nerves, meninges, thalamus, hypothalamus, cerebral cortex, basal ganglia, "
        "medial temporal lobes, skull, clivus, spinal cord, spine"
    ),
    "skull": (
        "clivus, jaw, paranasal sinus, frontal sinus, sphenoid sinus, ethmoid sinus, maxillary sinus, mandible, maxilla"
    ),
    "bone": (
        "skull, tibia, femur, cervical vertebra, sternum, long bones, epiphysis, jaw, skeleton, spine, vertebra, "
        "epicondyle, trabecular bone, clivus, thoracic vertebral column, lumbar vertebral column, bone marrow, hip "
        "joint, joint, cartilage, mandible"
    ),
    "skeleton": "bone, skull, tibia, sternum, long bones, spine, jaw, joint, cartilage, hip joint, epiphysis",
    "spine": "cervical vertebra, thoracic vertebral column, lumbar vertebral column, spinal cord, vertebra",
    "joint": "hip joint, synovial membrane, cartilage, knee",
    "lung": "bronchus, pleura, alveoli, bronchi, bronchioles, pulmonary artery",
    "heart": "pericardium, epicardium, endocardium, myocardium, heart valve, aorta",
    "blood vessels": "aorta, pulmonary artery, capillaries, thoracic aorta, lymphatic vessels, artery, arteries, veins",
    "aorta": "thoracic aorta",
    "intestine": "small intestine, large intestine, colon, rectum, cecum, appendix, ileum, duodenum, jejunum, anus",
    "small intestine": "ileum, duodenum, jejunum, ampulla of Vater",
    "large intestine": "colon, rectum, cecum, appendix, anus",
    "colon": "cecum, rectum, appendix",
    "rectum": "anus, anal margin",
    "anus": "anal margin, anal canal, skin",
    "stomach": "gastric cardia, pylorus",
    "liver": "intrahepatic bile duct, bile duct, gallbladder",
    "bile duct": "intrahepatic bile duct, extrahepatic bile duct, gallbladder, ampulla of Vater",
    "pancreas": "exocrine pancreas, pancreatic duct, islets of Langerhans",
    "peritoneum": "retroperitoneal space, retroperitoneum",
    "retroperitoneum": "retroperitoneal space, kidney",
    "kidney": "renal pelvis, glomerulus, renal tubule, retroperitoneal space, ureter",
    "ureter": "ureteral orifice",
    "bladder": "ureteral orifice, urethra",
    "uterus": (
        "cervix, endometrium, uterine corpus, placenta, endocervix, exocervix, myometrium, broad ligament, "
        "parametrium, adnexa, ligaments"
    ),
    "cervix": "endocervix, exocervix",
    "uterine corpus": "endometrium, myometrium",
    "adnexa": "ovary, fallopian tube, broad ligament",
    "ovary": "rete ovarii",
    "gonads": "ovary, testis, rete ovarii",
    "testis": "epididymis, spermatic cord, scrotum",
    "vulva": "labia majora, labia minora, clitoris, minor vestibular glands, skin",
    "breast": "nipple, breast ducts, apical sweat gland",
    "skin": (
        "hair, nail, scrotum, nipple, lip, eyelid, axilla, penis, labia majora, labia minora, sweat gland, dermis, "
        "epidermis, apical sweat gland, subcutis, chest wall"
    ),
    "eye": "cornea, iris, choroid, retina, conjunctiva, uvea, lacrimal gland, eyelid, optic nerve, lens, sclera",
    "uvea": "iris, choroid, ciliary body",
    "mouth": "tongue, lip, gingiva, salivary gland, jaw, dental pulp, tooth, teeth, pharynx, palate",
    "pharynx": "larynx, tonsil, nasal cavity",
    "nasal cavity": "paranasal sinus, frontal sinus, sphenoid sinus, ethmoid sinus",
    "paranasal sinus": "frontal sinus, sphenoid sinus, ethmoid sinus, maxillary sinus",
    "thoracic cavity": "lung, heart, pleura, mediastinum, thymus, trachea, esophagus, pericardium, chest wall",
    "mediastinum": "thymus, trachea, esophagus, heart, aorta",
    "chest wall": "sternum, breast, pleura",
    "nerve": "optic nerve, olfactory nerve, cranial nerves, peripheral nerves, neuromuscular junction",
    "cranial nerves": "optic nerve, olfactory nerve",
    "muscle": "skeletal muscle, neuromuscular junction, heart",
    "skeletal muscle": "neuromuscular junction",
    "peripheral blood": "bone marrow, lymph nodes, blood vessels",
    "endocrine glands": (
        "thyroid gland, adrenal gland, parathyroid gland, pituitary gland, pancreas, ovary, testis, thymus"
    ),
    "epithelial cells": (
        "squamous epithelial cells, glandular epithelial cells, transitional epithelial cells, endometrial "
        "epithelial cells, pancreatic duct cells, follicular cells, myoepithelial cells, ependymal cells, mucinous "
        "epithelial cells, endothelial cells, mesothelial cells, neuroendocrine cells, meningeal cells, germ "
        "cells, transitional cells, basal cells, granulosa cells, melanocytes"
    ),
    "glandular epithelial cells": (
        "endometrial epithelial cells, pancreatic duct cells, follicular cells, neuroendocrine cells, mucinous "
        "epithelial cells, transitional epithelial cells, squamous epithelial cells"
    ),
    "mesenchymal cells": (
        "smooth muscle cells, skeletal muscle cells, fat cells, chondroblasts, endothelial cells, fibroblasts, "
        "osteoblasts, lymphocytes, periductal stromal cells, spindle cells, mesothelial cells, histiocytes"
    ),
    "glial cells": "ependymal cells, astrocytes, oligodendrocytes, Schwann cells",
    "neural crest cells": "melanocytes, Schwann cells, neuroendocrine cells, glial cells",
    "spindle cells": "smooth muscle cells, Schwann cells, fibroblasts, melanocytes, endothelial cells",
    "germ cells": "trophoblasts",
}
"""A part of the body or a cell → what lies in it, or cannot be told from it."""


def places(known: frozenset[str]) -> Iterator[Entry]:
    """Return each part as a concept under what it lies in, for the names that a vocabulary does not know.

    Args:
        known: The vocabulary's names in lower case.
    """
    above: dict[str, list[str]] = {}
    for whole, parts in WITHIN.items():
        above.setdefault(whole, [])
        for part in parts.split(", "):
            above.setdefault(part, []).append(whole)
    for name, wholes in above.items():
        if name.lower() not in known:
            yield Entry.of(f"place:{name}", name, parents=[f"place:{whole}" for whole in wholes])
