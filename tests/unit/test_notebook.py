"""The warehouse as one object, and the example of its use."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import pytest

import sselfie_insights
from sselfie_insights import Warehouse, notebook
from sselfie_insights.errors import UsageError
from sselfie_insights.warehouse.publications import retain


@pytest.fixture(scope="module")
def warehouse(business: Path) -> Iterator[Warehouse]:
    with Warehouse(business) as opened:
        yield opened


def test_a_query_takes_its_parameters_as_values(warehouse: Warehouse) -> None:
    months = warehouse.query("churn_by_month", since=date(2026, 9, 15), until="2026-10-01")
    assert months.frame["month"].to_list() == [date(2026, 9, 1), date(2026, 10, 1)]
    assert months.name == "churn/churn_by_month"
    assert warehouse.query("churn_by_month", since=None).height == 18
    weeks = warehouse.query("activity_cohorts", grain="week", **{"return": "image"})
    assert (weeks.values["grain"], weeks.values["return"]) == ("week", "image")
    with pytest.raises(UsageError, match="no parameter 'sinse'"):
        warehouse.query("churn_by_month", sinse="2026-01-01")
    with pytest.raises(UsageError, match="unknown query 'churn_by_mont'"):
        warehouse.query("churn_by_mont")


def test_personal_data_is_left_out_unless_asked_for(warehouse: Warehouse) -> None:
    assert "email" not in warehouse.query("members_now").columns
    assert "email" in warehouse.query("members_now", with_personal_data=True).columns


def test_ones_own_sql_is_read_only(warehouse: Warehouse) -> None:
    assert warehouse.sql("select count(*) as n from marts.dim_users").frame.rows() == [(340,)]
    with pytest.raises(UsageError, match="give one SELECT"):
        warehouse.sql("drop table marts.dim_users")


def test_a_page_is_the_report_that_the_command_shows(warehouse: Warehouse) -> None:
    page = warehouse.page("retention", grain="week", breakdown=None)
    assert (page.report.name, page.values) == ("retention", {"grain": "week"})
    assert page.stamp == warehouse.stamp
    assert page.data
    with pytest.raises(UsageError, match="unknown report 'retentoin'; did you mean 'retention'"):
        warehouse.page("retentoin")


def test_it_speaks_for_the_instant_of_its_marts(warehouse: Warehouse, business: Path) -> None:
    assert warehouse.stamp.as_of == datetime(2026, 11, 15, 12, tzinfo=UTC)
    assert warehouse.path == warehouse.settings.warehouse == business


def test_the_settings_name_the_file_and_a_publication_another(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(business, tmp_path / "w.duckdb"))
    kept = retain(path, datetime(2026, 11, 15, 13, tzinfo=UTC))
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(path))
    with Warehouse() as newest, Warehouse(publication="2026-11-15") as earlier:
        assert (newest.path, newest.stamp.publication) == (path, None)
        assert (earlier.path, earlier.stamp.publication) == (kept.path, kept.name)
    with pytest.raises(UsageError, match="there is no publication '2026-11-14'"):
        Warehouse(publication="2026-11-14")
    with pytest.raises(UsageError, match="no warehouse at"):
        Warehouse(str(tmp_path / "none.duckdb"))


def test_it_can_be_opened_twice_and_each_is_closed_by_itself(
    business: Path, warehouse: Warehouse
) -> None:
    zone = "select timestamptz '2026-07-01 00:00:00+00'::varchar as at"
    with Warehouse(business) as second:
        assert second.sql(zone).frame.item() == "2026-07-01 00:00:00+00"
        with pytest.raises(duckdb.Error, match="locked"):
            second.connection.execute("set TimeZone = 'Europe/Oslo'")
    with pytest.raises(duckdb.Error, match="closed"):
        second.connection.execute("select 1")
    assert warehouse.sql(zone).height == 1


def test_the_example_runs(
    business: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(business))
    _, _, example = str(notebook.__doc__).partition("::\n")
    found: dict[str, Any] = {}
    exec(dedent(example), found)  # noqa: S102
    assert capsys.readouterr().out == "2026-11-15 12:00:00+00:00\n"
    assert found["churn"]["month"].min() == date(2026, 1, 1)
    assert found["users"].item() == 340
    assert found["page"].values == {"grain": "week"}


def test_importing_the_package_imports_nothing_else() -> None:
    probe = (
        "import sys; before = set(sys.modules); import sselfie_insights as s;"
        " print(sorted(m for m in sys.modules if m.startswith('sselfie_insights.')));"
        " s.Warehouse; print('polars' in sys.modules, 'sselfie_insights.notebook' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "False True"]
    with pytest.raises(AttributeError, match="no attribute 'Warehous'"):
        sselfie_insights.Warehous  # noqa: B018
