"""Crafted and damaged files end in one line, at once, and make nothing read, run or downloaded."""

import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sselfie_insights
from sselfie_insights.backup.archive import backup, is_backup, restore
from sselfie_insights.cli import app
from sselfie_insights.errors import SselfieError, StorageError, UsageError
from sselfie_insights.files import make_folder, replace_folder, write_file
from sselfie_insights.manifest import checksum
from sselfie_insights.setup.doctor import software
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.paths import exports_record_path, journal_path
from sselfie_insights.warehouse.publications import is_intact, is_whole, retain
from sselfie_insights.warehouse.publish import WRITER, writable_copy
from tests.support.warehouses import User, write_warehouse

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BUILD_INFO = "create table marts.build_info as select 1 as"

SCRIPTS = {
    "no tables": "",
    "another's tables": "create table t (a int); create schema marts;"
    " create table marts.users (a int)",
    "other columns": f"create schema marts; {BUILD_INFO} nothing",
    "other types": f"create schema marts; {BUILD_INFO} as_of, 'x' as as_of_on, 2 as timezone,"
    " 3 as grace_days, 'y' as synced_at, 4 as run_id, 5 as version",
    "a format in words": "create schema meta; create table meta.warehouse (format_version varchar);"
    " insert into meta.warehouse values ('three')",
    "another meta": "create schema meta; create table meta.warehouse as select 3 as v, 'x' as w;"
    " create table meta.mirror_columns as select 1 as a;"
    " create table meta.sync_runs as select 1 as b",
    "views for tables": "create schema marts; create view marts.build_info as"
    " select error('a view spoke') as as_of",
    "a view of a file": "create schema marts; create view marts.build_info as"
    " select * from read_text('/etc/hostname')",
    "a macro for a name": "create schema marts; create macro count(x) as error('a macro was run');"
    f" {BUILD_INFO} nothing",
}  # fmt: skip
ALIKE = ("no tables", "other types", "zeros", "empty")
"""Slow kinds, for a quick one is as little ours: another's tables, other columns, text."""

