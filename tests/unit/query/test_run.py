from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sselfie_insights import Warehouse
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.query import (
    OpenWarehouse,
    compile_query,
    run_own,
    run_query,
)
from sselfie_insights.query.library import Query, parse_query
from sselfie_insights.query.write import to_bytes
from tests.support.warehouses import write_warehouse

AS_OF = datetime(2026, 3, 15, 12, tzinfo=UTC)
HEADER = """/*
grain: One row per n.
title: T
description: D
key: [n]
parameters:
  way: {type: choice, choices: [up, down], default: up, description: w}
  top: {type: integer, default: 3, description: t}
columns:
  n: {unit: count, description: N.}
  mail: {unit: text, description: E., pii: true}
*/
"""
BODY = """select i::hugeint as n, 'x@example.com' as mail, 1 as more
from generate_series(1, $top) as t (i)
order by i {{ 'asc' if way == 'up' else 'desc' }}"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_warehouse(tmp_path / "w.duckdb", [], AS_OF)


def parse(tmp_path: Path, text: str) -> Query:
    path = tmp_path / "q.sql"
    path.write_text(text)
    return parse_query("q", path)


def run(warehouse: Path, query: Query, **given: str) -> pl.DataFrame:
    with OpenWarehouse(warehouse) as opened:
        return run_query(opened, query, given).frame


def test_choices_shape_the_sql_and_values_are_bound(tmp_path: Path, warehouse: Path) -> None:
    query = parse(tmp_path, HEADER + BODY)
    assert run(warehouse, query)["n"].to_list() == [1, 2, 3]
    assert run(warehouse, query, way="down", top="2")["n"].to_list() == [2, 1]
    sql, values = compile_query(query, {"way": "down"})
    assert sql.endswith("order by i desc")
    assert values == {"way": "down", "top": 3}


def test_personal_columns_come_only_when_asked_for(tmp_path: Path, warehouse: Path) -> None:
    query = parse(tmp_path, HEADER + BODY)
    assert run(warehouse, query).columns == ["n"]
    with OpenWarehouse(warehouse) as opened:
        result = run_query(opened, query, with_personal_data=True)
    assert result.frame.columns == ["n", "mail"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("select 1 as m", 'SELECT" does not have a column named "n"'),
        ("select 1 as n, '' as mail from marts.nowhere", "nowhere does not exist.*sselfie build"),
        ("select 1 as n, '' as mail where 1 = $tip", "tip is no parameter; did you mean 'top'"),
        (
            "select {{ top }} as n, '' as mail",
            "'top' is undefined: only choices, splits and segments",
        ),
        ("{% include 'n/o.jinja' %}", "'n/o.jinja' not found in search paths"),
        ("{% if way %}", "Unexpected end of template"),
        ("{{ way + 1 }}", "can only concatenate str"),
        ("select 'x' as n, '' as mail", "Could not convert string 'x' to INT64"),
        ("select 2::hugeint ** 63 as n, '' as mail", "out of range"),
        ("selec 1", "syntax error"),
    ],
)
def test_wrong_sql_is_told_in_one_line(
    tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where the user's folder is another than ours
    with pytest.raises(UsageError, match=message) as error:
        run(warehouse, parse(tmp_path, HEADER + body))
    assert "\n" not in str(error.value)
    assert str(tmp_path / "q.sql") in str(error.value)


def test_parts_of_the_sql_are_included_the_users_before_ours(
    tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    header = HEADER.replace(
        "columns:", "  brackets: {type: text, default: '0', description: b}\ncolumns:"
    )
    query = parse(tmp_path, header + "{% include 'retention/brackets.jinja' %}")
    assert "string_split($brackets, ',')" in compile_query(query, {})[0]
    (tmp_path / "queries/retention").mkdir(parents=True)
    (tmp_path / "queries/retention/brackets.jinja").write_text(BODY)
    assert run(warehouse, query, way="down", top="2")["n"].to_list() == [2, 1]


def test_the_authors_order_is_kept(tmp_path: Path, warehouse: Path) -> None:
    body = "select i as n, '' as mail from range(200000) as t (i) order by hash(i)"
    numbers = run(warehouse, parse(tmp_path, HEADER + body))["n"]
    assert numbers.n_unique() == 200_000
    assert not numbers.is_sorted()
    with OpenWarehouse(warehouse) as opened:
        expected = opened.connection.execute(
            "select i from range(200000) as t (i) order by hash(i)"
        )
        assert numbers.to_list() == [row[0] for row in expected.fetchall()]


@pytest.mark.parametrize(
    "value",
    ["timestamptz 'infinity'", "date '-infinity'", "date '20000-01-01'", "date '0044-01-01 (BC)'"],
)
@pytest.mark.parametrize("as_rows", [False, True])
def test_a_date_that_nothing_else_can_hold_is_refused(
    warehouse: Path, value: str, as_rows: bool
) -> None:
    with OpenWarehouse(warehouse) as opened, pytest.raises(UsageError) as error:
        run_own(opened, f"select {value} as until", as_rows=as_rows)
    assert "until holds a date that is infinite or beyond the years 1 to 9999" in str(error.value)
    with OpenWarehouse(warehouse) as opened:
        printed = run_own(opened, f"select ({value})::text as until", as_rows=as_rows)
    assert printed.height == 1


@pytest.mark.parametrize(
    "value",
    ["18446744073709551616::hugeint", "9223372036854775808::ubigint", "123456789012345678.9"],
)
@pytest.mark.parametrize("as_rows", [False, True])
def test_a_number_that_would_lose_digits_is_refused(
    warehouse: Path, value: str, as_rows: bool
) -> None:
    with OpenWarehouse(warehouse) as opened:
        printed = run_own(opened, f"select ({value})::text as n", as_rows=as_rows)
        assert printed.frame.item() == value.partition(":")[0]
        with pytest.raises(UsageError, match="n holds a number with too many digits: cast it to"):
            run_own(opened, f"select {value} as n", as_rows=as_rows)


@pytest.mark.parametrize("end", [";", " ; -- done", "; /* ; */;"])
def test_a_statement_may_end_with_a_semicolon_or_a_comment(warehouse: Path, end: str) -> None:
    with OpenWarehouse(warehouse) as opened:
        assert run_own(opened, f"select ';' as x{end}").frame.item() == ";"


def test_rows_and_a_frame_are_the_same_table(warehouse: Path) -> None:
    sql = """select 2::hugeint << 40 as whole, sum(1.5) as decimal, 'nan'::double as no_number,
        date '0001-01-01' as day, timestamptz '9999-12-31 23:59:59.999999+00' as last,
        timestamptz '2026-03-29 01:30:00.000001+01' as instant, false as flag, 'é' as text,
        null as nothing
        union all by name select null as instant"""
    with OpenWarehouse(warehouse) as opened:
        rows, frame = (run_own(opened, sql, as_rows=each) for each in (True, False))
    assert isinstance(rows.data, list)
    assert rows.frame.equals(frame.frame, null_equal=True)
    assert rows.frame.schema == frame.frame.schema
    for form in ("table", "csv", "json", "xlsx"):
        assert to_bytes(rows, form) == to_bytes(frame, form)  # type: ignore[arg-type]


def test_a_statement_takes_its_units_from_its_types(warehouse: Path) -> None:
    sql = """select 1 as whole, 1.5 as decimal, 2.5::double as double, date '2026-01-31' as day,
        timestamp_s '2026-01-31 10:00' as instant, true as flag, 'a' as text, [1, 2] as list,
        interval 1 day as span"""
    with OpenWarehouse(warehouse) as opened:
        result = run_own(opened, sql)
    units = [column.unit for column in result.columns.values()]
    assert units == [
        "count", "number", "number", "date", "instant", "flag", "text", "text", "text",
    ]  # fmt: skip
    row = result.frame.row(0)
    assert row[3] == date(2026, 1, 31)
    assert row[4] == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert row[7:] == ("[1, 2]", "1 day")


@pytest.mark.parametrize(
    ("sql", "shown", "left_out"),
    [
        ("select * from raw.users", ["id"], ("email",)),
        ("with u as (select * from raw.users) select EMAIL, id from u", ["id"], ("email",)),
        ("from raw.users semi join raw.unheard_of using (id);", ["id"], ("email",)),
        ("select id, email as address from raw.users", ["id", "address"], ()),
        ("select count(distinct email) as n from raw.users", ["n"], ()),
        ("select title from raw.academy_courses", ["title"], ()),
        ("select email, id from raw.unheard_of", ["id"], ("email",)),
        ("select 'x' as email", ["email"], ()),
        ("from marts.dim_contacts", ["customer_key", "user_id"], ("email",)),
        (
            "select title, c.email from raw.academy_courses, marts.dim_contacts as c",
            ["title"],
            ("email",),
        ),
    ],
)
def test_a_statement_leaves_personal_data_out_unless_asked(
    tmp_path: Path, sql: str, shown: list[str], left_out: tuple[str, ...]
) -> None:
    path = write_warehouse(tmp_path / "w.duckdb", [], AS_OF)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema raw;
            create table raw.users (id integer, email varchar);
            create table raw.academy_courses (title varchar);
            create table raw.unheard_of (id integer, email varchar);
            """
        )
    with OpenWarehouse(path) as opened:
        result = run_own(opened, sql)
        assert (result.frame.columns, result.left_out) == (shown, left_out)
        everything = run_own(opened, sql, with_personal_data=True)
        assert len(everything.frame.columns) == len(shown) + len(left_out)
        with pytest.raises(UsageError, match="nothing but personal data: email"):
            run_own(opened, "select email from raw.users")


