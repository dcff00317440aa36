"""MRR in the months to come, and how good such projections were in the months that have passed.

A simulation, on these assumptions and no others: members leave as the fitted survival model says,
its parameters drawn from their likelihood; the MRR of who stays changes from month to month as it
did in one of the last twelve; those who join follow the trend of the last twelve, which fades, at
the prices of one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book, count_cents, month_of
from sselfie_insights.forecast.rules import MIN_MEMBERS, MIN_MONTHS, SEED, too_few
from sselfie_insights.forecast.survival import Fit, fit
from sselfie_insights.statistics.arrivals import draw_arrivals
from sselfie_insights.statistics.renewals import Renewals

Array = NDArray[np.float64]

AHEAD: Final = 12
"""Months that a projection reaches."""

_DRAWS: Final = 1000  # Simulated courses; the ends of the fan then move by about 1 %.
_BACKTEST_DRAWS: Final = 300
_WINDOW: Final = 12  # Months that the assumptions are taken from, the last.
_MAX_ORIGINS: Final = 18  # Past projections that are made again, the latest.

PROJECTION_SCHEMA: Final = {
    "month": pl.Date, "currency": pl.String, "months_ahead": pl.Int64, "origin_month": pl.Date,
    "n": pl.Int64, "origin_mrr_cents": pl.Int64,
    "existing_low_cents": pl.Int64, "existing_mid_cents": pl.Int64,
    "existing_high_cents": pl.Int64, "total_low_cents": pl.Int64, "total_p25_cents": pl.Int64,
    "total_mid_cents": pl.Int64, "total_p75_cents": pl.Int64, "total_high_cents": pl.Int64,
    "model": pl.String, "note": pl.String,
}  # fmt: skip

BACKTEST_SCHEMA: Final = {
    "origin_month": pl.Date, "month": pl.Date, "currency": pl.String, "scope": pl.String,
    "months_ahead": pl.Int64, "n": pl.Int64, "predicted_low_cents": pl.Int64,
    "predicted_mid_cents": pl.Int64, "predicted_high_cents": pl.Int64, "actual_cents": pl.Int64,
    "last_value_cents": pl.Int64, "constant_churn_cents": pl.Int64, "is_inside": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Start:
    """What is known of a currency at the close of a month.

    Attributes:
        tenure: Renewals made, of each group of like members, shape (g,).
        price: Their MRR in cents, shape (g,).
        count: How many they are, shape (g,).
        changes: Closing / opening MRR of who stayed, of the last months, shape (m,).
        joined: How many joined in each of the last months, shape (m,).
        joined_price: Their mean MRR in cents, 0 where nobody joined, shape (m,).
        churn: The share of MRR that left a month, over the last months.
    """

    tenure: NDArray[np.int64]
    price: Array
    count: NDArray[np.int64]
    changes: Array
    joined: NDArray[np.int64]
    joined_price: Array
    churn: float

    @property
    def mrr(self) -> float:
        """MRR at the close, in cents."""
        return float(self.price @ self.count)

    @property
    def members(self) -> int:
        """Members at the close."""
        return int(self.count.sum())


class _Currency:
    """The history of one currency, by month."""

    def __init__(self, book: Book, currency: str) -> None:
        held = book.holdings.filter(pl.col("currency") == currency)
        held = held.group_by("month_number", "tenure", "mrr_cents").agg(pl.col("n").sum())
        held = held.sort("month_number", "tenure", "mrr_cents")
        self.by_month = {int(str(k[0])): v for k, v in held.group_by("month_number")}
        kept = book.kept.filter(pl.col("currency") == currency)
        self.kept = {row[0]: (row[2], row[3]) for row in kept.iter_rows()}
        self.first = book.first

    def mrr(self, month: int, *, of_origin: int | None = None) -> float:
        """MRR at the end of ``month``; of who was a member at the end of ``of_origin`` only."""
        held = self.by_month.get(month)
        if held is None:
            return 0.0
        if of_origin is not None:
            held = held.filter(pl.col("tenure") >= month - of_origin)
        return count_cents(held)

    def start(self, origin: int) -> Start:
        """What was known at the end of month ``origin``."""
        months = range(max(self.first + 1, origin - _WINDOW + 1), origin + 1)
        joined, prices, changes = [], [], []
        opening = stayed = 0.0
        for month in months:
            held = self.by_month.get(month)
            fresh = None if held is None else held.filter(pl.col("tenure") == 0)
            count = 0 if fresh is None else int(fresh["n"].sum())
            joined.append(count)
            total = 0.0 if fresh is None else count_cents(fresh)
            prices.append(total / count if count else 0.0)
            before, after = self.kept.get(month, (0, 0))
            if before:
                changes.append(after / before)
            opening, stayed = opening + self.mrr(month - 1), stayed + before
        held = self.by_month.get(origin)
        empty = np.zeros(0)
        return Start(
            tenure=empty.astype(np.int64) if held is None else held["tenure"].to_numpy(),
            price=empty if held is None else held["mrr_cents"].to_numpy().astype(float),
            count=empty.astype(np.int64) if held is None else held["n"].to_numpy(),
            changes=np.array(changes or [1.0]),
            joined=np.array(joined, np.int64),
            joined_price=np.array(prices),
            churn=1 - stayed / opening if opening else 0.0,
        )


def simulate(
    start: Start, model: Renewals, rng: np.random.Generator, draws: int
) -> tuple[Array, Array]:
    """Return simulated MRR of the members at the start, and with those who join.

    Returns:
        Two arrays of cents, shape (draws, ``AHEAD``).
    """
    points = model.draw(rng, draws)
    longest = int(start.tenure.max(initial=0)) + AHEAD
    stays = 1 - model.hazard(np.arange(longest + 1), points)
    # The last months are themselves a sample: each course draws its own months from it first.
    changes = _resample(start.changes, rng, draws)
    prices = _resample(start.joined_price[start.joined > 0], rng, draws)
    joins = draw_arrivals(start.joined, AHEAD, rng, draws)
    alive = np.broadcast_to(start.count, (draws, start.count.size))
    existing, total = np.empty((draws, AHEAD)), np.empty((draws, AHEAD))
    growth = np.ones(draws)
    fresh: list[NDArray[np.int64]] = []
    for step in range(AHEAD):
        alive = rng.binomial(alive, stays[:, start.tenure + step])
        growth = growth * changes[:, step]
        existing[:, step] = (alive @ start.price) * growth
        fresh = [
            rng.binomial(count, stays[:, step - joined_at - 1])
            for joined_at, count in enumerate(fresh)
        ]
        fresh.append(joins[:, step])
        joined = sum(count * prices[:, joined_at] for joined_at, count in enumerate(fresh))
        total[:, step] = existing[:, step] + joined
    return existing, total


def _resample(values: Array, rng: np.random.Generator, draws: int) -> Array:
    """Return (draws, AHEAD) values: from a resample of ``values``, another for every draw."""
    if values.size == 0:
        return np.zeros((draws, AHEAD))
    chosen = rng.choice(values, size=(draws, values.size))
    picked = rng.integers(values.size, size=(draws, AHEAD))
    return np.asarray(np.take_along_axis(chosen, picked, axis=1))


def tell_projection(book: Book, pooled: Fit) -> pl.DataFrame:
    """Return the fan of the next months, per currency, from the last settled month on."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    for currency in book.currencies:
        start = _Currency(book, currency).start(book.settled)
        base: dict[str, Any] = dict.fromkeys(PROJECTION_SCHEMA) | {
            "currency": currency,
            "origin_month": month_of(book.settled),
            "n": start.members,
            "origin_mrr_cents": round(start.mrr),
            "note": _refuse(start, pooled),
        }
        fans = None
        if not base["note"] and pooled.model is not None:
            base["model"] = pooled.model.name
            existing, total = simulate(start, pooled.model, rng, _DRAWS)
            fans = (
                np.quantile(existing, [0.025, 0.5, 0.975], axis=0),
                np.quantile(total, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0),
            )
        for ahead in range(1, AHEAD + 1):
            row = base | {"month": month_of(book.settled + ahead), "months_ahead": ahead}
            if fans is not None:
                row |= _spread("existing", ("low", "mid", "high"), fans[0][:, ahead - 1])
                names = ("low", "p25", "mid", "p75", "high")
                row |= _spread("total", names, fans[1][:, ahead - 1])
            rows.append(row)
    return pl.DataFrame(rows, schema=PROJECTION_SCHEMA)


