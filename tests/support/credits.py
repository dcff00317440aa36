"""Random credit ledgers, and a plain replay of them, a credit at a time, by METRICS.md section 5.

An oracle for the models: it holds every credit in its hand, and knows of refunds from whoever made
the ledger, not from stored payments.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from random import Random
from typing import NamedTuple

from tests.support.billing.cases import Row, Rows

OPENED = datetime(2025, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 10, 15, 12, tzinfo=UTC)
A_YEAR_BEFORE = AS_OF.replace(year=AS_OF.year - 1)

SPENDS = ("image", "training", "animation", "something new")
KINDS = {
    "subscription_grant": 12,
    "purchase": 10,
    "bonus": 3,
    "spend": 50,
    "spends": 6,
    "returned": 12,
    "withdrawn": 4,
    "expiry": 4,
    "named": 1,
    "correction": 1,
}


class Lot(NamedTuple):
    """A purchase as it is at ``AS_OF``: what was paid (minor units), and credits used and left."""

    user_id: str
    currency: str
    price_cents: int | None
    credits: int
    is_given_back: bool
    used_credits: int
    outstanding_credits: int
    is_old: bool
    is_idle: bool


@dataclass
class Ledger:
    """The entries of one user, with what was paid for them and when it was given back in full."""

    rng: Random
    user_id: str
    rows: Rows = field(default_factory=Rows)
    purchases: list[Row] = field(default_factory=list)
    given_back: dict[str, datetime] = field(default_factory=dict)

    def live(self) -> "Ledger":
        """Draw a ledger: purchases, grants, use, returns, clawbacks, expiries, in any order."""
        rng = self.rng
        self.rows.users.append(
            {"id": self.user_id, "email": f"{self.user_id}@mail.com", "created_at": OPENED}
        )
        at = OPENED + timedelta(days=rng.randint(0, 500))
        pace = rng.choice((0.2, 2, 12))
        for _ in range(rng.choice((3, 8, 20, 40))):
            at += timedelta(minutes=int(rng.expovariate(1) * pace * 1440)) * rng.choice((0, 1, 1))
            self._move(rng.choices(list(KINDS), weights=list(KINDS.values()))[0], at)
        return self

    def _move(self, kind: str, at: datetime) -> None:
        rng = self.rng
        if kind == "purchase":
            self._buy(at)
        elif kind in ("subscription_grant", "bonus"):
            self._enter(at, rng.choice((5, 10, 30)), kind)
        elif kind == "spend":
            self._enter(at, -rng.choice((1, 2, 3, 20)), rng.choice(SPENDS))
        elif kind == "spends":
            for _ in range(rng.randint(2, 5)):
                self._enter(at, -rng.randint(1, 5), "image")
        elif kind == "returned":
            self._enter(at, rng.choice((1, 2, 7, 25)), rng.choice(("refund", "refund", "image")))
        elif kind == "withdrawn":
            self._enter(at, -rng.choice((2, 9, 30)), "refund")
        elif kind == "expiry":
            self._enter(at, -rng.choice((5, 25, 60)), rng.choice(("expiry", "expiration")))
        elif kind == "correction":
            self._enter(at, rng.choice((4, 12)), "expiry")
        elif self.purchases:
            payment = rng.choice(self.purchases)["stripe_payment_id"]
            self._enter(at, rng.choice((-30, -8, 8)), "refund", payment)

    def _buy(self, at: datetime) -> None:
        """Buy credits; a payment may be known under two ids, and be given back."""
        rng = self.rng
        amount, cents = rng.choice(((10, 999), (30, 1200), (50, 1700)))
        payment = f"pi_{self.user_id}_{len(self.purchases)}"
        currency = rng.choice(("usd", "usd", "eur", "jpy"))
        is_linked, is_priced = rng.random() < 0.9, rng.random() < 0.8
        entry = self._enter(at, amount, "purchase", payment if is_linked else None)
        entry["payment_amount"] = cents if is_priced else None
        self.purchases.append(entry | {"stripe_payment_id": payment})
        entry["paid"] = {
            "currency": currency if is_linked else "usd",
            "price_cents": cents if is_linked or is_priced else None,
        }
        row = {
            "stripe_payment_id": payment,
            "user_id": self.user_id,
            "amount_cents": cents,
            "currency": currency,
            "status": "succeeded",
            "payment_type": "credit_topup",
            "product_type": "credit_topup",
            "payment_date": at - timedelta(seconds=2),
            "created_at": at,
            "updated_at": at,
        }
        if rng.random() < 0.2:  # the ledger knows the id that the kept row does not have
            twin = row | {
                "stripe_payment_id": payment.replace("pi_", "ch_"),
                "payment_date": at - timedelta(seconds=9),
            }
            self.rows.payments.append(twin)
        self.rows.payments.append(row)
        if rng.random() < 0.35:
            self._give_back(entry, row, is_linked=is_linked)

    def _give_back(self, entry: Row, row: Row, *, is_linked: bool) -> None:
        rng, cents = self.rng, row["amount_cents"]
        at = entry["created_at"] + timedelta(minutes=rng.choice((0, 60, 9000, 60000, 400000)))
        how = rng.choice(("whole", "whole", "status", "halves", "part", "failed"))
        if how == "status":
            row |= {"status": "refunded", "updated_at": at}
        parts = {"halves": (cents // 2, cents - cents // 2), "part": (cents // 3,), "status": ()}
        for number, part in enumerate(parts.get(how, (cents,))):
            at += timedelta(days=number)
            self.rows.payments.append(
                row
                | {
                    "amount_cents": -part,
                    "payment_type": "refund",
                    "status": "failed" if how == "failed" else "succeeded",
                    "payment_date": at,
                    "updated_at": at,
                }
            )
        if how not in ("part", "failed") and is_linked and at <= AS_OF:
            self.given_back[entry["key"]] = at
        if rng.random() < 0.7:  # what is clawed back, whatever was refunded
            at += timedelta(minutes=rng.choice((0, 1, 90)))
            named = rng.choice((None, row["stripe_payment_id"]))
            self._enter(at, -entry["amount"], "refund", named)

    def _enter(self, at: datetime, amount: int, kind: str, payment: str | None = None) -> Row:
        entry = {
            "key": f"{self.user_id}.{len(self.rows.credit_entries)}",
            "user_id": self.user_id,
            "amount": amount,
            "transaction_type": kind,
            "stripe_payment_id": payment,
            "payment_amount": None,
            "created_at": at,
        }
        self.rows.credit_entries.append(entry)
        return entry


def ledgers(rng: Random, users: int) -> list[Ledger]:
    """Draw the ledgers of some users, their entries numbered as a database numbers them."""
    drawn = [Ledger(rng, f"u{number}").live() for number in range(users)]
    number = 0
    for ledger in drawn:
        for entry in rng.sample(ledger.rows.credit_entries, len(ledger.rows.credit_entries)):
            number += 1
            entry["id"] = number
    return drawn


def replay(ledger: Ledger, *, paid_first: bool) -> dict[int, Lot]:
    """Return every purchase of a ledger by its entry's id."""
    entries = [row for row in ledger.rows.credit_entries if row["created_at"] <= AS_OF]
    by_key = {row["key"]: row for row in entries}
    moves = [((row["created_at"], 1, row["id"]), row) for row in entries]
    for key, at in ledger.given_back.items():
        if key in by_key:
            bought = by_key[key]
            place = (at, 0) if at > bought["created_at"] else (bought["created_at"], 2)
            moves.append(((*place, bought["id"]), {"closes": bought["id"]}))

    named = defaultdict(list)
    for row in entries:
        if row["transaction_type"] == "purchase" and row["stripe_payment_id"]:
            named[row["stripe_payment_id"]].append(row["id"])
    lots: dict[int, Row] = {}
    left: Counter[int] = Counter()
    used: Counter[int] = Counter()
    closed: set[int] = set()
    spent: list[int] = []  # the lot of every spent credit, the last on top

    def in_order(lot: int) -> tuple[object, ...]:
        is_given = lots[lot]["transaction_type"] != "purchase"
        return paid_first and is_given, lots[lot]["created_at"], lot

    def first(candidates: Iterable[int]) -> int | None:
        return min((lot for lot in candidates if left[lot]), key=in_order, default=None)

    for _, row in sorted(moves, key=lambda move: move[0]):
        if "closes" in row:
            closed.add(row["closes"])
            continue
        amount, kind = row["amount"], row["transaction_type"]
        its_lots = named[row["stripe_payment_id"]] if kind == "refund" else []
        if amount > 0 and kind in ("refund", *SPENDS):
            for _ in range(0 if its_lots else amount):
                if spent:
                    lot = spent.pop()
                    left[lot] += 1
                    used[lot] -= 1
        elif amount > 0:
            lots[row["id"]] = row
            left[row["id"]] = amount
        for _ in range(-amount):
            is_open = [lot for lot in lots if lot not in closed]
            given = [lot for lot in is_open if lots[lot]["transaction_type"] != "purchase"]
            is_use = False
            if kind in ("expiry", "expiration"):
                lot = first(given) or first(is_open)
            elif kind in SPENDS:
                lot, is_use = first(is_open), True
            else:
                lot = first(closed) or first(its_lots)
                if lot is None:
                    lot, is_use = first(is_open), True
            if lot is not None:
                left[lot] -= 1
                if is_use:
                    used[lot] += 1
                    spent.append(lot)
    last_moved_at = max(
        (
            row["created_at"]
            for row in entries
            if row["transaction_type"] == "purchase"
            or (row["transaction_type"] in SPENDS and row["amount"] < 0)
        ),
        default=AS_OF,
    )
    return {
        lot: Lot(
            ledger.user_id,
            row["paid"]["currency"],
            row["paid"]["price_cents"],
            row["amount"],
            lot in closed,
            used[lot],
            0 if lot in closed else left[lot],
            row["created_at"] <= A_YEAR_BEFORE,
            last_moved_at <= A_YEAR_BEFORE,
        )
        for lot, row in lots.items()
        if row["transaction_type"] == "purchase"
    }


