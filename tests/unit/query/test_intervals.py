"""A share of people stands beside its 95 % interval, in whatever form its query is told."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.describe import describe_query
from sselfie_insights.query.library import Query, parse_query
from sselfie_insights.query.result import Result
from sselfie_insights.query.workbook import HEADER
from sselfie_insights.query.write import to_bytes
from tests.support.pages import suppress_alone
from tests.support.warehouses import write_warehouse

SHARE = "{unit: rate, of: people, description: S.}"
# Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3:
# share, of how many, and the ends of its interval.
PRINTED = {
    "a": (81, 263, 0.2553, 0.3662),
    "b": (15, 148, 0.0624, 0.1605),
    "c": (0, 20, 0.0, 0.1611),
    "d": (1, 29, 0.0061, 0.1718),
}
BODY = """select * from (values
    ('a', 263, 81 / 263), ('b', 148, 15 / 148), ('c', 20, 0), ('d', 29, 1 / 29), ('e', 3, 1),
    ('f', 0, null), ('g', 9, null), ('h', null, 1)
) as t (name, people, share)"""


def parse(tmp_path: Path, share: str = SHARE, more: str = "", body: str = BODY) -> Query:
    path = tmp_path / "q.sql"
    path.write_text(
        f"""/*
grain: One row per name.
title: T
description: D
key: [name]
people: people
columns:
  name: {{unit: text, description: N.}}
  people: {{unit: count, description: P.}}
  share: {share}
  {more}
*/
{body}"""
    )
    return parse_query("q", path)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_warehouse(
        tmp_path_factory.mktemp("intervals") / "w.duckdb", [], datetime(2026, 3, 15, tzinfo=UTC)
    )


def run(warehouse: Path, query: Query, *, as_rows: bool = False) -> Result:
    with OpenWarehouse(warehouse) as opened:
        return run_query(opened, query, as_rows=as_rows)


def test_the_ends_are_as_printed_and_follow_the_share(tmp_path: Path, warehouse: Path) -> None:
    result = run(warehouse, parse(tmp_path), as_rows=True)
    assert list(result.columns) == ["name", "people", "share", "share_low", "share_high"]
    found = {name: (low, high) for name, _, _, low, high in result.rows}
    for name, (_, _, low, high) in PRINTED.items():
        assert found[name] == pytest.approx((low, high), abs=5e-5)
    assert found["c"][0] == 0, "no rounding error below nobody"
    # All of 3: 3 / (3 + z^2) by hand, and the end beside everybody is that.
    assert found["e"] == (pytest.approx(3 / (3 + 1.959963984540054**2)), 1)
    assert [found[name] for name in "fgh"] == [(None, None)] * 3, "nobody, or not known"


def test_every_format_holds_the_same_ends(tmp_path: Path, warehouse: Path) -> None:
    result = run(
        warehouse,
        parse(tmp_path, SHARE.replace("description", "interval: [low, high], description")),
    )
    names = ["name", "people", "share", "low", "high"]
    rows = result.frame.rows()
    assert result.frame.columns == names
    assert pl.read_parquet(to_bytes(result, "parquet")).rows() == rows
    assert [tuple(row.values()) for row in json.loads(to_bytes(result, "json"))] == rows
    printed = list(csv.DictReader(io.StringIO(to_bytes(result, "csv").decode())))
    assert [tuple(float(r[n]) if r[n] else None for n in names[1:]) for r in printed] == [
        row[1:] for row in rows
    ]
    with ZipFile(io.BytesIO(to_bytes(result, "xlsx"))) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet2.xml"))  # noqa: S314
    numbers = {
        cell.attrib["r"]: float(cell.findtext("{*}v") or "nan")
        for cell in sheet.iterfind(".//{*}c")
    }
    assert [numbers.get(f"D{line}") for line in range(HEADER + 2, HEADER + 10)] == pytest.approx(
        [row[3] for row in rows]
    )
    lines = to_bytes(result, "table").decode().splitlines()
    assert lines[0].split() == names
    assert lines[2].split() == ["a", "263", "30.8%", "25.5%", "36.6%"]


def test_the_share_and_its_ends_go_together_from_a_small_group(
    tmp_path: Path, warehouse: Path
) -> None:
    shown = suppress_alone(run(warehouse, parse(tmp_path)))
    assert shown.frame.filter(name="e").rows() == [("e", None, None, None, None)]


def test_the_query_tells_of_them(tmp_path: Path) -> None:
    printed = describe_query(parse(tmp_path), {})
    assert "share_low   rate   Lower end of the 95 % interval of share (Wilson)." in printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"share": "{unit: rate, interval: [low, high], description: S.}"},
            "columns: 'share' is no rate of a number",
        ),
        (
            {"more": "d: {unit: rate, difference: [share, people], description: D.}"},
            "columns: 'd' is the difference of 'people', which is no such rate",
        ),
        (
            {"more": "d: {unit: count, difference: [share, share], description: D.}"},
            "columns: 'd' is no rate of a number",
        ),
        (
            {"more": "share_high: {unit: rate, description: H.}"},
            "columns: 'share_high' is worked out from 'share'",
        ),
        (
            {"body": "select 'a' as name, 20 as people, 1.2 as share"},
            "share is a share, which lies between 0 and 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, warehouse: Path, change: Mapping[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(warehouse, parse(tmp_path, **change))
