"""What is signed stays, and each later change is named by its cause."""

from pathlib import Path

import duckdb
import pytest

from sselfie_insights.backup.archive import backup, restore
from sselfie_insights.books.closing import (
    explain_closed,
    list_closings,
    reopen_month,
)
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.diff.closed import record_restatements
from sselfie_insights.errors import (
    UsageError,
)
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.publish import writable_copy
from tests.support.closing import (
    LIABILITY_OF_OCTOBER,
    OCTOBER,
    ON_TIME,
    REFUND,
    ask,
    ask_marts,
    close,
    rebuild,
    restated,
)


def test_a_late_refund_an_upgrade_a_rebuild_and_a_restore_are_each_named(
    settings: Settings, tmp_path: Path
) -> None:
    """The signed figures stay; every step names its own cause and no other's."""
    closing = close(settings)
    signed = {measure: figure[0] for measure, figure in ask(settings).items()}

    rebuild(settings, "")
    assert restated(settings) == {}

    rebuild(settings, REFUND)
    net = signed["net_cents"]
    gross = signed["gross_cents"]
    refund = {
        "refunded_cents": (0.0, 4900.0, "refund"),
        "net_cents": (net, net - 4900, "refund"),
        "refund_rate": (0.0, 4900 / gross, "refund"),
    }
    assert restated(settings) == refund

    more = "update marts.mrr_movements set closing_mrr_cents = closing_mrr_cents + {}"
    more += " where month = date '2026-10-01';"
    rebuild(settings, "update marts.build_info set definitions = 9;" + more.format(100))
    mrr = signed["closing_mrr_cents"]
    changed = {"closing_mrr_cents": (mrr, mrr + 100, "the definition changed")}
    assert restated(settings) == refund | changed

    rebuild(settings, "update marts.build_info set grace_days = 3;" + more.format(10))
    both = "other settings, the definition changed"
    assert restated(settings) == refund | {"closing_mrr_cents": (mrr, mrr + 110, both)}

    # The warehouse is lost. What was built of the restored history differs in a loss of u1.
    whole = settings.warehouse.read_bytes()
    backup(settings.warehouse, tmp_path / "b.zip")
    settings.warehouse.unlink()
    restore(tmp_path / "b.zip", settings.warehouse)
    with writable_copy(settings.warehouse) as private:
        (tmp_path / "old.duckdb").write_bytes(whole)
        with duckdb.connect(private) as db:
            db.execute(f"attach '{tmp_path / 'old.duckdb'}' as old (read_only)")
            db.execute("create schema marts")
            tables = db.execute(
                "select table_name from duckdb_tables() where database_name = 'old'"
                " and schema_name = 'marts'"
            ).fetchall()
            for (table,) in tables:
                db.execute(f"create table marts.{table} as from old.marts.{table}")
            db.execute("detach old")
            db.execute(
                f"update marts.build_info set definitions = {DEFINITIONS}, grace_days = 14,"
                " as_of = timestamp '2099-01-01', synced_at = timestamp '2099-01-01';"
                "update marts.churn_by_month set unknown_count = unknown_count + 1"
                " where month = date '2026-10-01'"
            )
        record_restatements(private, settings)
    after = restated(settings)
    unknown = after.pop("unknown_count")
    assert unknown == (
        signed["unknown_count"],
        signed["unknown_count"] + 1,
        "the history was restored",
    )
    assert after == refund | {"closing_mrr_cents": (mrr, mrr + 110, both)}
    assert {measure: figure[0] for measure, figure in ask(settings).items()} == signed
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        assert closed.is_intact(db, closing)


def test_diff_lists_why_with_the_rows_of_the_customers(settings: Settings) -> None:
    close(settings)
    rebuild(settings, REFUND)
    found = explain_closed(settings, OCTOBER)
    assert {(each.number.column, each.causes) for each in found.restatements} == {
        ("refunded_cents", ("refund",)), ("net_cents", ("refund",)), ("refund_rate", ("refund",)),
    }  # fmt: skip
    assert [(row.customer_key, row.cause) for row in found.rows] == [("user:u1", "refund")]


def test_a_change_of_the_liability_is_found_when_it_is_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(settings)

    def build_liability(scratch: Path, *_: object) -> None:
        with duckdb.connect(scratch) as db:
            db.execute("update marts.liability set liability_cents = 800")

    monkeypatch.setattr("sselfie_insights.build.build_liability", build_liability)
    (found,) = explain_closed(settings, OCTOBER).restatements
    assert (found.number.column, found.number.before, found.number.after) == (
        "liability_cents", LIABILITY_OF_OCTOBER, 800,
    )  # fmt: skip


def test_what_a_later_version_counts_besides_is_no_restatement(settings: Settings) -> None:
    close(settings)
    with duckdb.connect(settings.warehouse) as db:
        # As if the version that signed had known neither.
        db.execute("delete from closed.figures where measure in ('arr_cents', 'arpa_cents')")
        db.execute("update closed.closings set version = '0.1.0'")
    rebuild(settings, "")
    assert ask_marts(settings, "select count(*) from closed.restatements") == 0


def test_a_build_of_an_earlier_instant_restates_nothing(settings: Settings) -> None:
    close(settings)
    rebuild(
        settings,
        "delete from marts.revenue_by_month where month = date '2026-10-01';"
        "update marts.build_info set complete_until_on = date '2026-10-15'",
        until="2026-10-15 00:00:00",
    )
    assert ask_marts(settings, "select count(*) from closed.restatements") == 0


def test_a_reopened_month_leaves_its_trace_and_can_be_closed_again(settings: Settings) -> None:
    close(settings)
    with pytest.raises(UsageError, match="for a reason"):
        reopen_month(settings, OCTOBER, "bea", " ")
    reopen_month(settings, OCTOBER, "bea", "a payout was missing", now=ON_TIME)
    assert ask(settings) == {}
    with pytest.raises(UsageError, match="2026-10 is not closed"):
        reopen_month(settings, OCTOBER, "bea", "again")
    rebuild(settings, REFUND, until="2026-11-15 12:00:00")
    second = close(settings)
    assert second.number == 2
    assert ask(settings)["refunded_cents"][:2] == (4900, 4900)
    columns, rows = list_closings(settings)
    states = [dict(zip(columns, row, strict=True))["state"] for row in rows]
    assert states == [
        "reopened 2026-11-15 13:00:00 UTC by bea: a payout was missing", "closed",
    ]  # fmt: skip
    assert all(row[-1] for row in rows)


def test_each_closing_has_the_rows_of_its_instant(settings: Settings) -> None:
    first = close(settings)
    reopen_month(settings, OCTOBER, "ann", "a refund came in")
    rebuild(settings, REFUND, until="2026-11-15 12:00:00")
    second = close(settings)
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        refunds = [
            db.execute(
                "select movement_key, refunded_cents from"
                f" ({closed.rows_at(each.number, 'payments', 'w')}) order by all"
            ).fetchall()
            for each in (first, second)
        ]
        stored = db.execute("select count(*) from closed.payments").fetchone()
    assert refunds[0] == [("in_1", 0), ("in_2", 0), ("in_3", 0)]
    assert refunds[1] == [("in_1", 4900), ("in_2", 0), ("in_3", 0)]
    assert stored == (4,)  # what stays the same is stored once
