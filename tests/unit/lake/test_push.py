"""The lake holds what the mirror holds, and is whole at every moment."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.lake import push as module
from sselfie_insights.lake.push import PushReport, push, read_tables
from sselfie_insights.lake.runs import prune, publish_run, run_path
from sselfie_insights.lake.store import Store
from sselfie_insights.warehouse.meta import SYNC_TABLES

MIRROR = """
    create schema raw; create schema stripe_export; create schema snapshots; create schema closed;
    create table raw.users (id varchar, name varchar, born_on date, seen_at timestamptz);
    insert into raw.users values
        ('ann', 'Ann', '1990-02-28', '2026-01-01 10:00:00+01'),
        ('bea', null, 'infinity', '-infinity'),
        ('cat', 'Cat', null, null);
    create table raw.posts (id bigint, likes integer, price decimal(10, 2), tags varchar[]);
    insert into raw.posts
        select i, i % 7, i / 3.0, ['a', null] from range(1, 2_500_001, 250_000) as r (i);
    create table raw."odd name; -- /" (
        "x y,z" json, u uuid, big hugeint, made_at timestamp, took interval
    );
    insert into raw."odd name; -- /" values
        ('{"a": 1}', '00000000-0000-0000-0000-000000000001', 1, '2026-01-01', interval '1 day');
    create table raw.empty (id integer, flag boolean, ratio double);
    create table stripe_export.files (file_id varchar);
    create table snapshots.users_history (user_id varchar);
    create table closed.months (month date);
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    change(path, SYNC_TABLES)
    change(
        path,
        "insert into meta.sync_runs values ('run', 'full', '2026-03-10', '2026-03-10',"
        " '2026-03-10', 1, '', '', 1, 1, 1, 1, 1, 1, null);",
    )
    change(path, MIRROR)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"))


def change(warehouse: Path, sql: str) -> None:
    with duckdb.connect(warehouse) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(sql)


def rows(store: Store, view: str) -> list[Any]:
    """Return what the files hold that the manifest names for a view."""
    (table,) = [table for table in read_tables(store) if table.view == view]
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        return db.execute(
            "select * from read_parquet(?) order by all", [[store.url(p.path) for p in table.parts]]
        ).fetchall()


def counts(report: PushReport) -> tuple[int, int]:
    return report.file_count, report.row_count


def test_what_is_mirrored_is_pushed(warehouse: Path, store: Store) -> None:
    push(warehouse, store)

    views = [table.view for table in read_tables(store)]
    assert views == [
        "app__empty",
        "app__odd name; -- /",
        "app__posts",
        "app__users",
        "users_history",
        "stripe__files",
    ]
    assert rows(store, "app__empty") == []
    assert rows(store, "users_history") == []
    with duckdb.connect(warehouse, read_only=True) as db:
        expected = db.execute("from raw.posts order by all").fetchall()
    assert rows(store, "app__posts") == expected


def test_types_that_spark_does_not_have_travel_as_text(warehouse: Path, store: Store) -> None:
    push(warehouse, store)

    schemas = {table.view: table.schema for table in read_tables(store)}
    assert schemas["app__posts"] == (
        "`id` bigint, `likes` int, `price` decimal(10,2), `tags` array<string>"
    )
    assert schemas["app__odd name; -- /"] == (
        "`x y,z` string, `u` string, `big` string, `made_at` timestamp_ntz, `took` string"
    )
    ((document, u, big, _, took),) = rows(store, "app__odd name; -- /")
    assert (json.loads(document), u, big, took) == (
        {"a": 1},
        "00000000-0000-0000-0000-000000000001",
        "1",
        "1 day",
    )


def test_days_without_end_are_none_that_a_model_counts(warehouse: Path, store: Store) -> None:
    push(warehouse, store)

    found = {
        user: (str(born), seen and seen.isoformat())
        for user, _, born, seen in rows(store, "app__users")
    }
    assert found == {
        "ann": ("1990-02-28", "2026-01-01T09:00:00+00:00"),
        "bea": ("9999-12-31", "9999-12-31T00:00:00+00:00"),
        "cat": ("None", None),
    }


