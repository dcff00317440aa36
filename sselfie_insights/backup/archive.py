"""Backup and restore of what no source can give back: histories of rows, syncs, runs, exports.

A backup is one zip file: ``history.duckdb`` with the schema ``snapshots`` (the spans in which
mutable rows stayed the same), what people added (closed months, Stripe's exports) and what each
sync did, of ``meta``, ``runs.jsonl`` with the journal, ``segments.jsonl`` with the record of
segments' exports, ``pseudonyms`` with the key of pseudonyms where one was drawn, and
``manifest.json`` with their checksums.
What else ``meta`` holds is true of one mirror only, and stays with it.
"""

import io
import json
import lzma
import shlex
import zipfile
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import duckdb
from pydantic import BaseModel, ValidationError

from sselfie_insights import __version__
from sselfie_insights.errors import StorageError, UsageError, first_line
from sselfie_insights.files import read_own, storage_error, write_file
from sselfie_insights.manifest import checksum
from sselfie_insights.segment.record import record_lock
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.format import FORMAT_VERSION, write_format_version
from sselfie_insights.warehouse.journal import new_run_id, write_entry
from sselfie_insights.warehouse.paths import (
    KEPT_SCHEMAS,
    exports_record_path,
    journal_path,
    pseudonym_key_path,
)
from sselfie_insights.warehouse.publish import writable_copy
from sselfie_insights.warehouse.reading import OpenWarehouse, count_rows
from sselfie_insights.warehouse.storage import OFFLINE, explain_storage

BACKUP_FORMAT = 1

_MANIFEST = "manifest.json"
_HISTORY = "history.duckdb"
_JOURNAL = "runs.jsonl"
_EXPORTS = "segments.jsonl"
_KEY = "pseudonyms"

_DAMAGE = (KeyError, OSError, EOFError, ValueError)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, *_DAMAGE)
"""What ``zipfile`` raises for a damaged file."""

_LEAST_BYTES = 1 << 26
_MOST_RATIO = 200
"""What may be unpacked whatever it is packed to, and else to how much of that: many times what
histories are packed to. A file that unpacks to more was made to fill the memory."""

_SNAPSHOTS = "snapshots"
_META = ("sync_runs", "sync_tables", "schema_changes")


class _Manifest(BaseModel):
    kind: Literal["sselfie-insights backup"] = "sselfie-insights backup"
    format: int
    warehouse_format: int
    version: str
    made_at: datetime
    tables: dict[str, int]
    sha256: dict[str, str]


@dataclass(frozen=True)
class BackupReport:
    """What was written, or restored: rows by table, lines of the journal, exports of segments."""

    tables: dict[str, int]
    run_count: int
    export_count: int


def backup(warehouse: Path, file: Path) -> BackupReport:
    """Write the history of ``warehouse`` to ``file``, whole or not at all, readable by its owner.

    No lock is needed: the published file never changes.

    Raises:
        UsageError: There is no warehouse, or ``file`` cannot be written.
    """
    if file.exists() and not is_backup(file):
        raise UsageError(f"{file} is there and no backup", remedy="choose another name")
    with OpenWarehouse(warehouse):
        pass  # it is one, of a format that is known
    try:
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            history = Path(folder, _HISTORY)
            with duckdb.connect(history, config=OFFLINE) as db:
                db.execute(f"attach {literal(str(warehouse))} as published (read_only)")
                tables = _copy_history(db, "published")
                db.execute("detach published")
            journal = read_own(journal_path(warehouse))
            exports = read_own(exports_record_path(warehouse))
            key = read_own(pseudonym_key_path(warehouse))
            contents = {
                _HISTORY: history.read_bytes(),
                _JOURNAL: journal,
                _EXPORTS: exports,
                **({_KEY: key} if key else {}),
            }
            manifest = _Manifest(
                format=BACKUP_FORMAT,
                warehouse_format=FORMAT_VERSION,
                version=__version__,
                made_at=datetime.now(UTC),
                tables=tables,
                sha256={name: checksum(content) for name, content in contents.items()},
            )
            contents[_MANIFEST] = manifest.model_dump_json(indent=1).encode()
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            write_file(file, packed.getvalue())
    except duckdb.Error as error:
        reason = first_line(error)
        raise explain_storage(reason) or StorageError(
            f"the history in {warehouse} cannot be copied: {reason}"
        ) from None
    except OSError as error:
        raise storage_error(f"{file} cannot be written", error) from None
    return BackupReport(tables, len(journal.splitlines()), len(exports.splitlines()))


