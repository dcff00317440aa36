"""What the business sells: products, their prices by date, their credits, and what credits buy.

Amounts are USD cents. Before its first dated price a product sells at that first price.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from sselfie_insights.simulate.instants import DAY, HOUR, on_date

STUDIO: Final = "sselfie_studio_membership"
BRAND: Final = "brand_studio_membership"
STARTER: Final = "starter"
PRO: Final = "pro"
ELITE: Final = "elite"
SESSION: Final = "one_time_session"
BLUEPRINT: Final = "paid_blueprint"
TOPUP: Final = "credit_topup"
TEAM: Final = "team_membership"
"""Sold, and on no price list."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price in force from an instant on: cents a month (or a piece), credits with it."""

    since: int
    cents: int
    credits: int


PRICES: Final = {
    STARTER: (Price(on_date(2025, 10, 31), 4900, 100),),
    PRO: (Price(on_date(2025, 10, 31), 9900, 250),),
    ELITE: (Price(on_date(2025, 10, 31), 19900, 600),),
    STUDIO: (
        Price(on_date(2025, 11, 5), 9900, 250),
        Price(on_date(2025, 11, 7), 4900, 150),
        Price(on_date(2025, 12, 12), 7900, 150),
        Price(on_date(2026, 1, 5), 9700, 200),
    ),
    BRAND: (Price(on_date(2025, 12, 12), 14900, 300),),
    TEAM: (Price(on_date(2025, 10, 31), 12300, 300),),
    SESSION: (
        Price(on_date(2025, 11, 5), 4900, 50),
        Price(on_date(2025, 11, 7), 2450, 70),
        Price(on_date(2025, 12, 12), 4900, 70),
        Price(on_date(2026, 1, 5), 4900, 50),
    ),
    BLUEPRINT: (Price(on_date(2026, 1, 10), 4700, 60),),
}

# (since, (credits, cents) …): the top-up packs on offer from an instant on.
TOPUP_PACKS: Final = (
    (on_date(2025, 10, 31), ((50, 1200), (150, 3300), (500, 10000))),
    (on_date(2026, 1, 5), ((100, 4500), (200, 8500))),
    (on_date(2026, 1, 14), ((10, 999), (100, 4500), (200, 8500))),
)

# US dollars to a currency. Both make an amount below the dollar's, so that a list price in
# dollars is never undercut by the same price elsewhere.
RATES: Final = {"usd": 1.0, "eur": 0.92, "gbp": 0.79}

LIST_CENTS: Final = frozenset(
    price.cents for name, prices in PRICES.items() if name != TEAM for price in prices
)

STUDIO_OPENS: Final = on_date(2025, 11, 8)
BRAND_OPENS: Final = on_date(2025, 12, 14)

# Around a change of price nothing is sold: which price is in force at 23:00 depends on the zone.
_CLOSED: Final = tuple(
    (since - 26 * HOUR, until + 26 * HOUR)
    for since, until in (
        (on_date(2025, 11, 5), on_date(2025, 11, 7)),
        (on_date(2025, 12, 12), on_date(2025, 12, 12)),
        (on_date(2026, 1, 5), on_date(2026, 1, 5)),
    )
)


def is_sale_day(at: int) -> bool:
    """Return whether the price in force at ``at`` is the same in every time zone."""
    return not any(since <= at < until for since, until in _CLOSED)


def next_sale(at: int) -> int:
    """Return the first instant from ``at`` on that is a sale day, at the same time of day."""
    while not is_sale_day(at):
        at += DAY
    return at


def price_at(product: str, at: int) -> Price:
    """Return the price of ``product`` in force at ``at``."""
    prices = PRICES[product]
    return prices[max(0, bisect_right(prices, at, key=lambda price: price.since) - 1)]


def list_cents(product: str, at: int, currency: str) -> int | None:
    """Return the price of ``product`` that the price list has in force at ``at``, if it has one.

    Before the first day of a product's first price it has none, and none in another currency.
    """
    if product == TEAM or currency != "usd" or at < PRICES[product][0].since:
        return None
    return price_at(product, at).cents


def packs_at(at: int) -> tuple[tuple[int, int], ...]:
    """Return the top-up packs (credits, cents) on offer at ``at``."""
    since = [pack[0] for pack in TOPUP_PACKS]
    return TOPUP_PACKS[max(0, bisect_right(since, at) - 1)][1]


def convert(cents: int, currency: str) -> int:
    """Return ``cents`` (USD) as the product costs it in ``currency``, in that currency's cents."""
    return round(cents * RATES[currency])


def training_cost(at: int) -> int:
    """Return the credits that training a model costs at ``at``."""
    return 20 if at >= on_date(2026, 1, 8) else 25


def video_cost(at: int) -> int:
    """Return the credits that a video costs at ``at``."""
    return 5 if on_date(2025, 11, 27) <= at < on_date(2025, 12, 20) else 3
