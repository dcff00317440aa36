import io
from dataclasses import replace
from datetime import date

import polars as pl

from sselfie_insights.query.cells import write_rows
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.header import Column
from sselfie_insights.query.identities import parse_identity
from sselfie_insights.query.result import Result
from sselfie_insights.query.write import to_parquet, to_records
from sselfie_insights.report import privacy
from sselfie_insights.report.people import Names
from tests.support.pages import suppress_alone

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
    result = suppress_alone(make([0, 1, 4, 5, None], "people"))
    assert result.suppressed == ("", "<5", "<5", "", "")
    assert result.frame["people"].to_list() == [0, None, None, 5, None]
    assert result.frame["money"].to_list() == [100, None, None, 100, 100]
    assert result.frame["name"].to_list() == ["n0", "n1", "n4", "n5", "nNone"]


def test_every_format_shows_the_same_suppression() -> None:
    result = suppress_alone(make([3, 7], "people"))
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
    assert suppress_alone(result) is result


def test_of_two_sizes_either_can_be_too_small() -> None:
    frame = make([0, 3, 9]).frame.with_columns(before=pl.Series([4, 8, 9]))
    result = make([0, 3, 9])
    columns = result.columns | {"before": Column(unit="count", description="")}
    both = replace(result, data=frame, columns=columns, group_sizes=("people", "before"))
    hidden = suppress_alone(both)
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
    hidden = suppress_alone(make_cells(sizes, part_of))
    marks = iter(hidden.suppressed or ())
    return [[next(marks) for _ in row] for row in sizes]


def test_what_groups_did_together_gives_no_small_group_away() -> None:
    # Of the hidden rows together at least five people did what is known of them.
    assert hide([[3, 9, 6, 0]]) == [["<5", "", "", ""]], "no sum is known"
    assert hide([[3, 9, 6, 2]], ("place",)) == [["<5", "", "", "<5"]], "they are five together"
    assert hide([[3, 0]], ("place",)) == [["<5", ""]], "the whole is small itself"
    assert hide([[7, 9]], ("place",)) == [["", ""]]
    for sizes in ([[3, 9, 6, 0]], [[1, 9, 6, 2]]):
        (marks,) = hide(sizes, ("place",))
        assert [mark for mark in marks if mark == "hidden"], sizes
        assert marks[3] == ("" if sizes[0][3] == 0 else "<5")


def test_a_hidden_group_keeps_no_number_in_any_format() -> None:
    result = suppress_alone(make_cells([[3, 6]], (("place",),)))
    assert [row[2:4] for row in write_rows(result)] == [["<5", ""], ["hidden", ""]]
    assert to_csv(result).decode().splitlines()[2] == "0,1,hidden,,,,"
    assert [record["people"] for record in to_records(result)] == ["<5", "hidden"]
    assert pl.read_parquet(io.BytesIO(to_parquet(result)))["people"].to_list() == [None, None]


def test_a_median_of_fewer_than_five_is_not_told() -> None:
    result = suppress_alone(make_cells([[8, 10, 1]], ()))
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
        None, group=("segment", "cohort_period"),
    )  # fmt: skip


def marks_of(result: Result) -> dict[str, str]:
    """Per cohort's month, or ``mean`` and the period index, what stands for its size."""
    frame = suppress_alone(result)
    rows = zip(frame.frame.iter_rows(named=True), frame.suppressed or (), strict=True)
    return {
        f"mean {row['period_index']}" if row["is_mean"] else f"{row['cohort_period']:%b}": mark
        for row, mark in rows
    }


def triangle(sizes: dict[int, int], last: int) -> Result:
    """Cohorts by month, each with the periods that have ended by month ``last``, and the means."""
    rows = [("all", month, index, size, True) for index in range(3) for month, size in sizes.items()
            if month + index <= last]  # fmt: skip
    means = [("all", None, index, sum(row[3] for row in rows if row[2] == index), None)
             for index in range(3)]  # fmt: skip
    return cohorts(*rows, *means)


def test_means_do_not_give_a_small_cohort_away() -> None:
    # The means of periods 0 and 1 differ by April's 3 alone, those of 1 and 2 by March.
    marks = marks_of(triangle({1: 30, 2: 40, 3: 20, 4: 3}, 4))
    assert marks["Apr"] == "<5"
    assert marks["mean 0"] == "hidden" or marks["mean 1"] == "hidden", marks
    assert marks["mean 2"] == marks["Jan"] == ""


def test_five_sizes_stay_possible_of_a_mean_of_fewer_than_five_people() -> None:
    # Were the 7 of period 0 shown, the mean of period 1 would be 7 less April's 1 to 4: 3 to 6.
    marks = marks_of(triangle({1: 1, 2: 1, 3: 1, 4: 4}, 4))
    assert marks["mean 1"] == "hidden"
    assert marks["mean 0"] == "hidden"


