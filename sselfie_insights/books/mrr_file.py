"""Read another tool's MRR: a CSV file with a row per customer, month and currency, or wider."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.files import storage_error
from sselfie_insights.money import minor_digits

_NAMES = {
    "customer": (
        *("customer", "customer id", "stripe customer id", "customer external id", "external id"),
        *("subscriber", "subscriber id", "customer key", "user id", "customer email", "email"),
    ),
    "month": ("month", "period", "date", "month end", "month start"),
    "currency": ("currency", "currency code", "mrr currency"),
    "mrr": ("mrr", "mrr amount", "amount", "mrr cents", "mrr minor"),
}
"""What the columns are often called, without regard to case and punctuation, the best first."""

_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_MONTHS = ("%Y-%m", "%Y-%m-%d", "%Y/%m/%d", "%Y/%m", "%b %Y", "%B %Y", "%b-%Y", "%Y %b", "%Y %B")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[ T]\d\d:\d\d.*")
_NUMBER = {
    ".": re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"),
    ",": re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?"),
}


@dataclass(frozen=True)
class ForeignMrr:
    """What another tool says of one customer at the end of one month.

    Attributes:
        line: The line of the file.
        customer: The customer, as the file names it.
        month: The first day of the month.
        currency: In lower case.
        amount: MRR in major units, exactly as written.
    """

    line: int
    customer: str
    month: date
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class _Cell:
    line: int
    column: str
    customer: str
    month: date
    currency: str
    text: str


def read_mrr(
    path: Path, mapping: Mapping[str, str] | None = None, currency: str | None = None
) -> list[ForeignMrr]:
    """Return what the file at ``path`` says, in its order; empty cells of months say nothing.

    Args:
        path: A CSV file with headers, separated by commas, semicolons or tabs.
        mapping: The headers of ``customer``, ``month``, ``currency`` and ``mrr`` where they have
            other names. Without a column of months, every column whose header is one is read.
        currency: What the amounts are in where no column says so.

    Raises:
        UsageError: It cannot be read; the message names the line and the column.
    """
    lines = list(_read_lines(path))
    if not lines:
        raise UsageError(f"{path} is empty")
    (_, headers), rows = lines[0], lines[1:]
    columns = _find_columns(path, headers, dict(mapping or {}))
    months = {} if "month" in columns else _find_months(path, headers)
    if "currency" not in columns and currency is None:
        raise UsageError(
            f"{path} has no column of currencies",
            remedy="name it with --map currency=COLUMN, or say --currency usd",
        )
    cells = []
    for line, row in rows:
        if len(row) != len(headers):
            raise _refuse(path, line, "", f"{len(row)} of {len(headers)} columns are there")
        values = {name: row[place].strip() for name, place in columns.items()}
        customer = values["customer"]
        if not customer:
            raise _refuse(path, line, headers[columns["customer"]], "it is empty")
        code = (values.get("currency") or currency or "").lower()
        if not re.fullmatch(r"[a-z]{3}", code):
            column = headers[columns["currency"]] if "currency" in columns else "--currency"
            raise _refuse(path, line, column, f"{code!r} is no currency of three letters")
        if months:
            cells += [
                _Cell(line, headers[place], customer, month, code, row[place].strip())
                for place, month in months.items()
                if row[place].strip()
            ]
        else:
            month = _parse_month(values["month"])
            header = headers[columns["month"]]
            if month is None:
                raise _refuse(path, line, header, f"{values['month']!r} is no month")
            if not values["mrr"]:
                raise _refuse(path, line, headers[columns["mrr"]], "it is empty")
            header = headers[columns["mrr"]]
            cells.append(_Cell(line, header, customer, month, code, values["mrr"]))
    return _to_amounts(path, cells)


def _read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row begins, and its cells; rows without text are left out."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise storage_error(f"{path} cannot be read", error) from None
    encoding = next((code for mark, code in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refuse(path, line, "", "it is not text in UTF-8 or UTF-16") from None
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True
    )
    begun = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begun, cells
            begun = reader.line_num + 1
    except csv.Error as error:
        raise _refuse(path, begun, "", str(error)) from None


def _find_columns(path: Path, headers: Sequence[str], mapping: dict[str, str]) -> dict[str, int]:
    """Return the place of each of our columns that the file has."""
    unknown = sorted(mapping.keys() - _NAMES.keys())
    if unknown:
        raise UsageError(
            f"--map {unknown[0]}: there is no such part{nearest(unknown[0], _NAMES)}",
            remedy=f"parts: {', '.join(_NAMES)}",
        )
    plain = [_plain(header) for header in headers]
    found = {}
    for part, names in _NAMES.items():
        if part in mapping:
            if mapping[part] not in headers:
                raise UsageError(
                    f"{path} has no column {mapping[part]!r}{nearest(mapping[part], headers)}",
                    remedy=f"columns: {', '.join(headers)}",
                )
            found[part] = headers.index(mapping[part])
        elif known := next((name for name in names if name in plain), None):
            found[part] = plain.index(known)
    wanted = ["customer"]
    if "month" in mapping or ("month" in found and "mrr" in found):
        wanted.append("mrr")
    else:
        found.pop("month", None)
    for part in wanted:
        if part not in found:
            raise UsageError(
                f"{path} has no column of {part}",
                remedy=f"name it with --map {part}=COLUMN; columns: {', '.join(headers)}",
            )
    return found


def _find_months(path: Path, headers: Sequence[str]) -> dict[int, date]:
    months = {
        place: month
        for place, header in enumerate(headers)
        if (month := _parse_month(header.strip())) is not None
    }
    if not months:
        raise UsageError(
            f"{path} has neither columns of month and mrr nor one column a month",
            remedy=f"use --map month=COLUMN and --map mrr=COLUMN; columns: {', '.join(headers)}",
        )
    twice = len(months) - len(set(months.values()))
    if twice:
        raise UsageError(f"{path}: two columns are of one month")
    return months


def _parse_month(text: str) -> date | None:
    """Return the first day of the month that ``text`` names, by itself or by a day of it."""
    instant = _INSTANT.fullmatch(text)
    if instant:
        text = instant[1]
    for form in _MONTHS:
        try:
            return datetime.strptime(text, form).date().replace(day=1)
        except ValueError:
            continue
    return None


def _to_amounts(path: Path, cells: Sequence[_Cell]) -> list[ForeignMrr]:
    """Return the amounts, all with one decimal separator; no customer twice in a month."""
    separator = _find_separator(path, cells)
    group = "," if separator == "." else "."
    amounts: dict[tuple[str, date, str], ForeignMrr] = {}
    for cell in cells:
        number = Decimal(cell.text.replace(group, "").replace(separator, "."))
        if _plain(cell.column).endswith((" cents", " minor")):
            number = number.scaleb(-minor_digits(cell.currency))
        key = (cell.customer, cell.month, cell.currency)
        if key in amounts:
            raise _refuse(
                path,
                cell.line,
                cell.column,
                f"line {amounts[key].line} has this customer, month and currency already",
            )
        amounts[key] = ForeignMrr(cell.line, *key, number)
    return list(amounts.values())


def _find_separator(path: Path, cells: Sequence[_Cell]) -> str:
    failed = {
        mark: [cell for cell in cells if not shape.fullmatch(cell.text)]
        for mark, shape in _NUMBER.items()
    }
    fitting = [mark for mark, cells_of in failed.items() if not cells_of]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        best = min(failed, key=lambda mark: len(failed[mark]))
        cell = failed[best][0]
        raise _refuse(path, cell.line, cell.column, f"{cell.text!r} is no amount")
    doubtful = next((cell for cell in cells if re.search(r"[.,]", cell.text)), None)
    if doubtful is not None:
        raise _refuse(
            path,
            doubtful.line,
            doubtful.column,
            f"{doubtful.text!r} can be read with a decimal point and with a decimal comma, and so"
            " can all others",
        )
    return "."


def _plain(header: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", header.lower()))


def _refuse(path: Path, line: int, column: str, reason: str) -> UsageError:
    where = f", column {column}" if column else ""
    return UsageError(f"{path}, line {line}{where}: {reason}")
