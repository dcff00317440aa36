"""The survival curve without a model, and a test of two of them."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sselfie_insights.statistics.intervals import wilson

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve, one element a time of loss or censoring, ascending.

    Attributes:
        times: The times, in the unit of the durations.
        at_risk: How many were still observed just before.
        lost: How many were lost at the time.
        survival: The share that survives the time.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
    """

    times: Array
    at_risk: Array
    lost: Array
    survival: Array
    low: Array
    high: Array


def kaplan_meier(
    durations: ArrayLike, is_lost: ArrayLike, weights: ArrayLike | None = None
) -> SurvivalCurve:
    """Return the Kaplan-Meier curve of right-censored durations.

    Curve and interval are SciPy's: Kaplan and Meier (1958), equation 2b; variance of Greenwood
    (1926); symmetric in log(-log S), Kalbfleisch and Prentice (1980), equation 1.14. Where that is
    not defined, before the first loss the lower end is Wilson's for everybody at risk, and where
    nobody is left the upper end is the one before.

    Args:
        durations: Time to loss or to the end of observation, shape (n,).
        is_lost: Whether the loss was seen, shape (n,).
        weights: How many share the duration, integers of shape (n,); one each by default.

    Raises:
        ValueError: There are no durations.
    """
    many = np.asarray(1 if weights is None else weights, np.int64)
    ages = np.repeat(np.asarray(durations, float), many)
    seen = np.repeat(np.asarray(is_lost, bool), many)
    if ages.size == 0:
        raise ValueError("no durations")
    times, place = np.unique(ages, return_inverse=True)
    at_risk, lost = _count(place, seen)
    curve = stats.ecdf(stats.CensoredData(uncensored=ages[seen], right=ages[~seen])).sf
    survival: Array = curve.probabilities
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The confidence interval is undefined", RuntimeWarning)
        ends = curve.confidence_interval(method="log-log")
    untouched, gone = survival == 1, survival == 0
    low = np.where(untouched, wilson(at_risk, at_risk)[0], ends.low.probabilities)
    high = np.where(untouched, 1.0, ends.high.probabilities)
    if gone.any():
        earlier = high[~gone]
        low = np.where(gone, 0.0, low)
        high = np.where(gone, earlier[-1] if earlier.size else 1.0, high)
    return SurvivalCurve(times, at_risk, lost, survival, low, high)


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
    SciPy's ``logrank`` multiplies four integer counts, which overflows at 150,000 durations.

    Args:
        durations: As for ``kaplan_meier``, both groups together, shape (n,).
        is_lost: Whether the loss was seen, shape (n,).
        in_first: Whether each belongs to the first group, shape (n,).
        weights: How many share the duration, shape (n,); one each by default.
    """
    ages, seen = np.asarray(durations, float), np.asarray(is_lost, bool)
    many = np.ones_like(ages) if weights is None else np.asarray(weights, float)
    _, place = np.unique(ages, return_inverse=True)
    at_risk, lost = _count(place, seen, many)
    at_risk_first, lost_first = _count(place, seen, many * np.asarray(in_first, bool))
    share = at_risk_first / at_risk
    variance = lost * share * (1 - share) * (at_risk - lost) / np.maximum(at_risk - 1, 1)
    total = variance.sum()
    if total <= 0:
        return None
    statistic = float((lost_first - lost * share).sum() ** 2 / total)
    return LogRank(statistic, float(stats.chi2.sf(statistic, 1)))


def _count(
    place: NDArray[np.intp], seen: NDArray[np.bool_], many: ArrayLike = 1
) -> tuple[Array, Array]:
    """Return how many are at risk at each time, and how many of them are lost."""
    weights = np.broadcast_to(np.asarray(many, float), place.shape)
    ended = np.bincount(place, weights=weights).astype(float)
    lost = np.bincount(place, weights=weights * seen).astype(float)
    return ended[::-1].cumsum()[::-1], lost
