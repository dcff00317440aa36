"""Cohorts of CDNOW, whose numbers are published: 23,570 customers of 1997 and their purchases.

The log is that of Fader and Hardie (2001), Forecasting repeat sales at CDNOW, as the package
lifetimes ships it; the purchases of the sample by weeks 1 to 39 are in Fader, Hardie and Lee
(2005), "Counting your customers" the easy way, figure 2.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.contracts import create_tables
from tests.support.warehouses import write_build_info

# 1 January 1997, from which the weeks of the publications count, is a Wednesday.
WEDNESDAY = date(1, 1, 3)

REPEATS = [1411, 439, 214, 100, 62, 38, 29, 64]
"""Customers of the sample by repeat purchases in weeks 1 to 39: none, one, … seven or more."""


def find_log(name: str) -> Path:
    try:
        shipped = files("lifetimes") or []
    except PackageNotFoundError:
        pytest.skip("the package lifetimes of the group dev is not installed")
    return Path(str(next(path for path in shipped if path.name == name).locate()))


def read_log(connection: duckdb.DuckDBPyConnection, name: str, *, id_place: int) -> None:
    """Make the table ``log``: customer, day and cents of each purchase; zero rows too."""
    connection.execute(
        f"""
        create temp table log as
        select
            words[{id_place}] as customer, strptime(words[-3], '%Y%m%d')::date as day,
            cast(cast(words[-1] as decimal(12, 2)) * 100 as bigint) as cents
        from (
            select string_split_regex(trim(line), '\\s+') as words
            from read_csv(?, header = false, columns = {{'line': 'varchar'}}, delim = '|')
        )
        where regexp_full_match(words[-3], '[0-9]{{8}}')
        """,
        [str(find_log(name))],
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        create_tables(connection)
        yield connection


def test_repeat_purchases_of_the_sample_are_the_published_ones(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read_log(warehouse, "CDNOW_sample.txt", id_place=2)
    write_build_info(warehouse, datetime(1997, 9, 30, 23, 59, tzinfo=UTC), first_week_on=WEDNESDAY)
    warehouse.execute(
        """
        insert into marts.fct_activity by name
        select distinct
            customer as user_id, 'image' as feature, day as activity_on,
            day::timestamp as activity_at
        from log where day <= '1997-09-30';

        insert into marts.dim_users by name
        select
            user_id, user_id as customer_key, min(activity_at) as first_activity_at,
            min(activity_on) as first_activity_on
        from marts.fct_activity group by all
        """
    )
    warehouse.close()
    # Of a bracket of all 39 weeks: whoever bought on so many days or more.
    bought = []
    with OpenWarehouse(tmp_path / "w.duckdb") as opened:
        for count in range(1, len(REPEATS) + 1):
            given = {
                "grain": "week", "start": "first_activity", "mode": "bracket",
                "brackets": "0-38", "at_least": str(count),
            }  # fmt: skip
            frame = run_query(opened, load_query("retention/activity_cohorts"), given).frame
            cells = frame.filter(~frame["is_mean"])
            assert cells["cohort_period"].min() == date(1997, 1, 1)
            bought.append(cells["retained_count"].sum())
    repeats = [more - less for more, less in zip(bought, [*bought[1:], 0], strict=True)]
    assert (sum(repeats), repeats) == (2357, REPEATS)


@pytest.mark.parametrize("grain", ["week", "quarter"])
def test_the_whole_log_adds_up_to_what_is_published(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, grain: str
) -> None:
    read_log(warehouse, "CDNOW_master.txt", id_place=1)
    write_build_info(warehouse, datetime(1998, 6, 30, 23, 59, tzinfo=UTC))
    # As the models have it: 80 purchases of nothing are dropped, and 68 people with them.
    assert warehouse.execute(
        "select count(*), count(*) filter (cents = 0) from log"
    ).fetchall() == [(69_659, 80)]
    warehouse.execute(
        """
        insert into marts.payments by name
        select
            row_number() over () as movement_key, 'payment' as kind, day as moved_on,
            customer as customer_key, 'usd' as currency, cents as gross_cents,
            0 as refunded_cents, 0 as chargeback_cents
        from log where cents > 0;

        insert into marts.dim_customers by name
        select customer_key, min(moved_on) as first_paid_on from marts.payments group by all
        """
    )
    warehouse.close()
    with OpenWarehouse(tmp_path / "w.duckdb") as opened:
        query = load_query("retention/cohort_revenue")
        frame = run_query(opened, query, {"grain": grain}).frame
    cells = frame.filter(~frame["is_mean"])
    assert cells["net_cents"].sum() == 250_031_563
    # Up to the end of the log each cohort's money stands in its last cell.
    ends = cells.sort("period_index").unique("cohort_period", keep="last")
    assert ends["cumulative_net_cents"].sum() == 250_031_563
    assert cells["payment_count"].sum() == 69_659 - 80
    assert cells.filter(cells["period_index"] == 0)["cohort_size"].sum() == 23_502
