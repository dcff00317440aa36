"""Put a kept publication back in the place of the published file, and its site with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sselfie_insights.diff.closed import record_restatements
from sselfie_insights.errors import UsageError
from sselfie_insights.report.site import render_again
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal, quote
from sselfie_insights.system import copy_file
from sselfie_insights.warehouse import journal
from sselfie_insights.warehouse.format import upgrade
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.paths import KEPT_SCHEMAS
from sselfie_insights.warehouse.publications import (
    Note,
    Publication,
    find_publication,
    is_whole,
    last_sound,
    list_publications,
    retain,
)
from sselfie_insights.warehouse.publish import WRITER, private_copy, publish
from sselfie_insights.warehouse.storage import explain_storage, storage_errors


@dataclass(frozen=True)
class RollbackReport:
    """What was put back: the publication's name, and the page to open, if there is a site."""

    publication: str
    index: Path | None


def roll_back(
    settings: Settings, name: str | None = None, *, on_note: Note | None = None
) -> RollbackReport:
    """Make a kept publication the published file again.

    Every row of it is read first: one that is damaged anywhere is passed over, or refused.

    The mirror's state goes back with it, so that the next sync reads what has changed since. What
    people added stays as it is now: closed months and Stripe's exports. The site, where there is
    one, is rendered from it again. The publication that is left stays among the kept ones.

    Args:
        settings: The settings in force.
        name: A date, a name, or None for the last publication that is not what is published.
        on_note: Called with a sentence about each damaged publication that was passed over.

    Raises:
        UsageError: There is no such publication, or it is what is published.
        StorageError: It is damaged, or the warehouse cannot be written.
        LockedError: A run holds the warehouse.
    """
    run_id = journal.new_run_id(datetime.now(UTC))
    with (
        journal.journaled(settings.warehouse, "rollback", run_id) as entry,
        warehouse_lock(settings.warehouse),
    ):
        journal.close_dead_runs(settings.warehouse, run_id)
        found = _find(settings, name, on_note)
        entry |= {"rolled_back_to": found.name, "published": False}
        with private_copy(settings.warehouse) as current:
            restored = current.with_name(f"restored-{current.name}")
            with storage_errors(f"{restored} cannot be written"):
                copy_file(found.path, restored)
            upgrade(restored)
            if current.exists():
                try:
                    _carry_over(current, restored)
                except duckdb.Error as error:
                    if on_note is None or explain_storage(str(error)) is None:
                        raise
                    on_note(
                        "the published file is damaged: closed months and Stripe's exports are"
                        f" those of {found.name}"
                    )
                record_restatements(restored, settings, cause=f"rolled back to {found.name}")
            publish(restored, settings.warehouse)
        entry["published"] = True
        entry["publication"] = retain(settings.warehouse, datetime.now(UTC)).name
        return RollbackReport(found.name, render_again(settings, on_note))


def _find(settings: Settings, name: str | None, on_note: Note | None) -> Publication:
    warehouse = settings.warehouse
    if name is not None:
        found = find_publication(
            warehouse, name, settings.timezone, on_note=on_note, is_sound=is_whole
        )
        if warehouse.exists() and found.path.samefile(warehouse):
            raise UsageError(
                f"the publication {found.name} is the one that is published",
                remedy="name an earlier one; 'sselfie status' says how many are kept",
            )
        return found
    earlier = [
        each
        for each in list_publications(warehouse)
        if not (warehouse.exists() and each.path.samefile(warehouse))
    ]
    if last := last_sound(earlier, is_whole, on_note):
        return last
    raise UsageError(
        "there is no earlier publication", remedy="'sselfie run' keeps what it publishes"
    )


def _carry_over(current: Path, restored: Path) -> None:
    """Replace what people added to ``restored`` by what ``current`` holds of it."""
    with duckdb.connect(str(restored), config=WRITER) as db:
        db.execute(f"attach {literal(str(current))} as present (read_only)")
        db.begin()
        for schema in sorted(KEPT_SCHEMAS):
            db.execute(f"drop schema if exists {quote(schema)} cascade")
            tables = db.execute(
                "select table_name from duckdb_tables() where database_name = 'present'"
                f" and schema_name = {literal(schema)} order by all"
            ).fetchall()
            if tables:
                db.execute(f"create schema {quote(schema)}")
            for (table,) in tables:
                name = f"{quote(schema)}.{quote(table)}"
                db.execute(f"create table {name} as from present.{name}")
        db.commit()
        db.execute("detach present")
