"""Payment histories as a business might have them, and the rows in which a database keeps them."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

AS_OF = datetime(2026, 3, 10, 12)
"""The instant of the tests' builds (UTC); histories run beyond it."""

LIST_CENTS = {"starter": 4900, "pro": 9900, "sselfie_studio_membership": 9700}
ONCE_CENTS = {"one_time_session": 4900, "credit_topup": 1200, "paid_blueprint": 4700}

Row = dict[str, object]


@dataclass(frozen=True)
class Payment:
    """One payment, however often it is stored.

    ``known_by`` tells how a stored row leads to its buyer, one for each of the rows; ``refund`` is
    how the database tells of money given back, ``refunded_cents`` of it.
    """

    key: str
    product: str
    currency: str
    cents: int
    at: datetime
    subscription: str | None
    is_invoice: bool
    status: str
    known_by: Sequence[str]
    refund: str = ""
    refunded_cents: int = 0
    refunded_at: datetime = AS_OF

    @property
    def is_received(self) -> bool:
        return self.status not in ("failed", "pending") and self.at <= AS_OF


@dataclass(frozen=True)
class Subscription:
    """What the database still knows of a subscription."""

    id: str | None
    product: str
    status: str
    is_cancelling: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True)
class Customer:
    """Someone with an account, what they paid, and what is left of their subscriptions."""

    name: str
    payments: Sequence[Payment]
    subscriptions: Sequence[Subscription]
    is_tester: bool = False


@dataclass(frozen=True)
class Stored:
    """The rows of staging, by table."""

    users: Sequence[Row]
    subscriptions: Sequence[Row]
    payments: Sequence[Row]


_PLACES = st.integers(0, 6500)  # hours since the business opened, up to nine months
_WAYS = st.lists(
    st.sampled_from(["user", "user", "metadata", "email", "customer", "nobody"]),
    min_size=1,
    max_size=3,
)
_REFUNDS = st.sampled_from(["", "", "", "", "row", "part", "payment_row", "status", "both"])
_CURRENCIES = st.sampled_from(["usd", "usd", "usd", "eur"])
OPENED = datetime(2025, 6, 1)


@st.composite
def customers(draw: st.DrawFn, name: str) -> Customer:
    """Draw one customer with up to three purchases and two subscriptions."""
    payments = [
        _purchase(draw, f"{name}-once{number}") for number in range(draw(st.integers(0, 3)))
    ]
    subscriptions = []
    for number in range(draw(st.integers(0, 2))):
        invoices, known = _subscribe(draw, f"{name}-sub{number}")
        payments += invoices
        subscriptions += known
    return Customer(name, payments, subscriptions)


@st.composite
def businesses(draw: st.DrawFn, most: int = 8) -> list[Customer]:
    """Draw the customers of a small business."""
    return [draw(customers(f"c{number}")) for number in range(draw(st.integers(1, most)))]


def draw_tester(name: str) -> st.SearchStrategy[Customer]:
    """Draw someone who only ever paid in test mode."""
    return customers(name).map(
        lambda drawn: replace(
            drawn,
            is_tester=True,
            subscriptions=drawn.subscriptions
            or [Subscription(None, "pro", "active", False, OPENED, AS_OF)],
        )
    )


def _purchase(draw: st.DrawFn, key: str) -> Payment:
    product = draw(st.sampled_from(sorted(ONCE_CENTS)))
    status = draw(st.sampled_from(["succeeded"] * 4 + ["pending_resolution", "failed", "pending"]))
    return _refunded(draw, Payment(
        key, product, draw(_CURRENCIES), ONCE_CENTS[product],
        OPENED + timedelta(hours=draw(_PLACES)), None, False, status, draw(_WAYS),
    ))  # fmt: skip


