"""What the churn-risk model looks at, and the reasons that it finds: as codes, and in words."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

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

# Where risk.sql stops counting.
_MOST_IDLE_DAYS: Final = 90
_MOST_RUNWAY_DAYS: Final = 365

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


Code = Literal[
    "set_to_end",
    "nothing_due",
    "no_recent_activity",
    "active_on_fewer_days",
    "hardly_uses_the_credits",
    "credits_run_out",
    "failed_payments",
    "length_of_the_membership",
]
"""The reasons; a query that shows one to people puts spaces for its underscores."""


class Reason(NamedTuple):
    """Why a member may leave.

    Attributes:
        code: Which reason it is, by which queries choose and group.
        words: The same in a phrase, with the member's own numbers.
    """

    code: Code
    words: str


def find_reasons(now: pl.DataFrame, model: HazardModel | None) -> list[list[Reason]]:
    """Return for each member why they may leave, the main reason first.

    That is an end that is already set. Then, unless the member has paid for more than the next
    30 days, what raises the risk above the average member's, weightiest first. Only features that
    matter beyond doubt count, see ``HazardModel.is_clear``.

    Args:
        now: One row per member, the table risk_now of risk.sql.
        model: The model, or None where there is too little to learn from.
    """
    learned: list[list[Reason]] = [[] for _ in range(now.height)]
    if model is not None:
        learned = _find_learned(now, model)
    return [
        [*_find_stored(row), *([] if row["is_paid_ahead"] else reasons)]
        for row, reasons in zip(now.iter_rows(named=True), learned, strict=True)
    ]


def _find_stored(row: dict[str, Any]) -> Iterator[Reason]:
    """Yield what the membership itself says."""
    if row["is_cancelling"]:
        yield Reason("set_to_end", f"set to end on {row['paid_until_on']}")
    if row["is_paid_ahead"]:
        yield Reason("nothing_due", f"nothing due: paid until {row['paid_until_on']}")


def _find_learned(rows: pl.DataFrame, model: HazardModel) -> list[list[Reason]]:
    added = np.where(model.is_clear(), model.contributions(take_features(rows)), 0.0)
    order = np.argsort(-added, axis=1, kind="stable")[:, :_MOST_REASONS]
    is_heavy = np.take_along_axis(added, order, axis=1) >= _LEAST
    names = list(FEATURES)
    # Two features see the silence; it is one reason.
    return [
        list(dict.fromkeys(_describe(names[column], row) for column in columns[kept]))
        for row, columns, kept in zip(rows.iter_rows(named=True), order, is_heavy, strict=True)
    ]


def _describe(feature: str, row: dict[str, Any]) -> Reason:
    """The reason that a feature of a member is, by the values it was made from."""
    match feature:
        case "tenure":
            made = int(row["tenure_months"])
            few = {0: "has not renewed yet", 1: "renewed only once"}
            return Reason("length_of_the_membership", few.get(made, f"renewed {made} times"))
        case "recency" | "inactive":
            days = int(row["idle_days"])
            span = f"{days} days" if days < _MOST_IDLE_DAYS else f"{days} days or more"
            return Reason("no_recent_activity", f"no activity for {span}")
        case "usage_trend":
            now, before = int(row["active_days"]), int(row["active_days_before"])
            words = f"active on {now} of the last 30 days, {before} of the 30 before"
            return Reason("active_on_fewer_days", words)
        case "credit_runway" if row["runway_days"] >= _MOST_RUNWAY_DAYS:
            return Reason("hardly_uses_the_credits", "hardly uses the credits")
        case "credit_runway":
            left = int(row["runway_days"])
            words = f"credits last {left} more days" if left else "no credits left"
            return Reason("credits_run_out", words)
        case "failed_payments":
            count = int(row["failed_payments"])
            return Reason("failed_payments", f"{count} failed payments in the last 31 days")
        case _:
            raise KeyError(feature)
