"""Add Stripe's exports to the warehouse: those of a folder at every sync, or files by name."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sselfie_insights.errors import UsageError
from sselfie_insights.stripe.reading import Export
from sselfie_insights.stripe.store import (
    Loaded,
    Refusal,
    add,
    list_files,
    parse_candidates,
    read_candidates,
    read_holdings,
)
from sselfie_insights.warehouse import journal
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publish import WRITER, writable_copy
from sselfie_insights.warehouse.storage import closing


def load_folder(folder: Path, warehouse: Path, into: Path | None = None) -> Loaded:
    """Add what is new in ``folder``; the caller holds the warehouse.

    What cannot be read is among the refused, and never stops a night: the folder itself too. A
    file that was refused is named each time, until it is mended or gone.

    Args:
        folder: Where the owner puts exports.
        warehouse: The published file.
        into: A private copy to write instead, which the caller publishes.

    Raises:
        StorageError: The warehouse cannot be written.
    """
    held = read_holdings(into or warehouse)
    try:
        candidates = read_candidates(list_files(folder))
        exports, refused = parse_candidates(c for c in candidates if c.file_id not in held.file_ids)
    except UsageError as error:
        exports, refused = [], [Refusal(folder.name, str(error))]
    if exports or tuple(refused) != held.refusals:
        _write(warehouse, into, exports, refused, is_folder=True)
    return Loaded(tuple(each.name for each in exports), tuple(refused))


def add_files(paths: Iterable[Path], warehouse: Path) -> Loaded:
    """Add the files at ``paths`` and publish the warehouse with those that were not refused.

    It remembers the refused ones until files are added again.

    Raises:
        UsageError: A file cannot be read, or nothing was synced yet.
        LockedError: A run holds the warehouse.
        StorageError: The warehouse cannot be written.
    """
    if not warehouse.is_file():
        raise UsageError(f"no warehouse at {warehouse}", remedy="run 'sselfie sync' first")
    run_id = journal.new_run_id(datetime.now(UTC))
    with journal.journaled(warehouse, "stripe add", run_id) as entry, warehouse_lock(warehouse):
        known = read_holdings(warehouse).file_ids
        candidates = read_candidates(paths)
        exports, refused = parse_candidates(c for c in candidates if c.file_id not in known)
        if exports or refused:
            _write(warehouse, None, exports, refused, is_folder=False)
        loaded = Loaded(tuple(each.name for each in exports), tuple(refused))
        entry |= {"added": list(loaded.added), "refused": [r.file_name for r in loaded.refused]}
    return loaded


def _write(
    warehouse: Path,
    into: Path | None,
    exports: Sequence[Export],
    refusals: Sequence[Refusal],
    *,
    is_folder: bool,
) -> None:
    with (
        nullcontext(into) if into else writable_copy(warehouse) as private,
        closing(duckdb.connect(str(private), config=WRITER)) as db,
    ):
        db.begin()
        add(db, exports, refusals, is_folder=is_folder)
        db.commit()
        db.execute("checkpoint")
