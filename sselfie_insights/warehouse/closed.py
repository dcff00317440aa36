"""The schema ``closed``: months as they were signed, and what has restated them since.

``closings`` has a row a closing, ``figures`` a row for each number that was signed with it, and
``restatements`` a row for each change of such a number that a build has seen since. The other
tables hold the rows behind the figures, by customer: every version of a mart's row, with the first
closing that knows it, and the first that does not any more. A closing's rows are therefore those
of its instant, and what stays the same from month to month is stored once.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.meta import as_instant

TABLES = """
create schema if not exists closed;
create table if not exists closed.closings (
    closing integer not null,
    month date not null,
    closed_at timestamptz not null,
    closed_by varchar not null,
    version varchar not null,
    definitions integer not null,
    as_of timestamptz not null,
    timezone varchar not null,
    grace_days integer not null,
    run_id varchar,
    checksum varchar not null,
    reopened_at timestamptz,
    reopened_by varchar,
    reopened_because varchar
);
create table if not exists closed.figures (
    closing integer not null,
    position integer not null,
    query varchar not null,
    row_key varchar not null,
    measure varchar not null,
    unit varchar not null,
    value varchar
);
create table if not exists closed.restatements (
    step integer not null,
    closing integer not null,
    query varchar not null,
    row_key varchar not null,
    measure varchar not null,
    seen_at timestamptz not null,
    run_id varchar,
    definitions integer not null,
    value_before varchar,
    value_after varchar,
    cause varchar not null
);
"""

ROWS_OF = (
    "payments",
    "member_months",
    "churn_by_member",
    "mrr_by_member",
    "dropped_row_list",
)
"""The marts whose rows are kept with a closing: those behind its figures, and why some are none."""

LOTS = "credit_lots"
"""Beside those, the lots behind the liability, as of the month's end."""

FigureKey = tuple[str, str, str]
"""Query, row key (JSON) and measure."""


@dataclass(frozen=True)
class Closing:
    """A month that was signed.

    Attributes:
        number: The first closing is 1.
        month: Its first day.
        closed_at: When, UTC.
        closed_by: Who.
        version: The version of the package.
        definitions: The version of the metrics' definitions.
        as_of: The instant that the figures speak for, UTC.
        timezone: The reporting zone.
        grace_days: Days in which a renewal is late.
        run_id: The sync that read the source.
        checksum: SHA-256 of all of the above and the figures.
        reopened_at: When it was opened again, UTC; None where it is closed.
        reopened_by: By whom.
        reopened_because: Why.
    """

    number: int
    month: date
    closed_at: datetime
    closed_by: str
    version: str
    definitions: int
    as_of: datetime
    timezone: str
    grace_days: int
    run_id: str | None
    checksum: str = ""
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    reopened_because: str | None = None

    @property
    def is_open_again(self) -> bool:
        """Whether the month was reopened."""
        return self.reopened_at is not None


@dataclass(frozen=True)
class Figure:
    """A number that was signed: its unit, and its value in the unit of its query's column."""

    unit: str
    value: float | int | None


@dataclass(frozen=True)
class Restatement:
    """A figure that is not what was signed any more.

    Attributes:
        closing: The closing.
        signed: What was signed.
        now: What the last build says.
        causes: Why, in the order in which they were seen.
    """

    closing: Closing
    signed: Figure
    now: float | int | None
    causes: tuple[str, ...]


def read_closings(db: duckdb.DuckDBPyConnection) -> list[Closing]:
    """Return every closing of the open warehouse, reopened ones too, in their order."""
    if not _exists(db, "closings"):
        return []
    found = db.execute(
        "select closing as number, * exclude (closing) replace (epoch_us(closed_at) as closed_at,"
        " epoch_us(as_of) as as_of, epoch_us(reopened_at) as reopened_at)"
        " from closed.closings order by closing"
    )
    names = [name for name, *_ in found.description or ()]
    closings = []
    for row in found.fetchall():
        values = dict(zip(names, row, strict=True))
        for name in ("closed_at", "as_of", "reopened_at"):
            values[name] = None if values[name] is None else as_instant(values[name])
        closings.append(Closing(**values))
    return closings


def read_figures(db: duckdb.DuckDBPyConnection, closing: int) -> dict[FigureKey, Figure]:
    """Return what was signed with the closing."""
    rows = db.execute(
        "select query, row_key, measure, unit, value from closed.figures"
        f" where closing = {literal(closing)} order by position"
    ).fetchall()
    return {
        (query, row_key, measure): Figure(unit, read_value(value))
        for query, row_key, measure, unit, value in rows
    }


def read_restatements(
    db: duckdb.DuckDBPyConnection, closing: Closing
) -> dict[FigureKey, Restatement]:
    """Return every figure of the closing that a build has seen changed, by its last value.

    One that came back to what was signed is among them.
    """
    signed = read_figures(db, closing.number)
    rows = db.execute(
        "select query, row_key, measure, value_after, cause from closed.restatements"
        f" where closing = {literal(closing.number)} order by step"
    ).fetchall()
    found: dict[FigureKey, Restatement] = {}
    for query, row_key, measure, value, cause in rows:
        key = (query, row_key, measure)
        causes = found[key].causes if key in found else ()
        found[key] = Restatement(
            closing,
            signed.get(key, Figure("number", None)),
            read_value(value),
            causes if cause in causes else (*causes, cause),
        )
    return found


