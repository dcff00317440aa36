"""What contract, migrations and database do not agree on."""

from sselfie_insights.migrate.catalog import Catalog, Definition, Identity
from sselfie_insights.migrate.status import UNKNOWN, compare_three_ways


def catalog(**tables: dict[str, str]) -> Catalog:
    """A catalog of tables, each with its columns and their definitions."""
    found: Catalog = {}
    for table, columns in tables.items():
        relation = f"public.{table}"
        found[Identity("table", relation)] = Definition("table", relation)
        for column, text in columns.items():
            found[Identity("column", f"{relation}.{column}")] = Definition(text, relation)
    return found


CONTRACT = catalog(t={"a": "integer", "b": "text", "c": "text"})
MIGRATIONS = catalog(t={"a": "integer", "c": "text"}, u={"d": "text"})
DATABASE = catalog(t={"a": "bigint", "b": "text", "c": "text"})


def test_each_of_the_three_can_be_the_odd_one() -> None:
    rows = compare_three_ways(CONTRACT, MIGRATIONS, DATABASE)
    assert [(str(row.identity), *row.texts) for row in rows] == [
        ("column public.t.a", "integer", "integer", "bigint"),
        ("column public.t.b", "text", None, "text"),
        ("table public.u", None, "table", None),
    ]


def test_where_nothing_is_known_of_the_migrations_two_are_compared() -> None:
    (row,) = compare_three_ways(CONTRACT, None, DATABASE)
    assert (str(row.identity), *row.texts) == ("column public.t.a", "integer", UNKNOWN, "bigint")


def test_what_agrees_is_not_told() -> None:
    assert compare_three_ways(CONTRACT, CONTRACT, CONTRACT) == ()
