"""A business at two instants, and what its comparison is held against."""

from collections.abc import Callable
from datetime import date

from sselfie_insights.diff import Comparison
from sselfie_insights.query.library import load_library

SEPTEMBER = date(2026, 9, 1)


# The rows behind the numbers; nobody else in the made-up business has any.
ROWS = """
insert into marts.dropped_row_list by name
    select 'stripe_payments' as source_table, 'r1' as row_key, 'test' as reason,
        'in_test' as payment_key;
delete from marts.mrr_by_member;
insert into marts.mrr_by_member by name
    select date '2026-09-01' as month, 'user:u1' as customer_key, 'usd' as currency,
        'churn' as movement, 4900 as movement_mrr_cents, 0 as closing_mrr_cents,
        4900 as in_grace_mrr_cents, true as is_complete;
create or replace table marts.payments as select * from (values
    ('in_1', 'in_1', 'payment', date '2026-09-01', date '2026-09-05', 'u1', 'pro', 'usd', 4900, 0,
        0),
    ('in_0', 'in_0', 'payment', date '2026-10-01', date '2026-10-05', 'user:u1', 'pro', 'usd', 2450,
        0, 0),
    ('in_2', 'in_2', 'payment', date '2026-09-01', date '2026-09-09', 'u2', 'pro', 'usd', 4900, 0,
        0)
) as t (movement_key, payment_key, kind, month, moved_on, customer_key, product_type, currency,
    gross_cents, refunded_cents, chargeback_cents);
insert into marts.churn_by_member by name
    select date '2026-11-01' as month, 'user:u171' as customer_key,
        timestamp '2026-11-10 10:00' as churned_at, date '2026-11-10' as churned_on,
        'unknown' as kind, true as is_in_grace, 'usd' as currency, 4900 as lost_mrr_cents;
create or replace table marts.credit_entries as
    select 7 as credit_transaction_id, 'u1' as user_id, date '2026-09-01' as month,
        date '2026-09-03' as transacted_on, 'used' as kind, 'image' as feature, -5 as credits,
        75 as cost_cents;
"""


LATE = (
    "insert into marts.payments values ('in_3', 'in_3', 'payment', date '2026-09-01',"
    " date '2026-09-20', 'u3', 'pro', 'usd', 100, 0, 0);"
)


MORE = (
    "update marts.revenue_by_month set gross_cents = gross_cents + 100"
    " where month = date '2026-09-01' and product_type = 'pro';"
)


_ASKED = (
    *("credits/credit_flow_by_month", "credits/usage_by_feature", "credits/credit_entries"),
    *("revenue/billed_mrr_movements", "revenue/payers_by_month", "revenue/payments"),
    *("revenue/refund_rates", "revenue/revenue_by_month", "revenue/revenue_totals"),
)

# What most tests change numbers of; the first ones and the command look at every query.
FEW = {
    name: query
    for name, query in load_library().items()
    if name.startswith(("retention/cohort_members", "revenue/mrr_")) or name in _ASKED
}


Later = Callable[..., Comparison]


def summarize(found: Comparison) -> set[tuple[object, ...]]:
    """Return query, first day, column, before, after and causes of each restated number."""
    return {
        (n.query, n.first_on, n.column, n.before, n.after, each.causes)
        for each in found.restatements
        for n in (each.number,)
    }


OCTOBER = date(2026, 10, 1)