COMMANDS = (
    ("status",), ("query", "run", "revenue/mrr_movements"), ("query", "list"),
    ("report", "show", "overview"),
    ("doctor",), ("alerts",), ("segment", "list"), ("export",), ("diff", "2026-11-20"),
    ("rollback",), ("rollback", "2026-11-20"), ("explain", "mrr"), ("check",), ("backup", "b.zip"),
    ("forget", "someone@example.org", "--dry-run"),
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("SSELFIE_DATABASE_URL", "SSELFIE_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    # No file of these concerns dbt, whose import takes `doctor` seconds.
    monkeypatch.setattr(software, "_check_dbt", lambda: "dbt is not asked")
    return tmp_path


def find_faults(commands: Iterable[Sequence[str]]) -> list[tuple[Sequence[str], str]]:
    """The commands that do not end well or in one line, or that run what was crafted, and how."""
    faults = []
    for command in commands:
        done = CliRunner().invoke(app, command)
        said = str(done.exception or "")
        is_ours = done.exception is None or isinstance(done.exception, SselfieError | SystemExit)
        if not is_ours or "\n" in said or "was run" in done.output + said:
            faults.append((command, repr(done.exception)))
    return faults


def craft(path: Path, script: str) -> None:
    with duckdb.connect(path) as db:
        if script:
            db.execute(script)


def kinds(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow if name in ALIKE else []) for name in names]


@pytest.mark.parametrize("kind", kinds(SCRIPTS))
def test_a_crafted_warehouse_or_publication(here: Path, kind: str) -> None:
    craft(here / "warehouse.duckdb", SCRIPTS[kind])
    retain(here / "warehouse.duckdb", NOW)
    assert find_faults(COMMANDS) == []


def other_files() -> Iterator[tuple[str, Callable[[Path], None]]]:
    yield "empty", lambda path: path.write_bytes(b"")
    yield "text", lambda path: path.write_text("hello")
    yield "zeros", lambda path: path.write_bytes(b"\0" * 20_000)
    yield "head", lambda path: path.write_bytes(b"\0" * 8 + b"DUCK" + b"\xff" * 20_000)
    yield "pipe", lambda path: os.mkfifo(path)
    yield "folder", lambda path: path.mkdir()
    yield "circle", lambda path: path.symlink_to(path)
    yield "dangling", lambda path: path.symlink_to(path.with_name("nothing"))

    def sqlite(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("create table build_info (as_of text)")
        connection.commit()
        connection.close()

    yield "sqlite", sqlite


OTHERS = dict(other_files())
PLACES = (
    *("warehouse.duckdb", "publication", "warehouse.duckdb.runs.jsonl"),
    *("warehouse.duckdb.segments.jsonl", "old.zip", "sselfie.toml"),
)
OF_PUBLICATIONS = (
    ("rollback", "2026-11-20"), ("diff", "2026-11-20"), ("status", "--publication", "2026-11-20"),
    ("forget", "someone@example.org", "--dry-run"),
)  # fmt: skip
SOME = (
    ("status",),
    ("rollback",),
    ("restore", "old.zip"),
    ("backup", "b.zip"),
    ("segment", "list"),
)


@pytest.mark.parametrize(
    ("place", "kind"),
    [pytest.param("warehouse.duckdb", *kind.values, marks=kind.marks) for kind in kinds(OTHERS)]
    + [(place, kind) for place in PLACES[1:] for kind in ("text", "pipe", "folder", "circle")],
)
def test_another_file_in_the_place_of_ours(here: Path, place: str, kind: str) -> None:
    make = OTHERS[kind]
    if place != "warehouse.duckdb":
        write_warehouse(here / "warehouse.duckdb", [User("u", NOW, [])], NOW)
    if place == "publication":
        kept = retain(here / "warehouse.duckdb", NOW).path
        kept.unlink()
        make(kept)
        assert not is_intact(kept) and not is_whole(kept)
    else:
        make(here / place)
    commands = {"warehouse.duckdb": COMMANDS, "publication": OF_PUBLICATIONS}
    assert find_faults(commands.get(place, SOME)) == []


@pytest.mark.parametrize("line", [
    "[" * 100_000, '{"a":' * 50_000, "null", "[]", '"x"', "1e999", "{}", "\ud800",
    "\x00\x1b]0;x\x07",
    '{"run_id": 1, "command": 2, "started_at": "x"}',
    '{"run_id": "a", "command": "run", "started_at": "2026-11-20T00:00:00Z",'
    ' "exit_code": 99999999999999999999}',
    '{"run_id": "a", "command": "run", "started_at": "2026-11-20T00:00:00Z", "finished_at":'
    ' "2026-11-20T00:00:00Z", "exit_code": 1, "missed_days": [1, {}], "gaps": 3, "steps": "x"}',
    '{"segment": 1, "exported_on": "x", "rows": 3}',
    '{"segment": "a", "exported_on": "2026-11-20", "parameters": 1,'
    ' "holdout_percent": "x", "rows": [[1]]}',
])  # fmt: skip
def test_crafted_lines_of_the_journal_and_of_the_record(here: Path, line: str) -> None:
    write_warehouse(here / "warehouse.duckdb", [User("u", NOW, [])], NOW)
    for path in (
        journal_path(Path("warehouse.duckdb")),
        exports_record_path(Path("warehouse.duckdb")),
    ):
        path.write_bytes(line.encode("utf-8", "surrogatepass") + b"\n")
    commands = [
        ("status",), ("rollback",), ("backup", "b.zip"), ("segment", "list"),
        ("forget", "u@example.org", "--dry-run"),
    ]  # fmt: skip
    assert find_faults(commands) == []


def pack(path: Path, contents: dict[str, bytes], **more: object) -> Path:
    """Write a backup whose manifest is right about its contents, whatever they are."""
    manifest = {
        "kind": "sselfie-insights backup", "format": 1, "warehouse_format": 3, "version": "1",
        "made_at": NOW.isoformat(), "tables": {},
        "sha256": {name: checksum(content) for name, content in contents.items()},
    } | more  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return path


@pytest.mark.parametrize(
    "script",
    [
        "create schema meta; create table meta.sync_runs as select 1 as nothing",
        "create schema meta; create table meta.sync_runs (run_id int[], mode blob)",
        "create schema snapshots; create view snapshots.v as select error('was run')",
        "create schema closed; create table closed.closings (a int default (error('was run')))",
    ],
)
def test_a_history_that_is_not_ours_is_refused_or_harmless(here: Path, script: str) -> None:
    craft(here / "h.duckdb", script)
    contents = {"history.duckdb": (here / "h.duckdb").read_bytes(), "runs.jsonl": b"[" * 100_000,
                "segments.jsonl": b'{"a":' * 50_000}  # fmt: skip
    pack(here / "b.zip", contents)
    assert find_faults([("restore", "b.zip")]) == []
    with sqlite3.connect(here / "s.db") as connection:
        connection.execute("create table sync_runs (a)")
    contents["history.duckdb"] = (here / "s.db").read_bytes()
    with pytest.raises(UsageError, match="damaged"):
        restore(pack(here / "c.zip", contents), here / "new.duckdb")


def test_what_unpacks_to_far_more_than_it_is_packed_to_is_not_unpacked(here: Path) -> None:
    """70 MB of zeros are packed to 68 kB; a member that lies about its size is read no further."""
    bomb = pack(here / "b.zip", {"history.duckdb": b"\0" * 70_000_000, "runs.jsonl": b"",
                                 "segments.jsonl": b""})  # fmt: skip
    with pytest.raises(UsageError, match="damaged"):
        restore(bomb, here / "new.duckdb")
    with zipfile.ZipFile(here / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 70_000_000)
    assert not is_backup(here / "m.zip")
    lying = bytearray(bomb.read_bytes())
    for size in (70_000_000, 70_000_000):
        place = lying.find(size.to_bytes(4, "little"))
        lying[place : place + 4] = (1000).to_bytes(4, "little")
    (here / "l.zip").write_bytes(lying)
    with pytest.raises(UsageError, match="damaged"):
        restore(here / "l.zip", here / "new.duckdb")


def test_an_honest_backup_of_much_history_is_restored(here: Path) -> None:
    with writable_copy(here / "old.duckdb") as private, duckdb.connect(private) as db:
        db.execute("create schema snapshots; create table snapshots.t as"
                   " select 'the same text' as v, i from range(3_000_000) as r (i)")  # fmt: skip
    backup(here / "old.duckdb", here / "b.zip")
    assert restore(here / "b.zip", here / "new.duckdb").tables == {"snapshots.t": 3_000_000}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177, 0o777])
