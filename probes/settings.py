"""What a person can set, and how the models of a comparison are called: options, names, own specialties, folder.

Read by `probes.compare`.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..models.sources import WEIGHT_SUFFIXES, label
from ..terms.domain import Domain
from .scores import UNITS, Per

NO_SPECIALTY = "none"


@dataclass(frozen=True)
class Settings:
    """What a person can set; the options of `probe compare`."""

    domain: str = "medicine"
    own: tuple[str, ...] = ()
    out: Path | None = None
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    limit: int | None = None
    per: Per = "token"
    template: str = "none"
    config: Path | None = None
    lens: bool = True
    allow_failed_checks: bool = False


def settings_from(settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    """`settings` with `options`, its fields by name, put over it. Raises `UsageError` on what cannot be meant."""
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(set(options) - known):
        raise UsageError(f"{unknown[0]}: no such option; the options are {', '.join(sorted(known))}")
    own, out = options.get("own", ()), options.get("out")
    given = {"own": (own,) if isinstance(own, str) else tuple(own or ())} if "own" in options else {}
    place = {"out": Path(out)} if out is not None else {}
    settings = replace(settings or Settings(), **{**options, **given, **place})
    if settings.per not in UNITS:
        raise UsageError(f"per {settings.per}: give {', '.join(UNITS)}")
    if settings.seed < 0:
        raise UsageError(f"seed {settings.seed}: give a whole number, 0 or more")
    if settings.limit is not None and settings.limit < 1:
        raise UsageError(f"limit {settings.limit}: give a number of items of each group, 1 or more")
    return settings


def names_of(specs: Sequence[str]) -> list[str]:
    """A model's name is its folder's (or file's); with a clash, its parent's before it."""
    paths = [Path(spec) for spec in specs]
    short = [label(path, path).removesuffix(path.suffix if path.suffix in WEIGHT_SUFFIXES else "") for path in paths]
    taken = Counter(short)
    names = [
        f"{path.resolve().parent.name}/{name}" if taken[name] > 1 else name
        for path, name in zip(paths, short, strict=True)
    ]
    # Two names may still be one file.
    for name, count in Counter(map(file_of, names)).items():
        if count > 1:
            raise UsageError(f"{name}: given {count} times; give each tuned model once, or rename one of them")
    return names


def own_specialties(names: Sequence[str], given: Sequence[str], domain: Domain) -> dict[str, tuple[str | None, str]]:
    """Each model's own specialty (None: the whole domain) and where that was read from."""
    general = [value for value in given if "=" not in value]
    each = dict(value.split("=", 1) for value in given if "=" in value)
    if unknown := sorted(set(each) - set(names)):
        raise UsageError(f"--own {unknown[0]}={each[unknown[0]]}: no such model; the models are {', '.join(names)}")
    if len(general) > 1:
        raise UsageError(f"--own {' --own '.join(general)}: give one, or MODEL=NAME for each model")
    out: dict[str, tuple[str | None, str]] = {}
    for name in names:
        value = each.get(name, general[0] if general else None)
        if value == NO_SPECIALTY:
            out[name] = (None, "--own none")
        elif value is not None:
            out[name] = (domain.specialty(value).id, "--own")
        elif found := domain.own_from_name(name):
            out[name] = (found, "the model's name")
        else:
            raise UsageError(
                f"{name}: its name tells no specialty of {domain.name}; say --own {name}=NAME with one of "
                f"{', '.join(domain.specialties)}, or --own none for a tune with no specialty"
            )
    return out


def default_out(base: str, tuned: Sequence[str]) -> Path:
    """`runs/<base>-<tuned>-<date>`"""
    joined = "-".join(tuned) if len(tuned) < 4 else f"{tuned[0]}-and-{len(tuned) - 1}-more"
    return Path("runs") / f"{base}-{joined}-{datetime.date.today():%Y-%m-%d}".replace("/", "-")


def file_of(name: str) -> str:
    """What a model's score file is called."""
    return name.replace("/", "-")
