"""What happens in the business: the facts from which both the rows and the answer key are made.

Instants are microseconds since 1970 (UTC), amounts cents of their currency.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Shape(StrEnum):
    """Which database the events are recorded in."""

    DOCUMENTED = "documented"
    LIVE = "live"


class Standing(StrEnum):
    """Whether a person counts."""

    CUSTOMER = "customer"
    INTERNAL = "internal"
    TEST = "test"


class Ending(StrEnum):
    """Why a subscription ended."""

    CANCELLED = "cancelled"
    FAILED = "failed"
    REFUNDED = "refunded"
    REPLACED = "replaced"


@dataclass(slots=True)
class Refund:
    """Money given back, by refund or chargeback.

    ``row`` says how it is stored: as a row of its own, or as the payment's status. What is void
    failed, or was won, and gives nothing back; what is repeated has a second row a day later.
    """

    at: int
    cents: int
    row: bool
    is_chargeback: bool = False
    is_void: bool = False
    is_repeated: bool = False


@dataclass(slots=True)
class Invoice:
    """A paid (or free) period of a subscription: [starts, ends), while no later one replaces it.

    ``regular`` says that the amount is what the subscription costs; a free, discounted-once or
    prorated invoice is not. ``months`` is the length of its period, 0 of four weeks; None for the
    subscription's. One that ``restarts`` is an upgrade billed at once: periods count from it.
    """

    id: str
    paid_at: int
    cents: int
    product: str
    starts: int
    ends: int
    regular: bool = True
    refund: Refund | None = None
    months: int | None = None
    restarts: bool = False


@dataclass(slots=True)
class Subscription:
    """A recurring contract, and what the database still knows of it.

    ``failures`` are the failed charges that left a row. ``has_row`` says that the subscription's
    own row survives; otherwise a later one of the same user has overwritten it.
    """

    id: str
    stripe_customer: str
    currency: str
    product: str
    interval: int
    cents: int
    anchor: int
    credits: int
    invoices: list[Invoice] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    status: str = "active"
    ending: Ending | None = None
    ended_at: int = 0
    will_cancel: bool = False
    has_row: bool = True


@dataclass(slots=True)
class Purchase:
    """Something bought once."""

    id: str
    at: int
    product: str
    cents: int
    currency: str
    credits: int
    refund: Refund | None = None


@dataclass(slots=True)
class CreditMove:
    """A change of a credit balance; ``logged`` says that the ledger has it."""

    at: int
    credits: int
    kind: str
    description: str
    logged: bool = True
    payment_id: str | None = None
    payment_cents: int | None = None
    product: str | None = None


@dataclass(slots=True)
class Activity:
    """Something the user did, all of whose rows bear the same instant.

    ``form`` is the feature's variant, ``failed`` says that the generation failed, ``deleted``
    that the user removed its images, so that only the ledger records it.
    """

    at: int
    feature: str
    form: str = ""
    count: int = 1
    failed: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """A stored payment row that does not count, and why."""

    reason: str
    at: int
    cents: int
    currency: str


@dataclass(slots=True)
class History:
    """All that happened to one person. A guest bought without an account that could be found.

    ``lists`` are the acquisition lists the person was on, with the instants of joining them.
    ``comped`` is the status of a membership that nobody pays for.
    """

    number: int
    user_id: str | None
    email: str
    name: str
    standing: Standing
    role: str
    signed_up_at: int
    stripe_customer: str | None
    onboarded: bool
    currency: str
    lists: list[tuple[str, int]] = field(default_factory=list)
    comped: str | None = None
    subscriptions: list[Subscription] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    credit_moves: list[CreditMove] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
