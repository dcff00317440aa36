"""Every type travels exactly: natively where listed, else as the text that Postgres writes."""

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.sync.conftest import BOTH_SERVERS, Bench

# type, value as SQL, DuckDB's type, the value as DuckDB gives it
NATIVE = [
    ("boolean", "true", "BOOLEAN", True),
    ("smallint", "-32768", "SMALLINT", -32768),
    ("integer", "2147483647", "INTEGER", 2147483647),
    ("bigint", "-9223372036854775808", "BIGINT", -9223372036854775808),
    ("oid", "4294967295", "UINTEGER", 4294967295),
    ("real", "'-0'", "FLOAT", -0.0),
    ("real", "1.17549435e-38", "FLOAT", 1.1754943508222875e-38),
    ("double precision", "'Infinity'", "DOUBLE", float("inf")),
    ("double precision", "0.1", "DOUBLE", 0.1),
    ("double precision", "5e-324", "DOUBLE", 5e-324),
    ("text", "E'a\\nb\\t''\"\\\\ ø 🦆'", "VARCHAR", "a\nb\t'\"\\ ø 🦆"),
    ("varchar(5)", "'abc'", "VARCHAR", "abc"),
    ("json", '\'{"a": 1,  "a": 2}\'', "VARCHAR", '{"a": 1,  "a": 2}'),
    ("jsonb", '\'{"a": 1e400}\'', "JSON", '{"a": 1' + "0" * 400 + "}"),
    ("bytea", "'\\x00ff'", "BLOB", b"\x00\xff"),
    ("uuid", "'ffffffff-0000-4000-8000-000000000001'", "UUID",
     UUID("ffffffff-0000-4000-8000-000000000001")),
    ("numeric(10,2)", "-0.5", "DECIMAL(10,2)", Decimal("-0.50")),
    ("numeric(38,0)", "'99999999999999999999999999999999999999'", "DECIMAL(38,0)",
     Decimal("99999999999999999999999999999999999999")),
    ("numeric(38,37)", "'-9.9999999999999999999999999999999999999'", "DECIMAL(38,37)",
     Decimal("-9.9999999999999999999999999999999999999")),
    ("date", "'2024-02-29'", "DATE", date(2024, 2, 29)),
    ("time", "'23:59:59.999999'", "TIME", time(23, 59, 59, 999999)),
    ("timestamp", "'2026-01-31 12:00:00.000001'", "TIMESTAMP",
     datetime(2026, 1, 31, 12, 0, 0, 1)),
    ("text[]", "array['a,b', null, 'NULL', '{', '\"']", "VARCHAR[]",
     ["a,b", None, "NULL", "{", '"']),
    ("text[]", "'{}'", "VARCHAR[]", []),
    ("integer[]", "array[1, null]", "INTEGER[]", [1, None]),
]  # fmt: skip

# type, value as SQL; all kept as the text that Postgres gives with these session settings
AS_TEXT = [
    ("numeric", "123456789012345678901234567890.123456789"),
    ("numeric", "'NaN'"),
    ("numeric", "'-Infinity'"),
    ("numeric(50,3)", "1.5"),
    ("numeric(4,2)", "'NaN'"),
    ("interval", "'1 year 2 mons -3 days 04:05:06.7'"),
    ("timetz", "'24:00:00-15:59:59'"),
    ("timestamp", "'294276-12-31 23:59:59.999999'"),
    ("timestamp", "'294247-01-10 04:00:54.775807'"),
    ("timestamptz", "'294276-12-31 23:59:59.999999+00'"),
    ("text[]", "array[['a', 'b'], ['c', null]]"),
    ("text[]", "'[0:1]={a,b}'"),
    ("double precision[]", "array['NaN', 0.1]"),
    ("timestamptz[]", "array['2026-01-01 00:00+02']::timestamptz[]"),
    ("char(5)", "'abc'"),
    ("money", "'-1234.5'"),
    ("bit(3)", "B'101'"),
    ("varbit", "B'1'"),
    ("inet", "'10.0.0.1'"),
    ("cidr", "'10.0.0.0/8'"),
    ("macaddr", "'08:00:2b:01:02:03'"),
    ("point", "'(1,2)'"),
    ("polygon", "'((0,0),(1,1),(1,0))'"),
    ("int4range", "'[1,5)'"),
    ("int4multirange", "'{[1,2), [5,9)}'"),
    ("tstzrange", "'[2026-01-01 00:00+02,)'"),
    ("tsvector", "'a:1 b:2'"),
    ("pg_lsn", "'0/1'"),
    ("name", "'n'"),
    ('"char"', "' '"),
    ("mood", "'so so'"),
    ("mood[]", "array['so so', null]::mood[]"),
    ("pair", "row(1, 'x, \"y\"')"),
]  # fmt: skip

