"""A warehouse that was lost: a backup and a run bring its history back, and it goes on."""

import shutil
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.run.backup import backup, restore
from sselfie_insights.run.journal import read_journal
from sselfie_insights.run.logs import open_log
from sselfie_insights.run.pipeline import run
from sselfie_insights.settings import load_settings
from tests.integration.run import small


def read(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(warehouse, read_only=True) as db:
        return db.execute(query).fetchall()


def test_restored_into_a_fresh_warehouse_the_history_goes_on(
    database: str, tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.fill(database, 100)
    for module, name, value in small.replacements(folders):
        monkeypatch.setattr(module, name, value)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    settings = load_settings(database_url=database, warehouse=home / "w.duckdb")
    steps = ("sync", "build", "publish")
    run(settings, open_log("text"), steps=steps)
    first = read(settings.warehouse, "select run_id, snapshot_at from meta.sync_runs")
    backup(settings.warehouse, tmp_path / "backup.zip")

    shutil.rmtree(home)
    home.mkdir()
    restore(tmp_path / "backup.zip", settings.warehouse)
    small.turn(database, 1)
    run(settings, open_log("text"), steps=steps)

    assert small.rounds_in(settings.warehouse) == {1}
    syncs = read(
        settings.warehouse, "select run_id, snapshot_at from meta.sync_runs order by snapshot_at"
    )
    assert len(syncs) == 2 and syncs[0] == first[0]
    # 50 rows have a history: the span before the loss ends where the one after it begins.
    spans = read(
        settings.warehouse,
        "select round, dbt_valid_from, dbt_valid_to, count(*) from snapshots.a_history"
        " group by all order by round",
    )
    begin, turn = (
        moment
        for (moment,) in read(
            settings.warehouse,
            "select (snapshot_at at time zone 'UTC') from meta.sync_runs order by snapshot_at",
        )
    )
    assert spans == [(0, begin, turn, 50), (1, turn, None, 50)]
    journal = read_journal(settings.warehouse)
    assert [entry["run_id"] for entry in journal] == [run_id for run_id, _ in syncs]
