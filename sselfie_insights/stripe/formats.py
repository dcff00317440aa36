"""The kinds of Stripe's CSV exports: which is which by its headers, and what is read of each.

Formats are as Stripe's documentation of its reports and public importers show them. Headers are
compared without case, in any order; columns that are not listed here, names, addresses and free
text among them, are never read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["itemized", "history", "payments"]
Type = Literal["id", "text", "currency", "amount", "instant", "local", "flag", "charge_id"]


@dataclass(frozen=True)
class Field:
    """How a column of a file becomes one of ours.

    Attributes:
        name: What ours is called; an amount's is in minor units of its currency.
        type: How its text is read.
        currency: Of an amount, which of our columns hold its currency, the first that is known.
        is_required: Whether a file without it is refused, and a row without it too.
    """

    name: str
    type: Type = "text"
    currency: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True)
class Format:
    """A kind of export: its name in messages, the prefix of its ids, and its columns by header."""

    kind: Kind
    title: str
    id_prefixes: tuple[str, ...]
    fields: Mapping[str, Field]


_BALANCE_IDS = ("txn_",)

ITEMIZED = Format(
    "itemized",
    "itemized balance change from activity",
    _BALANCE_IDS,
    {
        "balance_transaction_id": Field("id", "id", is_required=True),
        "created_utc": Field("created_at", "instant"),
        "created": Field("created_local", "local"),
        "currency": Field("currency", "currency", is_required=True),
        "gross": Field("gross", "amount", ("currency",), is_required=True),
        "fee": Field("fee", "amount", ("currency",)),
        "net": Field("net", "amount", ("currency",)),
        "reporting_category": Field("category", is_required=True),
        "source_id": Field("source_id"),
        "charge_id": Field("charge_id"),
        "payment_intent_id": Field("payment_intent_id"),
        "invoice_id": Field("invoice_id"),
        "subscription_id": Field("subscription_id"),
        "customer_id": Field("customer_id"),
        "customer_facing_amount": Field("facing", "amount", ("facing_currency",)),
        "customer_facing_currency": Field("facing_currency", "currency"),
        "automatic_payout_id": Field("payout_id"),
        "connected_account": Field("connected_account"),
    },
)
HISTORY = Format(
    "history",
    "balance history",
    _BALANCE_IDS,
    {
        "id": Field("id", "id", is_required=True),
        "type": Field("category", is_required=True),
        "source": Field("source_id"),
        "amount": Field("gross", "amount", ("currency",), is_required=True),
        "fee": Field("fee", "amount", ("currency",)),
        "net": Field("net", "amount", ("currency",)),
        "currency": Field("currency", "currency", is_required=True),
        "created (utc)": Field("created_at", "instant", is_required=True),
        # Of the words only the charge that they name, which an adjustment has nowhere else.
        "description": Field("charge_id", "charge_id"),
        "customer facing amount": Field("facing", "amount", ("facing_currency",)),
        "customer facing currency": Field("facing_currency", "currency"),
        "connected account": Field("connected_account"),
    },
)
PAYMENTS = Format(
    "payments",
    "payments",
    ("ch_", "py_", "pi_"),
    {
        "id": Field("id", "id", is_required=True),
        "created date (utc)": Field("created_at", "instant"),
        "created (utc)": Field("created_at", "instant"),
        "amount": Field("amount", "amount", ("currency",), is_required=True),
        "amount refunded": Field("refunded", "amount", ("currency",), is_required=True),
        "currency": Field("currency", "currency", is_required=True),
        "captured": Field("is_captured", "flag"),
        "mode": Field("mode"),
        "status": Field("status", is_required=True),
        "converted amount": Field("converted", "amount", ("converted_currency",)),
        "converted amount refunded": Field("converted_refunded", "amount", ("converted_currency",)),
        "converted currency": Field("converted_currency", "currency"),
        "fee": Field("fee", "amount", ("converted_currency", "currency")),
        "refunded date (utc)": Field("refunded_at", "instant"),
        "disputed amount": Field("disputed", "amount", ("currency",)),
        "dispute status": Field("dispute_status"),
        "dispute date (utc)": Field("disputed_at", "instant"),
        "paymentintent id": Field("payment_intent_id"),
        "invoice id": Field("invoice_id"),
        "customer id": Field("customer_id"),
        "connected account": Field("connected_account"),
    },
)
FORMATS = (ITEMIZED, HISTORY, PAYMENTS)

CHARGES = frozenset({"charge", "payment"})
"""The categories of a balance row that is a charge."""

_MARKS: Mapping[Kind, frozenset[str]] = {
    "itemized": frozenset({"balance_transaction_id"}),
    "history": frozenset({"id", "type", "amount", "net"}),
    "payments": frozenset({"id", "amount", "amount refunded", "status"}),
}
"""The headers by which a file is taken for one of a kind, whatever else it lacks."""

_OTHERS = (
    ("the export of subscriptions", frozenset({"current period start (utc)"})),
    ("the export of subscriptions", frozenset({"plan", "interval"})),
    ("the export of payouts", frozenset({"arrival date (utc)"})),
    ("the export of payouts", frozenset({"payout_id", "payout_expected_arrival_date"})),
    ("the export of payouts", frozenset({"payout_id"})),
    ("a balance or payout summary", frozenset({"category", "net_amount"})),
    ("a balance or payout summary", frozenset({"reporting_category", "count"})),
    ("a balance or payout summary", frozenset({"reporting_category", "net"})),
    ("the export of customers", frozenset({"delinquent"})),
    ("the export of invoices", frozenset({"amount due"})),
)

WANTED = (
    "the reports 'Balance change from activity' (itemized) or 'Balance history', or the payments"
    " export"
)


def find_format(headers: frozenset[str]) -> Format | None:
    """Return the kind of the file that has ``headers``, in lower case; None if it is none."""
    return next((each for each in FORMATS if _MARKS[each.kind] <= headers), None)


def describe_other(headers: frozenset[str]) -> str:
    """Return what a file of no kind that is read seems to be."""
    return next((name for name, marks in _OTHERS if marks <= headers), "no export that is read")
