"""A warehouse that was lost: a backup and a run bring its history back, and it goes on."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.backup.archive import backup, restore
from sselfie_insights.run.logs import open_log
from sselfie_insights.run.pipeline import run
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.meta import SYNC_TABLES
from sselfie_insights.warehouse.publish import writable_copy
from tests.integration.run import small

BEGIN = datetime(2026, 11, 1)


def test_restored_into_a_fresh_warehouse_the_history_goes_on(
    database: str, tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = tmp_path / "lost.duckdb"
    with writable_copy(lost) as private, duckdb.connect(private) as db:
        db.execute(SYNC_TABLES)
        db.execute(
            "insert into meta.sync_runs select 'old', 'full', t, t, t, 1, 'x', 'x', 1, 2, 0, 0, 0, "
            "0, null from (values (timestamptz '2026-11-01 00:00:00+00')) as moment (t)"
        )
        db.execute("create schema snapshots")
        db.execute(  # as dbt writes it: 50 rows at round 0, one of which has ended
            "create table snapshots.a_history as select i::integer as id, 0::integer as round,"
            " md5('s' || i) as dbt_scd_id, timestamp '2026-11-01' as dbt_updated_at,"
            " timestamp '2026-11-01' as dbt_valid_from,"
            " case when i = 50 then timestamp '2026-11-02' end as dbt_valid_to"
            " from range(1, 51) as t (i)"
        )
    backup(lost, tmp_path / "backup.zip")

    small.fill(database, 100)
    small.turn(database, 1)
    for module, name, value in small.replacements(folders):
        monkeypatch.setattr(module, name, value)
    monkeypatch.chdir(tmp_path)
    settings = load_settings(database_url=database, warehouse=tmp_path / "new.duckdb")
    restore(tmp_path / "backup.zip", settings.warehouse)
    run(settings, open_log("text"), steps=("sync", "build", "publish"))

    assert small.rounds_in(settings.warehouse) == {1}
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        (_, first), (_, turn) = db.execute(
            "select run_id, snapshot_at at time zone 'UTC' from meta.sync_runs order by snapshot_at"
        ).fetchall()
        spans = db.execute(
            "select round, dbt_valid_from, dbt_valid_to, count(*) from snapshots.a_history"
            " group by all order by all"
        ).fetchall()
    assert first == BEGIN
    # The span before the loss ends where the one after it begins.
    assert spans == [
        (0, BEGIN, datetime(2026, 11, 2), 1),
        (0, BEGIN, turn, 49),
        (1, turn, None, 50),
    ]
