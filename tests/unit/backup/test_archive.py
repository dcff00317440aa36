import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.backup.archive import backup, is_backup, restore
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.segment.record import PastExport, append_export, erase_people, read_record
from sselfie_insights.stripe.load import add_files
from sselfie_insights.warehouse.meta import SYNC_TABLES
from sselfie_insights.warehouse.paths import journal_path, pseudonym_key_path
from sselfie_insights.warehouse.pseudonyms import find_key, read_key
from sselfie_insights.warehouse.publish import writable_copy

T = [datetime(2026, 11, day) for day in range(1, 11)]
Span = tuple[str, str, datetime, datetime | None]


def write_history(warehouse: Path, spans: Sequence[Span], runs: Sequence[str] = ()) -> Path:
    """Write a warehouse with the history of accounts' roles, and with syncs named ``runs``."""
    with writable_copy(warehouse) as private, duckdb.connect(private) as db:
        db.execute(SYNC_TABLES)
        db.execute("create schema if not exists snapshots")
        db.execute(
            "create or replace table snapshots.users_history (user_id varchar, role varchar,"
            " dbt_scd_id varchar, dbt_updated_at timestamp, dbt_valid_from timestamp,"
            " dbt_valid_to timestamp)"
        )
        for user, role, begin, end in spans:
            db.execute(
                "insert into snapshots.users_history values (?, ?, ?, ?, ?, ?)",
                [user, role, f"{user}|{begin}", begin, begin, end],
            )
        for run in runs:
            db.execute(
                "insert into meta.sync_runs values (?, 'full', ?, ?, ?, 1, 'here', 'l', 1, 0, 0,"
                " 0, 0, 0, null)",
                [run, *[f"{run} 00:00:00+00"] * 3],
            )
    return warehouse


def read_spans(warehouse: Path) -> list[Span]:
    with duckdb.connect(warehouse, read_only=True) as db:
        return db.execute(
            "select user_id, role, dbt_valid_from, dbt_valid_to from snapshots.users_history"
            " order by all"
        ).fetchall()


def read_runs(warehouse: Path) -> list[str]:
    with duckdb.connect(warehouse, read_only=True) as db:
        rows = db.execute("select run_id from meta.sync_runs order by all").fetchall()
    return [run for (run,) in rows]


def test_a_fresh_warehouse_gets_the_whole_history(tmp_path: Path) -> None:
    spans: list[Span] = [("a", "user", T[0], T[2]), ("a", "admin", T[2], None)]
    old = write_history(tmp_path / "old.duckdb", spans, ["2026-11-01", "2026-11-03"])
    lines = ['{"run_id": "1", "finished_at": "2026-11-01"}', '{"run_id": "2", "fin']
    journal_path(old).write_text("\n".join(lines))
    file = tmp_path / "backup.zip"
    report = backup(old, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert report.tables["snapshots.users_history"] == 2
    new = tmp_path / "new.duckdb"
    restored = restore(file, new)
    assert restored.tables == report.tables
    assert restored.run_count == report.run_count == 2
    assert read_spans(new) == sorted(spans, key=lambda span: span[:2])
    assert read_runs(new) == ["2026-11-01", "2026-11-03"]
    *kept, done = journal_path(new).read_text().splitlines()
    assert sorted(kept) == sorted(lines)
    assert json.loads(done)["command"] == "restore"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".backup")] == []


def test_the_key_of_pseudonyms_comes_back(tmp_path: Path) -> None:
    old = write_history(tmp_path / "old.duckdb", [("a", "user", T[0], None)])
    backup(old, tmp_path / "before.zip")  # none was drawn yet
    key = read_key(old)
    backup(old, tmp_path / "b.zip")
    for file, found in (("before.zip", None), ("b.zip", key)):
        new = tmp_path / f"{file}.duckdb"
        restore(tmp_path / file, new)
        assert find_key(new) == found
    assert pseudonym_key_path(new).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("spans", "runs"), [([("a", "user", T[0], None)], []), ([], ["2026-11-01"])]
)
def test_a_warehouse_with_a_history_is_refused_and_left_alone(
    tmp_path: Path, spans: list[Span], runs: list[str]
) -> None:
    file = tmp_path / "b.zip"
    backup(
        write_history(tmp_path / "old.duckdb", [("b", "user", T[1], None)], ["2026-11-02"]), file
    )
    other = write_history(tmp_path / "other.duckdb", spans, runs)
    before = other.read_bytes()
    with pytest.raises(UsageError, match="has a history of its own"):
        restore(file, other)
    assert other.read_bytes() == before


def test_a_warehouse_without_rows_of_history_is_filled(tmp_path: Path) -> None:
    spans: list[Span] = [("a", "user", T[0], None)]
    backup(write_history(tmp_path / "old.duckdb", spans, ["2026-11-01"]), tmp_path / "b.zip")
    empty = write_history(tmp_path / "empty.duckdb", [])
    with duckdb.connect(empty) as db:
        db.execute("create schema raw")
        db.execute("create table raw.charges as select 7 as id")
    restore(tmp_path / "b.zip", empty)
    assert (read_spans(empty), read_runs(empty)) == (spans, ["2026-11-01"])
    with duckdb.connect(empty, read_only=True) as db:
        assert db.execute("from raw.charges").fetchall() == [(7,)]


