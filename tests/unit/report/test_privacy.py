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


def cohorts(*rows: tuple[str, int | None, int, int, bool | None]) -> Result:
    """Rows of segment, cohort (a month; None for the mean), index, size, whether in the mean."""
    frame = pl.DataFrame(
        {
            "segment": [row[0] for row in rows],
            "cohort_period": [row[1] and date(2026, row[1], 1) for row in rows],
            "period_index": [row[2] for row in rows],
            "cohort_size": [row[3] for row in rows],
            "retained_count": [row[3] for row in rows],
            "is_in_mean": [row[4] for row in rows],
            "is_mean": [row[1] is None for row in rows],
        }
    )
    units = dict(zip(frame.columns, ("text", "month", *["count"] * 3, "flag", "flag"), strict=True))
    columns = {name: Column(unit=unit, description="") for name, unit in units.items()}  # type: ignore[arg-type]
    return Result(
        "q", frame, columns, ("segment", "cohort_period", "period_index"), ("cohort_size",), {},
        None, part_of=(("segment",), ("cohort_period",)), group=("segment", "cohort_period"),
    )  # fmt: skip


def shown_means(result: Result) -> dict[tuple[str, int], int | None]:
    frame = suppress_small_groups(result).frame.filter("is_mean")
    return {
        (segment, index): count
        for segment, index, count in frame.select(
            "segment", "period_index", "retained_count"
        ).iter_rows()
    }


def test_a_mean_that_gives_one_hidden_cohort_away_is_hidden() -> None:
    # Three cohorts of 3 and one of 20. Of period 0, 9 people are hidden together. Of the periods 1
    # and 2 without April, 6 are: the difference is April's 3.
    sizes = {1: 3, 2: 3, 3: 20, 4: 3}
    rows = [("all", month, index, size, True) for index in range(3) for month, size in sizes.items()
            if month + index <= 4]  # fmt: skip
    means = [("all", None, 0, 29, None), ("all", None, 1, 26, None), ("all", None, 2, 6, None)]
    assert shown_means(cohorts(*rows, *means)) == {
        ("all", 0): 29,
        ("all", 1): None,
        ("all", 2): None,
    }


def test_a_running_cohort_that_is_hidden_is_in_no_mean() -> None:
    # April has begun with 2 people; to hide it, March, which is near it, is hidden too. March is in
    # the mean of period 0 alone, and by itself.
    sizes = {1: 30, 2: 9, 3: 25, 4: 2}
    rows = [("all", month, index, size, month + index < 4) for index in range(3)
            for month, size in sizes.items() if month + index <= 4]  # fmt: skip
    means = [("all", None, 0, 64, None), ("all", None, 1, 39, None), ("all", None, 2, 30, None)]
    result = suppress_small_groups(cohorts(*rows, *means))
    marks = dict(zip(result.frame["cohort_period"], result.suppressed or (), strict=True))
    assert (marks[date(2026, 3, 1)], marks[date(2026, 4, 1)]) == ("hidden", "<5")
    assert marks[date(2026, 2, 1)] == ""
    assert shown_means(cohorts(*rows, *means)) == {("all", 0): None, ("all", 1): 39, ("all", 2): 30}


def test_the_means_of_segments_do_not_give_one_away_together() -> None:
    # February: 2 of one segment; 10 of another are hidden, or all of February would give them away.
    # March, near both, still runs: so each is alone in its segment's mean. Without the two, the
    # mean of all gives 12 people.
    rows = [(name, month, 0, 2 if (name, month) == ("a", 2) else size, month < 3)
            for name, size in (("a", 30), ("b", 10), ("c", 50)) for month in (1, 2, 3)]  # fmt: skip
    means = [("a", None, 0, 32, None), ("b", None, 0, 20, None), ("c", None, 0, 100, None)]
    assert shown_means(cohorts(*rows, *means)) == {("a", 0): None, ("b", 0): None, ("c", 0): 100}


def test_a_hidden_mean_is_not_the_only_one_of_its_period() -> None:
    # Of one segment a single cohort is hidden in its mean, and of the other two none: the mean of
    # all without theirs would give that cohort, so the one over the fewest cohorts is hidden too.
    rows = [("a", 1, 0, 9, True), ("a", 2, 0, 3, False), ("b", 1, 0, 50, True),
            ("b", 2, 0, 8, False), ("c", 1, 0, 40, True), ("c", 2, 0, 40, False)]  # fmt: skip
    means = [("a", None, 0, 9, None), ("b", None, 0, 50, None), ("c", None, 0, 40, None)]
    found = shown_means(cohorts(*rows, *means))
    assert found[("a", 0)] is None
    assert list(found.values()).count(None) >= 2
