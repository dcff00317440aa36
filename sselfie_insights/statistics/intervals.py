"""Intervals for shares and means."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sselfie_insights.statistics.shares import Z_95, score_interval

Array = NDArray[np.float64]


def wilson(successes: ArrayLike, trials: ArrayLike, z: float = Z_95) -> tuple[Array, Array]:
    """Return the lower and upper ends of Wilson's score interval for a share.

    Wilson (1927); the equation stands at ``shares.score_interval``.

    Args:
        successes: Counts, any shape.
        trials: Counts of the same shape; 0 gives NaN.
        z: The normal quantile of the level.

    Returns:
        Two arrays of that shape, from 0 to 1.
    """
    x, n = np.asarray(successes, float), np.asarray(trials, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        low, high = score_interval(share, n, z)
    return np.where(x == 0, 0.0 * share, low), np.where(x == n, 1.0 + 0.0 * share, high)


def bootstrap_mean(
    values: ArrayLike,
    counts: ArrayLike,
    rng: np.random.Generator,
    *,
    draws: int = 2000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of values with multiplicities.

    Efron (1979), Bootstrap methods; percentile interval of Efron and Tibshirani (1993), chapter 13.
    Drawing ``n`` of ``n`` with replacement is drawing the multiplicities from a multinomial, which
    makes a draw as cheap as the number of different values.

    Args:
        values: The different values, shape (m,).
        counts: How often each occurs, shape (m,); their sum is n.
        rng: The source of randomness; the same state gives the same interval.
        draws: How many resamples.
        level: The share of resampled means inside.

    Raises:
        ValueError: There is nothing to resample.
    """
    levels, many = np.asarray(values, float), np.asarray(counts, np.int64)
    total = int(many.sum())
    if total < 1:
        raise ValueError("no values to resample")
    means = rng.multinomial(total, many / total, size=draws) @ levels / total
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def newcombe(
    successes_a: int, trials_a: int, successes_b: int, trials_b: int, z: float = Z_95
) -> tuple[float, float, float]:
    """Return the difference of two independent shares, a minus b, and the ends of its interval.

    Newcombe (1998), Interval estimation for the difference between independent proportions,
    method 10: the square-and-add of two Wilson intervals.

    Args:
        successes_a: Successes in the first group.
        trials_a: Its size, above 0.
        successes_b: Successes in the second group.
        trials_b: Its size, above 0.
        z: The normal quantile of the level.
    """
    (low_a, low_b), (high_a, high_b) = wilson([successes_a, successes_b], [trials_a, trials_b], z)
    share_a, share_b = successes_a / trials_a, successes_b / trials_b
    difference = share_a - share_b
    below = np.hypot(share_a - low_a, high_b - share_b)
    above = np.hypot(high_a - share_a, share_b - low_b)
    return difference, float(difference - below), float(difference + above)
