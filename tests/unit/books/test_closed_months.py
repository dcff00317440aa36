"""Closed months outlive forgetting, going back and restoring; commands and pages show them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.backup.archive import backup, restore
from sselfie_insights.books.closing import (
    close_month,
    reopen_month,
)
from sselfie_insights.books.rollback import roll_back
from sselfie_insights.cli import app
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.errors import (
    UsageError,
)
from sselfie_insights.forget import forget
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.publications import retain
from tests.support.closing import OCTOBER, ON_TIME, REFUND, ask, close, rebuild, restated


def test_forgetting_a_person_keeps_the_sums_and_removes_the_rows(settings: Settings) -> None:
    closing = close(settings)
    before = ask(settings)
    with duckdb.connect(settings.warehouse) as db:
        db.execute("create schema if not exists raw")
        db.execute("create table raw.users as select 'u1' as id, 'u1@example.org' as email")
        db.execute("update marts.payments set customer_key = 'u1' where movement_key = 'in_1'")
        db.execute("update closed.payments set customer_key = 'u1' where movement_key = 'in_1'")
        db.execute("update closed.closings set reopened_because = 'as u1@example.org asked'")
    forget(settings, "u1@example.org")
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        kept = db.execute("select movement_key from closed.payments order by all").fetchall()
        because = db.execute("select reopened_because from closed.closings").fetchone()
        assert closed.is_intact(db, closing)
    assert kept == [("in_2",), ("in_3",)]
    assert because == ("as [forgotten] asked",)
    assert ask(settings) == before


def test_who_signed_stays_when_the_same_person_is_forgotten_as_a_customer(
    settings: Settings,
) -> None:
    closing = close_month(settings, OCTOBER, "u1", now=ON_TIME).closing
    with duckdb.connect(settings.warehouse) as db:
        db.execute("create schema if not exists raw")
        db.execute("create table raw.users as select 'u1' as id, 'u1@example.org' as email")
    forget(settings, "u1")
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        assert closed.read_closings(db)[0].closed_by == "u1"
        assert closed.is_intact(db, closing)


def test_rolled_back_the_closing_stays_and_the_rollback_is_the_cause(settings: Settings) -> None:
    rebuild(settings, REFUND, until="2026-11-15 12:00:00")
    retain(settings.warehouse, datetime(2026, 11, 15, 12, 45, tzinfo=UTC))
    close(settings)
    roll_back(settings, "20261115T123000Z")
    assert restated(settings)["refunded_cents"] == (
        4900, 0, "rolled back to 20261115T123000Z",
    )  # fmt: skip


def test_rolled_back_to_an_earlier_version_the_closing_stays_as_it_was(settings: Settings) -> None:
    with duckdb.connect(settings.warehouse) as db:
        db.execute(
            "update marts.build_info set definitions = 1, version = '0.1.0';"
            "alter table marts.mrr_movements drop column committed_mrr_cents"
        )
    retain(settings.warehouse, datetime(2026, 11, 15, 12, 40, tzinfo=UTC))
    rebuild(
        settings,
        f"update marts.build_info set definitions = {DEFINITIONS}, version = '{__version__}';"
        "alter table marts.mrr_movements add column committed_mrr_cents bigint",
        until="2026-11-15 12:00:00",
    )
    closing = close(settings)
    roll_back(settings, "20261115T124000Z")
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        assert closed.read_closings(db) == [closing]
        assert db.execute("from closed.restatements").fetchall() == []


def test_a_restored_backup_has_the_closing(settings: Settings, tmp_path: Path) -> None:
    closing = close(settings)
    backup(settings.warehouse, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "new.duckdb")
    with duckdb.connect(tmp_path / "new.duckdb", read_only=True) as db:
        assert closed.read_closings(db) == [closing]
        assert closed.is_intact(db, closing)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["close"], "give one of MONTH, --reopen MONTH and --list"),
        (["close", "2026-10", "--list"], "give one of MONTH"),
        (["close", "October"], "'October' is not a month"),
        (["diff"], "give an earlier publication, or --closed MONTH"),
        (["diff", "x", "--closed", "2026-10"], "give an earlier publication, or --closed MONTH"),
    ],
)
def test_the_command_takes_one_thing_at_a_time(
    settings: Settings, arguments: list[str], message: str
) -> None:
    run = CliRunner().invoke(app, [*arguments, "--warehouse", str(settings.warehouse)])
    assert isinstance(run.exception, UsageError)
    assert message in run.exception.message


def test_the_command_closes_lists_compares_and_reopens(settings: Settings) -> None:
    to = ["--warehouse", str(settings.warehouse)]
    run: Callable[..., str] = lambda *words: CliRunner().invoke(app, [*words, *to]).output  # noqa: E731
    assert "closed 2026-10: " in run("close", "2026-10", "--by", "ann")
    assert "ann" in run("close", "--list")
    assert "nothing restated" in run("diff", "--closed", "2026-10")
    assert "is open again" in run("close", "--reopen", "2026-10", "--because", "late payout")
    assert "late payout" in run("close", "--list")


def show(settings: Settings, report: str, form: str = "table", *words: str) -> str:
    to = ["--warehouse", str(settings.warehouse)]
    run = CliRunner().invoke(app, ["report", "show", report, "--format", form, *words, *to])
    assert run.exit_code == 0, (run.output, run.exception)
    return run.stdout


def test_pages_show_what_was_signed_and_what_has_restated_it(settings: Settings) -> None:
    close(settings)
    before = json.loads(show(settings, "revenue", "json"))
    rebuild(settings, REFUND)
    after = json.loads(show(settings, "revenue", "json"))
    assert after["sections"] == before["sections"]  # October's, and no other month has changed
    assert before["restated"] == {}
    name = "revenue-month-by-month"
    assert (
        "refunded_cents as signed; restated since: +$49.00, because refund."
        in (after["restated"][name])
    )
    page = " ".join(show(settings, "revenue").split())
    assert "Oct 2026, usd: Refunded as signed; restated since: +$49.00, because refund." in page
    # The headline number of the last complete month.
    net = ask(settings)["net_cents"][0] / 100
    assert f"${net:,.2f}" in page
    assert "restated since: \N{MINUS SIGN}$49.00, because refund" in page


def test_a_month_that_was_opened_again_is_shown_as_it_is_now(settings: Settings) -> None:
    close(settings)
    rebuild(settings, REFUND)
    reopen_month(settings, OCTOBER, "ann", "the refund belongs there")
    page = show(settings, "revenue", "json")
    assert json.loads(page)["restated"] == {}
    (row,) = [
        row
        for row in json.loads(page)["sections"]["revenue-month-by-month"]
        if row["month"] == "2026-10-01"
    ]
    assert row["refunded_cents"] == 4900


def test_figures_that_were_tampered_with_are_not_shown_and_pages_say_so(
    settings: Settings,
) -> None:
    close(settings)
    rebuild(settings, REFUND)
    with duckdb.connect(settings.warehouse) as db:
        db.execute("update closed.figures set value = '1' where measure = 'refunded_cents'")
    page = json.loads(show(settings, "revenue", "json"))
    assert page["restated"] == {}
    assert page["notices"][0] == (
        "The figures of 2026-10 are not those that ann signed: their checksum differs."
    )


def test_other_parameters_are_other_numbers(settings: Settings) -> None:
    close(settings)
    rebuild(
        settings,
        "delete from marts.member_months where rowid = (select min(rowid) from marts.member_months"
        " where month = date '2026-10-01' and cohort_period = date '2026-08-01')",
    )
    assert restated(settings) == {}  # cohorts are in closed_figures
    page = json.loads(show(settings, "retention", "json"))
    assert any("retained_count as signed" in words for words in page["restated"].values())
    page = json.loads(show(settings, "retention", "json", "-p", "mode=on_or_after"))
    assert not any("retained_count" in words for words in page["restated"].values())
