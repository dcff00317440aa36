"""Databases that are legal by the schema and that nobody would have thought of, from a seed.

Rows hang together now and then, as a business's do, so that every model has something to work on;
the rest is whatever the types allow.
"""

from collections.abc import Sequence
from datetime import UTC, timedelta
from random import Random

from sselfie_insights.contract import Column, Table, load_contract
from sselfie_insights.query.needs import load_needs
from tests.support.models import AS_OF

MARK = "zq7"
"""Stands in every markup of a hostile text, so that a page that lets one through is found."""

TEXTS = (
    "",
    " ",
    "\x0b",
    "line one\nline two\r\n\ttabbed",
    "bell\x07 backspace\x08 escape\x1b[2J\x1b]0;owned\x07",
    f"<script>{MARK}()</script>",
    f"</title></style></script><img src=x onerror={MARK}()>",
    f"\"' onmouseover={MARK}() x='",
    f"<!-- {MARK} --><![CDATA[{MARK}]]>&{MARK};&amp;&#0;",
    "{{ 7 * 7 }} {% raw %} {# note #}",
    "=cmd|' /C calc'!A0",
    "+1", "-1", "@sum(1)", "\t=1",
    "'; drop table users; --",
    "$$ $1 %s %(x)s {0} ?",
    "\u202eevil\u202c \u2066isolated\u2069 مرحبا שלום",
    "\u200b\ufeff\u00ad",
    "e\u0301\u0302\u0303" * 8,
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\ufffe\uffff\U0010ffff",
    "\ue000\x7f\x80\x9f\u2028\u2029",
    "NULL", "null", "NaN", "infinity", "true", "0", "-0", "1e309",
    "a/b\\c:d*e?f[g]h",
    "../../etc/passwd",
    "x" * 300,
    "\u0130\u0131\u015e\u00df \u017f \ufb00",
    "%_%", "month", "select",
)  # fmt: skip

KEYED = ("users", "subscriptions", "stripe_payments", "credit_transactions")
"""Tables whose keys never collide: a check of the mirror refuses them otherwise."""

LONG = 1_000_000
"""Characters of the longest text."""

INSTANTS = (
    "0001-01-01 00:00:00+00",
    "0044-03-15 12:00:00+00 BC",
    "1582-10-10 00:00:00+00",
    "1900-02-28 23:59:59.999999+00",
    "1969-12-31 23:59:59.999999+00",
    "1970-01-01 00:00:00+00",
    "2016-12-31 23:59:59.999999+00",
    "2024-02-29 12:00:00+00",
    "2026-03-29 01:30:00+00",
    "2038-01-19 03:14:08+00",
    "2262-04-11 23:47:16.854776+00",
    "9999-12-31 23:59:59.999999+00",
    "10000-01-01 00:00:00+00",
    "294246-12-31 23:59:59+00",
    "infinity",
    "-infinity",
)
"""What a timestamptz may hold, and calendars, clocks and libraries have trouble with."""

INTEGERS = (0, 1, -1, 2, 7, 99, 100, 4900, 9700, 2**31 - 1, -(2**31), 2**31 - 2)

CURRENCIES = ("usd", "USD", " eur ", "jpy", "kwd", "xxx", "", "us", "💶", "zzzz" * 20, "<b>")

JSON = (
    "null", "{}", "[]", "1", '"text"', "true",
    '{"user_id": "u1", "customer_email": "U2@Example.org "}',
    '{"user_id": {"a": [1]}, "customer_email": null}',
    '{"user_id": 7, "": "", "a\\u0001": "<script>' + MARK + '</script>"}',
    "[[1,2],[3]]", '["a", null]', "1e400",
)  # fmt: skip


WORDS = ("paused_by_owner", "Active", "CANCELLED ", "trial-2", "refund_pending", "void", "?")
"""Values that no document lists, some of them nearly documented."""

DAMAGES = (
    "columns gone", "tables gone", "undocumented values", "garbage currencies",
    "extreme instants", "extreme amounts", "hostile texts", "texts of a million characters",
    "colliding ids", "none more than others",
)  # fmt: skip

_STRUCK = 0.4
"""The share of cells that the damage strikes."""


