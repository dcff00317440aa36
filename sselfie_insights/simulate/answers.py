"""The answer key: what the reports must say, added up from the events.

One frame per public query, with that query's columns. No database row and no model's logic is
used: the business knows who was a member, what was paid, what was done and what it cost.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from math import sqrt
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from sselfie_insights.simulate.events import History, Shape, Standing
from sselfie_insights.simulate.instants import Calendar
from sselfie_insights.simulate.members import MOVEMENTS, MemberTruth

Z_95: Final = 1.959963984540054  # the normal quantile of a two-sided 95 % interval

_FLOWS = {
    "purchase": "purchased",
    "subscription_grant": "granted",
    "bonus": "bonus",
    "refund": "adjusted",
}
_COHORTS = (
    ("signup", "on"),
    ("signup", "on_or_after"),
    ("first_payment", "on"),
    ("first_payment", "on_or_after"),
)
_DATES = {"month", "cohort_period", "period", "member_since_on", "paid_until_on"}
_RATES = ("rate", "grr", "nrr", "nrr_with_reactivation", "quick_ratio", "low", "high")
_TEXTS = {"currency", "product_type", "customer_key", "movement", "state", "user_id"} | {
    "reason",
    "source_table",
}


@dataclass(frozen=True)
class Answers:
    """The answer key: a frame per public query, by name (``revenue/mrr_movements`` …)."""

    frames: dict[str, pl.DataFrame]

    def __getitem__(self, query: str) -> pl.DataFrame:
        return self.frames[query]

    def write(self, folder: Path) -> None:
        """Write every frame to ``<folder>/<domain>/<query>.parquet``."""
        for query, frame in self.frames.items():
            path = folder / f"{query}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(path)
            path.chmod(0o600)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A stored payment row that does not count, and why."""

    reason: str
    at: int
    cents: int
    currency: str