def test_folders_and_files_of_ours_are_their_owners_whatever_the_umask(
    here: Path, umask: int
) -> None:
    write_warehouse(here / "warehouse.duckdb", [User("u", NOW, [])], NOW)
    before = os.umask(umask)
    try:
        make_folder(here / "a" / "b")
        with replace_folder(here / "c" / "d") as folder:
            write_file(folder / "f", b"x")
        retain(here / "warehouse.duckdb", NOW)
    finally:
        os.umask(before)
    modes = {path.relative_to(here).as_posix(): stat.S_IMODE(path.stat().st_mode)
             for path in here.rglob("*") if path.is_dir()}  # fmt: skip
    assert modes == dict.fromkeys(("a", "a/b", "c", "c/d", ".warehouse.duckdb.publications"), 0o700)
    assert stat.S_IMODE((here / "c" / "d" / "f").stat().st_mode) == 0o600


def test_a_folder_that_is_there_keeps_its_mode(here: Path) -> None:
    here.joinpath("shared").mkdir(mode=0o755)
    make_folder(here / "shared" / "mine")
    assert stat.S_IMODE(here.joinpath("shared").stat().st_mode) == 0o755


def test_no_connection_of_ours_looks_for_an_extension() -> None:
    """Every one is opened with settings that forbid it, and DuckDB then says so at once."""
    package = Path(sselfie_insights.__file__).parent
    for path in package.rglob("*.py"):
        for call in path.read_text("utf-8").split("duckdb.connect(")[1:]:
            inside = call.partition(") as ")[0]
            assert "config=" in inside, f"{path.name}: {inside[:60]}"
    with duckdb.connect(config=WRITER) as db:
        with pytest.raises(duckdb.Error) as caught:
            db.execute("select st_point(1, 2)")
        assert "autoload" in str(caught.value) or "spatial" in str(caught.value)
        assert db.execute(
            "select name, value from duckdb_settings() where name in"
            " ('autoinstall_known_extensions', 'autoload_known_extensions') order by all"
        ).fetchall() == [
            ("autoinstall_known_extensions", "false"),
            ("autoload_known_extensions", "false"),
        ]


def test_a_pipe_for_the_journal_is_not_waited_for(here: Path) -> None:
    os.mkfifo(journal_path(here / "warehouse.duckdb"))
    with pytest.raises(StorageError, match="no regular file"):
        read_journal(here / "warehouse.duckdb")
