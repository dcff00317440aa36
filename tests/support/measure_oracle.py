"""What cohorts pay and use, counted row by row, and random people to hold queries against."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sselfie_insights.query.library import load_query
from tests.support.contracts import create_tables, insert
from tests.support.periods import add, trunc
from tests.support.warehouses import count_months, write_build_info

REVENUE = load_query("retention/cohort_revenue")


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
        count_months(connection)
        insert(
            connection,
            "marts.credit_entries",
            "user_id, transacted_on, kind, credits",
            [(each.key, *entry) for each in users for entry in each.credits],
        )
    return path


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