def test_only_what_changed_is_written_again(warehouse: Path, store: Store) -> None:
    assert counts(push(warehouse, store)) == (8, 14)  # posts lie in three parts: 4, 4 and 2 ids
    assert counts(push(warehouse, store)) == (0, 0)
    stamp = store.read("manifest.json")["pushed_at"]

    change(warehouse, "update raw.posts set likes = 100 where id = 1")
    assert counts(push(warehouse, store)) == (1, 4)
    assert store.read("manifest.json")["pushed_at"] > stamp

    change(warehouse, "delete from raw.users where id = 'cat'")
    assert counts(push(warehouse, store)) == (1, 2)
    assert [user for user, *_ in rows(store, "app__users")] == ["ann", "bea"]

    change(warehouse, "alter table raw.users alter name type integer using null")
    assert counts(push(warehouse, store)) == (1, 2)

    change(warehouse, "drop table raw.users")
    assert counts(push(warehouse, store)) == (0, 0)
    assert "app__users" not in [table.view for table in read_tables(store)]


def test_a_push_that_dies_leaves_the_lake_as_it_was(
    warehouse: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(warehouse, store)
    before = read_tables(store)
    content = {table.view: rows(store, table.view) for table in before}
    change(warehouse, "update raw.posts set likes = 9; update raw.users set name = 'X'")
    put, left = store.put, iter(range(2))

    def fail_later(file: Path, path: str) -> None:
        next(left)
        put(file, path)

    monkeypatch.setattr(store, "put", fail_later)
    with pytest.raises(StopIteration):
        push(warehouse, store)

    assert read_tables(store) == before
    assert {table.view: rows(store, table.view) for table in before} == content
    monkeypatch.setattr(store, "put", put)
    push(warehouse, store)
    assert {name for _, name, *_ in rows(store, "app__users")} == {"X"}


def test_the_lake_is_its_owners_alone(warehouse: Path, store: Store, tmp_path: Path) -> None:
    push(warehouse, store)
    publish_run(store, "run", ["users"])

    modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("lake/**/*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in tmp_path.glob("lake/**/") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_prune_deletes_what_nothing_names(warehouse: Path, store: Store) -> None:
    push(warehouse, store)
    change(warehouse, "update raw.users set name = 'X'")
    push(warehouse, store)
    for run in ("20260101T000000-a", "20260102T000000-b", "20260103T000000-c"):
        store.write(f"{run_path(run)}/marts/users/0.parquet", {})
    publish_run(store, "20260101T000000-a", ["users"])

    pruned = prune(store, keep=1)

    assert (pruned.runs, pruned.file_count) == (("20260102T000000-b",), 1)
    assert len(rows(store, "app__users")) == 3
    assert store.read("marts.json")["run_id"] == "20260101T000000-a"

    pruned = prune(store, keep=0)

    assert pruned.runs == ("20260101T000000-a", "20260103T000000-c")
    assert store.read("marts.json") is None
    assert len(rows(store, "app__users")) == 3


def test_a_lake_of_a_newer_version_is_left_alone(
    warehouse: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORMAT", 2)
    push(warehouse, store)
    monkeypatch.setattr(module, "FORMAT", 1)

    with pytest.raises(StorageError, match="a newer version wrote the lake"):
        push(warehouse, store)


def test_a_damaged_manifest_is_named(warehouse: Path, store: Store, tmp_path: Path) -> None:
    push(warehouse, store)
    (tmp_path / "lake" / "manifest.json").write_text("{")

    with pytest.raises(StorageError, match=r"manifest\.json is damaged: delete it, and push"):
        push(warehouse, store)


@pytest.mark.parametrize("address", ["nowhere://bucket/x", "https://host/x"])
def test_an_address_of_no_kind_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        Store(address)


def test_nothing_is_pushed_before_a_sync(store: Store, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "new.duckdb"):
        pass

    with pytest.raises(UsageError, match="nothing was synced"):
        push(tmp_path / "new.duckdb", store)
