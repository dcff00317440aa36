"""Businesses whose law is known, drawn member by member: what calibration is measured on.

Nothing here is shared with ``simulate`` or with the models that are judged: every world is a law of
joining and leaving in plain NumPy. Months are counted so that ``NOW`` is the last settled one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

NOW: Final = 12 * 56 + 9
"""The last settled month, October 2026, counted from January 1970."""

AHEAD: Final = 12
"""Months after it that are drawn too: they are what came."""

PRICES: Final = (4900, 9700)

# A chance to leave at a renewal, from each member's trait, the renewal, the month of joining and
# the month, both counted from the first of the history.
Leave = Callable[[Array, int, Numbers, Numbers], Array]


@dataclass(frozen=True)
class World:
    """One drawn business.

    Attributes:
        start: The month in which each membership began, shape (n,).
        lost: The month at whose end it was gone; beyond ``NOW + AHEAD`` where it lasted.
        price: Its first price in cents.
        interval: Months between its renewals.
        is_cancelling: Whether it is known at ``NOW`` that it will not be renewed.
        rises: Month and factor of every change of all prices, the future ones known to the owner.
        survival: The chance of who joins at ``NOW`` to be there after 0, 1 … months, long enough
            for its sum to have settled.
    """

    start: Numbers
    lost: Numbers
    price: Numbers
    interval: Numbers
    is_cancelling: NDArray[np.bool_]
    rises: tuple[tuple[int, float], ...]
    survival: Array

    def factor(self, month: int) -> float:
        """By what all prices had been multiplied by the end of ``month``."""
        return float(np.prod([factor for since, factor in self.rises if since <= month]))

    def prices(self, month: int) -> Numbers:
        """Everybody's price at the end of ``month``."""
        return np.rint(self.price * self.factor(month)).astype(np.int64)

    def held(self, month: int) -> NDArray[np.bool_]:
        """Who is a member at the end of ``month``."""
        return np.asarray((self.start <= month) & (self.lost > month))

    def mrr(self, month: int, *, existing: bool) -> int:
        """MRR at the end of ``month``; of the members at ``NOW`` only, or of all."""
        there = self.held(month) & (self.held(NOW) if existing else True)
        return int(self.prices(month)[there].sum())

    def value_months(self, rate: float) -> float:
        """Discounted months that who joins at ``NOW`` will pay."""
        return float(self.survival @ (1 + rate) ** -np.arange(float(self.survival.size)))


def draw(
    rng: np.random.Generator,
    joins: Array,
    leave: Leave,
    *,
    trait: Callable[[int], Array] | None = None,
    yearly: float = 0.0,
    rises: tuple[tuple[int, float], ...] = (),
    announced: float = 0.0,
) -> World:
    """Draw a business.

    Args:
        rng: The source of randomness.
        joins: Expected joins of each month up to ``NOW + AHEAD``, shape (months + AHEAD,).
        leave: The chance to leave.
        trait: What each member is like; zeros by default.
        yearly: The share of members who pay by the year.
        rises: Months from ``NOW`` and factors of changes of all prices.
        announced: The share of next month's losses that is known at ``NOW``.
    """
    months = joins.size - AHEAD
    first = NOW - months + 1
    start = np.repeat(np.arange(joins.size), rng.poisson(joins))
    traits = trait(start.size) if trait else np.zeros(start.size)
    interval = np.where(rng.random(start.size) < yearly, 12, 1)
    lost = np.full(start.size, 10_000)
    for renewal in range(1, joins.size + 1):
        month = start + renewal * interval
        chance = leave(traits, renewal, start, np.minimum(month, joins.size - 1))
        gone = (lost == 10_000) & (month < joins.size) & (rng.random(start.size) < chance)
        lost[gone] = month[gone]
    curve = np.ones(700)  # of what comes later the discount leaves a thousandth
    sample = trait(5000) if trait else np.zeros(1)
    newest = np.full(sample.size, months - 1)
    alive = np.ones(sample.size)
    for renewal in range(1, curve.size):
        alive = alive * (1 - leave(sample, renewal, newest, np.full(sample.size, -1)))
        curve[renewal] = alive.mean()
        if curve[renewal] < 1e-5:
            curve[renewal:] = 0
            break
    leaving = lost == months
    return World(
        start=start + first,
        lost=lost + first,
        price=rng.choice(PRICES, start.size),
        interval=interval,
        is_cancelling=leaving & (rng.random(start.size) < announced),
        rises=tuple((NOW + month, factor) for month, factor in rises),
        survival=curve,
    )


