"""Forget a person everywhere, and report what was done."""

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.files import storage_error
from sselfie_insights.forget.outputs import Outputs, find_exports, find_outputs, remove_outputs
from sselfie_insights.forget.person import Person
from sselfie_insights.forget.rows import erase, find_rows, identify, knows
from sselfie_insights.forget.source import rows_in_source
from sselfie_insights.lake.push import push
from sselfie_insights.lake.runs import is_used, prune
from sselfie_insights.lake.store import Store
from sselfie_insights.segment.record import erase_people
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.journal import journaled, new_run_id
from sselfie_insights.warehouse.paths import (
    artifacts_dir,
    exports_record_path,
    find_leftovers,
    journal_path,
    publications_dir,
)
from sselfie_insights.warehouse.pseudonyms import find_key, write_pseudonym
from sselfie_insights.warehouse.publications import (
    Note,
    Publication,
    is_intact,
    list_publications,
    relink,
)
from sselfie_insights.warehouse.publish import private_copy, publish
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.storage import OFFLINE

WAREHOUSE = "warehouse"
# What was exported with which segment lies beside the warehouse.
_RECORD = ("segments", "exports")


@dataclass(frozen=True)
class ErasedRows:
    """Of one table of one file: rows of the person, and rows of others that mention them.

    Attributes:
        file: ``warehouse``, or the name of a publication.
        table: ``schema.name``.
        deleted: Rows that go.
        redacted: Rows in which the mention is replaced.
    """

    file: str
    table: str
    deleted: int
    redacted: int


@dataclass(frozen=True)
class ForgetReport:
    """What was found, and erased unless it was a rehearsal.

    Attributes:
        rows: By file and table.
        outputs: Files and exports that go, and those beyond reach.
        source: Rows by table that the source still has; None where it could not be asked.
        is_done: Whether anything was erased.
    """

    rows: tuple[ErasedRows, ...]
    outputs: Outputs
    source: dict[str, int] | None
    is_done: bool


def forget(
    settings: Settings, user: str, *, dry_run: bool = False, on_note: Note | None = None
) -> ForgetReport:
    """Erase the person whom ``user`` names from everything that the settings lead to.

    The source is asked and never changed. While it still has the person, the next sync brings
    them back: delete them there first. Numbers that were made with the person stay as they were
    published, until the next run rebuilds the marts from the mirror.

    Args:
        settings: The settings in force.
        user: The id of an account, or an address.
        dry_run: Only find out what would be done.
        on_note: Called with a sentence about what could not be read.

    Raises:
        UsageError: Nothing here names such a person, or a file cannot be written.
        LockedError: Another run holds the warehouse.
    """
    person = Person.named(user)
    found = _find(settings, person, on_note)
    store = Store(settings.lake_url) if settings.lake_url else None
    has_lake = store is not None and is_used(store)
    if has_lake and on_note:
        on_note(f"the lake at {settings.lake_url}: its files are replaced, its builds deleted")
    if dry_run:
        return found
    with (
        journaled(settings.warehouse, "forget", new_run_id(datetime.now(UTC))) as entry,
        private_copy(settings.warehouse) as private,
    ):
        kept = _kept(settings, on_note)
        linked = [each for each in kept if each.path.samefile(settings.warehouse)]
        rows = []
        for each in kept:
            if each not in linked:
                done = private.with_name(each.path.name)
                rows += _rewrite(each.name, each.path, done, person)
                publish(done, each.path)
        whole = private.with_name(f"erased-{private.name}")
        rows += _rewrite(WAREHOUSE, private, whole, person)
        publish(whole, settings.warehouse)
        for each in linked:
            relink(each, settings.warehouse)
        if exported := erase_people(settings.warehouse, person.keys):
            rows.append(ErasedRows(*_RECORD, exported, 0))
        try:
            remove_outputs(found.outputs)
        except OSError as error:
            raise storage_error(
                f"{error.filename} cannot be removed", error, remedy="remove it yourself"
            ) from None
        if store and has_lake:
            _renew_lake(settings.warehouse, store)
        entry |= {
            "rows_deleted": sum(each.deleted for each in rows),
            "outputs_removed": len(found.outputs.remove),
        }
    return ForgetReport(tuple(rows), found.outputs, found.source, is_done=True)


