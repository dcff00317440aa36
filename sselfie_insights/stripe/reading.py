"""Read one of Stripe's exports: whole and exactly, or refuse it, naming line and column."""

import csv
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sselfie_insights.errors import UsageError
from sselfie_insights.stripe.amounts import Amount, AmountError, find_separator, to_minor
from sselfie_insights.stripe.formats import (
    ITEMIZED,
    WANTED,
    Field,
    Format,
    describe_other,
    find_format,
)

LARGEST_BYTES = 2_000_000_000
"""Of what a compressed file holds; one that is larger is refused, not unpacked."""

_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?: ?(?:Z|UTC|\+00:?00))?)?"
)
_CHARGE = re.compile(r"\b(?:ch|py)_\w+")
_DECIMALS = re.compile(r"(?<=[.,])\d+$")
_SCIENTIFIC = re.compile(r"-?\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)

Row = dict[str, Any]
"""Our columns by name: text, whole numbers, booleans, aware or local instants; None if empty."""


@dataclass(frozen=True)
class Export:
    """One file, read.

    Attributes:
        name: The file's name.
        sha256: The checksum of its bytes.
        format: Which of Stripe's exports it is.
        columns: The columns of ours that it has.
        rows: One a transaction or payment, in the file's order; ``line`` is the line, from 1.
    """

    name: str
    sha256: str
    format: Format
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_bytes(path: Path) -> bytes:
    """Return the bytes of the file at ``path``.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def read_text(path: Path) -> str:
    """Return what the file at ``path`` says, uncompressed.

    Raises:
        UsageError: It cannot be read, or is no text.
    """
    return _decode(path.name, _unpack(path.name, read_bytes(path)))


def parse_export(name: str, content: bytes) -> Export:
    """Read an export of the name ``name`` from its bytes.

    Raises:
        UsageError: It is no export that counts, or is damaged; the message names the file and,
            where there is one, line and column.
    """
    text = _decode(name, _unpack(name, content))
    lines = _split(name, text)
    try:
        _, headers = next(lines)
    except StopIteration:
        raise _refuse(name, "it is empty", "download it again") from None
    lowered = [header.strip().lower() for header in headers]
    form = find_format(frozenset(lowered))
    if form is None:
        raise _refuse(name, f"it is {describe_other(frozenset(lowered))}", f"download {WANTED}")
    places = _place(name, form, lowered)
    texts = [(line, _pick(name, line, cells, len(headers), places)) for line, cells in lines]
    if texts and not text.endswith(("\n", "\r")) and places[-1][0] == len(headers) - 1:
        _check_end(name, headers[-1], places[-1][1], texts)
    rows = _convert(name, form, texts, {field.name: headers[at] for at, field in places})
    for row in rows:
        _check_row(name, row)
    columns = tuple(field.name for _, field in places)
    return Export(name, hashlib.sha256(content).hexdigest(), form, columns, tuple(rows))


def _refuse(
    name: str, reason: str, remedy: str, line: int | None = None, header: str = ""
) -> UsageError:
    where = f", line {line}" if line else ""
    where += f", column {header}" if header else ""
    return UsageError(f"{name}{where}: {reason}", remedy=remedy)


_AGAIN = "download it again, and do not save it with another program"


def _unpack(name: str, content: bytes) -> bytes:
    """Return what a gzip or a ZIP of one file holds, else ``content``."""
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(content)) as stream:
                unpacked = stream.read(LARGEST_BYTES + 1)
        elif content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = [each for each in archive.infolist() if not each.is_dir()]
                members = [each for each in members if not each.filename.startswith("__MACOSX/")]
                if len(members) != 1:
                    raise _refuse(name, f"it holds {len(members)} files", "keep one file in it")
                with archive.open(members[0]) as stream:
                    unpacked = stream.read(LARGEST_BYTES + 1)
        else:
            return content
    # zipfile raises the last for a password, and for a compression that it does not know.
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError):
        raise _refuse(name, "its compression is damaged", _AGAIN) from None
    if len(unpacked) > LARGEST_BYTES:
        raise _refuse(name, f"it holds more than {LARGEST_BYTES:,} bytes", "download less at once")
    return unpacked


def _decode(name: str, content: bytes) -> str:
    encoding = next((code for mark, code in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise _refuse(name, "it is not text in UTF-8 or UTF-16", _AGAIN) from None
    if "\x00" in text:
        raise _refuse(name, "it holds zero bytes", _AGAIN)
    if text.lstrip().startswith("<"):
        raise _refuse(name, "it is an HTML page", f"sign in, and download {WANTED}")
    return text


def _split(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which a row begins, and its cells; rows without any text are left out."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _refuse(name, "a quoted text does not end as it should", _AGAIN, begun) from None
        if any(cell.strip() for cell in cells):
            yield begun, cells
        begun = reader.line_num + 1


def _place(name: str, form: Format, headers: list[str]) -> list[tuple[int, Field]]:
    """Return the places of the columns that are read."""
    places = [
        (at, form.fields[header]) for at, header in enumerate(headers) if header in form.fields
    ]
    names = [field.name for _, field in places]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice:
        raise _refuse(name, f"two columns say {twice}", _AGAIN)
    missing = [
        h for h, field in form.fields.items() if field.is_required and field.name not in names
    ]
    if not {"created_at", "created_local"} & set(names):
        missing.append("created_utc" if form is ITEMIZED else "created (utc)")
    if missing:
        raise _refuse(name, f"the column {missing[0]} is missing", "tick it, and download it again")
    return places


def _pick(
    name: str, line: int, cells: list[str], width: int, places: list[tuple[int, Field]]
) -> dict[Field, str]:
    if len(cells) != width:
        raise _refuse(name, f"{len(cells)} of {width} columns are there", _AGAIN, line)
    return {field: cells[at].strip() for at, field in places if cells[at].strip()}


def _check_end(
    name: str, header: str, last: Field, texts: list[tuple[int, dict[Field, str]]]
) -> None:
    """Refuse a file that stops within an amount, which then has fewer decimals than others."""
    decimals = [sum(map(len, _DECIMALS.findall(cells.get(last, "")))) for _, cells in texts]
    if last.type == "amount" and decimals[-1] < max(decimals):
        raise _refuse(name, "it stops within an amount", _AGAIN, texts[-1][0], header)


def _convert(
    name: str, form: Format, texts: list[tuple[int, dict[Field, str]]], headers: Mapping[str, str]
) -> list[Row]:
    """Return the rows in our types; amounts last, since one separator is that of all of them."""
    rows: list[Row] = []
    amounts: dict[tuple[int, str], Amount] = {}
    for number, (line, cells) in enumerate(texts):
        row: Row = {"line": line}
        for field, text in cells.items():
            if field.type != "amount":
                try:
                    value = _read(form, field, text)
                except ValueError as error:
                    raise _refuse(name, str(error), _AGAIN, line, headers[field.name]) from None
                is_utc = isinstance(value, datetime) and value.tzinfo is not None
                row["created_at" if field.type == "local" and is_utc else field.name] = value
        for field in form.fields.values():
            if field.is_required and field.name in headers and field not in cells:
                raise _refuse(name, "it is empty", _AGAIN, line, headers[field.name])
        if "created_at" not in row and "created_local" not in row:
            at = headers.get("created_at") or headers["created_local"]
            raise _refuse(name, "it is empty", _AGAIN, line, at)
        for field, text in cells.items():
            if field.type == "amount":
                currency = next((row[each] for each in field.currency if row.get(each)), None)
                if currency is None:
                    raise _refuse(name, "it has no currency", _AGAIN, line, headers[field.name])
                amounts[number, field.name] = Amount(text, currency, line, headers[field.name])
        rows.append(row)
    try:
        separator = find_separator(list(amounts.values()))
        for (number, column), amount in amounts.items():
            rows[number][column] = to_minor(amount, separator)
    except AmountError as error:
        if error.amount is None:
            raise _refuse(name, str(error), "choose a decimal point when you download it") from None
        raise _refuse(name, str(error), _AGAIN, error.amount.line, error.amount.header) from None
    return rows


def _read(form: Format, field: Field, text: str) -> Any:
    """Return ``text`` in the type of ``field``.

    Raises:
        ValueError: It is none; the message says what is wrong.
    """
    match field.type:
        case "id":
            if not text.startswith(form.id_prefixes):
                raise ValueError(f"no id begins so, but with {' or '.join(form.id_prefixes)}")
            return text
        case "currency":
            if not re.fullmatch(r"[A-Za-z]{3}", text):
                raise ValueError("it is no currency of three letters")
            return text.lower()
        case "instant" | "local":
            return _read_instant(text, is_utc=field.type == "instant")
        case "flag":
            if text.lower() not in ("true", "false"):
                raise ValueError("it is neither true nor false")
            return text.lower() == "true"
        case "charge_id":
            found = _CHARGE.search(text)
            return found[0] if found else None
        case _:
            if _SCIENTIFIC.fullmatch(text):
                raise ValueError("a spreadsheet has made a number of it")
            return text


def _read_instant(text: str, *, is_utc: bool) -> datetime:
    """Return an ISO date and time; a local one stays without its zone, which no file names."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("it is no date such as 2026-02-05 10:00:02")
    bare = re.sub(r" ?(?:Z|UTC|\+00:?00)$", "", text)
    try:
        instant = datetime.fromisoformat(bare)
    except ValueError:
        raise ValueError("there is no such date") from None
    return instant.replace(tzinfo=UTC) if is_utc or bare != text else instant


def _check_row(name: str, row: Row) -> None:
    if row.get("connected_account"):
        raise _refuse(
            name,
            "it holds the books of a connected account",
            "download your own account's report",
            row["line"],
            "connected_account",
        )
    parts = [row.get(each) for each in ("gross", "fee", "net")]
    if None not in parts and row["gross"] - row["fee"] != row["net"]:
        raise _refuse(name, "gross less fee is not net", _AGAIN, row["line"], "net")
