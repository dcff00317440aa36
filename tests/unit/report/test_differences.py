"""Where the database and Stripe differ is said with what it does to the numbers."""

from collections.abc import Iterator

import duckdb
import pytest

from sselfie_insights.report.differences import describe_differences
from tests.support.contracts import create_tables


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_tables(connection)
        yield connection


def reconcile(db: duckdb.DuckDBPyConnection, *rows: tuple[str, str, int, int]) -> None:
    for number, (kind, currency, database, stripe) in enumerate(rows):
        db.execute(
            "insert into marts.stripe_reconciliation_rows (row_key, kind, currency, row_count,"
            " database_cents, stripe_cents, difference_cents) values (?, ?, ?, ?, ?, ?, ?)",
            [f"{number}", kind, currency, 0 if kind == "month_differs" and database == 0 else 1,
             database, stripe, stripe - database],
        )  # fmt: skip


def test_nothing_is_said_where_both_agree(db: duckdb.DuckDBPyConnection) -> None:
    reconcile(db, ("matched", "usd", 9700, 9700))
    assert describe_differences(db, with_sizes=True) == []


def test_each_kind_has_its_sentence_and_its_sum(db: duckdb.DuckDBPyConnection) -> None:
    reconcile(
        db,
        ("only_stripe", "usd", 0, 9700),
        ("only_stripe", "usd", 0, 4900),
        ("only_stripe", "jpy", 0, 5000),
        ("only_database", "usd", 9700, 0),
        ("amount_differs", "usd", 9700, 11543),
        ("month_differs", "usd", 14900, 0),
        ("month_differs", "usd", 0, 14900),
        ("duplicate", "usd", 9700, 0),
        ("duplicate", "usd", 0, 4900),
    )
    db.execute(
        "insert into marts.stripe_findings by name select 'k' as finding_key,"
        " 'other currency' as finding, 'eur' as currency, 900 as amount_cents"
    )
    found = describe_differences(db, with_sizes=True)
    assert [sentence.partition(": ")[2].partition(";")[0] for sentence in found] == [
        "1 of ¥5,000, 2 of $146.00",
        "1 of $97.00",
        "1 of +$18.43",
        "1 of $149.00",
        "1 of $97.00",
        "1 of $49.00",
        "1 of €9.00",
    ]
    assert found[0].endswith("revenue is too low by them.")
    assert "customer_facing_amount" in found[-1]


def test_pages_name_no_size(db: duckdb.DuckDBPyConnection) -> None:
    reconcile(db, ("only_stripe", "usd", 0, 9700))
    (sentence,) = describe_differences(db)
    assert "97" not in sentence
    assert "missed webhook" in sentence