def _flat(joins: float, months: int = 24) -> Array:
    return np.full(months + AHEAD, joins)


def _constant(chance: float) -> Leave:
    return lambda traits, renewal, start, month: np.full(traits.shape, chance)


def _own(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
    return traits


def _beta(rng: np.random.Generator, alpha: float, beta: float) -> Callable[[int], Array]:
    return lambda size: rng.beta(alpha, beta, size)


def alike(rng: np.random.Generator) -> World:
    """Everybody leaves with 6 % at every renewal."""
    return draw(rng, _flat(30), _constant(0.06))


def unlike(rng: np.random.Generator) -> World:
    """Members differ as Fader and Hardie's customers do."""
    return draw(rng, _flat(30), _own, trait=_beta(rng, 0.9, 8.0))


def small(rng: np.random.Generator) -> World:
    """Some ninety memberships in 14 months."""
    return draw(rng, _flat(6.5, 14), _own, trait=_beta(rng, 1.2, 9.0))


def first_renewal(rng: np.random.Generator) -> World:
    """30 % leave at the first renewal, 4 % at every other."""

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.full(traits.shape, 0.3 if renewal == 1 else 0.04)

    return draw(rng, _flat(30), leave)


def third_renewal(rng: np.random.Generator) -> World:
    """25 % leave at the third renewal, when an introductory price ends, 4 % at every other."""

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.full(traits.shape, 0.25 if renewal == 3 else 0.04)

    return draw(rng, _flat(30), leave)


def aging(rng: np.random.Generator) -> World:
    """A beta-discrete-Weibull whose risk grows with tenure: c = 1.3."""

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.asarray(1 - (1 - traits) ** (renewal**1.3 - (renewal - 1) ** 1.3))

    return draw(rng, _flat(30), leave, trait=_beta(rng, 1.5, 25.0))


def _varying(rng: np.random.Generator, spread: float) -> Leave:
    effect = rng.gamma(1 / spread**2, spread**2, 200)

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.asarray(np.where(month < 0, 0.08, 1 - 0.92 ** effect[month]))

    return leave


def varying_churn(rng: np.random.Generator) -> World:
    """Churn around 8 % that varies by 40 % from month to month, for all members alike."""
    return draw(rng, _flat(60), _varying(rng, 0.4))


def seasonal_joins(rng: np.random.Generator) -> World:
    """Joins that swing by half with the seasons, over three years."""
    phase = rng.uniform(0, 2 * np.pi)
    season = 1 + 0.5 * np.sin(np.arange(36 + AHEAD) * 2 * np.pi / 12 + phase)
    return draw(rng, 30 * season, _own, trait=_beta(rng, 0.9, 8.0))


def _trending(rate: float, base: float) -> Leave:
    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.asarray(base * (1 + rate) ** np.minimum(start, 23.0))

    return leave


def better_cohorts(rng: np.random.Generator) -> World:
    """Every cohort's churn is 4 % below that of the one before: from 12 % down to 5 %."""
    return draw(rng, _flat(40), _trending(-0.04, 0.12))


def worse_cohorts(rng: np.random.Generator) -> World:
    """Every cohort's churn is 4 % above that of the one before: from 4 % up to 10 %."""
    return draw(rng, _flat(40), _trending(0.04, 0.04))


def rise_to_come(rng: np.random.Generator) -> World:
    """All prices rise by 20 % in three months, as the price list says."""
    return draw(rng, _flat(30), _own, trait=_beta(rng, 0.9, 8.0), rises=((3, 1.2),))


def rise_of_the_past(rng: np.random.Generator) -> World:
    """All prices rose by 20 % five months ago, once."""
    return draw(rng, _flat(30), _own, trait=_beta(rng, 0.9, 8.0), rises=((-5, 1.2),))


def growth(rng: np.random.Generator) -> World:
    """Joins that grow by 10 % a month, and go on."""
    return draw(rng, 5 * 1.1 ** np.arange(18.0 + AHEAD), _constant(0.06))


def paused(rng: np.random.Generator) -> World:
    """Nobody joined for eight months; in a month of the next year it may start again."""
    joins = _flat(40)
    joins[16:] = 0
    if rng.random() < 0.3:
        joins[rng.integers(24, 36) :] = 40
    return draw(rng, joins, _constant(0.06))


def yearly(rng: np.random.Generator) -> World:
    """40 % of members pay by the year, of whom a quarter leaves at a renewal; of others 6 %."""
    world = draw(rng, _flat(30, 36), _constant(0.06))
    other = draw(rng, _flat(20, 36), _constant(0.25), yearly=1.0)
    monthly, by_year = world.survival, np.repeat(other.survival[:60], 12)[:700]
    curve = 0.6 * monthly + 0.4 * by_year
    joined = {
        name: np.concatenate([getattr(world, name), getattr(other, name)])
        for name in ("start", "lost", "price", "interval", "is_cancelling")
    }
    return replace(world, **joined, survival=curve)


def known_cancellations(rng: np.random.Generator) -> World:
    """Half of the next month's losses are announced, three times as many as in other months."""

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.where(month == 24, 0.18, 0.06)

    return draw(rng, _flat(30), leave, announced=0.8)


def changed_churn(rng: np.random.Generator) -> World:
    """Churn doubles at NOW, for a reason that no data tell: nothing can foresee it."""

    def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
        return np.where(month >= 24, 0.12, 0.06)

    return draw(rng, _flat(30), leave)


CLAIMED: Final = {
    world.__name__: world
    for world in (
        alike, unlike, small, first_renewal, third_renewal, aging, varying_churn, seasonal_joins,
        better_cohorts, worse_cohorts, rise_to_come, rise_of_the_past, growth, paused, yearly,
        known_cancellations,
    )
}  # fmt: skip
"""The worlds in which every 95 % band is claimed to hold 95 %."""

UNCLAIMED: Final = {"changed_churn": changed_churn}
"""Worlds that nothing known at the time can foresee, shown beside."""


def small_business(rng: np.random.Generator) -> World:
    """An ordinary small business: 10 to 150 memberships, 3 to 24 months, any kind of churn."""
    months = int(rng.integers(3, 25))
    joins = np.full(months + AHEAD, rng.integers(10, 151) / months)
    level = float(rng.choice([0.0, 0.01, 0.05, 0.1, 0.3, 0.6, 0.95, 1.0]))
    kind = rng.integers(6)
    if kind == 0:
        leave = _constant(level)
    elif kind == 1:
        return draw(rng, joins, _own, trait=_beta(rng, rng.uniform(0.05, 3), rng.uniform(0.05, 20)))
    elif kind == 2:

        def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
            return np.full(traits.shape, 0.3 if renewal == 1 else level / 5)
    elif kind == 3:
        leave = _varying(rng, 0.5)
    elif kind == 4:

        def leave(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
            return np.full(traits.shape, min(1.0, level * renewal / 6))
    else:
        joins = joins * np.where(np.arange(joins.size) % 12 < 3, 3.0, 0.3)
        leave = _trending(float(rng.uniform(-0.1, 0.1)), min(level, 0.3))

        def clipped(traits: Array, renewal: int, start: Numbers, month: Numbers) -> Array:
            return np.clip(_trending(0.02, min(level, 0.3))(traits, renewal, start, month), 0, 1)

        leave = clipped
    return draw(rng, joins, leave, yearly=float(rng.choice([0.0, 0.3])))
