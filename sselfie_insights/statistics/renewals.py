"""How long contracts are renewed, when customers differ: sBG and beta-discrete-Weibull.

The shifted-beta-geometric model (sBG) is Fader and Hardie (2007), How to project customer
retention: at every renewal a customer leaves with a probability of their own, beta-distributed over
customers. Cohorts seen for different times are pooled as in Fader and Hardie (2010), Customer-base
valuation in a contractual setting. The beta-discrete-Weibull (BdW) lets that probability change
with tenure: Fader, Hardie, Liu, Davin and Steenburgh (2018), How to project customer
retention revisited.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Array = NDArray[np.float64]

# The parameters are sought as (logit of the mean loss, log(α + β), log c), inside this box: a mean
# loss from 6e-6 to 0.998, and differences between customers from all to none.
_BOX: Final = np.array([(-12.0, 6.0), (-4.0, 12.0), (-2.5, 2.5)])
# The weak prior of a penalised fit, mean and standard deviation in those coordinates: a loss of
# 2 to 25 % a renewal, customers anything from alike to opposites, a risk that hardly ages.
_PRIOR: Final = np.array([(-2.5, 1.5), (4.0, 2.5), (0.0, 0.4)])
# A maximum this close to the box is where the search ended, not where the likelihood does.
_MARGIN: Final = 1e-3
# What the log likelihood may fall by inside a 95 % profile-likelihood interval.
_DROP: Final = float(stats.chi2.ppf(0.95, 1)) / 2
# Newton's method: at most so many steps, none longer than this in any coordinate, of each the share
# that rises highest, until a step is as good as none.
_NEWTON_STEPS: Final = 100
_LONGEST_STEP: Final = 1.0
_SHARES: Final = np.array([1.0, 0.5, 0.2, 0.05, 0.005])
_CLOSE: Final = 1e-6
# By how much coordinates are moved to see how the likelihood changes.
_DIFFERENCE: Final = 1e-3
# Proposals for each draw: they fit the likelihood so well that more change nothing.
_PROPOSALS: Final = 6
# Rays from the maximum on which the edge of the likelihood region is sought, by dimension.
_RAYS: Final = {2: 128, 3: 400}


@dataclass(frozen=True)
class Lifetimes:
    """Everybody's time as a customer, pooled over cohorts and right-censored.

    Attributes:
        lost: Of shape (T,): how many left at renewal 1, 2 … T.
        alive: Of shape (T + 1,): how many were last seen as customers after 0, 1 … T renewals.
    """

    lost: Array
    alive: Array

    @classmethod
    def from_durations(
        cls, durations: ArrayLike, is_lost: ArrayLike, weights: ArrayLike | None = None
    ) -> "Lifetimes":
        """Count durations in whole periods, shape (n,).

        Args:
            durations: The renewal at which who was lost left, from 1; the renewals that who was
                not lost has made, from 0.
            is_lost: Whether the loss was seen.
            weights: How many share the duration; one each by default.
        """
        ages, seen = np.asarray(durations, np.int64), np.asarray(is_lost, bool)
        many = np.ones(ages.size) if weights is None else np.asarray(weights, float)
        length = int(ages.max(initial=0)) + 1
        lost = np.bincount(ages[seen], many[seen], minlength=length)[1:]
        alive = np.bincount(ages[~seen], many[~seen], minlength=length)
        return cls(lost.astype(float), alive.astype(float))

    @property
    def count(self) -> int:
        """Customers."""
        return round(float(self.lost.sum() + self.alive.sum()))

    @property
    def lost_count(self) -> int:
        """Customers that were seen to leave."""
        return round(float(self.lost.sum()))

    @property
    def renewal_count(self) -> int:
        """Renewals that were due, over all customers."""
        periods = np.arange(self.alive.size)
        return round(float(self.lost @ periods[1:] + self.alive @ periods))

    @property
    def hazard(self) -> float:
        """Losses / renewals due: the churn rate if it were the same for all; NaN without any."""
        due = float(
            self.lost @ np.arange(1, self.alive.size) + self.alive @ np.arange(self.alive.size)
        )
        return float(self.lost.sum()) / due if due else float("nan")


def _log_survival(points: Array, periods: Array) -> Array:
    """Return log S at ``periods`` for ``points`` of shape (…, 2 or 3): shape (…, periods)."""
    mean = special.expit(points[..., :1])
    size = np.exp(points[..., 1:2])
    alpha, beta = mean * size, (1 - mean) * size
    if points.shape[-1] == 2:
        # S(t) is a product of 1 - α / (α + β + i - 1): exact where the gamma functions are not.
        steps = np.arange(int(periods[-1]))
        logs = np.cumsum(np.log1p(-alpha / (size + steps)), axis=-1)
        logs = np.concatenate([np.zeros((*logs.shape[:-1], 1)), logs], axis=-1)
        return np.asarray(logs[..., periods.astype(np.int64)])
    aged = periods ** np.exp(points[..., 2:3])
    # Of two log beta functions, as differences of log gamma functions rise above 0 for large t^c.
    logs = special.betaln(alpha, beta + aged) - special.betaln(alpha, beta)
    return np.asarray(np.minimum.accumulate(np.minimum(logs, 0.0), axis=-1))


def _log_likelihood(points: Array, data: Lifetimes) -> Array:
    """Return Σ lost·log(S(t-1) - S(t)) + Σ alive·log S(t), one number a point."""
    logs = _log_survival(points, np.arange(float(data.alive.size)))
    with np.errstate(divide="ignore"):
        gone = np.maximum(-np.expm1(np.diff(logs, axis=-1)), 0.0)
        leaving = logs[..., :-1] + np.log(gone)
    leaving = np.maximum(leaving, -1e6)
    return np.asarray(leaving @ data.lost + logs @ data.alive)


def _height(points: Array, data: Lifetimes, is_penalised: bool) -> Array:
    """Return the log likelihood, of a penalised fit with the log density of its prior."""
    heights = _log_likelihood(points, data)
    if not is_penalised:
        return heights
    mean, spread = _PRIOR[: points.shape[-1]].T
    return np.asarray(heights - (((points - mean) / spread) ** 2).sum(axis=-1) / 2)


@dataclass(frozen=True)
class Renewals:
    """A fitted model: sBG with two parameters, or BdW with three.

    Attributes:
        data: What it was fitted to.
        point: The maximum of the likelihood, in the coordinates of the search.
        log_likelihood: What was maximised: the log likelihood, less the penalty of a penalised fit.
        is_penalised: Whether it is.
    """

    data: Lifetimes
    point: Array
    log_likelihood: float
    is_penalised: bool = False

    @property
    def name(self) -> str:
        """``sBG`` or ``BdW``."""
        return "sBG" if self.point.size == 2 else "BdW"

    @property
    def is_at_edge(self) -> bool:
        """Whether the search ended at the edge of its range: then this is no fit."""
        box = _BOX[: self.point.size]
        return bool((np.abs(self.point[:, None] - box) < _MARGIN).any())

    @property
    def parameters(self) -> tuple[float, ...]:
        """α and β, and of BdW c."""
        return tuple(float(value) for value in _as_parameters(self.point))

    @cached_property
    def edge(self) -> Array:
        """Where twice the log likelihood is 3.84 below its maximum; the maximum itself comes first.

        Of shape (points, 2 or 3). The least and the greatest value on it of any function of the
        parameters are the ends of that function's 95 % profile-likelihood interval.
        """
        axes = _axes(self)
        rays = _directions(self.point.size) @ axes.T
        threshold = self.log_likelihood - _DROP

        def is_inside(reach: Array) -> NDArray[np.bool_]:
            points = self.point + reach[..., None] * rays
            box = _BOX[: self.point.size]
            in_box = ((points >= box[:, 0]) & (points <= box[:, 1])).all(axis=-1)
            clipped = np.clip(points, box[:, 0], box[:, 1])
            return np.asarray(in_box & (self.height(clipped) >= threshold))

        steps = np.linspace(0.5, 12, 24)
        inside = np.array([is_inside(np.full(len(rays), step)) for step in steps])
        exits = np.where(inside.all(axis=0), len(steps), inside.argmin(axis=0))
        low = np.concatenate([[0.0], steps])[exits]
        high = np.concatenate([steps, [steps[-1]]])[exits]
        for _ in range(20):
            middle = (low + high) / 2
            within = is_inside(middle)
            low, high = np.where(within, middle, low), np.where(within, high, middle)
        return np.vstack([self.point, self.point + low[:, None] * rays])

    def height(self, points: Array) -> Array:
        """Return what was maximised at ``points`` of shape (…, 2 or 3), one number a point."""
        return _height(points, self.data, self.is_penalised)

    def interval(self, of_edge: Array) -> tuple[Array, Array]:
        """Return the profile-likelihood interval of a function, by its values on ``edge``.

        Args:
            of_edge: The function's values, first axis as in ``edge``.
        """
        return of_edge.min(axis=0), of_edge.max(axis=0)

    def parameter_intervals(self) -> list[tuple[float, float]]:
        """Return the 95 % profile-likelihood interval of each parameter.

        Where customers do not differ as far as the data show, α and β have no upper bound; the
        interval then ends at the edge of the search, α + β = 160,000.
        """
        values = np.array([_as_parameters(point) for point in self.edge])
        return [(float(column.min()), float(column.max())) for column in values.T]

    def survival(self, periods: ArrayLike, points: Array | None = None) -> Array:
        """Return S at the ascending whole ``periods``; of ``points``, by default the maximum."""
        chosen = self.point if points is None else points
        return np.exp(_log_survival(chosen, np.asarray(periods, float)))

    def hazard(self, renewals: ArrayLike, points: Array | None = None) -> Array:
        """Return the chance to leave at the next renewal, after ascending ``renewals`` made.

        For sBG this is α / (α + β + renewals), Fader and Hardie (2007), equation 7.
        """
        made = np.asarray(renewals, np.int64)
        chosen = self.point if points is None else points
        logs = _log_survival(chosen, np.arange(float(made.max(initial=0)) + 2))
        # Far in the tail of some parameters the logarithms are exact to a few digits only.
        return np.clip(-np.expm1(np.diff(logs, axis=-1)[..., made]), 0.0, 1.0)

    def derl(self, renewals: ArrayLike, monthly_rate: float, points: Array | None = None) -> Array:
        """Return the discounted expected residual lifetime, in periods paid from the next renewal.

        Fader and Hardie (2010), equation 6: the sum over t ≥ n of S(t) / S(n - 1) / (1 + d)^(t - n)
        just before the renewal n, after n - 1 made, until what follows is below 1e-6 of a period.

        Args:
            renewals: Renewals made, from 0, shape (k,).
            monthly_rate: The discount rate d of a period, above 0.
            points: Parameters of shape (…, 2 or 3), by default the maximum.

        Returns:
            Periods, shape (…, k).
        """
        made = np.asarray(renewals, np.int64)
        horizon = int(np.ceil(np.log(1e-6 * monthly_rate) / -np.log1p(monthly_rate)))
        periods = np.arange(int(made.max(initial=0)) + horizon + 1)
        curve = self.survival(periods, points)
        discounted = curve * (1 + monthly_rate) ** -periods.astype(float)
        later = np.cumsum(discounted[..., ::-1], axis=-1)[..., ::-1]
        scale = (1 + monthly_rate) ** (made + 1.0)
        reached = np.maximum(curve[..., made], np.finfo(float).tiny)
        return np.asarray(later[..., made + 1] * scale / reached)

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """Return ``size`` parameters drawn from the likelihood as a density, for simulations.

        Sampling importance resampling, Rubin (1988), from a Student t with four degrees of freedom
        around the maximum, within the box of the search.
        """
        axes, box = _axes(self), _BOX[: self.point.size]
        proposals = _PROPOSALS * max(size, 100)
        normal = rng.standard_normal((proposals, self.point.size))
        shrink = np.sqrt(rng.chisquare(4, proposals) / 4)[:, None]
        steps = normal / shrink
        points = self.point + steps @ axes.T
        outside = ((points < box[:, 0]) | (points > box[:, 1])).any(axis=1)
        heights = self.height(np.clip(points, box[:, 0], box[:, 1]))
        density = -(4 + self.point.size) / 2 * np.log1p((steps**2).sum(axis=1) / 4)
        weights = np.where(outside, -np.inf, heights - self.log_likelihood - density)
        chances = np.exp(weights - weights.max())
        return points[rng.choice(proposals, size=size, p=chances / chances.sum())]


def fit_sbg(data: Lifetimes, *, is_penalised: bool = False) -> Renewals:
    """Return the sBG model of greatest likelihood.

    Fader and Hardie (2007), equations 5 to 8, with the likelihood of Fader and Hardie (2010).

    Args:
        data: What to fit to; its counts may be fractions, of a likelihood that is trusted less.
        is_penalised: Whether to add the log density of a weak prior, which keeps a fit to few
            losses from the edge of the range and leaves one to many where it was.

    Raises:
        ValueError: Nobody was lost, and no prior makes up for it.
    """
    return _climb(data, [np.linspace(-3, 3, 7), np.linspace(-2, 10, 7)], is_penalised)


def fit_bdw(
    data: Lifetimes, *, is_penalised: bool = False, near: Renewals | None = None
) -> Renewals:
    """Return the beta-discrete-Weibull model of greatest likelihood.

    Fader et al. (2018), equation 5: S(t) = B(α, β + t^c) / B(α, β); with c = 1 it is sBG.

    Args:
        data: As of ``fit_sbg``.
        is_penalised: As of ``fit_sbg``.
        near: The sBG model of the same data, from which to climb; a grid is searched by default.

    Raises:
        ValueError: Nobody was lost, and no prior makes up for it.
    """
    if near is not None:
        return Renewals(data, *_rise(np.append(near.point, 0.0), data, is_penalised), is_penalised)
    shapes = np.linspace(-1.5, 1.5, 5)
    return _climb(data, [np.linspace(-3, 3, 7), np.linspace(-3, 9, 7), shapes], is_penalised)


def _climb(data: Lifetimes, grid: list[Array], is_penalised: bool) -> Renewals:
    """Climb from the best point of ``grid``, the first axis of which is around the churn rate."""
    if data.lost.sum() == 0 and not is_penalised:
        raise ValueError("nobody was lost: there is nothing to fit")
    middle = special.logit(np.clip(np.nan_to_num(data.hazard), 1e-3, 0.99))
    points = np.stack(np.meshgrid(grid[0] + middle, *grid[1:], indexing="ij"), axis=-1)
    box = _BOX[: len(grid)]
    points = np.clip(points.reshape(-1, len(grid)), box[:, 0], box[:, 1])
    start = points[_height(points, data, is_penalised).argmax()]
    return Renewals(data, *_rise(start, data, is_penalised), is_penalised)


def _rise(point: Array, data: Lifetimes, is_penalised: bool) -> tuple[Array, float]:
    """Return the maximum that Newton's method finds from ``point``, and its height."""
    box = _BOX[: point.size]
    height = -np.inf
    for _ in range(_NEWTON_STEPS):
        slope, curvature = _slopes(point, data, is_penalised)
        values, vectors = np.linalg.eigh(curvature)
        # Where the height does not fall to both sides, a step up the slope; none goes far.
        least = max(1e-3, 1e-7 * float(values[-1]))
        step = vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), least))
        step *= min(1.0, _LONGEST_STEP / float(np.abs(step).max() + 1e-300))
        tried = np.clip(point + _SHARES[:, None] * step, box[:, 0], box[:, 1])
        heights = _height(tried, data, is_penalised)
        best = int(heights.argmax())
        gained, moved = float(heights[best]) - height, float(np.abs(tried[best] - point).max())
        if gained > 0:
            point, height = tried[best], float(heights[best])
        if gained <= 0 or moved < _CLOSE:
            break
    return point, height


