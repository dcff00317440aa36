"""Write results as an Excel workbook that people open: contents, definitions, money as money."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import combinations, islice
from math import isfinite
from typing import Any

from sselfie_insights.clock import write_instant
from sselfie_insights.errors import UsageError
from sselfie_insights.money import currency_sign, minor_digits, to_major
from sselfie_insights.query.cells import json_cell, shown_rows, write_cell
from sselfie_insights.query.header import Unit
from sselfie_insights.query.result import Result

_FORMATS: dict[Unit, str] = {
    "rate": "0.0%",
    "count": "#,##0",
    "credits": "#,##0",
    "days": "#,##0.0",
    "number": "#,##0.00",
    "month": "mmm yyyy",
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm:ss",
}
HEADER = 4
"""The row of the headers, from 0: above it stand title, definition and as-of."""

_CONTENTS, _COLUMNS = "Contents", "Columns"
_MOST_ROWS = 1_048_575 - HEADER
_MOST_COLUMNS = 16_384
# A whole number of more digits would lose its last ones.
_WHOLE = 10**15
_MOST_TEXT = 32_767
_MOST_NAME = 31
_FIRST_YEAR = 1900
_NARROWEST, _WIDEST = 8, 48
# The rows whose texts decide how wide a column is.
_MEASURED = 500


def to_workbook(results: Mapping[str, Result], gaps: Mapping[str, str] | None = None) -> bytes:
    """Return an Excel workbook: its contents, a sheet a result, and what each column means.

    Money is in whole units with its currency's sign, so ``_cents`` is no part of a header. A text
    of more characters than a cell holds is cut, and ends by saying so. Equal results give equal
    bytes.

    Args:
        results: By name, the tables; sheets come in their order.
        gaps: By name, why there is no table; the contents say so.

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
    taken = {"history", _CONTENTS.lower(), _COLUMNS.lower()}  # the first is Excel's own
    sheets = {name: _sheet_name(name, taken) for name in results}
    styles = _Styles(book)
    _write_contents(book.add_worksheet(_CONTENTS), results, sheets, gaps or {}, styles)
    for name, result in results.items():
        if result.height > _MOST_ROWS or len(result.columns) > _MOST_COLUMNS:
            raise UsageError(f"{name} has more rows or columns than a sheet", remedy="use csv")
        _write_sheet(book.add_worksheet(sheets[name]), name, result, styles)
    _write_columns(book.add_worksheet(_COLUMNS), results, sheets, styles)
    book.close()
    return buffer.getvalue()


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._money: dict[str | None, Any] = {}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.header = book.add_format({"bold": True, "bottom": 1})
        self.number_header = book.add_format({"bold": True, "bottom": 1, "align": "right"})
        self.words = book.add_format({"text_wrap": True, "valign": "top"})
        self.link = book.add_format({"font_color": "#8f4f34", "underline": 1, "valign": "top"})
        self.units = {
            unit: book.add_format({"num_format": code}) for unit, code in _FORMATS.items()
        }

    def of(self, unit: Unit, currency: str | None) -> Any:
        if unit != "cents":
            return self.units.get(unit)
        if currency not in self._money:
            digits = minor_digits(currency or "usd")
            number = f"#,##0.{'0' * digits}" if digits else "#,##0"
            sign = currency_sign(currency).replace('"', "") if currency else ""
            sign = f'"{sign}"' if sign else ""
            code = f"{sign}{number};-{sign}{number}"
            self._money[currency] = self._book.add_format({"num_format": code})
        return self._money[currency]


def _write_contents(
    sheet: Any,
    results: Mapping[str, Result],
    sheets: Mapping[str, str],
    gaps: Mapping[str, str],
    styles: _Styles,
) -> None:
    sheet.write_string(0, 0, "Contents", styles.title)
    stamp = next((result.stamp for result in results.values() if result.stamp), None)
    if stamp is not None:
        sheet.write_string(1, 0, _describe_stamp(stamp))
    for position, (heading, width) in enumerate(
        (("Sheet", 34), ("Title", 34), ("Rows", 9), ("Definition", 100))
    ):
        is_number = heading == "Rows"
        sheet.set_column(position, position, width)
        style = styles.number_header if is_number else styles.header
        sheet.write_string(HEADER, position, heading, style)
    for line, (name, result) in enumerate(results.items(), start=HEADER + 1):
        sheet.write_url(line, 0, f"internal:'{sheets[name]}'!A1", styles.link, name)
        sheet.write_string(line, 1, _fit(result.title or name), styles.words)
        sheet.write_number(line, 2, result.height, styles.units["count"])
        sheet.write_string(line, 3, _fit(result.description), styles.words)
    for line, (name, reason) in enumerate(gaps.items(), start=HEADER + 1 + len(results)):
        sheet.write_string(line, 0, _fit(name))
        sheet.write_string(line, 3, _fit(f"Not available: {reason}."), styles.words)
    sheet.freeze_panes(HEADER + 1, 1)


