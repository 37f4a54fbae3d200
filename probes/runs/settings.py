"""The options of `probe compare`. How its models are named is in `probes.runs.naming`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ...models.options import LensSettings, lens_settings_from
from ...options import Option
from ...terms.defaults import DOMAIN
from ..results.rungs import Per
from .replicates import as_text

DEFAULT_PASSAGES = 150
"""Passages around terms that are read token by token, unless the user gives another number."""


def _recipes() -> tuple[str, ...]:
    from ...terms.extraction.run import RECIPES

    return RECIPES


@dataclass(frozen=True, kw_only=True)
class Settings(LensSettings):
    """The options of `probe compare`."""

    domain: Annotated[
        str,
        Option(
            "An embedded domain's name, or a domain folder.",
            ("compare", "demo", "test"),
            help_for={
                "demo": "An embedded domain that has demo models.",
                "test": "The domain: with --run, the folder of one of your own (default: the run's).",
            },
        ),
    ] = DOMAIN
    contrast: Annotated[
        str | None,
        Option(
            "Contrast domain: an embedded domain's name, a folder, or none (default: the one that the domain names).",
            ("compare",),
        ),
    ] = None
    vocabulary: Annotated[
        Path | None,
        Option("A compiled vocabulary: terms come from its linker, not from the domain's names.", ("compare",)),
    ] = None
    terms: Annotated[
        Path | None,
        Option("Terms to use: a folder of probe terms extract, or its edited terms.csv.", ("compare",)),
    ] = None
    training_data: Annotated[
        tuple[str, ...],
        Option(
            "What models were trained on (texts or records, a file or a folder): PATH, or MODEL=PATH once each; none "
            "where it is not known (default: what the domain was made from).",
            ("compare",),
        ),
    ] = ()
    encoding: Annotated[
        str | None,
        Option(
            "Encoding of --training-data that is neither UTF-8 nor has a byte order mark, such as cp1252.", ("compare",)
        ),
    ] = None
    trained_on: Annotated[
        tuple[str, ...],
        Option(
            "Precision of the base that models were trained on, where their files do not say or are wrong: 4bit, 8bit, "
            "full, or MODEL=4bit once for each (QLoRA is 4bit).",
            ("compare",),
        ),
    ] = ()
    recipe: Annotated[
        str | None,
        Option("smedqa: give that study's plain statistic beside ours, in no verdict.", ("compare",), choices=_recipes),
    ] = None
    own: Annotated[
        tuple[str, ...],
        Option(
            "Own specialty: NAME, or MODEL=NAME once for each; none for a tune with no specialty.",
            ("compare", "test"),
            help_for={"test": "With models: as in probe compare."},
        ),
    ] = ()
    replicates: Annotated[
        tuple[str, ...],
        Option(
            "Models that are trainings of one tune with different seeds: NAME=MODEL,MODEL,..., once for each tune. "
            "Gives means and spread over trainings; each model keeps its own verdict.",
            ("compare",),
            parse=as_text,
        ),
    ] = ()
    out: Annotated[
        Path | None,
        Option(
            "Run directory (default: runs/<base>-<tuned>-<date>); the same run goes on.",
            ("compare", "test"),
            help_for={"test": "With models: the run directory."},
        ),
    ] = None
    seed: Annotated[
        int,
        Option(
            "Seed of the resampling, of --limit and of a tuned lens.",
            ("compare", "demo"),
            help_for={"demo": "Seed of the resampling."},
            minimum=0,
        ),
    ] = 0
    limit: Annotated[
        int | None,
        Option(
            "Score only N items of each group.",
            ("compare", "test"),
            help_for={"test": "With models: score only N items of each group."},
            minimum=1,
        ),
    ] = None
    per: Annotated[Per, Option("Unit of gains: token, target, character.", ("compare",), noun="unit")] = "token"
    passages: Annotated[
        int,
        Option(
            "Passages around terms to read token by token, for the page's contexts; 0 for none.",
            ("compare",),
            minimum=0,
        ),
    ] = DEFAULT_PASSAGES
    text: Annotated[
        bool,
        Option(
            "Keep passages of the corpus out of the run and its page (confidential data).",
            ("compare", "test"),
            help_for={
                "test": "Keep texts off the page, and with models out of the run (confidential data); a run that was "
                "made so needs no reminder."
            },
        ),
    ] = True
    allow_failed_checks: Annotated[
        bool, Option("Go on where a validity check fails, and show it in red.", ("compare",))
    ] = False


def settings_from(settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    """Return `settings` with `options`, its fields by name, put over it.

    Raises `UsageError` on invalid or conflicting options.
    """
    return lens_settings_from(Settings, settings, options)