SETUP = (
    "create type mood as enum ('so so', 'good')",
    "create type pair as (a integer, b text)",
)


@BOTH_SERVERS
@pytest.mark.parametrize("rows", [NATIVE], ids=["native"])
def test_native_types(bench: Bench, rows: list[tuple[str, str, str, object]]) -> None:
    for number, (kind, value, *_) in enumerate(rows):
        bench.pg(
            f"create table t{number:02} (id integer primary key, v {kind})",
            f"insert into t{number:02} values (1, {value}), (2, null)",
        )
    report = bench.sync(verify=True)
    assert {table.verification for table in report.tables} == {"equal"}
    for number, (kind, value, duck_type, expected) in enumerate(rows):
        found = bench.ask(f"select typeof(v), v from raw.t{number:02} order by id")
        assert found[0] == (duck_type, expected), (kind, value)
        assert repr(found[0][1]) == repr(expected), (kind, value)
        assert found[1][1] is None


@BOTH_SERVERS
def test_types_without_an_exact_native_form_are_kept_as_text(bench: Bench) -> None:
    bench.pg(*SETUP)
    for number, (kind, value) in enumerate(AS_TEXT):
        bench.pg(
            f"create table t{number:02} (id integer primary key, v {kind})",
            f"insert into t{number:02} values (1, {value}), (2, null)",
        )
    report = bench.sync(verify=True)
    assert {(t.name, t.verification) for t in report.tables if t.verification != "equal"} == set()
    # The application's own settings must not leak into the mirror.
    with psycopg.connect(bench.url, options="-c timezone=UTC") as connection:
        for number, (kind, value) in enumerate(AS_TEXT):
            expected = connection.execute(
                f"select format('%s', v) from t{number:02} where id = 1".encode()
            ).fetchone()
            found = bench.ask(f"select typeof(v), v from raw.t{number:02} order by id")
            assert expected is not None
            assert found == [("VARCHAR", expected[0]), ("VARCHAR", None)], (kind, value)
    kept = bench.ask("select count(*) from meta.mirror_columns where travel = 'text'")
    assert kept == [(len(AS_TEXT),)]


@BOTH_SERVERS
def test_infinite_and_far_instants_are_native(bench: Bench) -> None:
    bench.pg(
        "create table t (id int primary key, d date, s timestamp, z timestamptz)",
        "insert into t values (1, 'infinity', 'infinity', 'infinity'),"
        " (2, '-infinity', '-infinity', '-infinity'),"
        " (3, '4713-01-01 BC', '4713-01-01 BC', '4713-01-01 BC'),"
        " (4, '5874897-12-31', '294246-12-31 23:59:59', '294246-12-31 23:59:59')",
    )
    (table,) = bench.sync(verify=True).tables
    assert table.verification == "equal"
    assert bench.ask("select distinct typeof(d), typeof(s), typeof(z) from raw.t") == [
        ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    ]
    for number, infinity in (1, "infinity"), (2, "-infinity"):
        assert bench.ask(
            f"select d = '{infinity}' and s = '{infinity}' and z = '{infinity}'"
            f" from raw.t where id = {number}"
        ) == [(True,)]
    assert bench.ask("select d::text, s::text from raw.t where id > 2 order by id") == [
        ("4713-01-01 (BC)", "4713-01-01 (BC) 00:00:00"),
        ("5874897-12-31", "294246-12-31 23:59:59"),
    ]


