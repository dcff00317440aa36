"""Aligned text tables that fit a terminal: what identifies a row and its answer stay longest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sselfie_insights.printable import clean

_GAP = "  "
# Words of fewer characters a line are hard to read.
_NARROWEST = 20
# Stands for columns and rows that are left out, in their place.
_COLUMNS_LEFT_OUT, _ROWS_LEFT_OUT = "…", "⋮"
_NO_ANSWER = frozenset({"yes", "no", ""})


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes:
        headers: One a column.
        rows: Cells as text, as many a row as there are headers.
        numeric: Whether the column is set flush right, one a column.
        keys: The places of the columns that say what a row is about; at least one.
        answer: The place of the column that the table is asked for; the last by default.
    """

    headers: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    keys: tuple[int, ...] = (0,)
    answer: int = -1


def lay_out(table: TextTable, width: int | None = None) -> tuple[list[str], list[str]]:
    """Return the lines of ``table``, and the headers of the columns left out.

    Too wide for ``width``, it loses columns in its middle, where a line has ``…``, and columns of
    words are broken into lines. Where not even its first column and its answer fit, every row is a
    block of lines.

    Args:
        table: What to set.
        width: Columns of the terminal; None sets everything.
    """
    cleaned = replace(
        table,
        headers=list(map(clean, table.headers)),
        rows=[list(map(clean, row)) for row in table.rows],
    )
    if width is None:
        return _set(cleaned), []
    kept = _choose_columns(cleaned, width)
    if kept is None:
        return expand(table, width), []
    hidden = [header for place, header in enumerate(table.headers) if place not in kept]
    return _set(_break_words(_take_columns(cleaned, kept), width)), hidden


def fits(table: TextTable, width: int) -> bool:
    """Say whether a row of ``table`` is a line of ``width``, with its first cell and its answer."""
    return _choose_columns(table, width) is not None