def test_a_mean_that_counts_no_small_cohort_is_shown() -> None:
    # April has begun with 2 people; its first period still runs.
    sizes = {1: 30, 2: 9, 3: 25, 4: 2}
    rows = [("all", month, index, size, month + index < 4) for index in range(3)
            for month, size in sizes.items() if month + index <= 4]  # fmt: skip
    means = [("all", None, 0, 64, None), ("all", None, 1, 39, None), ("all", None, 2, 30, None)]
    marks = marks_of(cohorts(*rows, *means))
    assert [month for month, mark in marks.items() if mark] == ["Apr"]


def counted(name: str, values: dict[str, list[int]], **columns: Column) -> Result:
    """A table of numbers of people by month, of which ``people`` is the size."""
    months = [date(2026, 1 + index, 1) for index in range(len(values["people"]))]
    frame = pl.DataFrame({"month": months, **values})
    described = {key: columns.get(key, Column(unit="count", description="")) for key in values}
    month = Column(unit="month", description="")
    return Result(name, frame, {"month": month, **described}, ("month",), ("people",), {}, None)


def test_a_number_is_hidden_wherever_it_stands() -> None:
    joined = Column(unit="count", description="", same_as="joined {month}")
    table = counted("members", {"people": [40, 50], "new": [3, 9]}, new=joined)
    cohorts = counted("cohorts", {"people": [3, 9]}, people=joined)
    found = privacy.suppress_small_groups({"table": table, "cohorts": cohorts})
    assert write_rows(found["table"]) == [["Jan 2026", "40", "<5"], ["Feb 2026", "50", "9"]]
    assert write_rows(found["cohorts"]) == [["Jan 2026", "<5"], ["Feb 2026", "9"]]


def test_the_next_row_does_not_say_how_many_there_were() -> None:
    # active of the month before = returning + dormant: 3 = 2 + 1.
    identities = (
        parse_identity("people = new + returning"),
        parse_identity("before.people = returning + dormant"),
    )
    values = {"people": [3, 20, 24], "new": [3, 18, 9], "returning": [0, 2, 15],
              "dormant": [0, 1, 5]}  # fmt: skip
    table = replace(counted("active", values), identities=identities)
    rows = write_rows(suppress_alone(table))
    assert rows[0][1:] == ["<5", "", "", ""]
    assert rows[1][1:] == ["20", "hidden", "hidden", "hidden"]
    assert rows[2][1:] == ["24", "9", "15", "5"]


def test_a_rate_does_not_say_what_it_was_made_of() -> None:
    joined = Column(unit="count", description="", same_as="joined {month}")
    values = {"people": [40], "new": [3], "left": [4]}
    table = counted("members", values, new=joined)
    rate = Column(unit="rate", description="", of="people")
    columns = table.columns | {
        "new_rate": rate,
        "left_rate": rate.model_copy(update={"made_of": ("left",)}),
    }
    frame = table.frame.with_columns(new_rate=pl.lit(0.075), left_rate=pl.lit(0.1))
    cohorts = counted("cohorts", {"people": [3]}, people=joined)
    found = privacy.suppress_small_groups(
        {"table": replace(table, data=frame, columns=columns), "cohorts": cohorts}
    )
    assert write_rows(found["table"]) == [["Jan 2026", "40", "<5", "4", "", "10.0%"]]


def test_the_money_of_another_currency_gives_nothing_away() -> None:
    """Of 8 people 3 pay in euros: the others' number goes, but not what they pay in dollars."""
    frame = pl.DataFrame(
        {"currency": ["eur", "usd"], "people": [3, 5], "money": [300, 5000], "each": [100, 1000]}
    )
    columns = {
        "currency": Column(unit="text", description=""),
        "people": Column(unit="count", description=""),
        "money": Column(unit="cents", description=""),
        "each": Column(unit="cents", description="", made_of=("people",)),
    }
    result = Result(
        "q", frame, columns, ("currency",), ("people",), {}, None, part_of=((),)
    )  # fmt: skip
    assert to_records(suppress_alone(result)) == [
        {"currency": "eur", "people": "<5", "money": None, "each": None},
        {"currency": "usd", "people": "hidden", "money": 5000, "each": None},
    ]
    # Where the parts of one currency add up to a sum that is known, so do their amounts.
    parts = {name.replace("currency", "product"): column for name, column in columns.items()}
    summed = replace(
        result, data=frame.rename({"currency": "product"}), columns=parts, key=("product",)
    )
    assert to_records(suppress_alone(summed))[1]["money"] is None


def test_a_quantity_names_the_period_that_holds_a_day() -> None:
    """18 March 2026 is a Wednesday."""
    names = Names({"day": date(2026, 3, 18)})
    assert names.write("{day:first week} {day:first month}") == "2026-03-16 2026-03-01"
    assert names.write("{day:first quarter} {day:first year}") == "2026-01-01 2026-01-01"
