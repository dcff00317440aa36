"""Every format holds the same cells, and none runs what a cell says."""

import csv
import io
import json
import math
import os
import stat
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.files import write_file
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable
from sselfie_insights.query.write import to_bytes, to_markdown, write_out

HOSTILE = [
    "</script><script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)",
    "\tTAB", "\rCR", 'quo"ted, and\nbroken', "\u202egnirts", "👩‍👩‍👧 Zoë", "x" * 10_000,
    "'=1", " =1", "",
]  # fmt: skip
UNITS = {
    "name": "text", "month": "month", "on": "date", "at": "instant", "cents": "cents",
    "rate": "rate", "count": "count", "days": "days", "ok": "flag",
}  # fmt: skip


@pytest.fixture
def result() -> Result:
    height = len(HOSTILE)
    frame = pl.DataFrame(
        {
            "name": HOSTILE,
            "month": [date(2026, 1, 1)] * height,
            "on": [date(2026, 1, 31), *[None] * (height - 1)],
            "at": [datetime(2026, 1, 31, 23, 59, 59, 5, tzinfo=UTC)] * height,
            "cents": [-123_456_789, 0, None, *[5] * (height - 3)],
            "rate": [0.1, 1 / 3, None, *[1.0] * (height - 3)],
            "count": [2**53 + 1, 0, None, *[7] * (height - 3)],
            "days": [2.5] * height,
            "ok": [True, False, None, *[True] * (height - 3)],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    columns = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}  # type: ignore[arg-type]
    return Result("q", frame, columns, ("name",), (), {}, None)


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_parquet_gives_the_frame_back(result: Result) -> None:
    assert pl.read_parquet(io.BytesIO(to_bytes(result, "parquet"))).equals(result.frame)


def test_json_agrees_cell_for_cell(result: Result) -> None:
    records = json.loads(to_bytes(result, "json"))
    for record, row in zip(records, result.frame.iter_rows(named=True), strict=True):
        expected = dict(row)
        expected["month"] = "2026-01-01"
        expected["on"] = row["on"] and row["on"].isoformat()
        expected["at"] = "2026-01-31T23:59:59.000005Z"
        assert record == expected


def test_csv_agrees_cell_for_cell(result: Result) -> None:
    records = json.loads(to_bytes(result, "json"))
    for row, record in zip(read_csv(to_bytes(result, "csv")), records, strict=True):
        for name, unit in UNITS.items():
            assert row[name] == as_csv(record[name], unit), name


def as_csv(value: Any, unit: str) -> str:
    if value is None:
        return ""
    if unit == "text":
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return {True: "true", False: "false"}[value] if unit == "flag" else str(value)


def test_what_a_format_has_no_number_for_is_text() -> None:
    rows = [(math.nan, date(1899, 12, 31)), (-math.inf, date(1900, 1, 1))]
    columns = {
        "rate": Column(unit="rate", description=""),
        "on": Column(unit="date", description=""),
    }
    result = Result("q", rows, columns, (), (), {}, None)
    assert to_bytes(result, "csv") == b"rate,on\nnan,1899-12-31\n-inf,1900-01-01\n"
    assert json.loads(to_bytes(result, "json"), parse_constant=pytest.fail) == [
        {"rate": "nan", "on": "1899-12-31"},
        {"rate": "-inf", "on": "1900-01-01"},
    ]


def test_csv_floats_lose_nothing(result: Result) -> None:
    rates = [row["rate"] for row in read_csv(to_bytes(result, "csv"))]
    assert float(rates[1]) == 1 / 3


def test_no_csv_cell_starts_a_formula(result: Result) -> None:
    for row in read_csv(to_bytes(result, "csv")):
        assert not row["name"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_table_writes_the_same_values_for_people(result: Result) -> None:
    lines = to_bytes(result, "table").decode().splitlines()
    assert len(lines) == 2 + len(HOSTILE)  # one line a row, whatever the text holds
    assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)
    for name, unit in UNITS.items():
        if unit in ("cents", "rate", "count"):
            for value in result.frame[name].to_list():
                assert write_cell(value, unit) in "\n".join(lines)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet", "xlsx"])
def test_equal_results_give_equal_bytes(result: Result, form: Any) -> None:
    assert to_bytes(result, form) == to_bytes(result, form)


def test_a_file_is_private_and_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written: No such file or directory"):
        write_file(tmp_path / "none" / "x.csv", b"")


def test_binary_does_not_go_to_a_terminal() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(UsageError, match="write it to a file with -o FILE"):
        write_out(b"PAR1", None, Terminal(), binary=True)
    terminal = Terminal()
    write_out(b"text", Path("-"), terminal, binary=False)
    assert terminal.getvalue() == b"text"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """As root, a file would otherwise take the place of /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, b"a,b\n")
        assert os.read(reader, 100) == b"a,b\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_file(tmp_path, b"a")


def test_markdown_is_text_and_no_markup() -> None:
    table = TextTable(
        ["a_cents", "b|c"],
        [["<5", "_x_ `y` [z](https://e.example) <img src=1>"], ["$1.00", "one\ntwo\\"]],
        [True, False],
    )
    assert to_markdown(table) == (
        "| a_cents | b\\|c |\n"
        "| ---: | --- |\n"
        "| \\<5 | \\_x\\_ \\`y\\` \\[z\\](https://e.example) \\<img src=1\\> |\n"
        "| $1.00 | one two\\\\ |\n"
    )
