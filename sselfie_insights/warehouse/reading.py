"""Open the published warehouse for reading, and say what it speaks for."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import duckdb

from sselfie_insights.definitions import definitions_of
from sselfie_insights.errors import StorageError, UsageError, first_line
from sselfie_insights.warehouse.format import read_format
from sselfie_insights.warehouse.gaps import Gap, read_gaps
from sselfie_insights.warehouse.paths import publication_name
from sselfie_insights.warehouse.storage import OFFLINE, REPLACE, damaged
from sselfie_insights.warehouse.unknown import Unknown, read_unknown


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
        definitions: The version of the metrics' definitions that the marts follow.
        publication: The name of the kept publication that was opened; None for the newest.
    """

    as_of: datetime
    as_of_on: date
    timezone: str
    grace_days: int
    synced_at: datetime | None
    run_id: str | None
    version: str | None
    definitions: int
    publication: str | None = None

    def as_text(self) -> dict[str, str | None]:
        """Return every attribute as text, for a manifest."""
        return {name: None if value is None else str(value) for name, value in asdict(self).items()}


_OTHERS = (
    *(duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException),
    *(duckdb.InvalidInputException, duckdb.PermissionException, duckdb.OutOfRangeException),
)
"""What DuckDB raises where a file has other tables and columns than a build gives it."""


def require_warehouse(path: Path) -> None:
    """Refuse a path where nothing is.

    Raises:
        UsageError: There is no file at ``path``.
    """
    if not path.is_file():
        raise UsageError(f"no warehouse at {path}", remedy="run 'sselfie run'")


class OpenWarehouse:
    """A published file, open for reading only, without access to other files or the network.

    It is a context manager, which closes it.

    Attributes:
        path: The file.
        connection: DuckDB's connection to it; its time zone is UTC.
        running: The connection that the last query ran on, for who wants to interrupt it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at ``path``.

        Raises:
            UsageError: There is no warehouse, or a newer version of this package wrote it.
            StorageError: It cannot be read.
        """
        require_warehouse(path)
        self.path = path
        try:
            self.connection = duckdb.connect(
                str(path), read_only=True, config=OFFLINE | {"enable_external_access": "false"}
            )
        except duckdb.Error as error:
            raise damaged(path, error) from None
        self.running = self.connection
        try:
            read_format(self.connection)
            self._lock_settings()
        except BaseException:
            self.close()
            raise

    @cached_property
    def stamp(self) -> Stamp:
        """What it speaks for.

        Raises:
            UsageError: Its marts were never built.
            StorageError: It is not what a build wrote.
        """
        try:
            found = self.connection.execute("from marts.build_info")
            names = [name for name, *_ in found.description or ()]
            row = found.fetchone()
        except duckdb.CatalogException:
            row = None
        if row is None:
            raise UsageError("the warehouse has no marts", remedy="run 'sselfie build'")
        try:
            return self._read_stamp(dict(zip(names, row, strict=True)))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StorageError(
                f"{self.path} is damaged, or not a warehouse: marts.build_info is not what was"
                " written",
                remedy=REPLACE,
            ) from None

    def _read_stamp(self, info: dict[str, Any]) -> Stamp:
        synced_at = info["synced_at"]
        return Stamp(
            as_of=_as_utc(info["as_of"]),
            as_of_on=info["as_of_on"],
            timezone=info["timezone"],
            grace_days=info["grace_days"],
            synced_at=None if synced_at is None else _as_utc(synced_at),
            run_id=info["run_id"],
            version=info["version"],
            # Marts of an earlier version have no such column.
            definitions=definitions_of(info.get("definitions"), info["version"]),
            publication=publication_name(self.path.absolute()),
        )

    @cached_property
    def gaps(self) -> dict[str, Gap]:
        """The tables that the build could not make, by their names with schema."""
        return read_gaps(self.connection)

    @cached_property
    def unknown(self) -> Unknown:
        """What packaged queries lack that cannot be answered, or columns of theirs."""
        return read_unknown(self.connection)

    def _lock_settings(self) -> None:
        """Set the zone, and lock all settings; this process's connections to a file share them."""
        row = self.connection.execute("select current_setting('lock_configuration')").fetchone()
        if row != (True,):
            self.connection.execute("set global TimeZone = 'UTC'")
            self.connection.execute("set lock_configuration = true")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *_: object
    ) -> None:
        if kind is not None:  # of an interrupt, the statement goes on; closing would wait for it
            self.connection.interrupt()
        self.close()
        if isinstance(error, _OTHERS):  # whoever writes SQL of their own has caught theirs
            raise StorageError(
                f"{self.path} is not what a build wrote: {first_line(error)}",
                remedy="run 'sselfie run', or 'sselfie doctor' to see what it is",
            ) from None


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return how many rows ``relation`` has: a table, and a condition if there is one, as SQL."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    assert row is not None  # noqa: S101 - a count has one row
    return int(row[0])


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
