"""dbt's tests run on a published warehouse, which is only read; here three tests of one table."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.build import check_marts
from sselfie_insights.resources import resource_dir
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse.meta import SYNC_TABLES

TESTS = {
    "prices_are_known": "select * from marts.prices where price_cents is null",
    "prices_are_positive": "select * from marts.prices where price_cents < 0",
    "names_are_numbers": "select * from marts.prices where cast(name as integer) = 0",
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A published warehouse, and a project that is the package's but for its models and tests."""
    project = tmp_path / "project"
    (project / "data-tests").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(resource_dir("dbt_project") / name, project / name)
    for name, sql in TESTS.items():
        (project / "data-tests" / f"{name}.sql").write_text(sql)
    monkeypatch.setattr("sselfie_insights.build.dbt.resource_dir", lambda _: project)
    warehouse = tmp_path / "published" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(SYNC_TABLES)
        at = "2026-03-01 04:00:00+00"
        connection.execute(
            f"insert into meta.sync_runs values ('run-7', 'full', '{at}', '{at}', '{at}', 1,"
            " 'here', '', 1, 1, 2, 0, 0, 0, null)"
        )
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.prices as select * from"
            " (values ('ada@mail.example', -1), ('2', -2), ('3', 3)) as _ (name, price_cents)"
        )
    warehouse.chmod(0o400)
    warehouse.parent.chmod(0o500)
    severities = tmp_path / "checks.yml"
    severities.write_text('marts:\n  "*": error\n  prices_are_positive: warn\n')
    yield load_settings(warehouse=warehouse, checks=severities)
    warehouse.parent.chmod(0o700)


def test_the_marts_are_tested_where_nothing_may_be_written(settings: Settings) -> None:
    before = settings.warehouse.read_bytes()

    results = check_marts(settings)

    assert {
        (each.check_name, each.severity, each.status, each.failed_rows) for each in results
    } == {
        ("prices_are_known", "error", "passed", 0),
        ("prices_are_positive", "warn", "failed", 2),
        ("names_are_numbers", "error", "broken", None),
    }
    assert {(each.run_id, each.suite) for each in results} == {("run-7", "marts")}
    assert "ada@" not in repr(results)
    assert settings.warehouse.read_bytes() == before
    assert [path.name for path in settings.warehouse.parent.iterdir()] == ["warehouse.duckdb"]
