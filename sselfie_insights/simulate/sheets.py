"""Rows on their way into Postgres: one list of tuples per table, numbered as they come."""

from collections import Counter
from collections.abc import Mapping
from typing import Any


class Sheets:
    """Collects rows by table until they are taken away.

    Args:
        columns: The columns that are written of each table, ``id`` first.
    """

    def __init__(self, columns: Mapping[str, tuple[str, ...]]) -> None:
        self.columns = columns
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in columns}
        self.last_id: Counter[str] = Counter()

    def add(self, table: str, *values: Any) -> int:
        """Add a row without its number, and return the number it gets."""
        number = self.last_id[table] + 1
        self.last_id[table] = number
        self.rows[table].append((number, *values))
        return number

    def add_keyed(self, table: str, *values: Any) -> None:
        """Add a row that brings its own key."""
        self.rows[table].append(values)

    def take(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows collected so far, and start again; numbers go on."""
        taken = self.rows
        self.rows = {table: [] for table in self.columns}
        return taken
