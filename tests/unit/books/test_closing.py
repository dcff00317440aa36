"""Months that are closed: what is signed stays, and each later change is named by its cause."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.backup.archive import backup, restore
from sselfie_insights.books.closing import (
    close_month,
    explain_closed,
    list_closings,
    parse_month,
    reopen_month,
)
from sselfie_insights.books.rollback import roll_back
from sselfie_insights.cli import app
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.diff.closed import record_restatements
from sselfie_insights.errors import (
    ChecksFailedError,
    SselfieError,
    StaleError,
    StorageError,
    UsageError,
)
from sselfie_insights.forget import forget
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.format import write_format_version
from sselfie_insights.warehouse.journal import journaled, read_journal
from sselfie_insights.warehouse.meta import CHECK_RESULTS, SYNC_TABLES
from sselfie_insights.warehouse.publications import list_publications, retain
from sselfie_insights.warehouse.publish import writable_copy
from tests.support.business import write_business

OCTOBER = date(2026, 10, 1)
ON_TIME = datetime(2026, 11, 15, 13, tzinfo=UTC)
LIABILITY_OF_OCTOBER = 777

PREPARE = f"""
update marts.build_info set version = '{__version__}';
delete from marts.mrr_by_member;
insert into marts.mrr_by_member by name
    select date '2026-10-01' as month, 'user:u1' as customer_key, 'usd' as currency,
        'churn' as movement, 4900 as movement_mrr_cents, 0 as closing_mrr_cents,
        0 as in_grace_mrr_cents, true as is_complete;
delete from marts.payments;
insert into marts.payments by name
    select 'in_' || n as movement_key, 'in_' || n as payment_key, 'payment' as kind,
        date '2026-10-01' as month, date '2026-10-05' as moved_on, 'user:u' || n as customer_key,
        'pro' as product_type, 'usd' as currency, 4900 as gross_cents, 0 as refunded_cents,
        0 as chargeback_cents
    from range(1, 4) as t (n);
"""
REFUND = """
update marts.payments set refunded_cents = 4900 where movement_key = 'in_1';
update marts.revenue_by_month set refunded_cents = refunded_cents + 4900,
    net_cents = net_cents - 4900 where month = date '2026-10-01' and product_type = 'pro';
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A business that speaks for noon of the 15th of November."""
    path = write_business(tmp_path_factory.mktemp("closing") / "a.duckdb")
    with duckdb.connect(path) as db:
        db.execute(PREPARE + SYNC_TABLES + CHECK_RESULTS)
        write_format_version(db)
    return path


@pytest.fixture
def settings(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A published copy of it; the liability of a month's end is built without dbt."""

    def build_liability(scratch: Path, settings: Settings, as_of: datetime) -> None:
        assert as_of == datetime(2026, 10, 31, 23, 59, 59, 999999, UTC)
        with duckdb.connect(scratch) as db:
            db.execute(f"update marts.liability set liability_cents = {LIABILITY_OF_OCTOBER}")

    monkeypatch.setattr("sselfie_insights.build.build_liability", build_liability)
    warehouse = Path(shutil.copy(template, tmp_path / "w.duckdb"))
    retain(warehouse, datetime(2026, 11, 15, 12, 30, tzinfo=UTC))
    return load_settings(warehouse=warehouse, output_dir=tmp_path / "out")


def close(settings: Settings, **given: object) -> closed.Closing:
    return close_month(settings, OCTOBER, "ann", now=ON_TIME, **given).closing  # type: ignore[arg-type]


def rebuild(settings: Settings, change: str, *, until: str = "2026-11-16 12:00:00") -> None:
    """Publish marts that differ by ``change``, as the build of the next night does."""
    with writable_copy(settings.warehouse) as private:
        with duckdb.connect(private) as db:
            instant = f"timestamp '{until}'"
            db.execute(f"update marts.build_info set as_of = {instant}, synced_at = {instant}")
            db.execute(change)
        record_restatements(private, settings)


