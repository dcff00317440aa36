"""The chance to leave at every renewal, and all the doubt about it.

sBG and beta-discrete-Weibull, each with and without a chance of its own for the first renewal, are
fitted with a weak prior and weighted by their likelihood less one for each parameter: the Akaike
weights of Burnham and Anderson (2002), Model selection and multimodel inference, chapter 2. Beside
them stands the geometric model, where members are all alike: no sBG of finite parameters is that,
and every fit to such members expects the last of them to stay for too long.
Where losses at single renewals scatter more than such a curve allows, they are shrunk towards it as
beta-binomial counts: Morris (1983), Parametric empirical Bayes inference.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from sselfie_insights.statistics.cells import (
    SPREADS,
    Cells,
    count_exposure,
    find_trend,
    weigh_month_effect,
)
from sselfie_insights.statistics.renewals import Lifetimes, Renewals, fit_bdw, fit_sbg

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

# How many memberships the curve is worth beside what was seen at one renewal.
_CONCENTRATIONS: Final = np.geomspace(3, 3000, 13)
# What the log likelihood gains by chance in 5 of 100 curves that hold: half the 90th percentile of
# chi-squared with one degree of freedom, as a concentration cannot be beyond infinite.
_SCATTER_GAIN: Final = 1.353
# A trend from cohort to cohort is believed beyond this z: 2 in 100 businesses without one have it.
_TREND_Z: Final = float(stats.norm.ppf(0.99))
# Slopes at which a trend is taken, in standard errors, and weights: three-point Gauss-Hermite.
_SLOPES: Final = np.array([-(3**0.5), 0.0, 3**0.5])
_SLOPE_WEIGHTS: Final = np.array([1, 4, 1]) / 6
# How much likelier it is, before anything is seen, that members differ than that they do not.
_ODDS_TO_DIFFER: Final = 2.0
# Candidates of less weight are left out.
_LEAST_WEIGHT: Final = 0.02
# A renewal whose losses are this many standard errors from the curve has a chance of its own: one
# in a hundred curves of 24 renewals that hold has one.
_OWN_Z: Final = 3.5
# What a likelihood ratio reaches by chance in 5 of 100 samples without the third parameter.
_RATIO: Final = float(np.exp(-stats.chi2.ppf(0.95, 1) / 2))
# Renewals beyond the last seen at which hazards still scatter.
_SCATTER_AHEAD: Final = 12


@dataclass(frozen=True)
class Draws:
    """Chances to leave, one row a draw from the doubt about them.

    Attributes:
        chance: At renewal 1, 2 … of the newest cohort, shape (draws, length).
        slope: By how much the log hazard rises from one cohort to the next, shape (draws,).
        spread: The standard deviation of the month effect, shape (draws,).
    """

    chance: Array
    slope: Array
    spread: Array

    def stays(self, renewal: Numbers, age: Numbers) -> Array:
        """Return the chance to stay at ``renewal`` of members who joined ``age`` months ago.

        Args:
            renewal: Counted from 1, shape (g,).
            age: Months before the last seen, shape (g,).

        Returns:
            Shape (draws, g).
        """
        stays = 1 - self.chance[:, renewal - 1]
        if not self.slope.any():
            return np.asarray(stays)
        return np.asarray(stays ** np.exp(-self.slope[:, None] * age))

    def months(self, rng: np.random.Generator, ahead: int) -> Array:
        """Return drawn month effects, by which log survival is multiplied, (draws, ahead)."""
        shape = 1 / np.maximum(self.spread, 1e-3)[:, None] ** 2
        return rng.gamma(np.broadcast_to(shape, (self.spread.size, ahead))) / shape


@dataclass(frozen=True)
class _Alike:
    """The geometric model: at every renewal everybody leaves with the same chance.

    Attributes:
        lost: How many left.
        due: Of how many renewals.
    """

    name: ClassVar[str] = "geometric"
    lost: float
    due: float

    @property
    def log_likelihood(self) -> float:
        return _binomial(self.lost, self.due)

    def hazard(self, renewals: Numbers, points: Array | None = None) -> Array:
        """Return the chance at each of ``renewals``; of drawn ``points``, shape (…, renewals)."""
        chance = (self.lost + 0.5) / (self.due + 1) if points is None else points[:, None]
        return np.asarray(chance * np.ones(renewals.size))

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """Return ``size`` chances of Jeffreys' posterior."""
        return rng.beta(self.lost + 0.5, self.due - self.lost + 0.5, size)


