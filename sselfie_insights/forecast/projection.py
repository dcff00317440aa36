"""MRR in the months to come, and how good such projections were in the months that have passed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book, month_of
from sselfie_insights.forecast.courses import simulate
from sselfie_insights.forecast.holdings import AHEAD, Holdings, Start
from sselfie_insights.forecast.rules import MIN_MEMBERS, MIN_MONTHS, SEED, WIDEST, too_few, too_wide
from sselfie_insights.forecast.survival import Fit
from sselfie_insights.statistics.conformal import score_bands, stretch, stretch_by

Array = NDArray[np.float64]

_DRAWS: Final = 1000  # Simulated courses; the ends of the fan then move by about 1 %.
_BACKTEST_DRAWS: Final = 300
_MAX_ORIGINS: Final = 18  # Past projections that are made again, the latest.
_SCOPES: Final = ("existing", "total")

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
    "last_value_cents": pl.Int64, "constant_churn_cents": pl.Int64, "is_repriced": pl.Boolean,
    "is_inside": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class PastFan:
    """What a past projection said of one month, before it was stretched, and what came.

    Attributes:
        origin: The month from whose end it was made.
        ahead: Months after it.
        n: Members at the origin.
        fan: The 2.5th, 50th and 97.5th percentile, in cents.
        actual: What came, in cents.
        last_value: MRR at the origin, in cents.
        constant_churn: What constant churn and new MRR would have made of it, in cents.
        is_repriced: Whether prices were changed on the way, which nothing known then could say.
    """

    origin: int
    ahead: int
    n: int
    fan: Array
    actual: float
    last_value: float
    constant_churn: float
    is_repriced: bool


Past = dict[tuple[str, str], list[PastFan]]
"""Past fans by currency and scope, the earliest origin first."""


def past_origins(book: Book) -> range:
    """Return the past months from whose ends projections are made again."""
    return range(max(book.first + MIN_MONTHS, book.settled - _MAX_ORIGINS), book.settled)


def look_back(book: Book, fits: Mapping[int, Fit]) -> Past:
    """Make the projections of past months again, with what was known then.

    Args:
        book: The business.
        fits: The model of all memberships as it was at the end of each past origin.
    """
    past: Past = {}
    for currency in book.currencies:
        holdings = Holdings(book, currency)
        for origin, each in fits.items():
            for scope, fan in _look_back(book, holdings, origin, each):
                past.setdefault((currency, scope), []).append(fan)
    return past


def _look_back(
    book: Book, holdings: Holdings, origin: int, fit: Fit
) -> Iterator[tuple[str, PastFan]]:
    start = holdings.start(origin)
    if _refuse(start, fit):
        return
    courses = simulate(start, fit, np.random.default_rng(SEED + origin), _BACKTEST_DRAWS)
    gained = (0.0, start.joined_cents)
    for scope, course, gain in zip(_SCOPES, courses, gained, strict=True):
        fan = np.quantile(course, [0.025, 0.5, 0.975], axis=0)
        plain, is_repriced = start.mrr, False
        for ahead in range(1, min(AHEAD, book.settled - origin) + 1):
            plain = plain * (1 - start.churn) + gain
            is_repriced = is_repriced or holdings.is_repriced(origin + ahead)
            of_origin = origin if scope == "existing" else None
            actual = holdings.mrr(origin + ahead, of_origin=of_origin)
            yield (
                scope,
                PastFan(
                    origin,
                    ahead,
                    start.members,
                    fan[:, ahead - 1],
                    actual,
                    start.mrr,
                    plain,
                    is_repriced,
                ),
            )


def _factor(fans: list[PastFan], month: int) -> float:
    """By what a fan made at the end of ``month`` is stretched: by those that were known then."""
    known = [fan for fan in fans if fan.origin + fan.ahead <= month and not fan.is_repriced]
    if not known:
        return 1.0
    low, middle, high = np.array([fan.fan for fan in known]).T
    return stretch_by(score_bands(low, middle, high, [fan.actual for fan in known]))


def build_projection_table(book: Book, pooled: Fit, past: Past) -> pl.DataFrame:
    """Return the fan of the next months, per currency, from the last settled month on.

    Args:
        book: The business.
        pooled: The model of all memberships.
        past: Past fans, by which this one is stretched where they were too narrow.
    """
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    for currency in book.currencies:
        start = Holdings(book, currency).start(book.settled)
        base: dict[str, Any] = dict.fromkeys(PROJECTION_SCHEMA) | {
            "currency": currency,
            "origin_month": month_of(book.settled),
            "n": start.members,
            "origin_mrr_cents": round(start.mrr),
            "note": _refuse(start, pooled),
        }
        fans: list[Array] = []
        if not base["note"] and pooled.model is not None:
            base["model"] = pooled.model.name
            for scope, course in zip(_SCOPES, simulate(start, pooled, rng, _DRAWS), strict=True):
                fan = np.quantile(course, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0)
                factor = _factor(past.get((currency, scope), []), book.settled)
                fans.append(stretch(fan, fan[2], factor))
        for ahead in range(1, AHEAD + 1):
            row = base | {"month": month_of(book.settled + ahead), "months_ahead": ahead}
            if fans:
                row |= _write(*(fan[:, ahead - 1] for fan in fans))
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


def _write(existing: Array, total: Array) -> dict[str, Any]:
    """A month's fans, or the words that the ends of one are too far apart to be worth printing."""
    row: dict[str, Any] = {}
    for scope, fan, names in (
        ("existing", existing, {0: "low", 2: "mid", 4: "high"}),
        ("total", total, {0: "low", 1: "p25", 2: "mid", 3: "p75", 4: "high"}),
    ):
        factor = float(fan[4] / max(fan[0], 1.0))
        if factor > WIDEST:
            row["note"] = too_wide(factor)
            continue
        row |= {f"{scope}_{name}_cents": round(float(fan[k])) for k, name in names.items()}
    return row


def build_backtest_table(past: Past) -> pl.DataFrame:
    """Return what projections of past months said, stretched by those before, and what came."""
    rows = []
    for (currency, scope), fans in past.items():
        factors = {origin: _factor(fans, origin) for origin in {fan.origin for fan in fans}}
        for fan in fans:
            low, middle, high = stretch(fan.fan, fan.fan[1], factors[fan.origin])
            rows.append({
                "origin_month": month_of(fan.origin),
                "month": month_of(fan.origin + fan.ahead),
                "currency": currency,
                "scope": scope,
                "months_ahead": fan.ahead,
                "n": fan.n,
                "predicted_low_cents": round(low),
                "predicted_mid_cents": round(middle),
                "predicted_high_cents": round(high),
                "actual_cents": round(fan.actual),
                "last_value_cents": round(fan.last_value),
                "constant_churn_cents": round(fan.constant_churn),
                "is_repriced": fan.is_repriced,
                "is_inside": bool(low <= fan.actual <= high),
            })  # fmt: skip
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)
