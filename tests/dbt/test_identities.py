"""The accounting identities are tested on every build; here, that each of those tests can fail."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Dbt

MEMBER = "insert into marts.member_months (month, customer_key, currency, mrr_cents) values"
MOVEMENT = """
    insert into marts.mrr_movements
        (month, currency, opening_mrr_cents, new_mrr_cents, reactivation_mrr_cents,
         expansion_mrr_cents, contraction_mrr_cents, churn_mrr_cents, closing_mrr_cents,
         in_grace_mrr_cents, member_count)
    values
"""
CHURN = """
    insert into marts.churn_by_month
        (month, opening_member_count, new_member_count, reactivated_count, churned_member_count,
         opening_churned_count, voluntary_count, involuntary_count, unknown_count, in_grace_count,
         closing_member_count)
    values
"""
RATES = """
    insert into marts.mrr_churn_by_month
        (month, currency, opening_mrr_cents, gross_mrr_churn_rate, net_mrr_churn_rate, grr, nrr,
         quick_ratio)
    values
"""
FLOW = """
    insert into marts.credit_flow_by_month
        (month, opening_credits, purchased_credits, granted_credits, bonus_credits,
         adjusted_credits, used_credits, closing_credits, expired_credits)
    values
"""
REVENUE = """
    insert into marts.revenue_by_month
        (month, currency, product_type, gross_cents, refunded_cents, net_cents, payment_count,
         payer_count, chargeback_cents)
    values
"""
PERIOD = """
    insert into marts.active_users
        (grain, period, active_count, new_count, returning_count, resurrected_count, dormant_count)
    values
"""
RECONCILED = """
    insert into marts.stripe_reconciliation
        (month, currency, kind, row_count, database_cents, stripe_cents, difference_cents)
    values
"""
PAIRED = """
    insert into marts.stripe_reconciliation_rows (row_key, kind, payment_key, database_cents) values
"""
CHARGED = """
    insert into intermediate.int_stripe_charges
        (charge_key, charged_at, currency, amount_cents, standing)
    values ('txn_1', timestamp '2026-01-05 10:00', 'usd', 9700, 'matched')
"""
PAID = """
    insert into intermediate.int_payments (payment_key, is_payment, amount_cents)
    values ('in_1', true, 9700)
"""
ACTIVITY = "insert into marts.fct_activity (user_id, activity_on, feature) values"
LOT = """
    insert into intermediate.int_credit_lots (user_id, credits, outstanding_credits) values
"""
ENTRY = """
    insert into intermediate.int_credit_entries
        (user_id, credit_transaction_id, transacted_at, credits)
    values
"""
PAYMENT = """
    insert into intermediate.int_payments
        (payment_row_id, stripe_invoice_id, amount_cents, currency, dropped_reason, is_payment)
    values
"""
ITS_KEY = "update intermediate.int_payments set payment_key = stripe_invoice_id"
SPAN = """
    insert into intermediate.int_coverage
        (payment_key, subscription_key, covered_from_at, covered_until_at)
    values
