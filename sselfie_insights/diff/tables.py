"""A comparison as tables and as JSON."""

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import polars as pl

from sselfie_insights.diff.comparison import Comparison, Restatement
from sselfie_insights.diff.summary import summarize
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable, lay_out

SHOWN = 40
"""Lines of each table on the terminal; files hold all."""

_NUMBERS = {
    "query": "The query that gives the number.",
    "period": "The first day that it speaks of.",
    "key": "What identifies its row.",
    "column": "Its column.",
    "before": "What the earlier publication says.",
    "after": "What the later one says.",
    "causes": "Why, as far as both files prove it.",
    "rows": "The rows behind it, by their number.",
}
_ROWS = {
    "row": "The number of the row.",
    "mart": "The mart that it stands in.",
    "customer_key": "Whose it is.",
    "key": "What identifies it.",
    "change": "added, removed or changed.",
    "cause": "Why, as far as both files prove it.",
    "before": "Its facts in the earlier publication.",
    "after": "Its facts in the later one.",
}


def to_json(comparison: Comparison) -> bytes:
    """Return all of ``comparison``; numbers are raw, as the queries give them."""
    content = {
        "before": _describe(comparison.before.as_of, comparison.before.publication),
        "after": _describe(comparison.after.as_of, comparison.after.publication),
        "remarks": comparison.remarks,
        "summary": summarize(comparison),
        "numbers": [
            {
                "query": each.number.query,
                "period": each.number.first_on,
                "key": each.number.key,
                "column": each.number.column,
                "unit": each.number.unit,
                "before": each.number.before,
                "after": each.number.after,
                "causes": each.causes,
                "rows": each.rows,
            }
            for each in comparison.restatements
        ],
        "rows": [
            {
                "mart": row.mart,
                "customer_key": row.customer_key,
                "key": row.key,
                "change": row.change,
                "cause": row.cause,
                "before": None if row.before is None else json.loads(row.before),
                "after": None if row.after is None else json.loads(row.after),
            }
            for row in comparison.rows
        ],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n").encode()


def numbers_result(comparison: Comparison) -> Result:
    """Return the restated numbers as a table of text, a row each."""
    return _result("diff", _NUMBERS, [_number_row(each) for each in comparison.restatements])


def rows_result(comparison: Comparison) -> Result:
    """Return the rows behind the numbers as a table of text, a row each."""
    rows = [
        [
            str(index),
            row.mart,
            row.customer_key,
            row.key,
            row.change,
            row.cause,
            row.before,
            row.after,
        ]
        for index, row in enumerate(comparison.rows)
    ]
    return _result("diff-rows", _ROWS, rows)


def to_summary(comparison: Comparison, width: int | None) -> str:
    """Return the summary alone, a sentence a line, in ``width`` columns; None for no limit."""
    sentences = summarize(comparison)
    return "\n".join(
        sentences if width is None else (line for each in sentences for line in wrap(each, width))
    )


def to_text(comparison: Comparison, width: int | None) -> str:
    """Return what a person reads: the summary, and both tables, cut to ``SHOWN`` lines each.

    Args:
        comparison: What to show.
        width: Columns of the terminal; None for no limit.
    """
    if not comparison.restatements:
        return to_summary(comparison, width)
    numbers = [
        [
            each.number.query,
            "" if each.number.first_on is None else str(each.number.first_on),
            _key(each, hide_period=True),
            each.number.column,
            *(
                write_cell(value, each.number.unit, each.number.key.get("currency")) or "-"
                for value in (each.number.before, each.number.after)
            ),
            ", ".join(each.causes),
        ]
        for each in comparison.restatements
    ]
    headers = ["query", "period", "of", "number", "before", "after", "cause"]
    right = [False, False, False, False, True, True, False]
    parts = [to_summary(comparison, width), _table(headers, numbers, right, width)]
    if comparison.rows:
        rows = [
            [
                row.mart,
                row.customer_key or "",
                row.change,
                row.cause,
                row.before or "",
                row.after or "",
            ]
            for row in comparison.rows
        ]
        headers = ["behind it: mart", "customer", "change", "cause", "before", "after"]
        parts.append(_table(headers, rows, [False] * len(headers), width))
    return "\n\n".join(parts)


def _table(headers: list[str], rows: list[list[str]], right: list[bool], width: int | None) -> str:
    lines, _ = lay_out(TextTable(headers, rows[:SHOWN], right), width)
    if len(rows) > SHOWN:
        lines.append(f"… and {len(rows) - SHOWN} more: --format csv or json has all")
    return "\n".join(lines)


def _number_row(each: Restatement) -> list[str | None]:
    number = each.number
    return [
        number.query,
        None if number.first_on is None else str(number.first_on),
        _key(each),
        number.column,
        None if number.before is None else repr(number.before),
        None if number.after is None else repr(number.after),
        ", ".join(each.causes),
        " ".join(map(str, each.rows)),
    ]


def _key(each: Restatement, *, hide_period: bool = False) -> str:
    first = str(each.number.first_on)
    return ", ".join(
        f"{name}={value}"
        for name, value in each.number.key.items()
        if not (hide_period and str(value) == first)
    )


def _result(name: str, columns: dict[str, str], rows: Sequence[Sequence[str | None]]) -> Result:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    described = {column: Column(unit="text", description=text) for column, text in columns.items()}
    return Result(name, frame, described, (), (), {}, None)


def _describe(as_of: object, publication: str | None) -> dict[str, Any]:
    return {"as_of": as_of, "publication": publication}