def _slopes(point: Array, data: Lifetimes, is_penalised: bool) -> tuple[Array, Array]:
    """Return the gradient of the height and its curvature, downwards, by central differences."""
    size = point.size
    axes = _DIFFERENCE * np.eye(size)
    first, second = np.triu_indices(size, 1)
    pairs = axes[first] + axes[second]
    shifts = np.vstack([np.zeros((1, size)), axes, -axes, pairs, -pairs])
    box = _BOX[:size]
    middle = np.clip(point, box[:, 0] + 2 * _DIFFERENCE, box[:, 1] - 2 * _DIFFERENCE)
    heights = _height(middle + shifts, data, is_penalised)
    top, up, down = heights[0], heights[1 : size + 1], heights[size + 1 : 2 * size + 1]
    both = heights[2 * size + 1 :].reshape(2, -1).sum(axis=0)
    curvature = np.diag(2 * top - up - down)
    sides = up + down
    mixed = (sides[first] + sides[second] - 2 * top - both) / 2
    curvature[first, second] = curvature[second, first] = mixed
    return (up - down) / (2 * _DIFFERENCE), curvature / _DIFFERENCE**2


def _as_parameters(point: Array) -> list[float]:
    mean, size = special.expit(point[0]), np.exp(point[1])
    return [mean * size, (1 - mean) * size, *np.exp(point[2:])]


def _axes(model: Renewals) -> Array:
    """Return a matrix whose columns are one standard error long, at most a third of the box."""
    _, curvature = _slopes(model.point, model.data, model.is_penalised)
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray(vectors / np.sqrt(np.maximum(values, 1 / 16)))


def _directions(size: int) -> Array:
    """Return evenly spread unit vectors, shape (rays, size)."""
    count = np.arange(_RAYS[size])
    if size == 2:
        angle = 2 * np.pi * count / _RAYS[size]
        return np.column_stack([np.cos(angle), np.sin(angle)])
    # The Fibonacci sphere: heights in equal steps, angles by the golden ratio.
    height = 1 - (2 * count + 1) / _RAYS[size]
    angle = np.pi * (3 - np.sqrt(5)) * count
    radius = np.sqrt(1 - height**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
