from datetime import UTC, date, datetime
from typing import Any

import pytest

from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.table import TextTable, break_words, clean, lay_out


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "cents", ""),
        (0, "cents", "0.00"),
        (-5, "cents", "-0.05"),
        (-105, "cents", "-1.05"),
        (123_456_789_012_345_678, "cents", "1,234,567,890,123,456.78"),
        (0.12345, "rate", "12.3%"),
        (1234, "count", "1,234"),
        (2.25, "days", "2.2"),
        (date(2026, 1, 31), "month", "Jan 2026"),
        (date(2026, 1, 31), "date", "2026-01-31"),
        (datetime(2026, 1, 31, 23, 59, 59, 999_999, UTC), "instant", "2026-01-31 23:59:59 UTC"),
        (False, "flag", "no"),
        ("=1", "text", "=1"),
    ],
)
def test_a_value_is_written_by_its_unit(value: Any, unit: Any, text: str) -> None:
    assert write_cell(value, unit) == text


def test_a_table_is_aligned_by_display_width() -> None:
    table = TextTable(["name", "n"], [["写真", "1"], ["abcdef", "1,000"]], [False, True])
    lines, hidden = lay_out(table)
    assert lines == ["name        n", "------  -----", "写真        1", "abcdef  1,000"]
    assert hidden == []


def test_a_table_that_does_not_fit_says_what_it_left_out() -> None:
    table = TextTable(["aaaa", "bbbb", "cccc"], [["1", "2", "3"]], [True] * 3)
    lines, hidden = lay_out(table, width=12)
    assert lines[0] == "aaaa  bbbb"
    assert hidden == ["cccc"]


def test_words_in_the_last_column_are_broken_to_fit() -> None:
    words = "four words of text, then five more, and \x1b[31m写真" + "写真" * 20
    table = TextTable(["name", "n", "words"], [["a", "1", words], ["b", "2", ""]], [False] * 3)
    lines, hidden = lay_out(break_words(table, 39), 39)
    assert hidden == []
    assert lines == [
        "name  n  words",
        "----  -  ------------------------------",
        "a     1  four words of text, then five",
        "         more, and",
        "         [31m写真写真写真写真写真写真写",
        "         真写真写真写真写真写真写真写真",
        "         写真写真写真写真写真写真写真",
        "b     2",
    ]
    assert break_words(table, 28) is table, "too narrow to read"
    assert lay_out(break_words(table, 200), 200) == lay_out(table)


def test_what_could_redraw_a_terminal_is_taken_out() -> None:
    assert clean("a\x1b[31mb\u202ec\nd\u200be") == "a[31mbc de"