def estimates(lots: Iterable[Lot]) -> dict[str, dict[str, float | None]]:
    """Return what is owed in each currency, and what of it will never be used, in minor units."""
    found = {}
    for currency in {lot.currency for lot in lots}:
        mine = [lot for lot in lots if lot.currency == currency]
        old = [lot for lot in mine if lot.is_old and not lot.is_given_back]
        remote = sum(lot.outstanding_credits for lot in old if lot.is_idle)
        rate = Fraction(remote, sum(lot.credits for lot in old)) if old else None
        owed, unused, gone = 0, Fraction(), 0
        for lot in mine:
            if lot.price_cents is None:
                continue
            each = Fraction(lot.price_cents, lot.credits)
            cents = floor(lot.outstanding_credits * each + Fraction(1, 2))
            owed += cents
            gone += cents if lot.is_idle else 0
            if rate is not None and rate < 1:
                expected = lot.used_credits * rate / (1 - rate)
                unused += min(lot.outstanding_credits, expected) * each
            else:
                unused += lot.outstanding_credits * each
        found[currency] = {
            "paid_credits_outstanding": sum(lot.outstanding_credits for lot in mine),
            "liability_cents": owed,
            "breakage_rate": None if rate is None else float(rate),
            "breakage_proportional_cents": None if rate is None else floor(unused + Fraction(1, 2)),
            "breakage_remote_cents": gone,
        }
    return found
