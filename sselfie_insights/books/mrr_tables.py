"""A comparison with another tool's MRR as tables and as JSON."""

import json
from decimal import Decimal

from sselfie_insights.books.mrr import MonthSum, MrrComparison
from sselfie_insights.clock import write_month
from sselfie_insights.money import minor_digits
from sselfie_insights.query.casts import Row
from sselfie_insights.query.header import Column, Unit
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable, lay_out

SHOWN = 40
"""Customers on the terminal; files hold all."""

_SUMS: dict[str, tuple[Unit, str]] = {
    "month": ("month", "The month."),
    "currency": ("text", "The currency."),
    "cause": ("text", "theirs, a rule by which both differ, or ours."),
    "customers": ("count", "How many differ so; in the line of theirs, how many do not."),
    "amount": ("number", "In major units: theirs, ours less theirs, or ours."),
}
_DIFFERENCES: dict[str, tuple[Unit, str]] = {
    "month": ("month", "The month."),
    "currency": ("text", "The currency."),
    "customer_key": ("text", "The customer; empty where we do not know them."),
    "lines": ("text", "The lines of the file."),
    "theirs": ("number", "MRR as the file says, in major units."),
    "ours": ("number", "Our MRR, in major units."),
    "difference": ("number", "Ours less theirs."),
    "cause": ("text", "The rule by which both differ."),
}


def sums_result(comparison: MrrComparison) -> Result:
    """Return the sums of each month and currency as a table, a row a cause."""
    rows: list[Row] = [
        (each.month, each.currency, cause, count, float(amount))
        for each in comparison.sums
        for cause, count, amount in _sum_rows(each)
    ]
    return _result("mrr-sums", _SUMS, rows)


def differences_result(comparison: MrrComparison) -> Result:
    """Return the customers who differ as a table."""
    rows: list[Row] = [
        (
            each.month,
            each.currency,
            each.customer_key,
            " ".join(map(str, each.lines)),
            float(each.theirs),
            float(each.ours),
            float(each.amount),
            each.cause,
        )
        for each in comparison.differences
    ]
    return _result("mrr-differences", _DIFFERENCES, rows)


def to_json(comparison: MrrComparison) -> bytes:
    """Return all of ``comparison``; amounts are decimals in major units, as text."""
    content = {
        "remarks": comparison.remarks,
        "sums": [
            {
                "month": str(each.month),
                "currency": each.currency,
                "theirs": _write(each.theirs, each.currency),
                "ours": _write(each.ours, each.currency),
                "equal_count": each.equal_count,
                "causes": {
                    cause: {"customers": count, "amount": _write(amount, each.currency)}
                    for cause, (count, amount) in each.causes.items()
                },
            }
            for each in comparison.sums
        ],
        "customers": [
            {
                "month": str(each.month),
                "currency": each.currency,
                "customer_key": each.customer_key,
                "lines": each.lines,
                "theirs": _write(each.theirs, each.currency),
                "ours": _write(each.ours, each.currency),
                "difference": _write(each.amount, each.currency),
                "cause": each.cause,
            }
            for each in comparison.differences
        ],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def to_text(comparison: MrrComparison, width: int | None) -> str:
    """Return what a person reads: the sums, and the customers cut to ``SHOWN`` lines.

    Args:
        comparison: What to show.
        width: Columns of the terminal; None for no limit.
    """
    sums = [
        [
            write_month(each.month),
            each.currency,
            cause,
            "" if count is None else str(count),
            _write(amount, each.currency),
        ]
        for each in comparison.sums
        for cause, count, amount in _sum_rows(each)
    ]
    headers = ["month", "currency", "", "customers", "MRR"]
    parts = [lay_out(TextTable(headers, sums, [False, False, False, True, True]), width)[0]]
    if comparison.differences:
        rows = [
            [
                write_month(each.month),
                each.currency,
                each.customer_key or f"line {each.lines[0]} of the file",
                _write(each.theirs, each.currency),
                _write(each.ours, each.currency),
                _write(each.amount, each.currency),
                each.cause,
            ]
            for each in comparison.differences[:SHOWN]
        ]
        headers = ["month", "currency", "customer", "theirs", "ours", "difference", "cause"]
        right = [False, False, False, True, True, True, False]
        lines = lay_out(TextTable(headers, rows, right), width)[0]
        if len(comparison.differences) > SHOWN:
            more = len(comparison.differences) - SHOWN
            lines.append(f"… and {more} more: --format csv or json has all")
        parts.append(lines)
    return "\n\n".join("\n".join(lines) for lines in parts)


def _sum_rows(each: MonthSum) -> list[tuple[str, int | None, Decimal]]:
    causes = sorted(each.causes.items())
    return [
        ("theirs", each.equal_count, each.theirs),
        *((cause, count, amount) for cause, (count, amount) in causes),
        ("ours", None, each.ours),
    ]


def _write(amount: Decimal, currency: str) -> str:
    """Return an amount with the decimals of its currency, and more where it has more."""
    digits = max(minor_digits(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{digits}f}"


def _result(name: str, columns: dict[str, tuple[Unit, str]], rows: list[Row]) -> Result:
    described = {
        column: Column(unit=unit, description=text) for column, (unit, text) in columns.items()
    }
    return Result(name, rows, described, (), (), {}, None)