Figures = dict[str, tuple[float, float | None, str | None]]


def ask(settings: Settings) -> Figures:
    """Return by measure what was signed, what it is now, and why, of the public query."""
    run = CliRunner().invoke(
        app,
        ["query", "run", "revenue/closed_months", "--format", "json", "--warehouse",
         str(settings.warehouse)],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    return {
        row["measure"]: (row["closed_value"], row["value_now"], row["cause"])
        for row in json.loads(run.stdout)
        if row["currency"] in ("usd", None)
    }


def restated(settings: Settings) -> Figures:
    return {
        measure: figure
        for measure, figure in ask(settings).items()
        if figure[1] is not None and figure[0] != figure[1]
    }


def ask_marts(settings: Settings, sql: str) -> float:
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        row = db.execute(sql).fetchone()
    assert row is not None
    return float(row[0])


def test_the_figures_are_those_of_the_marts_and_the_liability_is_of_the_months_end(
    settings: Settings,
) -> None:
    closing = close(settings)
    figures = ask(settings)
    net = ask_marts(
        settings, "select sum(net_cents) from marts.revenue_by_month where month = '2026-10-01'"
    )
    mrr = ask_marts(
        settings, "select closing_mrr_cents from marts.mrr_movements where month = '2026-10-01'"
    )
    members = ask_marts(
        settings, "select closing_member_count from marts.churn_by_month where month = '2026-10-01'"
    )
    assert figures["net_cents"] == (net, net, None)
    assert figures["closing_mrr_cents"] == (mrr, mrr, None)
    assert figures["closing_member_count"] == (members, members, None)
    assert figures["liability_cents"][0] == LIABILITY_OF_OCTOBER
    assert (closing.closed_by, closing.closed_at, closing.version) == ("ann", ON_TIME, __version__)


def test_cohorts_are_signed_by_the_month_that_their_age_leads_to(settings: Settings) -> None:
    close(settings)
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        months = db.execute(
            "select distinct (row_key ->> 'cohort_period')::date"
            " + to_months((row_key ->> 'period_index')::integer)"
            " from closed.figures where query like 'retention/%'"
        ).fetchall()
    assert [month.date() for (month,) in months] == [OCTOBER]


def test_the_journal_and_a_publication_keep_it(settings: Settings) -> None:
    closing = close(settings)
    entry = read_journal(settings.warehouse)[-1]
    assert (entry["command"], entry["month"], entry["closed_by"], entry["checksum"]) == (
        "close", "2026-10", "ann", closing.checksum,
    )  # fmt: skip
    assert list_publications(settings.warehouse)[-1].path.samefile(settings.warehouse)


def fail_a_run(settings: Settings) -> None:
    with (
        pytest.raises(ChecksFailedError),
        journaled(settings.warehouse, "run", "r"),
    ):
        raise ChecksFailedError("one failed")


def add_check(severity: str, status: str) -> str:
    return (
        "insert into meta.check_results by name select 'r' as run_id, now() as checked_at,"
        " 'marts' as suite, 'one_check' as check_name, 't' as table_name,"
        f" '{severity}' as severity, '{status}' as status, '' as detail;"
    )


REFUSED: dict[str, tuple[str, datetime, type[SselfieError], str]] = {
    "2026-11": ("", ON_TIME, UsageError, "2026-11 is not over in UTC"),
    "2026-11 ": ("", datetime(2026, 12, 2, tzinfo=UTC), StaleError, "before the end of 2026-11"),
    "2026-10": (add_check("error", "failed"), ON_TIME, ChecksFailedError, "one_check"),
    "2026-10 ": (add_check("error", "broken"), ON_TIME, ChecksFailedError, "one_check"),
    "2026-10  ": (
        "update marts.build_info set definitions = 1, version = '0.1.0'", ON_TIME, UsageError,
        "built by version 0.1.0",
    ),
    "1999-01": ("", ON_TIME, UsageError, "1999-01 has no figures"),
}  # fmt: skip


@pytest.mark.parametrize("month", REFUSED)
def test_what_must_not_be_signed_is_refused(settings: Settings, month: str) -> None:
    change, now, error, message = REFUSED[month]
    with duckdb.connect(settings.warehouse) as db:
        db.execute(change)
    before = settings.warehouse.read_bytes()
    with pytest.raises(error, match=message):
        close_month(settings, parse_month(month.strip()), "ann", now=now)
    assert settings.warehouse.read_bytes() == before


def test_the_month_ends_in_the_reporting_zone(settings: Settings) -> None:
    """At noon UTC of the 31st the month is over where midnight comes ten hours earlier."""
    change = (
        "update marts.build_info set as_of = timestamp '2026-10-31 13:59:59.999999',"
        " as_of_on = date '2026-10-31', complete_until_on = date '2026-11-01', timezone = '{}'"
    )
    late = datetime(2026, 10, 31, 13, 0, tzinfo=UTC)
    with duckdb.connect(settings.warehouse) as db:
        db.execute(change.format("Europe/Oslo"))
    with pytest.raises(UsageError, match="2026-10 is not over in Europe/Oslo"):
        close_month(settings, OCTOBER, "ann", now=late)


def test_stale_data_is_refused(settings: Settings) -> None:
    fresh = settings.model_copy(update={"max_age": "1h"})
    with pytest.raises(StaleError, match="The data is stale"):
        close_month(fresh, OCTOBER, "ann", now=datetime(2026, 11, 16, tzinfo=UTC))


def test_after_a_run_that_failed_its_checks_nothing_is_signed(settings: Settings) -> None:
    fail_a_run(settings)
    with pytest.raises(ChecksFailedError, match="the last run failed its checks: one failed"):
        close(settings)


def test_the_signer_is_warned_of_grace_and_of_checks(settings: Settings) -> None:
    with duckdb.connect(settings.warehouse) as db:
        db.execute(add_check("warn", "failed"))
    report = close_month(settings, OCTOBER, "ann", now=ON_TIME)
    assert [warning.partition(":")[0] for warning in report.warnings] == [
        "grace runs until 2026-11-15", "checks warned",
    ]  # fmt: skip


def test_once_grace_is_over_there_is_no_warning(settings: Settings) -> None:
    with duckdb.connect(settings.warehouse) as db:
        db.execute("update marts.build_info set as_of_on = date '2026-11-16'")
    assert close_month(settings, OCTOBER, "ann", now=ON_TIME).warnings == ()


def test_a_closed_month_is_not_closed_twice(settings: Settings) -> None:
    close(settings)
    with pytest.raises(UsageError, match="2026-10 is closed"):
        close(settings)


def test_a_tampered_figure_is_noticed(settings: Settings) -> None:
    close(settings)
    with duckdb.connect(settings.warehouse) as db:
        db.execute("update closed.figures set value = '1' where measure = 'net_cents'")
    _, rows = list_closings(settings)
    assert [row[-1] for row in rows] == [False]
    listing = CliRunner().invoke(app, ["close", "--list", "--warehouse", str(settings.warehouse)])
    assert isinstance(listing.exception, StorageError)
    with pytest.raises(StorageError, match="not those that ann signed"):
        explain_closed(settings, OCTOBER)


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
        "refunded_cents as signed; restated since: +49.00, because refund."
        in (after["restated"][name])
    )
    page = " ".join(show(settings, "revenue").split())
    assert "Oct 2026, usd: Refunded as signed; restated since: +49.00, because refund." in page
    # The headline number of the last complete month.
    net = ask(settings)["net_cents"][0] / 100
    assert f"{net:,.2f}" in page
    assert "restated since: \N{MINUS SIGN}49.00, because refund" in page


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
