"""Databases that are legal by the schema and that nobody would have thought of, from a seed.

Rows hang together now and then, as a business's do, so that every model has something to work on;
the rest is whatever the types allow.
"""

from collections.abc import Sequence
from datetime import UTC, timedelta
from random import Random

from sselfie_insights.contract import Column, Table
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


class Hostile:
    """The rows of one database.

    Args:
        seed: What everything is drawn from; equal seeds give equal rows.
        widest: Whether texts of a million characters are among them.
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

    def rows(self, table: Table) -> list[tuple[str | None, ...]]:
        """Return rows of ``table`` as PostgreSQL would write each cell, None for NULL."""
        draw = self._random
        if draw.random() < self._emptiness:
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

    def _cell(self, table: Table, column: Column, number: int) -> str | None:
        draw = self._random
        if column.key == "primary":
            if table.name not in KEYED and draw.random() < self._repeats:
                return "1"
            return f"u{number}" if column.data_type == "text" else str(number + 1)
        if draw.random() < self._missing * (0.3 if column.is_required else 1):
            return None
        is_hostile = draw.random() < self._hostile
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
