"""Do models and specialties add up? Tukey's one degree of freedom for non-additivity, beside γ.

γ is read off `g[m, s] = model_m + specialty_s + γ·(m tuned on s)`. Where a model that moves everything more also moves
easy specialties more (a drift that multiplies), rows and columns do not add and γ can lie. Tukey (1949, Biometrics 5)
adds the product of the fitted row and column effects as one more regressor; its F is exact beside any linear model
(Milliken and Graybill 1970, JASA 65), so also beside γ's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from ..results.estimate import Additivity
from .resample import Array


def cell_means(values: Array, member: Array) -> Array:
    """Mean of `values` [items] in each column of `member` [items, specialties]; NaN where a column is empty."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = values @ member / member.sum(0)
    return means


def additivity(rows: Mapping[str, tuple[Array, str | None]], member: Array, names: Sequence[str]) -> Additivity | None:
    """Over the models that have an own specialty, those of one specialty averaged, so that a copy changes nothing.

    `rows` gives each model's gains [items] and its own specialty. None where no degree of freedom is left.
    """
    held = {name: k for k, name in enumerate(names) if len(member) and member[:, k].sum() > 1}
    by_own: dict[str, list[Array]] = {}
    for values, own in rows.values():
        if own in held:
            by_own.setdefault(own, []).append(cell_means(values, member[:, list(held.values())]))
    cells = np.array([np.mean(copies, axis=0) for copies in by_own.values()])
    if len(cells) < 2 or cells.shape[1] < 2 or not np.isfinite(cells).all():
        return None
    places = [list(held).index(own) for own in by_own]
    return tukey(cells, places)


def tukey(cells: Array, own: Sequence[int]) -> Additivity | None:
    """The test on cells [models, specialties], model m being tuned on specialty `own[m]`."""
    models, columns = cells.shape
    diagonal = np.zeros(cells.shape)
    diagonal[np.arange(models), list(own)] = 1.0
    row, column = np.repeat(np.eye(models), columns, axis=0), np.tile(np.eye(columns), (models, 1))
    design = np.column_stack([diagonal.ravel(), row, column[:, 1:]])
    y = cells.ravel()
    fitted, left = _fit(design, y)
    effects = fitted[1 : 1 + models], np.concatenate([[0.0], fitted[1 + models :]])
    product = np.outer(*(one - one.mean() for one in effects)).ravel()
    more, less = _fit(np.column_stack([design, product]), y)
    degrees = len(y) - int(np.linalg.matrix_rank(design)) - 1
    # Where rows or columns do not differ there is no product to add.
    if degrees < 1 or np.linalg.matrix_rank(np.column_stack([design, product])) != len(y) - degrees or less <= 0:
        return None
    f = (left - less) / (less / degrees)
    return Additivity(float(more[-1]), float(f), degrees, float(stats.f.sf(f, 1, degrees)))


def _fit(design: Array, y: Array) -> tuple[Array, float]:
    """Least squares: coefficients, and the sum of squares that is left."""
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    return coefficients, float(((y - design @ coefficients) ** 2).sum())
