"""Subscriber and revenue cohorts counted row by row, and random books to hold queries against."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from tests.support.contracts import create_tables, insert
from tests.support.periods import add, trunc
from tests.support.warehouses import write_build_info

TICK = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Spell:
    """Coverage with its MRR: from an instant to before another."""

    from_at: datetime
    until_at: datetime
    cents: int = 1000
    currency: str = "usd"


@dataclass(frozen=True)
class Customer:
    """A customer; without an account there is neither product nor brand style."""

    key: str
    spells: Sequence[Spell]
    acquisition: str = "direct"
    brand_style: str | None = None
    product: str | None = None
    has_account: bool = True

    def is_mine(self) -> bool:
        return self.has_account and self.brand_style == "minimal" and self.acquisition == "direct"


@dataclass(frozen=True)
class Book:
    """Customers and the calendar in which their MRR is looked at."""

    customers: Sequence[Customer]
    as_of: datetime
    zone: str = "UTC"
    today: date = field(init=False)
    ended_on: date = field(init=False)
    known: dict[Any, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", self.local(self.as_of))
        object.__setattr__(self, "ended_on", self.local(self.as_of + TICK))

    def local(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def held(self, customer: Customer, period: date, grain: str) -> Counter[str]:
        """MRR by currency at the last instant of a period, at as_of while it runs."""
        if (customer.key, period, grain) in self.known:
            return self.known[customer.key, period, grain]
        next_day = datetime.combine(add(period, 1, grain), time(), ZoneInfo(self.zone))
        moment = min(next_day.astimezone(UTC) - TICK, self.as_of)
        cents: Counter[str] = Counter()
        for spell in customer.spells:
            if spell.from_at <= moment < spell.until_at:
                cents[spell.currency] += spell.cents
        self.known[customer.key, period, grain] = cents
        return cents

    def joined(self, customer: Customer) -> date | None:
        if customer.key not in self.known:
            moments = [spell.from_at for spell in customer.spells if spell.from_at <= self.as_of]
            self.known[customer.key] = self.local(min(moments)) if moments else None
        return self.known[customer.key]


def write_book(path: Path, book: Book) -> Path:
    """Fill the marts that the cohorts of members read."""
    customers, users, months, moves = [], [], [], []
    for customer in book.customers:
        joined = book.joined(customer)
        month = joined and trunc(joined, "month")
        user_id = customer.key if customer.has_account else None
        customers.append((customer.key, user_id, month, customer.acquisition))
        if customer.has_account:
            users.append(
                (customer.key, customer.key, customer.acquisition, customer.brand_style,
                 customer.product)
            )  # fmt: skip
        first = month
        while month is not None and first is not None and month <= book.today:
            months += [
                (month, customer.key, currency, cents, first)
                for currency, cents in book.held(customer, month, "month").items()
            ]
            month = add(month, 1, "month")
        moves += [
            (trunc(book.local(spell.from_at), "month"), customer.key, spell.currency)
            for spell in customer.spells
            if spell.from_at <= book.as_of
        ]
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, book.as_of, book.zone)
        for table, columns, rows in (
            ("dim_customers", "customer_key, user_id, subscriber_cohort_month, acquisition",
             customers),
            ("dim_users", "user_id, customer_key, acquisition, brand_style, product", users),
            ("member_months", "month, customer_key, currency, mrr_cents, cohort_period", months),
            ("mrr_by_member", "month, customer_key, currency", moves),
        ):  # fmt: skip
            insert(connection, f"marts.{table}", columns, rows)
    return path


Cells = dict[tuple[Any, ...], tuple[Any, ...]]


def split(book: Book, given: dict[str, str]) -> Iterator[tuple[str, Customer, date]]:
    """Yield who is asked for, with the segment and the day of the first MRR."""
    breakdown = given.get("breakdown", "none")
    for customer in book.customers:
        joined = book.joined(customer)
        if joined is None:
            continue
        if ("only" in given and not customer.is_mine()) or (
            "without" in given and customer.is_mine()
        ):
            continue
        if breakdown == "none":
            segment = "all"
        elif breakdown == "segment:mine":
            segment = "in mine" if customer.is_mine() else "not in mine"
        elif breakdown == "acquisition" or customer.has_account:
            segment = getattr(customer, breakdown) or "(none)"
        else:
            segment = "(none)"
        yield segment, customer, joined


def merge(rows: list[tuple[Any, ...]], given: dict[str, str]) -> list[tuple[Any, ...]]:
    if "top" not in given:
        return rows
    sizes = Counter(row[0] for row in rows)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[: int(given["top"])]
    return [(row[0] if row[0] in largest else "(other)", *row[1:]) for row in rows]


def cohorts(book: Book, first: date, given: dict[str, str]) -> Iterator[date]:
    grain = given["grain"]
    since, until = (
        trunc(date.fromisoformat(given[name]), grain) if name in given else None
        for name in ("since", "until")
    )
    while first <= book.today:
        if (since is None or first >= since) and (until is None or first <= until):
            yield first
        first = add(first, 1, grain)


def expect_subscribers(book: Book, given: dict[str, str]) -> Cells:
    """Size, retained, is_complete and is_in_mean by segment, cohort and index; METRICS §4."""
    grain, mode = given["grain"], given["mode"]
    rows = merge(list(split(book, given)), given)
    if not rows:
        return {}
    spans = [(k, k) for k in range(int(given.get("periods", 999)))]
    if mode == "bracket":
        pairs = [part.split("-") for part in given["brackets"].split(",")]
        spans = [(int(pair[0]), int(pair[-1])) for pair in pairs]
    cells: Cells = {}
    first = min(trunc(joined, grain) for _, _, joined in rows)
    for segment in {row[0] for row in rows}:
        for cohort in cohorts(book, first, given):
            members = [
                customer for name, customer, joined in rows
                if name == segment and trunc(joined, grain) == cohort
            ]  # fmt: skip
            for low, high in spans:
                if add(cohort, low, grain) > book.today:
                    continue
                last = 999 if mode == "on_or_after" else high
                periods = [
                    add(cohort, k, grain) for k in range(low, last + 1)
                    if add(cohort, k, grain) <= book.today
                ]  # fmt: skip
                retained = sum(
                    any(book.held(member, period, grain) for period in periods)
                    for member in members
                )
                ended = add(cohort, high + 1, grain) <= book.ended_on
                is_complete = ended and (mode != "on_or_after" or retained == len(members))
                cells[segment, cohort, low] = (
                    len(members), retained, is_complete, ended and bool(members)
                )  # fmt: skip
    for segment, low in {(segment, low) for segment, _, low in cells}:
        parts = [cell for key, cell in cells.items() if (key[0], key[2]) == (segment, low)]
        size, retained = (sum(cell[place] for cell in parts if cell[3]) for place in (0, 1))
        if size:
            whole = mode != "on_or_after" or retained == size
            cells[segment, None, low] = (size, retained, whole, True)
    return cells


def expect_revenue(book: Book, given: dict[str, str]) -> Cells:
    """Size, MRR at 0 and k, the two rates and the flags by segment, currency, cohort and index."""
    grain = given["grain"]
    rows = merge([
        (segment, currency, customer, joined)
        for segment, customer, joined in split(book, given)
        for currency in sorted({
            spell.currency for spell in customer.spells if spell.from_at <= book.as_of
        })
    ], given)  # fmt: skip
    cells: Cells = {}
    if not rows:
        return cells
    first = min(trunc(joined, grain) for *_, joined in rows)
    for segment, currency in {(row[0], row[1]) for row in rows}:
        for cohort in cohorts(book, first, given):
            members = [
                customer for name, money, customer, joined in rows
                if (name, money) == (segment, currency) and trunc(joined, grain) == cohort
            ]  # fmt: skip
            held: list[int] = []
            for k in range(int(given.get("periods", 999))):
                period = add(cohort, k, grain)
                if period > book.today:
                    break
                held.append(sum(book.held(each, period, grain)[currency] for each in members))
                ended = add(period, 1, grain) <= book.ended_on
                cells[segment, currency, cohort, k] = (
                    len(members), held[0], held[k], held[k] / held[0] if held[0] else None,
                    held[k] / held[k - 1] if k and held[k - 1] else None,
                    ended, ended and bool(members),
                )  # fmt: skip
    for series in {(key[0], key[1], key[3]) for key in cells}:
        parts = [
            cell for key, cell in cells.items() if (key[0], key[1], key[3]) == series and cell[6]
        ]
        if parts:
            size, begun, now = (sum(cell[place] for cell in parts) for place in (0, 1, 2))
            segment, currency, k = series
            rate = now / begun if begun else None
            cells[segment, currency, None, k] = (size, begun, now, rate, None, True, True)
    return cells


def draw_book(rng: random.Random, zone: str) -> Book:
    origin = at("2024-11-20T00:00")
    days = rng.choice([100, 300, 600])
    as_of = origin + timedelta(days=days, seconds=rng.choice([0, -1e-6, 43_211]))
    customers = []
    for number in range(rng.randrange(1, 25)):
        spells = []
        # Some begin after as_of: they do not exist yet.
        moment = origin + timedelta(seconds=rng.randrange((days + 5) * 86_400))
        for _ in range(rng.randrange(1, 4)):
            end = moment + timedelta(days=rng.choice([3, 31, 90, 400]))
            currency = rng.choice(["usd", "usd", "gbp"])
            spells.append(Spell(moment, end, rng.choice([900, 2500, 9900]), currency))
            moment = end + timedelta(days=rng.choice([0, 0, 20, 70]))
        customers.append(
            Customer(
                f"c{number}",
                spells,
                acquisition=rng.choice(["direct", "freebie"]),
                brand_style=rng.choice(["minimal", None]),
                product=rng.choice(["pro", "starter", None]),
                has_account=rng.random() < 0.9,
            )
        )
    return Book(customers, as_of, zone)


def draw_options(rng: random.Random) -> dict[str, str]:
    given = {
        "grain": rng.choice(["month", "month", "month", "quarter", "year"]),
        "breakdown": rng.choice(["none", "product", "acquisition", "brand_style", "segment:mine"]),
    }
    if given["breakdown"] != "none" and rng.random() < 0.3:
        given["top"] = "1"
    given |= rng.choice([{}, {}, {}, {"only": "mine"}, {"without": "mine"}])
    day = date(2024, 11, 1) + timedelta(days=rng.randrange(500))
    if rng.random() < 0.4:
        given["since"] = day.isoformat()
    if rng.random() < 0.3:
        given["until"] = (day + timedelta(days=100)).isoformat()
    if rng.random() < 0.3:
        given["periods"] = rng.choice(["1", "4", "20"])
    return given
