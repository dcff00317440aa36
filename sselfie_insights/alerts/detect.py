"""When a number has left its usual course.

Counts, and sums that behave like them, by the quasi-Poisson regression of Farrington, Andrews,
Beale and Catchpole (1996), A statistical algorithm for the early detection of outbreaks of
infectious disease, with the trend and the gentler weights of Noufaily et al. (2013), An improved
algorithm for outbreak detection. What is carried from period to period, such as MRR, by its
relative change. Slow declines by the CUSUM of Page (1954), Continuous inspection schemes. Every
value is judged by what came before it alone, so that scores of a history are those that were given
at the time.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]
Of = Literal["count", "change"]

LEAST: Final = 12
"""Periods that are needed before one is judged."""

_MOST: Final = 36  # Periods that make the reference, the last.
# The prior of growth from one period to the next, as a standard deviation of the logarithm.
_SLOPE_SPREAD: Final = 0.03
# Residuals beyond this one count for less: Noufaily et al. (2013), section 3.3.
_OUTLIER: Final = 2.58
# Half the shift, in standard deviations, that the CUSUM is best at, and the sum at which it fires:
# of independent scores a period in 1,550 of a course that holds does, of real ones, which hang
# together, more: Siegmund (1985), Sequential analysis, section 2.6.
_SLACK: Final = 0.5
_LIMIT: Final = 5.5


def score_series(
    values: ArrayLike, *, of: Of = "count", season: int = 1
) -> tuple[Array, Array, Array]:
    """Return how far each value is from its usual course, that course, and its spread.

    Args:
        values: Shape (..., t), equally spaced in time; a missing value (NaN) has no score.
        of: ``count`` for what happens in a period, ``change`` for what is carried into the next.
        season: Periods of a season, taken into account from two seasons on; 1 is none.

    Returns:
        Scores as of a standard normal, expected values, and the standard deviations of a value
        around them, each of the shape of ``values``. NaN where history is too short, or where what
        is carried never moved and any change would be infinitely far.
    """
    x = np.asarray(values, float)
    scores, expected, spread = (np.full(x.shape, np.nan) for _ in range(3))
    for t in range(LEAST, x.shape[-1]):
        past = x[..., max(0, t - _MOST) : t]
        found = _course(past, season) if of == "count" else _change(past)
        middle, deviation, freedom = found
        expected[..., t], spread[..., t] = middle, deviation
        if of == "count":
            gap = _flatten(x[..., t]) - _flatten(middle)
            raw = gap / (2 / 3 * middle ** (-1 / 3) * deviation)
        else:
            raw = np.log(x[..., t] / middle) / (deviation / middle)
        scores[..., t] = _to_normal(raw, freedom)
        if of == "change":
            scores[..., t] = _forgive_return(x, scores, middle, deviation, freedom, t)
    return scores, expected, spread


def limits(expected: float, spread: float, z: float, of: Of = "count") -> tuple[float, float]:
    """Return the ends beyond which a score is further than ``z``."""
    if of == "change":
        reach = np.exp(z * spread / expected)
        return float(expected / reach), float(expected * reach)
    centre, step = expected ** (2 / 3), 2 / 3 * expected ** (-1 / 3) * spread * z
    return max(0.0, centre - step) ** 1.5, (centre + step) ** 1.5


def find_drift(scores: ArrayLike, *, downwards: bool) -> NDArray[np.bool_]:
    """Say of each period whether scores have drifted: by too little each, by too much together.

    The sum starts again after it has fired.

    Args:
        scores: Shape (..., t); NaN adds nothing.
        downwards: Whether declines are looked for, else rises.
    """
    z = np.nan_to_num(np.asarray(scores, float)) * (-1 if downwards else 1)
    total, fired = np.zeros(z.shape[:-1]), np.zeros(z.shape, bool)
    for t in range(z.shape[-1]):
        total = np.maximum(0.0, total + np.clip(z[..., t], -4, 4) - _SLACK)
        fired[..., t] = total > _LIMIT
        total = np.where(fired[..., t], 0.0, total)
    return fired


def _to_normal(raw: Array, freedom: Array) -> Array:
    """Scores of Student's t with ``freedom`` degrees as normal ones; infinite freedom is normal."""
    limited = np.minimum(freedom, 1e6)
    return np.asarray(np.sign(raw) * -stats.norm.ppf(stats.t.sf(np.abs(raw), limited) + 1e-300))


