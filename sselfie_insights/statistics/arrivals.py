"""How many will come, by how many came."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# What is left of a trend from one period to the next: it has halved after seven.
_DAMPING: Final = 0.9
# Before anything is seen, a period's growth is thought to be within 20 % either way.
_SLOPE_SPREAD: Final = 0.1
_STEPS: Final = 30  # Newton's method on two parameters has long converged.


def draw_arrivals(
    counts: ArrayLike, ahead: int, rng: np.random.Generator, draws: int
) -> NDArray[np.int64]:
    """Return simulated numbers of arrivals in the next periods.

    A log-linear trend by quasi-likelihood, McCullagh and Nelder (1989), chapter 9: the variance is
    the mean times a dispersion of at least 1. Each draw takes level and slope from their normal
    approximation, damps the slope as Gardner and McKenzie (1985) do, and draws its counts.

    Args:
        counts: Arrivals in the past periods, oldest first, shape (m,) with m ≥ 3.
        ahead: How many periods to draw.
        rng: The source of randomness.
        draws: How many courses.

    Returns:
        Counts of shape (draws, ahead); all 0 where nobody ever came.
    """
    seen = np.asarray(counts, float)
    if seen.sum() == 0:
        return np.zeros((draws, ahead), np.int64)
    periods = np.column_stack([np.ones(seen.size), np.arange(seen.size) - (seen.size - 1)])
    prior = np.diag([0.0, 1 / _SLOPE_SPREAD**2])
    beta = np.array([np.log(seen.mean()), 0.0])
    for _ in range(_STEPS):
        mean = np.exp(np.clip(periods @ beta, -20, 20))
        curvature = (periods * mean[:, None]).T @ periods + prior
        beta = beta + np.linalg.solve(curvature, periods.T @ (seen - mean) - prior @ beta)
    mean = np.exp(periods @ beta)
    dispersion = max(1.0, float(((seen - mean) ** 2 / mean).sum() / (seen.size - 2)))
    root = np.linalg.cholesky(np.linalg.inv(curvature) * dispersion)
    drawn = beta + rng.standard_normal((draws, 2)) @ root.T
    growth = drawn[:, 1:] * np.cumsum(_DAMPING ** np.arange(1, ahead + 1))
    rates = np.exp(np.clip(drawn[:, :1] + growth, -20, np.log(10 * seen.max())))
    if dispersion > 1:
        rates = rng.gamma(rates / (dispersion - 1), dispersion - 1)
    return np.asarray(rng.poisson(rates))
