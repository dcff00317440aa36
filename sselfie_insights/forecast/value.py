"""What a member is worth: of a product, of a cohort, and each one who is here now."""

import math
from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book, count_cents, month_of
from sselfie_insights.forecast.residual import Residual, new_member_months
from sselfie_insights.forecast.rules import MIN_MEMBERS, SEED, WIDEST, too_few, too_wide
from sselfie_insights.forecast.survival import ALL, Fit, describe_trend
from sselfie_insights.statistics.intervals import bootstrap_mean
from sselfie_insights.statistics.shares import Z_95
from sselfie_insights.warehouse.frames import read_frame, write_table

Array = NDArray[np.float64]

_MONTHS: Final = ("months", "months_low", "months_high")

_VALUE: Final = {
    "expected_months": pl.Float64, "months_low": pl.Float64, "months_high": pl.Float64,
    "expected_value_cents": pl.Int64, "value_low_cents": pl.Int64, "value_high_cents": pl.Int64,
}  # fmt: skip

PRODUCT_SCHEMA: Final = {
    "product_type": pl.String, "currency": pl.String, "person_count": pl.Int64, "n": pl.Int64,
    "lost_count": pl.Int64, "member_count": pl.Int64, "arpa_cents": pl.Int64,
    "arpa_low_cents": pl.Int64, "arpa_high_cents": pl.Int64, "monthly_churn_rate": pl.Float64,
    **_VALUE, "naive_months": pl.Float64, "naive_value_cents": pl.Int64,
    "discount_rate": pl.Float64, "model": pl.String, "note": pl.String,
}  # fmt: skip

COHORT_SCHEMA: Final = {
    "cohort_period": pl.Date, "currency": pl.String, "n": pl.Int64, "member_count": pl.Int64,
    "arpa_cents": pl.Int64, "collected_cents": pl.Int64, **_VALUE,
    "lifetime_value_cents": pl.Int64, "lifetime_low_cents": pl.Int64,
    "lifetime_high_cents": pl.Int64, "naive_value_cents": pl.Int64, "discount_rate": pl.Float64,
    "model": pl.String, "note": pl.String,
}  # fmt: skip

MEMBER_SCHEMA: Final = {
    "customer_key": pl.String, "user_id": pl.String, "currency": pl.String,
    "product_type": pl.String, "tenure_months": pl.Int64, "mrr_cents": pl.Int64,
    "collected_cents": pl.Int64, **_VALUE, "naive_value_cents": pl.Int64,
    "discount_rate": pl.Float64, "n": pl.Int64, "model": pl.String, "note": pl.String,
}  # fmt: skip


def build_products_table(book: Book, fits: Mapping[str, Fit], rate: float) -> pl.DataFrame:
    """Return what a new member is worth, for each product and currency, and for all products.

    A product with too few memberships takes the survival of all of them, and says so.
    """
    rng = np.random.default_rng(SEED)
    rows = []
    for scope, each in fits.items():
        chosen = each if each.model is not None else fits[ALL]
        held = book.holdings.filter(pl.col("month_number") == book.settled)
        if scope != ALL:
            held = held.filter(pl.col("product_type") == scope)
        months = None if chosen.model is None else new_member_months(chosen, rate)
        for currency in book.currencies:
            part = held.filter(pl.col("currency") == currency)
            people = book.people.get(scope, 0)
            row = _product_row(each, chosen, months, currency, part, rate, rng)
            rows.append(row | {"person_count": people})
    return pl.DataFrame(rows, schema=PRODUCT_SCHEMA)


