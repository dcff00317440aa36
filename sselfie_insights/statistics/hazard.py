"""Who is likely to leave in the next period: a logistic model that can be read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from sselfie_insights.statistics.shares import Z_95

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HazardModel:
    """A discrete-time hazard: the log odds of leaving in a period are linear in the features.

    Cox (1972), section 7, and Allison (1982), Discrete-time methods for the analysis of event
    histories: a logistic regression on one row a customer and period at risk.

    Attributes:
        means: Of each feature over the rows it was fitted to, shape (p,).
        scales: Standard deviations, 1 where a feature never varied, shape (p,).
        coefficients: Of the intercept and the standardised features, shape (p + 1,).
        covariance: Of the coefficients, shape (p + 1, p + 1).
        count: Rows it was fitted to.
        lost_count: How many of them left.
        varies: Whether each feature ever did, shape (p,); of one that did not nothing is known.
    """

    means: Array
    scales: Array
    coefficients: Array
    covariance: Array
    count: int
    lost_count: int
    varies: NDArray[np.bool_]

    def contributions(self, features: ArrayLike) -> Array:
        """Return what each feature adds to the log odds against the mean row, shape (n, p).

        An unknown feature (NaN) adds nothing.
        """
        return self._standardise(features) * self.coefficients[1:]

    def log_odds(self, features: ArrayLike) -> Array:
        """Return the log odds of leaving, shape (n,)."""
        return np.asarray(self.coefficients[0] + self.contributions(features).sum(axis=1))

    def error(self, features: ArrayLike) -> Array:
        """Return the standard error of ``log_odds`` by the delta method, shape (n,)."""
        rows = _with_intercept(self._standardise(features))
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows)))

    def odds_ratios(self) -> tuple[Array, Array, Array]:
        """Return by what a standard deviation more multiplies the odds, and the 95 % interval."""
        middle = self.coefficients[1:]
        reach = Z_95 * np.sqrt(np.diag(self.covariance)[1:])
        return np.exp(middle), np.exp(middle - reach), np.exp(middle + reach)

    def is_clear(self, level: float = 0.05) -> NDArray[np.bool_]:
        """Say which features matter beyond doubt, with one false one in 20 businesses at most.

        Wald tests of the coefficients of those that vary, by the step-down procedure of Holm
        (1979), A simple sequentially rejective multiple test procedure.
        """
        z = self.coefficients[1:] / np.sqrt(np.diag(self.covariance)[1:])
        p = np.where(self.varies, 2 * stats.norm.sf(np.abs(z)), 1.0)
        order = np.argsort(p, kind="stable")
        many = int(self.varies.sum()) - np.arange(p.size)
        passed = np.logical_and.accumulate(p[order] * np.maximum(many, 1) <= level)
        clear = np.zeros(p.size, bool)
        clear[order] = passed
        return clear & self.varies

    def _standardise(self, features: ArrayLike) -> Array:
        values = (np.asarray(features, float) - self.means) / self.scales
        return np.nan_to_num(values, nan=0.0)


def fit_hazard(features: ArrayLike, is_lost: ArrayLike, *, ridge: float = 1.0) -> HazardModel:
    """Return the hazard model of greatest penalised likelihood.

    Le Cessie and van Houwelingen (1992), Ridge estimators in logistic regression: features are
    standardised, ``ridge`` / 2 · Σ β² is taken off the log likelihood, the intercept goes free.

    Args:
        features: One row a customer and period, shape (n, p); NaN where not known.
        is_lost: Whether the customer left in the period, shape (n,).
        ridge: The penalty; 1 is a standard normal prior on each coefficient.

    Raises:
        ValueError: Nobody left, or everybody did.
    """
    values, outcome = np.asarray(features, float), np.asarray(is_lost, float)
    if not 0 < outcome.sum() < outcome.size:
        raise ValueError("nobody left, or everybody: there is nothing to fit")
    known = ~np.isnan(values)
    many = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, values, 0.0).sum(axis=0) / many
    centred = np.where(known, values - means, 0.0)
    scales = np.sqrt((centred**2).sum(axis=0) / many)
    scales = np.where(scales > 1e-9, scales, 1.0)
    rows = _with_intercept(centred / scales)
    penalty = np.concatenate([[0.0], np.full(values.shape[1], ridge)])
    start = np.zeros(rows.shape[1])
    start[0] = special.logit(outcome.mean())

    def fall(beta: Array) -> tuple[float, Array]:
        linear = rows @ beta
        loss = np.logaddexp(0, linear).sum() - outcome @ linear + penalty @ beta**2 / 2
        return float(loss), rows.T @ (special.expit(linear) - outcome) + penalty * beta

    def curve(beta: Array) -> Array:
        chance = special.expit(rows @ beta)
        return np.asarray((rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty))

    options = {"gtol": 1e-8 * outcome.size}
    found = optimize.minimize(
        fall, start, jac=True, hess=curve, method="trust-exact", options=options
    )
    return HazardModel(
        means,
        scales,
        np.asarray(found.x),
        np.asarray(np.linalg.inv(curve(found.x)), float),
        outcome.size,
        int(outcome.sum()),
        (centred**2).sum(axis=0) > 1e-9,
    )


@dataclass(frozen=True)
class Recalibration:
    """A line that brings predicted log odds to what happened, with its doubt.

    Attributes:
        line: Intercept and slope.
        covariance: Of the two, shape (2, 2); zeros where nothing was recalibrated.
    """

    line: Array
    covariance: Array

    def log_odds(self, predicted: ArrayLike) -> Array:
        """Return the log odds that predicted ones stand for."""
        return np.asarray(self.line[0] + self.line[1] * np.asarray(predicted, float))

    def error(self, predicted: ArrayLike, error: ArrayLike) -> Array:
        """Return the standard error of ``log_odds``: that of the prediction, and the line's own.

        Args:
            predicted: Predicted log odds, shape (n,).
            error: Their standard errors, shape (n,).
        """
        rows = _with_intercept(np.asarray(predicted, float)[:, None])
        own = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        return np.asarray(np.sqrt((self.line[1] * np.asarray(error, float)) ** 2 + own))


UNCHANGED = Recalibration(np.array([0.0, 1.0]), np.zeros((2, 2)))
"""No recalibration."""


def recalibrate(log_odds: ArrayLike, happened: ArrayLike) -> Recalibration:
    """Return the line that brings predicted log odds to what happened afterwards.

    Cox (1958), Two further applications of a model for binary regression; the slope is held near 1
    by a standard normal prior, so that few outcomes change little. Its doubt is the inverse
    information. Where the 95 % interval of the slope reaches 0, predictions say nothing that a line
    could mend: they stay as they are.

    Args:
        log_odds: Predictions for rows that the model had not seen, shape (n,).
        happened: Their outcomes, shape (n,).
    """
    predicted, outcome = np.asarray(log_odds, float), np.asarray(happened, float)

    def fall(line: Array) -> tuple[float, Array]:
        linear = line[0] + line[1] * predicted
        loss = np.logaddexp(0, linear).sum() - outcome @ linear
        loss += (line[0] ** 2 + (line[1] - 1) ** 2) / 2
        slope = special.expit(linear) - outcome
        rise = np.array([slope.sum() + line[0], slope @ predicted + line[1] - 1])
        return float(loss) / outcome.size, rise / outcome.size

    found = optimize.minimize(
        fall, np.array([0.0, 1.0]), jac=True, method="SLSQP", options={"ftol": 1e-12}
    )
    rows = _with_intercept(predicted[:, None])
    chance = special.expit(rows @ found.x)
    information = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.eye(2)
    covariance = np.linalg.inv(information)
    if found.x[1] <= Z_95 * np.sqrt(covariance[1, 1]):
        return UNCHANGED
    return Recalibration(np.asarray(found.x), covariance)


def _with_intercept(rows: Array) -> Array:
    return np.column_stack([np.ones(len(rows)), rows])
