import io
from dataclasses import replace
from datetime import date

import polars as pl

from sselfie_insights.query.cells import write_rows
from sselfie_insights.query.header import Column
from sselfie_insights.query.run import Result
from sselfie_insights.query.write import to_csv, to_parquet, to_records
from sselfie_insights.report.privacy import suppress_small_groups

UNITS = {
    "month": "month", "name": "text", "people": "count", "money": "cents", "is_complete": "flag",
}  # fmt: skip


def make(sizes: list[int | None], *group_sizes: str) -> Result:
    frame = pl.DataFrame(
        {
            "month": [date(2026, 1, 1)] * len(sizes),
            "name": [f"n{size}" for size in sizes],
            "people": sizes,
            "money": [100] * len(sizes),
            "is_complete": [True] * len(sizes),
        }
    )
    columns = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}  # type: ignore[arg-type]
    return Result("q", frame, columns, ("month", "name"), group_sizes, {}, None)


def test_groups_of_one_to_four_lose_their_measures() -> None:
    result = suppress_small_groups(make([0, 1, 4, 5, None], "people"))
    assert result.suppressed == ("", "<5", "<5", "", "")
    assert result.frame["people"].to_list() == [0, None, None, 5, None]
    assert result.frame["money"].to_list() == [100, None, None, 100, 100]
    assert result.frame["name"].to_list() == ["n0", "n1", "n4", "n5", "nNone"]


def test_every_format_shows_the_same_suppression() -> None:
    result = suppress_small_groups(make([3, 7], "people"))
    assert [row[2] for row in write_rows(result)] == ["<5", "7"]
    assert [row[3] for row in write_rows(result)] == ["", "1.00"]
    assert to_csv(result).decode().splitlines()[1:] == [
        "2026-01-01,n3,<5,,true",
        "2026-01-01,n7,7,100,true",
    ]
    assert [(r["people"], r["money"]) for r in to_records(result)] == [("<5", None), (7, 100)]

    stored = pl.read_parquet(io.BytesIO(to_parquet(result)))
    assert stored["people"].to_list() == [None, 7]


def test_a_query_that_counts_no_people_is_left_alone() -> None:
    result = make([1, 2])
    assert suppress_small_groups(result) is result


def test_of_two_sizes_either_can_be_too_small() -> None:
    frame = make([0, 3, 9]).frame.with_columns(before=pl.Series([4, 8, 9]))
    result = make([0, 3, 9])
    columns = result.columns | {"before": Column(unit="count", description="")}
    both = replace(result, data=frame, columns=columns, group_sizes=("people", "before"))
    hidden = suppress_small_groups(both)
    assert hidden.suppressed == ("<5", "<5", "")
    rows = write_rows(hidden, ["people", "before", "money"])
    assert rows == [["0", "<5", ""], ["<5", "8", ""], ["9", "9", "1.00"]]


def make_cells(sizes: list[list[int]], part_of: tuple[tuple[str, ...], ...]) -> Result:
    """A table of people by place (row) and product (column), and the money of each."""
    cells = [(place, product) for place in range(len(sizes)) for product in range(len(sizes[0]))]
    people = [sizes[place][product] for place, product in cells]
    frame = pl.DataFrame(
        {
            "place": [place for place, _ in cells],
            "product": [product for _, product in cells],
            "people": people,
            "money": [10 * count for count in people],
            "median_days": [float(count) for count in people],
            "buyers": [count // 2 for count in people],
            "note": [f"too few: n = {count}" for count in people],
        }
    )
    columns = {name: Column(unit="count", description="") for name in frame.columns}
    columns["median_days"] = Column(unit="days", description="", of="buyers")
    columns["note"] = Column(unit="text", description="", of="people")
    return Result("q", frame, columns, ("place", "product"), ("people",), {}, None, part_of=part_of)


def hide(sizes: list[list[int]], *part_of: tuple[str, ...]) -> list[list[str]]:
    hidden = suppress_small_groups(make_cells(sizes, part_of))
    marks = iter(hidden.suppressed or ())
    return [[next(marks) for _ in row] for row in sizes]


def test_a_sum_shown_elsewhere_gives_no_small_group_away() -> None:
    assert hide([[3, 9, 6, 0]]) == [["<5", "", "", ""]], "no sum is known"
    assert hide([[3, 9, 6, 0]], ("place",)) == [["<5", "", "hidden", ""]]
    assert hide([[3, 9, 6, 2]], ("place",)) == [["<5", "", "", "<5"]], "they are five together"
    assert hide([[1, 9, 6, 2]], ("place",)) == [["<5", "", "hidden", "<5"]]
    assert hide([[3, 0]], ("place",)) == [["<5", ""]], "the whole is small itself"
    assert hide([[7, 9]], ("place",)) == [["", ""]]
    # The rows apart, then the whole table together.
    assert hide([[3, 9], [8, 7]], ("place",)) == [["<5", "hidden"], ["", ""]]
    assert hide([[3, 9], [8, 7]], ()) == [["<5", ""], ["", "hidden"]]


def test_sums_along_both_sides_give_nothing_away() -> None:
    assert hide([[3, 20, 30], [40, 8, 9], [50, 60, 70]], ("place",), ("product",)) == [
        ["<5", "hidden", ""], ["hidden", "hidden", ""], ["", "", ""],
    ]  # fmt: skip


def test_a_hidden_group_keeps_no_number_in_any_format() -> None:
    result = suppress_small_groups(make_cells([[3, 9, 6]], (("place",),)))
    assert [row[2:4] for row in write_rows(result)] == [["<5", ""], ["9", "90"], ["hidden", ""]]
    assert to_csv(result).decode().splitlines()[3] == "0,2,hidden,,,,"
    assert [record["people"] for record in to_records(result)] == ["<5", 9, "hidden"]
    assert pl.read_parquet(io.BytesIO(to_parquet(result)))["people"].to_list() == [None, 9, None]


def test_a_median_of_fewer_than_five_is_not_told() -> None:
    result = suppress_small_groups(make_cells([[8, 10, 1]], ()))
    assert result.frame["buyers"].to_list() == [4, 5, None]
    assert result.frame["median_days"].to_list() == [None, 10.0, None]
    assert result.frame["money"].to_list() == [80, 100, None]
    assert result.frame["note"].to_list() == ["too few: n = 8", "too few: n = 10", None]