def _binomial(lost: float, due: float) -> float:
    """The greatest log likelihood of ``lost`` among ``due``."""
    share = lost / max(due, 1e-12)
    return float(special.xlogy(lost, share) + special.xlog1py(due - lost, -share))


@dataclass(frozen=True)
class _Candidate:
    """A curve: a model of every renewal, or of those after the first, whose chance is its own."""

    weight: float
    slope: float
    first: tuple[float, float] | None
    tail: Renewals | _Alike
    lost: Array
    due: Array
    own: NDArray[np.bool_]

    @property
    def log_likelihood(self) -> float:
        if isinstance(self.tail, _Alike):
            found = self.tail.log_likelihood
        else:
            found = float(replace(self.tail, is_penalised=False).height(self.tail.point))
        return found if self.first is None else found + _binomial(*self.first)

    def curve(self, length: int) -> Array:
        curve = self.tail.hazard(np.arange(length))
        if self.first is None:
            return curve
        lost, due = self.first
        return np.concatenate([[(lost + 0.5) / (due + 1)], curve[:-1]])

    def draw(self, rng: np.random.Generator, size: int, length: int) -> Array:
        curves = self.tail.hazard(np.arange(length), self.tail.draw(rng, size))
        if self.first is None:
            return curves
        lost, due = self.first
        first = rng.beta(lost + 0.5, due - lost + 0.5, size)
        return np.column_stack([first, curves[:, :-1]])


@dataclass(frozen=True)
class Retention:
    """What renewals so far say of renewals to come.

    Attributes:
        candidates: The curves, the likeliest of sBG and BdW first.
        spreads: Weights of the standard deviations of the month effect.
        concentrations: Weights of what the curve is worth at one renewal; None where it holds.
        trend: The slope of the log hazard from cohort to cohort and its standard error; None where
            there is no trend to speak of.
    """

    candidates: tuple[_Candidate, ...]
    spreads: Array
    concentrations: Array | None
    trend: tuple[float, float] | None

    @property
    def name(self) -> str:
        """``sBG`` or ``BdW``, and whether the first renewal has a chance of its own."""
        return self.curve.name + ("" if self.first is None else " after the first renewal")

    @property
    def curve(self) -> Renewals:
        """The likeliest of sBG and BdW, of every renewal or of those after the first."""
        tail = self.candidates[0].tail
        assert isinstance(tail, Renewals)  # noqa: S101  # the others stand behind
        return tail

    @property
    def first(self) -> tuple[float, float, float] | None:
        """The chance to leave at the first renewal, where it is its own, and its 95 % interval."""
        if self.candidates[0].first is None:
            return None
        lost, due = self.candidates[0].first
        low, high = stats.beta.ppf([0.025, 0.975], lost + 0.5, due - lost + 0.5)
        return (lost + 0.5) / (due + 1), float(low), float(high)

    def chance(self, length: int) -> Array:
        """Return the likeliest chances of the newest cohort to leave at renewals 1 … ``length``."""
        best = self.candidates[0]
        chance = best.curve(length)
        seen = min(length, best.due.size)
        lost, due = best.lost[:seen], best.due[:seen]
        if self.concentrations is not None:
            worth = float(np.exp(self.concentrations @ np.log(_CONCENTRATIONS)))
            chance[:seen] = (worth * chance[:seen] + lost) / (worth + due)
        chance[:seen] = np.where(best.own[:seen], (lost + 0.5) / (due + 1), chance[:seen])
        return chance

    def draw(self, rng: np.random.Generator, size: int, length: int) -> Draws:
        """Return ``size`` draws of the chances at renewals 1 … ``length``."""
        weights = np.array([each.weight for each in self.candidates])
        many = rng.multinomial(size, weights / weights.sum())
        chance = np.empty((size, length))
        slope = np.repeat([each.slope for each in self.candidates], many)
        end = np.cumsum(many)
        for candidate, start, stop in zip(self.candidates, end - many, end, strict=True):
            if stop > start:
                chance[start:stop] = candidate.draw(rng, stop - start, length)
                if self.concentrations is not None:
                    self._scatter(rng, candidate, chance[start:stop])
                for k in np.flatnonzero(candidate.own[:length]):
                    lost, due = candidate.lost[k], candidate.due[k]
                    chance[start:stop, k] = rng.beta(lost + 0.5, due - lost + 0.5, stop - start)
        spread = rng.choice(SPREADS, size=size, p=self.spreads)
        return Draws(np.clip(chance, 0.0, 1.0), slope, spread)

    def _scatter(self, rng: np.random.Generator, candidate: _Candidate, chance: Array) -> None:
        """Shrink what was seen at each renewal towards the curves, in place."""
        assert self.concentrations is not None  # noqa: S101  # the caller asked
        worth = rng.choice(_CONCENTRATIONS, size=(len(chance), 1), p=self.concentrations)
        length = min(chance.shape[1], candidate.due.size + _SCATTER_AHEAD)
        lost, due = np.zeros(length), np.zeros(length)
        seen = min(length, candidate.due.size)
        lost[:seen], due[:seen] = candidate.lost[:seen], candidate.due[:seen]
        curve = np.clip(chance[:, :length], 1e-6, 1 - 1e-6)
        chance[:, :length] = rng.beta(worth * curve + lost, worth * (1 - curve) + due - lost)


