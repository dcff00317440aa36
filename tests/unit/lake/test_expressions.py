"""What an engine is spared is found in a statement, and means what DuckDB's recursion does."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.lake.expressions import Evaluator, Expression, parse, split_recursion
from tests.support.sail import running_sail

GRAPH = "(values (1, 2), (2, 3), (2, 4), (4, 5), (7, 8)) as edges (a, b)"

STATEMENTS = {
    "a row a level": """
        with recursive n as (select 1 as i union all select i + 1 from n where i < 20)
        select i from n
    """,
    "a base without rows": """
        with recursive n as (select 1 as i where false union all select i + 1 from n)
        select i from n
    """,
    "expressions before it, and one that reads it": f"""
        with recursive edges as (select * from {GRAPH}),
        roots as (select distinct a from edges where a not in (select b from edges)),
        walk as (
            select a as root, a as node, 0 as depth from roots
            union all
            select walk.root, edges.b, walk.depth + 1 from walk join edges on walk.node = edges.a
        ),
        counted as (select root, depth, count(*) as nodes from walk group by root, depth)
        select * from counted
    """,
    "a window in the step": f"""
        with recursive edges as (select * from {GRAPH}),
        walk as (
            select 1 as node, cast(1 as bigint) as place
            union all
            select b, row_number() over (order by b nulls last)
            from (select edges.b from walk inner join edges on walk.node = edges.a) as following
        )
        select * from walk
    """,
    "parentheses and quotes that are none": """
        select count(*), max(text) from (
            with recursive n as (
                -- a ( that nobody closes, and it's quoted
                select 1 as i, ') union all (' as text /* ) */
                union all
                select i + 1, text || '\\'' from n where i < 3
            )
            select * from n
        ) as inner_one
    """,
    "two, one upon the other": """
        with recursive n as (select 1 as i union all select i + 1 from n where i < 3),
        m as (select i as j from n union all select j * 10 from m where j < 100)
        select j from m
    """,
    "computed once": f"""
        with edges as materialized (select * from {GRAPH}),
        twice as (select a from edges union all select b from edges)
        select * from twice
    """,
}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with running_sail() as remote, warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for library in ("pyarrow", "pyspark"):  # hidden from everybody else
            patch.delitem(sys.modules, library)
        # A worker of xdist has no main file, by which pyspark knows doctests.
        patch.setattr(sys.modules["__main__"], "__file__", __file__, raising=False)
        from pyspark.sql import SparkSession

        session = SparkSession.builder.remote(remote).getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session
        session.stop()


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_evaluated_statement_has_the_rows_that_duckdb_finds(
    session: Any, tmp_path: Path, name: str
) -> None:
    sql = STATEMENTS[name]
    expected = duckdb.execute(sql.replace("\\'", "''")).fetchall()

    simple = Evaluator(session, str(tmp_path)).simplify(sql)

    assert parse(simple) is None
    found = [tuple(row) for row in session.sql(simple).collect()]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "with a as (select 1) select * from a",
        "select extract(day from x), 'with recursive a as (' from t -- with recursive",
        'select "with", timestamp with time zone from t',
    ],
)
def test_plain_statements_stay_as_they_are(sql: str) -> None:
    assert parse(sql) is None


def test_a_name_that_is_only_a_column_makes_nothing_recursive() -> None:
    expression = Expression("periods", "select periods from days union all select 1")

    assert split_recursion(expression) is None


def test_a_recursion_without_a_base_is_refused() -> None:
    with pytest.raises(ValueError, match="n reads itself"):
        split_recursion(Expression("n", "select i + 1 from n"))
