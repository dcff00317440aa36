"""Names and values as SQL that PostgreSQL and DuckDB read alike.

DuckDB's Python client imports pandas at the first bound parameter, half a second of a short run;
a value written as a literal needs no such thing.
"""

from datetime import date, datetime
from math import isfinite

Value = str | int | float | date | None
"""What ``literal`` writes; a bool is an int, a datetime a date."""


def quote(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """Return ``value`` as an SQL literal; a number that is not finite has none.

    Raises:
        ValueError: It is NaN or infinite.
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float() if not isfinite(value):
            raise ValueError(f"{value} has no literal")
        case int() | float():
            return repr(value)
        case datetime():
            return f"timestamptz '{value.isoformat()}'" if value.tzinfo else f"timestamp '{value}'"
        case date():
            return f"date '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
