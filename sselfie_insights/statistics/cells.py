"""Memberships counted by cohort and renewal, and what differs beside the renewal.

Months in which everybody leaves more or less than usual are a gamma effect, which makes their
losses negative-binomial: Cameron and Trivedi (2013), Regression analysis of count data, chapter 3.
Cohorts that get better or worse are a log-linear trend of the hazard: Cox (1972), Regression models
and life tables, stratified by renewal.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

SPREADS: Final = np.linspace(0.0, 1.0, 21)
"""Standard deviations of the month effect that are weighed."""

# Their prior is half normal, by which a month is within 40 % of the usual.
_SPREAD_PRIOR: Final = 0.3


@dataclass(frozen=True)
class Cells:
    """Memberships by cohort and renewal.

    Attributes:
        cohort: The month in which each cohort joined, shape (c,).
        started: How many joined, shape (c,).
        lost: How many of them left at renewal 1, 2 …, shape (c, T).
        due: How many had that renewal due, shape (c, T).
        interval: Months from one renewal to the next.
    """

    cohort: Numbers
    started: Array
    lost: Array
    due: Array
    interval: int = 1

    @classmethod
    def count(
        cls,
        cohort: Numbers,
        renewal: Numbers,
        is_lost: NDArray[np.bool_],
        many: Array,
        *,
        interval: int = 1,
    ) -> "Cells":
        """Count memberships.

        Args:
            cohort: The month of joining, shape (n,).
            renewal: That at which who was lost left, from 1; of the others, how many were made.
            is_lost: Whether the loss was seen.
            many: How many share it.
            interval: Months from one renewal to the next.
        """
        cohorts, place = np.unique(cohort, return_inverse=True)
        length = int(renewal.max(initial=0))
        lost, reached = (np.zeros((cohorts.size, length + 1)) for _ in range(2))
        np.add.at(lost, (place[is_lost], renewal[is_lost]), many[is_lost])
        np.add.at(reached, (place, renewal), many)
        due = np.cumsum(reached[:, ::-1], axis=1)[:, ::-1]
        return cls(cohorts, due[:, 0], lost[:, 1:], due[:, 1:], interval)

    @property
    def month(self) -> Numbers:
        """The month of each cell, shape (c, T)."""
        ahead = self.interval * np.arange(1, self.lost.shape[1] + 1)
        return np.asarray(self.cohort[:, None] + ahead)

    def until(self, month: int) -> "Cells":
        """What was known at the end of ``month``."""
        kept = self.cohort <= month
        seen = self.month[kept] <= month
        length = int(seen.any(axis=0).sum())
        return Cells(
            self.cohort[kept],
            self.started[kept],
            (self.lost[kept] * seen)[:, :length],
            (self.due[kept] * seen)[:, :length],
            self.interval,
        )


def count_exposure(cells: Cells, now: int, slope: float) -> Array:
    """Renewals due, each counted by its cohort's risk against that of the newest."""
    return np.asarray(cells.due * np.exp(slope * (cells.cohort - now))[:, None])


def _expect(cells: Cells, now: int, slope: float) -> Array:
    """Losses expected in each cell if only renewal and cohort mattered."""
    exposure = count_exposure(cells, now, slope)
    total = np.maximum(exposure.sum(axis=0), 1e-12)
    return np.asarray(exposure * (cells.lost.sum(axis=0) / total))


def find_trend(cells: Cells, now: int) -> tuple[float, float]:
    """The slope of the log hazard over cohorts and its standard error; 0 where it has none.

    Newton's method on the partial likelihood, Breslow's for ties, in one stratum a renewal; the
    information is taken down by who stayed, as losses here are binomial.
    """
    age = (cells.cohort - now).astype(float)[:, None]
    slope = information = 0.0
    for _ in range(8):
        expected = _expect(cells, now, slope)
        total = np.maximum(expected.sum(axis=0), 1e-12)
        mean = (age * expected).sum(axis=0) / total
        stayed = 1 - cells.lost.sum(axis=0) / np.maximum(cells.due.sum(axis=0), 1e-12)
        information = float(((age - mean) ** 2 * expected).sum(axis=0) @ np.maximum(stayed, 0))
        if information <= 1e-9:
            return 0.0, 0.0
        step = float((age * (cells.lost - expected)).sum()) / information
        slope = float(np.clip(slope + np.clip(step, -0.05, 0.05), -0.3, 0.3))
    return slope, information**-0.5


def weigh_month_effect(cells: Cells, now: int, slope: float) -> tuple[Array, float]:
    """Weights of the month effect's spreads, and by what it inflates the variance of losses."""
    expected = _expect(cells, now, slope)
    month = cells.month - cells.cohort.min(initial=now)
    many = np.bincount(month.ravel(), expected.ravel())
    lost = np.bincount(month.ravel(), cells.lost.ravel())
    lost, many = lost[many > 0], many[many > 0]
    prior = -((SPREADS / _SPREAD_PRIOR) ** 2) / 2
    size = 1 / np.maximum(SPREADS, 1e-3)[:, None] ** 2
    heights = prior + stats.nbinom.logpmf(np.rint(lost), size, size / (size + many)).sum(axis=1)
    weights = np.exp(heights - heights.max())
    weights /= weights.sum()
    variance = float(weights @ SPREADS**2)
    return weights, 1 + variance * float(many @ many) / max(float(many.sum()), 1e-12)
