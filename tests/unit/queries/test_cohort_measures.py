"""What cohorts paid and used, against hand computation, a brute force and a published log."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.contracts import create_tables, insert
from tests.support.periods import ZONES, add, trunc
from tests.support.warehouses import write_build_info, write_segment

REVENUE = load_query("retention/cohort_revenue")
USAGE = load_query("retention/cohort_usage")
COUNTED = ("gross_cents", "refunded_cents", "chargeback_cents")


@dataclass(frozen=True)
class Person:
    """Somebody with days on which they began, paid, were active and used credits.

    Money is a day, the currency, and gross, refunded and charged back cents of which one is not 0.
    """

    key: str
    signed_up_on: date | None = None
    first_activity_on: date | None = None
    first_paid_on: date | None = None
    first_subscription_on: date | None = None
    money: Sequence[tuple[date, str, int, int, int]] = ()
    activity: Sequence[date] = ()
    credits: Sequence[tuple[date, str, int]] = ()
    acquisition: str | None = "direct"
    brand_style: str | None = None

    def is_mine(self) -> bool:
        return self.brand_style == "minimal" and self.acquisition == "direct"


def write(
    path: Path, people: Sequence[Person], as_of: datetime, zone: str = "UTC", week_start: int = 0
) -> Path:
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, as_of, zone, date(1, 1, 1 + week_start))
        users = [person for person in people if person.signed_up_on]
        insert(
            connection,
            "marts.dim_users",
            "user_id, customer_key, signed_up_on, first_activity_on, first_payment_on,"
            " first_subscription_on, acquisition, brand_style",
            [(each.key, each.key, each.signed_up_on, each.first_activity_on, each.first_paid_on,
              each.first_subscription_on, each.acquisition, each.brand_style) for each in users],
        )  # fmt: skip
        insert(
            connection,
            "marts.dim_customers",
            "customer_key, user_id, first_paid_on, first_subscription_on, acquisition",
            [(each.key, each.key if each.signed_up_on else None, each.first_paid_on,
              each.first_subscription_on, each.acquisition if each.signed_up_on else "unknown")
             for each in people if each.first_paid_on],
        )  # fmt: skip
        insert(
            connection,
            "marts.payments",
            "movement_key, kind, moved_on, customer_key, currency, gross_cents, refunded_cents,"
            " chargeback_cents",
            [(f"{each.key}-{n}", "payment" if gross else "refund" if refunded else "chargeback",
              day, each.key, currency, gross, refunded, disputed)
             for each in people
             for n, (day, currency, gross, refunded, disputed) in enumerate(each.money)],
        )  # fmt: skip
        insert(
            connection,
            "marts.fct_activity",
            "user_id, activity_on, feature",
            [(each.key, day, "image") for each in users for day in each.activity],
        )
        insert(
            connection,
            "marts.credit_entries",
            "user_id, transacted_on, kind, credits",
            [(each.key, *entry) for each in users for entry in each.credits],
        )
    return path


def run(path: Path, query: Any, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, query, given).frame.to_dicts()


JANUARY, FEBRUARY, MARCH = date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Ann and bea signed up in January; gus, who has no account, paid first in February."""
    return write(
        tmp_path / "w.duckdb",
        [
            Person(
                "ann", JANUARY, JANUARY, JANUARY, FEBRUARY,
                [(JANUARY, "usd", 4900, 0, 0), (FEBRUARY, "usd", 9900, 0, 0),
                 (FEBRUARY, "usd", 0, 4900, 0), (MARCH, "usd", 9900, 0, 0)],
                [JANUARY, JANUARY, MARCH],
                [(JANUARY, "granted", 100), (JANUARY, "used", -30), (FEBRUARY, "used", -20)],
            ),
            Person("bea", JANUARY, FEBRUARY, activity=[FEBRUARY], acquisition="freebie"),
            Person("gus", first_paid_on=FEBRUARY, money=[
                (FEBRUARY, "gbp", 2000, 0, 0), (MARCH, "gbp", 0, 0, 500),
            ]),
        ],
        datetime(2026, 3, 15, tzinfo=UTC),
    )  # fmt: skip


def revenue_cells(path: Path, **given: str) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    return {
        (row["currency"], str(row["cohort_period"] or "mean")[:7], row["period_index"]): (
            row["cohort_size"], row["payer_count"], row["payment_count"], row["net_cents"],
            row["cumulative_net_cents"], row["cumulative_net_cents_per_person"],
            row["is_complete"],
        )
        for row in run(path, REVENUE, **given)
    }  # fmt: skip


