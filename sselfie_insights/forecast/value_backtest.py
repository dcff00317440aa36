"""How good past values were: the months that past cohorts paid, against what was expected."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from sselfie_insights.forecast.book import Book, month_of
from sselfie_insights.forecast.holdings import AHEAD
from sselfie_insights.forecast.rules import SEED
from sselfie_insights.forecast.survival import Fit

_DRAWS: Final = 400

BACKTEST_SCHEMA: Final = {
    "cohort_period": pl.Date, "months_ahead": pl.Int64, "n": pl.Int64,
    "predicted_months": pl.Float64, "predicted_low": pl.Float64, "predicted_high": pl.Float64,
    "paid_months": pl.Float64, "is_inside": pl.Boolean,
}  # fmt: skip


def build_backtest_table(book: Book, fits: Mapping[int, Fit]) -> pl.DataFrame:
    """Return for each past cohort the months a head that its model expected, and those that came.

    The model is that of the month in which the cohort joined; months are counted up to the last
    settled one, twelve at most after the first. The interval holds the model's doubt, that of the
    months, and the luck of few members.

    Args:
        book: The business.
        fits: The model of all memberships as it was at the end of each past month.
    """
    rows = []
    for origin, fit in fits.items():
        joined = book.memberships.filter(pl.col("start_number") == origin)
        if fit.model is None or joined.is_empty():
            continue
        ahead = min(AHEAD, book.settled - origin)
        many = int(joined["n"].sum())
        lost = joined["lost_number"].fill_null(book.now + 1).to_numpy() - origin
        paid = float(np.minimum(lost, ahead + 1) @ joined["n"].to_numpy()) / many
        for_long = int(joined.filter(pl.col("interval_months") > 1)["n"].sum())
        rows.append(_predict(fit, origin, ahead, many, for_long, paid))
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)


def _predict(
    fit: Fit, origin: int, ahead: int, many: int, for_long: int, paid: float
) -> dict[str, Any]:
    rng = np.random.default_rng(SEED + origin)
    drawn, long = fit.draw(rng, _DRAWS, ahead)
    effects = drawn.months(rng, ahead)
    there = np.full(_DRAWS, many - for_long)
    longer = np.full(_DRAWS, for_long)
    months = np.full(_DRAWS, float(many))
    for k in range(ahead):
        there = rng.binomial(there, (1 - drawn.chance[:, k]) ** effects[:, k])
        if (k + 1) % fit.interval == 0:
            longer = rng.binomial(longer, (1 - long) ** effects[:, k])
        months += there + longer
    low, high = np.quantile(months / many, [0.025, 0.975])
    return {
        "cohort_period": month_of(origin),
        "months_ahead": ahead,
        "n": many,
        "predicted_months": float(months.mean()) / many,
        "predicted_low": float(low),
        "predicted_high": float(high),
        "paid_months": paid,
        "is_inside": bool(low <= paid <= high),
    }
