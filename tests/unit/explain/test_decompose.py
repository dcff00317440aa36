"""Parts that add up, to the cent, whatever the rows; small groups together, by hand."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sselfie_insights.explain.decompose import WHOLE, decompose

ROWS = pl.DataFrame(
    {
        "customer_key": ["a", "b", "c", "d", "e", "f", "g", "g"],
        "product": ["pro", "pro", "pro", "starter", "starter", None, "elite", "pro"],
        "before": [4900, 0, 4900, 9700, 4900, 0, 0, 4900],
        "after": [0, 4900, 9700, 9700, 0, 100, 19900, 0],
    }
)


def rows_of(parts: pl.DataFrame) -> list[tuple[object, ...]]:
    return parts.rows()


def test_parts_come_largest_first() -> None:
    assert rows_of(decompose(ROWS, "product")) == [
        ("elite", 0, 19900, 19900, 1),
        ("starter", 14600, 9700, -4900, 2),
        ("(none)", 0, 100, 100, 1),
        ("pro", 14700, 14600, -100, 4),
    ]


def test_what_is_cut_off_stands_in_the_last_row() -> None:
    assert rows_of(decompose(ROWS, "product", first=2))[2:] == [("2 others", 14700, 14700, 0, 5)]


def test_the_whole_is_one_part() -> None:
    assert rows_of(decompose(ROWS, WHOLE)) == [("whole", 29300, 44300, 15000, 7)]


def people(**sizes: int) -> pl.DataFrame:
    """As many people a group as asked for, each with a change of 1."""
    keys = [(f"{group}{n}", group) for group, size in sizes.items() for n in range(size)]
    return pl.DataFrame(
        {
            "customer_key": [key for key, _ in keys],
            "group": [group for _, group in keys],
            "before": [0] * len(keys),
            "after": [1] * len(keys),
        }
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # Nobody is small.
        ({"a": 5, "b": 6}, {"a": 5, "b": 6}),
        # Two small ones are enough together.
        ({"a": 2, "b": 3, "c": 9}, {"2 small groups together": 5, "c": 9}),
        # One small one would stand out by subtraction: the next larger joins it.
        ({"a": 2, "b": 7, "c": 9}, {"2 small groups together": 9, "c": 9}),
        ({"a": 1, "b": 1, "c": 2, "d": 8, "e": 9}, {"4 small groups together": 12, "e": 9}),
        # Alone it is the whole.
        ({"a": 2}, {"a": 2}),
    ],
)
def test_small_groups_stand_together(sizes: dict[str, int], expected: dict[str, int]) -> None:
    parts = decompose(people(**sizes), "group", least=5)
    assert dict(parts.select("part", "person_count").rows()) == expected


def test_a_group_whose_change_is_that_of_one_person_is_small() -> None:
    rows = pl.concat([people(a=9, b=8), people(c=20)])
    quiet = pl.col("group").eq("c") & pl.col("customer_key").ne("c0")
    rows = rows.with_columns(pl.when(quiet).then(1).otherwise(pl.col("before")).alias("before"))
    parts = decompose(rows, "group", least=5)
    assert dict(parts.select("part", "change").rows()) == {"a": 9, "2 small groups together": 9}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        # Two had something in the month before, nine have it now: what the two had is no part's.
        ({"a": (2, 9), "b": (7, 12)}, {"2 small groups together": (9, 21, 21)}),
        # Of the month before there are still three until the next larger joins.
        (
            {"a": (2, 6), "b": (1, 7), "c": (9, 9), "d": (12, 20)},
            {"3 small groups together": (15, 33, 33), "c": (9, 9, 9)},
        ),
        # Nobody before gives nobody away.
        ({"a": (0, 9), "b": (7, 12)}, {"a": (0, 9, 9), "b": (7, 12, 12)}),
        # Four have left, and whatever is put together, the change is theirs: pages hide it.
        ({"a": (7, 3), "b": (6, 6)}, {"2 small groups together": (13, 9, 4)}),
    ],
)
def test_the_people_of_each_month_count_for_themselves(
    groups: dict[str, tuple[int, int]], expected: dict[str, tuple[int, int, int]]
) -> None:
    """Everybody has 1 in their months; expected are the sums before and after, and the people."""
    rows = [
        (f"{group}{n}", group, int(n < before), int(n < after))
        for group, (before, after) in groups.items()
        for n in range(max(before, after))
    ]
    frame = pl.DataFrame(rows, schema=["customer_key", "group", "before", "after"], orient="row")
    parts = decompose(frame, "group", least=5)
    found = {part: counts for part, *counts in parts.drop("change").rows()}
    assert {part: tuple(counts) for part, counts in found.items()} == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["x", "y", "z", "u", None]),
            st.integers(0, 10**9),
            st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_parts_always_add_up(
    rows: list[tuple[str, str | None, int, int]], first: int, least: int
) -> None:
    frame = pl.DataFrame(
        rows,
        schema={
            "customer_key": pl.String,
            "group": pl.String,
            "before": pl.Int64,
            "after": pl.Int64,
        },
        orient="row",
    )
    parts = decompose(frame, "group", first=first, least=least)
    for column in ("before", "after"):
        assert parts[column].sum() == sum(row[2 if column == "before" else 3] for row in rows)
    assert parts["change"].sum() == sum(row[3] - row[2] for row in rows)
    assert parts.height <= first + 1
