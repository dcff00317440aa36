"""Prove that a table of the mirror equals its source: counts, and digests that ignore order.

Both databases write every row in the same canonical way: each value as its length, a colon and
its text, or ``N`` for NULL; floats as their bits, instants as microseconds, so that no formatting
comes between. The digest of a table is the sum, over its rows, of the first 60 bits of the MD5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from sselfie_insights.sql import quote
from sselfie_insights.sync.columns import Column, Mirror
from sselfie_insights.sync.source import Source

EPOCH_2000_MICROSECONDS = 946_684_800_000_000
MOST_ARGUMENTS = 100
"""What a function of PostgreSQL takes at most."""

INFINITE = {64: 9_223_372_036_854_775_807, 32: 2_147_483_647}
"""How PostgreSQL counts the infinite instant and the infinite date."""


@dataclass(frozen=True)
class Comparison:
    """How a table of the mirror compares with its source.

    Attributes:
        outcome: The verdict.
        detail: How they differ, or why they cannot be compared.
    """

    outcome: Literal["equal", "different", "not comparable"]
    detail: str = ""


def compare(db: duckdb.DuckDBPyConnection, source: Source, mirror: Mirror) -> Comparison:
    """Compare a table of the mirror with its source at the snapshot; secret columns stay out."""
    columns = [column for column in mirror.columns if column.transfer_mode != "secret"]
    if not columns:
        return Comparison("not comparable", "no column of it is mirrored")
    if not mirror.table.is_populated:
        return Comparison("not comparable", "it was never refreshed")
    if mirror.table.has_foreign:
        return Comparison("not comparable", "some of its rows live on another server")
    # Lengths are those of the text in UTF-8, whatever the server keeps it in.
    length = "octet_length(%s)" if source.keeps_utf8 else "octet_length(convert_to(%s, 'UTF8'))"
    theirs = source.execute(
        "select count(*), coalesce(sum(('x' || substr(md5(convert_to("
        f"{_joined([_remote(c, length) for c in columns])}, 'UTF8')), 1, 15))::bit(60)::bigint), 0)"
        f" from {mirror.remote}"
    )[0]
    ours = db.execute(
        "select count(*), coalesce(sum(('0x' || substr(md5("
        f"{_joined([_local(c) for c in columns])}), 1, 15))::bigint), 0) from {mirror.local}"
    ).fetchone()
    assert ours is not None  # noqa: S101 - an aggregate has one row
    if theirs[0] != ours[0]:
        return Comparison("different", f"{ours[0]} rows, the source has {theirs[0]}")
    if int(theirs[1]) != int(ours[1]):
        return Comparison("different", "rows differ from the source")
    return Comparison("equal")


def _remote(column: Column, length: str) -> str:
    name = column.remote
    if column.transfer_mode == "native" and column.source.element:
        element = _prefixed(length, "e::text")
        text = (
            f"(select coalesce(string_agg(coalesce({element}, 'N'), '' order by i), '')"
            f" from unnest({name}) with ordinality as u (e, i))"
        )
        return f"case when {name} is null then 'N' else {_prefixed(length, text)} end"
    text = name if column.transfer_mode == "text" else f"({name})::text"
    if column.transfer_mode == "native":
        match column.source.base:
            case "float4" | "float8":
                text = f"encode({column.source.base}send({name}), 'hex')"
            case "timestamp" | "timestamptz" | "time":
                text = f"{_integer(f'{column.source.base}_send({name})', 64)}::text"
            case "date":
                text = f"{_integer(f'date_send({name})', 32)}::text"
            case "bytea":
                text = f"encode({name}, 'hex')"
    return f"coalesce({_prefixed(length, text)}, 'N')"


def _local(column: Column) -> str:
    name = quote(column.name)
    if column.transfer_mode == "native" and column.source.element:
        text = (
            f"array_to_string(list_transform({name}, lambda e:"
            " coalesce(strlen(e::varchar) || ':' || e::varchar, 'N')), '')"
        )
        return f"case when {name} is null then 'N' else {_prefixed('strlen(%s)', text)} end"
    text = f"{name}::varchar"
    if column.transfer_mode == "native":
        match column.source.base:
            case "float4" | "float8":
                digits = 8 if column.source.base == "float4" else 16
                number = f"{name}::bit::u{'integer' if digits == 8 else 'bigint'}"
                text = f"format('{{:0{digits}x}}', {number})"
            case "timestamp" | "timestamptz":
                number = f"epoch_us({name}) - {EPOCH_2000_MICROSECONDS}"
                text = f"({_infinite(name, number, 64)})::varchar"
            case "date":
                number = f"date_diff('day', date '2000-01-01', {name})"
                text = f"({_infinite(name, number, 32)})::varchar"
            case "time":
                text = f"epoch_us({name})::varchar"
            case "bytea":
                text = f"lower(hex({name}))"
    return f"coalesce({_prefixed('strlen(%s)', text)}, 'N')"


def _joined(texts: Sequence[str]) -> str:
    """Return the expression that joins ``texts``, however many they are."""
    starts = range(0, len(texts), MOST_ARGUMENTS)
    groups = (f"concat({', '.join(texts[i : i + MOST_ARGUMENTS])})" for i in starts)
    return f"concat({', '.join(groups)})"


def _prefixed(length: str, text: str) -> str:
    """Return ``text`` behind its length and a colon; ``length`` is an expression for ``%s``."""
    return f"{length.replace('%s', text)} || ':' || {text}"


def _integer(sent: str, bits: int) -> str:
    kind = "bigint" if bits == 64 else "int"
    return f"('x' || encode({sent}, 'hex'))::bit({bits})::{kind}"


def _infinite(name: str, number: str, bits: int) -> str:
    most = INFINITE[bits]
    return (
        f"case when isinf({name}) then case when {name} > date '2000-01-01'"
        f" then {most} else -{most} - 1 end else {number} end"
    )