def fit_retention(cells: Cells, now: int) -> Retention | None:
    """Return what ``cells`` say of the chances to leave; None where every fit ends at its edge.

    Args:
        cells: What was seen up to ``now``.
        now: The month in which the newest cohort joins.
    """
    slope, error = find_trend(cells, now)
    spreads, dispersion = weigh_month_effect(cells, now, slope)
    error *= np.sqrt(dispersion)
    trend = (slope, error) if error and abs(slope) > _TREND_Z * error else None
    if trend is None:
        spreads, dispersion = weigh_month_effect(cells, now, 0.0)
    slopes = np.zeros(1) if trend is None else slope + error * _SLOPES
    found = [_candidates(cells, now, float(each), dispersion) for each in slopes]
    concentrations = None
    if all(found):
        concentrations, more = _concentrate(found[len(found) // 2][0])
        if concentrations is not None:
            found = [_candidates(cells, now, float(each), dispersion * more) for each in slopes]
    if not all(found):
        return None
    if trend is None:
        return Retention(tuple(found[0]), spreads, concentrations, trend)
    low, middle, high = (
        [replace(each, weight=each.weight * share) for each in part]
        for part, share in zip(found, _SLOPE_WEIGHTS, strict=True)
    )
    return Retention((*middle, *low, *high), spreads, concentrations, trend)


def _candidates(
    cells: Cells,
    now: int,
    slope: float,
    dispersion: float,
) -> list[_Candidate]:
    """Return the curves that a trend of ``slope`` leaves, weighted, the likeliest first.

    Renewals with a chance of their own teach the curve nothing: there it is given the losses that
    those around them would have.
    """
    lost = cells.lost.sum(axis=0) / dispersion
    due = np.maximum(count_exposure(cells, now, slope).sum(axis=0) / dispersion, lost)
    own, usual = _find_own(lost, due)
    taught = np.where(own, due * usual, lost)
    started = max(float(cells.started.sum()) / dispersion, float(due.max(initial=0.0)))
    whole = _lifetimes(taught, due, started)

    def stand(tail: Renewals | _Alike, first: tuple[float, float] | None) -> _Candidate:
        return _Candidate(1.0, slope, first, tail, lost, due, own)

    fitted = [stand(tail, None) for tail in _fit_both(whole) if not tail.is_at_edge]
    alike = [stand(_Alike(float(taught.sum()), float(due.sum())), None)]
    if due.size > 1 and due[0] > 0:
        after = _lifetimes(taught[1:], due[1:], max(due[0] - lost[0], float(due[1])))
        first = (float(lost[0]), float(due[0]))
        fitted += [stand(tail, first) for tail in _fit_both(after) if not tail.is_at_edge]
        alike += [stand(_Alike(float(taught[1:].sum()), float(due[1:].sum())), first)]
    if not fitted:
        return []
    # The likeliest has what sBG has not only where likelihood-ratio tests at 5 % prefer that.
    plain = [
        _height(each) + np.log(_RATIO) * ((each.tail.name != "sBG") + (each.first is not None))
        for each in fitted
    ]
    found = [fitted[k] for k in np.argsort(-np.array(plain), kind="stable")] + alike
    heights = np.array([_height(each) for each in found])
    weights = np.exp(heights - heights.max())
    weights /= weights.sum()
    return [
        replace(each, weight=float(weight))
        for k, (each, weight) in enumerate(zip(found, weights, strict=True))
        if weight > _LEAST_WEIGHT or k == 0
    ]


def _height(candidate: _Candidate) -> float:
    """The log of a candidate's weight: its likelihood less one for each parameter, and its odds.

    The shape of BdW is held near 1 by its prior already: α, β and the first renewal count.
    """
    is_alike = isinstance(candidate.tail, _Alike)
    parameters = (1 if is_alike else 2) + (candidate.first is not None)
    return candidate.log_likelihood - parameters - is_alike * float(np.log(_ODDS_TO_DIFFER))


def _fit_both(data: Lifetimes) -> tuple[Renewals, Renewals]:
    """Return sBG and the beta-discrete-Weibull of ``data``."""
    plain = fit_sbg(data, is_penalised=True)
    return plain, fit_bdw(data, is_penalised=True, near=plain)


def _lifetimes(lost: Array, due: Array, started: float) -> Lifetimes:
    """The lifetimes of which ``due`` had each renewal due and ``lost`` left at it."""
    reached = np.concatenate([[started], due - lost])
    return Lifetimes(lost, reached - np.append(due, 0.0))


def _find_own(lost: Array, due: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which renewals after the first stand out from those around them, and what those would say.

    The reference of a renewal is the median chance of the three on either side, the first left out;
    its doubt is that of a median, pi / 2 times the variance of a mean. Where chances fall, those on
    one side alone mislead a median of many members, so the line through them must agree.
    """
    chance = lost / np.maximum(due, 1e-12)
    own, usual = np.zeros(due.size, bool), chance.copy()
    for k in range(1, due.size):
        around = [n for n in range(max(1, k - 3), min(due.size, k + 4)) if n != k and due[n] > 0]
        if len(around) < 3:
            continue
        usual[k] = float(np.median(chance[around]))
        spread = max(usual[k] * (1 - usual[k]), 1 / float(due[around].sum()))
        error = np.sqrt(spread * (due[k] + due[k] ** 2 * np.pi / 2 / float(due[around].sum())))
        stands_out = abs(lost[k] - due[k] * usual[k]) > _OWN_Z * max(float(error), 1.0)
        own[k] = stands_out and _leaves_line(lost, due, k, [n for n in around if lost[n] > 0])
    return own, usual


def _leaves_line(lost: Array, due: Array, k: int, around: list[int]) -> bool:
    """Whether the losses at ``k`` leave the line, in logarithms, through the chances around."""
    if len(around) < 3:
        return True
    x = np.log(np.array(around) + 1.0) - np.log(k + 1.0)
    design = np.column_stack([np.ones_like(x), x]) * np.sqrt(lost[around])[:, None]
    covariance = np.linalg.inv(design.T @ design)
    height = np.log(lost[around] / due[around]) * np.sqrt(lost[around])
    expected = float(due[k] * np.exp((covariance @ design.T @ height)[0]))
    variance = expected + expected**2 * float(covariance[0, 0])
    return bool(abs(lost[k] - expected) > _OWN_Z * np.sqrt(max(variance, 1.0)))


def _concentrate(best: _Candidate) -> tuple[Array | None, float]:
    """Weights of what the curve is worth at one renewal, and how much less its fit is worth.

    None and 1 where losses scatter around the curve no more than chance makes them.
    """
    used = ~best.own
    used[:1] &= best.first is None
    lost, due = best.lost[used], best.due[used]
    curve = np.clip(best.curve(best.due.size)[used], 1e-6, 1 - 1e-6)
    worth = _CONCENTRATIONS[:, None]
    a, b = worth * curve, worth * (1 - curve)
    heights = (special.betaln(a + lost, b + due - lost) - special.betaln(a, b)).sum(axis=1)
    bare = float((lost * np.log(curve) + (due - lost) * np.log1p(-curve)).sum())
    if heights.max() - bare < _SCATTER_GAIN:
        return None, 1.0
    weights = np.exp(heights - heights.max())
    weights /= weights.sum()
    factor = weights @ (1 + np.maximum(due - 1, 0) / (worth + 1))
    return weights, max(1.0, float(lost @ factor) / max(float(lost.sum()), 1e-12))
