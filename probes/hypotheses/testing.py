"""Hypotheses on a finished run: effects of every model, one correction over them all, decisions, the record."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import UsageError
from ..analysis.resample import DRAWS, holm
from ..results.estimate import Estimate
from ..results.finished import Comparison
from ..results.hypotheses import GroupSize, HypothesisTestResult, ModelOutcome
from ..runs.directory import Progress
from .decide import UNCLEAR, Decision, Tested, decide
from .effects import Untestable, effect, rows_of
from .files import Hypothesis, read_all, ready
from .material import LoadedRun, load_run
from .record import keep, test_result

if TYPE_CHECKING:
    import polars as pl

FLOOR = 50
"""Draws for each test that is corrected together."""


@dataclass(frozen=True)
class HypothesisTest:
    """What `test_hypotheses` returns."""

    result: HypothesisTestResult
    """An entry of `hypotheses.json`."""

    def frame(self) -> pl.DataFrame:
        """Return a row a hypothesis and model."""
        import polars as pl

        rows = [
            {
                "hypothesis": hypothesis.name,
                "model": model,
                "outcome": outcome.outcome,
                "effect": outcome.effect.value,
                "low": outcome.effect.low,
                "high": outcome.effect.high,
                "unit": outcome.effect.unit,
                "p": outcome.p,
                "power": outcome.power,
                "detectable": outcome.detectable,
                "concepts": outcome.effect.n,
                "why": outcome.why,
            }
            for hypothesis in self.result.hypotheses
            for model, outcome in hypothesis.results.items()
        ]
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
    loaded = load_run(comparison, domain)
    found = examine(loaded, hypotheses, strict=strict, progress=progress)
    return HypothesisTest(keep(comparison.run, test_result(comparison, hypotheses, found, read_at)))


def examine(
    loaded: LoadedRun,
    hypotheses: Sequence[Hypothesis],
    *,
    strict: bool = True,
    draws: int = DRAWS,
    progress: Progress | None = None,
) -> dict[str, dict[str, ModelOutcome]]:
    """Return outcomes by hypothesis and model.

    Raises:
        UsageError: With `strict`, no model can say anything to one of the hypotheses.
    """
    by_file: dict[Path, list[Hypothesis]] = {}
    for hypothesis in hypotheses:
        by_file.setdefault(hypothesis.source.path, []).append(hypothesis)
    out: dict[str, dict[str, ModelOutcome]] = {}
    for together in by_file.values():
        family = len(together) * len(loaded.models)
        # So many draws that the least p there can be passes a correction over the family.
        enough = max(draws, FLOOR * family)
        effects: dict[tuple[Hypothesis, str], tuple[Tested, dict[str, GroupSize]]] = {}
        for hypothesis in together:
            if progress:
                progress("hypotheses", len(out) + len(effects) // len(loaded.models), len(hypotheses))
            found = _effects(hypothesis, loaded, enough, strict)
            effects |= {(hypothesis, model): one for model, one in found.items()}
        favour, against = (holm([getattr(one, side) for one, _ in effects.values()]) for side in ("favour", "against"))
        for ((of, model), (test, groups)), p, p_against in zip(effects.items(), favour, against, strict=True):
            decision = decide(test, of.direction, of.smallest, p, p_against, family)
            out.setdefault(of.name, {})[model] = _outcome(test, decision, p, p_against, groups)
    if progress:
        progress("hypotheses", len(hypotheses), len(hypotheses))
    return out


def _effects(
    hypothesis: Hypothesis, loaded: LoadedRun, draws: int, strict: bool
) -> dict[str, tuple[Tested, dict[str, GroupSize]]]:
    """By model, the tests of one hypothesis and its groups."""
    out: dict[str, tuple[Tested, dict[str, GroupSize]]] = {}
    why = []
    for model in loaded.models:
        try:
            out[model] = effect(hypothesis, rows_of(hypothesis, loaded, model), loaded.inputs.seed, draws)
        except Untestable as error:
            why.append(str(error))
            out[model] = Tested(Estimate.missing(str(error), unit=hypothesis.measure.unit), 1.0, 1.0, np.nan, 0), {}
    if strict and len(why) == len(out):
        raise UsageError(f"{hypothesis.place}: {why[0]}")
    return out


def _outcome(
    test: Tested, decision: Decision, p: float, p_against: float, groups: dict[str, GroupSize]
) -> ModelOutcome:
    known = test.effect.known
    return ModelOutcome(
        outcome=decision.outcome if known else UNCLEAR,
        why=decision.why,
        effect=test.effect,
        p=p if known else None,
        p_uncorrected=test.favour if known else None,
        p_against=p_against if known else None,
        power=decision.power,
        detectable=decision.detectable,
        groups=groups,
    )
