"""Workbooks, opened by a reader of its own: openpyxl."""

import io
import math
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import openpyxl
import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import Column, Unit
from sselfie_insights.query.result import Result
from sselfie_insights.query.workbook import HEADER, to_workbook
from sselfie_insights.query.write import to_bytes
from sselfie_insights.warehouse.reading import Stamp
from tests.unit.query.test_write import HOSTILE, UNITS, result

__all__ = ["result"]

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)


def make(rows: list[tuple[Any, ...]], **units: Unit) -> Result:
    columns = {
        name: Column(unit=unit, description=f"What {name} is.") for name, unit in units.items()
    }
    stamp = Stamp(AS_OF, AS_OF.date(), "Europe/Oslo", 14, None, None, None, 3)
    return Result(
        "q",
        rows,
        columns,
        (next(iter(units)),),
        (),
        {},
        stamp,
        title="Money",
        description="All of it.",
    )


def open_book(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def rows_of(sheet: Any) -> Iterator[list[Any]]:
    """The rows below the header."""
    for row in sheet.iter_rows(min_row=HEADER + 2):
        yield [cell.value for cell in row]


def test_money_is_money_with_its_sign_and_decimals() -> None:
    rows = [("usd", 123456), ("usd", -50), ("jpy", 9800), ("cad", 500), ("chf", 501), (None, 7)]
    sheet = open_book(to_bytes(make(rows, currency="text", net_cents="cents"), "xlsx"))["q"]
    cells = [(row[1].value, row[1].number_format) for row in sheet.iter_rows(min_row=HEADER + 2)]
    assert cells == [
        (1234.56, '"$"#,##0.00;-"$"#,##0.00'),
        (-0.5, '"$"#,##0.00;-"$"#,##0.00'),
        (9800, '"¥"#,##0;-"¥"#,##0'),
        (5, '"CA$"#,##0.00;-"CA$"#,##0.00'),
        (5.01, '"CHF "#,##0.00;-"CHF "#,##0.00'),
        (0.07, "#,##0.00;-#,##0.00"),
    ]
    assert [cell.value for cell in sheet[HEADER + 1]] == ["currency", "net"]


def test_each_sheet_says_what_it_is_and_of_when() -> None:
    sheet = open_book(to_bytes(make([("usd", 1)], currency="text", n="count"), "xlsx"))["q"]
    assert sheet["A1"].value == "Money"
    assert sheet["A2"].value == "All of it."
    assert sheet["A3"].value == (
        "As of 2026-11-15 12:00:00 UTC, days and months in Europe/Oslo, definitions 3"
    )
    assert sheet.freeze_panes == "B6"
    assert sheet.auto_filter.ref == "A5:B6"


def test_the_contents_lead_to_every_sheet_and_say_what_is_missing() -> None:
    one = make([("usd", 1), ("eur", 2)], currency="text", n="count")
    book = open_book(to_workbook({"a/b": one, "c": one}, {"gone": "there is no table"}))
    assert book.sheetnames == ["Contents", "a_b", "c", "Columns"]
    contents = book["Contents"]
    assert list(rows_of(contents))[:3] == [
        ["a/b", "Money", 2, "All of it."],
        ["c", "Money", 2, "All of it."],
        ["gone", None, None, "Not available: there is no table."],
    ]
    assert contents["A6"].hyperlink.location == "'a_b'!A1"
    assert ["a_b", "n", "count", "What n is."] in list(rows_of(book["Columns"]))


def test_columns_are_as_wide_as_what_they_hold() -> None:
    rows = [("x", 10), ("a text of some thirty letters.", 1_234_567_89), ("y" * 500, 1)]
    sheet = open_book(to_bytes(make(rows, name="text", net_cents="cents"), "xlsx"))["q"]
    assert sheet.column_dimensions["A"].width == pytest.approx(48, abs=1)
    assert sheet.column_dimensions["B"].width == pytest.approx(len("1,234,567.89") + 1, abs=1)


def test_what_a_workbook_has_no_number_for_is_text() -> None:
    rows = [(math.nan, date(1899, 12, 31)), (-math.inf, date(1900, 3, 1))]
    sheet = open_book(to_bytes(make(rows, rate="rate", on="date"), "xlsx"))["q"]
    assert list(rows_of(sheet)) == [["nan", "1899-12-31"], ["-inf", datetime(1900, 3, 1)]]


def test_excel_loses_no_digit_of_a_whole_number() -> None:
    rows = [(10**15 - 1, 2**53 + 1, 2**53 + 1)]
    made = make(rows, number="count", text="count", cents="cents")
    [row] = rows_of(open_book(to_bytes(made, "xlsx"))["q"])
    assert row == [999_999_999_999_999, "9007199254740993", "90,071,992,547,409.93"]


def test_excel_agrees_cell_for_cell_and_holds_no_formula(result: Result) -> None:
    content = to_bytes(result, "xlsx")
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet2.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    rows = rows_of(open_book(content)["q"])
    for row, values in zip(rows, result.frame.iter_rows(), strict=True):
        for cell, value, unit in zip(row, values, UNITS.values(), strict=True):
            if value is None or value == "":
                assert cell in (None, "")
            elif unit in ("month", "date"):
                assert cell.date() == value
            elif unit == "instant":
                assert abs((cell - value.replace(tzinfo=None)).total_seconds()) < 0.001
            elif unit == "cents":
                assert cell == value / 100
            elif unit == "text":
                assert cell.replace("_x000D_", "\r") == value
            elif isinstance(cell, str):
                assert cell == str(value)
            else:
                assert cell == value
    assert len(HOSTILE) == result.height


def test_a_table_too_wide_for_excel_is_told() -> None:
    columns = {f"c{number}": Column(unit="count", description="") for number in range(16_385)}
    with pytest.raises(UsageError, match="more rows or columns than a sheet: use csv"):
        to_bytes(Result("q", [], columns, (), (), {}, None), "xlsx")


def test_a_sheet_has_a_name_that_excel_takes_and_people_understand(result: Result) -> None:
    names = {
        "History": "History_2",  # Excel's own
        "contents": "contents_2",
        "a/b": "a_b",
        "A:b": "A_b_2",
        "[?*'\\]": "______",
        "a-name-of-exactly-31-characters": "a-name-of-exactly-31-characters",
        "revenue-retention-from-month-to-month-usd": "revenue-retention…to-month-usd",
        "revenue-retention-from-week-to-month-usd": "revenue-retention…month-usd_2",
        "engagement/generation_success_by_month": "engagement…success_by_month",
        "Engagement/prompt_success_by_month": "Engagement…success_by_month_2",
        "x" * 40: "x" * 15 + "…" + "x" * 15,
        "X" * 40: "X" * 14 + "…" + "X" * 14 + "_2",
    }
    book = zipfile.ZipFile(io.BytesIO(to_workbook(dict.fromkeys(names, result))))
    tree = ElementTree.fromstring(book.read("xl/workbook.xml"))  # noqa: S314
    sheets = [each.attrib["name"] for each in tree.iter() if each.tag.endswith("}sheet")]
    assert sheets == ["Contents", *names.values(), "Columns"]
    assert all(len(name) <= 31 for name in sheets)
    assert len({name.casefold() for name in sheets}) == len(sheets)


@pytest.mark.parametrize(
    ("letter", "length", "kept"),
    [("x", 32_767, 32_767), ("x", 32_768, 32_721), ("😀", 16_383, 16_383), ("😀", 40_000, 16_360)],
    ids=["the most", "one more", "two units each", "two units each, too many"],
)
def test_a_text_too_long_for_excel_is_cut_and_says_so(
    result: Result, letter: str, length: int, kept: int
) -> None:
    """A cell holds 32,767 characters of UTF-16."""
    frame = result.frame.head(1).with_columns(name=pl.lit(letter * length))
    long = Result("q", frame, result.columns, ("name",), (), {}, None)

    book = zipfile.ZipFile(io.BytesIO(to_bytes(long, "xlsx")))
    texts = re.findall("<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
    (written,) = (text for text in texts if letter * 100 in text)

    assert len(written.encode("utf-16-le")) <= 2 * 32_767
    assert written.count(letter) == kept
    assert written.endswith(f"… [cut: of {length:,} characters; the CSV has all]") == (
        kept < length
    )