"""

# Test → rows that contradict it, each in a way of its own. as_of is 2026-03-10.
CONTRADICTIONS: Mapping[str, list[str]] = {
    "mrr_movements_balance": [
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 99, 0, 1)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 5, 0, 0, 0, 0, 0, 5, 0, 1)",
        f"{MOVEMENT} ('2026-01-01', 'usd', 0, 9, 0, 0, 0, 0, 9, 0, 1),"
        " ('2026-03-01', 'usd', 9, 0, 0, 0, 0, 0, 9, 0, 1)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 9, 0, 0, -1, 1, 9, 0, 1)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 9, 0, 0, 0, 0, 9, 1, 1)",
    ],
    "mrr_changes_sum_to_closing": [
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 1)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 1);"
        " insert into marts.mrr_changes (customer_key, currency, changed_at, change_cents)"
        " values ('ann', 'usd', timestamp '2026-03-01', 99)",
    ],
    "closing_mrr_is_members_mrr": [
        f"{MEMBER} ('2026-03-01', 'ann', 'usd', 100)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 1)",
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 2);"
        f"{MEMBER} ('2026-03-01', 'ann', 'usd', 100)",
    ],
    "mrr_by_member_sums_to_movements": [
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 1)",
        "insert into marts.mrr_by_member (month, customer_key, currency, movement,"
        " movement_mrr_cents) values ('2026-03-01', 'ann', 'usd', 'new', 100)",
    ],
    "stored_payments_reconcile": [
        f"{REVENUE} ('2026-03-01', 'usd', 'pro', 100, 0, 100, 1, 1, 0)",
        "insert into marts.dropped_rows (reason, source_table, currency, row_count, amount_cents)"
        " values ('zero', 'stripe_payments', 'usd', 1, 0)",
    ],
    "payments_match_invoices": [
        f"{PAYMENT} (1, 'in_1', 100, 'usd', null, true); {ITS_KEY}",
        f"{PAYMENT} (1, 'in_1', 100, 'usd', null, true); {ITS_KEY};"
        "insert into marts.payments (payment_key, kind, gross_cents) values"
        " ('in_1', 'payment', 50)",
        f"{PAYMENT} (1, 'in_1', 100, 'usd', null, true), (2, 'in_1', 100, 'usd', null, true);"
        f"{ITS_KEY};"
        "insert into marts.payments (payment_key, kind, gross_cents) values"
        " ('in_1', 'payment', 100)",
        f"{PAYMENT} (1, 'in_1', 100, 'usd', 'duplicate', false); {ITS_KEY}",
    ],
    "copies_of_an_invoice_agree": [
        f"{PAYMENT} (1, 'in_1', 9, 'usd', null, true), (2, 'in_1', 8, 'usd', 'duplicate', false)",
        f"{PAYMENT} (1, 'in_1', 9, 'usd', null, true), (2, 'in_1', 9, 'eur', 'duplicate', false)",
    ],
    "payments_sum_to_revenue": [
        f"{REVENUE} ('2026-03-01', 'usd', 'pro', 100, 0, 100, 1, 1, 0)",
        f"{REVENUE} ('2026-03-01', 'usd', 'pro', 0, 0, 1, 0, 0, 0)",
        "insert into marts.payments (month, currency, product_type, kind, customer_key,"
        " gross_cents, refunded_cents) values ('2026-03-01', 'usd', 'pro', 'refund', 'ann', 0, 1)",
    ],
    "coverage_never_overlaps": [
        f"{SPAN} ('in_1', 'sub_1', '2026-01-10', '2026-01-10')",
        f"{SPAN} ('in_1', 'sub_1', '2026-01-10', '2026-02-10'),"
        " ('in_2', 'sub_1', '2026-02-09', '2026-03-09')",
    ],
    "members_balance": [
        f"{MEMBER} ('2026-03-01', 'ann', 'usd', 100)",
        f"{CHURN} ('2026-03-01', 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)",
        f"{CHURN} ('2026-03-01', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
        f"{CHURN} ('2026-03-01', 1, 0, 0, 1, 1, 1, 0, 0, 0, 0)",
        f"{CHURN} ('2026-03-01', 0, 1, 0, 1, 0, 1, 1, 0, 0, 0)",
        f"{CHURN} ('2026-03-01', 0, 1, 0, 1, 1, 1, 0, 0, 0, 0)",
        f"{CHURN} ('2026-03-01', 0, 1, 0, 1, 0, 1, 0, 0, 2, 0)",
    ],
    "churn_by_member_sums_to_months": [
        f"{CHURN} ('2026-03-01', 1, 0, 0, 1, 1, 1, 0, 0, 0, 0)",
        "insert into marts.churn_by_member (month, customer_key, kind, is_in_grace)"
        " values ('2026-03-01', 'ann', 'unknown', false)",
    ],
    "mrr_churn_rates_agree": [
        f"{MOVEMENT} ('2026-03-01', 'usd', 100, 0, 0, 0, 0, 0, 100, 0, 1);"
        f"{RATES} ('2026-03-01', 'usd', {rates})"
        for rates in (
            "99, 0, 0, 1, 1, null",
            "100, 0, 0, null, null, null",
            "100, -0.1, 0, 1.1, 1, null",
            "100, 0, 0.1, 1, 0.9, null",
            "100, 0.5, 0, 1, 1, null",
            "100, 0, 0.5, 1, 1, null",
            "100, 0, -0.5, 1, 1.5, null",
            "100, 0, 0, 1, 1, 2",
        )
    ],
    "members_now_hold_closing_mrr": [
        f"{MOVEMENT} ('2026-03-01', 'usd', 0, 100, 0, 0, 0, 0, 100, 0, 1)",
        "insert into marts.members_now (customer_key, currency, mrr_cents, state)"
        " values ('ann', 'usd', 100, 'active')",
    ],
    "cohorts_hold_members": [
        f"{CHURN} ('2026-03-01', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
        f"{CHURN} ('2026-03-01', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)",
        "insert into marts.dim_customers (customer_key, subscriber_cohort_month)"
        " values ('ann', '2026-03-01')",
        # A member of March whose cohort is another month than that of the first MRR.
        f"{CHURN} ('2026-02-01', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),"
        " ('2026-03-01', 1, 0, 0, 0, 0, 0, 0, 0, 0, 1);"
        "insert into marts.dim_customers (customer_key, subscriber_cohort_month)"
        " values ('ann', '2026-02-01');"
        "insert into marts.member_months (month, customer_key, currency, cohort_period)"
        " values ('2026-03-01', 'ann', 'usd', '2026-03-01')",
    ],
    "credit_flow_balances": [
        f"{FLOW} ('2026-03-01', 0, 5, 0, 0, 0, 0, 4, 0)",
        f"{FLOW} ('2026-03-01', 5, 0, 0, 0, 0, 0, 5, 0)",
        f"{FLOW} ('2026-03-01', 0, 5, 0, 0, 0, 5, 0, 0)",
        "insert into marts.usage_by_feature (month, used_credits) values ('2026-03-01', 5)",
    ],
    "ledgers_sum_to_closing_credits": [
        f"{FLOW} ('2026-03-01', 0, 5, 0, 0, 0, 0, 5, 0)",
        "insert into marts.ledger_gaps (user_id, balance, ledger_balance, gap_credits)"
        " values ('ann', 5, 0, 4)",
    ],
    "balances_are_explained_by_ledgers": [
        "insert into marts.ledger_gaps (user_id, balance, ledger_balance, gap_credits)"
        " values ('ann', 5, 4, 1)",
    ],
    "lots_hold_what_is_left": [
        f"{LOT} ('ann', 5, 5)",
        "insert into marts.ledger_gaps (user_id, ledger_balance) values ('ann', 4);"
        f"{ENTRY} ('ann', 1, '2026-01-01', 4); {LOT} ('ann', 5, 5)",
        "insert into marts.ledger_gaps (user_id, ledger_balance) values ('ann', 4);"
        f"{LOT} ('ann', 5, 6), ('ann', 5, -2)",
    ],
    "active_users_balance": [
        f"{ACTIVITY} ('ann', '2026-03-01', 'chat'); {PERIOD} ('day', '2026-03-01', 2, 1, 0, 0, 0)",
        f"{ACTIVITY} ('ann', '2026-03-01', 'chat'); {PERIOD} ('day', '2026-03-01', 1, 1, 0, 0, 1)",
        f"{PERIOD} ('day', '2026-03-01', 1, 1, 0, 0, 0)",
    ],
    "stickiness_windows_agree": [
        "insert into marts.stickiness (day, dau, wau, mau) values ('2026-03-10', 2, 1, 2)",
        "insert into marts.stickiness (day, dau, wau, mau) values ('2026-03-10', 1, 2, 1)",
        *(
            f"{ACTIVITY} ('ann', '2026-03-10', 'chat'), ('bea', '2026-03-04', 'chat'),"
            " ('cat', '2026-02-09', 'chat'), ('dot', '2026-02-08', 'chat');"
            f"insert into marts.stickiness (day, dau, wau, mau) values ('2026-03-10', {windows})"
            for windows in ("0, 2, 3", "1, 1, 3", "1, 3, 3", "1, 2, 2", "1, 2, 4")
        ),
    ],
    "feature_adoption_agrees": [
        f"{ACTIVITY} ('ann', '2026-03-01', 'chat');"
        f"{PERIOD} ('month', '2026-03-01', {active}, 1, 0, 0, 0);"
        "insert into marts.feature_adoption (month, feature, user_count, event_count)"
        f" values ('2026-03-01', 'chat', {counts})"
        for active, counts in (("1", "2, 1"), ("2", "1, 1"), ("1", "1, 2"))
    ],
    "stripe_reconciliation_balances": [
        f"{RECONCILED} (date '2026-01-01', 'usd', 'matched', 1, 9700, 9700, 0)",
        f"{RECONCILED} (date '2026-01-01', 'usd', 'matched', 1, 9700, 9600, -100); {CHARGED}",
        f"{RECONCILED} (date '2026-01-01', 'usd', 'matched', 1, 9600, 9700, 0); {CHARGED}",
        CHARGED,
    ],
    "reconciled_payments_count_once": [
        f"{PAIRED} ('payment:in_1', 'matched', 'in_1', 9700)",
        f"{PAIRED} ('payment:in_1', 'matched', 'in_1', 9600); {PAID}",
        f"{PAIRED} ('1', 'matched', 'in_1', 9700), ('2', 'duplicate', 'in_1', 9700); {PAID}",
    ],
    "stripe_charges_are_the_databases_payments": [
        f"{PAIRED} ('payment:in_1', '{kind}', 'in_1', 9700)"
        for kind in ("only_database", "only_stripe", "amount_differs", "month_differs", "duplicate")
    ],
    "stripe_and_database_give_back_alike": [
        "insert into marts.stripe_findings (finding_key) values ('txn_1')"
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def tests(tested: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    """The SQL of every data test, by name."""
    return {
        unique_id.split(".")[2]: result["compiled_code"]
        for unique_id, result in tested.items()
        if unique_id.startswith("test.")
    }


@contextmanager
def changed(dbt: Dbt, statements: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse after some statements, which are taken back again."""
    with duckdb.connect(str(dbt.warehouse)) as connection:
        connection.begin()
        connection.execute(statements)
        yield connection
        connection.rollback()


