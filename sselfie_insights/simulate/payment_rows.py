"""Payments as the database records them: not quite the truth.

The table was filled in afterwards, stores an invoice under each of its names, does not know some
of the buyers, and keeps what failed, what was a test and what was given back beside the rest.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.account_rows import knows_customer
from sselfie_insights.simulate.events import (
    Dropped,
    History,
    Invoice,
    Purchase,
    Refund,
    Standing,
)
from sselfie_insights.simulate.instants import DAY, HOUR, SECOND, on_date
from sselfie_insights.simulate.sheets import Sheets
from sselfie_insights.simulate.stripe_books import StripeBooks

# Before this the payments table did not exist; older payments were filled in on that day.
BACKFILLED_AT: Final = on_date(2026, 1, 7) + 9 * HOUR

COLUMNS: Final = {
    "stripe_payments": (
        "id stripe_payment_id stripe_invoice_id stripe_subscription_id stripe_customer_id user_id "
        "amount_cents currency status payment_type product_type description metadata "
        "payment_date is_test_mode created_at updated_at"
    ),
}


_TYPES = {
    catalog.SESSION: "one_time_session",
    catalog.BLUEPRINT: "credit_topup",
    catalog.TOPUP: "credit_topup",
}


class PaymentRows:
    """Writes the rows of payments, and says which of them do not count.

    Args:
        sheets: Where rows go.
        now: The instant of the database's state.
        books: What Stripe knows, where that is asked for.
    """

    def __init__(self, sheets: Sheets, now: int, books: StripeBooks | None = None) -> None:
        self.sheets, self.now, self.books = sheets, now, books

    def write(self, rng: Random, person: History) -> list[Dropped]:
        """Write one person's rows; return the payment rows that do not count, and why."""
        rows = [*self._invoice_rows(rng, person), *self._purchase_rows(rng, person)]
        if _is_known_payer(person) and person.number % 35 == 5:
            rows.append(_stray_test_row(rng, person, rows[0]))
        if self.books:
            self.books.add(person, rows)
        rng.shuffle(rows)  # stored out of order
        dropped = []
        merged: set[str] = set()
        for row in rows:
            reason = _reason(person, row, merged)
            if reason:
                currency = row["currency"].lower()
                cents = abs(row["amount_cents"])  # refunds are stored with either sign
                dropped.append(Dropped(reason, row["payment_date"], cents, currency))
                if reason == "refund" and row.get("is_over"):
                    dropped.append(Dropped("over_refund", row["payment_date"], cents, currency))
            self._payment(rng, person, row)
        return dropped

    def _invoice_rows(self, rng: Random, person: History) -> Iterator[dict[str, Any]]:
        for subscription in person.subscriptions:
            common = {
                "stripe_subscription_id": subscription.id,
                "stripe_customer_id": subscription.stripe_customer,
                "user_id": person.user_id,
                "currency": subscription.currency,
                "payment_type": "subscription",
                "product_type": subscription.product,
                "description": "Subscription update",
            }
            for invoice in subscription.invoices:
                paid = common | {
                    "stripe_invoice_id": invoice.id,
                    "amount_cents": invoice.cents,
                    "product_type": invoice.product,
                    "payment_date": invoice.paid_at,
                    "status": "paid",
                }
                yield from self._copies(rng, person, invoice, paid)
                refund = invoice.refund
                if refund and refund.row:
                    given_back = paid | {
                        "stripe_payment_id": _id(rng, "du" if refund.is_chargeback else "re"),
                        "amount_cents": refund.cents * rng.choice((1, -1)),
                        "status": _status(refund),
                        "payment_type": "dispute" if refund.is_chargeback else "refund",
                        "payment_date": refund.at,
                    }
                    yield given_back
                    if refund.is_repeated:
                        yield given_back | {
                            "stripe_payment_id": _id(rng, "re"),
                            "payment_date": refund.at + DAY,
                            "is_over": True,
                        }
            for failed_at in subscription.failures:
                yield common | {
                    "stripe_payment_id": _id(rng, "ch"),
                    "stripe_invoice_id": _id(rng, "in"),
                    "amount_cents": subscription.cents,
                    "payment_date": failed_at,
                    "status": "failed",
                }

    def _copies(
        self, rng: Random, person: History, invoice: Invoice, paid: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows that one paid invoice is stored as."""
        refund = invoice.refund
        refunded = {}
        if refund and not refund.row:
            status = "disputed" if refund.is_chargeback else "refunded"
            refunded = {"status": status, "updated_at": refund.at}
        if invoice.cents == 0:
            yield paid | {"stripe_payment_id": invoice.id}
            return
        if invoice.paid_at >= BACKFILLED_AT and rng.random() > 0.03:
            # The buyer of some is known by the Stripe customer only.
            is_anonymous = person.standing is not Standing.TEST and rng.random() < 0.05
            user_id = None if is_anonymous else person.user_id
            prefix = rng.choice(("pi", "ch"))
            yield paid | {"stripe_payment_id": _id(rng, prefix), "user_id": user_id} | refunded
        else:
            # Twice: payment intent and charge, of which either may lack something.
            charged_at = min(self.now, invoice.paid_at + rng.randrange(90) * SECOND)
            knows_user = rng.random() < 0.8
            # A wrong product beside no row that is 'paid' would leave the right one unknown.
            wrong = None if refunded else catalog.SESSION
            yield paid | {
                "stripe_payment_id": _id(rng, "pi"),
                "status": "succeeded",
                "product_type": rng.choice((None, invoice.product, wrong)),
            }
            yield (
                paid
                | {
                    "stripe_payment_id": _id(rng, "ch"),
                    "payment_date": charged_at,
                    "user_id": person.user_id if knows_user else None,
                }
                | refunded
            )
            if rng.random() < 0.06:
                yield paid | {"stripe_payment_id": invoice.id}
        if rng.random() < 0.02:
            yield paid | {"stripe_payment_id": _id(rng, "pi"), "status": "pending"}

    def _purchase_rows(self, rng: Random, person: History) -> Iterator[dict[str, Any]]:
        for purchase in person.purchases:
            shouts = person.number % 30 == 9
            row = {
                "stripe_payment_id": purchase.id,
                "stripe_invoice_id": None,
                "stripe_subscription_id": None,
                "stripe_customer_id": person.stripe_customer,
                "user_id": person.user_id,
                "amount_cents": purchase.cents,
                "currency": purchase.currency.upper() if shouts else purchase.currency,
                "status": "succeeded",
                "payment_type": _TYPES[purchase.product],
                "product_type": purchase.product,
                "description": f"{purchase.credits} credits",
                "payment_date": purchase.at,
            }
            if purchase.refund:
                row |= {"status": "refunded", "updated_at": purchase.refund.at}
            elif person.user_id is None:
                row["status"] = rng.choice(("pending_resolution", "failed_resolution", "succeeded"))
            if purchase.product == catalog.BLUEPRINT:
                row |= _anonymous(rng, person, purchase)
            yield row

    def _payment(self, rng: Random, person: History, row: dict[str, Any]) -> None:
        is_test: bool | None = row.get("is_test_mode", person.standing is Standing.TEST)
        if not is_test and rng.random() < 0.1:
            is_test = None
        created_at = row["payment_date"] + 4 * SECOND
        if row["payment_date"] < BACKFILLED_AT:
            created_at = BACKFILLED_AT + rng.randrange(3600) * SECOND
        metadata = row.get("metadata")
        self.sheets.add(
            "stripe_payments",
            row["stripe_payment_id"],
            row["stripe_invoice_id"],
            row["stripe_subscription_id"],
            row["stripe_customer_id"],
            row["user_id"],
            row["amount_cents"],
            row["currency"],
            row["status"],
            row["payment_type"],
            row["product_type"],
            row["description"],
            json.dumps(metadata) if metadata is not None else None,
            row["payment_date"],
            is_test,
            created_at,
            row.get("updated_at", created_at),
        )


def _is_known_payer(person: History) -> bool:
    is_customer = person.user_id is not None and person.standing is Standing.CUSTOMER
    return is_customer and (
        bool(person.purchases)
        or any(each.cents for every in person.subscriptions for each in every.invoices)
    )


def _status(refund: Refund) -> str:
    if refund.is_chargeback:
        return "won" if refund.is_void else "lost"
    return "failed" if refund.is_void else "succeeded"


def _id(rng: Random, prefix: str) -> str:
    return f"{prefix}_{rng.getrandbits(96):024x}"


def _anonymous(rng: Random, person: History, purchase: Purchase) -> dict[str, Any]:
    """Return what a blueprint's payment row says of its buyer: no user, but a trace."""
    rewritten = {"payment_type": catalog.SESSION} if rng.random() < 0.5 else {}
    if person.user_id is None:
        return rewritten | {"user_id": None, "metadata": {"source": "blueprint"}}
    if person.standing is Standing.TEST:
        return rewritten
    trace = purchase.at // SECOND % 3
    if trace == 0:
        hint = {"metadata": {"user_id": person.user_id, "source": "blueprint"}}
        return rewritten | hint | {"user_id": None, "stripe_customer_id": None}
    if trace == 1 or not knows_customer(person):
        shown = rng.choice((person.email.title(), person.email.upper(), person.email))
        return rewritten | {"user_id": None, "metadata": {"customer_email": shown}}
    return rewritten | {"user_id": None, "metadata": {"source": "blueprint"}}


def _stray_test_row(rng: Random, person: History, row: dict[str, Any]) -> dict[str, Any]:
    """Return a payment that a real customer once tried in test mode."""
    return row | {
        "stripe_payment_id": _id(rng, "pi"),
        "stripe_invoice_id": None,
        "stripe_subscription_id": None,
        "user_id": person.user_id,
        "status": "succeeded",
        "payment_type": catalog.TOPUP,
        "product_type": catalog.TOPUP,
        "amount_cents": 1200,
        "is_test_mode": True,
    }


def _reason(person: History, row: dict[str, Any], merged: set[str]) -> str | None:
    """Return why a payment row does not count, or None for the one row that does."""
    if row.get("is_test_mode") or person.standing is Standing.TEST:
        return "test"
    if person.standing is Standing.INTERNAL:
        return "internal"
    if row["status"] in ("failed", "pending", "won"):
        return "unsettled"
    if row["payment_type"] in ("refund", "dispute"):
        return "refund"
    key = row["stripe_invoice_id"] or row["stripe_payment_id"]
    if key in merged:
        return "duplicate"
    merged.add(key)
    return "zero" if row["amount_cents"] == 0 else None
