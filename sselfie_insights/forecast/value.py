"""What a member is worth: of a product, of a cohort, and each one who is here now."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book, count_cents, month_of
from sselfie_insights.forecast.rules import MIN_MEMBERS, SEED, WIDEST, too_few, too_wide
from sselfie_insights.forecast.survival import ALL, CURVE_DRAWS, Fit, describe_trend
from sselfie_insights.statistics.intervals import bootstrap_mean
from sselfie_insights.statistics.retention import Draws
from sselfie_insights.statistics.shares import Z_95
from sselfie_insights.warehouse.frames import read_frame, write_table

Array = NDArray[np.float64]

# Renewals ahead after which the chance to leave hardly moves any more: twenty years.
_TAIL: Final = 240
_MONTHS: Final = ("months", "months_low", "months_high")

_VALUE: Final = {
    "expected_months": pl.Float64, "months_low": pl.Float64, "months_high": pl.Float64,
    "expected_value_cents": pl.Int64, "value_low_cents": pl.Int64, "value_high_cents": pl.Int64,
}  # fmt: skip

PRODUCT_SCHEMA: Final = {
    "product_type": pl.String, "currency": pl.String, "n": pl.Int64, "lost_count": pl.Int64,
    "member_count": pl.Int64, "arpa_cents": pl.Int64, "arpa_low_cents": pl.Int64,
    "arpa_high_cents": pl.Int64, "monthly_churn_rate": pl.Float64, **_VALUE,
    "naive_months": pl.Float64, "naive_value_cents": pl.Int64, "discount_rate": pl.Float64,
    "model": pl.String, "note": pl.String,
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


@dataclass(frozen=True)
class Residual:
    """Discounted months still to be paid, by renewals made; each of shape (tenures,).

    Attributes:
        mean: The expectation.
        low: Lower end of its 95 % profile-likelihood interval.
        high: Upper end of it.
        spread: The standard deviation of one member's months around it.
        unlucky: What 2.5 % of members stay below.
        lucky: What 2.5 % of members go beyond.
    """

    mean: Array
    low: Array
    high: Array
    spread: Array
    unlucky: Array
    lucky: Array


def residual(fit: Fit, tenures: int, rate: float) -> dict[int, Residual]:
    """Return what is expected of members 0, 1 … ``tenures`` - 1 months after joining, by interval.

    The months are those from the next renewal on, which counts in full; the discounted expected
    residual lifetime of Fader and Hardie (2010), and the distribution around it. Of members who
    renew after several months they begin with the next month, for which is paid already.

    Raises:
        ValueError: There is no model.
    """
    draws, long = fit.draw(np.random.default_rng(SEED), CURVE_DRAWS, tenures + _TAIL)
    chance = np.clip(draws.chance.mean(axis=0), 0.0, 1.0)
    found = {1: _spread_out(_months(draws, tenures, rate), chance, rate)}
    if fit.long[1] or fit.long_share:
        found[fit.interval] = _long_residual(fit, long, tenures, rate)
    return found


def _months(draws: Draws, tenures: int, rate: float) -> Array:
    """Discounted months to be paid after 0, 1 … renewals, shape (draws, tenures).

    From far ahead, where the chance no longer moves, back to the next renewal: what renewal n is
    worth is its chance times a month and the discounted worth of renewal n + 1.
    """
    v = 1 / (1 + rate)
    if not draws.slope.any():
        stays = 1 - draws.chance
        worth = np.empty_like(stays)
        worth[:, -1] = stays[:, -1] / (1 - v * stays[:, -1])
        for n in range(stays.shape[1] - 2, -1, -1):
            worth[:, n] = stays[:, n] * (1 + v * worth[:, n + 1])
        return worth[:, :tenures]
    age = np.arange(tenures)
    worth = draws.stays(age + _TAIL, age)
    worth = worth / (1 - v * worth)
    for n in range(_TAIL - 1, 0, -1):
        worth = draws.stays(age + n, age) * (1 + v * worth)
    return worth


def _spread_out(months: Array, chance: Array, rate: float) -> Residual:
    """The expectation, its interval, and one member's luck by the mean chance at each renewal."""
    low, high = np.quantile(months, [0.025, 0.975], axis=0)
    tenures = months.shape[1]
    horizon = math.ceil(math.log(1e-6 * rate) / -math.log1p(rate))
    stays = np.append(1 - chance, np.full(horizon, 1 - chance[-1]))
    # Months after n further renewals: the sum of 1, v … v^(n - 1).
    paid = (1 - (1 + rate) ** -np.arange(horizon + 1.0)) * (1 + rate) / rate
    spread, unlucky, lucky = np.empty(tenures), np.empty(tenures), np.empty(tenures)
    for k in range(tenures):
        left = np.concatenate([[1.0], np.cumprod(stays[k : k + horizon])])
        chances = np.append(-np.diff(left), left[-1])
        mean = chances @ paid
        spread[k] = math.sqrt(max(0.0, float(chances @ paid**2 - mean**2)))
        place = np.searchsorted(np.cumsum(chances), [0.025, 0.975])
        unlucky[k], lucky[k] = paid[np.minimum(place, horizon)]
    return Residual(months.mean(axis=0), low, high, spread, unlucky, lucky)


