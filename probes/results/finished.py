"""A finished comparison, as a person holds it: what `compare` returns and `open_run` opens again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import RunError

if TYPE_CHECKING:
    import polars as pl
    from markupsafe import Markup


def domain_of(comparison: Comparison, given: str | Path | None = None) -> str | Path:
    """The run's domain as `Domain.open` takes it: `given`, or one of the package. Raises `RunError` for another."""
    from ...terms.domain import embedded

    name = str(comparison.data["domain"])
    if not given and name not in embedded():
        raise RunError(
            f"{comparison.run}: its domain {name} does not come with the package; give its folder with --domain"
        )
    return given or name


@dataclass(frozen=True, repr=False)
class Comparison:
    """`data` is `comparison.json`; frames are read from the run's parquet files."""

    run: Path
    data: dict[str, Any]

    @classmethod
    def open(cls, run: str | Path) -> Comparison:
        """Opens a finished run directory. Raises `RunError`."""
        path = Path(run)
        file = path / "comparison.json"
        if not path.is_dir():
            raise RunError(f"{path}: no such run directory; give the folder that probe compare wrote")
        if not file.is_file():
            raise RunError(f"{path}: the run is not finished; give the same probe compare again and it goes on")
        try:
            return cls(path, json.loads(file.read_text(encoding="utf-8")))
        except ValueError as error:
            raise RunError(f"{file}: is not JSON ({error}); run probe compare again") from error

    def __repr__(self) -> str:
        said = ", ".join(f"{name}: {model['verdict']}" for name, model in self.models.items())
        return f"<Comparison with {self.data['base']}: {said}; run {self.run}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a row a tuned model, in the run's unit, with 95 % intervals."""
        from markupsafe import Markup

        def row(tag: str, cells: list[Any]) -> Markup:
            filled = Markup().join(Markup("<{0}>{1}</{0}>").format(tag, cell) for cell in cells)
            return Markup("<tr>{}</tr>").format(filled)

        head = ["model", "verdict", "specific knowledge", "domain shift, matched", "facts learned, own / other"]
        rows = [
            [
                _inert(name),
                model["verdict"],
                _shown(model["specific_knowledge"]),
                _shown(model["shift"]["matched"]),
                " / ".join(_learned(model["ledger"].get(group)) for group in ("own", "other")),
            ]
            for name, model in self.models.items()
        ]
        about = Markup("{} on {}, nats/{}").format(
            _inert(self.data["base"]), _inert(self.data["domain"]), self.data["per"]
        )
        body = Markup().join(row("td", cells) for cells in rows)
        return str(
            Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>").format(
                about, row("th", head), body
            )
        )

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Findings by tuned model."""
        return self.data["models"]

    def terms(self) -> pl.DataFrame:
        """A row a tuned model and concept."""
        return self._frame("terms.parquet")

    def facts(self) -> pl.DataFrame:
        """A row a tuned model and fact: the ledger."""
        return self._frame("facts.parquet")

    def frame(self) -> pl.DataFrame:
        """A row a tuned model: verdict, rungs and specific knowledge with their intervals."""
        import polars as pl

        rows = []
        for name, model in self.models.items():
            row: dict[str, Any] = {"model": name, "own": model["own"], "verdict": model["verdict"]}
            for key, estimate in {**model["rungs"], "specific_knowledge": model["specific_knowledge"]}.items():
                row |= {key: estimate["estimate"], f"{key}_low": estimate["low"], f"{key}_high": estimate["high"]}
            rows.append(row)
        return pl.DataFrame(rows)

    def scores(self, model: str) -> pl.DataFrame:
        """One model's score table (see `models.table`)."""
        return self._frame(f"scores/{model.replace('/', '-')}.parquet")

    def _frame(self, name: str) -> pl.DataFrame:
        import polars as pl

        path = self.run / name
        if not path.is_file():
            raise RunError(f"{path}: no such file in the run")
        return pl.read_parquet(path, glob=False)


def _inert(words: object) -> Markup:
    """Text whose direction stays its own, escaped; a null byte, which a browser would drop, is seen."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(str(words).replace("\0", "\ufffd"))


def _shown(estimate: Mapping[str, Any]) -> str:
    """`+0.123 [+0.050, +0.190]`, a dash where there is none."""
    value, low, high = (estimate[key] for key in ("estimate", "low", "high"))
    if value is None:
        return "–"
    return f"{value:+.3f}" + ("" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]")


def _learned(counts: Mapping[str, Any] | None) -> str:
    return f"{counts['learned']} of {counts['unknown']}" if counts else "–"


def open_run(run: str | Path) -> Comparison:
    """Opens a finished run directory. Raises `RunError`."""
    return Comparison.open(run)
