"""Engines put missing values on different ends: a window that orders by a key says on which.

DuckDB's own parser reads the compiled models, so that no spelling of a window escapes.
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Dbt


def read_tree(sql: str) -> Any:
    """Return DuckDB's syntax tree of a select."""
    row = duckdb.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    assert not tree["error"], tree
    return tree


def find_unsaid(tree: Any, in_window: bool = False) -> Iterator[Any]:
    """Yield the keys that order a window and leave it to the engine where missing values go."""
    if isinstance(tree, list):
        for branch in tree:
            yield from find_unsaid(branch, in_window)
    elif isinstance(tree, dict):
        in_window = in_window or tree.get("class") == "WINDOW"
        if in_window and tree.get("null_order") == "ORDER_DEFAULT":
            yield tree["expression"]
        for branch in tree.values():
            yield from find_unsaid(branch, in_window)


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("select lag(a) over (order by b) from t", 1),
        ("select lag(a) over w from t window w as (partition by c order by b desc, d)", 2),
        ("select lag(a) over (order by b nulls last), max(a) over (partition by b) from t", 0),
        ("with x as (select sum(a) over (order by b nulls first) from t) from x order by 1", 0),
    ],
)
def test_what_counts_as_unsaid(sql: str, count: int) -> None:
    assert len(list(find_unsaid(read_tree(sql)))) == count


def test_windows_say_where_missing_values_go(built: Dbt) -> None:
    files = sorted((built.folder / "compiled" / "sselfie" / "models").rglob("*.sql"))

    unsaid = {
        file.stem: len(keys)
        for file in files
        if (keys := list(find_unsaid(read_tree(file.read_text()))))
    }

    assert {"int_billing_attempts", "stickiness", "stg_app__user_credits"} <= {
        f.stem for f in files
    }
    assert unsaid == {}
