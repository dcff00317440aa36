"""SQL that casts a query's columns to the types of their units, and Python values of them."""

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sselfie_insights.query.header import Column, Unit
from sselfie_insights.query.intervals import difference_interval_sql, share_interval_sql
from sselfie_insights.sql import literal, quote

if TYPE_CHECKING:
    import polars as pl

Row = tuple[Any, ...]

# The DuckDB type of each unit; a whole unit that does not fit is an error, never a rounding.
_TYPES: dict[Unit, str] = {
    "cents": "bigint",
    "count": "bigint",
    "credits": "bigint",
    "rate": "double",
    "days": "double",
    "number": "double",
    "month": "date",
    "date": "date",
    "instant": "timestamptz",
    "text": "varchar",
    "flag": "boolean",
}
_UNIT_OF_TYPE: dict[str, Unit] = {
    "boolean": "flag",
    "date": "date",
    "timestamp": "instant",
    "timestamp_s": "instant",
    "timestamp_ms": "instant",
    "timestamp with time zone": "instant",
    "double": "number",
    "float": "number",
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint", "hugeint"), "count"),
    **dict.fromkeys(("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"), "count"),
}


# What Python, Polars and a spreadsheet can hold of dates and, in UTC, of instants.
_SPANS: dict[str, tuple[str, str]] = {
    "date": ("0001-01-01", "9999-12-31"),
    "timestamptz": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
}
WIDE = ("hugeint", "uhugeint", "ubigint", "decimal")
"""Types with numbers that the type of their unit may not hold."""
SUBQUERY = '"of the SELECT"'
"""What is cast is called so: DuckDB's error for a column that the SQL lacks begins: Table "…"."""


def write_ends(columns: Mapping[str, Column]) -> dict[str, str]:
    """Return the SQL of the ends of intervals, by name."""
    written: dict[str, str] = {}
    for name, column in columns.items():
        if not column.interval:
            continue
        if column.difference:
            (share_a, n_a), (share_b, n_b) = (
                _share_of(share, columns[share]) for share in column.difference
            )
            ends = difference_interval_sql(share_a, n_a, share_b, n_b, name)
        else:
            ends = share_interval_sql(*_share_of(name, column), name)
        for end, expression in zip(column.interval, ends, strict=True):
            written[end] = f"{expression} as {quote(end)}"
    return written


def _share_of(name: str, column: Column) -> tuple[str, str]:
    """Return a share and what it is of, as SQL."""
    share, n = (f"cast({SUBQUERY}.{quote(each)} as double)" for each in (name, str(column.of)))
    return share, n


def cast_column(name: str, unit: Unit, *, as_rows: bool) -> str:
    """Return the SQL that casts a column to the type of its unit."""
    column, kind = f"{SUBQUERY}.{quote(name)}", _TYPES[unit]
    cast = f"cast({column} as {kind})"
    if kind in _SPANS:
        first, last = _SPANS[kind]
        message = literal(
            f"{name} holds a date that is infinite or beyond the years 1 to 9999: cast it to text"
        )
        cast = (
            f"case when {cast} not between {kind} '{first}' and {kind} '{last}'"
            f" then error({message}) else {cast} end"
        )
    if unit == "instant" and as_rows:
        # DuckDB needs one more library for Python's aware datetimes.
        cast = f"timezone('UTC', {cast})"
    return f"{cast} as {quote(name)}"


def cast_exactly(name: str, kind: str, unit: Unit) -> str:
    """Return the SQL that casts numbers of a wide type, or fails where digits would be lost."""
    column = f"{SUBQUERY}.{quote(name)}"
    cast = f"try_cast({column} as {_TYPES[unit]})"
    message = literal(f"{name} holds a number with too many digits: cast it to text")
    return (
        f"case when try_cast({cast} as {kind}) is distinct from {column}"
        f" then error({message}) else {cast} end as {quote(name)}"
    )


def in_utc(rows: list[Row], columns: Mapping[str, Column]) -> list[Row]:
    """Say of the naive instants that ``_cast`` gives that they are in UTC."""
    instants = [column.unit == "instant" for column in columns.values()]
    if not any(instants):
        return rows
    return [
        tuple(
            value.replace(tzinfo=UTC) if is_instant and value is not None else value
            for value, is_instant in zip(row, instants, strict=True)
        )
        for row in rows
    ]


def build_frame(rows: list[Row], columns: Mapping[str, Column]) -> "pl.DataFrame":
    """Return rows as a frame with the types of their units."""
    import polars as pl

    kinds: dict[str, pl.DataType] = {
        "bigint": pl.Int64(),
        "double": pl.Float64(),
        "date": pl.Date(),
        "timestamptz": pl.Datetime("us", "UTC"),
        "varchar": pl.String(),
        "boolean": pl.Boolean(),
    }
    schema = {name: kinds[_TYPES[column.unit]] for name, column in columns.items()}
    return pl.DataFrame(rows, schema=schema, orient="row", strict=True)


def unit_of(kind: str) -> Unit:
    """Return the unit that a column of a DuckDB type has if nothing says more."""
    kind = kind.lower()
    return "number" if kind.startswith("decimal") else _UNIT_OF_TYPE.get(kind, "text")
