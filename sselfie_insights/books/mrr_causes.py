"""The rules by which another tool's MRR differs from ours."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import duckdb

from sselfie_insights.clock import parse_zone
from sselfie_insights.diff.numbers import add_months
from sselfie_insights.money import minor_digits, to_major
from sselfie_insights.warehouse.reading import Stamp

Cause = Literal[
    "unknown customer",
    "not in the file",
    "rounding",
    "currency",
    "timing",
    "free month",
    "discount",
    "cancelled but paid until",
    "past due",
    "other",
]

NEAR = timedelta(days=1)
"""How far from our end of a month another time zone's can lie."""

NOTHING = Decimal(0)

Key = tuple[str, date, str]
"""Customer, first day of the month, and currency."""


def major(ours: Mapping[Key, tuple[int, int]], key: Key) -> Decimal:
    """Return our contract MRR of ``key`` in major units; 0 where there is none."""
    return to_major(ours[key][0], key[2]) if key in ours else NOTHING


@dataclass(frozen=True)
class _Span:
    begin: datetime
    end: datetime
    currency: str
    product: str
    months: int
    mrr: int
    billed: int


@dataclass
class _Member:
    """What is known of a customer who differs."""

    spans: list[_Span] = field(default_factory=list)
    losses: list[tuple[datetime, str]] = field(default_factory=list)
    is_cancelling: bool = False

    def at(self, moment: datetime, currency: str) -> list[_Span]:
        return [s for s in self.spans if s.begin <= moment < s.end and s.currency == currency]

    def mrr_at(self, moment: datetime, currency: str) -> Decimal:
        return to_major(sum(span.mrr for span in self.at(moment, currency)), currency)


class Judge:
    """Names the first rule that explains a difference.

    Args:
        db: The marts.
        stamp: What they speak for.
        theirs: MRR in major units as the file says.
        ours: Contract and billed MRR in minor units.
        differing: The keys to be judged.
        in_file: The customers whom the file has, in any month.
    """

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        stamp: Stamp,
        theirs: Mapping[Key, Decimal],
        ours: Mapping[Key, tuple[int, int]],
        differing: Collection[Key],
        in_file: Collection[str | None],
    ) -> None:
        self._members = _read_members(db, {customer for customer, *_ in differing})
        self._prices = _read_prices(db)
        self._theirs = theirs
        self._ours = ours
        self._in_file = in_file
        self._zone = parse_zone(stamp.timezone)
        self._as_of = stamp.as_of.replace(tzinfo=None)
        self._grace = timedelta(days=stamp.grace_days)
        self._currencies: dict[tuple[str, date], set[str]] = defaultdict(set)
        for customer, month, currency in (*ours, *(key for key in theirs if theirs[key])):
            self._currencies[customer, month].add(currency)

    def find_cause(self, key: Key) -> Cause:
        """Return by which rule the two amounts of ``key`` differ."""
        customer, month, currency = key
        if customer not in self._in_file:
            return "not in the file"
        theirs, ours = self._theirs.get(key, NOTHING), major(self._ours, key)
        cent = Decimal(1).scaleb(-minor_digits(currency))
        member = self._members.get(customer, _Member())
        end = self._end_of(month)
        covering = member.at(end, currency)

        def is_theirs(amount: Decimal) -> bool:
            return abs(amount - theirs) <= cent

        if is_theirs(ours):
            return "rounding"
        if not (theirs and ours) and len(self._currencies[customer, month]) > 1:
            return "currency"
        if any(is_theirs(member.mrr_at(end + shift, currency)) for shift in (-NEAR, NEAR)):
            return "timing"
        billed = to_major(self._ours.get(key, (0, 0))[1], currency)
        if (theirs == 0 and ours > 0 and billed == 0) or (ours == 0 and covering):
            return "free month"
        listed = self._listed(covering, month)
        if ours > 0 and theirs > 0 and (is_theirs(billed) or any(map(is_theirs, listed))):
            return "discount"
        last = [span for span in covering if self._ends(member, span)]
        if last and is_theirs(ours - to_major(sum(span.mrr for span in last), currency)):
            return "cancelled but paid until"
        if ours == 0 and self._is_past_due(member, end, currency, is_theirs):
            return "past due"
        months = (add_months(month, -1), add_months(month, 1))
        if any(is_theirs(major(self._ours, (customer, each, currency))) for each in months):
            return "timing"
        return "other"

    def _end_of(self, month: date) -> datetime:
        """Return the last instant of a month, in UTC, as the marts write it."""
        midnight = datetime.combine(add_months(month, 1), time.min, self._zone).astimezone(UTC)
        return midnight.replace(tzinfo=None) - timedelta(microseconds=1)

    def _listed(self, covering: Iterable[_Span], month: date) -> set[Decimal]:
        """What the products held are listed at a month, added up in every way there is."""
        totals = {NOTHING}
        for span in covering:
            totals = {a + b for a in totals for b in self._prices(span, month)}
        return totals - {NOTHING}

    def _ends(self, member: _Member, span: _Span) -> bool:
        """Say whether nothing followed ``span``, or nothing is to follow it."""
        is_followed = any(
            other.currency == span.currency and span.end <= other.begin <= span.end + self._grace
            for other in member.spans
        )
        return not is_followed and (span.end <= self._as_of or member.is_cancelling)

    def _is_past_due(
        self,
        member: _Member,
        end: datetime,
        currency: str,
        is_theirs: Callable[[Decimal], bool],
    ) -> bool:
        """Say whether they still count what a payment that failed or is late has ended."""
        before = [s for s in member.spans if s.end <= end and s.currency == currency]
        if not before:
            return False
        last = max(span.end for span in before)
        place = bisect_right([at for at, _ in member.losses], last) - 1
        kind = member.losses[place][1] if place >= 0 else ""
        latest = [span for span in before if span.end == last]
        return kind != "voluntary" and any(
            is_theirs(to_major(sum(getattr(s, name) for s in latest), currency))
            for name in ("mrr", "billed")
        )