def is_intact(db: duckdb.DuckDBPyConnection, closing: Closing) -> bool:
    """Say whether the closing's figures are those that its checksum was made of."""
    return checksum(closing, read_figures(db, closing.number)) == closing.checksum


def checksum(closing: Closing, figures: Mapping[FigureKey, Figure]) -> str:
    """Return the SHA-256, in hexadecimal, of who signed what."""
    head = [
        closing.number,
        str(closing.month),
        closing.closed_at.astimezone(UTC).isoformat(),
        closing.closed_by,
        closing.version,
        closing.definitions,
        closing.as_of.astimezone(UTC).isoformat(),
        closing.timezone,
        closing.grace_days,
        closing.run_id,
    ]
    body = sorted([*key, each.unit, write_value(each.value)] for key, each in figures.items())
    return hashlib.sha256(json.dumps([head, body]).encode()).hexdigest()


def write_closing(
    db: duckdb.DuckDBPyConnection, closing: Closing, figures: Mapping[FigureKey, Figure]
) -> None:
    """Add a closing, its figures, and what has changed in the rows since the one before."""
    db.execute(TABLES)
    db.execute(
        f"insert into closed.closings values ({', '.join('?' * 11)}, null, null, null)",
        [
            closing.number,
            closing.month,
            closing.closed_at,
            closing.closed_by,
            closing.version,
            closing.definitions,
            closing.as_of,
            closing.timezone,
            closing.grace_days,
            closing.run_id,
            closing.checksum,
        ],
    )
    db.executemany(
        "insert into closed.figures values (?, ?, ?, ?, ?, ?, ?)",
        [
            [closing.number, position, *key, each.unit, write_value(each.value)]
            for position, (key, each) in enumerate(figures.items())
        ],
    )
    for mart in ROWS_OF:
        keep_rows(db, closing.number, mart, f"marts.{quote(mart)}")


def keep_rows(db: duckdb.DuckDBPyConnection, closing: int, name: str, source: str) -> None:
    """Keep the rows of ``source`` as those that ``closing`` knows, in ``closed.<name>``."""
    table = f"closed.{quote(name)}"
    db.execute(
        f"create table if not exists {table} as select null::integer as first_closing,"
        f" null::integer as until_closing, * from {source} limit 0"
    )
    known = {column for column, *_ in db.execute(f"describe {table}").fetchall()}
    columns = db.execute(f"describe from {source}").fetchall()
    for column, kind, *_ in columns:
        if column not in known:  # a later version has added it
            db.execute(f"alter table {table} add column {quote(column)} {kind}")
    same = " and ".join(
        f"kept.{quote(column)} is not distinct from present.{quote(column)}"
        for column, *_ in columns
    )
    db.execute(
        f"update {table} as kept set until_closing = ? where until_closing is null"
        f" and not exists (select 1 from {source} as present where {same})",
        [closing],
    )
    db.execute(
        f"insert into {table} by name select ?::integer as first_closing,"
        f" null::integer as until_closing, present.* from {source} as present where not exists"
        f" (select 1 from {table} as kept where kept.until_closing is null and {same})",
        [closing],
    )


def rows_at(closing: int, name: str, database: str) -> str:
    """Return, as SQL, the rows that ``closing`` knew of ``closed.<name>`` in ``database``."""
    return (
        f"select * exclude (first_closing, until_closing)"
        f" from {quote(database)}.closed.{quote(name)} where first_closing <= {closing}"
        f" and (until_closing is null or until_closing > {closing})"
    )


def write_restatements(db: duckdb.DuckDBPyConnection, rows: Iterable[tuple[object, ...]]) -> None:
    """Add what a build has seen: every column of ``closed.restatements`` but ``step``."""
    (last,) = db.execute("select coalesce(max(step), 0) from closed.restatements").fetchone() or (
        0,
    )
    given = [[last + 1, *row] for row in rows]
    if given:
        db.executemany(
            f"insert into closed.restatements values ({', '.join('?' * len(given[0]))})", given
        )


def reopen(
    db: duckdb.DuckDBPyConnection, closing: Closing, at: datetime, by: str, because: str
) -> None:
    """Write that ``closing`` does not hold any more; its figures stay."""
    db.execute(
        "update closed.closings set reopened_at = ?, reopened_by = ?, reopened_because = ?"
        " where closing = ?",
        [at, by, because, closing.number],
    )


def current(closings: Collection[Closing]) -> dict[date, Closing]:
    """Return the closing in force of each month that is closed."""
    return {each.month: each for each in closings if not each.is_open_again}


def write_row_key(names: Iterable[str], row: Mapping[str, object]) -> str:
    """Return the key of a query's row as JSON; days as ISO dates."""
    return json.dumps({name: row[name] for name in names}, default=str)


def write_value(value: float | int | None) -> str | None:
    """Return a figure's value as text that gives the same value back."""
    return None if value is None else repr(value)


def read_value(text: str | None) -> float | int | None:
    """Return what ``write_value`` wrote."""
    if text is None:
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _exists(db: duckdb.DuckDBPyConnection, table: str) -> bool:
    row = db.execute(
        "select count(*) from duckdb_tables() where database_name = current_database()"
        f" and schema_name = 'closed' and table_name = {literal(table)}"
    ).fetchone()
    return bool(row and row[0])
