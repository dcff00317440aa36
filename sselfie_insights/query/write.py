"""Write a result as CSV, JSON, Parquet or an Excel workbook; the same cells in each."""

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import IO, Any, Literal

from sselfie_insights.errors import UsageError
from sselfie_insights.files import require_replaceable, write_file
from sselfie_insights.printable import neutralize
from sselfie_insights.query.cells import list_marks, write_rows
from sselfie_insights.query.header import NUMERIC_UNITS, Unit
from sselfie_insights.query.run import Result
from sselfie_insights.query.table import TextTable, lay_out

Format = Literal["table", "csv", "json", "parquet", "xlsx"]
BINARY_FORMATS: frozenset[str] = frozenset({"parquet", "xlsx", "png"})

# Text of CSV that may not be written as it is.
_UNSAFE = re.compile('[,"\n\r\t;|=+\\-@\uff1d\uff0b\uff0d\uff20]')
_EXCEL_FORMATS: dict[Unit, str] = {
    "cents": "#,##0",
    "rate": "0.0%",
    "count": "#,##0",
    "credits": "#,##0",
    "days": "#,##0.0",
    "number": "#,##0.00",
    "month": "mmm yyyy",
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm:ss",
}
EXCEL_ROWS = 1_048_575
_EXCEL_COLUMNS = 16_384
# A whole number of more digits would lose its last ones.
_EXCEL_WHOLE = 10**15
_EXCEL_TEXT = 32_767
_EXCEL_NAME = 31
_EXCEL_FIRST_YEAR = 1900


def to_bytes(result: Result, form: Format) -> bytes:
    """Return ``result`` in the format ``form``; equal results give equal bytes.

    CSV and JSON hold raw values: money in integer cents, rates 0-1, ISO dates, instants in UTC.

    Raises:
        UsageError: The format cannot hold the table.
    """
    match form:
        case "table":
            lines, _ = lay_out(to_text_table(result))
            return ("\n".join(lines) + "\n").encode()
        case "csv":
            return to_csv(result)
        case "json":
            return (json.dumps(to_records(result), ensure_ascii=False, indent=1) + "\n").encode()
        case "parquet":
            return to_parquet(result)
        case "xlsx":
            return to_workbook({result.name: result})


def to_text_table(result: Result) -> TextTable:
    """Return ``result`` with every cell written for people."""
    return TextTable(
        headers=list(result.columns),
        rows=write_rows(result),
        numeric=[column.unit in NUMERIC_UNITS for column in result.columns.values()],
    )


def to_records(result: Result) -> list[dict[str, Any]]:
    """Return the rows as JSON objects; a suppressed group size is text, such as ``<5``.

    JSON has no number for NaN or infinity, so these are text too.
    """
    return [
        {name: _json_cell(value) for name, value in zip(result.columns, row, strict=True)}
        for row in _shown_rows(result)
    ]


def to_csv(result: Result) -> bytes:
    """Return ``result`` as CSV (RFC 4180, UTF-8) with text that spreadsheets take as text."""
    cells = zip(*_shown_rows(result), strict=True)
    columns = [
        _csv_column(values, column.unit)
        for values, column in zip(cells, result.columns.values(), strict=False)
    ]
    lines = [",".join(_csv_text(name) for name in result.columns)]
    lines += map(",".join, zip(*columns, strict=True))
    return ("\n".join(lines) + "\n").encode()


def to_parquet(result: Result) -> bytes:
    """Return ``result`` as Parquet, its stamp in the file's metadata; suppressed cells are null."""
    buffer = io.BytesIO()
    stamp = result.stamp
    metadata = {} if stamp is None else {"as_of": stamp.as_of.isoformat(), "zone": stamp.timezone}
    result.frame.write_parquet(buffer, metadata={"query": result.name, **metadata})
    return buffer.getvalue()