def _product_row(
    each: Fit,
    chosen: Fit,
    months: tuple[float, float, float] | None,
    currency: str,
    held: pl.DataFrame,
    rate: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    members = int(held["n"].sum())
    row: dict[str, Any] = dict.fromkeys(PRODUCT_SCHEMA) | {
        "product_type": each.scope,
        "currency": currency,
        "n": each.n,
        "lost_count": each.lost_count,
        "member_count": members,
        "discount_rate": rate,
        "note": chosen.note or ("" if members >= MIN_MEMBERS else too_few(members, MIN_MEMBERS)),
    }
    if row["note"] or chosen.model is None or months is None:
        return row
    if months[2] > WIDEST * months[1]:
        return row | {"note": too_wide(months[2] / months[1])}
    row["note"] = describe_trend(chosen.model)
    if chosen.scope != each.scope:
        row["note"] = f"survival of all products: {each.note}"
    price = count_cents(held) / members
    price_low, price_high = bootstrap_mean(held["mrr_cents"], held["n"], rng)
    middle, low, high = months
    churn = each.churn
    value = price * middle
    # Price and months are independent: their relative errors add in squares.
    down = np.hypot(np.log(price / price_low), np.log(middle / low))
    up = np.hypot(np.log(price_high / price), np.log(high / middle))
    return row | {
        "model": chosen.model.name,
        "arpa_cents": round(price),
        "arpa_low_cents": round(price_low),
        "arpa_high_cents": round(price_high),
        "monthly_churn_rate": churn,
        "expected_months": middle,
        "months_low": low,
        "months_high": high,
        "expected_value_cents": round(value),
        "value_low_cents": round(value * float(np.exp(-down))),
        "value_high_cents": round(value * float(np.exp(up))),
        "naive_months": 1 / churn if churn else None,
        "naive_value_cents": round(price / churn) if churn else None,
    }


def build_cohorts_table(
    connection: duckdb.DuckDBPyConnection,
    pooled: Fit,
    shapes: dict[int, Residual],
    rate: float,
) -> pl.DataFrame:
    """Return for each month of first membership what its members paid and will pay, a head."""
    cohorts = read_frame(connection, _COHORTS)
    held = read_frame(connection, _COHORT_HOLDINGS)
    parts = {
        (int(str(key[0])), str(key[1])): part
        for key, part in held.group_by("cohort_number", "currency", maintain_order=True)
    }
    churn = pooled.churn
    rows = []
    for cohort in cohorts.iter_rows(named=True):
        count = cohort["n"]
        row: dict[str, Any] = dict.fromkeys(COHORT_SCHEMA) | {
            "cohort_period": month_of(cohort["cohort_number"]),
            "currency": cohort["currency"],
            "n": count,
            "member_count": 0,
            "collected_cents": round(cohort["collected_cents"] / count),
            "discount_rate": rate,
            "note": pooled.note,
        }
        part = parts.get((cohort["cohort_number"], cohort["currency"]))
        if part is not None:
            row["member_count"] = int(part["n"].sum())
            row["arpa_cents"] = round(count_cents(part) / row["member_count"])
        if shapes and pooled.model is not None:
            row |= _expect(shapes, part, count, cohort["collected_cents"], rate)
            row["model"] = pooled.model.name
            if part is not None and churn:
                row["naive_value_cents"] = round(row["arpa_cents"] / churn)
        rows.append(row)
    return pl.DataFrame(rows, schema=COHORT_SCHEMA)


def _expect(
    shapes: dict[int, Residual], part: pl.DataFrame | None, count: int, collected: int, rate: float
) -> dict[str, Any]:
    """What is still expected of a cohort, per person who joined.

    The interval holds the doubt about the model and the luck of few members, in squares.
    """
    if part is None:
        months = value = np.zeros(3)
    else:
        months = _sum_up(shapes, part.with_columns(mrr_cents=1), rate) / count
        value = _sum_up(shapes, part, rate) / count
    so_far = collected / count
    names = ("expected_value_cents", "value_low_cents", "value_high_cents")
    totals = ("lifetime_value_cents", "lifetime_low_cents", "lifetime_high_cents")
    row: dict[str, Any] = dict(
        zip(("expected_months", "months_low", "months_high"), map(float, months), strict=True)
    )
    row |= {name: round(float(each)) for name, each in zip(names, value, strict=True)}
    return row | {
        name: round(so_far + float(each)) for name, each in zip(totals, value, strict=True)
    }


def _sum_up(shapes: dict[int, Residual], part: pl.DataFrame, rate: float) -> Array:
    """Return the expectation of Σ price · months and its interval, shape (3,).

    No luck of few members goes beyond what all of them would pay if none ever left.
    """
    mean = low = high = luck = most = 0.0
    for interval, shape in shapes.items():
        these = part.filter((pl.col("interval_months") > 1) == (interval > 1))
        tenure = these["tenure"].to_numpy()
        many = these["n"].to_numpy().astype(float)
        price = these["mrr_cents"].to_numpy().astype(float)
        mean += float(many * price @ shape.mean[tenure])
        low += float(many * price @ shape.low[tenure])
        high += float(many * price @ shape.high[tenure])
        luck += float(many * price**2 @ shape.spread[tenure] ** 2)
        most += float(many @ price) * (1 + rate) / rate
    down = np.hypot(mean - low, Z_95 * math.sqrt(luck))
    up = np.hypot(high - mean, Z_95 * math.sqrt(luck))
    return np.array([mean, max(0.0, mean - down), min(most, mean + up)])


def write_members(
    connection: duckdb.DuckDBPyConnection,
    pooled: Fit,
    shapes: dict[int, Residual],
    rate: float,
    tenures: int,
) -> None:
    """Create ``forecast.ltv_by_member``: the members now, and what each is still expected to pay.

    The interval is where 95 of 100 such members will end: one member's luck, not the model's doubt.
    """
    frames = []
    for is_long in (False, True):
        shape = next((s for i, s in shapes.items() if (i > 1) == is_long), None)
        months = {} if shape is None else {
            "months": shape.mean, "months_low": shape.unlucky, "months_high": shape.lucky
        }  # fmt: skip
        frames.append(
            pl.DataFrame(
                {"tenure": np.arange(tenures), "is_long": [is_long] * tenures}
                | {name: months.get(name, np.full(tenures, np.nan)) for name in _MONTHS}
            )
        )
    expectations = pl.concat(frames).with_columns(
        pl.col(_MONTHS).fill_nan(None),
        pl.lit(None if not shapes else pooled.churn, pl.Float64).alias("churn"),
        pl.lit(rate).alias("discount_rate"),
        pl.lit(pooled.n).cast(pl.Int64).alias("n"),
        pl.lit(None if pooled.model is None else pooled.model.name, pl.String).alias("model"),
        pl.lit(pooled.note).alias("note"),
    )
    write_table(connection, "expectations", expectations, "temp table")
    connection.execute(_MEMBERS)


_COHORTS = """
select
    date_diff('month', date '1970-01-01', subscriber_cohort_month) as cohort_number,
    currency,
    count(*) as n,
    sum(collected_cents)::bigint as collected_cents
from marts.dim_customers
inner join collected using (customer_key)
where
    subscriber_cohort_month is not null
    and date_diff('month', date '1970-01-01', subscriber_cohort_month) <= getvariable('settled')
group by all
order by cohort_number, currency
"""

_COHORT_HOLDINGS = """
select
    date_diff('month', date '1970-01-01', subscriber_cohort_month) as cohort_number,
    currency,
    member_rows.month_number - member_rows.start_number as tenure,
    mrr_cents,
    interval_months,
    count(*) as n
from member_rows
inner join memberships using (customer_key, start_number)
inner join marts.dim_customers using (customer_key)
where month_number = getvariable('settled')
group by all
order by all
"""

_MEMBERS = """
create or replace table forecast.ltv_by_member as
with now as (
    select max(month_number) as month_number from member_rows
),
running as (
    select
        member_rows.customer_key, member_rows.currency, start_number, product_type,
        interval_months > 1 as is_long
    from member_rows
    inner join memberships using (customer_key, start_number)
    where member_rows.month_number = (select month_number from now)
),
here as (
    select
        members_now.customer_key, members_now.currency, members_now.mrr_cents, product_type,
        is_long,
        -- A renewal of this month is still due when paid time ends in it.
        least((select max(tenure) from expectations), greatest(
            0,
            date_diff('month', date '1970-01-01', as_of_on) - start_number
            - (date_trunc('month', paid_until_on) = date_trunc('month', as_of_on))::bigint
        )) as tenure_months
    from marts.members_now
    cross join marts.build_info
    inner join running using (customer_key, currency)
    where state <> 'in_grace'
)
select
    here.customer_key, dim_customers.user_id, here.currency, product_type, tenure_months,
    here.mrr_cents, coalesce(collected_cents, 0)::bigint as collected_cents,
    months as expected_months, months_low, months_high,
    round(mrr_cents * months)::bigint as expected_value_cents,
    round(mrr_cents * months_low)::bigint as value_low_cents,
    round(mrr_cents * months_high)::bigint as value_high_cents,
    round(mrr_cents / churn)::bigint as naive_value_cents,
    discount_rate, n, model, note
from here
inner join expectations
    on here.tenure_months = expectations.tenure and here.is_long = expectations.is_long
left join collected using (customer_key, currency)
left join marts.dim_customers using (customer_key)
order by here.customer_key, here.currency
"""
