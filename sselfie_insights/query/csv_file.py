"""Write a result as CSV that spreadsheets take for what it is."""

import io
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sselfie_insights.printable import neutralize
from sselfie_insights.query.cells import shown_rows, write_iso
from sselfie_insights.query.header import Unit
from sselfie_insights.query.result import Result

if TYPE_CHECKING:
    import polars as pl

# Text that may not be written as it is: see ``neutralize`` and ``_quote``.
_UNSAFE = re.compile('[,"\n\r\t;|\0\ufeff\u200b]|\\A[=+\\-@\uff1d\uff0b\uff0d\uff20]')
# Between these Polars writes a number as Python does; beyond, their exponents differ.
_LEAST, _MOST = 1e-4, 1e16


def to_csv(result: Result) -> bytes:
    """Return ``result`` as CSV (RFC 4180, UTF-8) with text that spreadsheets take as text.

    Values are raw: money in integer cents, rates 0-1, ISO dates, instants in UTC.
    """
    head = ",".join(map(_csv_text, result.columns)).encode() + b"\n"
    if isinstance(result.data, list):  # a few rows, for which Polars is not worth its import
        return head + _write_rows(result)
    return head + _write_frame(result)


def _write_rows(result: Result) -> bytes:
    cells = zip(*shown_rows(result), strict=True)
    columns = [
        _write_values(values, column.unit)
        for values, column in zip(cells, result.columns.values(), strict=False)
    ]
    return "".join(f"{','.join(row)}\n" for row in zip(*columns, strict=True)).encode()


def _write_values(values: Iterable[Any], unit: Unit) -> list[str]:
    write: Callable[[Any], str]
    match unit:
        case "text":
            write = _csv_text
        case "month" | "date" | "instant":
            write = write_iso
        case "flag":
            write = {True: "true", False: "false"}.__getitem__
        case _:
            write = str
    return ["" if value is None else write(value) for value in values]


def _write_frame(result: Result) -> bytes:
    """As ``_write_rows``, a column at once: a million rows are common."""
    import polars as pl

    columns = {name: _write_series(result.frame[name]) for name in result.columns}
    frame = pl.DataFrame(columns)
    if result.marks is not None:
        frame = frame.with_columns(
            pl.when(mark != "").then(mark).otherwise(pl.col(mark.name)).alias(mark.name)
            for mark in result.marks
        )
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, quote_style="never", null_value="")
    return buffer.getvalue()


def _write_series(values: "pl.Series") -> "pl.Series":
    import polars as pl

    match values.dtype:
        case pl.String:
            return _rewrite(values, values, values.str.contains(_UNSAFE.pattern), _csv_text)
        case pl.Date:
            return values.dt.to_string("%Y-%m-%d")
        case pl.Datetime():
            end = "Z" if values.dtype.time_zone else ""
            whole = values.dt.to_string(f"%Y-%m-%dT%H:%M:%S{end}")
            parted = values.dt.to_string(f"%Y-%m-%dT%H:%M:%S%.6f{end}")
            return whole.zip_with(values.dt.microsecond() == 0, parted)
        case pl.Float64:
            size = values.abs()
            odd = ~(size.is_between(_LEAST, _MOST, closed="left") | (size == 0))
            return _rewrite(values, values.cast(pl.String), odd, str)
        case _:
            return values.cast(pl.String)


def _rewrite(
    values: "pl.Series", texts: "pl.Series", chosen: "pl.Series", write: Callable[[Any], str]
) -> "pl.Series":
    """Return ``texts`` with what ``write`` makes of the ``chosen`` ones of ``values``."""
    places = chosen.fill_null(value=False).arg_true()
    if places.is_empty():
        return texts
    return texts.clone().scatter(places, [write(value) for value in values.gather(places)])


def _csv_text(text: str) -> str:
    return _quote(neutralize(text)) if _UNSAFE.search(text) else text


def _quote(text: str) -> str:
    """The csv module leaves a lone carriage return unquoted."""
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text