def _renew_lake(warehouse: Path, store: Store) -> None:
    """Let the lake hold what the warehouse still holds, and nothing else."""
    try:
        push(warehouse, store)
        prune(store, keep=0)
    except StorageError as error:
        raise StorageError(
            f"erased everywhere but in the lake: {error.message}",
            remedy="then run 'sselfie lake push' and 'sselfie lake prune --keep 0'",
        ) from None


def _find(settings: Settings, person: Person, on_note: Note | None) -> ForgetReport:
    """Return what would be done; learn every identifier that any file knows."""
    warehouse = settings.warehouse
    with OpenWarehouse(warehouse):
        pass  # it is one, of a format that is known
    files = {WAREHOUSE: warehouse}
    files |= {
        each.name: each.path
        for each in _kept(settings, on_note)
        if not each.path.samefile(warehouse)
    }
    is_known = False
    for name, path in files.items():
        with _without_values(name), duckdb.connect(path, read_only=True, config=OFFLINE) as db:
            identify(db, person)
            is_known |= knows(db, person)
    if not is_known and not any(_holds(path, person) for path in files.values()):
        raise UsageError(
            "no row of the warehouse or of a kept publication names this person",
            remedy="give the id of an account, or an address, in full",
        )
    rows = []
    for name, path in files.items():
        with _without_values(name), duckdb.connect(path, read_only=True, config=OFFLINE) as db:
            rows += [
                ErasedRows(name, each.table.label, each.deleted, each.redacted)
                for each in find_rows(db, person)
            ]
    if exported := erase_people(warehouse, person.keys, dry_run=True):
        rows.append(ErasedRows(*_RECORD, exported, 0))
    artifacts = artifacts_dir(warehouse)
    exclude = [
        warehouse,
        journal_path(warehouse),
        exports_record_path(warehouse),
        publications_dir(warehouse),
        *warehouse.parent.glob(f".{warehouse.name}.*"),
    ]
    key = find_key(warehouse)
    pseudonyms = {write_pseudonym(key, each) for each in person.keys} if key else set()
    in_outputs = replace(person, ids=person.ids | pseudonyms)
    outputs = find_outputs(settings.output_dir, in_outputs, exclude=exclude)
    leftovers = find_outputs(artifacts, person, exclude=())
    exports = settings.stripe_exports
    of_stripe = find_exports(exports, person) if exports and exports.is_dir() else ()
    outputs = Outputs(
        (*outputs.remove, *leftovers.remove, *find_leftovers(warehouse)),
        (*outputs.unerasable, *of_stripe),
    )
    source = rows_in_source(settings, person, {each.table for each in rows}, on_note)
    return ForgetReport(tuple(rows), outputs, source, is_done=False)


def _kept(settings: Settings, on_note: Note | None) -> list[Publication]:
    kept = []
    for each in list_publications(settings.warehouse):
        if is_intact(each.path):
            kept.append(each)
        elif on_note:
            on_note(
                f"the publication {each.name} is damaged and cannot be searched;"
                f" it was left as it is: delete {each.path}"
            )
    return kept


def _rewrite(name: str, source: Path, target: Path, person: Person) -> list[ErasedRows]:
    """Write ``source`` without the person to ``target``, which holds no byte of what was deleted.

    A scratch copy takes the deletions; only what is left is copied on, table by table.
    """
    scratch = target.with_name(f"scratch-{target.name}")
    scratch.unlink(missing_ok=True)
    with _without_values(name):
        _copy_database(source, scratch)
        with duckdb.connect(scratch, config=OFFLINE) as db:
            findings = find_rows(db, person)
            erase(db, findings, person)
        _copy_database(scratch, target)
    scratch.unlink()
    return [ErasedRows(name, each.table.label, each.deleted, each.redacted) for each in findings]


@contextmanager
def _without_values(name: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        # DuckDB's own words can hold a value of the person, and would stand in the journal.
        raise StorageError(
            f"{name} cannot be read or rewritten, and was left as it is: {type(error).__name__}",
            remedy="free some space; a damaged publication must be deleted; then run it again",
        ) from None


def _copy_database(source: Path, target: Path) -> None:
    with duckdb.connect(config=OFFLINE) as db:
        db.execute("set enable_progress_bar = false")
        db.execute(f"attach {literal(str(source))} as written (read_only)")
        db.execute(f"attach {literal(str(target))} as fresh")
        db.execute("copy from database written to fresh")


def _holds(path: Path, person: Person) -> bool:
    """Say whether the bytes of a file name the person, as those of deleted rows do for a while."""
    pattern = person.pattern()
    if pattern is None:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return re.search(pattern.encode(), content) is not None