def _subscribe(draw: st.DrawFn, key: str) -> tuple[list[Payment], list[Subscription]]:
    """Draw invoices that are punctual, early, late, prorated, free, discounted or missing."""
    product, currency = draw(st.sampled_from(sorted(LIST_CENTS))), draw(_CURRENCIES)
    interval = draw(st.sampled_from([1, 1, 1, 1, 12]))
    subscription = draw(st.sampled_from([key, key, key, None]))
    at = OPENED + timedelta(hours=draw(_PLACES))
    invoices = []
    for number in range(draw(st.integers(1, 7))):
        if number:
            days = draw(st.sampled_from([0, 0, 0, 0, 0, -2, 1, 5, 14, 16, 45, -12]))
            at = _months_later(at, interval) + timedelta(days=days)
            product = draw(st.sampled_from([product] * 9 + sorted(LIST_CENTS)))
        worth = LIST_CENTS[product] * interval
        cents = draw(st.sampled_from([worth] * 5 + [worth // 2, 0, 1234]))
        status = draw(st.sampled_from(["paid"] * 8 + ["succeeded", "failed"]))
        invoices.append(_refunded(draw, Payment(
            f"{key}-{number}", product, currency, cents, at, subscription, True, status,
            draw(_WAYS),
        )))  # fmt: skip
    if not draw(st.booleans()):
        return invoices, []  # another row has taken its place
    known = Subscription(
        subscription, product, draw(st.sampled_from(["active", "canceled", "past_due"])),
        draw(st.booleans()), at, _months_later(at, interval),
    )  # fmt: skip
    return invoices, [known]


def _months_later(at: datetime, months: int) -> datetime:
    years, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + years, month + 1
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))


def _refunded(draw: st.DrawFn, payment: Payment) -> Payment:
    refund = draw(_REFUNDS)
    if not refund or payment.status in ("failed", "pending"):
        return payment
    cents = payment.cents * 2 // 5 if refund == "part" else payment.cents
    at = payment.at + timedelta(days=draw(st.integers(0, 40)), hours=1)
    return replace(payment, refund=refund, refunded_cents=cents, refunded_at=at)


def store(business: Sequence[Customer]) -> Stored:
    """Return the rows of a business, with all that a database does to them."""
    rows = [
        {**row, "payment_row_id": number}
        for number, row in enumerate(
            (row for customer in business for row in _payment_rows(customer)), start=1
        )
    ]
    return Stored(
        [_user_row(customer) for customer in business],
        [
            {**row, "subscription_row_id": number}
            for number, row in enumerate(
                (row for customer in business for row in _subscription_rows(customer)), start=1
            )
        ],
        rows,
    )


def _user_row(customer: Customer) -> Row:
    return {
        "user_id": customer.name,
        "email": f"{customer.name}@studio.com",
        "stripe_customer_id": f"cus_{customer.name}",
        "role": "user",
        "is_onboarded": False,
        # A tester was there before anybody else.
        "signed_up_at": OPENED - timedelta(days=200 if customer.is_tester else 1),
    }


def _subscription_rows(customer: Customer) -> Iterator[Row]:
    for subscription in customer.subscriptions:
        yield {
            "user_id": customer.name,
            "stripe_subscription_id": subscription.id,
            "product_type": subscription.product,
            "status": subscription.status,
            "current_period_start_at": subscription.period_start,
            "current_period_end_at": subscription.period_end,
            "is_cancelling": subscription.is_cancelling,
            "is_test": customer.is_tester,
            "created_at": OPENED,
        }


def _payment_rows(customer: Customer) -> Iterator[Row]:
    for payment in customer.payments:
        first: Row = {
            "stripe_payment_id": f"pi_{payment.key}",
            "stripe_invoice_id": f"in_{payment.key}" if payment.is_invoice else None,
            "stripe_subscription_id": payment.subscription,
            "amount_cents": payment.cents,
            "currency": payment.currency,
            "status": payment.status,
            "payment_type": "subscription" if payment.is_invoice else payment.product,
            "product_type": payment.product,
            "paid_at": payment.at,
            "updated_at": payment.at,
            "is_test": customer.is_tester,
        }
        copies = [first]
        if payment.is_invoice:
            # Stored again under other ids, seconds later, with less known of it.
            copies += [
                first
                | {
                    "stripe_payment_id": f"ch{number}_{payment.key}",
                    "status": "succeeded" if payment.is_received else payment.status,
                    "product_type": payment.product if number == 1 else None,
                    "amount_cents": max(0, payment.cents - 100 * (number - 1)),
                    "paid_at": payment.at + timedelta(seconds=number),
                }
                for number in range(1, len(payment.known_by))
            ]
        for row, way in zip(copies, payment.known_by, strict=False):
            row |= _trace(customer.name, way)
        if payment.refund in ("status", "both"):
            copies[-1] |= {"status": "refunded", "updated_at": payment.refunded_at}
        yield from copies
        if payment.refund in ("row", "part", "payment_row", "both"):
            by_invoice = payment.is_invoice and payment.refund != "payment_row"
            yield first | {
                "stripe_payment_id": f"re_{payment.key}" if by_invoice else f"pi_{payment.key}",
                "stripe_invoice_id": first["stripe_invoice_id"] if by_invoice else None,
                "amount_cents": -given_back(payment),
                "status": "succeeded",
                "payment_type": "refund",
                "paid_at": payment.refunded_at,
            }


def given_back(payment: Payment) -> int:
    """What the rows say was refunded: beside a row that says how much, the status says nothing."""
    return payment.refunded_cents // (2 if payment.refund == "both" else 1)


def _trace(name: str, way: str) -> Row:
    """What a payment row says of its buyer."""
    return {
        "user_id": name if way == "user" else None,
        "metadata_user_id": name if way == "metadata" else None,
        "metadata_email": f"{name}@studio.com" if way == "email" else None,
        "stripe_customer_id": f"cus_{name}" if way == "customer" else None,
    }


def money(business: Sequence[Customer]) -> Counter[tuple[str, str, str, str]]:
    """Sum gross and refunds of those who count by month, currency and product."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for customer in business:
        for payment in () if customer.is_tester else customer.payments:
            if not payment.is_received:
                continue
            key = payment.currency, payment.product
            sums[f"{payment.at:%Y-%m}", *key, "gross"] += payment.cents
            if payment.refund and payment.refunded_at <= AS_OF:
                sums[f"{payment.refunded_at:%Y-%m}", *key, "refunded"] += given_back(payment)
    return sums
