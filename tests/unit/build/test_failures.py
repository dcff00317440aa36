"""Which models may fail, and what is left of those that do."""

import duckdb
import pytest

from sselfie_insights.build.dbt import NodeResult
from sselfie_insights.build.failures import drop_unmade, headline_tables, require_headlines
from sselfie_insights.errors import SselfieError, StorageError
from sselfie_insights.query.lineage import Model
from sselfie_insights.warehouse.gaps import Gap

MODELS = {
    name: Model(name, "One row per row.", parents)
    for name, parents in {
        "staging.payments": (),
        "staging.chats": (),
        "intermediate.paid": ("staging.payments",),
        "marts.mrr_movements": ("intermediate.paid",),
        "marts.chats_by_month": ("staging.chats",),
    }.items()
}


def result(name: str, status: str, message: str = "") -> NodeResult:
    return NodeResult(f"model.sselfie.{name}", status, message, 0.1)


def test_headline_numbers_are_those_on_top_of_the_overview() -> None:
    """MRR, members and churn, revenue, active users, credits used, and how many people they are."""
    assert headline_tables() == [
        "marts.active_users",
        "marts.build_info",
        "marts.churn_by_month",
        "marts.credit_entries",
        "marts.credit_flow_by_month",
        "marts.mrr_movements",
        "marts.payers_by_month",
        "marts.payments",
        "marts.refund_capture",
        "marts.revenue_by_month",
    ]


@pytest.mark.parametrize("name", ["mrr_movements", "paid", "payments"])
def test_what_a_headline_number_rests_on_stops_the_build(name: str) -> None:
    with pytest.raises(SselfieError, match=f"1 of the models failed, first {name}: no such cast"):
        require_headlines([result(name, "error", "no such cast")], MODELS)


def test_what_none_rests_on_is_a_gap_with_all_that_is_made_from_it() -> None:
    gaps = require_headlines(
        [
            result("mrr_movements", "success"),
            result("chats", "error", "Conversion Error: 'ada@example.org'"),
            result("chats_by_month", "skipped"),
            NodeResult("test.sselfie.unique_chats.1", "skipped", "", 0.0),
        ],
        MODELS,
    )
    assert [(gap.what, gap.reason) for gap in gaps] == [
        ("staging.chats", "its model failed on this data"),
        ("marts.chats_by_month", "it is made from chats"),
    ]
    assert "ada@example.org" in gaps[0].detail


def test_a_full_disk_is_no_gap() -> None:
    with pytest.raises(StorageError):
        require_headlines([result("chats", "error", "No space left on device")], MODELS)


def test_what_an_earlier_build_left_of_it_is_gone_and_history_is_not() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create schema staging; create schema snapshots;"
            "create table marts.chats as select 1 as n;"
            "create view staging.chats as select 1 as n;"
            "create table snapshots.chats as select 1 as n;"
            "create table marts.other as select 1 as n;"
        )
        names = ("marts.chats", "staging.chats", "snapshots.chats", "marts.never_made")
        drop_unmade(connection, [Gap(name, "", "") for name in names])
        left = connection.sql("select schema || '.' || name from (show all tables) order by 1")
        assert left.fetchall() == [("marts.other",), ("snapshots.chats",)]