class AnswerKey:
    """Adds up histories, one at a time and in any chunks, to the answer key.

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
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.dropped_cents: Counter[tuple[str, str]] = Counter()

    def add(self, history: History, dropped: Iterable[Dropped]) -> None:
        """Add one person, and the payment rows of theirs that do not count."""
        for row in dropped:
            if row.at <= self.as_of:
                self.dropped[row.reason, row.currency] += 1
                self.dropped_cents[row.reason, row.currency] += row.cents
        if history.standing is not Standing.CUSTOMER:
            return
        first_paid_at = self._add_payments(history)
        if history.user_id is not None:
            self.members.add(history.user_id, history.subscriptions)
            if history.signed_up_at <= self.as_of:
                self._add_credits(history.user_id, history)
                self._add_activity(history, first_paid_at)

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
            if refund and refund.at <= self.as_of:
                refunded = self.calendar.month(refund.at)
                self.revenue[refunded, currency, product, "refunded"] += refund.cents
        for month, currency, product in paid:
            self.revenue[month, currency, product, "payers"] += 1
        return first_at

    def _add_credits(self, user_id: str, history: History) -> None:
        ledger = balance = 0
        for move in history.credit_moves:
            balance += move.credits
            if move.logged and move.at <= self.as_of:
                ledger += move.credits
                flow = _FLOWS.get(move.kind, "used")
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

    def finish(self) -> Answers:
        """Return the key."""
        frames = {
            "revenue/revenue_by_month": _frame(self._revenue_by_month()),
            "revenue/mrr_movements": _frame(self._mrr_movements()),
            "revenue/mrr_by_member": _frame(self._mrr_by_member()),
            "churn/churn_by_month": _frame(self._churn_by_month()),
            "churn/mrr_churn_by_month": _frame(self._mrr_churn_by_month()),
            "churn/members_now": _frame(self._members_now()),
            "retention/subscriber_cohorts": _frame(self._subscriber_cohorts()),
            "retention/revenue_cohorts": _frame(self._revenue_cohorts()),
            "credits/credit_flow_by_month": _frame(self._credit_flow()),
            "credits/ledger_gaps": _frame(self._ledger_gaps()),
            "quality/dropped_rows": _frame(self._dropped_rows()),
        }
        for grain, suffix in (("month", ""), ("week", "_week"), ("day", "_day")):
            frames[f"engagement/active_users{suffix}"] = _frame(self._active_users(grain))
        for start, mode in _COHORTS:
            rows = self._activity_cohorts(start, mode)
            frames[f"retention/activity_cohorts__{start}_{mode}"] = _frame(rows)
        return Answers(frames)

    def _ends_by_as_of(self, end: int) -> bool:
        """Return whether a period whose next one begins at ``end`` is complete."""
        return end - 1 <= self.as_of

    def _months(self, used: Iterable[int]) -> Iterator[tuple[int, date, bool]]:
        """Yield number, first day and completeness of every month since the first one used."""
        months = self.calendar.months
        for month in range(min(used, default=len(months)), len(months)):
            yield month, months[month], self._ends_by_as_of(self.calendar.month_end(month))

    def _revenue_by_month(self) -> Iterator[dict[str, Any]]:
        revenue = self.revenue
        sold = sorted({(currency, product) for _, currency, product, _ in revenue})
        for month, day, _ in self._months(key[0] for key in revenue):
            for currency, product in sold:
                gross = revenue[month, currency, product, "gross"]
                refunded = revenue[month, currency, product, "refunded"]
                yield {
                    "month": day,
                    "currency": currency,
                    "product_type": product,
                    "gross_cents": gross,
                    "refunded_cents": refunded,
                    "net_cents": gross - refunded,
                    "payment_count": revenue[month, currency, product, "payments"],
                    "payer_count": revenue[month, currency, product, "payers"],
                }

    def _currencies(self) -> list[str]:
        return sorted({currency for _, currency, _ in self.members.moved})

    def _mrr_movements(self) -> Iterator[dict[str, Any]]:
        truth = self.members
        for month, day, is_complete in self._months(key[0] for key in truth.moved):
            for currency in self._currencies():
                yield {
                    "month": day,
                    "currency": currency,
                    "opening_mrr_cents": truth.levels[month - 1, currency, "mrr"],
                    **{
                        f"{kind}_mrr_cents": truth.moved[month, currency, kind]
                        for kind in MOVEMENTS
                    },
                    "closing_mrr_cents": truth.levels[month, currency, "mrr"],
                    "billed_mrr_cents": truth.levels[month, currency, "billed"],
                    "in_grace_mrr_cents": truth.levels[month, currency, "in_grace"],
                    "member_count": truth.levels[month, currency, "members"],
                    "is_complete": is_complete,
                }

    def _mrr_by_member(self) -> Iterator[dict[str, Any]]:
        for month, key, currency, kind, cents, closing in sorted(self.members.by_member):
            yield {
                "month": month,
                "customer_key": key,
                "currency": currency,
                "movement": kind,
                "movement_mrr_cents": cents,
                "closing_mrr_cents": closing,
            }

    def _churn_by_month(self) -> Iterator[dict[str, Any]]:
        counts = self.members.counts
        for month, day, is_complete in self._months(key[0] for key in self.members.moved):
            opening, lost = counts[month, "opening"], counts[month, "opening_churned"]
            yield {
                "month": day,
                "opening_member_count": opening,
                "new_member_count": counts[month, "new"],
                "reactivated_count": counts[month, "reactivated"],
                "churned_member_count": counts[month, "churned"],
                "opening_churned_count": lost,
                "voluntary_count": counts[month, "voluntary"],
                "involuntary_count": counts[month, "involuntary"],
                "unknown_count": counts[month, "unknown"],
                "in_grace_count": counts[month, "in_grace"],
                "closing_member_count": counts[month, "closing"],
                "logo_churn_rate": _ratio(lost, opening),
                "is_complete": is_complete,
            }

    def _mrr_churn_by_month(self) -> Iterator[dict[str, Any]]:
        moved, levels = self.members.moved, self.members.levels
        for month, day, is_complete in self._months(key[0] for key in moved):
            for currency in self._currencies():
                opening = levels[month, currency, "opening"]
                net = levels[month, currency, "net_kept"]
                grr = _ratio(levels[month, currency, "gross_kept"], opening)
                nrr = _ratio(net, opening)
                new, back, up, down, lost = (moved[month, currency, kind] for kind in MOVEMENTS)
                yield {
                    "month": day,
                    "currency": currency,
                    "opening_mrr_cents": opening,
                    "gross_mrr_churn_rate": None if grr is None else 1 - grr,
                    "net_mrr_churn_rate": None if nrr is None else 1 - nrr,
                    "grr": grr,
                    "nrr": nrr,
                    "nrr_with_reactivation": _ratio(net + back, opening),
                    "quick_ratio": _ratio(new + up + back, down + lost),
                    "is_complete": is_complete,
                }

    def _members_now(self) -> Iterator[dict[str, Any]]:
        for key, currency, since, until, cents, state in sorted(self.members.now):
            yield {
                "customer_key": key,
                "currency": currency,
                "member_since_on": since,
                "paid_until_on": until,
                "mrr_cents": cents,
                "state": state,
            }

    def _cells(self, sizes: Mapping[int, int]) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Yield cohort, offset and the cell's first columns, for all cells that have begun."""
        months = self.calendar.months
        for cohort, day, _ in self._months(sizes):
            for offset in range(len(months) - cohort):
                end = self.calendar.month_end(cohort + offset)
                yield (
                    cohort,
                    offset,
                    {
                        "cohort_period": day,
                        "period_index": offset,
                        "cohort_size": sizes.get(cohort, 0),
                        "is_complete": self._ends_by_as_of(end),
                    },
                )

    def _subscriber_cohorts(self) -> Iterator[dict[str, Any]]:
        for cohort, offset, cell in self._cells(self.members.cohort_sizes):
            yield cell | _retention(
                self.members.cohort_retained[cohort, offset], cell["cohort_size"]
            )

    def _revenue_cohorts(self) -> Iterator[dict[str, Any]]:
        mrr = self.members.cohort_mrr
        for cohort, offset, cell in self._cells(self.members.cohort_sizes):
            for currency in self._currencies():
                cents = mrr[cohort, currency, offset]
                yield cell | {
                    "currency": currency,
                    "mrr_cents": cents,
                    "revenue_retention_rate": _ratio(cents, mrr[cohort, currency, 0]),
                }

    def _activity_cohorts(self, start: str, mode: str) -> Iterator[dict[str, Any]]:
        sizes = {month: size for (name, month), size in self.cohort_sizes.items() if name == start}
        for cohort, offset, cell in self._cells(sizes):
            retained = self.cohort_returns[start, mode, cohort, offset]
            yield cell | _retention(retained, cell["cohort_size"])

    def _credit_flow(self) -> Iterator[dict[str, Any]]:
        opening = 0
        for month, day, _ in self._months(key[0] for key in self.credits):
            purchased, granted, bonus, adjusted, used = (
                self.credits[month, flow] for flow in (*_FLOWS.values(), "used")
            )
            closing = opening + purchased + granted + bonus + adjusted + used
            yield {
                "month": day,
                "opening_credits": opening,
                "purchased_credits": purchased,
                "granted_credits": granted,
                "bonus_credits": bonus,
                "adjusted_credits": adjusted,
                "used_credits": -used,
                "closing_credits": closing,
            }
            opening = closing

    def _ledger_gaps(self) -> Iterator[dict[str, Any]]:
        for user_id, balance, ledger, gap in sorted(self.gaps):
            yield {
                "user_id": user_id,
                "balance": balance,
                "ledger_balance": ledger,
                "gap_credits": gap,
            }

    def _active_users(self, grain: str) -> Iterator[dict[str, Any]]:
        calendar, counts = self.calendar, self.active[grain]
        periods, end_of = {
            "month": (calendar.months, calendar.month_end),
            "week": (calendar.weeks, calendar.week_end),
            "day": (calendar.days, calendar.day_end),
        }[grain]
        for period in range(min((key[0] for key in counts), default=len(periods)), len(periods)):
            yield {
                "period": periods[period],
                "active_count": counts[period, "active"],
                "new_count": counts[period, "new"],
                "returning_count": counts[period, "returning"],
                "resurrected_count": counts[period, "resurrected"],
                "dormant_count": counts[period, "dormant"],
                "is_complete": self._ends_by_as_of(end_of(period)),
            }

    def _dropped_rows(self) -> Iterator[dict[str, Any]]:
        for (reason, currency), count in sorted(self.dropped.items()):
            yield {
                "reason": reason,
                "source_table": "stripe_payments",
                "currency": currency,
                "row_count": count,
                "amount_cents": self.dropped_cents[reason, currency],
            }


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


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _retention(retained: int, size: int) -> dict[str, Any]:
    """Return a cohort cell's counts, its rate and the rate's 95 % Wilson interval."""
    cell: dict[str, Any] = {"at_risk_count": size, "retained_count": retained}
    if size == 0:
        return cell | {"retention_rate": None, "low": None, "high": None}
    rate, z2 = retained / size, Z_95**2
    centre = (rate + z2 / (2 * size)) / (1 + z2 / size)
    reach = Z_95 * sqrt(rate * (1 - rate) / size + z2 / (4 * size**2)) / (1 + z2 / size)
    return cell | {
        "retention_rate": rate,
        "low": max(0.0, centre - reach),
        "high": min(1.0, centre + reach),
    }


def _frame(rows: Iterator[dict[str, Any]]) -> pl.DataFrame:
    """Return ``rows`` as a frame with the type that each column's name says it has."""
    listed = list(rows)
    names = list(listed[0]) if listed else []
    return pl.DataFrame(listed, schema={name: _type_of(name) for name in names})


def _type_of(name: str) -> pl.DataType:
    if name in _DATES:
        return pl.Date()
    if name in _TEXTS:
        return pl.String()
    if name == "is_complete":
        return pl.Boolean()
    return pl.Float64() if name.endswith(_RATES) else pl.Int64()
