"""How many people stand behind the numbers of money and credits, by hand: people, not payments."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from sselfie_insights.query import OpenWarehouse, load_library, run_query
from tests.support.warehouses import write_warehouse

MARTS = """
insert into marts.dim_months by name
select month::date as month, month::timestamp + interval 1 month as ends_at, true as is_complete
from generate_series(date '2026-01-01', date '2026-03-01', interval 1 month) as t (month);

-- a buys twice in January, and b once; in February b uses all that b had, and c appears.
insert into marts.credit_entries by name
select *, month as transacted_on from (values
    (1, 'a', date '2026-01-01', 'purchased', 50), (2, 'a', date '2026-01-01', 'purchased', 50),
    (3, 'b', date '2026-01-01', 'purchased', 20), (4, 'b', date '2026-02-01', 'used', -20),
    (5, 'c', date '2026-02-01', 'bonus', 5)
) as t (credit_transaction_id, user_id, month, kind, credits);
insert into marts.credit_flow_by_month by name select month, true as is_complete
from marts.dim_months;

-- Of dollars a and b hold some; a and c, who holds none, bought long ago; d was given back.
insert into marts.credit_lots by name
select * from (values
    (1, 'a', 'usd', 50, true, false), (2, 'a', 'usd', 30, false, false),
    (3, 'b', 'usd', 10, false, false), (4, 'c', 'usd', 0, true, false),
    (5, 'd', 'usd', 0, true, true), (6, 'a', 'eur', 5, false, false)
) as t (credit_transaction_id, user_id, currency, outstanding_credits, is_old, is_given_back);
insert into marts.liability by name
select currency, 0.5 as breakage_rate, 7 as breakage_proportional_cents
from (values ('usd'), ('eur')) as t (currency);

-- January: a pays twice, b once. February: nobody pays, and a is given back twice.
insert into marts.payments by name
select *, month as moved_on from (values
    ('1', 'payment', date '2026-01-01', 'a'), ('2', 'payment', date '2026-01-01', 'a'),
    ('3', 'payment', date '2026-01-01', 'b'), ('4', 'refund', date '2026-02-01', 'a'),
    ('5', 'chargeback', date '2026-02-01', 'a'), ('6', 'refund', date '2026-01-01', 'c')
) as t (movement_key, kind, month, customer_key), (select 'usd' as currency, 'pro' as product_type);
insert into marts.revenue_by_month by name
select
    month, 'usd' as currency, 'pro' as product_type, 100 as gross_cents, 1 as refunded_cents,
    0 as chargeback_cents, 99 as net_cents, [3, 0, 0][month(month)] as payment_count,
    [2, 0, 0][month(month)] as payer_count, true as is_complete
from marts.dim_months;
insert into marts.payers_by_month by name
select month, currency, net_cents, payer_count, is_complete from marts.revenue_by_month;
insert into marts.refund_capture by name select month, true as is_captured from marts.dim_months;
insert into marts.dim_customers by name
select customer_key, customer_key as user_id from (values ('a'), ('b'), ('c')) as t (customer_key);

insert into marts.dropped_row_list by name
select * from (values
    ('test', 'users', 'x', null), ('test', 'users', 'x', null), ('test', 'users', 'y', null),
    ('zero', 'payments', 'x', 'usd')
) as t (reason, source_table, customer_key, currency);
insert into marts.dropped_rows by name
select reason, source_table, currency, count(*) as row_count from marts.dropped_row_list
group by all;

-- Two charges of a, one that nobody knows, and Stripe's own fee.
insert into marts.stripe_movements by name
select date '2026-01-01' as month, 'usd' as currency, * from (values
    ('m1', 'charge', 'a', 'p1', 100), ('m2', 'charge', 'a', 'p2', 100),
    ('m3', 'charge', null, null, 100), ('m4', 'fee', null, null, 0)
) as t (move_key, category, customer_key, payment_key, charged_cents),
(select 0 as returned_cents);
insert into marts.stripe_fees by name
select date '2026-01-01' as month, 'usd' as currency, 300 as charged_cents, 3 as charge_count;
insert into marts.stripe_reconciliation_rows by name
select date '2026-01-01' as month, 'usd' as currency, * from (values
    ('r1', 'matched', 'a', 'p1', 'c1'), ('r2', 'matched', 'a', 'p2', 'c2'),
    ('r3', 'only_stripe', null, null, 'c3'), ('r4', 'only_stripe', null, null, 'c4')
) as t (row_key, kind, customer_key, payment_key, charge_key);
insert into marts.stripe_reconciliation by name
select month, currency, kind, count(*) as row_count from marts.stripe_reconciliation_rows
group by all;

