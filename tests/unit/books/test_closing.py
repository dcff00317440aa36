"""What is signed when a month is closed, and what is refused."""

from datetime import UTC, datetime

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.books.closing import (
    close_month,
    explain_closed,
    list_closings,
    parse_month,
    reopen_month,
)
from sselfie_insights.cli import app
from sselfie_insights.errors import (
    ChecksFailedError,
    SselfieError,
    StaleError,
    StorageError,
    UsageError,
)
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.journal import journaled, read_journal
from sselfie_insights.warehouse.publications import list_publications
from tests.support.closing import LIABILITY_OF_OCTOBER, OCTOBER, ON_TIME, ask, ask_marts, close


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


def test_pages_that_cannot_be_written_keep_no_month_open(settings: Settings) -> None:
    site = settings.output_dir / "site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("mine")
    report = close_month(settings, OCTOBER, "ann", now=ON_TIME)
    assert f"the pages in {site} are as they were: " in report.warnings[-1]
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        assert closed.read_closings(db) == [report.closing]
    notes: list[str] = []
    reopen_month(settings, OCTOBER, "ann", "a refund", now=ON_TIME, on_note=notes.append)
    assert f"the pages in {site} are as they were: " in notes[0]
    assert (site / "index.html").read_text() == "mine"


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
