"""What is asked of Great Expectations, and what is made of its answers."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import duckdb
import pytest

from sselfie_insights.check.expectations import Answer, Question, ask
from sselfie_insights.check.judge import Finding, judge
from sselfie_insights.check.measure import MeasuredMirror
from sselfie_insights.check.rules import Check
from sselfie_insights.contract import apply_owner, load_contract
from sselfie_insights.warehouse.meta import SYNC_TABLES

USERS = load_contract()["users"]
READ_AT = datetime(2026, 3, 1, 4)
VOLUME, FRESHNESS = Check("volume", USERS), Check("freshness", USERS)
ZERO = {"column": "count", "max_value": 0}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(SYNC_TABLES)
        connection.execute("create schema raw")
        connection.execute("create table raw.users (id varchar, created_at timestamp)")
        yield connection


def write_users(warehouse: duckdb.DuckDBPyConnection, days_ago: Sequence[float]) -> None:
    for number, days in enumerate(days_ago):
        at = READ_AT - timedelta(days=days)
        warehouse.execute(f"insert into raw.users values ('{number}', timestamp '{at}')")


def write_syncs(warehouse: duckdb.DuckDBPyConnection, row_counts: Sequence[int]) -> None:
    """Write former syncs, the last one last."""
    for number, row_count in enumerate(row_counts):
        at = READ_AT - timedelta(days=len(row_counts) - number)
        warehouse.execute(
            f"insert into meta.sync_runs values ('{number}', 'full', '{at}', '{at}', '{at}', 1,"
            f" 'here', '', 1, 1, {row_count}, 0, 0, 0, null)"
        )
        warehouse.execute(
            f"insert into meta.sync_tables values ('{number}', 'public', 'users', 'raw', 'users',"
            f" 'full', '', {row_count}, 0, 0, 0, 1, '', '')"
        )


def find(warehouse: duckdb.DuckDBPyConnection, check: Check) -> Finding | None:
    findings = judge(MeasuredMirror(warehouse, READ_AT, READ_AT), [VOLUME, FRESHNESS], "public")
    return next((finding for finding in findings if finding.check == check), None)


@pytest.mark.parametrize(
    ("former", "now", "is_failed"),
    [
        ([100], 60, True),
        ([100], 71, False),
        # The fullest of the last five counts, so that a fall is seen more than once.
        ([100, 60, 60, 60, 60], 60, True),
        ([100, 60, 60, 60, 60, 60], 60, False),
    ],
)
def test_a_volume_is_held_against_former_syncs(
    warehouse: duckdb.DuckDBPyConnection, former: Sequence[int], now: int, is_failed: bool
) -> None:
    write_users(warehouse, [1] * now)
    write_syncs(warehouse, former)

    finding = find(warehouse, VOLUME)

    assert finding is not None
    assert (finding.is_failed, finding.is_broken) == (is_failed, False)
    if is_failed:
        assert finding.detail == "60 rows, 40 % fewer than at a former sync"


def test_a_table_that_vanished_is_no_volume(warehouse: duckdb.DuckDBPyConnection) -> None:
    """It is gone, so that what needs it is not known; an empty one has lost all its rows."""
    write_syncs(warehouse, [100])
    warehouse.execute("delete from raw.users")
    finding = find(warehouse, VOLUME)
    assert finding is not None
    assert finding.detail == "0 rows, 100 % fewer than at a former sync"

    warehouse.execute("drop table raw.users")
    assert find(warehouse, VOLUME) is None


def test_a_handful_of_rows_may_go(warehouse: duckdb.DuckDBPyConnection) -> None:
    write_users(warehouse, [1])
    write_syncs(warehouse, [19])

    assert find(warehouse, VOLUME) is None


@pytest.mark.parametrize(
    ("days_ago", "usual_days"),
    [
        # New rows every day: the contract's seven days.
        ([*range(0, 60)], 7),
        # Every tenth day: twice that.
        ([*range(0, 120, 10)], 20),
        # On nine days only: a quiet table.
        ([*range(0, 90, 10)], 90),
    ],
)
def test_a_table_is_stale_when_its_own_gaps_are_exceeded(
    warehouse: duckdb.DuckDBPyConnection, days_ago: Sequence[int], usual_days: int
) -> None:
    write_users(warehouse, [days + usual_days - 0.5 for days in days_ago])
    fresh = find(warehouse, FRESHNESS)
    warehouse.execute("update raw.users set created_at = created_at - interval 1 day")
    stale = find(warehouse, FRESHNESS)

    assert fresh is not None and stale is not None
    assert (fresh.is_failed, stale.is_failed) == (False, True)
    assert stale.detail.endswith(f"where {usual_days} are usual at most")


def test_a_row_of_the_future_does_not_make_a_table_fresh(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    write_users(warehouse, [*range(30, 60), -400])

    finding = find(warehouse, FRESHNESS)

    assert finding is not None and finding.is_failed


def test_an_empty_table_is_not_stale(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert find(warehouse, FRESHNESS) is None


def test_an_answer_names_the_rows_that_failed_any_question_of_its_name() -> None:
    frame = [{"count": 0, "other": 9}, {"count": 1}, {}, {"count": 0, "other": 4}]
    at_most_five = {"column": "other", "max_value": 5}
    between = "ExpectColumnValuesToBeBetween"

    answers = ask(
        {
            "one": (frame, [Question("a", between, ZERO), Question("a", between, at_most_five)]),
            "two": ([{"count": 0}], [Question("b", between, ZERO)]),
            "nothing": ([], [Question("c", between, ZERO)]),
        }
    )

    assert answers == {
        "a": Answer(frozenset({0, 1}), is_broken=False),
        "b": Answer(frozenset(), is_broken=False),
        "c": Answer(frozenset(), is_broken=False),
    }


def test_what_raises_is_broken_and_says_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A value that cannot be compared makes the metric raise, with the value in its message."""
    frame = [{"count": "ada@mail.example"}]

    with caplog.at_level(logging.DEBUG):
        answers = ask({"one": (frame, [Question("a", "ExpectColumnValuesToBeBetween", ZERO)])})

    assert answers == {"a": Answer(frozenset(), is_broken=True)}
    assert capfd.readouterr() == ("", "")
    assert "ada@" not in caplog.text


