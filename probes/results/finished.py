"""A finished comparison, as `compare` returns it and `open_run` opens it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ...errors import RunError
from .comparison import ComparisonResult
from .estimate import Estimate
from .findings import Rate, State
from .model import ModelResult
from .rungs import ABSOLUTE_SHIFT, ACQUIRED, BEYOND_CONTRAST, LEARNED

if TYPE_CHECKING:
    import polars as pl
    from markupsafe import Markup


def domain_of(comparison: Comparison, given: str | Path | None = None) -> str | Path:
    """Return the run's domain as `Domain.open` takes it.

    Args:
        comparison: The run.
        given: A domain's folder, which takes precedence.

    Raises:
        RunError: The domain does not come with the package, and none is given.
    """
    from ...terms.domain import embedded

    name = comparison.result.domain
    if not given and name not in embedded():
        raise RunError(
            f"{comparison.run}: its domain {name} does not come with the package; give its folder with --domain"
        )
    return given or name


@dataclass(frozen=True, repr=False)
class Comparison:
    """A finished run: its directory, and what it found. Tables are read from the directory's parquet files."""

    run: Path
    result: ComparisonResult
    """What `comparison.json` holds."""

    @classmethod
    def open(cls, run: str | Path) -> Comparison:
        """Open a finished run directory.

        Raises:
            RunError: There is no such folder, the run is not finished, or its result cannot be read.
        """
        path = Path(run)
        if not path.is_dir():
            raise RunError(f"{path}: no such run directory; give the folder that probe compare wrote")
        if not (path / ComparisonResult.FILE).is_file():
            raise RunError(f"{path}: the run is not finished; give the same probe compare again and it goes on")
        return cls(path, ComparisonResult.read(path))

    def __repr__(self) -> str:
        verdicts = ", ".join(f"{name}: {model.verdict}" for name, model in self.models.items())
        return f"<Comparison with {self.result.base}: {verdicts}; run {self.run}>"

    def _repr_html_(self) -> str:
        """Return a table for a notebook: a row a tuned model, in the run's unit, with 95 % intervals."""
        from markupsafe import Markup

        def row(tag: str, cells: Iterable[object]) -> Markup:
            filled = Markup().join(Markup("<{0}>{1}</{0}>").format(tag, cell) for cell in cells)
            return Markup("<tr>{}</tr>").format(filled)

        names = (ACQUIRED, LEARNED, BEYOND_CONTRAST, ABSOLUTE_SHIFT)
        acquired, learned, beyond, absolute = (name[0].lower() + name[1:] for name in names)
        head = ["model", "verdict", "knowledge", acquired, f"{learned}: own / other", "shift", beyond, absolute]
        rows = [
            [
                _isolated(name),
                model.verdict,
                model.knowledge.label,
                _with_interval(model.acquired),
                f"{_share(model.knowledge.learned.own)} / {_share(model.knowledge.learned.reference)}",
                model.shift.label,
                _with_interval(model.shift.over_contrast),
                _with_interval(model.shift.absolute),
            ]
            for name, model in self.models.items()
        ]
        result = self.result
        about = Markup("{} on {}, nats/{}").format(_isolated(result.base), _isolated(result.domain), result.per)
        body = Markup().join(row("td", cells) for cells in rows)
        return str(
            Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>").format(
                about, row("th", head), body
            )
        )

    @property
    def models(self) -> dict[str, ModelResult]:
        """Results by tuned model."""
        return self.result.models

    def terms(self) -> pl.DataFrame:
        """Return a row a tuned model and concept."""
        return self._frame("terms.parquet")

    def facts(self) -> pl.DataFrame:
        """Return the ledger: a row a tuned model and fact."""
        return self._frame("facts.parquet")

    def frame(self) -> pl.DataFrame:
        """Return a row a tuned model: the verdict, both halves of it, and their estimates with intervals.

        `learned_own` and `learned_other` are shares of the facts that the base clearly did not know; `over_contrast`,
        `absolute` and `general` are the shift's figures (D1, D0 and L in `docs/method.md`).
        """
        import polars as pl

        rows = []
        for name, model in self.models.items():
            knowledge, shift = model.knowledge, model.shift
            row: dict[str, str | float | None] = {"model": name, "own": model.own, "verdict": model.verdict}
            row |= {"knowledge_state": knowledge.state, "knowledge_kind": knowledge.kind}
            row |= {"shift_state": shift.state, "shift_kind": shift.kind}
            estimates = {
                "acquired": model.acquired,
                "over_contrast": shift.over_contrast,
                "absolute": shift.absolute,
                "general": shift.general,
            }
            for key, estimate in (*estimates.items(), *model.rungs.items()):
                row |= {key: estimate.value, f"{key}_low": estimate.low, f"{key}_high": estimate.high}
            for key, rate in (("learned_own", knowledge.learned.own), ("learned_other", knowledge.learned.reference)):
                row |= {key: rate.rate, f"{key}_low": rate.low, f"{key}_high": rate.high}
            rows.append(row)
        return pl.DataFrame(rows)

    def replicates(self) -> pl.DataFrame:
        """Return a row a group of trainings of one tune (`--replicates`); no rows where the run has no groups.

        `knowledge_yes`, `shift_no` and the like count trainings by their answer. Each figure is the mean over the
        trainings, with the interval over them and their standard deviation (`acquired`, `acquired_low`,
        `acquired_high`, `acquired_sd`, `acquired_trainings`: how many have a value). `frame()` has each training's own
        interval, which is over facts.
        """
        import polars as pl

        schema: dict[str, pl.DataType] = {
            "group": pl.String(),
            "own": pl.String(),
            "models": pl.List(pl.String()),
            **{f"{half}_{state}": pl.Int64() for half in ("knowledge", "shift") for state in get_args(State)},
        }
        figures = ("acquired", "learned", "over_contrast", "absolute", "general")
        for figure in figures:
            schema |= {f"{figure}{end}": pl.Float64() for end in ("", "_low", "_high", "_sd")}
            schema |= {f"{figure}_trainings": pl.Int64()}
        rows = []
        for name, group in self.result.replicates.items():
            row: dict[str, Any] = {"group": name, "own": group.own, "models": list(group.models)}
            row |= {f"knowledge_{state}": count for state, count in group.knowledge.items()}
            row |= {f"shift_{state}": count for state, count in group.shift.items()}
            for figure in figures:
                spread = getattr(group, figure)
                mean = spread.mean
                row |= {figure: mean.value, f"{figure}_low": mean.low, f"{figure}_high": mean.high}
                row |= {f"{figure}_sd": spread.sd, f"{figure}_trainings": mean.n}
            rows.append(row)
        return pl.DataFrame(rows, schema=schema)

    def scores(self, model: str) -> pl.DataFrame:
        """Return one model's score table (see `models.table`)."""
        return self._frame(f"scores/{model.replace('/', '-')}.parquet")

    def _frame(self, name: str) -> pl.DataFrame:
        import polars as pl

        path = self.run / name
        if not path.is_file():
            raise RunError(f"{path}: no such file in the run; run the same probe compare again")
        return pl.read_parquet(path, glob=False)


def _isolated(words: object) -> Markup:
    """Return escaped text whose direction does not affect its surroundings; a null byte is made visible."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(str(words).replace("\0", "\ufffd"))


def _with_interval(estimate: Estimate) -> str:
    """Return `+0.123 [+0.050, +0.190]`, or a dash where there is no value."""
    if estimate.value is None:
        return "–"
    interval = "" if estimate.low is None or estimate.high is None else f" [{estimate.low:+.3f}, {estimate.high:+.3f}]"
    return f"{estimate.value:+.3f}{interval}"


def _share(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n}" if rate.n else "–"


def open_run(run: str | Path) -> Comparison:
    """Open a finished run directory.

    Raises:
        RunError: There is no such folder, the run is not finished, or its result cannot be read.
    """
    return Comparison.open(run)
