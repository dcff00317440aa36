"""What Stripe knows of the business: charges, fees, and money given back that the database lacks.

Its books are drawn beside the database's rows, which do not depend on them. They repeat what the
database tells, and add refunds, failed refunds, disputes lost and won, and differences of each
kind. What is given back of a membership is part of an invoice that others follow, or is taken
back, so that no membership ends by it. Amounts are in minor units, instants in microseconds.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any, Final

from sselfie_insights.simulate.events import History, Invoice, Purchase, Refund, Standing
from sselfie_insights.simulate.instants import DAY, SECOND, add_months
from sselfie_insights.simulate.tally import Tally

SETTLED_IN: Final = {
    "usd": ("usd", 1.0),
    "eur": ("eur", 1.0),
    "gbp": ("eur", 1.16),
    "jpy": ("usd", 0.67),
}
"""By the customer's currency, that of the account and the rate between their minor units."""

_MOVES_MONEY = ("charge", "refund", "refund_failure", "dispute", "dispute_reversal")
_DISPUTE_FEE = 1500


@dataclass(frozen=True, slots=True)
class Move:
    """A balance transaction, with its amounts in the account's currency and the customer's."""

    id: str
    at: int
    currency: str
    gross: int
    fee: int
    category: str
    source: str = ""
    charge: str = ""
    intent: str = ""
    invoice: str = ""
    customer: str = ""
    facing: int | None = None
    facing_currency: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment, its charge, or both; an instant is None where that side has nothing."""

    kind: str
    currency: str
    paid_at: int | None
    database_cents: int
    charged_at: int | None
    stripe_cents: int


@dataclass(frozen=True, slots=True)
class _Charge:
    """Who paid what, and under which ids."""

    at: int
    cents: int
    currency: str
    charge: str
    intent: str
    invoice: str
    customer: str
    product: str
    counts: bool


@dataclass
class StripeBooks:
    """Collects the movements of everyone, a person at a time, and what follows from them.

    Attributes:
        seed: Names the business.
        opened_at: Its first instant.
        now: Its last one.
        moves: Every balance transaction.
        differences: Of those who count.
        corrections: What revenue has besides what the database tells: instant, currency, product,
            ``refunded`` or ``charged_back``, and the amount, negative where it is taken back.
    """

    seed: int
    opened_at: int
    now: int
    moves: list[Move] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    corrections: list[tuple[int, str, str, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = Random(f"{self.seed}:stripe")  # noqa: S311
        month = 0
        # The first row is at the opening and the last one now, so that everything lies between.
        while (at := add_months(self.opened_at, month)) < self.now:
            for currency in ("usd", "eur"):
                self._move(at, currency, -90_000, "payout", fee=90 if currency == "usd" else 0)
                self._move(min(at + DAY, self.now), currency, -68, "fee")
            month += 1
        self._move(self.now, "usd", -1000, "payout")

    def add(self, person: History, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add one person, whose payments the database stores as ``rows``."""
        if person.standing is Standing.TEST:
            return
        self._rng = Random(f"{self.seed}:stripe:{person.number}:{person.role}")  # noqa: S311
        for subscription in person.subscriptions:
            paid = [each for each in subscription.invoices if each.cents]
            for invoice in paid:
                stored = [row for row in rows if row["stripe_invoice_id"] == invoice.id]
                charge = self._charge(
                    person, invoice, invoice.paid_at, subscription.currency, stored
                )
                self._pay(
                    charge, invoice.refund, stored, may_end=False, may_give=invoice != paid[-1]
                )
        for purchase in person.purchases:
            stored = [row for row in rows if row["stripe_payment_id"] == purchase.id]
            charge = self._charge(person, purchase, purchase.at, purchase.currency, stored)
            self._pay(charge, purchase.refund, stored, may_end=True, may_give=True)
        if self._rng.random() < 0.04:
            self._miss_webhook()
        if self._rng.random() < 0.02:
            self._refund_of_nobody()

    def add_to(self, tally: Tally) -> None:
        """Put into the revenue of ``tally`` what the database does not tell."""
        for at, currency, product, kind, cents in self.corrections:
            tally.revenue[tally.calendar.month(at), currency, product, kind] += cents

    def fees(self, tally: Tally) -> Iterator[dict[str, Any]]:
        """Yield the rows of the answer key of ``revenue/stripe_fees``."""
        sums: Counter[tuple[int, str, str]] = Counter()
        for move in self.moves:
            month = tally.calendar.month(move.at)
            sums[month, move.currency, "gross"] += (
                move.gross if move.category in _MOVES_MONEY else 0
            )
            sums[month, move.currency, "fee"] += move.fee
            sums[month, move.currency, "fee"] -= move.gross if move.category == "fee" else 0
        first = min(month for month, _, _ in sums)
        for month in range(first, len(tally.calendar.months)):
            for currency in sorted({currency for _, currency, _ in sums}):
                gross, fee = (sums[month, currency, name] for name in ("gross", "fee"))
                yield {
                    "month": tally.calendar.months[month],
                    "currency": currency,
                    "settled_gross_cents": gross,
                    "fee_cents": fee,
                    "settled_net_cents": gross - fee,
                }

    def reconciliation(self, tally: Tally) -> Iterator[dict[str, Any]]:
        """Yield the rows of the answer key of ``revenue/stripe_reconciliation``."""
        sums: Counter[tuple[int, str, str, str]] = Counter()
        for each in self.differences:
            months = [
                None if at is None else tally.calendar.month(at)
                for at in (each.paid_at, each.charged_at)
            ]
            first = months[1] if months[0] is None else months[0]
            assert first is not None  # noqa: S101 - one of the sides is there
            sums[first, each.currency, each.kind, "row_count"] += 1
            sums[first, each.currency, each.kind, "database_cents"] += each.database_cents
            second = first if months[1] is None else months[1]
            sums[second, each.currency, each.kind, "stripe_cents"] += each.stripe_cents
        for month, currency, kind in sorted({key[:3] for key in sums}):
            database, stripe = (
                sums[month, currency, kind, name] for name in ("database_cents", "stripe_cents")
            )
            yield {
                "month": tally.calendar.months[month],
                "currency": currency,
                "kind": kind,
                "row_count": sums[month, currency, kind, "row_count"],
                "database_cents": database,
                "stripe_cents": stripe,
                "difference_cents": stripe - database,
            }

    def _charge(
        self,
        person: History,
        paid: Invoice | Purchase,
        at: int,
        currency: str,
        stored: Sequence[Mapping[str, Any]],
    ) -> _Charge:
        """Return the charge of a payment, under the ids that the database has of it, and others."""
        ids = [
            row["stripe_payment_id"]
            for row in stored
            if row["payment_type"] not in ("refund", "dispute") and row["status"] != "pending"
        ]
        return _Charge(
            at=at,
            cents=paid.cents,
            currency=currency,
            charge=next((each for each in ids if each.startswith("ch_")), self._id("ch")),
            intent=next((each for each in ids if each.startswith("pi_")), self._id("pi")),
            invoice=paid.id if isinstance(paid, Invoice) else "",
            customer=person.stripe_customer or self._id("cus"),
            product=paid.product,
            counts=person.standing is Standing.CUSTOMER,
        )

    def _pay(
        self,
        charge: _Charge,
        refund: Refund | None,
        stored: Sequence[Mapping[str, Any]],
        *,
        may_end: bool,
        may_give: bool,
    ) -> None:
        if charge.at > self.now:
            return
        kind = "matched"
        if refund is None and charge.counts:
            kind = self._draw(
                {"only_database": 0.02, "amount_differs": 0.02, "month_differs": 0.02,
                 "duplicate": 0.02 if charge.invoice else 0.0},
                "matched",
            )  # fmt: skip
        at, cents = charge.at, charge.cents
        if kind == "month_differs" and at + 31 * DAY <= self.now:
            at += 31 * DAY  # no month is longer
        elif kind == "month_differs":
            kind = "matched"
        if kind == "amount_differs":
            cents += round(cents * 0.19)  # a tax
        if kind == "only_database":
            self._differ(charge, kind, None, 0)
            return
        self._take(charge, at, cents)
        if kind == "duplicate":
            self._differ(charge, "matched", at, cents)
            again = min(at + 60 * SECOND, self.now)
            other = replace(charge, charge=self._id("ch"), intent=self._id("pi"))
            self._take(other, again, cents)
            if charge.counts:
                self.differences.append(
                    Difference("duplicate", charge.currency, None, 0, again, cents)
                )
            return
        self._differ(charge, kind, at, cents)
        if refund:
            self._repeat(charge, refund, stored)
        elif kind == "matched" and may_give:
            self._give_back(charge, may_end=may_end)

    def _differ(self, charge: _Charge, kind: str, charged_at: int | None, cents: int) -> None:
        if charge.counts:
            self.differences.append(
                Difference(kind, charge.currency, charge.at, charge.cents, charged_at, cents)
            )

    def _repeat(self, charge: _Charge, refund: Refund, stored: Sequence[Mapping[str, Any]]) -> None:
        """Tell what the database tells, under its id; of what is void also how it came back."""
        if refund.at > self.now:
            return
        types = ("refund", "dispute")
        rows = [row for row in stored if row["payment_type"] in types and not row.get("is_over")]
        prefix = "du" if refund.is_chargeback else "re"
        source = rows[0]["stripe_payment_id"] if rows else self._id(prefix)
        name = "dispute" if refund.is_chargeback else "refund"
        self._return(charge, name, refund.at, refund.cents, source)
        if refund.is_void:
            back_at = min(refund.at + 3 * DAY, self.now)
            self._correct(charge, name, refund.at, refund.cents)
            self._take_back(charge, name, back_at, refund.cents, source)

    def _give_back(self, charge: _Charge, *, may_end: bool) -> None:
        """Give back what the database does not know of."""
        what = self._draw(
            {"partial": 0.04, "failed": 0.02, "won": 0.02}
            | ({"full": 0.04, "lost": 0.02} if may_end else {}),
            "nothing",
        )
        if what == "nothing":
            return
        at = charge.at + self._rng.randrange(1, 40) * DAY
        back_at = at + self._rng.randrange(3, 60) * DAY
        if (back_at if what in ("failed", "won") else at) > self.now:
            return
        share = self._rng.uniform(0.1, 0.3) if what == "partial" else 1.0
        cents = max(round(charge.cents * share), 1)
        name = "dispute" if what in ("won", "lost") else "refund"
        source = self._id("du" if name == "dispute" else "re")
        self._return(charge, name, at, cents, source)
        self._correct(charge, name, at, cents)
        if what in ("failed", "won"):
            self._take_back(charge, name, back_at, cents, source)

    def _miss_webhook(self) -> None:
        """Charge somebody without the database hearing of it, and often give that back."""
        at = self._rng.randrange(self.opened_at, self.now)
        currency, cents = self._rng.choice((("usd", 9700), ("jpy", 5000)))
        ids = (self._id("ch"), self._id("pi"), "", self._id("cus"))
        charge = _Charge(at, cents, currency, *ids, product="", counts=False)
        self._take(charge, at, cents)
        self.differences.append(Difference("only_stripe", currency, None, 0, at, cents))
        if self._rng.random() < 0.5:
            self._return(charge, "refund", min(at + DAY, self.now), cents, self._id("re"))

    def _refund_of_nobody(self) -> None:
        """Refund a payment that is older than everything."""
        at = self._rng.randrange(self.opened_at, self.now)
        ids = (self._id("ch"), self._id("pi"), "", self._id("cus"))
        charge = _Charge(at, 4900, "usd", *ids, product="unknown", counts=True)
        self._return(charge, "refund", at, 4900, self._id("re"))
        self._correct(charge, "refund", at, 4900)

    def _correct(self, charge: _Charge, name: str, at: int, cents: int) -> None:
        if charge.counts:
            kind = "charged_back" if name == "dispute" else "refunded"
            self.corrections.append((at, charge.currency, charge.product, kind, cents))

    def _take(self, charge: _Charge, at: int, cents: int) -> None:
        self._facing(charge, at, cents, "charge", charge.charge)

    def _return(self, charge: _Charge, name: str, at: int, cents: int, source: str) -> None:
        fee = _DISPUTE_FEE if name == "dispute" else 0
        self._facing(charge, at, -cents, name, source, fee)

    def _take_back(self, charge: _Charge, name: str, at: int, cents: int, source: str) -> None:
        category = "dispute_reversal" if name == "dispute" else "refund_failure"
        self._facing(charge, at, cents, category, source, 0)
        self._correct(charge, name, at, -cents)

    def _facing(
        self,
        charge: _Charge,
        at: int,
        cents: int,
        category: str,
        source: str,
        fee: int | None = None,
    ) -> None:
        settled_in, rate = SETTLED_IN[charge.currency]
        gross = round(cents * rate)
        self._move(
            at,
            settled_in,
            gross,
            category,
            fee=round(gross * 0.029) + 30 if fee is None else fee,
            source=source,
            charge=charge.charge,
            intent=charge.intent,
            invoice=charge.invoice,
            customer=charge.customer,
            facing=cents,
            facing_currency=charge.currency,
        )

    def _move(
        self, at: int, currency: str, gross: int, category: str, *, fee: int = 0, **more: Any
    ) -> None:
        self.moves.append(Move(self._id("txn"), at, currency, gross, fee, category, **more))

    def _draw(self, chances: Mapping[str, float], otherwise: str) -> str:
        left = self._rng.random()
        for name, chance in chances.items():
            left -= chance
            if left < 0:
                return name
        return otherwise

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._rng.getrandbits(96):024x}"


def spans(first: int, last: int, count: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield ``count`` spans from ``first`` to ``last``, each of which laps over the next one."""
    ends = [first + (last - first) * each // count for each in range(count + 1)]
    for start, end in pairwise(ends):
        yield max(start - overlap, first), min(end + overlap, last)