def _long_residual(fit: Fit, long: Array, tenures: int, rate: float) -> Residual:
    """The same of members who renew every ``fit.interval`` months, with one chance at each."""
    v, interval = 1 / (1 + rate), fit.interval
    a_period = (1 - v**interval) / (1 - v)
    after = (1 - long) / (1 - v**interval * (1 - long)) * a_period
    left = interval - 1 - np.arange(tenures) % interval
    now = (1 - v**left) / (1 - v)
    months = now + v**left * after[:, None]
    low, high = np.quantile(months, [0.025, 0.975], axis=0)
    # After n further renewals, which a member makes with the chance of a geometric lifetime.
    chance = fit.long_chance
    made = np.arange(math.ceil(math.log(1e-6) / math.log1p(-chance)) + 1) if chance < 1 else [0]
    made = np.asarray(made[:2000])
    periods = a_period * (1 - v ** (interval * made)) / (1 - v**interval)
    chances = chance * (1 - chance) ** made
    chances[-1] += 1 - chances.sum()
    worth = now + v**left * periods[:, None]
    mean = chances @ worth
    spread = np.sqrt(np.maximum(chances @ worth**2 - mean**2, 0.0))
    place = np.minimum(np.searchsorted(np.cumsum(chances), [0.025, 0.975]), made.size - 1)
    return Residual(months.mean(axis=0), low, high, spread, worth[place[0]], worth[place[1]])


def tell_products(book: Book, fits: Mapping[str, Fit], rate: float) -> pl.DataFrame:
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
        months = None if chosen.model is None else _new_member_months(chosen, rate)
        for currency in book.currencies:
            part = held.filter(pl.col("currency") == currency)
            rows.append(_tell_product(each, chosen, months, currency, part, rate, rng))
    return pl.DataFrame(rows, schema=PRODUCT_SCHEMA)


def _new_member_months(fit: Fit, rate: float) -> tuple[float, float, float]:
    """Discounted months of who joins: the first at once, the next a month later; with the ends."""
    draws, long = fit.draw(np.random.default_rng(SEED), CURVE_DRAWS, 1 + _TAIL)
    v = 1 / (1 + rate)
    months = 1 + v * _months(draws, 1, rate)[:, 0]
    if fit.long_share:
        ahead = v**fit.interval
        longer = (1 - ahead) / (1 - v) / (1 - ahead * (1 - long))
        months = (1 - fit.long_share) * months + fit.long_share * longer
    low, high = np.quantile(months, [0.025, 0.975])
    return float(months.mean()), float(low), float(high)


def _tell_product(
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


def tell_cohorts(
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
            row |= _expect(shapes, part, count, cohort["collected_cents"])
            row["model"] = pooled.model.name
            if part is not None and churn:
                row["naive_value_cents"] = round(row["arpa_cents"] / churn)
        rows.append(row)
    return pl.DataFrame(rows, schema=COHORT_SCHEMA)


def _expect(
    shapes: dict[int, Residual], part: pl.DataFrame | None, count: int, collected: int
) -> dict[str, Any]:
    """What is still expected of a cohort, per head of all who joined.

    The interval holds the doubt about the model and the luck of so few members, in squares.
    """
    if part is None:
        months = value = np.zeros(3)
    else:
        months = _sum_up(shapes, part.with_columns(mrr_cents=1)) / count
        value = _sum_up(shapes, part) / count
    so_far = collected / count
    names = ("expected_value_cents", "value_low_cents", "value_high_cents")
    totals = ("lifetime_value_cents", "lifetime_low_cents", "lifetime_high_cents")
    told: dict[str, Any] = dict(
        zip(("expected_months", "months_low", "months_high"), map(float, months), strict=True)
    )
    told |= {name: round(float(each)) for name, each in zip(names, value, strict=True)}
    return told | {
        name: round(so_far + float(each)) for name, each in zip(totals, value, strict=True)
    }


def _sum_up(shapes: dict[int, Residual], part: pl.DataFrame) -> Array:
    """Return the expectation of Σ price · months and its interval, shape (3,)."""
    mean = low = high = luck = 0.0
    for interval, shape in shapes.items():
        these = part.filter((pl.col("interval_months") > 1) == (interval > 1))
        tenure = these["tenure"].to_numpy()
        many = these["n"].to_numpy().astype(float)
        price = these["mrr_cents"].to_numpy().astype(float)
        mean += float(many * price @ shape.mean[tenure])
        low += float(many * price @ shape.low[tenure])
        high += float(many * price @ shape.high[tenure])
        luck += float(many * price**2 @ shape.spread[tenure] ** 2)
    down = np.hypot(mean - low, Z_95 * math.sqrt(luck))
    up = np.hypot(high - mean, Z_95 * math.sqrt(luck))
    return np.array([mean, max(0.0, mean - down), mean + up])


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
