"""Why a query is not known, as far as that can be seen without a business."""

import duckdb
import pytest

from sselfie_insights.query.needs import record_unknown
from sselfie_insights.warehouse.unknown import (
    Unknown,
    list_whole,
    read_unknown,
    write_lacks,
)

MISSING = "documented, and not in the source"


def find_lacks(*lost: tuple[str, str | None, str, str]) -> Unknown:
    with duckdb.connect() as connection:
        connection.execute("create schema meta")
        connection.execute(
            "create table meta.contract_drift"
            " (table_name varchar, column_name varchar, kind varchar, detail varchar)"
        )
        connection.executemany("insert into meta.contract_drift values (?, ?, ?, ?)", lost)
        record_unknown(connection)
        return read_unknown(connection)


def find_unknown(*lost: tuple[str, str | None, str, str]) -> dict[str, str]:
    """Why queries are not known at all, by their names."""
    unknown = list_whole(find_lacks(*lost))
    return {name: write_lacks(lacks) for name, lacks in unknown.items()}


def test_nobody_is_due_only_where_somebody_could_be_known() -> None:
    """Where no segment can be known, neither can be who is to be contacted."""
    ledger = ("credit_transactions", None, "table missing", MISSING)
    unknown = find_unknown(ledger)
    assert "segments/credits_low" in unknown and "growth/this_week" not in unknown
    unknown = find_unknown(
        ledger,
        ("stripe_payments", None, "table missing", MISSING),
        ("users", "created_at", "column gone", "2026-11-14 03:00:00 UTC"),
    )
    assert "the source lacks credit_transactions, stripe_payments" in unknown["growth/this_week"]
    assert (
        "since 2026-11-14 03:00:00 UTC: the source no longer has users.created_at"
        in (unknown["growth/this_week"])
    )


@pytest.mark.parametrize("instead", [True, False])
def test_a_column_that_another_serves_for_is_not_lacking(instead: bool) -> None:
    """A payment without a date of its own has that of its row."""
    columns = ["payment_date"] if instead else ["payment_date", "created_at"]
    lost = [("stripe_payments", name, "column missing", MISSING) for name in columns]
    assert ("revenue/payments" in find_unknown(*lost)) is not instead


def test_without_subscriptions_only_how_members_left_is_not_known() -> None:
    """Who is a member is derived from payments; the state of a subscription says how it ended."""
    unknown = find_lacks(("subscriptions", None, "table missing", MISSING))
    assert unknown["churn/churn_by_month"].keys() == {
        "voluntary_count",
        "involuntary_count",
        "unknown_count",
    }
    assert list_whole(unknown).keys() == {"explain/churn"}
    assert "revenue/mrr_movements" not in unknown


def test_what_lacks_in_part_and_as_a_whole_is_not_known_as_a_whole() -> None:
    unknown = find_lacks(
        ("subscriptions", None, "table missing", MISSING),
        ("stripe_payments", None, "table missing", MISSING),
    )
    [(part, lacks)] = unknown["churn/churn_by_month"].items()
    assert part == ""
    assert write_lacks(lacks) == "not known: the source lacks stripe_payments, subscriptions"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("table left out", "not known: your settings leave out maya_chat_messages"),
        ("table not mirrored", "not known: the mirror cannot read maya_chat_messages"),
    ],
)
def test_a_table_that_is_there_and_not_read_is_lacking(kind: str, said: str) -> None:
    """An application without chats has none to count; one whose chats are not read has."""
    table = "maya_chat_messages"
    assert "engagement/active_users" not in find_unknown((table, None, "table missing", MISSING))
    unknown = find_unknown((table, None, kind, "documented, and left out"))
    assert unknown["engagement/active_users"] == said
