"""Discounted months that a member is still expected to pay, by renewals made."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sselfie_insights.forecast.rules import SEED
from sselfie_insights.forecast.survival import CURVE_DRAWS, Fit
from sselfie_insights.statistics.retention import Draws

Array = NDArray[np.float64]

# Renewals ahead after which the chance to leave hardly moves any more: twenty years.
_TAIL: Final = 240


@dataclass(frozen=True)
class Residual:
    """Discounted months still to be paid, by renewals made; each of shape (tenures,).

    Attributes:
        mean: The expectation.
        low: Lower end of its 95 % profile-likelihood interval.
        high: Upper end of it.
        spread: The standard deviation of one member's months around it.
        unlucky: What 2.5 % of members stay below.
        lucky: What 2.5 % of members go beyond.
    """

    mean: Array
    low: Array
    high: Array
    spread: Array
    unlucky: Array
    lucky: Array


def expected_months(fit: Fit, tenures: int, rate: float) -> dict[int, Residual]:
    """Return what is expected of members 0, 1 … ``tenures`` - 1 months after joining, by interval.

    The months are those from the next renewal on, which counts in full; the discounted expected
    residual lifetime of Fader and Hardie (2010), and the distribution around it. Of members who
    renew after several months they begin with the next month, for which is paid already.

    Raises:
        ValueError: There is no model.
    """
    draws, long = fit.draw(np.random.default_rng(SEED), CURVE_DRAWS, tenures + _TAIL)
    chance = np.clip(draws.chance.mean(axis=0), 0.0, 1.0)
    found = {1: _spread_out(_months(draws, tenures, rate), chance, rate)}
    if fit.long[1] or fit.long_share:
        found[fit.interval] = _long_residual(fit, long, tenures, rate)
    return found


def new_member_months(fit: Fit, rate: float) -> tuple[float, float, float]:
    """Return the discounted months of who joins, the first paid at once, and their interval."""
    draws, long = fit.draw(np.random.default_rng(SEED), CURVE_DRAWS, 1 + _TAIL)
    v = 1 / (1 + rate)
    months = 1 + v * _months(draws, 1, rate)[:, 0]
    if fit.long_share:
        ahead = v**fit.interval
        longer = (1 - ahead) / (1 - v) / (1 - ahead * (1 - long))
        months = (1 - fit.long_share) * months + fit.long_share * longer
    low, high = np.quantile(months, [0.025, 0.975])
    return float(months.mean()), float(low), float(high)


def _months(draws: Draws, tenures: int, rate: float) -> Array:
    """Discounted months to be paid after 0, 1 … renewals, shape (draws, tenures).

    From far ahead, where the chance no longer moves, back to the next renewal: what renewal n is
    worth is its chance times a month and the discounted worth of renewal n + 1.
    """
    v = 1 / (1 + rate)
    if not draws.slope.any():
        stays = 1 - draws.chance
        worth = np.empty_like(stays)
        worth[:, -1] = stays[:, -1] / (1 - v * stays[:, -1])
        for n in range(stays.shape[1] - 2, -1, -1):
            worth[:, n] = stays[:, n] * (1 + v * worth[:, n + 1])
        return worth[:, :tenures]
    age = np.arange(tenures)
    worth = draws.stays(age + _TAIL, age)
    worth = worth / (1 - v * worth)
    for n in range(_TAIL - 1, 0, -1):
        worth = draws.stays(age + n, age) * (1 + v * worth)
    return worth


def _spread_out(months: Array, chance: Array, rate: float) -> Residual:
    """The expectation, its interval, and one member's luck by the mean chance at each renewal."""
    low, high = np.quantile(months, [0.025, 0.975], axis=0)
    tenures = months.shape[1]
    horizon = math.ceil(math.log(1e-6 * rate) / -math.log1p(rate))
    stays = np.append(1 - chance, np.full(horizon, 1 - chance[-1]))
    # Months after n further renewals: the sum of 1, v … v^(n - 1).
    paid = (1 - (1 + rate) ** -np.arange(horizon + 1.0)) * (1 + rate) / rate
    spread, unlucky, lucky = np.empty(tenures), np.empty(tenures), np.empty(tenures)
    for k in range(tenures):
        left = np.concatenate([[1.0], np.cumprod(stays[k : k + horizon])])
        chances = np.append(-np.diff(left), left[-1])
        mean = chances @ paid
        spread[k] = math.sqrt(max(0.0, float(chances @ paid**2 - mean**2)))
        place = np.searchsorted(np.cumsum(chances), [0.025, 0.975])
        unlucky[k], lucky[k] = paid[np.minimum(place, horizon)]
    return Residual(months.mean(axis=0), low, high, spread, unlucky, lucky)


def _long_residual(fit: Fit, long: Array, tenures: int, rate: float) -> Residual:
    """The same of members who renew every ``fit.interval`` months, with one chance at each."""
    v, interval = 1 / (1 + rate), fit.interval
    a_period = (1 - v**interval) / (1 - v)
    after = (1 - long) / (1 - v**interval * (1 - long)) * a_period
    left = interval - 1 - np.arange(tenures) % interval
    now = (1 - v**left) / (1 - v)
    months = now + v**left * after[:, None]
    low, high = np.quantile(months, [0.025, 0.975], axis=0)
    # After n further renewals, which a member makes with the chance of a geometric lifetime.
    chance = fit.long_chance
    made = np.arange(math.ceil(math.log(1e-6) / math.log1p(-chance)) + 1) if chance < 1 else [0]
    made = np.asarray(made[:2000])
    periods = a_period * (1 - v ** (interval * made)) / (1 - v**interval)
    chances = chance * (1 - chance) ** made
    chances[-1] += 1 - chances.sum()
    worth = now + v**left * periods[:, None]
    mean = chances @ worth
    spread = np.sqrt(np.maximum(chances @ worth**2 - mean**2, 0.0))
    place = np.minimum(np.searchsorted(np.cumsum(chances), [0.025, 0.975]), made.size - 1)
    return Residual(months.mean(axis=0), low, high, spread, worth[place[0]], worth[place[1]])
