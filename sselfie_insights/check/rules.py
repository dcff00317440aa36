"""Which checks there are: what the contract says of every table and column, as names.

A check is called ``<rule>.<table>`` or ``<rule>.<table>.<column>``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sselfie_insights.contract import Column, Table

Rule = Literal[
    "accepted_values",
    "array",
    "copies",
    "foreign_key",
    "freshness",
    "future",
    "json",
    "ledger",
    "not_null",
    "present",
    "range",
    "type",
    "unique",
    "volume",
]

VALUE_RULES = frozenset({"accepted_values", "array", "json", "ledger"})
"""The rules about distinct values, or their shapes."""

TABLE_RULES = frozenset({"freshness", "volume"})
"""The rules about a table as a whole."""

CODE_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,31}", re.IGNORECASE)
"""A value that can be a code word: letters, digits and what joins them, and not long."""

Subject = tuple[str, str | None]
"""What a check is about: a table, and a column of it or None."""

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"}
)
NATIVE_TYPES: Mapping[str, frozenset[str]] = {
    "boolean": frozenset({"BOOLEAN"}),
    "date": frozenset({"DATE"}),
    "integer": INTEGERS,
    "timestamptz": frozenset({"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}),
}
"""Documented types of one value each, and the mirror's types that hold nothing else."""


@dataclass(frozen=True)
class Check:
    """One check of the mirror.

    Attributes:
        rule: What is asked.
        table: Of which documented table.
        column: Of which documented column; None for what is asked of the table as a whole.
    """

    rule: Rule
    table: Table
    column: Column | None = None

    @property
    def subject(self) -> Subject:
        """The names of its table and its column, if it is about one."""
        return self.table.name, self.column.name if self.column else None

    @property
    def name(self) -> str:
        """Its name, as ``checks.yml`` and ``meta.check_results`` have it."""
        return ".".join(name for name in (self.rule, *self.subject) if name is not None)


def list_checks(contract: Mapping[str, Table]) -> list[Check]:
    """Return every check that the contract gives rise to."""
    checks = []
    for table in contract.values():
        checks.append(Check("volume", table))
        if table.freshness is not None:
            checks.append(Check("freshness", table))
        for column in table.columns:
            checks += [Check(rule, table, column) for rule in _rules(table, column)]
    return checks


def accepted(check: Check) -> tuple[str, ...]:
    """Return the values, or the shapes of values, that a check of distinct values accepts."""
    column = check.column
    assert column is not None  # noqa: S101  # those checks are about columns
    match check.rule:
        case "accepted_values":
            return (*column.values, *column.live_values)
        case "json":
            return ("null", *column.json_shapes)
        case "array":
            # Live databases hold some lists as text: JSON, or the only element itself.
            return ("list", "element") if column.data_type == "text[]" else ("list",)
        case "ledger":
            return ("first", "follows")
        case rule:
            raise ValueError(f"{rule} is not about distinct values")


def _rules(table: Table, column: Column) -> Iterator[Rule]:
    if column.is_required:
        yield "present"
    if column.is_required or column.key == "primary":
        yield "not_null"
    if column.key in ("primary", "unique"):
        yield "unique"
    if column.key == "primary":
        yield "copies"
    if column.references is not None:
        yield "foreign_key"
    if column.values:
        yield "accepted_values"
    if column.data_type in NATIVE_TYPES:
        yield "type"
    if column.data_type == "jsonb":
        yield "json"
    if column.data_type.endswith("[]"):
        yield "array"
    if column.minimum is not None or column.maximum is not None:
        yield "range"
    if column.data_type in ("timestamptz", "date") and not column.may_be_ahead:
        yield "future"
    if (table.name, column.name) == ("credit_transactions", "balance_after"):
        yield "ledger"