def test_stripes_exports_come_back_and_are_a_history(tmp_path: Path) -> None:
    export = tmp_path / "exports" / "a.csv"
    export.parent.mkdir()
    export.write_text(
        "balance_transaction_id,created_utc,currency,gross,reporting_category\n"
        "txn_1,2026-02-05 10:00:02,usd,97.00,charge\n"
    )
    old = write_history(tmp_path / "old.duckdb", [])
    add_files([export], old)
    report = backup(old, tmp_path / "b.zip")
    assert report.tables["stripe_export.balance_rows"] == 1
    new = tmp_path / "new.duckdb"
    restore(tmp_path / "b.zip", new)
    query = "select id, gross, first_at from stripe_export.balance_rows join stripe_export.files"
    with duckdb.connect(old, read_only=True) as db, duckdb.connect(new, read_only=True) as again:
        rows = db.execute(f"{query} using (file_id)").fetchall()
        assert again.execute(f"{query} using (file_id)").fetchall() == rows
        assert [row[:2] for row in rows] == [("txn_1", 9700)]
    with pytest.raises(UsageError, match="has a history of its own"):
        restore(tmp_path / "b.zip", new)
    assert add_files([export], new).added == ()


def test_lines_of_the_journal_are_not_doubled(tmp_path: Path) -> None:
    old = write_history(tmp_path / "w.duckdb", [("a", "user", T[0], None)])
    known = '{"run_id": "1", "finished_at": "2026-11-01"}'
    journal_path(old).write_text(f"{known}\n")
    backup(old, tmp_path / "b.zip")
    later = '{"run_id": "2", "finished_at": "2026-11-02"}'
    journal_path(old).write_text(f"{known}\n{later}\n")
    old.unlink()
    assert restore(tmp_path / "b.zip", old).run_count == 0
    assert journal_path(old).read_text().startswith(f"{known}\n{later}\n")


def test_exports_of_segments_come_back_once_and_without_who_was_forgotten(tmp_path: Path) -> None:
    def export(segment: str, *users: str) -> PastExport:
        rows = tuple({"customer_key": u, "user_id": u, "group": "sent"} for u in users)
        return PastExport(segment, T[2].date(), {}, 10, rows)

    warehouse = write_history(tmp_path / "w.duckdb", [])
    append_export(warehouse, export("win_back", "ann", "bea"))
    append_export(warehouse, export("power_users", "bea"))
    assert backup(warehouse, tmp_path / "b.zip").export_count == 2
    erase_people(warehouse, {"ann"})
    warehouse.unlink()
    assert restore(tmp_path / "b.zip", warehouse).export_count == 0
    assert read_record(warehouse) == [export("win_back", "bea"), export("power_users", "bea")]
    fresh = tmp_path / "fresh.duckdb"
    assert restore(tmp_path / "b.zip", fresh).export_count == 2
    assert read_record(fresh) == [export("win_back", "ann", "bea"), export("power_users", "bea")]


def test_every_damaged_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    old = write_history(tmp_path / "old.duckdb", [("a", "user", T[0], None)], ["2026-11-01"])
    whole = backup(old, tmp_path / "b.zip")
    content = (tmp_path / "b.zip").read_bytes()
    refused = 0
    for position in range(0, len(content), max(1, len(content) // 60)):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        file = tmp_path / "damaged.zip"
        file.write_bytes(damaged)
        new = tmp_path / f"{position}.duckdb"
        try:
            report = restore(file, new)
        except UsageError as error:
            refused += 1
            assert "damaged" in error.message
            assert not new.exists()
        else:
            assert report.tables == whole.tables
            assert read_spans(new) == read_spans(old)
    assert refused > 50


def test_history_in_a_damaged_block_is_told_with_what_helps(tmp_path: Path) -> None:
    warehouse = write_history(tmp_path / "w.duckdb", [("a", "user", T[0], None)])
    with duckdb.connect(warehouse, read_only=True) as db:
        (block,) = db.execute(
            "select max(block_id) from pragma_storage_info('snapshots.users_history')"
        ).fetchone() or (None,)
    content = bytearray(warehouse.read_bytes())
    content[3 * 4_096 + block * 262_144 + 100] ^= 1  # behind three headers of a page each
    warehouse.write_bytes(content)
    with pytest.raises(StorageError, match="the warehouse is damaged: Corrupt") as failed:
        backup(warehouse, tmp_path / "b.zip")
    assert "kept publication" in failed.value.remedy
    assert not (tmp_path / "b.zip").exists()


def test_a_backup_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    backup(write_history(tmp_path / "old.duckdb", []), file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UsageError, match="damaged"):
        restore(file, tmp_path / "new.duckdb")


@pytest.mark.parametrize("key", ["format", "warehouse_format"])
def test_a_newer_backup_is_refused(tmp_path: Path, key: str) -> None:
    file = tmp_path / "b.zip"
    backup(write_history(tmp_path / "old.duckdb", []), file)
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(contents["manifest.json"]) | {key: 99, "version": "9.9"}
    contents["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    assert is_backup(file)
    with pytest.raises(UsageError, match=r"written by sselfie-insights 9\.9"):
        restore(file, tmp_path / "new.duckdb")


def test_no_other_file_is_overwritten_or_restored(tmp_path: Path) -> None:
    old = write_history(tmp_path / "old.duckdb", [("a", "user", T[0], None)])
    with pytest.raises(UsageError, match="is there and no backup"):
        backup(old, old)
    assert read_spans(old) == [("a", "user", T[0], None)]
    with pytest.raises(UsageError, match="no backup"):
        restore(old, tmp_path / "new.duckdb")
    with pytest.raises(UsageError, match="there is no file"):
        restore(tmp_path / "missing.zip", tmp_path / "new.duckdb")
    with pytest.raises(UsageError, match="no warehouse"):
        backup(tmp_path / "missing.duckdb", tmp_path / "b.zip")
    with pytest.raises(StorageError, match="cannot be written"):
        backup(old, tmp_path / "missing" / "b.zip")
    assert not (tmp_path / "new.duckdb").exists()
