"""One concept of a vocabulary, and how names and codes are compared. Read by every module of `terms.vocabulary`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..normal_form import normal_form

SOURCES = {
    "UMLS_CUI": "UMLS",
    "MESH": "MSH",
    "SNOMEDCT": "SNOMEDCT_US",
    "SNOMED_CT": "SNOMEDCT_US",
    "SCTID": "SNOMEDCT_US",
    "NCIT": "NCI",
    "HPO": "HP",
    "ICD-10-CM": "ICD10CM",
    "ICD10-CM": "ICD10CM",
    "ICD-10": "ICD10",
    "ICD-9-CM": "ICD9CM",
    "ICD9-CM": "ICD9CM",
    "MIM": "OMIM",
    "MEDDRA": "MDR",
    "ORDO": "ORPHANET",
    "ORPHA": "ORPHANET",
}
"""What cross-references call a source, in upper case → its UMLS abbreviation (for HPO the prefix of its own ids)."""
_KNOWN = {*SOURCES.values(), "GO"}
"""Sources that are known in any case."""
_EDITION = re.compile(r"(?:_?(?:19|20)\d\d(?:_\d{1,2}){0,2})+$")
_CUI = re.compile(r"C\d{7}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One concept of a vocabulary.

    `aliases` are other names, each once and without the name; `types` semantic types (TUIs for UMLS); `parents` ids
    in the same vocabulary; `xrefs` codes elsewhere, written as `canonical` writes them.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    definition: str = ""
    parents: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        id: str,
        name: str,
        aliases: Iterable[str] = (),
        types: Iterable[str] = (),
        definition: str = "",
        parents: Iterable[str] = (),
        xrefs: Iterable[str] = (),
    ) -> Entry:
        """An entry from what a source says: blanks at the ends cut, each value once, codes made canonical."""
        name = name.strip()
        others = _once(aliases)
        others.pop(name, None)
        codes = tuple(dict.fromkeys(map(canonical, _once(xrefs))))
        return cls(
            id.strip(), name, tuple(others), tuple(_once(types)), definition.strip(), tuple(_once(parents)), codes
        )


def _once(values: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(cut for value in values if (cut := value.strip()))


def normal(name: str) -> str:
    """Return a name as a key: in normal form, casefolded, each run of white space one blank, none at the ends."""
    return " ".join(normal_form(name).casefold().split())


def canonical(code: str) -> str:
    """A concept's id or cross-reference as `SOURCE:code` with the source as UMLS abbreviates it.

    `C0004238` and `UMLS_CUI:C0004238` become `UMLS:C0004238`, `MESH:D001281` becomes `MSH:D001281`, the date of an
    edition falls away (`SNOMEDCT_US_2025_09_01:…`). What is not known stays as it is.
    """
    code = code.strip()
    source, colon, rest = code.partition(":")
    if not colon:
        return f"UMLS:{code}" if _CUI.fullmatch(code) else code
    return f"{_source(source)}:{rest.strip()}"


@lru_cache(maxsize=1024)
def _source(written: str) -> str:
    plain = _EDITION.sub("", written.upper())
    return SOURCES.get(plain, plain if plain in _KNOWN else written)
