import pytest

from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.catalog import SourceColumn
from sselfie_insights.sync.columns import Column, distinct_names, place_table
from tests.unit.sync.sources import column, table


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["Name", "name"], ["Name__2", "name"]),
        (["NAME", "Name"], ["NAME", "Name__2"]),
        (["Name", "NAME", "name", "name__2"], ["Name__3", "NAME__4", "name", "name__2"]),
    ],
)
def test_names_that_differ_only_in_case_are_told_apart(
    names: list[str], expected: list[str]
) -> None:
    assert distinct_names(names) == expected
    assert len({name.lower() for name in expected}) == len(names)


@pytest.mark.parametrize(
    ("source", "travel", "kind"),
    [
        (column("integer", "int4"), "native", "INTEGER"),
        (column("numeric(10,2)", "numeric", modifier=(10 << 16 | 2) + 4), "native",
         "DECIMAL(10,2)"),
        (column("numeric(39,2)", "numeric", modifier=(39 << 16 | 2) + 4), "text", "VARCHAR"),
        (column("numeric(5,-2)", "numeric", modifier=(5 << 16 | 0x7FE) + 4), "text", "VARCHAR"),
        (column("numeric(2,5)", "numeric", modifier=(2 << 16 | 5) + 4), "text", "VARCHAR"),
        (column("numeric", "numeric"), "text", "VARCHAR"),
        (column("text[]", "_text", element="text"), "native", "VARCHAR[]"),
        (column("double precision[]", "_float8", element="float8"), "text", "VARCHAR"),
        (column("app.mood", None), "text", "VARCHAR"),
        (column("interval", "interval"), "text", "VARCHAR"),
    ],
)  # fmt: skip
def test_how_a_type_travels(source: SourceColumn, travel: str, kind: str) -> None:
    (placed,) = place_table(table(source), "raw", "t", ()).columns
    assert (placed.transfer_mode, placed.type) == (travel, kind)
    assert bool(placed.reason) == (travel == "text")


def test_a_secret_is_null_on_this_side_and_absent_on_the_other() -> None:
    placed = place_table(table(column("text", "text", name="token")), "raw", "t", ["token"])
    assert placed.columns[0].local == 'null::VARCHAR as "token"'
    assert placed.columns[0].remote_unrepresentable is None


def test_names_and_texts_are_quoted() -> None:
    assert quote('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
    odd = Column(column("text", "text", name='x"; drop'), "x", "native", "VARCHAR")
    assert odd.remote == '"x""; drop"'


@pytest.mark.parametrize(
    ("names", "secrets", "is_direct"),
    [(["id", "v"], [], True), (["id", "V"], [], False), (["id"], ["id"], False)],
)
def test_when_the_parallel_scan_is_used(
    names: list[str], secrets: list[str], is_direct: bool
) -> None:
    columns = [column("text", "text", name=name) for name in names]
    assert place_table(table(*columns), "raw", "t", secrets).is_direct is is_direct
