"""What the churn-risk model looks at, and how a member is told what speaks against staying."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.statistics.hazard import HazardModel

Array = NDArray[np.float64]

FEATURES: Final = {
    "tenure": "Renewals made (logarithm)",
    "recency": "Days since the last activity, up to 90 (logarithm)",
    "inactive": "No activity for 30 days",
    "usage_trend": "Active days in the last 30 against the 30 before (logarithm of the ratio)",
    "credit_runway": "Days that the credits last, up to 365 (logarithm)",
    "failed_payments": "Failed payments in the last 31 days, up to 2",
}
"""Name and meaning of each column of the model, in its order."""

INACTIVE_DAYS: Final = 30
"""From how many days without activity a user is called inactive."""

# A reason adds at least this to the log odds: a tenth more risk.
_LEAST: Final = 0.1
_MOST_REASONS: Final = 3


def take_features(rows: pl.DataFrame) -> Array:
    """Return the model's columns of ``rows``, shape (n, 6), NaN where not known."""
    values = {
        name: rows[name].cast(pl.Float64).to_numpy()
        for name in (
            "tenure_months", "idle_days", "active_days", "active_days_before", "runway_days",
            "failed_payments",
        )
    }  # fmt: skip
    return np.column_stack(
        [
            np.log1p(values["tenure_months"]),
            np.log1p(values["idle_days"]),
            np.where(np.isnan(values["idle_days"]), np.nan, values["idle_days"] >= INACTIVE_DAYS),
            np.log((values["active_days"] + 1) / (values["active_days_before"] + 1)),
            np.log1p(values["runway_days"]),
            values["failed_payments"],
        ]
    )


def tell_reasons(model: HazardModel, rows: pl.DataFrame) -> list[list[str]]:
    """Return for each row what raises its risk above the average member's, weightiest first.

    Only features that the data show to matter (their 95 % interval excludes no effect) count.
    """
    added = model.contributions(take_features(rows))
    _, low, high = model.odds_ratios()
    added = np.where((low > 1) | (high < 1), added, 0.0)
    order = np.argsort(-added, axis=1, kind="stable")[:, :_MOST_REASONS]
    heavy = np.take_along_axis(added, order, axis=1) >= _LEAST
    words = _words(rows)
    return [
        list(dict.fromkeys(words[column][row] for column in order[row][heavy[row]]))
        for row in range(rows.height)
    ]


def _words(rows: pl.DataFrame) -> list[list[str]]:
    """Each feature of each row in words, in the order of ``FEATURES``."""
    days = pl.col("idle_days").cast(pl.Int64).cast(pl.String)
    runway = pl.col("runway_days").floor().cast(pl.Int64)
    now, before = (
        pl.col(name).cast(pl.Int64).cast(pl.String)
        for name in ("active_days", "active_days_before")
    )
    tenure = pl.col("tenure_months").cast(pl.Int64)
    idle = (
        pl.when(pl.col("idle_days") >= 90)
        .then(pl.lit("no activity for 90 days or more"))
        .otherwise(pl.format("no activity for {} days", days))
    )
    told = rows.select(
        tenure=pl.when(tenure == 0)
        .then(pl.lit("has not renewed yet"))
        .when(tenure == 1)
        .then(pl.lit("renewed only once"))
        .otherwise(pl.format("renewed {} times", tenure)),
        recency=idle,
        inactive=idle,
        usage_trend=pl.format("active on {} of the last 30 days, {} of the 30 before", now, before),
        credit_runway=pl.when(runway >= 365)
        .then(pl.lit("hardly uses the credits"))
        .when(runway == 0)
        .then(pl.lit("no credits left"))
        .otherwise(pl.format("credits last {} more days", runway)),
        failed_payments=pl.format(
            "{} failed payments in the last 31 days", pl.col("failed_payments").cast(pl.Int64)
        ),
    )
    return [told[name].fill_null("").to_list() for name in FEATURES]
