"""Generated billing lives: against the oracle, and what holds of every one of them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from tests.support.billing.answers import Found, differences
from tests.support.billing.cases import Row, Rows
from tests.support.billing.habits import AS_OF
from tests.support.billing.lives import Life, live, numbered
from tests.support.billing.models import Models, Surroundings

NOW = Surroundings(AS_OF.isoformat())
FEW = 40

MARTS = (
    *("mrr_movements", "billed_mrr_movements", "mrr_by_member", "mrr_by_product", "member_months"),
    *("members_now", "churn_by_month", "revenue_by_month", "int_mrr_changes", "int_coverage"),
    "int_contract_mrr",
)


def of_seeds(*quick: int) -> pytest.MarkDecorator:
    """Give a test these seeds, and others with ``--slow``."""
    slow = (pytest.param(seed, marks=pytest.mark.slow) for seed in (101, 102, 103))
    return pytest.mark.parametrize("seed", [*quick, *slow])


def test_generated_lives_are_the_oracles_on_duckdb(
    in_duckdb: Models, request: pytest.FixtureRequest
) -> None:
    lives = request.config.getoption("--lives")

    assert not differences(in_duckdb, live(Random(16), lives), NOW)


def test_generated_lives_are_the_oracles_on_postgres(
    in_postgres: Models, request: pytest.FixtureRequest
) -> None:
    lives = request.config.getoption("--lives")

    assert not differences(in_postgres, live(Random(17), lives), NOW)


@pytest.mark.parametrize(
    ("seed", "grace_days"), [(1, 7), *(pytest.param(2, n, marks=pytest.mark.slow) for n in (0, 30))]
)
def test_any_grace_is_the_oracles(in_duckdb: Models, seed: int, grace_days: int) -> None:
    rows = live(Random(seed), FEW)

    assert not differences(in_duckdb, rows, Surroundings(NOW.as_of, "UTC", grace_days))


@of_seeds(14090)  # a weekly membership lapses after a proration for a monthly product
def test_identities_hold_to_the_cent(in_duckdb: Models, seed: int) -> None:
    found = in_duckdb.build(live(Random(seed), FEW), NOW, MARTS)

    for name in ("mrr_movements", "billed_mrr_movements"):
        assert_movements_balance(found[name])
    for row in found["mrr_movements"]:
        month, currency = row["month"], row["currency"]
        members = total(found["member_months"], "mrr_cents", month=month, currency=currency)
        products = total(
            found["mrr_by_product"], "mrr_cents", grain="month", period=month, currency=currency
        )
        assert row["closing_mrr_cents"] == members == products
        assert row["billed_mrr_cents"] == total(
            found["billed_mrr_movements"], "closing_mrr_cents", month=month, currency=currency
        )
    for row in found["revenue_by_month"]:
        back = row["refunded_cents"] + row["chargeback_cents"]
        assert row["net_cents"] == row["gross_cents"] - back
    assert_coverage_is_whole(found["int_coverage"], found["int_contract_mrr"])


def total(rows: list[Row], column: str, **where: object) -> int:
    return sum(
        row[column] for row in rows if all(row[name] == value for name, value in where.items())
    )


def assert_movements_balance(rows: list[Row]) -> None:
    kinds = ("new", "reactivation", "expansion", "contraction", "churn")
    for currency in {row["currency"] for row in rows}:
        before = 0
        for row in sorted(rows, key=lambda row: str(row["month"])):
            if row["currency"] != currency:
                continue
            new, back, rise, fall, gone = (row[f"{kind}_mrr_cents"] for kind in kinds)
            assert min(new, back, rise, fall, gone, row["closing_mrr_cents"]) >= 0
            assert row["opening_mrr_cents"] == before
            before = row["closing_mrr_cents"]
            assert before == row["opening_mrr_cents"] + new + back + rise - fall - gone


def assert_coverage_is_whole(coverage: list[Row], invoices: list[Row]) -> None:
    """No span is worth nothing, none overlaps, and what is as short as the grace is no gap.

    But for a period that is free and worth nothing, which a charge follows without a gap.
    """
    free_from = {
        (row["subscription_key"], row["covered_from_at"])
        for row in invoices
        if not row["mrr_cents"]
    }
    spans = defaultdict(list)
    for row in coverage:
        assert row["mrr_cents"] > 0
        assert row["covered_from_at"] < row["covered_until_at"]
        spans[row["subscription_key"]].append(row)
    for subscription, several in spans.items():
        for one, two in pairwise(sorted(several, key=lambda row: row["covered_from_at"])):
            gap = two["covered_from_at"] - one["covered_until_at"]
            assert gap >= timedelta()
            if gap and (subscription, one["covered_until_at"]) not in free_from:
                assert gap > timedelta(hours=one["grace_hours"])


@of_seeds(3)
def test_the_order_of_rows_is_irrelevant(in_duckdb: Models, seed: int) -> None:
    rows = live(Random(seed), FEW)
    expected = written(in_duckdb.build(rows, NOW, MARTS))
    shuffled = Rows(*(Random(seed).sample(table, len(table)) for table in vars(rows).values()))

    assert written(in_duckdb.build(numbered(shuffled), NOW, MARTS)) == expected


@of_seeds(3)
def test_who_does_not_count_changes_nothing(in_duckdb: Models, seed: int) -> None:
    rows = live(Random(seed), FEW)
    expected = written(in_duckdb.build(rows, NOW, MARTS))
    for number, kind in enumerate(("tester", "admin", "internal") * 3):
        rows.extend(Life(Random(seed + number), f"x{number}", kind=kind).live())

    assert written(in_duckdb.build(numbered(rows), NOW, MARTS)) == expected


def written(found: Found) -> dict[str, list[str]]:
    return {name: sorted(str(row) for row in rows) for name, rows in found.items()}


@of_seeds(3)
def test_a_closed_month_changes_only_by_what_comes_after(in_duckdb: Models, seed: int) -> None:
    """Of whom nothing is stored after a month's end, its movements stay as they were.

    But for the exceptions that need no row: a free month that was still to be paid, and a refunded
    period that has run out since.
    """
    closed = datetime(2026, 5, 1, tzinfo=UTC) - timedelta(microseconds=1)
    rows = live(Random(seed), 3 * FEW)
    came_later = set()
    for row in rows.payments:
        customer = row["stripe_payment_id"].split("_")[1]
        later = max(row["payment_date"], row["updated_at"]) > closed
        is_back = row["payment_type"] in ("refund", "dispute") or row["status"] != "paid"
        if later or not row["amount_cents"] or is_back:
            came_later.add(customer)

    names = ("int_mrr_changes",)
    then = in_duckdb.build(rows, Surroundings(closed.isoformat()), names)["int_mrr_changes"]
    now = in_duckdb.build(rows, NOW, names)["int_mrr_changes"]

    def moves(found: list[Row]) -> set[tuple[object, ...]]:
        return {
            (row["customer_key"], row["currency"], row["changed_at"], row["change_cents"])
            for row in found
            if row["changed_at"] <= closed.replace(tzinfo=None)
            and row["customer_key"].rpartition("_")[2] not in came_later
        }

    assert moves(then)
    assert moves(now) == moves(then)
