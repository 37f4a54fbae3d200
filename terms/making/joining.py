"""What a finished domain needs where its script puts no spaces between words. Read by `probe domain check`."""

from __future__ import annotations

import regex

from ..domain import Domain
from ..normal_form import SPACELESS
from ..words import missing_controls
from .problem import Problem, such

_SPACELESS_END = regex.compile(rf"[{SPACELESS}ー]\p{{M}}*[^\p{{L}}\p{{N}}]*$")
_SPACED_END = regex.compile(rf"[[\p{{L}}\p{{N}}]--[{SPACELESS}ー]]\p{{M}}*$", regex.V1)
_SPACED_START = regex.compile(rf"^[[\p{{L}}\p{{N}}]--[{SPACELESS}ー]]", regex.V1)


def ends_spaceless(text: str) -> bool:
    """Whether a text ends in a script that puts no spaces between words."""
    return _SPACELESS_END.search(text) is not None


def joining_problems(domain: Domain) -> list[Problem]:
    """A space in scripts that have none, or none where two words would run into one."""
    asked = [*domain.facts, *domain.questions]
    if domain.joiner:
        spaceless = [fact.id for fact in asked if any(map(_SPACELESS_END.search, fact.cues))]
        number = f"{len(spaceless):,} of {len(asked):,}"
        what = f"{number} facts and questions are in a script without spaces ({such(spaceless)})"
        cure = 'a space joins cue and answer; write joiner = "" above the specialties'
        return [Problem("domain.toml", what, cure)] if spaceless else []
    merged = [
        fact.id for fact in asked if any(map(_SPACED_END.search, fact.cues)) and _SPACED_START.search(fact.answer)
    ]
    what = f'with joiner = "" cue and answer of {len(merged):,} run into one word ({such(merged)})'
    return [Problem("domain.toml", what, "leave joiner out, or make them a domain of their own")] if merged else []


def unspaced_control_problems(domain: Domain) -> list[Problem]:
    """Texts in which no control words can be chosen."""
    missing = missing_controls(domain.texts, domain.general)
    return [Problem("texts", missing, "give the domain facts and general facts")] if missing else []