def test_every_identity_is_contradicted_here(built: Dbt) -> None:
    singular = {
        node["name"]
        for node in built.manifest["nodes"].values()
        if node["resource_type"] == "test" and "test_metadata" not in node
    }

    assert singular == set(CONTRADICTIONS)


@pytest.mark.parametrize(
    ("name", "statements"),
    [(name, each) for name, several in CONTRADICTIONS.items() for each in several],
    ids=[f"{name}-{i}" for name, several in CONTRADICTIONS.items() for i in range(len(several))],
)
def test_a_contradiction_is_found(
    built: Dbt, tests: Mapping[str, str], name: str, statements: str
) -> None:
    with changed(built, statements) as connection:
        assert connection.execute(tests[name]).fetchall()


def test_an_empty_warehouse_contradicts_nothing(tested: Mapping[str, Mapping[str, Any]]) -> None:
    failed = {
        unique_id: result["message"]
        for unique_id, result in tested.items()
        if unique_id.startswith("test.") and result["status"] != "pass"
    }

    assert not failed


def test_a_key_is_neither_double_nor_null(built: Dbt, tests: Mapping[str, str]) -> None:
    rows = """
        insert into marts.dropped_rows (reason, source_table, currency) values
            ('test', 'users', null), ('internal', 'users', null),
            ('zero', 'stripe_payments', 'usd'), ('zero', 'stripe_payments', 'eur'),
            ('double', 'users', null), ('double', 'users', null), (null, 'users', null)
    """
    name = "unique_not_null_dropped_rows_reason__source_table__currency__currency"

    with changed(built, rows) as connection:
        found = connection.execute(tests[name]).fetchall()

    assert sorted(found, key=str) == [("double", "users", None, 2), (None, "users", None, 1)]
