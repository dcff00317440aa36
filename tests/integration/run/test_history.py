"""A warehouse that was lost: a backup and a run bring its history back, and it goes on."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.backup.archive import backup, restore
from sselfie_insights.errors import UsageError
from sselfie_insights.run.logs import open_log
from sselfie_insights.run.pipeline import run
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.meta import SYNC_TABLES
from sselfie_insights.warehouse.publish import writable_copy
from tests.integration.run import small
from tests.integration.run.conftest import Nightly
from tests.support.waiting import PATIENCE_SECONDS

BEGIN = datetime(2026, 11, 1)


def write_backup(folder: Path) -> Path:
    """Back up a warehouse of the small source, at round 0, and remove it."""
    lost = folder / "lost.duckdb"
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
    backup(lost, folder / "backup.zip")
    lost.unlink()
    return folder / "backup.zip"


def test_restored_into_a_fresh_warehouse_the_history_goes_on(
    database: str, tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.fill(database, 100)
    small.turn(database, 1)
    for module, name, value in small.replacements(folders):
        monkeypatch.setattr(module, name, value)
    monkeypatch.chdir(tmp_path)
    settings = load_settings(database_url=database, warehouse=tmp_path / "new.duckdb")
    restore(write_backup(tmp_path), settings.warehouse)
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


def test_the_remedy_for_a_warehouse_that_went_on_works(nightly: Nightly) -> None:
    nightly.run(steps=("sync", "check", "build", "publish"))
    file = write_backup(nightly.folder)
    before = nightly.digest()
    with pytest.raises(UsageError, match="has a history of its own") as refused:
        restore(file, nightly.warehouse)
    assert nightly.digest() == before
    commands = refused.value.remedy.partition("run: ")[2]
    nightly.turn()
    sselfie = f'sselfie() {{ "{sys.executable}" -m {nightly.PROGRAM} "$@"; }}'
    ended = subprocess.run(
        ["sh", "-c", f"{sselfie}\n{commands}"],  # noqa: S607
        env=os.environ | nightly.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    assert nightly.rounds() == {nightly.round}
    with duckdb.connect(nightly.warehouse, read_only=True) as db:
        assert db.execute(
            "select run_id, count(*) from meta.sync_runs where run_id = 'old' group by all"
        ).fetchall() == [("old", 1)]
    assert nightly.warehouse.with_name("w.duckdb.old").exists()
