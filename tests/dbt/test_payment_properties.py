"""What holds of every payment history: identities, and what the marts must not depend on."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sselfie_insights.resources import resource_dir
from tests.dbt.conftest import Dbt
from tests.dbt.histories import Customer, Row, Stored, businesses, draw_tester, money, store
from tests.support.contracts import insert
from tests.support.models import Node, compiled_nodes

MARTS = (
    *("dim_months", "revenue_by_month", "payments", "payers_by_month", "product_ladder"),
    *("mrr_movements", "mrr_by_member", "members_now", "member_months"),
    *("churn_by_month", "churn_by_member", "mrr_churn_by_month"),
    *("dim_customers", "dropped_rows"),
)

# How a refund is told apart depends on its row's number alone.
NUMBERED = {"movement_key"}

HISTORY = """(
    user_id varchar, stripe_subscription_id varchar, product_type varchar,
    current_period_start_at timestamp, current_period_end_at timestamp, is_cancelling boolean,
    seen_from_at timestamp, seen_until_at timestamp
)"""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

Marts = Mapping[str, list[Row]]


class Models:
    """The compiled models over staging tables in memory: a build takes a tenth of a second."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.statements: dict[str, str] = {}
        self._orders: dict[tuple[str, ...], list[str]] = {}
        for node in nodes:
            relation = f"{node.schema}.{node.name}"
            self.connection.execute(f"create schema if not exists {node.schema}")
            if node.name == "int_subscription_history":
                # No sync of these businesses was kept.
                self.connection.execute(f"create table {relation} {HISTORY}")
            elif node.kind == "seed":
                path = resource_dir("dbt_project") / "seeds" / f"{node.name}.csv"
                self.connection.execute(f"create table {relation} as from '{path}'")
            elif node.name.startswith("stg_"):
                self.connection.execute(f"create table {relation} as {node.sql}")
            else:
                self.statements[relation] = f"create or replace table {relation} as {node.sql}"

    def build(self, stored: Stored, marts: tuple[str, ...] = MARTS) -> Marts:
        """Build ``marts`` and what they are made from of these rows; return what is in them."""
        for table, rows in (
            ("stg_app__users", stored.users),
            ("stg_app__subscriptions", stored.subscriptions),
            ("stg_app__stripe_payments", stored.payments),
        ):
            self._fill(f"staging.{table}", rows)
        if marts not in self._orders:
            self._orders[marts] = self._behind(marts)
        for relation in self._orders[marts]:
            self.connection.execute(self.statements[relation])
        return {name: self.read(f"marts.{name}") for name in marts}

    def _behind(self, marts: tuple[str, ...]) -> list[str]:
        """Return the relations that ``marts`` are made from, and themselves, in their order."""
        needed = {f"marts.{name}" for name in marts}
        for relation in reversed(self.statements):
            if relation in needed:
                read = self.statements[relation].replace('"', "")
                needed |= {name for name in self.statements if re.search(rf"\b{name}\b", read)}
        return [relation for relation in self.statements if relation in needed]

    def read(self, relation: str) -> list[Row]:
        """Return the rows of a table, in an order of their own."""
        cursor = self.connection.execute(f"from {relation}")
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return sorted(rows, key=lambda row: str(list(row.values())))

    def _fill(self, table: str, rows: Sequence[Row]) -> None:
        self.connection.execute(f"delete from {table}")
        names = [row[0] for row in self.connection.execute(f"describe {table}").fetchall()]
        values = [tuple(row.get(name) for name in names) for row in rows]
        insert(self.connection, table, ", ".join(names), values)


@pytest.fixture(scope="module")
def models(built: Dbt) -> Iterator[Models]:
    models = Models(compiled_nodes(built.folder))
    yield models
    models.connection.close()


def total(rows: Sequence[Row], column: str, **where: object) -> int:
    """Sum a column over the rows that have these values."""
    return sum(
        int(str(row[column]))
        for row in rows
        if all(row[name] == value for name, value in where.items())
    )


def by_month(rows: Sequence[Row], currency: object) -> list[Row]:
    found = [row for row in rows if row["currency"] == currency]
    return sorted(found, key=lambda row: str(row["month"]))