@pytest.mark.parametrize(
    ("unit", "written", "is_failed"),
    [
        ("", "9700", False),
        ("", "97.00", True),
        ("minor", "9700.00", False),
        ("minor", "97.50", True),
        ("major", "97.50", False),
        ("major", "$1,097.50", False),
        ("major", "much", True),
    ],
)
def test_an_amount_that_may_be_dollars_is_none_until_its_owner_says_so(
    warehouse: duckdb.DuckDBPyConnection, unit: str, written: str, is_failed: bool
) -> None:
    warehouse.execute(f"create table raw.stripe_payments as select '{written}' as amount_cents")
    units = {"stripe_payments": {"amount_cents": unit}} if unit else {}
    payments = apply_owner(load_contract(), {}, units)["stripe_payments"]
    check = Check("type", payments, payments.column("amount_cents"))
    [finding] = judge(MeasuredMirror(warehouse, READ_AT, READ_AT), [check], "public")
    assert (finding.is_failed, finding.failed_rows) == (is_failed, int(is_failed))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payment_date", "1767261600"),
        ("payment_date", "1767261600000"),
        ("payment_date", "2026-01-01 11:00:00+01"),
        ("id", "00000000-0000-4000-8000-00000000000a"),
    ],
)
def test_instants_since_1970_and_ids_of_any_kind_are_of_their_types(
    warehouse: duckdb.DuckDBPyConnection, column: str, value: str
) -> None:
    warehouse.execute(f"create table raw.stripe_payments as select '{value}' as {column}")
    payments = load_contract()["stripe_payments"]
    check = Check("type", payments, payments.column(column))
    [finding] = judge(MeasuredMirror(warehouse, READ_AT, READ_AT), [check], "public")
    assert not finding.is_failed


def test_a_word_in_capitals_or_between_blanks_is_the_documented_one(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(
        "create table raw.stripe_payments as"
        " select unnest(['SUCCEEDED', ' Paid', 'paid', 'Passed']) as status"
    )
    payments = load_contract()["stripe_payments"]
    check = Check("accepted_values", payments, payments.column("status"))
    [finding] = judge(MeasuredMirror(warehouse, READ_AT, READ_AT), [check], "public")
    assert (finding.failed_rows, finding.checked_rows) == (1, 4)
    assert finding.detail.endswith("Passed (1)")


def test_copies_are_named_and_only_other_rows_of_one_key_break_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(
        "insert into raw.users values ('a', null), ('a', null), ('b', null), (null, null)"
    )
    checks = [
        Check("unique", USERS, USERS.column("id")),
        Check("copies", USERS, USERS.column("id")),
    ]

    def ask_both() -> list[tuple[str, bool, int | None]]:
        found = judge(MeasuredMirror(warehouse, READ_AT, READ_AT), checks, "public")
        return [(each.check.rule, each.is_failed, each.failed_rows) for each in found]

    assert ask_both() == [("unique", False, 0), ("copies", True, 1)]
    warehouse.execute("insert into raw.users values ('b', '2026-01-01')")
    assert ask_both() == [("unique", True, 1), ("copies", True, 1)]
    warehouse.execute("delete from raw.users where id = 'a'")
    assert ask_both() == [("unique", True, 1)]