def _read_members(db: duckdb.DuckDBPyConnection, customers: set[str]) -> dict[str, _Member]:
    members: dict[str, _Member] = defaultdict(_Member)
    among = [list(customers)]
    for customer, *span in db.execute(
        "select customer_key, covered_from_at, covered_until_at, currency, product_type,"
        " interval_months, mrr_cents, billed_mrr_cents from marts.coverage"
        " where customer_key in (select unnest(?)) order by covered_from_at",
        among,
    ).fetchall():
        members[customer].spans.append(_Span(*span))
    for customer, at, kind in db.execute(
        "select customer_key, churned_at, kind from marts.churn_by_member"
        " where customer_key in (select unnest(?)) order by churned_at",
        among,
    ).fetchall():
        members[customer].losses.append((at, kind))
    for (customer,) in db.execute(
        "select customer_key from marts.members_now where state = 'cancelling'"
        " and customer_key in (select unnest(?))",
        among,
    ).fetchall():
        members[customer].is_cancelling = True
    return dict(members)


def _read_prices(db: duckdb.DuckDBPyConnection) -> Callable[[_Span, date], set[Decimal]]:
    """Return what gives the list prices a month of the product that a span is of."""
    prices: dict[tuple[str, str, int], list[tuple[Any, ...]]] = defaultdict(list)
    for product, currency, months, cents, since, until in db.execute(
        "select product_type, currency, interval_months, price_cents, valid_from_on,"
        " valid_until_on from marts.dim_products where is_recurring and interval_months > 0"
    ).fetchall():
        prices[product, currency, months].append((cents, since, until))

    def of(span: _Span, month: date) -> set[Decimal]:
        return {
            to_major(cents, span.currency) / span.months
            for cents, since, until in prices[span.product, span.currency, span.months]
            if (since is None or since < add_months(month, 1)) and (until is None or month < until)
        }

    return of
