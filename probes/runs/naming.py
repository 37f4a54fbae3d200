"""Names of a comparison's models, and what is read from them: own specialties, training data, folders and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...errors import DomainError, UsageError
from ...models.sources import WEIGHT_SUFFIXES, label, parent_label
from ...terms.domain import Domain

NO_SPECIALTY = "none"
NO_FILE = "none"


def names_of(specs: Sequence[str]) -> list[str]:
    """A model's name is its folder's (or file's); with a clash, its parent's before it."""
    paths = [Path(spec) for spec in specs]
    short = [label(path, path).removesuffix(path.suffix if path.suffix in WEIGHT_SUFFIXES else "") for path in paths]
    taken = Counter(short)
    names = [
        f"{parent_label(path)}/{name}" if taken[name] > 1 else name for path, name in zip(paths, short, strict=True)
    ]
    # Two names may still be one file.
    for name, count in Counter(map(file_of, names)).items():
        if count > 1:
            raise UsageError(f"{name}: given {count} times; give each tuned model once, or rename one of them")
    return names


def own_specialties(names: Sequence[str], given: Sequence[str], domain: Domain) -> dict[str, tuple[str | None, str]]:
    """Each model's own specialty (None: the whole domain) and where that was read from; `UsageError` where none is."""
    told = told_specialties(names, given, domain)
    for name in names:
        if name not in told:
            raise UsageError(
                f"{name}: its name tells no specialty of {domain.name}; say --own {name}=NAME with one of "
                f"{', '.join(domain.specialties)}, or --own none for a tune with no specialty"
            )
    return told


def told_specialties(names: Sequence[str], given: Sequence[str], domain: Domain) -> dict[str, tuple[str | None, str]]:
    """As `own_specialties`, of the models of which a specialty is told, in `given` or by their names."""
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
            try:
                out[name] = (domain.specialty(value).id, "--own")
            except DomainError as error:
                raise UsageError(f"--own {value}: {error}") from error
        elif found := domain.own_from_name(name):
            out[name] = (found, "the model's name")
    return out


def training_files(names: Sequence[str], given: Sequence[str], default: str = "") -> dict[str, Path]:
    """By model, the file it was trained on; a model for which none was given is not in it.

    `default` is what the domain's facts were made from: it holds where nothing is given. `none` stands for no file.
    """
    if not given and default:
        given = [default]
    given = [value for value in given if value != NO_FILE]
    each = {name: value[len(name) + 1 :] for value in given for name in names if value.startswith(f"{name}=")}
    general = [value for value in given if not any(value.startswith(f"{name}=") for name in names)]
    if len(general) > 1:
        raise UsageError(f"--training-data {' --training-data '.join(general)}: give one, or MODEL=FILE for each model")
    return {name: Path(value) for name in names if (value := each.get(name) or next(iter(general), None))}


def default_out(base: str, tuned: Sequence[str], *more: str) -> Path:
    """`runs/<base>-<tuned>-<more>`, to which `RunDirectory.dated` adds the day."""
    joined = "-".join(tuned) if len(tuned) < 4 else f"{tuned[0]}-and-{len(tuned) - 1}-more"
    return Path("runs") / "-".join([base, joined, *more]).replace("/", "-")


def file_of(name: str) -> str:
    """What a model's score file is called."""
    return name.replace("/", "-")
