"""CSV of rows and of frames: the same bytes, and what Python's own reader takes for the values."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sselfie_insights.query.cells import HIDDEN, SUPPRESSED
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.header import Column, Unit
from sselfie_insights.query.result import Result

UNITS: dict[str, Unit] = {
    "name": "text", "on": "date", "at": "instant", "n": "count", "rate": "rate", "is_new": "flag",
}  # fmt: skip
SCHEMA = {
    "name": pl.String(), "on": pl.Date(), "at": pl.Datetime("us", "UTC"), "n": pl.Int64(),
    "rate": pl.Float64(), "is_new": pl.Boolean(),
}  # fmt: skip
Row = tuple[Any, ...]


def both(rows: list[Row], marks: dict[str, list[str]] | None = None) -> tuple[bytes, bytes]:
    """The rows as CSV: from tuples, and from a frame."""
    columns = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}
    of_rows = Result("q", rows, columns, ("name",), (), {}, None)
    if marks is not None:
        of_rows = replace(of_rows, marks=pl.DataFrame(marks))
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    of_frame = replace(of_rows, data=frame)
    written = to_csv(of_rows), to_csv(of_frame)
    assert frame.equals(pl.DataFrame(rows, schema=SCHEMA, orient="row"))  # as it was
    return written


AWKWARD = list(',"\n\r\t;|=+-@\0\uff1d')
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(AWKWARD)))
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS,
        st.none() | st.dates(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.booleans(),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=200)
@given(ROWS)
@example([("=1+1", date(1, 1, 1), datetime(1, 1, 1, tzinfo=UTC), 0, 1e16, True)])
@example([("a;=b", date(9999, 12, 31), datetime(2026, 1, 2, 3, 4, 5, 60, UTC), 1, 1e-5, False)])
def test_a_frame_is_written_as_its_rows_are(rows: list[Row]) -> None:
    of_rows, of_frame = both(rows)
    assert of_frame == of_rows
    _, *read = csv.reader(io.StringIO(of_frame.decode(), newline=""), strict=True)
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        for cell, value in zip(cells[3:5], row[3:5], strict=True):
            if value is not None:
                assert repr(type(value)(cell)) == repr(value)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (("a", date(2026, 1, 5), datetime(2026, 1, 5, 12, tzinfo=UTC), 3, 0.25, True),
         "a,2026-01-05,2026-01-05T12:00:00Z,3,0.25,true"),
        (("a, b", date(26, 1, 5), datetime(2026, 1, 5, 12, 0, 0, 7, UTC), -3, 1e-7, False),
         '"a, b",0026-01-05,2026-01-05T12:00:00.000007Z,-3,1e-07,false'),
        (('say "hi"', None, None, None, float("nan"), None), '"say ""hi""",,,,nan,'),
        (("-2", None, None, None, float("inf"), None), "'-2,,,,inf,"),
        (("x|@y", None, None, None, 12345678901234567890.0, None),
         "x|'@y,,,,1.2345678901234567e+19,"),
    ],
)  # fmt: skip
def test_a_line_by_hand(row: Row, line: str) -> None:
    for written in both([row]):
        assert written.decode() == f"name,on,at,n,rate,is_new\n{line}\n"


def test_what_stands_for_hidden_numbers_is_written() -> None:
    rows = [
        (name, None, None, n, None, None) for name, n in zip("abc", (None, None, 9), strict=True)
    ]
    for written in both(rows, {"n": [SUPPRESSED, HIDDEN, ""]}):
        cells = [line.split(",")[3] for line in written.decode().splitlines()]
        assert cells == ["n", "<5", "hidden", "9"]
