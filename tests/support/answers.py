"""Compare what the public queries say with the simulation's answer key."""

from pathlib import Path

import polars as pl

from sselfie_insights.query import (
    OpenWarehouse,
    find_query,
    load_library,
    run_query,
)
from sselfie_insights.simulate import Answers

KEYS = {
    "revenue/revenue_by_month": ["month", "currency", "product_type"],
    "revenue/mrr_movements": ["month", "currency"],
    "revenue/mrr_by_member": ["month", "customer_key", "currency", "movement"],
    "churn/churn_by_month": ["month"],
    "churn/mrr_churn_by_month": ["month", "currency"],
    "churn/members_now": ["customer_key", "currency"],
    "retention/subscriber_cohorts": ["cohort_period", "period_index"],
    "retention/revenue_cohorts": ["cohort_period", "currency", "period_index"],
    "retention/activity_cohorts": ["cohort_period", "period_index"],
    "credits/credit_flow_by_month": ["month"],
    "credits/ledger_gaps": ["user_id"],
    "engagement/active_users": ["period"],
    "quality/dropped_rows": ["reason", "source_table", "currency"],
}

KEYS_OF_EXPORTS = {
    "revenue/stripe_fees": ["month", "currency"],
    "revenue/stripe_reconciliation": ["month", "currency", "kind"],
}

# The answer key's name of a query run with parameters that are not its defaults.
VARIANTS = {
    "engagement/active_users_week": ("engagement/active_users", {"grain": "week"}),
    "engagement/active_users_day": ("engagement/active_users", {"grain": "day"}),
    "retention/activity_cohorts__signup_on": ("retention/activity_cohorts", {}),
    "retention/activity_cohorts__signup_on_or_after": (
        "retention/activity_cohorts",
        {"mode": "on_or_after"},
    ),
    "retention/activity_cohorts__first_payment_on": (
        "retention/activity_cohorts",
        {"start": "first_payment"},
    ),
    "retention/activity_cohorts__first_payment_on_or_after": (
        "retention/activity_cohorts",
        {"start": "first_payment", "mode": "on_or_after"},
    ),
}

RATE_TOLERANCE = 1e-9


def list_differences(answers: Answers, warehouse: Path, *, limit: int = 5) -> list[str]:
    """Return a line for every cell, row or column in which a query differs from the key."""
    library = load_library()
    found: list[str] = []
    with OpenWarehouse(warehouse) as opened:
        for answer, expected in answers.frames.items():
            name, parameters = VARIANTS.get(answer, (answer, {}))
            query = find_query(name, library)
            actual = run_query(opened, query, parameters, with_personal_data=True).frame
            found += [
                f"{answer}: {line}"
                for line in _compare(expected, actual, (KEYS | KEYS_OF_EXPORTS)[name], limit)
            ]
    return found


def _compare(
    expected: pl.DataFrame, actual: pl.DataFrame, keys: list[str], limit: int
) -> list[str]:
    missing = set(expected.columns) - set(actual.columns)
    if missing:
        return [f"no column {', '.join(sorted(missing))}"]
    # What is complete of "on or after" and the means are worked out from the cells of the key.
    if "is_mean" in actual.columns:
        actual = actual.filter(~pl.col("is_mean"))
    both = expected.with_columns(pl.lit(True).alias("_expected")).join(
        actual.select(expected.columns).with_columns(pl.lit(True).alias("_actual")),
        on=keys,
        how="full",
        coalesce=True,
        nulls_equal=True,
        suffix="_found",
    )
    lines = []
    for side, where in (("_actual", "missing"), ("_expected", "unexpected")):
        rows = both.filter(pl.col(side).is_null()).sort(keys)
        lines += [f"{where} row {row}" for row in rows.select(keys).head(limit).rows()]
        if rows.height > limit:
            lines.append(f"{where} rows: {rows.height}")
    matched = both.filter(pl.col("_actual") & pl.col("_expected"))
    for column in [name for name in expected.columns if name not in keys]:
        wanted, got = pl.col(column), pl.col(f"{column}_found")
        if expected.schema[column].is_float():
            differs = (wanted - got).abs().fill_null(0.0) > RATE_TOLERANCE
            differs = differs | (wanted.is_null() != got.is_null())
        else:
            differs = wanted.ne_missing(got)
        rows = matched.filter(differs).sort(keys)
        lines += [
            f"{column} of {row[: len(keys)]} is {row[-1]}, not {row[-2]}"
            for row in rows.select(*keys, wanted, got).head(limit).rows()
        ]
        if rows.height > limit:
            lines.append(f"{column}: {rows.height} of {matched.height} cells differ")
    return lines
