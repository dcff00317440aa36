"""Write a result as CSV, JSON, Parquet or an Excel workbook; the same cells in each."""

import io
import json
import re
from pathlib import Path
from typing import IO, Any, Literal

from sselfie_insights.errors import UsageError
from sselfie_insights.files import require_replaceable, write_file
from sselfie_insights.printable import clean
from sselfie_insights.query.cells import json_cell, shown_rows, write_rows
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable, lay_out
from sselfie_insights.query.view import find_answer, find_keys
from sselfie_insights.query.workbook import to_workbook

Format = Literal["table", "markdown", "csv", "json", "parquet", "xlsx"]
BINARY_FORMATS: frozenset[str] = frozenset({"parquet", "xlsx", "png"})

# What Markdown would take for markup; an underscore inside a word is none.
_MARKUP = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")


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
        case "markdown":
            return to_markdown(to_text_table(result)).encode()
        case "csv":
            return to_csv(result)
        case "json":
            return (json.dumps(to_records(result), ensure_ascii=False, indent=1) + "\n").encode()
        case "parquet":
            return to_parquet(result)
        case "xlsx":
            return to_workbook({result.name: result})


def to_text_table(result: Result, names: list[str] | None = None) -> TextTable:
    """Return ``result`` with every cell written for people; the columns ``names``, or all."""
    chosen = list(result.columns) if names is None else names
    return TextTable(
        headers=[result.columns[name].head(name) for name in chosen],
        rows=write_rows(result, chosen),
        numeric=[result.columns[name].unit in NUMERIC_UNITS for name in chosen],
        keys=find_keys(result, chosen),
        answer=find_answer(result, chosen),
    )


def to_markdown(table: TextTable) -> str:
    """Return ``table`` in GitHub's Markdown, every cell as text and no markup."""
    rules = ["---:" if numeric else "---" for numeric in table.numeric]
    headers, *rows = (
        [_MARKUP.sub(r"\\\g<0>", clean(cell)) for cell in cells]
        for cells in (table.headers, *table.rows)
    )
    lines = [" | ".join(cells) for cells in (headers, rules, *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def to_records(result: Result) -> list[dict[str, Any]]:
    """Return the rows as JSON objects; a suppressed group size is text, such as ``<5``.

    JSON has no number for NaN or infinity, so these are text too.
    """
    return [
        {name: json_cell(value) for name, value in zip(result.columns, row, strict=True)}
        for row in shown_rows(result)
    ]


def to_parquet(result: Result) -> bytes:
    """Return ``result`` as Parquet, its stamp in the file's metadata; suppressed cells are null."""
    buffer = io.BytesIO()
    stamp = result.stamp
    metadata = {} if stamp is None else {"as_of": stamp.as_of.isoformat(), "zone": stamp.timezone}
    result.frame.write_parquet(buffer, metadata={"query": result.name, **metadata})
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
