"""The format of the warehouse file: an older one is upgraded in a private copy, a newer refused.

``meta.warehouse`` has one row: the version of the format, and the version of this package that
wrote it. A file without it holds nothing that was synced.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb

from sselfie_insights import __version__
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.storage import OFFLINE, REPLACE

FORMAT_VERSION = 3

TABLE = """
create schema if not exists meta;
create table if not exists meta.warehouse (
    format_version integer not null,
    written_by varchar
);
"""


def write_format_version(db: duckdb.DuckDBPyConnection) -> None:
    """Write the present format into an open warehouse."""
    db.execute(TABLE)
    db.execute("delete from meta.warehouse")
    values = f"{FORMAT_VERSION}, {literal(__version__)}"
    db.execute(f"insert into meta.warehouse values ({values})")


def read_format(db: duckdb.DuckDBPyConnection) -> int | None:
    """Return the format of an open warehouse; None where nothing was synced into it.

    Raises:
        UsageError: A newer version of this package wrote it.
        StorageError: What it says is no version.
    """
    try:
        row = db.execute("select * from meta.warehouse").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        return None
    version, *author = row
    if not isinstance(version, int):
        raise StorageError("meta.warehouse holds no format", remedy=REPLACE)
    if version > FORMAT_VERSION:
        raise UsageError(
            f"the warehouse has format {version}"
            + (f", written by sselfie-insights {author[0]}" if author else "")
            + f"; this version ({__version__}) knows formats up to {FORMAT_VERSION}",
            remedy="upgrade sselfie-insights",
        )
    return int(version)


def upgrade(path: Path) -> None:
    """Bring the private copy at ``path`` to the present format, in one transaction.

    Raises:
        UsageError: A newer version of this package wrote it.
        duckdb.Error: It is no DuckDB file, or it is damaged.
    """
    with duckdb.connect(path, config=OFFLINE) as db:
        version = read_format(db)
        if version is None or version == FORMAT_VERSION:
            return
        db.begin()
        for old in range(version, FORMAT_VERSION):
            _UPGRADES[old](db)
        write_format_version(db)
        db.commit()


def _add_author(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("alter table meta.warehouse add column written_by varchar")


def _add_wal_position(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("alter table if exists meta.sync_runs add column wal_position ubigint")


_UPGRADES: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    1: _add_author,
    2: _add_wal_position,
}
"""What brings a file from the format that is the key to the next one."""
