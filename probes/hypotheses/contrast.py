"""A contrast as statsmodels writes it: `own - other` over groups, or over the coefficients of a patsy formula.

Both are linear constraints as patsy reads them. A formula may hold groups (0 or 1), columns of the items, and the
functions of `FUNCTIONS`; it is read before it runs, so that a file from elsewhere can run no code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError, first_line
from ..ladder import group_means
from ..resample import Array

FUNCTIONS = {"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "exp": np.exp, "abs": np.abs}
"""Beside patsy's own `C`, `Q`, `bs`, `center`, `standardize`."""
CALLED = {*FUNCTIONS, "C", "Q", "bs", "center", "standardize"}
_ALLOWED = (
    ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.BinOp, ast.UnaryOp, ast.operator,
    ast.unaryop, ast.List, ast.Tuple,
)  # fmt: skip


def names_in(formula: str, place: str) -> set[str]:
    """Names that the right side of a formula rests on. Raises `UsageError` where it cannot be parsed or calls more."""
    import patsy

    try:
        described = patsy.ModelDesc.from_formula(formula)
    except (patsy.PatsyError, SyntaxError) as error:
        raise UsageError(
            f"{place}: formula {formula!r} cannot be parsed ({first_line(error)}); write it as statsmodels does, "
            "such as 'own + base + C(relation)'"
        ) from error
    if described.lhs_termlist:
        raise UsageError(f"{place}: formula {formula!r} has a left side; give the right one alone: that is the measure")
    names: set[str] = set()
    for term in described.rhs_termlist:
        for factor in term.factors:
            for node in ast.walk(ast.parse(factor.code, mode="eval")):
                called = getattr(node.func, "id", None) if isinstance(node, ast.Call) else "C"
                if not isinstance(node, _ALLOWED) or called not in CALLED:
                    raise UsageError(
                        f"{place}: formula {formula!r} holds {factor.code}, which is more than columns, numbers and "
                        f"{', '.join(sorted(CALLED))}; compute it elsewhere"
                    )
                if isinstance(node, ast.Name) and node.id not in CALLED:
                    names.add(node.id)
    return names


def coefficients(text: str, names: Iterable[str], place: str) -> dict[str, float]:
    """Weights by name of a contrast such as `own - other`. Raises `UsageError`."""
    import patsy

    names = list(names)
    try:
        found = patsy.DesignInfo(names).linear_constraint(text)
    except patsy.PatsyError as error:
        raise UsageError(
            f"{place}: contrast {text!r} cannot be parsed ({first_line(error)}); combine {', '.join(names)} as in "
            f"'{' - '.join(names[:2])}'"
        ) from error
    if len(found.coefs) != 1:
        raise UsageError(f"{place}: contrast {text!r} is {len(found.coefs)} contrasts; state each as a hypothesis")
    if found.constants[0, 0]:
        raise UsageError(f"{place}: contrast {text!r} holds a constant; say how large an effect matters by `smallest`")
    return {name: float(weight) for name, weight in zip(names, found.coefs[0], strict=True) if weight}


@dataclass(frozen=True)
class Means:
    """A contrast of group means."""

    weights: Array
    """[groups]"""
    groups: NDArray[np.bool_]
    """[groups, rows]"""

    def __call__(self, weights: Array, values: Array) -> Array:
        """The contrast of `values` [rows, V] for each draw's `weights` [draws, rows]: [draws, V]."""
        means: Array = np.einsum("g,dgv->dv", self.weights, group_means(weights, list(self.groups), values))
        return means


@dataclass(frozen=True)
class Regression:
    """A contrast of a regression's coefficients, by weighted least squares."""

    weights: Array
    """[coefficients]"""
    design: Array
    """[rows, coefficients]"""

    def __call__(self, weights: Array, values: Array) -> Array:
        """As `Means`; NaN where a draw leaves the coefficients undetermined."""
        x, count = self.design, self.design.shape[1]
        squares = (weights @ (x[:, :, None] * x[:, None]).reshape(len(x), -1)).reshape(-1, count, count)
        products = (weights @ (x[:, :, None] * values[:, None]).reshape(len(x), -1)).reshape(len(weights), count, -1)
        out = np.full((len(weights), values.shape[1]), np.nan)
        # Columns differ in scale: a condition that is judged on correlations.
        scale = np.sqrt(np.einsum("dii->di", squares))
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = squares / scale[:, :, None] / scale[:, None]
        usable = np.isfinite(alike).all((1, 2))
        usable[usable] = np.linalg.cond(alike[usable]) < 1e10
        out[usable] = np.einsum("c,dcv->dv", self.weights, np.linalg.solve(squares[usable], products[usable]))
        return out


def regression(
    formula: str, contrast: str, columns: Mapping[str, Sequence[Any]], groups: Mapping[str, NDArray[np.bool_]],
    place: str,
) -> tuple[Regression, NDArray[np.bool_]]:  # fmt: skip
    """The contrast, and the mask [rows] of the rows that have every column; its design holds those alone.

    Raises `UsageError` where the formula does not suit the rows, or the contrast names no coefficient of it.
    """
    import patsy

    used = names_in(formula, place)
    data = {name: mask.astype(np.float64) for name, mask in groups.items() if name in used}
    held = np.ones(len(next(iter(groups.values()))), dtype=bool)
    for name in used - data.keys():
        column = columns[name]
        if all(value is None or isinstance(value, int | float) for value in column):
            data[name] = np.array([np.nan if value is None else value for value in column], dtype=np.float64)
            held &= np.isfinite(data[name])
        else:
            shown = [" ".join(value) if isinstance(value, tuple) else value for value in column]
            held &= np.array([value is not None for value in shown])
            data[name] = np.array([str(value) for value in shown], dtype=object)
    try:
        environment = patsy.EvalEnvironment([FUNCTIONS])
        made = patsy.dmatrix(formula, {name: column[held] for name, column in data.items()}, environment)
    except Exception as error:  # whatever numpy and patsy say of the columns
        raise UsageError(f"{place}: formula {formula!r} does not suit the items ({first_line(error)})") from error
    terms = list(made.design_info.column_names)
    wanted = coefficients(contrast, terms, place)
    return Regression(np.array([wanted.get(term, 0.0) for term in terms]), np.asarray(made, dtype=np.float64)), held
