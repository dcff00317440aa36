import io
from dataclasses import replace
from datetime import date

import polars as pl

from sselfie_insights.query.cells import write_rows
from sselfie_insights.query.library import Column
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
    assert result.suppressed == (False, True, True, False, False)
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
    both = replace(result, frame=frame, columns=columns, group_sizes=("people", "before"))
    hidden = suppress_small_groups(both)
    assert hidden.suppressed == (True, True, False)
    rows = write_rows(hidden, ["people", "before", "money"])
    assert rows == [["0", "<5", ""], ["<5", "8", ""], ["9", "9", "1.00"]]