def _refuse(start: Start, pooled: Fit) -> str:
    if pooled.note:
        return pooled.note
    if start.members < MIN_MEMBERS:
        return too_few(start.members, MIN_MEMBERS)
    if start.joined.size < MIN_MONTHS:
        return too_few(start.joined.size, MIN_MONTHS, "months")
    return ""


def _spread(scope: str, names: tuple[str, ...], values: Array) -> dict[str, int]:
    return {
        f"{scope}_{name}_cents": round(float(value))
        for name, value in zip(names, values, strict=True)
    }


def tell_backtest(book: Book) -> pl.DataFrame:
    """Return what projections of past months said, with what was known then, and what came.

    Every past origin is fitted anew on the memberships and months up to it.
    """
    currencies = {name: _Currency(book, name) for name in book.currencies}
    first = max(book.first + MIN_MONTHS, book.settled - _MAX_ORIGINS)
    rows = [
        row for origin in range(first, book.settled) for row in _look_back(book, currencies, origin)
    ]
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)


def _look_back(
    book: Book, currencies: dict[str, _Currency], origin: int
) -> Iterator[dict[str, Any]]:
    pooled = fit("all", book.lifetimes(origin))
    rng = np.random.default_rng(SEED + origin)
    for currency, history in currencies.items():
        start = history.start(origin)
        if _refuse(start, pooled) or pooled.model is None:
            continue
        courses = simulate(start, pooled.model, rng, _BACKTEST_DRAWS)
        gained = (0.0, float(start.joined @ start.joined_price) / start.joined.size)
        for scope, course, gain in zip(("existing", "total"), courses, gained, strict=True):
            fan = np.quantile(course, [0.025, 0.5, 0.975], axis=0)
            plain = start.mrr
            for ahead in range(1, min(AHEAD, book.settled - origin) + 1):
                plain = plain * (1 - start.churn) + gain
                of_origin = origin if scope == "existing" else None
                actual = history.mrr(origin + ahead, of_origin=of_origin)
                low, middle, high = (float(value) for value in fan[:, ahead - 1])
                yield {
                    "origin_month": month_of(origin),
                    "month": month_of(origin + ahead),
                    "currency": currency,
                    "scope": scope,
                    "months_ahead": ahead,
                    "n": start.members,
                    "predicted_low_cents": round(low),
                    "predicted_mid_cents": round(middle),
                    "predicted_high_cents": round(high),
                    "actual_cents": round(actual),
                    "last_value_cents": round(start.mrr),
                    "constant_churn_cents": round(plain),
                    "is_inside": low <= actual <= high,
                }
