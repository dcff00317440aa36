"""A made-up business of any size in the marts that the forecasts read, with known parameters."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from sselfie_insights.warehouse.frames import write_table
from tests.support.contracts import create_tables
from tests.support.warehouses import write_build_info

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""Late enough in the month that no late renewal can change October any more."""

MONTHS = 24
"""Months with joins up to and with October 2026; November runs."""

SETTLED = 12 * 56 + 9
"""October 2026, counted from January 1970."""


@dataclass(frozen=True)
class Truth:
    """What the business was drawn from.

    Attributes:
        alpha: Each member's chance to leave at a renewal is beta-distributed with alpha …
        beta: … and beta.
        quiet: The share of months without activity of who stays.
        quiet_before_leaving: The same in the month before a loss.
    """

    alpha: float = 1.2
    beta: float = 8.0
    quiet: float = 0.2
    quiet_before_leaving: float = 0.6


def write_members(
    path: Path, members: int, *, seed: int = 1, truth: Truth | None = None, growth: float = 0.0
) -> Path:
    """Write the marts of a business that ``members`` people joined over the last 24 months.

    Args:
        path: The file to create.
        members: How many people joined by the end of October 2026.
        seed: Names the business.
        truth: The parameters to draw from.
        growth: By how much more join from month to month, e.g. 0.03.
    """
    drawn = truth or Truth()
    rng = np.random.default_rng(seed)
    weights = (1 + growth) ** np.arange(MONTHS)
    start = SETTLED - MONTHS + 1 + rng.choice(MONTHS, size=members, p=weights / weights.sum())
    people = pl.DataFrame(
        {
            "number": np.arange(members),
            "start_number": start,
            # Lost at the end of this month: after one renewal due or more.
            "lost_number": start + rng.geometric(rng.beta(drawn.alpha, drawn.beta, members)),
            "mrr_cents": rng.choice([4900, 9700, 14900], size=members, p=[0.5, 0.4, 0.1]),
            "currency": rng.choice(["usd", "gbp"], size=members, p=[0.95, 0.05]),
            "product_type": rng.choice(["pro", "starter"], size=members, p=[0.7, 0.3]),
        }
    )
    return write_people(path, people, drawn)


def write_people(path: Path, people: pl.DataFrame, truth: Truth | None = None) -> Path:
    """Write the marts of a business of ``people``, whether the file is there or not.

    Args:
        path: The file.
        people: number, start_number and lost_number (months counted from January 1970; losses after
            ``SETTLED`` are yet to come), mrr_cents, currency, product_type, interval_months (1 by
            default): a row a membership.
        truth: How quiet they are.
    """
    drawn = truth or Truth()
    if "interval_months" not in people.columns:
        people = people.with_columns(pl.lit(1).alias("interval_months"))
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, AS_OF)
        write_table(connection, "people", people, "temp table")
        connection.execute(
            _MARTS.replace("$settled", str(SETTLED))
            .replace("$quiet_before", str(drawn.quiet_before_leaving))
            .replace("$quiet", str(drawn.quiet))
        )
    return path


def month(number: int) -> date:
    """The first day of the month ``number``, counted from January 1970."""
    return date(1970 + number // 12, number % 12 + 1, 1)


# Nobody is lost in November: it still runs.
_MARTS = """
create macro month_of(n) as (date '1970-01-01' + n * interval 1 month)::date;
create macro chance(a, b) as (hash(a, b) >> 11) / 9007199254740992.0;

insert into marts.dim_months by name
select
    month_of(n) as month, month_of(n + 1) as next_month, month_of(n + 1)::timestamp as ends_at,
    n <= $settled as is_complete
from range($settled - 23, $settled + 2) as t (n);

create temp table lives as
select
    'user' || number as customer_key, * exclude (lost_number),
    case when lost_number <= $settled then lost_number end as lost_number
from people;

insert into marts.member_months by name
select
    month_of(n) as month, customer_key, currency, mrr_cents::bigint as mrr_cents,
    month_of(start_number) as cohort_period, n - start_number as period_index,
    n <= $settled as is_complete
from (
    select *, unnest(range(start_number, coalesce(lost_number, $settled + 2))) as n from lives
);

insert into marts.mrr_by_member by name
select
    month_of(start_number) as month, customer_key, currency, 'new' as movement,
    mrr_cents::bigint as movement_mrr_cents, mrr_cents::bigint as closing_mrr_cents,
    true as is_complete
from lives
union all
select month_of(lost_number), customer_key, currency, 'churn', mrr_cents, 0, true
from lives where lost_number is not null;

insert into marts.mrr_movements by name
select
    month, currency, sum(mrr_cents)::bigint as closing_mrr_cents, count(*) as member_count,
    bool_and(is_complete) as is_complete
from marts.member_months group by month, currency;

insert into marts.dim_products by name
select * from (values ('pro', true), ('starter', true), ('one_time_session', false))
as t (product_type, is_recurring);

insert into marts.payments by name
select
    'in_' || customer_key || month as movement_key, 'payment' as kind, month,
    month as moved_on, customer_key, product_type, currency, mrr_cents as gross_cents,
    0 as refunded_cents, 0 as chargeback_cents
from marts.member_months
inner join (select customer_key, product_type from lives) using (customer_key)
union all
select
    'session_' || customer_key, 'payment', month_of(start_number), month_of(start_number),
    customer_key, 'one_time_session', currency, 2500, 0, 0
from lives where number % 3 = 0;

insert into marts.dim_customers by name
select
    customer_key, case when number % 50 > 0 then customer_key end as user_id,
    month_of(start_number) as subscriber_cohort_month
from lives;

insert into marts.members_now by name
select
    customer_key, currency, month_of(start_number) as member_since_on,
    date '2026-11-21' + (number % 28)::integer as paid_until_on, mrr_cents::bigint as mrr_cents,
    'active' as state
from lives where lost_number is null;

-- Some months pass without any activity, more of them just before a loss.
insert into marts.fct_activity by name
with months as (
    select
        customer_key as user_id, n,
        chance(customer_key, n) < case
            when n + 1 = lost_number then $quiet_before else $quiet
        end as is_quiet
    from (
        select *, unnest(range(start_number, coalesce(lost_number, $settled + 2))) as n from lives
    )
    where number % 50 > 0
)
select
    user_id, activity_on::timestamp as activity_at, activity_on, 'image' as feature
from (
    select
        user_id,
        month_of(n)
        + (unnest(range(1 + (chance(n, user_id) * 5)::integer)) * 5)::integer as activity_on
    from months where not is_quiet
)
where activity_on <= date '2026-11-20';

insert into marts.credit_entries by name
select
    row_number() over () as credit_transaction_id, customer_key as user_id, month,
    month as transacted_on, kind, 'image' as feature, credits
from (
    select customer_key, month, 'granted' as kind, 150 as credits from marts.member_months
    union all
    select customer_key, month, 'used', -(chance(month, customer_key) * 160)::bigint
    from marts.member_months
)
where customer_key in (select user_id from marts.dim_customers where user_id is not null);

insert into marts.failed_payments by name
select customer_key, month + interval 20 day as failed_at
from marts.member_months
where chance(customer_key, month::varchar) < 0.02;

insert into marts.coverage by name
select
    customer_key, month::timestamp as covered_from_at,
    (month + interval_months * interval 1 month)::timestamp as covered_until_at, mrr_cents,
    interval_months
from marts.member_months
inner join (select customer_key, interval_months from lives) using (customer_key)
where period_index % interval_months = 0;

drop macro month_of;
drop macro chance;
"""