def expand(table: TextTable, width: int | None = None) -> list[str]:
    """Return every row of ``table`` as a block: a line a column, its header before its value.

    Args:
        table: What to set.
        width: Columns of the terminal, to which long values are broken; None for none.
    """
    headers = list(map(clean, table.headers))
    names = max(map(display_width, headers), default=0)
    if width is not None:
        names = min(names, max(width - len(_GAP) - _NARROWEST, width // 3, 1))
    lines: list[str] = []
    for number, row in enumerate(table.rows, 1):
        lines += [""] * bool(lines)
        lines.append(f"-- {number} --")
        for header, cell in zip(headers, map(clean, row), strict=True):
            room = None if width is None else max(width - names - len(_GAP), 1)
            words = _wrap(cell, room)
            labels = _wrap(header, names)
            for place in range(max(len(words), len(labels))):
                label = labels[place] if place < len(labels) else ""
                value = words[place] if place < len(words) else ""
                lines.append(f"{pad(label, names)}{_GAP}{value}".rstrip())
    return lines


def cut_middle(table: TextTable, most: int) -> tuple[TextTable, int]:
    """Return ``table`` with no more than ``most`` rows, and how many in its middle it lost.

    A row of ``⋮`` stands for them.
    """
    lost = len(table.rows) - most
    if lost <= 0:
        return table, 0
    head, tail = table.rows[: most - most // 2], table.rows[len(table.rows) - most // 2 :]
    mark = [_ROWS_LEFT_OUT, *[""] * (len(table.headers) - 1)]
    return replace(table, rows=[*head, mark, *tail]), lost


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return ``text`` filled with spaces to ``width`` terminal columns."""
    filling = " " * (width - display_width(text))
    return filling + text if right else text + filling


def display_width(text: str) -> int:
    """Return how many terminal columns ``text`` takes."""
    from rich.cells import cell_len

    return cell_len(text)


def _set(table: TextTable) -> list[str]:
    every = [table.headers, *table.rows]
    widths = _widths(table)
    lines = [
        _GAP.join(
            pad(cell, wide, right=numeric)
            for cell, wide, numeric in zip(row, widths, table.numeric, strict=True)
        ).rstrip()
        for row in every
    ]
    return [lines[0], _GAP.join("-" * wide for wide in widths), *lines[1:]]


def _choose_columns(table: TextTable, width: int) -> list[int] | None:
    """Return the places of the columns to show; None where the first and the answer do not fit."""
    widths = [
        min(wide, max(_NARROWEST, display_width(header))) if words else wide
        for wide, header, words in zip(
            _widths(table), table.headers, _have_words(table), strict=True
        )
    ]
    ranked = _rank_columns(table)
    kept: set[int] = set()
    for place in ranked:
        if _total_width({*kept, place}, widths) <= width:
            kept.add(place)
    return sorted(kept) if kept.issuperset(ranked[:2]) else None


def _rank_columns(table: TextTable) -> list[int]:
    """Return the places of columns, what is missed most first.

    That is a key and the answer, the other keys, then what is nearest to the answer. Of keys and
    of others come last those that say the same in every row, or yes and no.
    """
    answer, places = table.answer % len(table.headers), range(len(table.headers))
    said = [{row[place] for row in table.rows} for place in places]
    is_silent = [len(cells) < 2 or cells <= _NO_ANSWER for cells in said]
    key, *keys = sorted(table.keys, key=is_silent.__getitem__)
    others = sorted(
        places, key=lambda place: (is_silent[place], abs(place - answer), place < answer)
    )
    return list(dict.fromkeys((key, answer, *keys, *others)))


def _total_width(kept: set[int], widths: Sequence[int]) -> int:
    """How wide the columns ``kept`` are together, with a mark for each gap between them."""
    shown = _mark_gaps(kept, len(widths))
    wide = sum(1 if place is None else widths[place] for place in shown)
    return wide + len(_GAP) * (len(shown) - 1)


def _mark_gaps(kept: set[int], count: int) -> list[int | None]:
    """Return the places ``kept`` in order, and None for each gap between them and at the ends."""
    shown: list[int | None] = []
    for place in range(count):
        if place in kept:
            shown.append(place)
        elif not shown or shown[-1] is not None:
            shown.append(None)
    return shown


def _take_columns(table: TextTable, kept: list[int]) -> TextTable:
    """Return ``table`` with the columns ``kept``, and ``…`` for each gap between them."""
    shown = _mark_gaps(set(kept), len(table.headers))
    headers, *rows = (
        [_COLUMNS_LEFT_OUT if place is None else cells[place] for place in shown]
        for cells in (table.headers, *table.rows)
    )
    numeric = [place is not None and table.numeric[place] for place in shown]
    return replace(table, headers=headers, rows=rows, numeric=numeric)


def _break_words(table: TextTable, width: int) -> TextTable:
    """Return ``table`` with its columns of words broken into lines, where ``width`` asks for it."""
    widths = _widths(table)
    rooms = list(widths)
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    for place, has_words in reversed(list(enumerate(_have_words(table)))):
        if has_words and excess > 0:
            least = min(widths[place], max(_NARROWEST, display_width(table.headers[place])))
            rooms[place] = max(least, widths[place] - excess)
            excess -= widths[place] - rooms[place]
    if rooms == widths:
        return table
    rows = []
    for row in table.rows:
        parts = [_wrap(cell, room) for cell, room in zip(row, rooms, strict=True)]
        for line in range(max(map(len, parts))):
            rows.append([part[line] if line < len(part) else "" for part in parts])
    return replace(table, rows=rows)


def _have_words(table: TextTable) -> list[bool]:
    """Say of each column whether it holds words that may be broken into lines."""
    cells = zip(*table.rows, strict=True) if table.rows else [()] * len(table.headers)
    return [
        not numeric and any(" " in cell and display_width(cell) > _NARROWEST for cell in column)
        for numeric, column in zip(table.numeric, cells, strict=True)
    ]


def _wrap(text: str, width: int | None) -> list[str]:
    if width is None or display_width(text) <= width:
        return [text]
    from rich.console import Console
    from rich.text import Text

    return [line.plain for line in Text(text).wrap(Console(), width)]


def _widths(table: TextTable) -> list[int]:
    columns = zip(table.headers, *table.rows, strict=True)
    return [max(map(display_width, cells)) for cells in columns]