def test_hand_computed_revenue_by_first_payment(small: Path) -> None:
    cells = revenue_cells(small)
    assert {key: cell for key, cell in cells.items() if key[0] == "usd"} == {
        ("usd", "2026-01", 0): (1, 1, 1, 4900, 4900, 4900, True),
        # 99.00 less the refund of January's 49.00, which counts when it was given back.
        ("usd", "2026-01", 1): (1, 1, 1, 5000, 9900, 9900, True),
        ("usd", "2026-01", 2): (1, 1, 1, 9900, 19800, 19800, False),
        ("usd", "2026-02", 0): (1, 0, 0, 0, 0, 0, True),
        ("usd", "2026-02", 1): (1, 0, 0, 0, 0, 0, False),
        ("usd", "2026-03", 0): (0, 0, 0, 0, 0, None, False),
        ("usd", "mean", 0): (2, 1, 1, 4900, 4900, 2450, True),
        ("usd", "mean", 1): (1, 1, 1, 5000, 9900, 9900, True),
    }
    assert cells["gbp", "2026-02", 0] == (1, 1, 1, 2000, 2000, 2000, True)
    assert cells["gbp", "2026-02", 1] == (1, 0, 0, -500, 1500, 1500, False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # By head of both who signed up, of whom bea never paid.
        ({"start": "signup"}, {("usd", "2026-01", 1): (2, 1, 1, 5000, 9900, 4950, True)}),
        # What ann paid before the month of the first membership is left out.
        ({"start": "first_subscription"},
         {("usd", "2026-02", 0): (1, 1, 1, 5000, 5000, 5000, True),
          ("usd", "2026-02", 1): (1, 1, 1, 9900, 14900, 14900, False)}),
        ({"start": "first_activity", "periods": "1"},
         {("usd", "2026-01", 0): (1, 1, 1, 4900, 4900, 4900, True)}),
        ({"grain": "quarter"},
         {("usd", "2026-01", 0): (2, 1, 3, 19800, 19800, 9900, False),
          ("gbp", "2026-01", 0): (2, 1, 1, 1500, 1500, 750, False)}),
        ({"grain": "year"}, {("usd", "2026-01", 0): (2, 1, 3, 19800, 19800, 9900, False)}),
    ],
)  # fmt: skip
def test_hand_computed_revenue_options(
    small: Path, given: dict[str, str], expected: dict[tuple[str, str, int], tuple[Any, ...]]
) -> None:
    assert expected.items() <= revenue_cells(small, **given).items()


def usage_cells(path: Path, **given: str) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    return {
        (row["segment"], str(row["cohort_period"] or "mean")[:7], row["period_index"]): (
            row["cohort_size"], row["active_count"], row["event_count"], row["used_credits"],
            row["cumulative_used_credits"], row["used_credits_per_person"], row["is_complete"],
        )
        for row in run(path, USAGE, **given)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"until": "2026-01-01"},
         {("all", "2026-01", 0): (2, 1, 2, 30, 30, 15.0, True),
          ("all", "2026-01", 1): (2, 1, 1, 20, 50, 10.0, True),
          ("all", "2026-01", 2): (2, 1, 1, 0, 50, 0.0, False),
          ("all", "mean", 0): (2, 1, 2, 30, 30, 15.0, True),
          ("all", "mean", 1): (2, 1, 1, 20, 50, 10.0, True)}),
        ({"until": "2026-01-01", "periods": "1", "breakdown": "acquisition"},
         {("direct", "2026-01", 0): (1, 1, 2, 30, 30, 30.0, True),
          ("freebie", "2026-01", 0): (1, 0, 0, 0, 0, 0.0, True),
          ("direct", "mean", 0): (1, 1, 2, 30, 30, 30.0, True),
          ("freebie", "mean", 0): (1, 0, 0, 0, 0, 0.0, True)}),
        ({"start": "first_subscription", "until": "2026-02-01"},
         {("all", "2026-02", 0): (1, 0, 0, 20, 20, 20.0, True),
          ("all", "2026-02", 1): (1, 1, 1, 0, 20, 0.0, False),
          ("all", "mean", 0): (1, 0, 0, 20, 20, 20.0, True)}),
    ],
)  # fmt: skip
def test_hand_computed_usage(
    small: Path, given: dict[str, str], expected: dict[tuple[str, str, int], tuple[Any, ...]]
) -> None:
    assert usage_cells(small, **given) == expected


