"""How the rows of a drill-down add up to its query."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sums:
    """How the rows of a query's drill-downs add up to it.

    Attributes:
        sql: A SELECT over tables named like the drill-downs, with the query's keys and numbers.
        given: Parameters of the query.
        parts: Parameters of its drill-downs, by name.
        stored: Columns that are stored beside the rows, not made of them.
    """

    sql: str
    given: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stored: frozenset[str] = frozenset()