def _write_sheet(sheet: Any, name: str, result: Result, styles: _Styles) -> None:
    sheet.write_string(0, 0, _fit(result.title or name), styles.title)
    sheet.write_string(1, 0, _fit(result.description))
    if result.stamp is not None:
        sheet.write_string(2, 0, _describe_stamp(result.stamp))
    names = list(result.columns)
    of_currency = names.index("currency") if "currency" in names else None
    units = [column.unit for column in result.columns.values()]
    widths = [len(result.columns[each].head(each)) + 2 for each in names]
    for position, each in enumerate(names):
        is_text = units[position] in ("text", "flag")
        style = styles.header if is_text else styles.number_header
        sheet.write_string(HEADER, position, result.columns[each].head(each), style)
    for line, row in enumerate(shown_rows(result), start=HEADER + 1):
        currency = None if of_currency is None else row[of_currency]
        for position, value in enumerate(row):
            _write_cell(sheet, line, position, value, units[position], currency, styles)
    for row in islice(shown_rows(result), _MEASURED):
        currency = None if of_currency is None else row[of_currency]
        for position, value in enumerate(row):
            text = value if isinstance(value, str) else write_cell(value, units[position], currency)
            widths[position] = max(widths[position], len(text) + 1)
    for position, width in enumerate(widths):
        sheet.set_column(position, position, min(_WIDEST, max(_NARROWEST, width)))
    sheet.freeze_panes(HEADER + 1, min(len(result.key), 3))
    if result.height:
        sheet.autofilter(HEADER, 0, HEADER + result.height, len(names) - 1)


def _write_columns(
    sheet: Any, results: Mapping[str, Result], sheets: Mapping[str, str], styles: _Styles
) -> None:
    sheet.write_string(0, 0, "What each column means", styles.title)
    for position, (heading, width) in enumerate(
        (("Sheet", 34), ("Column", 34), ("Unit", 12), ("Meaning", 100))
    ):
        sheet.set_column(position, position, width)
        sheet.write_string(HEADER, position, heading, styles.header)
    line = HEADER
    for name, result in results.items():
        for each, column in result.columns.items():
            line += 1
            unit = "money" if column.unit == "cents" else column.unit
            for position, text in enumerate((sheets[name], column.head(each), unit)):
                sheet.write_string(line, position, text)
            sheet.write_string(line, 3, _fit(column.description), styles.words)
    sheet.freeze_panes(HEADER + 1, 2)


def _describe_stamp(stamp: Any) -> str:
    zone = f"days and months in {stamp.timezone}"
    return f"As of {write_instant(stamp.as_of)}, {zone}, definitions {stamp.definitions}"


def _write_cell(
    sheet: Any,
    line: int,
    position: int,
    value: Any,
    unit: Unit,
    currency: str | None,
    styles: _Styles,
) -> None:
    style = styles.of(unit, currency)
    if isinstance(value, str):
        sheet.write_string(line, position, _fit(value))
    elif _has_no_number(value):
        text = write_cell(value, unit, currency) if unit == "cents" else str(json_cell(value))
        sheet.write_string(line, position, text)
    elif unit == "cents" and value is not None:
        sheet.write_number(line, position, to_major(value, currency or "usd"), style)
    elif value is not None:
        sheet.write(line, position, value, style)


def _fit(text: str) -> str:
    """Return ``text``, or its beginning and a mark where a cell of a workbook cannot hold it.

    Excel counts UTF-16 code units.
    """
    if len(text) * 2 <= _MOST_TEXT:
        return text
    units = text.encode("utf-16-le", "replace")
    if len(units) <= _MOST_TEXT * 2:
        return text
    mark = f"… [cut: of {len(text):,} characters; the CSV has all]"
    kept = units[: 2 * (_MOST_TEXT - len(mark))].decode("utf-16-le", "ignore")
    return kept + mark


def _has_no_number(value: Any) -> bool:
    """Whether a workbook has no number for such a value: its days begin with 1900."""
    match value:
        case date():
            return value.year < _FIRST_YEAR
        case int():
            return abs(value) >= _WHOLE
        case float():
            return not isfinite(value)
        case _:
            return False


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel takes: not there yet, 31 characters, none that it forbids."""
    name = re.sub(r"[][:*?/\\']", "_", name)
    sheet, number = _shorten(name, _MOST_NAME), 2
    while sheet.lower() in taken:
        ending = f"_{number}"
        sheet = _shorten(name, _MOST_NAME - len(ending)) + ending
        number += 1
    taken.add(sheet.lower())
    return sheet


def _shorten(name: str, length: int) -> str:
    """Return ``name`` with words, else characters, left out about its middle: ``…``."""
    if len(name) <= length:
        return name
    room = length - 1
    gaps = [gap.start() for gap in re.finditer("[-_ ]", name)]
    kept: Sequence[tuple[str, str]] = [
        (name[:left], name[right + 1 :]) for left, right in combinations(gaps, 2)
    ]
    fitting = [ends for ends in kept if len("".join(ends)) <= room]
    even = max(fitting, key=lambda ends: sorted(map(len, ends)), default=None)
    return "…".join(even or (name[: room // 2], name[-(room // 2) :]))
