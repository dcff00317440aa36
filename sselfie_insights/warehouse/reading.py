"""Open the published warehouse for reading, and say what it speaks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from sselfie_insights.errors import UsageError
from sselfie_insights.warehouse.format import read_format
from sselfie_insights.warehouse.paths import publication_name
from sselfie_insights.warehouse.storage import closing, damaged


@dataclass(frozen=True)
class Stamp:
    """What the numbers speak for: enough to make them again.

    Attributes:
        as_of: The instant of the data, UTC.
        as_of_on: Its date in the reporting zone.
        timezone: The reporting zone, an IANA name.
        grace_days: Days in which a renewal is late, not new.
        synced_at: When the source was read, UTC; None where the warehouse does not say.
        run_id: The sync that read it.
        version: The version of this package that built the marts.
        publication: The name of the kept publication that was opened; None for the newest.
    """

    as_of: datetime
    as_of_on: date
    timezone: str
    grace_days: int
    synced_at: datetime | None
    run_id: str | None
    version: str | None
    publication: str | None = None

    def as_text(self) -> dict[str, str | None]:
        """Return every attribute as text, for a manifest."""
        return {name: None if value is None else str(value) for name, value in asdict(self).items()}


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file read-only, without access to other files or the network.

    Raises:
        UsageError: There is no warehouse at ``path``, or a newer version of this package wrote it.
        StorageError: It cannot be read.
    """
    if not path.is_file():
        raise UsageError(
            f"no warehouse at {path}", remedy="run 'sselfie sync' and then 'sselfie build'"
        )
    try:
        connection = duckdb.connect(
            str(path), read_only=True, config={"enable_external_access": "false"}
        )
    except duckdb.Error as error:
        raise damaged(path, error) from None
    with closing(connection):
        read_format(connection)
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set lock_configuration = true")
        yield connection


def read_stamp(connection: duckdb.DuckDBPyConnection) -> Stamp:
    """Return what the open warehouse speaks for.

    Raises:
        UsageError: Its marts were never built.
    """
    try:
        row = connection.execute(
            "select as_of, as_of_on, timezone, grace_days, synced_at, run_id, version"
            " from marts.build_info"
        ).fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        raise UsageError("the warehouse has no marts", remedy="run 'sselfie build'")
    as_of, as_of_on, timezone, grace_days, synced_at, run_id, version = row
    return Stamp(
        as_of=_as_utc(as_of),
        as_of_on=as_of_on,
        timezone=timezone,
        grace_days=grace_days,
        synced_at=None if synced_at is None else _as_utc(synced_at),
        run_id=run_id,
        version=version,
        publication=publication_name(read_path(connection)),
    )


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return how many rows ``relation`` has: a table, and a condition if there is one, as SQL."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    assert row is not None  # noqa: S101 - a count has one row
    return int(row[0])


def read_path(connection: duckdb.DuckDBPyConnection) -> Path:
    """Return the file of the open warehouse; an empty path for one in memory."""
    row = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    return Path(row[0] if row and row[0] else "")


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
