"""How many will come, by how many came."""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]

# Before anything is seen, a period's growth is thought to be within 10 % either way.
_SLOPE_SPREAD: Final = 0.05
# What is left of the growth from one month to the next, drawn for each course: in every other one
# all of it, as growth may go on; in the others as little as makes it halve in three months.
_DAMPING: Final = 0.8
# What is weighed, as standard deviations of the logarithm: of the season, of the step of the level
# from period to period, and of single periods around it; and how likely each is before anything is
# seen, as otherwise the few months of a young business leave it half to each.
_SEASONS: Final = {0.0: 0.6, 0.4: 0.4}
_STEPS: Final = {0.0: 0.7, 0.15: 0.3}
_NOISES: Final = {0.0: 0.7, 0.3: 0.3}
# A year and half a year, in months.
_HARMONICS: Final = (1, 2)
_NEWTON_STEPS: Final = 12
# So many empty periods in a row are a pause, which may end.
_PAUSE: Final = 3
_MOST_GROWTH: Final = 10.0  # No period brings more than ten times the best so far.


def draw_arrivals(
    counts: ArrayLike, ahead: int, rng: np.random.Generator, draws: int
) -> NDArray[np.int64]:
    """Return simulated numbers of arrivals in the next months.

    Poisson counts whose log rate is a structural time series, Harvey (1989), Forecasting,
    structural time series models and the Kalman filter: a level that walks, a trend, a season of
    twelve months in two harmonics, and noise. States are found by Laplace's approximation, each
    combination of variances is weighted by its evidence: Rue, Martino and Chopin (2009),
    Approximate Bayesian inference for latent Gaussian models. Each course damps its trend as
    Gardner and McKenzie (1985) do, by a factor of its own. After ``_PAUSE`` months without any,
    arrivals begin again in each month with a chance of Jeffreys' posterior for that many failures;
    until then their rate is that of Jeffreys' posterior for no arrival in so many months.

    Args:
        counts: Arrivals in the past months, oldest first, shape (m,) with m ≥ 1.
        ahead: How many months to draw.
        rng: The source of randomness.
        draws: How many courses.

    Returns:
        Counts of shape (draws, ahead); all 0 where nobody ever came.
    """
    seen = np.asarray(counts, float)
    if seen.sum() == 0:
        return np.zeros((draws, ahead), np.int64)
    variances = np.array(list(product(_SEASONS, _STEPS, _NOISES))) ** 2
    states, covariances, weights = _fit(seen, variances)
    chosen = rng.choice(len(weights), size=draws, p=weights)
    normal = rng.standard_normal((draws, states.shape[1]))
    roots = np.linalg.cholesky(covariances)
    drawn = states[chosen] + np.einsum("nij,nj->ni", roots[chosen], normal)
    left = np.where(rng.random(draws) < 0.5, 1.0, rng.uniform(_DAMPING, 1.0, draws))
    damping = left[:, None] ** np.arange(1, ahead + 1)
    walk = np.sqrt(variances[chosen, 1])[:, None] * rng.standard_normal((draws, ahead))
    noise = np.sqrt(variances[chosen, 2])[:, None] * rng.standard_normal((draws, ahead))
    season = drawn[:, 2 : 2 + 2 * len(_HARMONICS)] @ _season(np.arange(1, ahead + 1)).T
    logs = drawn[:, :1] + drawn[:, 1:2] * np.cumsum(damping, axis=1) + season
    logs = logs + np.cumsum(walk, axis=1) + noise
    rates = np.exp(np.clip(logs, -20, np.log(_MOST_GROWTH * seen.max())))
    empty = int(seen.size - 1 - np.flatnonzero(seen)[-1])
    if empty >= _PAUSE:
        begins = rng.random((draws, ahead)) < rng.beta(0.5, empty + 0.5, (draws, 1))
        before = rng.choice(seen[seen > 0], size=(draws, 1))
        idle = rng.gamma(0.5, 1 / empty, size=(draws, 1))
        rates = np.where(np.logical_or.accumulate(begins, axis=1), before, idle)
    return np.asarray(rng.poisson(rates))


def _season(month: ArrayLike) -> Array:
    """The harmonics of months, counted from the last one seen, shape (months, 4)."""
    angle = 2 * np.pi / 12 * np.outer(np.asarray(month, float), np.array(_HARMONICS, float))
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def _fit(seen: Array, variances: Array) -> tuple[Array, Array, Array]:
    """Return state, covariance and weight of each combination of variances.

    The state is level and growth at the last period, the season's four coefficients, and what the
    log rate of each period was beside them: a walk that ends at 0, and noise.
    """
    many, size = seen.size, 2 + 2 * len(_HARMONICS)
    back = np.arange(many) - (many - 1.0)
    design = np.column_stack([np.ones(many), back, _season(back), np.eye(many)])
    prior = np.zeros((len(variances), size + many, size + many))
    season, step, noise = np.maximum(variances, 1e-6).T
    level = float(np.log(max(seen.mean(), 0.1)))
    fixed = np.array([2.0, _SLOPE_SPREAD]) ** -2.0
    prior[:, [0, 1], [0, 1]] = fixed
    for k in range(2, size):
        prior[:, k, k] = 1 / season
    distance = np.minimum(-back[:, None], -back)
    beside = step[:, None, None] * distance + noise[:, None, None] * np.eye(many)
    prior[:, size:, size:] = np.linalg.inv(beside)
    mean = np.zeros(size + many)
    mean[0] = level
    state = np.tile(mean, (len(variances), 1))
    for _ in range(_NEWTON_STEPS):
        rate = np.exp(np.clip(state @ design.T, -20, 20))
        curvature = np.einsum("ti,nt,tj->nij", design, rate, design) + prior
        away = np.einsum("nij,nj->ni", prior, state - mean)
        step_taken = np.linalg.solve(curvature, ((seen - rate) @ design - away)[..., None])[..., 0]
        state = state + np.clip(step_taken, -2, 2)
        if np.abs(step_taken).max() < 1e-6:
            break
    log_rate = np.clip(state @ design.T, -20, 20)
    away = state - mean
    heights = log_rate @ seen - np.exp(log_rate).sum(axis=1) - special.gammaln(seen + 1).sum()
    heights -= np.einsum("ni,nij,nj->n", away, prior, away) / 2
    heights += (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(curvature)[1]) / 2
    priors = product(_SEASONS.values(), _STEPS.values(), _NOISES.values())
    heights += np.log(np.array(list(priors))).sum(axis=1)
    weights = np.exp(heights - heights.max())
    return state, np.linalg.inv(curvature), weights / weights.sum()