def to_workbook(results: dict[str, Result], gaps: Mapping[str, str] | None = None) -> bytes:
    """Return an Excel workbook with one sheet a result, typed cells and a frozen header.

    A text of more characters than a cell holds is cut, and ends by saying so.

    Args:
        results: By name, the tables.
        gaps: By name, why there is no table; a sheet of its own says so.

    Raises:
        UsageError: A table has more rows or columns than a sheet.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    # Text stays text: no formula, link or number is read into it.
    book = xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "remove_timezone": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    as_of = next((result.stamp.as_of for result in results.values() if result.stamp), None)
    book.set_properties({"created": (as_of or datetime(2000, 1, 1)).replace(tzinfo=None)})
    header = book.add_format({"bold": True, "bottom": 1})
    formats = {unit: book.add_format({"num_format": code}) for unit, code in _EXCEL_FORMATS.items()}
    names = {"history"}  # Excel's own
    for name, result in results.items():
        if result.height > EXCEL_ROWS or len(result.columns) > _EXCEL_COLUMNS:
            raise UsageError(f"{name} has more rows or columns than a sheet", remedy="use csv")
        sheet = book.add_worksheet(_sheet_name(name, names))
        sheet.freeze_panes(1, 0)
        for position, (column_name, column) in enumerate(result.columns.items()):
            width = min(40, max(12, len(column_name) + 2))
            sheet.set_column(position, position, width, formats.get(column.unit))
            sheet.write_string(0, position, column_name, header)
        for line, row in enumerate(_shown_rows(result), start=1):
            for position, value in enumerate(row):
                _write_excel_cell(sheet, line, position, value)
        if result.height:
            sheet.autofilter(0, 0, result.height, len(result.columns) - 1)
    for name, reason in (gaps or {}).items():
        sheet = book.add_worksheet(_sheet_name(name, names))
        _write_excel_cell(sheet, 0, 0, f"Not available: {reason}.")
    book.close()
    return buffer.getvalue()


def write_out(content: bytes, output: Path | None, stdout: IO[bytes], *, binary: bool) -> None:
    """Write ``content`` to the file ``output``, or to ``stdout`` when it is None or ``-``.

    Raises:
        UsageError: ``content`` is binary and ``stdout`` is a terminal, or ``output`` is a file of
            another kind, such as the warehouse.
    """
    if output is not None and str(output) != "-":
        require_replaceable(output, content)
        write_file(output, content)
        return
    if binary and stdout.isatty():
        raise UsageError("this format is binary", remedy="write it to a file with -o FILE")
    stdout.write(content)
    stdout.flush()


def _shown_rows(result: Result) -> Iterable[Sequence[Any]]:
    found = {name: marks for name, marks in list_marks(result).items() if marks}
    if not found:
        return result.rows
    rows = [list(row) for row in result.rows]
    for name, marks in found.items():
        position = list(result.columns).index(name)
        for index, mark in marks.items():
            rows[index][position] = mark
    return rows


def _json_cell(value: Any) -> Any:
    match value:
        case date():
            return _iso(value)
        case float() if not isfinite(value):
            return repr(value)
        case _:
            return value


def _csv_column(values: Iterable[Any], unit: Unit) -> list[str]:
    """Write a column at once: a million rows are common, and asking each cell its type is slow."""
    write: Callable[[Any], str]
    match unit:
        case "text":
            write = _csv_text
        case "month" | "date" | "instant":
            write = _iso
        case "flag":
            write = {True: "true", False: "false"}.__getitem__
        case _:
            write = str
    return ["" if value is None else write(value) for value in values]


def _csv_text(text: str) -> str:
    return _quote(neutralize(text)) if _UNSAFE.search(text) else text


def _iso(value: date) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _quote(text: str) -> str:
    """The csv module leaves a lone carriage return unquoted."""
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_excel_cell(sheet: Any, line: int, position: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(line, position, _fit(value))
    elif _excel_has_none(value):
        sheet.write_string(line, position, str(_json_cell(value)))
    elif value is not None:
        sheet.write(line, position, value)


def _fit(text: str) -> str:
    """Return ``text``, or its beginning and a mark where a cell of a workbook cannot hold it.

    Excel counts UTF-16 code units.
    """
    if len(text) * 2 <= _EXCEL_TEXT:
        return text
    units = text.encode("utf-16-le", "replace")
    if len(units) <= _EXCEL_TEXT * 2:
        return text
    mark = f"… [cut: of {len(text):,} characters; the CSV has all]"
    kept = units[: 2 * (_EXCEL_TEXT - len(mark))].decode("utf-16-le", "ignore")
    return kept + mark


def _excel_has_none(value: Any) -> bool:
    """Whether a workbook has no number for such a value: its days begin with 1900."""
    match value:
        case date():
            return value.year < _EXCEL_FIRST_YEAR
        case int():
            return abs(value) >= _EXCEL_WHOLE
        case float():
            return not isfinite(value)
        case _:
            return False


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel takes: not there yet, 31 characters, none that it forbids."""
    name = re.sub(r"[][:*?/\\']", "_", name)
    sheet, number = _shorten(name, _EXCEL_NAME), 2
    while sheet.lower() in taken:
        ending = f"_{number}"
        sheet = _shorten(name, _EXCEL_NAME - len(ending)) + ending
        number += 1
    taken.add(sheet.lower())
    return sheet


def _shorten(name: str, length: int) -> str:
    """Return ``name`` with words, else characters, left out about its middle: ``…``."""
    if len(name) <= length:
        return name
    room = length - 1
    gaps = [gap.start() for gap in re.finditer("[-_ ]", name)]
    kept = [(name[:left], name[right + 1 :]) for left, right in combinations(gaps, 2)]
    fitting = [ends for ends in kept if len("".join(ends)) <= room]
    even = max(fitting, key=lambda ends: sorted(map(len, ends)), default=None)
    return "…".join(even or (name[: room // 2], name[-(room // 2) :]))