@pytest.mark.parametrize(
    "sql",
    [
        "create table x as select 1",
        "delete from marts.dim_users",
        "select 1; select 2",
        "",
        "copy (select 1) to '/tmp/never.csv'",
        "attach '/tmp/never.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/hostname')",
        "select 1 as a, 2 as A",
        "select $a",
        "-- nothing",
        "export database '/tmp/never'",
        "call pragma_version()",
        "selec 1",
    ],
)
def test_a_statement_can_only_read_the_warehouse(warehouse: Path, sql: str) -> None:
    before = warehouse.read_bytes()
    with OpenWarehouse(warehouse) as opened, pytest.raises(UsageError):
        run_own(opened, sql)
    assert warehouse.read_bytes() == before


def test_a_missing_warehouse_names_the_commands(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="run 'sselfie run'"),
        OpenWarehouse(tmp_path / "none.duckdb"),
    ):
        pass


def test_a_file_that_is_no_warehouse_is_told(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_text("not a database " * 1000)
    with pytest.raises(StorageError, match="or not a warehouse"), OpenWarehouse(path):
        pass


def test_a_warehouse_without_marts_names_the_build(tmp_path: Path) -> None:
    import duckdb

    duckdb.connect(str(tmp_path / "w.duckdb")).close()
    with (
        OpenWarehouse(tmp_path / "w.duckdb") as opened,
        pytest.raises(UsageError, match="has no marts: run 'sselfie build'"),
    ):
        str(opened.stamp)


def test_what_a_page_repeats_of_a_failure_names_no_folder(tmp_path: Path) -> None:
    """A packaged query is called by its name, wherever the package lies."""
    path = write_warehouse(tmp_path / "w.duckdb", [], AS_OF)
    with duckdb.connect(path) as db:
        db.execute("create or replace table marts.power_curve as select 1 as active_days")
    with Warehouse(path) as opened, pytest.raises(UsageError) as error:
        opened.query("engagement/power_curve")
    assert str(error.value).startswith("query engagement/power_curve: ")
