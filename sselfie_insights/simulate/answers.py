"""The answer key: what the reports must say, from the tally of what happened.

One frame per public query, with that query's columns. Time series are dense from their first month
to that of ``as_of``; cohorts have a row for every cell that has begun.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any, Final

import polars as pl

from sselfie_insights.files import make_folder
from sselfie_insights.simulate.members import MOVEMENTS
from sselfie_insights.simulate.stripe_books import StripeBooks
from sselfie_insights.simulate.tally import FLOWS, Tally

Z_95: Final = 1.959963984540054  # the normal quantile of a two-sided 95 % interval

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
    "kind",
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
            make_folder(path.parent)
            frame.write_parquet(path)
            path.chmod(0o600)


def answer(tally: Tally, books: StripeBooks | None = None) -> Answers:
    """Return the answer key of what ``tally`` has counted, and of what ``books`` add to it."""
    if books is None:
        return Answers(_Tables(tally).frames())
    books.add_to(tally)
    of_stripe = {
        "revenue/stripe_fees": _frame(books.fees(tally)),
        "revenue/stripe_reconciliation": _frame(books.reconciliation(tally)),
    }
    return Answers(_Tables(tally).frames() | of_stripe)


class _Tables:
    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return a frame per public query."""
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
        return frames

    def _ends_by_as_of(self, end: int) -> bool:
        """Return whether a period whose next one begins at ``end`` is complete."""
        return end - 1 <= self.tally.as_of

    def _months(self, used: Iterable[int]) -> Iterator[tuple[int, date, bool]]:
        """Yield number, first day and completeness of every month since the first one used."""
        months = self.tally.calendar.months
        for month in range(min(used, default=len(months)), len(months)):
            yield month, months[month], self._ends_by_as_of(self.tally.calendar.month_end(month))

    def _revenue_by_month(self) -> Iterator[dict[str, Any]]:
        revenue = self.tally.revenue
        sold = sorted({(currency, product) for _, currency, product, _ in revenue})
        for month, day, _ in self._months(key[0] for key in revenue):
            for currency, product in sold:
                gross = revenue[month, currency, product, "gross"]
                refunded = revenue[month, currency, product, "refunded"]
                charged_back = revenue[month, currency, product, "charged_back"]
                yield {
                    "month": day,
                    "currency": currency,
                    "product_type": product,
                    "gross_cents": gross,
                    "refunded_cents": refunded,
                    "chargeback_cents": charged_back,
                    "net_cents": gross - refunded - charged_back,
                    "payment_count": revenue[month, currency, product, "payments"],
                    "payer_count": revenue[month, currency, product, "payers"],
                }

    def _currencies(self) -> list[str]:
        return sorted({currency for _, currency, _ in self.tally.members.moved})

    def _mrr_movements(self) -> Iterator[dict[str, Any]]:
        truth = self.tally.members
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
        for month, key, currency, kind, cents, closing in sorted(self.tally.members.by_member):
            yield {
                "month": month,
                "customer_key": key,
                "currency": currency,
                "movement": kind,
                "movement_mrr_cents": cents,
                "closing_mrr_cents": closing,
            }

    def _churn_by_month(self) -> Iterator[dict[str, Any]]:
        counts = self.tally.members.counts
        for month, day, is_complete in self._months(key[0] for key in self.tally.members.moved):
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
        moved, levels = self.tally.members.moved, self.tally.members.levels
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
        for key, currency, since, until, cents, state in sorted(self.tally.members.now):
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
        months = self.tally.calendar.months
        for cohort, day, _ in self._months(sizes):
            for offset in range(len(months) - cohort):
                end = self.tally.calendar.month_end(cohort + offset)
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
        for cohort, offset, cell in self._cells(self.tally.members.cohort_sizes):
            yield cell | _retention(
                self.tally.members.cohort_retained[cohort, offset], cell["cohort_size"]
            )

    def _revenue_cohorts(self) -> Iterator[dict[str, Any]]:
        mrr = self.tally.members.cohort_mrr
        for cohort, offset, cell in self._cells(self.tally.members.cohort_sizes):
            del cell["cohort_size"]  # of a cohort in a currency it is not defined
            for currency in self._currencies():
                cents = mrr[cohort, currency, offset]
                yield cell | {
                    "currency": currency,
                    "mrr_cents": cents,
                    "revenue_retention_rate": _ratio(cents, mrr[cohort, currency, 0]),
                }

    def _activity_cohorts(self, start: str, mode: str) -> Iterator[dict[str, Any]]:
        sizes = {
            month: size for (name, month), size in self.tally.cohort_sizes.items() if name == start
        }
        for cohort, offset, cell in self._cells(sizes):
            retained = self.tally.cohort_returns[start, mode, cohort, offset]
            if mode == "on_or_after":  # who has not come back yet still may
                cell["is_complete"] &= retained == cell["cohort_size"]
            yield cell | _retention(retained, cell["cohort_size"])

    def _credit_flow(self) -> Iterator[dict[str, Any]]:
        opening = 0
        for month, day, _ in self._months(key[0] for key in self.tally.credits):
            purchased, granted, bonus, adjusted, used = (
                self.tally.credits[month, flow] for flow in (*FLOWS.values(), "used")
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
                "expired_credits": 0,
                "closing_credits": closing,
            }
            opening = closing

    def _ledger_gaps(self) -> Iterator[dict[str, Any]]:
        for user_id, balance, ledger, gap in sorted(self.tally.gaps):
            yield {
                "user_id": user_id,
                "balance": balance,
                "ledger_balance": ledger,
                "gap_credits": gap,
            }

    def _active_users(self, grain: str) -> Iterator[dict[str, Any]]:
        calendar, counts = self.tally.calendar, self.tally.active[grain]
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
        tally = self.tally
        payments = [
            (reason, "stripe_payments", currency, count, tally.dropped_cents[reason, currency])
            for (reason, currency), count in sorted(tally.dropped.items())
        ]
        users = [
            (standing.value, "users", None, count, None)
            for standing, count in sorted(tally.excluded.items())
        ]
        for reason, table, currency, count, cents in [*payments, *users]:
            yield {
                "reason": reason,
                "source_table": table,
                "currency": currency,
                "row_count": count,
                "amount_cents": cents,
            }


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
