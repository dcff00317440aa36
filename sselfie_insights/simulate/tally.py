"""Count what happened: money, credits and activity by period, a person at a time.

No database row and no model's logic is used: the business knows what was paid, what was done and
what it cost. Who was a member, and at what price, is in ``members``.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from sselfie_insights.simulate.events import Dropped, History, Shape, Standing
from sselfie_insights.simulate.instants import Calendar
from sselfie_insights.simulate.members import MemberTruth

# What a ledger entry of a kind does to the flow; every other kind is use.
FLOWS: Final = {
    "purchase": "purchased",
    "subscription_grant": "granted",
    "bonus": "bonus",
    "refund": "adjusted",
}


class Tally:
    """Adds up histories, one at a time and in any order, to what the answer key needs.

    Args:
        since: The business's first instant (microseconds).
        as_of: The instant the key speaks for; later events do not exist.
        zone: The reporting zone.
        grace_days: Days after a period's end in which a renewal is late, not new.
        shape: The database the events are recorded in.
    """

    def __init__(
        self, since: int, as_of: int, zone: ZoneInfo, grace_days: int, shape: Shape
    ) -> None:
        self.as_of = as_of
        self.calendar = Calendar(since, as_of, zone)
        self.members = MemberTruth(self.calendar, as_of, grace_days, shape)
        self.revenue: Counter[tuple[int, str, str, str]] = Counter()
        self.credits: Counter[tuple[int, str]] = Counter()
        self.gaps: list[tuple[str, int, int, int]] = []
        self.active: dict[str, Counter[tuple[int, str]]] = {
            grain: Counter() for grain in ("month", "week", "day")
        }
        self.cohort_sizes: Counter[tuple[str, int]] = Counter()
        self.cohort_returns: Counter[tuple[str, str, int, int]] = Counter()
        self.excluded: Counter[Standing] = Counter()
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.dropped_cents: Counter[tuple[str, str]] = Counter()

    def add(self, history: History, dropped: Iterable[Dropped]) -> None:
        """Add one person, and the payment rows of theirs that do not count."""
        for row in dropped:
            if row.at <= self.as_of:
                self.dropped[row.reason, row.currency] += 1
                self.dropped_cents[row.reason, row.currency] += row.cents
        standing = self._standing(history)
        if standing is not Standing.CUSTOMER:
            if history.signed_up_at <= self.as_of:
                self.excluded[standing] += 1
            return
        first_paid_at = self._add_payments(history)
        if history.user_id is not None:
            self.members.add(history.user_id, history.subscriptions)
            if history.signed_up_at <= self.as_of:
                self._add_credits(history.user_id, history)
                self._add_activity(history, first_paid_at)

    def _standing(self, history: History) -> Standing:
        """Return the person's standing by ``as_of``: a tester is one from the first test row on."""
        if history.standing is not Standing.TEST:
            return history.standing
        tried = [each.invoices[0].paid_at for each in history.subscriptions]
        tried += [each.at for each in history.purchases]
        return Standing.TEST if min(tried) <= self.as_of else Standing.CUSTOMER

    def _add_payments(self, history: History) -> int | None:
        """Add what was paid and given back; return when the first money came."""
        payments = chain(
            (
                (each.paid_at, each.cents, each.product, subscription.currency, each.refund)
                for subscription in history.subscriptions
                for each in subscription.invoices
            ),
            (
                (each.at, each.cents, each.product, each.currency, each.refund)
                for each in history.purchases
            ),
        )
        paid = set()
        first_at = None
        for at, cents, product, currency, refund in payments:
            if at > self.as_of or cents == 0:
                continue
            month = self.calendar.month(at)
            self.revenue[month, currency, product, "gross"] += cents
            self.revenue[month, currency, product, "payments"] += 1
            paid.add((month, currency, product))
            first_at = at if first_at is None else min(first_at, at)
            if refund and not refund.is_void and refund.at <= self.as_of:
                kind = "charged_back" if refund.is_chargeback else "refunded"
                self.revenue[self.calendar.month(refund.at), currency, product, kind] += (
                    refund.cents
                )
        for month, currency, product in paid:
            self.revenue[month, currency, product, "payers"] += 1
        return first_at

    def _add_credits(self, user_id: str, history: History) -> None:
        ledger = balance = 0
        for move in history.credit_moves:
            balance += move.credits
            if move.logged and move.at <= self.as_of:
                ledger += move.credits
                flow = FLOWS.get(move.kind, "used")
                self.credits[self.calendar.month(move.at), flow] += move.credits
        if history.credit_moves:
            self.gaps.append((user_id, balance, ledger, balance - ledger))

    def _add_activity(self, history: History, first_paid_at: int | None) -> None:
        calendar = self.calendar
        days = sorted(
            {calendar.day(each.at) for each in history.activities if each.at <= self.as_of}
        )
        months = _distinct(calendar.month_of_day(day) for day in days)
        weeks = _distinct(day // 7 for day in days)
        for grain, periods, last in (
            ("month", months, len(calendar.months) - 1),
            ("week", weeks, len(calendar.weeks) - 1),
            ("day", days, len(calendar.days) - 1),
        ):
            _count_lifecycle(self.active[grain], periods, last)
        starts = (("signup", history.signed_up_at), ("first_payment", first_paid_at))
        for start, at in starts:
            if at is None:
                continue
            cohort = calendar.month(at)
            self.cohort_sizes[start, cohort] += 1
            offsets = [month - cohort for month in months if month >= cohort]
            for offset in offsets:
                self.cohort_returns[start, "on", cohort, offset] += 1
            for offset in range(offsets[-1] + 1 if offsets else 0):
                self.cohort_returns[start, "on_or_after", cohort, offset] += 1


def _count_lifecycle(counts: Counter[tuple[int, str]], periods: list[int], last: int) -> None:
    """Count one user's active ``periods`` (rising) by how they follow one another."""
    previous = None
    for period in periods:
        counts[period, "active"] += 1
        if previous is None:
            counts[period, "new"] += 1
        elif previous == period - 1:
            counts[period, "returning"] += 1
        else:
            counts[period, "resurrected"] += 1
            counts[previous + 1, "dormant"] += 1
        previous = period
    if previous is not None and previous < last:
        counts[previous + 1, "dormant"] += 1


def _distinct(periods: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(periods))
