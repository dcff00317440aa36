"""Tables on a terminal: what identifies a row and its answer stay, and what goes is named."""

import pytest

from sselfie_insights.query.table import TextTable, cut_middle, expand, fits, lay_out

MRR = TextTable(
    ["month", "opening", "gained", "lost", "closing", "is_complete"],
    [
        ["Jan 2026", "$100.00", "$20.00", "$5.00", "$115.00", "yes"],
        ["Feb 2026", "$115.00", "$0.00", "$15.00", "$100.00", "no"],
    ],
    [False, True, True, True, True, False],
    answer=4,
)


def test_a_table_is_aligned_by_display_width() -> None:
    table = TextTable(["name", "n"], [["写真", "1"], ["abcdef", "1,000"]], [False, True])
    lines, hidden = lay_out(table)
    assert lines == ["name        n", "------  -----", "写真        1", "abcdef  1,000"]
    assert hidden == []


def test_a_wide_table_loses_its_middle_and_never_its_answer() -> None:
    lines, hidden = lay_out(MRR, 36)
    assert lines == [
        "month     …    lost  closing  …",
        "--------  -  ------  -------  -",
        "Jan 2026  …   $5.00  $115.00  …",
        "Feb 2026  …  $15.00  $100.00  …",
    ]
    assert hidden == ["opening", "gained", "is_complete"]


@pytest.mark.parametrize("width", range(23, 70))
def test_every_width_that_holds_key_and_answer_is_kept_to(width: int) -> None:
    lines, hidden = lay_out(MRR, width)
    assert max(map(len, lines)) <= width
    heads = lines[0].replace("…", "").split()
    assert {"month", "closing"} <= set(heads)
    assert sorted([*heads, *hidden]) == sorted(MRR.headers)
    assert fits(MRR, width)


def test_a_gap_at_the_end_is_marked_like_any_other() -> None:
    assert lay_out(MRR, 54)[0][0] == "month     opening  gained    lost  closing  …"
    assert lay_out(MRR, 55)[1] == []


def test_a_key_that_varies_comes_before_one_that_does_not() -> None:
    table = TextTable(
        ["segment", "month", "n"],
        [["everybody", "Jan 2026", "1"], ["everybody", "Feb 2026", "2"]],
        [False, False, True],
        keys=(0, 1),
    )
    assert lay_out(table, 16)[0][0] == "…  month     n"
    assert lay_out(table, 22)[0][0] == "segment    month     n"


def test_where_key_and_answer_do_not_fit_every_row_is_a_block() -> None:
    assert not fits(MRR, 19)
    lines, hidden = lay_out(MRR, 19)
    assert hidden == []
    assert lines[:4] == ["-- 1 --", "month   Jan 2026", "openin  $100.00", "g"]


def test_a_block_has_a_line_a_column() -> None:
    table = TextTable(["month", "closing"], [["Jan 2026", "$1.00"], ["Feb 2026", ""]], [False] * 2)
    assert expand(table) == [
        "-- 1 --",
        "month    Jan 2026",
        "closing  $1.00",
        "",
        "-- 2 --",
        "month    Feb 2026",
        "closing",
    ]


def test_long_words_in_a_block_are_broken_to_the_width() -> None:
    table = TextTable(["why"], [["one two three four five six seven"]], [False])
    assert expand(table, 25) == ["-- 1 --", "why  one two three four", "     five six seven"]


def test_words_are_broken_into_lines_before_a_column_goes() -> None:
    words = "four words of text, then five more, and \x1b[31m写真" + "写真" * 20
    table = TextTable(["name", "n", "words"], [["a", "1", words], ["b", "2", ""]], [False] * 3)
    lines, hidden = lay_out(table, 39)
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
    assert lay_out(table, 200) == lay_out(table)


def test_rows_are_left_out_in_the_middle() -> None:
    table = TextTable(["n", "x"], [[str(n), "a"] for n in range(1, 8)], [True, False])
    cut, lost = cut_middle(table, 5)
    assert lost == 2
    assert cut.rows == [["1", "a"], ["2", "a"], ["3", "a"], ["⋮", ""], ["6", "a"], ["7", "a"]]
    assert cut_middle(table, 7) == (table, 0)