@settings(max_examples=10, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(business=businesses())
def test_money_is_counted_once_and_recurring_revenue_balances(
    models: Models, business: list[Customer]
) -> None:
    stored = store(business)
    marts = models.build(stored)

    moved: Counter[tuple[str, str, str, str]] = Counter()
    for row in marts["revenue_by_month"]:
        key = f"{row['month']:%Y-%m}", str(row["currency"]), str(row["product_type"])
        moved[*key, "gross"] += int(str(row["gross_cents"]))
        moved[*key, "refunded"] += int(str(row["refunded_cents"]))
        assert row["net_cents"] == moved[*key, "gross"] - moved[*key, "refunded"]
    assert +moved == +money(business)

    known = {"pi", "ch1", "ch2", "re"}
    received = [row for row in marts["payments"] if row["kind"] == "payment"]
    exists = [row for row in stored.payments if str(row["paid_at"]) <= "2026-03-10 12:00:00"]
    assert {str(row["stripe_payment_id"]).split("_")[0] for row in exists} <= known
    assert len(exists) == len(received) + total(marts["dropped_rows"], "row_count")

    assert_coverage_never_overlaps(models.read("intermediate.int_coverage"))
    assert_movements_balance(marts)
    assert_members_balance(marts)
    assert_cohorts_hold_everybody(marts)


def assert_coverage_never_overlaps(coverage: Sequence[Row]) -> None:
    spans: dict[object, list[tuple[str, str]]] = defaultdict(list)
    for row in coverage:
        span = str(row["covered_from_at"]), str(row["covered_until_at"])
        spans[row["subscription_key"]].append(span)
    for several in spans.values():
        ordered = sorted(several)
        assert all(begins < ends for begins, ends in ordered)
        assert all(one[1] <= two[0] for one, two in pairwise(ordered))


def assert_movements_balance(marts: Marts) -> None:
    kinds = ("new", "reactivation", "expansion", "contraction", "churn")
    for currency in {row["currency"] for row in marts["mrr_movements"]}:
        closing: object = 0
        for row in by_month(marts["mrr_movements"], currency):
            opening, new, back, rise, fall, gone = (
                int(str(row[f"{name}_mrr_cents"])) for name in ("opening", *kinds)
            )
            assert min(opening, new, back, rise, fall, gone) >= 0
            assert opening == closing
            closing = row["closing_mrr_cents"]
            assert closing == opening + new + back + rise - fall - gone
            where = {"month": row["month"], "currency": currency}
            for kind in kinds:
                behind = total(marts["mrr_by_member"], "movement_mrr_cents", movement=kind, **where)
                assert behind == row[f"{kind}_mrr_cents"]
            members = [
                each
                for each in marts["member_months"]
                if (each["month"], each["currency"]) == (row["month"], currency)
            ]
            assert closing == total(members, "mrr_cents")
            assert row["member_count"] == len(members)
    first = Counter(row["customer_key"] for row in marts["mrr_by_member"] if is_join(row))
    assert set(first) == {row["customer_key"] for row in marts["mrr_by_member"]}
    for row in marts["mrr_churn_by_month"]:
        if row["grr"] is not None:
            assert 0 <= float(str(row["grr"])) <= min(1, float(str(row["nrr"])))


def is_join(row: Row) -> bool:
    return row["movement"] == "new"


def assert_members_balance(marts: Marts) -> None:
    closing: object = 0
    for row in sorted(marts["churn_by_month"], key=lambda row: str(row["month"])):
        opening, new, back, lost = (
            int(str(row[name]))
            for name in (
                *("opening_member_count", "new_member_count"),
                *("reactivated_count", "churned_member_count"),
            )
        )
        assert opening == closing
        closing = row["closing_member_count"]
        assert closing == opening + new + back - lost
        behind = [each for each in marts["churn_by_member"] if each["month"] == row["month"]]
        assert len(behind) == lost
        for kind in ("voluntary", "involuntary", "unknown"):
            assert row[f"{kind}_count"] == sum(each["kind"] == kind for each in behind)
        members = {
            each["customer_key"] for each in marts["member_months"] if each["month"] == row["month"]
        }
        assert closing == len(members)
        assert int(str(row["opening_churned_count"])) <= opening
    covered = [row for row in marts["members_now"] if row["state"] != "in_grace"]
    assert closing == len({row["customer_key"] for row in covered})
    ends: dict[object, object] = defaultdict(int)
    for row in sorted(marts["mrr_movements"], key=lambda row: str(row["month"])):
        ends[row["currency"]] = row["closing_mrr_cents"]
    for currency, cents in ends.items():
        assert cents == total(covered, "mrr_cents", currency=currency)


def assert_cohorts_hold_everybody(marts: Marts) -> None:
    cohorts = {
        row["customer_key"]: row["subscriber_cohort_month"]
        for row in marts["dim_customers"]
        if row["subscriber_cohort_month"] is not None
    }
    # Who pays in two currencies has two rows a month.
    members = {(row["month"], row["customer_key"]) for row in marts["member_months"]}
    retained = Counter(month for month, _ in members)
    assert all(
        retained[row["month"]] == row["closing_member_count"] for row in marts["churn_by_month"]
    )
    assert all(
        row["cohort_period"] == cohorts[row["customer_key"]]
        and str(row["cohort_period"]) <= str(row["month"])
        for row in marts["member_months"]
    )
    assert len(cohorts) == total(marts["churn_by_month"], "new_member_count")


@settings(max_examples=3, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(business=businesses(), seed=st.integers(0, 1000))
def test_the_order_of_rows_is_irrelevant(
    models: Models, business: list[Customer], seed: int
) -> None:
    rng = Random(seed)
    stored = store(business)
    expected = models.build(stored)
    numbers = [row["payment_row_id"] for row in stored.payments]
    rng.shuffle(numbers)
    renumbered = [
        row | {"payment_row_id": number}
        for row, number in zip(stored.payments, numbers, strict=True)
    ]
    shuffled = Stored(
        *(rng.sample(rows, len(rows)) for rows in (stored.users, stored.subscriptions, renumbered))
    )

    assert unnumbered(models.build(shuffled)) == unnumbered(expected)


def unnumbered(marts: Marts) -> dict[str, list[str]]:
    return {
        name: sorted(
            str({column: value for column, value in row.items() if column not in NUMBERED})
            for row in rows
        )
        for name, rows in marts.items()
    }


@settings(max_examples=3, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(business=businesses(), tester=draw_tester("tester"))
def test_a_tester_changes_nothing_but_the_dropped_rows(
    models: Models, business: list[Customer], tester: Customer
) -> None:
    expected = dict(models.build(store(business)))
    found = dict(models.build(store([*business, tester])))

    added = [row for row in found.pop("dropped_rows") if row["reason"] != "test"]
    assert added == expected.pop("dropped_rows")
    assert found == expected


@settings(max_examples=3, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(business=businesses(most=3))
def test_products_sum_to_the_total(models: Models, business: list[Customer]) -> None:
    whole = models.build(store(business))
    covering = models.read("intermediate.int_coverage")
    products = sorted({each.product for customer in business for each in customer.payments})
    parts: Counter[tuple[object, ...]] = Counter()
    for product in products:
        only = [
            replace(customer, payments=[p for p in customer.payments if p.product == product])
            for customer in business
        ]
        for row in models.build(store(only), ("revenue_by_month",))["revenue_by_month"]:
            assert row["product_type"] == product
            parts.update(cells(row))

    expected: Counter[tuple[object, ...]] = Counter()
    for row in whole["revenue_by_month"]:
        expected.update(cells(row))
    assert +parts == +expected
    now = {
        currency: sum(
            int(str(row["mrr_cents"]))
            for row in covering
            if row["currency"] == currency
            and row["product_type"] in products
            and str(row["covered_from_at"]) <= "2026-03-10 12:00:00" < str(row["covered_until_at"])
        )
        for currency in ("usd", "eur")
    }
    for currency, cents in now.items():
        rows = by_month(whole["mrr_movements"], currency)
        assert cents == (rows[-1]["closing_mrr_cents"] if rows else 0)


def cells(row: Row) -> dict[tuple[object, ...], int]:
    return {
        (row["month"], row["currency"], column): int(str(row[column]))
        for column in ("gross_cents", "refunded_cents", "payment_count", "refund_count")
    }
