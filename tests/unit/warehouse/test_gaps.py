"""What is a gap, what stops everything, and what words of an error go where."""

import duckdb
import pytest

from sselfie_insights.errors import (
    LockedError,
    SselfieError,
    StorageError,
    TimedOutError,
    UsageError,
)
from sselfie_insights.warehouse.gaps import Gap, attempt

SECRET = "ada@example.org"


def fail(error: BaseException) -> object:
    raise error


def gap_of(error: BaseException) -> Gap:
    gaps: list[Gap] = []
    made = attempt("the table", lambda: fail(error), gaps.append)
    assert gaps == [made]
    return gaps[0]


def test_what_succeeds_is_no_gap() -> None:
    assert attempt("the table", lambda: 7, pytest.fail) == 7


def test_without_anybody_to_hear_of_it_a_failure_is_raised() -> None:
    with pytest.raises(OverflowError):
        attempt("the table", lambda: fail(OverflowError()), None)


@pytest.mark.parametrize(
    "error",
    [
        StorageError("the disk is full"),
        LockedError("another run"),
        TimedOutError("too long"),
        MemoryError(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_nothing_else_would_survive_stops_everything(error: BaseException) -> None:
    with pytest.raises(type(error)):
        attempt("the table", lambda: fail(error), pytest.fail)


def test_a_damaged_file_and_an_interrupt_are_known_by_what_duckdb_says() -> None:
    with pytest.raises(StorageError):
        attempt(
            "t", lambda: fail(duckdb.IOException("Corrupt database file: block 7")), pytest.fail
        )
    with pytest.raises(KeyboardInterrupt):
        attempt("t", lambda: fail(duckdb.InterruptException("Interrupted!")), pytest.fail)


def test_our_own_words_say_why() -> None:
    gap = gap_of(UsageError("query a has no column 'b'", remedy="rename it"))
    assert gap.reason == "query a has no column 'b'"
    assert str(gap) == "the table could not be made: query a has no column 'b': rename it"
    assert gap_of(SselfieError("too few months")).reason == "too few months"


def test_words_of_the_engine_that_may_hold_a_value_are_for_the_operator_alone() -> None:
    def ask() -> object:
        try:
            return duckdb.sql(f"select cast('{SECRET}' as integer)").fetchall()
        except duckdb.Error as error:
            raise UsageError(f"q.sql: {error}") from None

    gaps: list[Gap] = []
    attempt("the table", ask, gaps.append)

    assert SECRET not in gaps[0].reason
    assert SECRET in gaps[0].detail


def test_a_missing_table_is_named() -> None:
    gaps: list[Gap] = []
    attempt("the table", lambda: duckdb.sql("from marts.gone"), gaps.append)
    assert "gone" in gaps[0].reason


def test_of_what_nobody_foresaw_the_kind_and_the_place_are_told() -> None:
    gap = gap_of(OverflowError(SECRET))
    assert SECRET not in str(gap) + gap.reason
    assert gap.reason == "an error that nobody foresaw (OverflowError)"
    assert "OverflowError at test_gaps.py:" in gap.detail
