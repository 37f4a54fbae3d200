"""ICD-10 codes in written answers: exact match, the first three characters (the category), and the share that exists.

Codes are compared without their dot, as sets: naming one twice gains nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import UsageError
from ...terms.normal_form import normal_form
from .language_model import INSTALL
from .texts import set_f1

CODE = re.compile(r"(?<![A-Za-z0-9.])([A-Za-z][0-9][0-9A-Za-z])(?:\.?([0-9A-Za-z]{1,4}))?(?![A-Za-z0-9])")
IsValid = Callable[[str], bool]


def codes_in(text: str) -> set[str]:
    """The codes that a text names, in capitals, without dots; a word is none (its second character is a digit)."""
    return {(head + (tail or "")).upper() for head, tail in CODE.findall(normal_form(text))}


def plain(code: str) -> str:
    return normal_form(code).replace(".", "").strip().upper()


def score(answer: str, meant: Iterable[str], is_valid: IsValid) -> dict[str, float]:
    """By metric; an answer without a code is unparsed, and 0 on the others."""
    said, gold = codes_in(answer), {plain(code) for code in meant}
    short = {code[:3] for code in said}, {code[:3] for code in gold}
    return {
        "code F1": set_f1(said, gold),
        "category F1": set_f1(*short),
        "valid codes": sum(map(is_valid, said)) / len(said) if said else 0.0,
        "unparsed": float(not said),
    }


def validity(file: Path | None) -> IsValid:
    """Whether a code exists: in `file` (one a line), else in ICD-10-CM as simple-icd-10-cm holds it."""
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
            known = {plain(line.split()[0]) for line in lines if line.strip()}
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--icd10 {file}: cannot be read; give a UTF-8 file with one code a line") from error
        return known.__contains__
    try:
        import simple_icd_10_cm
    except ImportError as error:
        raise UsageError(f"ICD-10 codes: the package simple-icd-10-cm is not installed; {INSTALL}") from error
    return lambda code: bool(simple_icd_10_cm.is_valid_item(code))
