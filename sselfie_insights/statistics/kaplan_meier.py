"""The survival curve without a model, and a test of two of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sselfie_insights.statistics.intervals import wilson
from sselfie_insights.statistics.shares import Z_95

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve, one element a time of loss or censoring, ascending.

    Attributes:
        times: The times, in the unit of the durations.
        at_risk: How many were still observed just before.
        lost: How many were lost at the time.
        survival: The share that survives the time.
        error: Greenwood's standard error of it.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
    """

    times: Array
    at_risk: Array
    lost: Array
    survival: Array
    error: Array
    low: Array
    high: Array


def kaplan_meier(
    durations: ArrayLike, is_lost: ArrayLike, weights: ArrayLike | None = None
) -> SurvivalCurve:
    """Return the Kaplan-Meier curve of right-censored durations.

    Kaplan and Meier (1958), equation 2b; variance of Greenwood (1926); the interval is symmetric in
    log(-log S), Kalbfleisch and Prentice (1980), equation 1.14. Where that is not defined, before
    the first loss the lower end is Wilson's for everybody at risk, and where nobody is left the
    upper end is the one before.

    Args:
        durations: Time to loss or to the end of observation, shape (n,).
        is_lost: Whether the loss was seen, shape (n,).
        weights: How many share the duration, shape (n,); one each by default.

    Raises:
        ValueError: There are no durations.
    """
    times, at_risk, lost = _count(durations, is_lost, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.cumprod(1 - lost / at_risk).astype(float)
        spread = np.cumsum(lost / (at_risk * (at_risk - lost)))
        error: Array = survival * np.sqrt(spread)
        reach = Z_95 * np.sqrt(spread) / np.abs(np.log(survival))
        low, high = survival ** np.exp(reach), survival ** np.exp(-reach)
    untouched = survival == 1
    low = np.where(untouched, wilson(at_risk, at_risk)[0], low)
    high = np.where(untouched, 1.0, high)
    gone = survival == 0
    if gone.any():
        earlier = high[~gone]
        high = np.where(gone, earlier[-1] if earlier.size else 1.0, high)
        low, error = np.where(gone, 0.0, low), np.where(gone, 0.0, error)
    return SurvivalCurve(times, at_risk, lost, survival, error, low, high)


@dataclass(frozen=True)
class LogRank:
    """The result of a log-rank test.

    Attributes:
        statistic: χ² with one degree of freedom.
        p_value: The chance of as large a difference between equals.
    """

    statistic: float
    p_value: float


def log_rank(
    durations: ArrayLike,
    is_lost: ArrayLike,
    in_first: ArrayLike,
    weights: ArrayLike | None = None,
) -> LogRank | None:
    """Return the log-rank test of two groups, or None where they cannot be compared.

    Mantel (1966), with the hypergeometric variance; Kalbfleisch and Prentice (1980), section 1.4.

    Args:
        durations: As for ``kaplan_meier``, both groups together, shape (n,).
        is_lost: Whether the loss was seen, shape (n,).
        in_first: Whether each belongs to the first group, shape (n,).
        weights: How many share the duration, shape (n,); one each by default.
    """
    ages = np.asarray(durations, float)
    seen = np.asarray(is_lost, bool)
    first = np.asarray(in_first, bool)
    many = np.ones_like(ages) if weights is None else np.asarray(weights, float)
    times = np.unique(ages[seen])
    if times.size == 0:
        return None
    at_risk = _at_least(ages, many, times)
    at_risk_first = _at_least(ages[first], many[first], times)
    lost = _exactly(ages[seen], many[seen], times)
    lost_first = _exactly(ages[seen & first], many[seen & first], times)
    share = at_risk_first / at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = lost * share * (1 - share) * (at_risk - lost) / (at_risk - 1)
    total = np.where(at_risk > 1, variance, 0.0).sum()
    if total <= 0:
        return None
    statistic = float((lost_first - lost * share).sum() ** 2 / total)
    return LogRank(statistic, float(stats.chi2.sf(statistic, 1)))


def _count(
    durations: ArrayLike, is_lost: ArrayLike, weights: ArrayLike | None
) -> tuple[Array, Array, Array]:
    ages, seen = np.asarray(durations, float), np.asarray(is_lost, bool)
    if ages.size == 0:
        raise ValueError("no durations")
    many = np.ones_like(ages) if weights is None else np.asarray(weights, float)
    times = np.unique(ages)
    return times, _at_least(ages, many, times), _exactly(ages[seen], many[seen], times)


def _exactly(ages: Array, many: Array, times: Array) -> Array:
    counts = np.bincount(np.searchsorted(times, ages), weights=many, minlength=times.size)
    return counts.astype(float)


def _at_least(ages: Array, many: Array, times: Array) -> Array:
    """How many have an age of at least each time: those whose time index is not below it."""
    order = np.argsort(ages, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(many[order])])
    return np.asarray(many.sum() - below[np.searchsorted(ages[order], times, side="left")])
