"""What stands above every page: age, failed runs, failed checks, what the source lacks."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from markupsafe import escape

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.draw.terminal import render_text
from sselfie_insights.report.notices import (
    describe_trust,
    describe_unlisted,
    read_notices,
    write_reader_notices,
)
from sselfie_insights.run.status import list_unlisted
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.paths import journal_path
from sselfie_insights.warehouse.unknown import WHOLE, Lack, write_unknown
from tests.support.business import BUSINESS_AS_OF

# The made-up business was read at the instant that it speaks for.
SYNCED_AT = BUSINESS_AS_OF


@pytest.fixture
def warehouse(business: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(business, tmp_path))


def notices(warehouse: Path, *, age: timedelta = timedelta(hours=1), **flags: Any) -> list[str]:
    settings = load_settings(warehouse=warehouse, **flags)
    with OpenWarehouse(warehouse) as opened:
        return read_notices(settings, opened, SYNCED_AT + age)


def write_journal(warehouse: Path, *runs: tuple[str, int, str]) -> None:
    """Write runs as (command, exit code, error), one an hour after the data was read."""
    lines = []
    for hours, (command, code, error) in enumerate(runs, start=1):
        at = (SYNCED_AT + timedelta(hours=hours)).isoformat()
        entry = {
            "run_id": f"r{hours}",
            "command": command,
            "started_at": at,
            "finished_at": at,
            "exit_code": code,
            "published": code == 0,
            "error": error,
        }
        lines.append(json.dumps(entry) + "\n")
    journal_path(warehouse).write_text("".join(lines))


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_nothing_is_said_when_nothing_is_wrong(warehouse: Path) -> None:
    write_journal(warehouse, ("run", 0, ""))
    assert notices(warehouse, max_age="26h") == []


@pytest.mark.parametrize(
    ("max_age", "age", "is_stale"),
    [
        (None, timedelta(days=999), False),
        ("26h", timedelta(hours=26), False),
        ("26h", timedelta(hours=26, microseconds=1), True),
        ("90m", timedelta(minutes=91), True),
        ("2d", timedelta(days=2), False),
        ("999999d", timedelta(days=999), False),
    ],
)
def test_data_is_stale_once_it_is_older_than_allowed(
    warehouse: Path, max_age: str | None, age: timedelta, is_stale: bool
) -> None:
    printed = notices(warehouse, age=age, max_age=max_age)
    expected = (
        "The data is stale: the source was last read at 15 Nov 2026, 12:00 UTC, longer ago than"
        f" the {max_age} allowed."
    )
    assert printed == ([expected] if is_stale else [])


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("run", 2, "too little room")],
         "A run failed at 15 Nov 2026, 13:00 UTC, so what happened later is missing."
         " The reason given last: too little room."),
        ([("run", 3, "cannot connect to db.internal:5432/app")],
         "A run failed at 15 Nov 2026, 13:00 UTC, so what happened later is missing."
         " The reason given last: the source could not be reached or read; see"
         " 'sselfie status'."),
        ([("run", 4, "first"), ("sync", 0, ""), ("run", 4, "second")],
         "2 runs have failed since 15 Nov 2026, 13:00 UTC, so what happened later is missing."
         " The reason given last: second."),
        ([("sync", 3, "gone"), ("sync", 0, "")], ""),
        ([("sync", 3, "gone"), ("run", 0, "")], ""),
        ([("run", 75, "another run holds it"), ("run", 130, "KeyboardInterrupt")], ""),
    ],
)  # fmt: skip
def test_runs_that_failed_since_are_told_with_the_reason(
    warehouse: Path, runs: list[tuple[str, int, str]], expected: str
) -> None:
    write_journal(warehouse, *runs)
    assert notices(warehouse) == ([expected] if expected else [])


@pytest.mark.parametrize(("last", "is_silent"), [("2026-11-08", False), ("2026-11-07", True)])
def test_a_source_that_no_longer_moves_is_named_however_fresh_the_sync(
    warehouse: Path, last: str, is_silent: bool
) -> None:
    """The business speaks for 15 November 2026."""
    change(
        warehouse,
        f"delete from marts.fct_activity where activity_on > date '{last}'",
        f"delete from marts.dim_users where signed_up_on > date '{last}'",
        f"delete from marts.payments where moved_on > date '{last}'",
        f"delete from marts.credit_entries where transacted_on > date '{last}'",
        f"update marts.payments set moved_on = date '{last}'"
        " where moved_on = (select max(moved_on) from marts.payments)",
    )
    printed = [text for text in notices(warehouse) if text.startswith("No new data since")]
    assert len(printed) == is_silent
    if is_silent:
        assert printed[0].startswith("No new data since 7 November 2026: ")
        assert "in the 8 days up to 15 November 2026" in printed[0]


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ((), "nobody signed up, paid, was active or moved a credit in the 8 days"),
        (
            ("engagement/active_users", "credits/credit_flow_by_month"),
            "nobody signed up or paid in",
        ),
        (("revenue/payments",), ""),
    ],
)
def test_of_what_is_not_known_nobody_is_said_to_have_done_nothing(
    warehouse: Path, lacking: tuple[str, ...], said: str
) -> None:
    last = "2026-11-07"
    change(
        warehouse,
        f"update marts.fct_activity set activity_on = least(activity_on, date '{last}')",
        f"update marts.dim_users set signed_up_on = least(signed_up_on, date '{last}')",
        f"update marts.payments set moved_on = least(moved_on, date '{last}')",
        f"update marts.credit_entries set transacted_on = least(transacted_on, date '{last}')",
    )
    with duckdb.connect(str(warehouse)) as connection:
        write_unknown(connection, {name: {WHOLE: [Lack("t", "missing")]} for name in lacking})
    printed = [text for text in notices(warehouse) if text.startswith("No new data since")]
    assert bool(printed) == bool(said) and all(said in text for text in printed)


def test_a_failure_before_the_data_was_read_is_past(warehouse: Path) -> None:
    write_journal(warehouse, ("run", 3, "no route"))
    change(warehouse, "update marts.build_info set synced_at = synced_at + interval 2 hour")
    assert notices(warehouse) == []


def test_checks_that_failed_or_broke_are_named(warehouse: Path) -> None:
    rows = ", ".join(f"('m', 'many_{n}', 't', null, 'warn', 'failed')" for n in range(6))
    change(
        warehouse,
        f"""insert into meta.check_results
        (suite, check_name, table_name, column_name, severity, status) values
        ('mirror', 'not_null', 'users', 'email', 'warn', 'failed'),
        ('mirror', 'row_count', 'users', null, 'error', 'passed'),
        ('mirror', 'between.feed_posts.likes', 'feed_posts', 'likes', 'warn', 'broken'), {rows}""",
    )
    failed, broken = notices(warehouse)
    assert failed == (
        "Checks that failed: many_0, many_1, many_2, many_3, many_4 and 2 more."
        " The report quality has the details."
    )
    assert broken.startswith("Checks that could not run: between.feed_posts.likes.")


def test_what_the_source_lacks_is_named_and_other_drift_is_not(warehouse: Path) -> None:
    change(
        warehouse,
        "insert into meta.contract_drift values ('users', 'plan', 'column missing', 'x'),"
        " ('waitlist', null, 'table missing', 'x'), ('users', 'extra', 'column undocumented', 'x')",
    )
    [printed] = notices(warehouse)
    assert printed.endswith("so nothing is counted there: users.plan, waitlist.")


def test_every_page_and_the_terminal_begin_with_them(warehouse: Path) -> None:
    write_journal(warehouse, ("run", 4, "</p><script>no route"))
    settings, library = load_settings(warehouse=warehouse, max_age="1m"), load_library()
    with OpenWarehouse(warehouse) as opened:
        printed = read_notices(settings, opened, datetime(2026, 11, 20, tzinfo=UTC))
        for report in load_reports().values():
            page = build_page(opened, report, library, warnings=printed)
            text = render_html(page)
            assert text.count('class="banner"') == 1
            assert all(f"<li>{escape(notice)}</li>" in text for notice in printed)
            assert "&lt;script&gt;no route" in text and "<script>no route" not in text
            words = " ".join(line.plain.strip() for line in render_text(page, 80))
            assert all(f"Please note: {notice}" in words for notice in printed)


def test_a_kept_publication_is_as_old_as_it_was_asked_for(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".w.duckdb.publications"
    folder.mkdir()
    kept = Path(shutil.copy(business, folder / "20261115T120000Z.duckdb"))
    assert notices(kept, age=timedelta(days=9), max_age="1h") == []


def test_settings_refuse_an_age_without_a_unit() -> None:
    with pytest.raises(UsageError, match="'26' is not a duration: write 90m, 26h or 2d"):
        load_settings(max_age="26")
    assert load_settings(max_age="26h").max_age == "26h"


def test_what_the_price_list_does_not_know_is_named(warehouse: Path) -> None:
    change(
        warehouse,
        """
        insert into marts.unlisted_payments by name
        select
            'in_' || n as payment_key, 'u' || n as customer_key, 'gold' as product_type,
            'jpy' as currency, 9800 as amount_cents, 'unlisted product' as reason,
            n = 1 as is_covering
        from range(3) as t (n)
        """,
        """
        insert into marts.unlisted_payments by name
        select
            'in_9' as payment_key, 'u9' as customer_key, 'pro' as product_type, 'usd' as currency,
            4950 as amount_cents, 'amount off the list' as reason, true as is_covering
        """,
        """
        insert into marts.dropped_rows by name
        select
            'over_refund' as reason, 'stripe_payments' as source_table, 'usd' as currency,
            1 as row_count, 9700 as amount_cents
        """,
    )

    assert notices(warehouse) == [
        "Products that the price list does not have, counted all the same: gold.",
        "Products paid at amounts off the price list, counted all the same: pro.",
        "Refunds and chargebacks claim $97.00 more than their payments took in; that part is"
        " not given back (over_refund in the report quality).",
    ]
    with OpenWarehouse(warehouse) as opened:
        named, off_list, _ = describe_unlisted(opened.connection, with_sizes=True)
    assert named == (
        "Products that the price list does not have, counted all the same: gold"
        " (customers: 3, members now: 1, paid: ¥29,400)."
    )
    assert off_list.endswith("pro (customers: 1, members now: 1, paid: $49.50).")


def test_the_largest_amounts_off_the_list_are_named_and_the_others_counted(
    warehouse: Path,
) -> None:
    change(
        warehouse,
        """
        insert into marts.unlisted_payments by name
        select
            'in_' || n as payment_key, 'u9' as customer_key, 'p' || n as product_type,
            'usd' as currency, 100 * n as amount_cents, 'amount off the list' as reason,
            false as is_covering
        from range(1, 6) as t (n)
        """,
    )
    with OpenWarehouse(warehouse) as opened:
        [sentence] = describe_unlisted(opened.connection, with_sizes=True)
    assert sentence == (
        "Products paid at amounts off the price list, counted all the same:"
        " p5 (customers: 1, members now: 0, paid: $5.00);"
        " p4 (customers: 1, members now: 0, paid: $4.00);"
        " p3 (customers: 1, members now: 0, paid: $3.00);"
        " 2 more in the query unlisted_products."
    )


def test_pages_say_how_many_checks_passed_and_what_is_missing(warehouse: Path) -> None:
    def trust() -> str:
        with OpenWarehouse(warehouse) as opened:
            return describe_trust(opened)

    assert trust() == "2 of 2 checks passed, nothing documented is missing in the source"
    change(
        warehouse,
        "insert into meta.check_results by name"
        " select * replace ('failed' as status) from meta.check_results limit 1",
        "insert into meta.contract_drift by name select 'column missing' as kind,"
        " 'users' as table_name, name as column_name from (values ('a'), ('b')) as t (name)",
    )
    assert trust() == (
        "2 of 3 checks passed, 2 documented tables and columns are missing in the source"
    )
    change(warehouse, "delete from meta.contract_drift where column_name = 'a'",
           "drop table meta.check_results")  # fmt: skip
    assert trust() == ("Nothing was checked, 1 documented table or column is missing in the source")


def test_readers_get_plain_sentences_without_causes_names_or_commands(warehouse: Path) -> None:
    write_journal(warehouse, ("run", 2, "no database URL: set SSELFIE_DATABASE_URL"))
    change(
        warehouse,
        "insert into meta.contract_drift values ('users', 'plan', 'column missing', 'x')",
        "insert into meta.check_results by name"
        " select * replace ('failed' as status) from meta.check_results limit 1",
        "insert into marts.unlisted_payments by name select 'in_1' as payment_key, 'u1' as"
        " customer_key, 'gold' as product_type, 'jpy' as currency, 9800 as amount_cents,"
        " 'unlisted product' as reason, true as is_covering",
    )
    settings = load_settings(warehouse=warehouse, max_age="1h")
    with OpenWarehouse(warehouse) as opened:
        said = write_reader_notices(settings, opened, SYNCED_AT + timedelta(hours=2))
    assert said == [
        "The data is old, as the latest update is late.",
        "The latest update failed, so what happened since is missing.",
        "1 documented table or column is missing in the source, so nothing is counted there;"
        " the page Quality lists what.",
        "1 check did not pass; the page Quality lists which.",
    ]
    assert len(notices(warehouse, age=timedelta(hours=2), max_age="1h")) == 5


def test_readers_of_a_sound_warehouse_get_none(warehouse: Path) -> None:
    with OpenWarehouse(warehouse) as opened:
        assert write_reader_notices(load_settings(warehouse=warehouse), opened) == []


def test_status_names_what_the_price_list_does_not_know(warehouse: Path) -> None:
    change(
        warehouse,
        "insert into marts.unlisted_payments by name select 'in_1' as payment_key, 'u1' as"
        " customer_key, 'gold' as product_type, 'jpy' as currency, 9800 as amount_cents,"
        " 'unlisted product' as reason, true as is_covering",
    )
    with OpenWarehouse(warehouse) as opened:
        [row] = list_unlisted(opened.connection)
    assert row == (
        "price list",
        "",
        "Products that the price list does not have, counted all the same: gold"
        " (customers: 1, members now: 1, paid: ¥9,800).",
    )
