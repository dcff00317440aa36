"""Aligned text tables that fit a terminal, or say how to widen it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sselfie_insights.printable import clean

_GAP = "  "
# Words of fewer characters a line are hard to read.
_NARROWEST = 20


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes:
        headers: One a column.
        rows: Cells as text, as many a row as there are headers.
        numeric: Whether the column is set flush right, one a column.
    """

    headers: list[str]
    rows: list[list[str]]
    numeric: list[bool]


def lay_out(table: TextTable, width: int | None = None) -> tuple[list[str], list[str]]:
    """Return the lines of ``table`` and the headers of the columns left out.

    Args:
        table: What to set; its first column always stays.
        width: Columns of the terminal; None sets everything.
    """
    cleaned = [[clean(cell) for cell in row] for row in [table.headers, *table.rows]]
    widths = _widths(cleaned)
    shown = len(widths) if width is None else _fitting(widths, width)
    lines = [
        _GAP.join(
            pad(cell, wide, right=numeric)
            for cell, wide, numeric in zip(
                row[:shown], widths[:shown], table.numeric[:shown], strict=True
            )
        ).rstrip()
        for row in cleaned
    ]
    rule = _GAP.join("-" * wide for wide in widths[:shown])
    return [lines[0], rule, *lines[1:]], table.headers[shown:]


def break_words(table: TextTable, width: int) -> TextTable:
    """Return ``table`` with a last column of words broken into rows, where ``width`` asks for it.

    It stays whole where the other columns leave it too little room to read.
    """
    from rich.console import Console
    from rich.text import Text

    others = _widths([[clean(cell) for cell in row] for row in [table.headers, *table.rows]])[:-1]
    room = width - sum(others) - len(_GAP) * len(others)
    if table.numeric[-1] or room < max(_NARROWEST, display_width(table.headers[-1])):
        return table
    console, blank = Console(), [""] * len(others)
    rows = []
    for *before, words in table.rows:
        first, *further = Text(clean(words)).wrap(console, room)
        rows += [[*before, first.plain], *([*blank, line.plain] for line in further)]
    return TextTable(table.headers, rows, table.numeric)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return ``text`` filled with spaces to ``width`` terminal columns."""
    filling = " " * (width - display_width(text))
    return filling + text if right else text + filling


def display_width(text: str) -> int:
    """Return how many terminal columns ``text`` takes."""
    from rich.cells import cell_len

    return cell_len(text)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(display_width, cells)) for cells in zip(*rows, strict=True)]


def _fitting(widths: Sequence[int], width: int) -> int:
    total, shown = widths[0], 1
    for wide in widths[1:]:
        total += len(_GAP) + wide
        if total > width:
            break
        shown += 1
    return shown