class Hostile:
    """The rows of one database.

    Args:
        seed: What everything is drawn from; equal seeds give equal rows.
        widest: Whether texts of a million characters are among them.

    Attributes:
        damage: What is worse in this database than in others, one of ``DAMAGES``.
        gone: Tables that an earlier sync still found.
        gone_columns: Columns that one still found, by table and name.
    """

    def __init__(self, seed: int, *, widest: bool = False) -> None:
        self._random = Random(seed)
        self._widest = widest
        draw = self._random
        # A business of its own: how big, how broken, and which of its tables are empty.
        self._people = [f"u{n}" for n in range(draw.choice((0, 1, 3, 8, 20, 40)))]
        self._hostile = draw.choice((0.0, 0.02, 0.1, 0.3, 0.8))
        self._missing = draw.choice((0.0, 0.05, 0.3, 0.9))
        self._orphans = draw.choice((0.0, 0.1, 0.7))
        self._repeats = draw.choice((0.0, 0.0, 0.1))
        self._emptiness = draw.choice((0.0, 0.2, 0.6))
        self._span = timedelta(days=draw.choice((3, 90, 900)))
        self._texts = draw.choices(TEXTS, k=draw.choice((1, 5, 40)))
        self.damage = DAMAGES[seed % len(DAMAGES)]
        tables = list(load_contract().values())
        self.gone = draw.sample(tables, 3) if self.damage == "tables gone" else []
        self.gone_columns = self._choose_columns(tables) if self.damage == "columns gone" else set()
        self._widest |= self.damage == "texts of a million characters"

    def rows(self, table: Table) -> list[tuple[str | None, ...]]:
        """Return rows of ``table`` as PostgreSQL would write each cell, None for NULL."""
        draw = self._random
        if draw.random() < self._emptiness or table in self.gone:
            return []
        count = draw.choice((1, 4, 30)) if table.name != "users" else len(self._people)
        columns = every_column(table)
        rows = [
            tuple(self._cell(table, column, number) for column in columns)
            for number in range(count)
        ]
        if table.name in KEYED:
            return rows
        return [row for row in rows for _ in range(1 + (draw.random() < self._repeats))]

    def _choose_columns(self, tables: Sequence[Table]) -> set[tuple[str, str]]:
        """Return some columns that numbers need and some that they do not."""
        needed = sorted(load_needs())
        any_ = [f"{table.name}.{each.name}" for table in tables for each in table.columns]
        chosen = [*self._random.sample(needed, 2), *self._random.sample(any_, 2)]
        keys = {f"{table.name}.{table.primary_key.name}" for table in tables}
        return {tuple(name.split(".", 1)) for name in chosen if name not in keys}

    def _is_struck(self, column: Column) -> bool:
        """Say whether a cell gets what the damage of this database is about."""
        kinds = {
            "undocumented values": bool(column.values),
            "garbage currencies": column.name == "currency",
            "extreme instants": column.data_type in ("timestamptz", "date"),
            "extreme amounts": column.data_type == "integer" and column.references is None,
            "hostile texts": column.data_type == "text" and not column.values,
            "texts of a million characters": column.data_type == "text" and not column.values,
        }
        return kinds.get(self.damage, False) and self._random.random() < _STRUCK

    def _cell(self, table: Table, column: Column, number: int) -> str | None:
        draw = self._random
        if (table.name, column.name) in self.gone_columns:
            return None
        if column.key == "primary":
            if table.name not in KEYED and draw.random() < self._repeats:
                return "1"
            return f"u{number}" if column.data_type == "text" else str(number + 1)
        if draw.random() < self._missing * (0.3 if column.is_required else 1):
            return None
        is_hostile = draw.random() < self._hostile or self._is_struck(column)
        match column.data_type:
            case "text":
                return self._text(table, column, is_hostile=is_hostile)
            case "integer" | "serial":
                return str(self._integer(column, is_hostile=is_hostile))
            case "boolean":
                return draw.choice(("true", "false", "false", "false"))
            case "timestamptz":
                return self._instant(is_hostile=is_hostile)
            case "date":
                instant = self._instant(is_hostile=is_hostile)
                return (
                    instant
                    if "infinity" in instant
                    else instant.split(" ")[0] + (" BC" if instant.endswith("BC") else "")
                )
            case "jsonb":
                return draw.choice(JSON if is_hostile else JSON[:7])
            case kind if kind.endswith("[]"):
                return self._array(kind)
        raise AssertionError(column.data_type)

    def _text(self, table: Table, column: Column, *, is_hostile: bool) -> str:
        draw = self._random
        if is_hostile and column.name == "currency":
            return draw.choice(CURRENCIES)
        if is_hostile and column.values and self.damage == "undocumented values":
            return draw.choice(WORDS)
        if is_hostile:
            if self._widest and draw.random() < 0.02:
                return "w" * LONG
            return draw.choice(self._texts)
        if column.references == "users":
            return draw.choice(self._people) if self._has_people() else f"gone{draw.randrange(3)}"
        if column.values:
            return draw.choice((*column.values, *column.live_values))
        match column.name:
            case "currency":
                return draw.choice(("usd", "usd", "usd", *CURRENCIES))
            case "product_type" | "plan_name" | "plan":
                return draw.choice(PRODUCTS)
            case "email":
                return f"{draw.choice(('U', 'u'))}{draw.randrange(40)}@example.org"
            case name if name.startswith("stripe_"):
                if self.damage == "colliding ids":
                    return draw.choice(("in_1", "IN_1", "in_1 ", "u1", "1"))
                return f"{name[7:9]}_{draw.randrange(12)}"
        return f"{column.name} {draw.randrange(4)}"

    def _has_people(self) -> bool:
        return bool(self._people) and self._random.random() >= self._orphans

    def _integer(self, column: Column, *, is_hostile: bool) -> int:
        draw = self._random
        if is_hostile:
            return draw.choice(INTEGERS)
        if column.references is not None:
            return draw.randrange(1, 40)
        if "amount" in column.name and column.name != "amount":
            return draw.choice((999, 4700, 4900, 4950, 9700, 14900, 0))
        if column.name == "amount":
            return draw.choice((100, 200, 50, -1, -1, -2, -20, -25))
        return draw.randrange(100)

    def _instant(self, *, is_hostile: bool) -> str:
        draw = self._random
        if is_hostile:
            return draw.choice(INSTANTS)
        at = AS_OF - self._span * draw.random()
        if draw.random() < 0.3:  # on the same instants as others, to the microsecond
            at = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")

    def _array(self, kind: str) -> str:
        draw = self._random
        if kind == "integer[]":
            return draw.choice(("{}", "{1,2}", "{NULL,2147483647}"))
        return draw.choice(("{}", '{"a",""}', '{NULL,"<b>","=1"}', '{"x"}'))


PRODUCTS = (
    "sselfie_studio_membership", "sselfie_studio_membership", "one_time_session", "credit_topup",
    "paid_blueprint", "brand_studio_membership", "pro", "starter", "no_such_product",
)  # fmt: skip


def every_column(table: Table) -> Sequence[Column]:
    """Return the columns of ``table``, and those that only live databases have."""
    return (*table.columns, *table.live_columns)
