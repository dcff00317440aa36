"""Rhythms, instants, rounding and list prices, as the oracle reads METRICS.md."""

import calendar
import csv
import datetime as dt
from fractions import Fraction
from io import StringIO
from types import SimpleNamespace

from sselfie_insights.resources import resource_dir

UTC, DAY = dt.UTC, dt.timedelta(days=1)
ABOUT_A_MONTH = (("d", 28), ("d", 30), ("m", 1))
RHYTHM_MONTHS = (1, 2, 3, 6, 12, 24, 36)
PER_MONTH = {
    ("d", 7): Fraction(52, 12),
    ("d", 14): Fraction(26, 12),
    ("d", 28): Fraction(13, 12),
    ("d", 30): Fraction(365, 360),
    **{("m", n): Fraction(1, n) for n in RHYTHM_MONTHS},
}


class NS(SimpleNamespace):
    """A row with names; two are the same only when they are one."""

    __eq__, __hash__ = object.__eq__, object.__hash__


def price(product, interval, cents, since, until, currency="usd"):
    return NS(
        product=product,
        recurring=bool(interval),
        months=int(interval or 0),
        cents=int(cents),
        currency=currency,
        since=dt.date.fromisoformat(since),
        until=dt.date.fromisoformat(until) if until else dt.date.max,
    )


def prices_of(text):
    """The rows of an owner's or the packaged products.csv, in its order."""
    return [
        price(
            r["product_type"],
            r["interval_months"] if r["is_recurring"].lower() == "true" else "",
            r["price_cents"],
            r["valid_from"] or "0001-01-01",
            r["valid_until"],
            r.get("currency") or "usd",
        )
        for r in csv.DictReader(StringIO(text))
    ]


PRICES = prices_of((resource_dir("dbt_project") / "seeds" / "products.csv").read_text())


def later(t, rhythm, times=1):
    """The instant some rhythms later; months end on the last day where the day does not exist."""
    if rhythm[0] == "d":
        return t + rhythm[1] * times * DAY
    y, m = divmod(t.year * 12 + t.month - 1 + rhythm[1] * times, 12)
    return t.replace(year=y, month=m + 1, day=min(t.day, calendar.monthrange(y, m + 1)[1]))


def days(delta):
    return (delta + DAY / 2) // DAY


def nominal(rhythm):
    return rhythm[1] if rhythm[0] == "d" else rhythm[1] * 30.44


def month_of(t, zone):
    return t.astimezone(zone).date().isoformat()[:7]


def same(a, b):
    return (a.product, a.currency, a.amount) == (b.product, b.currency, b.amount)


def grace(rhythm, grace_days):
    return rhythm[1] * DAY / 2 if rhythm in (("d", 7), ("d", 14)) else grace_days * DAY


def rhythm_between(a, b):
    """The rhythm that a distance is, to three whole days; 28 and 30 days are a month here."""
    for n in (7, 14):
        if abs(days(b - a) - n) <= 3:
            return ("d", n)
    return next((("m", n) for n in RHYTHM_MONTHS if abs(days(b - later(a, ("m", n)))) <= 3), None)


def rounded(x):
    """Half away from zero."""
    x = Fraction(x)
    return (2 * abs(x.numerator) + x.denominator) // (2 * x.denominator) * (1 if x >= 0 else -1)


def instant(v):
    t = dt.datetime.fromisoformat(str(v).replace("Z", "+00:00")) if v not in (None, "") else None
    return t and t.replace(tzinfo=t.tzinfo or UTC).astimezone(UTC)


def as_of_instant(as_of, zone):
    """A bare date is the end of that day in the reporting zone."""
    day = dt.date.fromisoformat(as_of) if isinstance(as_of, str) and len(as_of) == 10 else as_of
    if isinstance(day, dt.date) and not isinstance(day, dt.datetime):
        as_of = dt.datetime.combine(day + DAY, dt.time(), zone).astimezone(UTC) - dt.timedelta(
            microseconds=1
        )
    return instant(as_of)


class Prices:
    def __init__(self, prices):
        self.all = prices

    def recurring(self, p):
        listed = [x.recurring for x in self.all if x.product == p.product]
        return any(listed) if listed else bool(p.subscribed and p.sub)

    def in_force(self, product, currency, at, rhythm):
        """List prices of one rhythm; 28 and 30 days have none but the month's."""
        months = 1 if rhythm in ABOUT_A_MONTH else rhythm[1] if rhythm[0] == "m" else None
        return [
            x.cents
            for x in self.all
            if x.recurring
            and (x.product, x.currency, x.months) == (product, currency, months)
            and x.since <= at.date() < x.until
        ]

    def interval(self, product, currency=None, cents=None):
        return next(
            (
                ("m", x.months)
                for x in self.all
                if x.recurring
                and x.product == product
                and (cents is None or (x.cents, x.currency) == (cents, currency))
            ),
            None,
        )

    def monthly(self, product, currency, at):
        """The product's price per month: the highest in force, else the first."""
        mine = [
            x for x in self.all if x.recurring and (x.product, x.currency) == (product, currency)
        ]
        first = min((x.since for x in mine), default=None)
        now = [x for x in mine if x.since <= at.date() < x.until] or [
            x for x in mine if x.since == first
        ]
        return max((Fraction(x.cents, x.months) for x in now), default=None)