def restore(file: Path, warehouse: Path) -> BackupReport:
    """Put the history in ``file`` into ``warehouse``, which has none of its own, and publish it.

    The warehouse need not exist yet. Its mirror and marts are not touched: a sync and a build make
    them. Lines of the journal and of the record of exports that are there already are not doubled;
    the key of pseudonyms is the backup's from then on.
    The journal records that it was restored.

    Returns:
        The rows, runs and exports that were added.

    Raises:
        UsageError: ``file`` is no backup, is damaged, or was written by a newer version; or the
            warehouse has a history.
        StorageError: The warehouse cannot be written.
        LockedError: Another run holds the warehouse, or an export the record of exports.
    """
    from sselfie_insights.warehouse.meta import SYNC_TABLES

    contents = _read_backup(file)
    started = datetime.now(UTC)
    with writable_copy(warehouse) as private:
        history = private.with_name(f"backup-{_HISTORY}")
        write_file(history, contents[_HISTORY])
        with duckdb.connect(private, config=OFFLINE) as db:
            if _has_history(db):
                target = f"--warehouse {shlex.quote(str(warehouse))}"
                old = shlex.quote(f"{warehouse}.old")
                raise UsageError(
                    f"{warehouse} has a history of its own, which a backup cannot be added to",
                    remedy="to give it up for the backup's, run: "
                    f"mv {shlex.quote(str(warehouse))} {old}"
                    f" && sselfie restore {shlex.quote(str(file))} {target}"
                    f" && sselfie run {target}",
                )
            with _damage(file):
                db.execute(f"attach {literal(str(history))} as backup (read_only)")
                db.begin()
                db.execute(SYNC_TABLES)
                write_format_version(db)
                tables = _copy_history(db, "backup")
                db.commit()
                db.execute("detach backup")
        with record_lock(warehouse):
            export_count = _merge_lines(
                exports_record_path(warehouse), contents[_EXPORTS], _name_export
            )
        if _KEY in contents:
            write_file(pseudonym_key_path(warehouse), contents[_KEY])
        run_count = _merge_lines(journal_path(warehouse), contents[_JOURNAL], lambda line: line)
    entry = {"run_id": new_run_id(started), "command": "restore"}
    write_entry(warehouse, entry | {"started_at": started.isoformat()})
    return BackupReport(tables, run_count, export_count)


@contextmanager
def _damage(file: Path) -> Iterator[None]:
    """Say of a history that is no database, or another's, what a damaged backup is said to be."""
    try:
        yield
    except duckdb.Error as error:
        raise explain_storage(str(error)) or UsageError(
            f"{file} is damaged: its history is not what was written ({first_line(error)})",
            remedy="restore another backup; nothing was changed",
        ) from None


def is_backup(file: Path) -> bool:
    """Say whether ``file`` is a backup, of any version, damaged or not."""
    try:
        _read_manifest(file)
    except UsageError:
        return False
    return True


def _copy_history(db: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
    """Copy the history of the attached database ``source``; return the rows by table."""
    counts = {}
    for schema, name in _history_tables(db, source):
        table = f"{quote(schema)}.{quote(name)}"
        other = f"{quote(source)}.{table}"
        db.execute(f"create schema if not exists {quote(schema)}")
        db.execute(f"create table if not exists {table} as from {other} limit 0")
        db.execute(f"insert into {table} by name from {other}")
        counts[f"{schema}.{name}"] = count_rows(db, other)
    return counts


def _has_history(db: duckdb.DuckDBPyConnection) -> bool:
    (name,) = db.execute("select current_database()").fetchone() or ("",)
    return any(
        count_rows(db, f"{quote(schema)}.{quote(table)}")
        for schema, table in _history_tables(db, name)
    )


def _history_tables(db: duckdb.DuckDBPyConnection, source: str) -> list[tuple[str, str]]:
    rows = db.execute(
        "select schema_name, table_name from duckdb_tables()"
        f" where database_name = {literal(source)} order by all"
    ).fetchall()
    return [
        (schema, name)
        for schema, name in rows
        if schema in (_SNAPSHOTS, *KEPT_SCHEMAS) or (schema == "meta" and name in _META)
    ]


def _read_backup(file: Path) -> dict[str, bytes]:
    manifest = _read_manifest(file)
    if manifest.format > BACKUP_FORMAT or manifest.warehouse_format > FORMAT_VERSION:
        raise UsageError(
            f"{file} was written by sselfie-insights {manifest.version}, in a format that this"
            f" version ({__version__}) does not know",
            remedy="upgrade sselfie-insights",
        )
    contents = {}
    for name in (_HISTORY, _JOURNAL, _EXPORTS, *({_KEY} & manifest.sha256.keys())):
        content = _read_member(file, name)
        if content is None or checksum(content) != manifest.sha256.get(name):
            raise UsageError(
                f"{file} is damaged: {name} is not what was written",
                remedy="restore another backup; nothing was changed",
            )
        contents[name] = content
    return contents


def _read_manifest(file: Path) -> _Manifest:
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    content = _read_member(file, _MANIFEST)
    try:
        return _Manifest.model_validate_json(content or b"")
    except ValidationError:
        raise UsageError(
            f"{file} is damaged, or no backup", remedy="restore another one; nothing was changed"
        ) from None


def _read_member(file: Path, name: str) -> bytes | None:
    """Return a member of the zip file; None where it cannot be read whole."""
    try:
        with zipfile.ZipFile(file) as archive:
            member = archive.getinfo(name)
            if member.file_size > max(_LEAST_BYTES, _MOST_RATIO * member.compress_size):
                return None
            return archive.read(member)  # no more than that, whatever there is
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        KeyError,
        OSError,
        EOFError,
        ValueError,
    ):
        return None
    except RuntimeError:  # damage can look like an unknown method, or like a password
        return None


def _merge_lines(path: Path, restored: bytes, name: Callable[[bytes], Hashable]) -> int:
    """Add the lines whose name is not there yet, in the order of their time; return how many."""
    present = read_own(path).splitlines()
    known = {name(line) for line in present}
    added = [line for line in restored.splitlines() if name(line) not in known]
    if added:
        lines = sorted([*added, *present], key=_written_at)
        write_file(path, b"".join(line + b"\n" for line in lines))
    return len(added)


def _name_export(line: bytes) -> Hashable:
    """Return what identifies an export; one that is there may have lost who was forgotten."""
    try:
        export = json.loads(line)
        return str(export["segment"]), str(export["exported_on"])
    except (ValueError, KeyError, TypeError, RecursionError):  # a line that was cut short
        return line


def _written_at(line: bytes) -> str:
    try:
        entry = json.loads(line)
        return str(entry.get("finished_at") or entry.get("started_at") or entry["exported_on"])
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # a line that was cut short
        return ""
