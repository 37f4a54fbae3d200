"""Huber's regression of one variable on another, once or for many rows of weights at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .resample import Array

HUBER = 1.345
"""Residuals of more scales than this weigh less (Huber 1964)."""


@dataclass(frozen=True)
class Line:
    """A Huber regression's result; `scale` is the residuals' median absolute deviation / 0.6745."""

    intercept: float
    slope: float
    scale: float


def _least_squares(held: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Intercepts and slopes [draws] for weights `held` [draws, N]; NaN where `x` does not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total, *sums = (held @ np.stack([np.ones(len(x)), x, y, x * x, x * y], axis=1)).T
        mean_x, mean_y, square, product = (part / total for part in sums)
        spread = square - mean_x**2
        slope = np.where(spread > 1e-12 * (1e-12 + square), (product - mean_x * mean_y) / spread, np.nan)
    return mean_y - slope * mean_x, slope


def _huber(weights: Array, x: Array, y: Array, intercept: Array, slope: Array, scale: float) -> tuple[Array, Array]:
    """One step of Huber's regression from the lines given, [draws]."""
    residual = y - intercept[:, None]
    residual -= slope[:, None] * x
    np.abs(residual, out=residual)
    # Residuals of next to nothing keep their whole weight.
    bound = HUBER * max(scale, 1e-12)
    np.maximum(residual, bound, out=residual)
    np.divide(bound * weights, residual, out=residual)
    return _least_squares(residual, x, y)


def robust_line(x: Array, y: Array) -> Line:
    """Huber regression of `y` on `x` [N]; NaN where `x` does not vary."""
    weights = np.ones((1, len(x)))
    intercept, slope = _least_squares(weights, x, y)
    scale = float("nan")
    for _ in range(100):
        if not np.isfinite(slope[0]):
            break
        scale = float(np.median(np.abs(y - intercept - slope * x))) / 0.6744897501960817
        before = intercept[0], slope[0]
        intercept, slope = _huber(weights, x, y, intercept, slope, scale)
        if np.allclose(before, (intercept[0], slope[0]), rtol=0, atol=1e-10):
            break
    return Line(float(intercept[0]), float(slope[0]), scale)


def line_influence(x: Array, y: Array, line: Line) -> Array:
    """Return how far each point pulls intercept and slope of its Huber regression, [N, 2].

    The regression over points of weights w (their mean 1) is nearly the line plus the sum of w · influence; the sum of
    all is zero. The scale's own change is left out (Hampel et al., Robust Statistics, 1986, section 6.3).
    """
    bound = HUBER * max(line.scale, 1e-12)
    residual = y - line.intercept - line.slope * x
    inside = np.abs(residual) <= bound
    columns = np.stack([np.ones(len(x)), x], axis=1)
    curvature = (columns * inside[:, None]).T @ columns
    pull: Array = np.clip(residual, -bound, bound)[:, None] * columns
    return pull @ np.linalg.pinv(curvature)


def robust_lines(x: Array, y: Array, weights: Array, start: Line, steps: int = 8) -> tuple[Array, Array]:
    """Intercepts and slopes [draws] for each row of `weights` [draws, N], in so many steps from `start`.

    `start.scale` serves every draw.
    """
    intercept, slope = np.full(len(weights), start.intercept), np.full(len(weights), start.slope)
    for _ in range(steps):
        intercept, slope = _huber(weights, x, y, intercept, slope, start.scale)
    return intercept, slope