def _course(past: Array, season: int) -> tuple[Array, Array, Array]:
    """Expected next count, its standard deviation, and the degrees of freedom of the latter."""
    known = ~np.isnan(past)
    y = np.where(known, past, 0.0)
    many = past.shape[-1]
    design = _design(many, season)
    prior = np.diag([0.0, _SLOPE_SPREAD**-2.0, *[1.0] * (design.shape[1] - 2)])
    weight = known.astype(float)
    beta = np.zeros((*past.shape[:-1], design.shape[1]))
    total = np.maximum(weight.sum(axis=-1), 1.0)
    beta[..., 0] = np.log(np.maximum(y.sum(axis=-1) / total, 0.5))
    dispersion = np.ones(past.shape[:-1])
    for _ in range(3):
        for _ in range(6):
            mean = np.exp(np.clip(beta @ design[:-1].T, -20, 40))
            # The prior is that of a Poisson rate: it counts as many times as the variance does.
            held = prior * dispersion[..., None, None]
            curvature = _weigh(design[:-1], weight * mean) + held
            rise = (weight * (y - mean)) @ design[:-1] - (held @ beta[..., None])[..., 0]
            beta = beta + np.clip(np.linalg.solve(curvature, rise[..., None])[..., 0], -2, 2)
        mean = np.exp(np.clip(beta @ design[:-1].T, -20, 40))
        freedom = np.maximum(weight.sum(axis=-1) - design.shape[1], 1.0)
        squares = (weight * (y - mean) ** 2 / mean).sum(axis=-1)
        dispersion = np.maximum(1.0, squares / freedom)
        residual = 1.5 * (_flatten(y) - _flatten(mean)) / mean ** (1 / 6)
        residual = np.abs(residual / np.sqrt(dispersion)[..., None])
        weight = known * np.minimum(1.0, _OUTLIER / np.maximum(residual, 1e-9)) ** 2
    ahead = design[-1]
    expected = np.exp(np.clip(beta @ ahead, -20, 40))
    covariance = np.linalg.inv(curvature) * dispersion[..., None, None]
    doubt = expected**2 * np.einsum("i,...ij,j->...", ahead, covariance, ahead)
    freedom = np.where(dispersion > 1, freedom, np.inf)
    enough = known.sum(axis=-1) >= LEAST
    expected = np.where(enough, expected, np.nan)
    return expected, np.sqrt(dispersion * expected + doubt), freedom


def _flatten(numbers: Array) -> Array:
    """The power of two thirds; below 0, where money goes that is given back, its mirror image."""
    root = np.cbrt(numbers)
    return np.asarray(root * np.abs(root))


def _design(many: int, season: int) -> Array:
    """Level, trend and, from two seasons on, one to three harmonics; the last row is the next."""
    time = np.arange(many + 1) - many
    columns = [np.ones(many + 1), time.astype(float)]
    if season > 1 and many >= 2 * season:
        for k in range(1, min(3, season // 2, (many - LEAST) // 8) + 1):
            angle = 2 * np.pi * k * time / season
            columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)


def _weigh(design: Array, weight: Array) -> Array:
    return np.asarray(np.einsum("ti,...t,tj->...ij", design, weight, design))


def _change(past: Array) -> tuple[Array, Array, Array]:
    """Expected next value of what is carried, by the mean change; outliers count for less."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.diff(np.log(past), axis=-1)
    known = np.isfinite(change)
    change = np.where(known, change, 0.0)
    weight = known.astype(float)
    for _ in range(4):
        total = np.maximum(weight.sum(axis=-1), 1.0)
        mean = (weight * change).sum(axis=-1) / total
        variance = (weight * (change - mean[..., None]) ** 2).sum(axis=-1)
        spread = np.sqrt(variance / np.maximum(total - 1, 1.0))
        residual = np.abs(change - mean[..., None]) / np.maximum(spread, 1e-12)[..., None]
        weight = known * np.minimum(1.0, _OUTLIER / np.maximum(residual, 1e-9)) ** 2
    usable = (known.sum(axis=-1) >= LEAST - 1) & (spread > 1e-9)
    expected = np.where(usable, past[..., -1] * np.exp(mean), np.nan)
    return expected, expected * spread * np.sqrt(1 + 1 / total), np.maximum(total - 1, 1.0)


def _forgive_return(
    x: Array, scores: Array, expected: Array, deviation: Array, freedom: Array, t: int
) -> Array:
    """The score, or that of two periods together where one undoes the other."""
    growth = expected / x[..., t - 1]
    both = np.log(x[..., t] / (x[..., t - 2] * growth**2)) / (2**0.5 * deviation / expected)
    together = _to_normal(both, freedom)
    undoes = (np.abs(scores[..., t - 1]) > _OUTLIER) & (scores[..., t - 1] * scores[..., t] < 0)
    return np.where(undoes & (np.abs(together) < np.abs(scores[..., t])), together, scores[..., t])
