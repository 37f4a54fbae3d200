"""Hypotheses on a finished run: effects of every model, one correction over them all, decisions, the record."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UsageError
from ..analysis.resample import DRAWS, holm
from ..results.estimate import Estimate
from ..results.finished import Comparison
from ..runs.directory import Progress
from .decide import UNCLEAR, Decision, Tested, decide
from .effects import Untestable, effect, rows_of
from .files import Hypothesis, read_all, ready
from .material import Opened, open_material
from .record import entry, keep

FLOOR = 50
"""Draws for each test that is corrected together."""


@dataclass(frozen=True)
class HypothesisTest:
    """What `test_hypotheses` returns: `data` is one entry of `hypotheses.json`."""

    data: dict[str, Any]

    def frame(self) -> Any:
        """A polars frame: a row a hypothesis and model."""
        import polars as pl

        rows = []
        for hypothesis in self.data["hypotheses"]:
            for model, result in hypothesis["results"].items():
                effect = result["effect"]
                rows.append(
                    {
                        "hypothesis": hypothesis["name"],
                        "model": model,
                        "outcome": result["outcome"],
                        "effect": effect["estimate"],
                        "low": effect["low"],
                        "high": effect["high"],
                        "unit": effect["unit"],
                        "p": result["p"],
                        "power": result["power"],
                        "detectable": result["detectable"],
                        "concepts": effect["n"],
                        "why": result["why"],
                    }
                )
        return pl.DataFrame(rows, infer_schema_length=None)


def test_hypotheses(
    run: str | Path | Comparison,
    *files: str | Path,
    domain: str | Path | None = None,  # noqa: PT028
    progress: Progress | None = None,  # noqa: PT028
) -> HypothesisTest:
    """Tests hypotheses of files, or ready ones by name, on a finished run, and keeps the result in its directory.

    Without `files`, every ready one, where what the run cannot answer is *cannot tell*. `domain` is the folder of a
    domain that does not come with the package. Raises `UsageError` for a file that cannot be meant or does not suit
    the run, `RunError` for the run.
    """
    comparison = run if isinstance(run, Comparison) else Comparison.open(run)
    hypotheses = read_all(files or tuple(ready()))
    return conclude(comparison, hypotheses, domain=domain, strict=bool(files), progress=progress)


test_hypotheses.__test__ = False  # type: ignore[attr-defined]  # no test of pytest's


def conclude(
    comparison: Comparison,
    hypotheses: Sequence[Hypothesis],
    *,
    domain: str | Path | None,
    strict: bool,
    read_at: datetime.datetime | None = None,
    progress: Progress | None = None,
) -> HypothesisTest:
    """As `test_hypotheses`, of hypotheses that were read before (`read_at`)."""
    opened = open_material(comparison, domain)
    found = examine(opened, hypotheses, strict=strict, progress=progress)
    data = entry(comparison, hypotheses, found, read_at)
    keep(comparison.run, data)
    return HypothesisTest(data)


def examine(
    opened: Opened,
    hypotheses: Sequence[Hypothesis],
    *,
    strict: bool = True,
    draws: int = DRAWS,
    progress: Progress | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Results by hypothesis and model. Raises `UsageError` where (`strict`) no model can say anything to one."""
    by_file: dict[Path, list[Hypothesis]] = {}
    for hypothesis in hypotheses:
        by_file.setdefault(hypothesis.source.path, []).append(hypothesis)
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for together in by_file.values():
        family = len(together) * len(opened.models)
        # So many draws that the least p there can be passes a correction over the family.
        enough = max(draws, FLOOR * family)
        effects: dict[tuple[Hypothesis, str], tuple[Tested, dict[str, Any]]] = {}
        for hypothesis in together:
            if progress:
                progress("hypotheses", len(out) + len(effects) // len(opened.models), len(hypotheses))
            found = _effects(hypothesis, opened, enough, strict)
            effects |= {(hypothesis, model): one for model, one in found.items()}
        favour, against = (holm([getattr(one, side) for one, _ in effects.values()]) for side in ("favour", "against"))
        for ((of, model), (test, groups)), p, p_against in zip(effects.items(), favour, against, strict=True):
            decision = decide(test, of.direction, of.smallest, p, p_against, family)
            out.setdefault(of.name, {})[model] = _result(test, decision, p, p_against, groups)
    if progress:
        progress("hypotheses", len(hypotheses), len(hypotheses))
    return out


def _effects(
    hypothesis: Hypothesis, opened: Opened, draws: int, strict: bool
) -> dict[str, tuple[Tested, dict[str, Any]]]:
    """By model, the tests of one hypothesis and its groups."""
    out: dict[str, tuple[Tested, dict[str, Any]]] = {}
    why = []
    for model in opened.models:
        try:
            out[model] = effect(hypothesis, rows_of(hypothesis, opened, model), opened.material.seed, draws)
        except Untestable as error:
            why.append(str(error))
            out[model] = Tested(Estimate.missing(str(error), unit=hypothesis.measure.unit), 1.0, 1.0, np.nan, 0), {}
    if strict and len(why) == len(out):
        raise UsageError(f"{hypothesis.place}: {why[0]}")
    return out


def _result(one: Tested, decision: Decision, p: float, against: float, groups: dict[str, Any]) -> dict[str, Any]:
    known = one.effect.known
    return {
        "outcome": decision.outcome if known else UNCLEAR,
        "why": decision.why,
        "effect": one.effect.json(),
        "p": p if known else None,
        "p_uncorrected": one.favour if known else None,
        "p_against": against if known else None,
        "power": decision.power,
        "detectable": decision.detectable,
        "groups": groups,
    }