-- a is a member in two currencies in January; a and b are in February.
insert into marts.member_months by name
select * from (values
    (date '2026-01-01', 'a', 'usd'), (date '2026-01-01', 'a', 'eur'),
    (date '2026-02-01', 'a', 'usd'), (date '2026-02-01', 'b', 'usd')
) as t (month, customer_key, currency), (select 100 as mrr_cents, true as is_complete);
insert into marts.mrr_movements by name
select
    month, 'usd' as currency, 0 as new_mrr_cents, 0 as reactivation_mrr_cents,
    0 as expansion_mrr_cents, 0 as contraction_mrr_cents, 0 as churn_mrr_cents,
    100 as closing_mrr_cents, true as is_complete
from marts.dim_months;
insert into marts.exchange_rates by name
select
    'usd' as currency, 'usd' as reporting_currency, date '2020-01-01' as valid_from_on,
    date '2100-01-01' as valid_until_on, 1 as minor_rate;
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWarehouse]:
    path = tmp_path_factory.mktemp("people") / "w.duckdb"
    write_warehouse(path, [], datetime(2026, 4, 1, tzinfo=UTC))
    with duckdb.connect(str(path)) as connection:
        connection.execute(MARTS)
    with OpenWarehouse(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        # Holders at the opening: nobody, then a and b, then a and c, b having used all.
        (
            "credits/credit_flow_by_month",
            ("opening_user_count", "user_count"),
            [(0, 2), (2, 2), (2, 0)],
        ),
        ("credits/liability", ("currency", "user_count", "old_user_count"),
         [("eur", 1, 0), ("usd", 2, 2)]),
        ("revenue/payers_by_month", ("payer_count", "given_back_count"),
         [(2, None), (0, 1), (0, 0)]),
        ("revenue/revenue_by_month", ("payer_count", "given_back_count"),
         [(2, None), (0, 1), (0, 0)]),
        ("revenue/revenue_totals", ("payer_count", "given_back_count"),
         [(2, None), (0, 1), (0, 0)]),
        ("revenue/refund_rates", ("payer_count", "given_back_count"),
         [(2, None), (0, 1), (0, 0)]),
        # Of those who pay in dollars, b uses credits in February.
        ("growth/margin_by_month", ("payer_count", "given_back_count", "user_count"),
         [(2, None, 0), (0, 1, 1), (0, 0, 0)]),
        ("quality/dropped_rows", ("reason", "row_count", "customer_count"),
         [("test", 3, 2), ("zero", 1, 1)]),
        ("revenue/stripe_fees", ("charge_count", "customer_count"), [(3, 2)]),
        ("revenue/stripe_reconciliation", ("kind", "row_count", "customer_count"),
         [("matched", 2, 1), ("only_stripe", 2, 2)]),
        ("revenue/one_currency", ("opening_member_count", "member_count", "payer_count"),
         [(0, 1, 2), (1, 2, 0), (2, 0, 0)]),
    ],
)  # fmt: skip
def test_people_are_counted_and_not_payments(
    warehouse: OpenWarehouse, name: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    result = run_query(warehouse, load_library()[name])
    assert result.frame.select(columns).rows() == rows


def test_the_rate_of_a_few_old_lots_is_hidden_and_no_liability(warehouse: OpenWarehouse) -> None:
    """The rate has no interval of people either: it is a share of credits."""
    columns = load_library()["credits/liability"].columns
    assert columns["breakage_rate"].of == "old_user_count"
    assert columns["breakage_proportional_cents"].of == "old_user_count"
    assert "breakage_rate_low" not in columns