@pytest.mark.parametrize("query", [REVENUE, USAGE])
def test_what_means_nothing_is_refused(small: Path, query: Any) -> None:
    with pytest.raises(UsageError, match="nothing is split"):
        run(small, query, top="2")


def draw_people(rng: random.Random, today: date) -> list[Person]:
    def day() -> date:
        return today - timedelta(days=rng.randrange(150))

    people = []
    for number in range(rng.randrange(1, 20)):
        has_account = rng.random() < 0.85
        paid = day() if rng.random() < 0.7 or not has_account else None
        people.append(
            Person(
                f"p{number}",
                day() if has_account else None,
                day() if has_account and rng.random() < 0.7 else None,
                paid,
                day() if paid and rng.random() < 0.6 else None,
                [
                    (day(), rng.choice(["usd", "usd", "gbp"]), *rng.choice(
                        [(900, 0, 0), (2500, 0, 0), (0, 700, 0), (0, 0, 900)]
                    ))
                    for _ in range(rng.randrange(6) if paid else 0)
                ],
                [day() for _ in range(rng.randrange(6))],
                [(day(), rng.choice(["used", "used", "granted"]), rng.choice([-5, -1, 3]))
                 for _ in range(rng.randrange(5))],
                rng.choice(["direct", "freebie"]),
                rng.choice(["minimal", None]),
            )
        )  # fmt: skip
    return people


def place(person: Person, given: dict[str, str]) -> tuple[str, date] | None:
    """The segment and the day of the start, of who is asked for."""
    start = given["start"]
    day = {
        "signup": person.signed_up_on,
        "first_activity": person.first_activity_on,
        "first_payment": person.first_paid_on,
        "first_subscription": person.first_subscription_on,
    }[start]
    is_mine = person.signed_up_on is not None and person.is_mine()
    if day is None or ("only" in given and not is_mine) or ("without" in given and is_mine):
        return None
    match given["breakdown"]:
        case "none":
            return "all", day
        case "segment:mine":
            return ("in mine" if is_mine else "not in mine"), day
        case "acquisition":
            return (person.acquisition or "(none)") if person.signed_up_on else "unknown", day
        case _:
            return (person.brand_style if person.signed_up_on else None) or "(none)", day


def expect(
    people: Sequence[Person], today: date, ended_on: date, week_start: int, query: Any,
    given: dict[str, str],
) -> dict[tuple[Any, ...], tuple[Any, ...]]:  # fmt: skip
    """Person by person and cell by cell; the columns of ``measure`` after the size."""
    grain = given["grain"]

    def first_day(day: date) -> date:
        return trunc(day, grain, week_start)

    is_revenue = query is REVENUE
    placed = [
        (*where, person)
        for person in people
        if (is_revenue or person.signed_up_on) and (where := place(person, given))
    ]
    if "top" in given and placed:
        sizes = Counter(segment for segment, *_ in placed)
        best = sorted(sizes, key=lambda name: (-sizes[name], name))[0]
        placed = [(name if name == best else "(other)", *rest) for name, *rest in placed]
    since, until = (
        first_day(date.fromisoformat(given[name])) if name in given else None
        for name in ("since", "until")
    )
    cells: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    if not placed:
        return cells
    cohorts = [min(first_day(day) for _, day, _ in placed)]
    while add(cohorts[-1], 1, grain) <= today:
        cohorts.append(add(cohorts[-1], 1, grain))
    cohorts = [
        each for each in cohorts
        if (since is None or each >= since) and (until is None or each <= until)
    ]  # fmt: skip
    # A currency is there when somebody asked for moved money in it since the start.
    currencies = {
        money[1]
        for _, day, person in placed
        for money in person.money
        if first_day(day) in cohorts and money[0] >= first_day(day)
    }
    for segment in {segment for segment, *_ in placed}:
        for cohort in cohorts:
            members = [
                person for name, day, person in placed
                if name == segment and first_day(day) == cohort
            ]  # fmt: skip
            for series in sorted(currencies) if is_revenue else ("",):
                total = 0
                for k in range(int(given.get("periods", 999))):
                    begin, end = add(cohort, k, grain), add(cohort, k + 1, grain)
                    if begin > today:
                        break
                    measured = [_measure(person, begin, end, series) for person in members]
                    values = [sum(value) for value in zip(*measured, strict=True)] or [0, 0, 0]
                    total += values[2]
                    ended = end <= ended_on
                    cells[segment, series, cohort, k] = (
                        len(members), *values, total, ended, ended and bool(members)
                    )  # fmt: skip
    for key in {(segment, series, k) for segment, series, _, k in cells}:
        parts = [
            cell for (segment, series, _, k), cell in cells.items()
            if (segment, series, k) == key and cell[6]
        ]  # fmt: skip
        if parts:
            sums = [sum(cell[column] for cell in parts) for column in range(5)]
            cells[key[0], key[1], None, key[2]] = (*sums, True, True)
    return cells