@BOTH_SERVERS
def test_awkward_tables(bench: Bench) -> None:
    bench.pg(
        "create domain amount as numeric(10,2) check (value > 0)",
        "create domain tags as text[]",
        'create table "Select" ("Order" int primary key, "a ""b" text, "From" amount, t tags)',
        "insert into \"Select\" values (1, 'x', 2.5, array['y'])",
        'create table names ("Id" int, "id" int, "ID" int)',
        "insert into names values (1, 2, 3)",
        'create table "Names" (id int)',
        "create table empty_table (id int)",
        "create table no_columns ()",
        "insert into no_columns default values",
        "create table g (id int generated always as identity primary key,"
        " twice int generated always as (id * 2) stored)",
        "insert into g default values",
        "create table parts (id int, region text, primary key (id, region))"
        " partition by list (region)",
        "create table parts_a partition of parts for values in ('a')",
        "create table parts_b partition of parts for values in ('b') partition by range (id)",
        "create table parts_b1 partition of parts_b for values from (0) to (10)",
        "insert into parts values (1, 'a'), (2, 'b')",
        "create table parent (id int primary key)",
        "create table child (extra text) inherits (parent)",
        "insert into parent values (1)",
        "insert into child values (2, 'x')",
        "create materialized view counted as select count(*) as n from parts",
        "create materialized view unfilled as select 1 as n with no data",
        "create view not_mirrored as select 1 as n",
        "create unlogged table u (id int primary key)",
        "insert into u values (7)",
        'create table system_like (rowid int primary key, ctid_ text, "XMIN" int, source text)',
        "insert into system_like values (3, 'c', 4, 's')",
    )
    report = bench.sync(verify=True)
    rows = {table.mirror_name: table.row_count for table in report.tables}
    assert rows == {
        "Select": 1,
        "names": 1,
        "Names__2": 0,
        "empty_table": 0,
        "no_columns": 1,
        "g": 1,
        "parts": 2,
        "parent": 2,
        "child": 1,
        "counted": 1,
        "unfilled": 0,
        "u": 1,
        "system_like": 1,
    }
    assert {t.name for t in report.tables if t.verification == "not comparable"} == {
        "no_columns",
        "unfilled",
    }
    assert not report.different
    assert bench.ask('select "Order", "a ""b", "From", t, typeof("From") from raw."Select"') == [
        (1, "x", Decimal("2.50"), ["y"], "DECIMAL(10,2)")
    ]
    assert bench.ask('select "Id__2", id, "ID__3" from raw.names') == [(1, 2, 3)]
    assert bench.ask("select n, typeof(n) from raw.unfilled") == []
    assert bench.ask("select * from raw.system_like where rowid = 3") == [(3, "c", 4, "s")]
    again = bench.sync()
    assert (again.mode, again.published) == ("unchanged", False)


def test_a_table_as_wide_as_they_get(newest: Bench) -> None:
    names = [f"c{number}" for number in range(1600)]
    newest.pg(
        f"create table wide ({', '.join(f'{name} int' for name in names)})",
        "insert into wide (c0, c1599) values (1, 2)",
    )
    (wide,) = newest.sync(verify=True).tables
    assert (wide.mode, wide.verification) == ("full", "equal")
    assert newest.ask("select c0, c1, c1599 from raw.wide") == [(1, None, 2)]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.decimals(-(10**6), 10**6, places=4, allow_nan=False)),
            st.one_of(st.none(), st.floats(width=64)),
            st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
            st.one_of(st.none(), st.lists(st.one_of(st.none(), st.text("ab,{}\"\\ '🦆")))),
            st.one_of(st.none(), st.datetimes().map(lambda instant: instant.replace(fold=0))),
            st.one_of(st.none(), st.binary()),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_values_arrive_as_they_left(newest: Bench, rows: list[tuple[object, ...]]) -> None:
    newest.pg(
        "drop table if exists t",
        "create table t (id serial primary key, n numeric(11,4), f float8, s text, a text[],"
        " seen_at timestamp, b bytea)",
    )
    with psycopg.connect(newest.url) as connection:
        for row in rows:
            connection.execute(
                "insert into t (n, f, s, a, seen_at, b) values (%s, %s, %s, %s, %s, %s)", row
            )
    report = newest.sync(verify=True)
    assert [table.verification for table in report.tables] == ["equal"]
    found = newest.ask("select n, f, s, a, seen_at, b from raw.t order by id")
    assert repr(found) == repr([_as_stored(row) for row in rows])


def _as_stored(row: tuple[object, ...]) -> tuple[object, ...]:
    number, *rest = row
    four = number.quantize(Decimal("0.0001")) if isinstance(number, Decimal) else None
    return (four + 0 if four is not None else None, *rest)
