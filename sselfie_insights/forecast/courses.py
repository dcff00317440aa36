"""Simulated courses of MRR: who stays, what they pay, and who joins.

Members leave as the survival model says, with all its doubt and with months that are worse or
better for everybody; who is set to end does; the MRR of who stays changes from month to month as in
one of the last twelve, months in which prices were changed left out; listed prices change when the
price list says; joins follow level, trend and season of the last 36 months, at the prices of one of
the last twelve.
"""

import numpy as np
from numpy.typing import NDArray

from sselfie_insights.forecast.holdings import AHEAD, Start
from sselfie_insights.forecast.survival import Fit
from sselfie_insights.statistics.arrivals import draw_arrivals
from sselfie_insights.statistics.retention import Draws

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


def simulate(start: Start, fit: Fit, rng: np.random.Generator, draws: int) -> tuple[Array, Array]:
    """Return simulated MRR of the members at the start, and with those who join.

    Returns:
        Two arrays of cents, shape (draws, ``AHEAD``).
    """
    longest = int(start.tenure.max(initial=0)) + AHEAD + 1
    drawn, long = fit.draw(rng, draws, longest)
    effects = drawn.months(rng, AHEAD)
    # The last months are themselves a sample: each course draws its own months from it first.
    growth = np.cumprod(_resample(start.changes, rng, draws), axis=1)
    alive = _stay(start, drawn, long, effects, rng)
    existing = np.einsum("dkg,gk->dk", alive, start.price_ahead) * growth
    return existing, existing + _join(start, drawn, effects, rng)


def _stay(
    start: Start, drawn: Draws, long: Array, effects: Array, rng: np.random.Generator
) -> Numbers:
    """Who is still there of each group, shape (draws, ``AHEAD``, groups)."""
    draws, groups = long.size, start.count.size
    # How many of the losses that are due soon are known already is not known.
    announced = rng.random(draws)
    is_long = start.interval > 1
    alive = np.empty((draws, AHEAD, groups), np.int64)
    there = np.broadcast_to(start.count, (draws, groups))
    for k in range(AHEAD):
        left = -np.log(np.maximum(drawn.stays(start.tenure + k + 1, start.tenure), 1e-12))
        renews = (start.tenure + k + 1) % start.interval == 0
        left[:, is_long] = np.where(renews, -np.log1p(-np.minimum(long, 1 - 1e-12))[:, None], 0.0)[
            :, is_long
        ]
        left = left * effects[:, k, None]
        if (start.ends == k + 1).any():
            left = left * (1 - announced)[:, None]
        stays = np.where(start.ends <= k + 1, 0.0, np.exp(-left))
        stays = np.where((start.ends > k + 1) & (start.ends < 1000), 1.0, stays)
        there = rng.binomial(there, stays)
        alive[:, k] = there
    return alive


def _join(start: Start, drawn: Draws, effects: Array, rng: np.random.Generator) -> Array:
    """MRR of those who join, shape (draws, ``AHEAD``)."""
    draws = len(effects)
    joins = draw_arrivals(start.joined, AHEAD, rng, draws)
    prices = _resample(start.joined_price, rng, draws)
    # A price that is replaced changes for who joined before it too, by the month at once.
    rise = start.count @ start.price_ahead / start.mrr if start.members else np.ones(AHEAD)
    for_long = rng.binomial(joins, start.long_share)
    stays = 1 - drawn.chance[:, :AHEAD]
    fresh, cents = np.zeros((draws, 0), np.int64), np.empty((draws, AHEAD))
    for k in range(AHEAD):
        renewal = np.arange(k, 0, -1) - 1  # who joined first renews for the k-th time
        fresh = rng.binomial(fresh, stays[:, renewal] ** effects[:, k, None])
        fresh = np.column_stack([fresh, joins[:, k] - for_long[:, k]])
        paid = fresh * rise[k] + for_long[:, : k + 1] * rise[: k + 1]
        cents[:, k] = (paid * prices[:, : k + 1]).sum(axis=1)
    return cents


def _resample(values: Array, rng: np.random.Generator, draws: int) -> Array:
    """Return (draws, AHEAD) values: from a resample of ``values``, another for every draw."""
    if values.size == 0:
        return np.zeros((draws, AHEAD))
    chosen = rng.choice(values, size=(draws, values.size))
    picked = rng.integers(values.size, size=(draws, AHEAD))
    return np.asarray(np.take_along_axis(chosen, picked, axis=1))
