"""What changed, in sentences: the expected ones are worked out by hand from the rows below."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.query import OpenWarehouse
from sselfie_insights.query.library import load_library
from sselfie_insights.report.results import Results
from sselfie_insights.report.sentences import Sentence, write_sentences
from tests.support.contracts import create_tables, insert
from tests.support.warehouses import write_build_info

# A Wednesday at noon: the last seven complete days are 4 to 10 March, those before 25 February to
# 3 March; a week ago is the noon of 4 March, a month ago that of 11 February.
AS_OF = datetime(2026, 3, 11, 12, tzinfo=UTC)
EARLY, WEEK_AGO, LATER = "2026-01-05 09:00", "2026-03-04 12:00", "2026-03-04 12:00:00.000001"

Changes = list[tuple[str, str, str, int]]


def say(
    folder: Path,
    changes: Changes,
    payments: list[tuple[str, str, date, int, int]] = [],  # noqa: B006
    active: list[tuple[str, date]] = [],  # noqa: B006
    signed_up: list[date] = [],  # noqa: B006
    span: str = "week",
    as_of: datetime = AS_OF,
) -> list[str]:
    path = folder / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, as_of)
        insert(
            connection,
            "marts.mrr_changes",
            "customer_key, currency, changed_at, change_cents",
            changes,
        )
        insert(
            connection,
            "marts.payments",
            "movement_key, customer_key, currency, moved_on, gross_cents, refunded_cents,"
            " chargeback_cents",
            [(f"p{n}", *payment, 0) for n, payment in enumerate(payments)],
        )
        insert(connection, "marts.fct_activity", "user_id, activity_on", active)
        users = [(f"u{n}", day) for n, day in enumerate(signed_up)]
        insert(connection, "marts.dim_users", "user_id, signed_up_on", users)
    with OpenWarehouse(path) as opened:
        return [sentence.text for sentence in read_sentences(opened, span)]


def read_sentences(opened: OpenWarehouse, span: str = "week") -> tuple[Sentence, ...]:
    """As a page has them: small groups are hidden, as if the whole site were known."""
    return write_sentences(Results(opened, load_library()).answer("growth/since", {"span": span}))


def people(prefix: str, count: int, currency: str, at: str, cents: int) -> Changes:
    return [(f"{prefix}{n}", currency, at, cents) for n in range(count)]


def test_mrr_and_members_are_held_against_the_same_instant(tmp_path: Path) -> None:
    # 20 members at 49 dollars a week ago; then 6 join at 49, 5 leave and 2 pay 30 more.
    changes = [
        *people("old", 20, "usd", EARLY, 4900),
        *people("new", 6, "usd", LATER, 4900),
        *people("old", 5, "usd", LATER, -4900),
        *[(f"old{n}", "usd", "2026-03-09 00:00", 3000) for n in (10, 11)],
    ]
    # 980.00 then, 980 + 294 - 245 + 60 = 1,089.00 now: 109.00 more, 11.1 % of 980.
    assert say(tmp_path, changes) == [
        "MRR is $1,089.00, $109.00 (11.1%) more than a week ago: 8 customers added $354.00,"
        " 5 took away $245.00.",
        "21 members, 1 (5.0%) more than a week ago: 6 joined, 5 left.",
    ]


def test_what_happened_at_that_instant_was_there_a_week_ago(tmp_path: Path) -> None:
    changes = people("old", 20, "usd", WEEK_AGO, 4900)
    assert say(tmp_path, changes) == [
        "MRR is $980.00, the same as a week ago.",
        "20 members, the same as a week ago.",
    ]


def test_a_switch_of_currency_is_no_coming_and_going(tmp_path: Path) -> None:
    changes = [
        *people("old", 20, "usd", EARLY, 4900),
        *people("old", 6, "usd", LATER, -4900),
        *people("old", 6, "eur", LATER, 4500),
    ]
    # 14 x 49 = 686.00 of 980.00: 294.00 less, 30.0 %.
    assert say(tmp_path, changes) == [
        "MRR is $686.00, $294.00 (30.0%) less than a week ago: 6 customers took away $294.00."
        " Also €270.00 (€270.00 more).",
        "20 members, the same as a week ago.",
    ]


@pytest.mark.parametrize(
    ("joined", "left"), [(1, 0), (4, 0), (0, 1), (2, 2), (4, 9), (9, 4)], ids=str
)
def test_fewer_than_five_are_not_described(tmp_path: Path, joined: int, left: int) -> None:
    changes = [
        *people("old", 20, "usd", EARLY, 4900),
        *people("new", joined, "usd", LATER, 4900),
        *people("old", left, "usd", LATER, -4900),
    ]
    mrr, members = say(tmp_path, changes)
    if joined + left < 5:
        now = 980 + 49 * (joined - left)
        hidden = "; the change is hidden, as it would reveal a small group."
        assert mrr == f"MRR is ${now:,}.00{hidden}"
        assert members.endswith(f" members{hidden}")
    else:
        # By the difference, 5 more or fewer, who came would say who went.
        assert ":" not in mrr + members and "5 (25.0%)" in members


def test_days_count_when_they_are_over(tmp_path: Path) -> None:
    days = [date(2026, 2, 24), date(2026, 2, 25), date(2026, 3, 3), date(2026, 3, 4),
            date(2026, 3, 10), date(2026, 3, 11)]  # fmt: skip
    # On each day six people pay 10 dollars, are active and sign up; on 10 March 2.50 is refunded.
    payments = [(f"c{n}", "usd", day, 1000, 0) for day in days for n in range(6)]
    payments += [("c0", "usd", date(2026, 3, 10), 0, 250)]
    payments += [(f"e{n}", "eur", date(2026, 3, 5), 500, 0) for n in range(4)]
    active = [(f"u{n}", day) for day in days for n in range(6 if day.month == 3 else 5)]
    signed_up = [day for day in days for _ in range(6)]
    # Twice 60 dollars, less 2.50, after twice 60: 2.50 less, 2.1 %. Four with euros are few.
    assert say(tmp_path, [], payments, active, signed_up) == [
        "Net revenue is $117.50 in the last seven days, $2.50 (2.1%) less than in the seven days"
        " before.",
        "6 people were active in the last seven days, the same as in the seven days before.",
        "12 people signed up in the last seven days, the same as in the seven days before.",
    ]


def test_a_month_is_held_against_the_same_days_of_the_month_before(tmp_path: Path) -> None:
    # 1 to 10 March after 1 to 10 February: 7 after 6, what came on the 11th of either left out.
    signed_up = [date(2026, 3, 10)] * 7 + [date(2026, 3, 11)] * 9
    signed_up += [date(2026, 2, 10)] * 6 + [date(2026, 2, 11)] * 9
    changes = [
        *people("old", 10, "usd", "2026-02-11 12:00", 4900),
        *people("new", 5, "usd", "2026-02-11 12:01", 4900),
    ]
    assert say(tmp_path, changes, signed_up=signed_up, span="month") == [
        "MRR is $735.00, $245.00 (50.0%) more than a month ago: 5 customers added $245.00.",
        "15 members, 5 (50.0%) more than a month ago: 5 joined.",
        "7 people signed up this month, 1 (16.7%) more than in the same days of the month before.",
    ]


def test_a_longer_month_than_the_one_before_ends_with_it(tmp_path: Path) -> None:
    # 30 days of March, against all 28 of February and none of March.
    signed_up = [date(2026, 3, 30)] * 8 + [date(2026, 2, 28)] * 6 + [date(2026, 3, 1)] * 5
    as_of = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert say(tmp_path, [], signed_up=signed_up, span="month", as_of=as_of) == [
        "13 people signed up this month, 7 (116.7%) more than in the same days of the month before."
    ]


def test_few_people_are_few_and_nobody_is_nobody(tmp_path: Path) -> None:
    days = [date(2026, 3, 1)] * 12 + [date(2026, 3, 8)] * 4
    active = [(f"u{n}", date(2026, 3, 2)) for n in range(12)]
    payments = [("c0", "usd", date(2026, 3, 9), 4900, 0)]
    changes = people("old", 3, "usd", EARLY, 4900)
    assert say(tmp_path, changes, payments, active, days) == [
        "MRR is that of too few customers to be shown.",
        "Too few members to be shown.",
        "Too few customers paid in the last seven days to be shown.",
        "Nobody was active in the last seven days, 12 (100.0%) fewer than in the seven days"
        " before.",
        "Too few people signed up in the last seven days to be shown.",
    ]


def test_numbers_are_those_of_the_words_and_no_others(tmp_path: Path) -> None:
    changes = [
        *people("old", 20, "usd", EARLY, 4900),
        *people("euro", 6, "eur", EARLY, 4500),
        *people("new", 6, "usd", LATER, 4900),
    ]
    say(tmp_path, changes)
    with OpenWarehouse(tmp_path / "w.duckdb") as opened:
        mrr, members = read_sentences(opened)
    assert mrr.numbers == (
        {"currency": "usd", "now_cents": 127400, "before_cents": 98000, "gained_count": 6,
         "gained_cents": 29400, "lost_count": 0, "lost_cents": 0},
        {"currency": "eur", "now_cents": 27000, "before_cents": 27000},
    )  # fmt: skip
    assert members.numbers == (
        {"now_count": 32, "before_count": 26, "gained_count": 6, "lost_count": 0},
    )
    assert (mrr.page, members.page) == ("why", "churn")
