"""What a person can set, and how the models of a comparison are called: options, names, own specialties, folder.

Read by `probes.runs.compare`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ...errors import DomainError, UsageError
from ...models.choices import LENS_FILE, LENSES
from ...models.layers import LayerSpec, is_trained, parse_layers
from ...models.sources import WEIGHT_SUFFIXES, label
from ...terms.defaults import DOMAIN
from ...terms.domain import Domain
from ...terms.extraction.run import RECIPES
from .passages import READ
from ..analysis.scores import UNITS, Per

NO_SPECIALTY = "none"


@dataclass(frozen=True)
class Settings:
    """What a person can set; the options of `probe compare`."""

    domain: str = DOMAIN
    vocabulary: Path | None = None
    """Compiled: mentions come from the linker; None: where the domain's own names stand."""
    terms: Path | None = None
    """An extraction's folder, or its `terms.csv` as a person left it."""
    training_data: tuple[str, ...] = ()
    """A text or .jsonl file that the models were trained on, or MODEL=FILE for each."""
    recipe: str | None = None
    """A published statistic to give beside ours: one of `terms.extraction.run.RECIPES`."""
    own: tuple[str, ...] = ()
    out: Path | None = None
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    quantize: str = "none"
    device_map: str = "none"
    limit: int | None = None
    per: Per = "token"
    template: str = "none"
    config: Path | None = None
    engine: str = "hooks"
    """What runs the models; `models.engines.select` knows the names."""
    remote: bool = False
    """Whether the models are NDIF's (`models.ndif`)."""
    lens: str = "raw"
    """One of `models.choices.LENSES`; True and False stand for `raw` and `none`."""
    lens_data: Path | None = None
    """Texts to train a tuned lens on, or a trained lens."""
    layers: LayerSpec = "all"
    """`all`, a stride, or a list from 0."""
    allow_failed_checks: bool = False
    passages: int = READ
    """Passages around terms that are read token by token, for the report."""
    text: bool = True
    """Whether passages of the corpus may stand in the run directory and on its page."""


def check_names(kind: type, options: Mapping[str, Any]) -> None:
    """Raises `UsageError` on an option that is no field of the settings `kind`."""
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(options) - known):
        raise UsageError(f"{unknown[0]}: no such option; the options are {', '.join(sorted(known))}")


def settings_from(settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    """`settings` with `options`, its fields by name, put over it. Raises `UsageError` on what cannot be meant."""
    check_names(Settings, options)
    own, out = options.get("own", ()), options.get("out")
    given = {"own": (own,) if isinstance(own, str) else tuple(own or ())} if "own" in options else {}
    place = {"out": Path(out)} if out is not None else {}
    place |= {name: Path(options[name]) for name in ("vocabulary", "terms") if options.get(name) is not None}
    if "training_data" in options:
        data = options["training_data"] or ()
        given["training_data"] = (str(data),) if isinstance(data, str | Path) else tuple(map(str, data))
    settings = replace(settings or Settings(), **{**options, **given, **place})
    settings = _with_lens(settings, "lens" in options)
    if settings.per not in UNITS:
        raise UsageError(f"per {settings.per}: give {', '.join(UNITS)}")
    if settings.recipe not in (None, *RECIPES):
        raise UsageError(f"recipe {settings.recipe}: give {', '.join(RECIPES)}")
    if settings.seed < 0:
        raise UsageError(f"seed {settings.seed}: give a whole number, 0 or more")
    if settings.passages < 0:
        raise UsageError(f"passages {settings.passages}: give a number of passages, 0 or more")
    if settings.limit is not None and settings.limit < 1:
        raise UsageError(f"limit {settings.limit}: give a number of items of each group, 1 or more")
    return settings


def _with_lens(settings: Settings, said: bool) -> Settings:
    """The lens as one of `LENSES`, what is asked of it fitting together; a trained lens may be given without `lens`."""
    kind = {True: "raw", False: "none"}.get(settings.lens, settings.lens)  # type: ignore[call-overload]
    data = None if settings.lens_data is None else Path(settings.lens_data)
    if data is not None and is_trained(data) and kind == "raw" and not said:
        kind = "tuned"
    if kind not in LENSES:
        raise UsageError(f"lens {kind}: give {', '.join(LENSES)}")
    if kind == "tuned" and data is None:
        raise UsageError(f"--lens tuned: give --lens-data FILE, texts to train it on or a trained {LENS_FILE}")
    if kind != "tuned" and data is not None:
        raise UsageError(
            f"--lens-data {data}: is for a tuned lens, and the lens is {kind}; give --lens tuned, or drop it"
        )
    if data is not None and settings.remote and not is_trained(data):
        raise UsageError(f"--lens-data {data}: with --remote no lens can be trained; give a trained {LENS_FILE}")
    if parse_layers(settings.layers) != 1 and kind == "none":
        raise UsageError(f"--layers {settings.layers}: no layer is read with --lens none; drop one of the two")
    return replace(settings, lens=kind, lens_data=data)


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


def training_files(names: Sequence[str], given: Sequence[str]) -> dict[str, Path]:
    """By model, the file it was trained on; a model for which none was given is not in it."""
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