def _measure(person: Person, begin: date, end: date, currency: str) -> tuple[int, int, int]:
    """People, how often, and how much: of money in a currency, else of use and credits."""
    if currency:
        money = [row for row in person.money if row[1] == currency and begin <= row[0] < end]
        payments = sum(row[2] > 0 for row in money)
        return int(payments > 0), payments, sum(row[2] - row[3] - row[4] for row in money)
    events = sum(begin <= day < end for day in person.activity)
    used = -sum(
        amount for day, kind, amount in person.credits if kind == "used" and begin <= day < end
    )
    return int(events > 0), events, used


def draw_options(rng: random.Random, today: date) -> dict[str, str]:
    given = {
        "grain": rng.choice(["day", "week", "week", "two_weeks", "month", "quarter", "year"]),
        "start": rng.choice(["signup", "first_payment", "first_subscription", "first_activity"]),
        "breakdown": rng.choice(["none", "acquisition", "brand_style", "segment:mine"]),
    }
    if given["breakdown"] != "none" and rng.random() < 0.3:
        given["top"] = "1"
    given |= rng.choice([{}, {}, {}, {"only": "mine"}, {"without": "mine"}])
    day = today - timedelta(days=rng.randrange(-5, 160))
    if rng.random() < 0.4 or given["grain"] == "day":
        given["since"] = day.isoformat()
    if rng.random() < 0.3:
        given["until"] = (day + timedelta(days=30)).isoformat()
    if rng.random() < 0.3:
        given["periods"] = rng.choice(["1", "4", "20"])
    return given


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("query", [REVENUE, USAGE], ids=["revenue", "usage"])
def test_combinations_equal_the_brute_force(
    zone: str, query: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone + query.name)
    columns = (
        ("payer_count", "payment_count", "net_cents", "cumulative_net_cents")
        if query is REVENUE
        else ("active_count", "event_count", "used_credits", "cumulative_used_credits")
    )
    count = number = 0
    while count < 2_500:
        number += 1
        path = tmp_path / f"{number}.duckdb"
        as_of = datetime(2026, 4, 25, tzinfo=UTC) + timedelta(hours=rng.randrange(300))
        week_start = rng.choice([0, 3, 6])
        # The days of build_info are what the zone makes of the instant.
        with OpenWarehouse(write(path, [], as_of, zone, week_start)) as opened:
            today, ended_on = opened.connection.execute(
                "select as_of_on, complete_until_on from marts.build_info"
            ).fetchall()[0]
        path.unlink()
        people = draw_people(rng, today)
        with OpenWarehouse(write(path, people, as_of, zone, week_start)) as opened:
            for _ in range(12):
                given = draw_options(rng, today)
                rows = run_query(opened, query, given).frame.to_dicts()
                found = {
                    (row["segment"], row.get("currency", ""), row["cohort_period"],
                     row["period_index"]): (
                        row["cohort_size"], *(row[column] for column in columns),
                        row["is_complete"], row["is_mean"] or row["is_in_mean"],
                    )
                    for row in rows
                }  # fmt: skip
                assert len(found) == len(rows)
                assert found == expect(people, today, ended_on, week_start, query, given), given
                check_per_person(rows)
                count += len(rows)


def check_per_person(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        size = row["cohort_size"]
        if "net_cents" in row:
            share = row["cumulative_net_cents_per_person"]
            assert (
                share is None
                if not size
                else abs(share - row["cumulative_net_cents"] / size) <= 0.5
            )
        else:
            share = row["used_credits_per_person"]
            assert share == (pytest.approx(row["used_credits"] / size) if size else None)
