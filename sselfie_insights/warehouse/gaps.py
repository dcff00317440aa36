"""Gaps: what could not be made while everything around it was, where, and why, in words.

A section, a query or a sheet that fails is marked in its place and reported, and the rest goes on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

import duckdb

from sselfie_insights.errors import (
    ExitCode,
    SselfieError,
    StorageError,
    UnknownError,
    UsageError,
    first_line,
)
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.storage import explain_storage

T = TypeVar("T")

_NAMES_ALONE = (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException)
"""Errors of DuckDB that hold names of tables and columns, and no value."""


@dataclass(frozen=True)
class Gap:
    """Something that could not be made.

    Attributes:
        what: It, and where it belongs: ``section 'MRR' of report revenue``.
        reason: Why, for everybody: no value of the data is in it.
        detail: Why, for whoever runs the command; may quote what DuckDB says.
        is_unknown: Whether the source lacks what it is made from, which the build says once.
    """

    what: str
    reason: str
    detail: str
    is_unknown: bool = False

    def __str__(self) -> str:
        return f"{self.what} could not be made: {self.detail}"


GAPS = """
create schema if not exists meta;
create or replace table meta.gaps (
    table_name varchar not null, reason varchar not null, is_unknown boolean not null
);
"""
"""Tables that the last build could not make; they are missing or empty."""

OnGap = Callable[[Gap], None]
"""Called with each gap."""


def attempt(what: str, make: Callable[[], T], on_gap: OnGap | None) -> T | Gap:
    """Return what ``make`` gives or, where it fails, a gap, which is also handed to ``on_gap``.

    Args:
        what: What is made, and where it belongs.
        make: Makes it.
        on_gap: Receives the gap; None lets the error through.

    Raises:
        StorageError: The disk is full or the warehouse damaged: nothing else would succeed.
        KeyboardInterrupt: The process was interrupted.
    """
    if on_gap is None:
        return make()
    try:
        return make()
    except (MemoryError, StorageError):
        raise
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except SselfieError as error:
        if error.exit_code not in (ExitCode.BUG, ExitCode.USAGE):
            raise
        gap = describe_gap(what, error)
    except Exception as error:  # whatever it is, the rest does not depend on it
        if failure := explain_storage(str(error)):
            raise failure from None
        gap = describe_gap(what, error)
    on_gap(gap)
    return gap


def record_gaps(connection: duckdb.DuckDBPyConnection, gaps: Iterable[Gap]) -> None:
    """Write down which tables a build could not make, in place of what an earlier one wrote.

    Args:
        connection: The private copy of a warehouse.
        gaps: What could not be made; ``what`` is a table's name with its schema.
    """
    connection.execute(GAPS)
    for gap in gaps:
        values = f"{literal(gap.what)}, {literal(gap.reason)}, {literal(gap.is_unknown)}"
        connection.execute(f"insert into meta.gaps values ({values})")


def read_gaps(connection: duckdb.DuckDBPyConnection) -> dict[str, Gap]:
    """Return the tables that could not be made, by their names with schema."""
    try:
        rows = connection.execute("select table_name, reason, is_unknown from meta.gaps").fetchall()
    except duckdb.CatalogException:  # nothing was built yet, or by an earlier version
        return {}
    return {name: Gap(name, reason, reason, is_unknown) for name, reason, is_unknown in rows}


def describe_gap(what: str, error: Exception) -> Gap:
    """Return the gap that ``error`` leaves; words that may quote data stay out of its reason."""
    if isinstance(error, UnknownError):
        return Gap(what, error.message, str(error), is_unknown=True)
    cause = error.__context__ if isinstance(error, UsageError) else error
    if isinstance(cause, duckdb.Error) and not isinstance(cause, _NAMES_ALONE):
        return Gap(what, "a value in the data does not fit", first_line(error))
    if isinstance(error, SselfieError):
        return Gap(what, error.message, str(error))
    if isinstance(error, _NAMES_ALONE):
        return Gap(what, first_line(error), first_line(error))
    # Nobody foresaw it, so nobody knows what its words hold.
    kind, frames = type(error).__name__, extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return Gap(what, f"an error that nobody foresaw ({kind})", f"unforeseen {kind}{place}")
