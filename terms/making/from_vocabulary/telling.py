"""Whether a name tells the answer: "BRCA1-related cancer", "hepatitis" and the liver. Read by `links` and `source`."""

from __future__ import annotations

import re
from functools import lru_cache

from ...normal_form import words_of

STEM = 5
"""Letters by which two words count as forms of one: leptospirosis and Leptospira."""
_PLAIN = frozenset(
    word
    for words in (
        "disease diseases syndrome syndromes disorder disorders deficiency defect abnormality type form human",
        "autosomal dominant recessive linked familial hereditary congenital acquired primary secondary",
        "chronic acute infantile juvenile adult onset early late severe mild malignant benign",
        "cancer carcinoma tumor tumour neoplasm sarcoma cell cells infection infectious virus bacterial viral system",
        "without with from related associated induced",
    )
    for word in words.split()
)
"""Words that tell nothing of an answer."""
_FORMS = {
    "skin": ("derm", "cutan", "melano", "kerato", "ichthy", "nevus"),
    "liver": ("hepat",),
    "kidney": ("nephr", "renal"),
    "lung": ("pulmon", "pneum"),
    "heart": ("card",),
    "brain": ("enceph", "cereb", "crani"),
    "bone": ("oste", "osse"),
    "joint": ("arthr",),
    "intestine": ("enter", "bowel"),
    "colon": ("colit", "colo"),
    "stomach": ("gastr",),
    "bile duct": ("cholang", "bili"),
    "gallbladder": ("cholecyst",),
    "bladder": ("cyst", "vesic"),
    "testis": ("testi", "orchi"),
    "uterus": ("uter", "metr", "hyster"),
    "endometrium": ("endometr",),
    "cervix": ("cervic",),
    "ovary": ("ovar", "oophor"),
    "breast": ("mamm", "mast", "breast"),
    "eye": ("ocul", "ophthal", "optic", "vis"),
    "mouth": ("oral", "stomat"),
    "tongue": ("gloss", "lingu"),
    "gingiva": ("gingiv", "gum"),
    "anus": ("anal", "ano"),
    "rectum": ("rect", "proct"),
    "esophagus": ("esophag",),
    "spinal cord": ("myel", "spinal"),
    "muscle": ("myo", "muscul"),
    "nerve": ("neur",),
    "skeletal muscle": ("myo", "muscul"),
    "spleen": ("splen",),
    "blood vessels": ("vascul", "angi"),
    "aorta": ("aort",),
    "lymph nodes": ("lymph",),
    "cornea": ("corne", "kerat"),
    "retina": ("retin",),
    "vagina": ("vagin", "colp"),
    "penis": ("penil", "balan"),
    "prostate": ("prostat",),
    "thyroid gland": ("thyr",),
    "larynx": ("laryn",),
    "pharynx": ("pharyn",),
    "trachea": ("trache",),
    "skull": ("crani", "cephal"),
    "bone marrow": ("myel", "medull"),
    "pancreas": ("pancrea",),
    "pituitary gland": ("pituit", "hypophys"),
    "adrenal gland": ("adren",),
    "ileum": ("ile",),
    "middle ear": ("otit", "ear"),
    "external ear": ("otit", "ear"),
    "nasal cavity": ("nas", "rhin"),
    "cecum": ("cec",),
    "meninges": ("mening",),
    "pleura": ("pleur",),
    "pericardium": ("pericard",),
    "peritoneum": ("periton",),
    "fat cells": ("lip",),
    "smooth muscle cells": ("leiomyo",),
    "skeletal muscle cells": ("rhabdomyo",),
    "glial cells": ("glio",),
    "squamous epithelial cells": ("squam",),
    "germ cells": ("germ",),
    "endothelial cells": ("angio", "hemangio"),
    "mesothelial cells": ("mesothel",),
    "chondroblasts": ("chondro",),
    "endometrial epithelial cells": ("endometr",),
    "meningeal cells": ("mening",),
    "mosquito": ("mosquito",),
    "transitional epithelial cells": ("transition",),
    "glandular epithelial cells": ("adeno",),
    "uvea": ("uve",),
    "lacrimal gland": ("lacrim", "dacry"),
    "salivary gland": ("saliv", "sial"),
    "tooth": ("dent", "odont"),
    "spine": ("spin", "vertebr", "spondyl"),
    "vertebra": ("spin", "spondyl"),
    "cartilage": ("chondr",),
    "hair": ("trich",),
    "nail": ("onych", "nail"),
    "iris": ("irid", "iris"),
    "lens": ("lent", "phak"),
}
"""Answer → how words that tell it begin, beyond its own."""


def tells(subject: str, answer: str) -> bool:
    """Return whether the subject's name says the answer, or a good part of it."""
    if set(words_of(answer)) <= set(words_of(subject)) or shares_word(subject, answer):
        return True
    plain = re.findall(r"[a-z]+", subject.lower())
    if any(word.startswith(form) for form in _FORMS.get(answer, ()) for word in plain):
        return True
    # "Hyperkeratosis" is a keratosis.
    if any(part in word for part in _telling(answer) if len(part) > STEM for word in plain):
        return True
    if any(_abbreviates(word, subject) for word in re.findall(r"\b[A-Z]{2,6}\b", answer)):
        return True
    # "C4A deficiency" is named after the gene, "SHOX-related short stature" too.
    return answer.isupper() and any(answer.lower() == word.lower() for word in re.split(r"[\s/-]+", subject))


def shares_word(one: str, other: str) -> bool:
    """Return whether two names have a word in common that tells something, in whatever form."""
    return any(_is_form(word, known) for word in _telling(one) for known in _telling(other))


def _abbreviates(short: str, name: str) -> bool:
    """Whether the letters begin words of a name, one after the other: CBG, corticosteroid-binding globulin."""
    initials = "".join(word[0] for word in re.findall(r"[^\W_]+", name.lower()))
    return short.lower() in initials


def beginnings(name: str) -> frozenset[str]:
    """Return how the telling words of a name begin: names that share a word share one of these."""
    return frozenset(word[: STEM - 1] for word in _telling(name))


def _is_form(one: str, other: str) -> bool:
    """Whether two words begin alike, but for their endings: rectum and rectal, leprosy and leprae."""
    shortest = min(len(one), len(other))
    alike = next((i for i in range(shortest) if one[i] != other[i]), shortest)
    return alike >= STEM - 1 and (alike >= STEM or alike >= shortest - 2)


@lru_cache(maxsize=65536)
def _telling(name: str) -> tuple[str, ...]:
    """The words of a name that tell something, in American spelling."""
    plain = re.sub(r"(?<=[a-z])?[oa]e(?=[a-z])", "e", name.lower())
    return tuple(word for word in re.findall(r"[^\W\d_]{4,}", plain) if word not in _PLAIN)
