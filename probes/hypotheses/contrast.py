"""A contrast as statsmodels writes it: `own - other` over groups, or over the coefficients of a patsy formula.

Both are linear constraints as patsy reads them. A formula may hold groups (0 or 1), columns of the items, and the
functions of `FUNCTIONS`; it is read before it runs, so that a file from elsewhere can run no code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError, first_line
from ..analysis.ladder import group_means
from ..analysis.resample import Array

FUNCTIONS = {"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "exp": np.exp, "abs": np.abs}
"""Beside patsy's own `C`, `Q`, `bs`, `center`, `standardize`."""
CALLED = {*FUNCTIONS, "C", "Q", "bs", "center", "standardize"}
LONGEST = 1_000
"""Characters of a formula or a contrast."""
_ALLOWED = (
    ast.Expression,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.keyword,
    ast.BinOp,
    ast.UnaryOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.UAdd,
    ast.USub,
    ast.List,
    ast.Tuple,
)


def names_in(formula: str, place: str) -> set[str]:
    """Names that the right side of a formula rests on. Raises `UsageError` where it cannot be parsed or calls more."""
    import patsy

    _check_length("formula", formula, place)
    try:
        described = patsy.ModelDesc.from_formula(formula)
        factors = [factor.code for term in described.rhs_termlist for factor in term.factors]
        nodes = [(code, node) for code in factors for node in ast.walk(ast.parse(code, mode="eval"))]
    except Exception as error:  # patsy's own, and the parser's of Python
        why = error.msg if isinstance(error, SyntaxError) else first_line(error)
        raise UsageError(
            f"{place}: formula {formula!r} cannot be parsed ({why}); write it as statsmodels does, such as "
            "'own + base + C(relation)'"
        ) from error
    if described.lhs_termlist:
        raise UsageError(f"{place}: formula {formula!r} has a left side; give the right one alone: that is the measure")
    names: set[str] = set()
    for code, node in nodes:
        if not _is_arithmetic(node):
            raise UsageError(
                f"{place}: formula {formula!r} holds {code}, which is more than columns, numbers and "
                f"{', '.join(sorted(CALLED))}; compute it elsewhere"
            )
        names.update(_named(node))
    return names


def _check_length(what: str, text: str, place: str) -> None:
    """Raises `UsageError` where a parser could go too deep."""
    if len(text) > LONGEST:
        raise UsageError(f"{place}: {what} of {len(text):,} characters; give {LONGEST:,} at the most")


def _is_arithmetic(node: ast.AST) -> bool:
    """Whether one piece of a formula is a column, a number, a call of `CALLED`, or what combines them."""
    if isinstance(node, ast.Call):
        called, alone = getattr(node.func, "id", None), len(node.args) == 1 and not node.keywords
        if called == "Q":
            return alone and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
        # numpy's functions would write into what they are given beside the first.
        return alone if called in FUNCTIONS else called in CALLED
    if isinstance(node, ast.BinOp):
        if any(isinstance(side, ast.List | ast.Tuple) or _is_text(side) for side in (node.left, node.right)):
            return False
        # Powers of numbers alone have no end of digits; a column's are floats.
        return not isinstance(node.op, ast.Pow) or any(isinstance(part, ast.Name) for part in ast.walk(node))
    return isinstance(node, _ALLOWED)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id not in CALLED:
        yield node.id
    elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Q":
        yield node.args[0].value  # type: ignore[attr-defined]  # `_is_arithmetic` has seen to it


def coefficients(text: str, names: Iterable[str], place: str) -> dict[str, float]:
    """Weights by name of a contrast such as `own - other`. Raises `UsageError`."""
    import patsy

    names = list(names)
    _check_length("contrast", text, place)
    try:
        with np.errstate(all="ignore"):
            found = patsy.DesignInfo(names).linear_constraint(text)
    except Exception as error:  # patsy's own, and what deep brackets make
        known = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        raise UsageError(
            f"{place}: contrast {text!r} cannot be parsed ({first_line(error)}); combine {known} as in "
            f"'{' - '.join(names[:2])}'"
        ) from error
    if not (np.isfinite(found.coefs).all() and np.isfinite(found.constants).all()):
        raise UsageError(
            f"{place}: contrast {text!r} divides by zero, or holds a number too large; give each of its names a finite "
            "weight, as in 'own/2'"
        )
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
    formula: str,
    contrast: str,
    columns: Mapping[str, Sequence[Any]],
    groups: Mapping[str, NDArray[np.bool_]],
    place: str,
) -> tuple[Regression, NDArray[np.bool_]]:
    """The contrast, and the mask [rows] of the rows that have every column; its design holds those alone.

    Raises `UsageError` where the formula does not suit the rows or gives no number for one of them, or the contrast
    names no coefficient of it.
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
            data[name] = np.array([str(value) for value in shown])
    if not held.any():
        needed = ", ".join(sorted(used - groups.keys()))
        raise UsageError(f"{place}: formula {formula!r}: no row of the run has all of {needed}; drop one of them")
    try:
        environment = patsy.EvalEnvironment([FUNCTIONS])
        rows = {name: column[held] for name, column in data.items()}
        with np.errstate(all="ignore"):
            # What has no number must be told, and not be left out.
            made = patsy.dmatrix(formula, rows, environment, NA_action=patsy.NAAction(NA_types=[]))
            design = np.asarray(made, dtype=np.float64)
    except Exception as error:  # whatever numpy and patsy say of the columns
        raise UsageError(
            f"{place}: formula {formula!r} does not suit the items ({first_line(error)}); use columns as "
            "probe test --list describes them"
        ) from error
    terms = list(made.design_info.column_names)
    without = ~np.isfinite(design)
    if without.any():
        worst = int(without.sum(0).argmax())
        raise UsageError(
            f"{place}: formula {formula!r}: {terms[worst]} is no number in {without[:, worst].sum():,} of "
            f"{len(design):,} rows; write what every row has one of, such as log1p(abs(base)) for log(base)"
        )
    wanted = coefficients(contrast, terms, place)
    return Regression(np.array([wanted.get(term, 0.0) for term in terms]), design), held
