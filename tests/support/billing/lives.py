"""Billing lives of invented customers: everything that the worked cases show singly, mixed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.support.billing.cases import MEMBERSHIP, Row, Rows, later
from tests.support.billing.habits import AS_OF, EVENTS, MONTHLY, ONCE, OPENED, RHYTHMS


@dataclass
class Life:
    """One customer's rows as they come about; every draw is ``rng``'s."""

    rng: Random
    name: str
    until: datetime = AS_OF
    kind: str = ""
    rows: Rows = field(default_factory=Rows)
    number: int = 0

    def live(self) -> Rows:
        """Draw a life: an account, up to three subscriptions, some purchases."""
        self.kind = self.kind or self._pick(
            {"customer": 40, "tester": 1, "admin": 1, "internal": 1, "guest": 2}
        )
        if self.kind != "guest":
            self.rows.users.append(self._account())
        at = OPENED + self._some(400)
        for number in range(self._pick({1: 12, 2: 4, 3: 2})):
            end = self._subscribe(number, at)
            at = self._pick({end: 2, at + self._some(60): 1}) + self._pick(
                {self._some(40): 1, -self._some(25): 1, timedelta(): 1}
            )
        for _ in range(self._pick({0: 6, 1: 2, 2: 1})):
            self._buy(OPENED + self._some(600))
        return self.rows

    def _account(self) -> Row:
        customer = self._pick({f"cus_{self.name}": 1, None: 3})
        if self.kind != "customer":  # whose rows do not lead to the account would be a guest's
            customer = f"cus_{self.name}"
        return {
            "id": self.name,
            "email": self._address(),
            "role": "admin" if self.kind == "admin" else "user",
            "stripe_customer_id": customer,
            "created_at": OPENED,
        }

    def _address(self) -> str:
        domain = "lab.test" if self.kind == "internal" else "mail.com"
        return f"{self.name}@{domain}"

    # ---- subscriptions ---------------------------------------------------------------------------

    def _subscribe(self, number: int, at: datetime) -> datetime:
        """Draw the invoices of one subscription; return when its last period ends."""
        sub = self._pick({f"sub_{self.name}_{number}": 15, None: 1})
        product = self._pick({MEMBERSHIP: 5, **dict.fromkeys(MONTHLY, 1)})
        rhythm = self._pick({name: weight for name, (weight, _) in RHYTHMS.items()})
        currency = self._pick({"usd": 12, "eur": 2, "jpy": 1, "krw": 1})
        amount = self._amount(product, rhythm)
        if self._is(0.12):
            self._charge(sub, product, 0, currency, at)
            at = later(at, self._pick({"14 days": 3, "7 days": 1, "1 month": 1}), 1)
            at += timedelta(minutes=self._int(0, 120))
        anchor, count, start = at, 0, at
        paid: Row | None = None
        has_add_on = sub is not None and self._is(0.04)
        for _ in range(self._pick({1: 2, 2: 2, 3: 3, 5: 4, 8: 4, 14: 2})):
            if start > self.until + timedelta(days=20):
                break
            event = self._pick(EVENTS)
            charged, cents = start, amount
            if event == "late":
                charged = start + self._some(14)
            elif event == "too late":
                charged = start + timedelta(days=15) + self._some(25)
                anchor, count, start = charged, 0, charged
            elif event == "early":
                charged = start - timedelta(hours=self._int(1, 80))
            elif event == "retried":
                for days in sorted({self._int(1, 14) for _ in range(self._int(1, 3))}):
                    self._charge(sub, product, cents, currency, charged, status="failed")
                    charged = start + timedelta(days=days)
            elif event == "failed":
                for days in (0, self._int(1, 9), self._int(8, 20)):
                    self._charge(
                        sub, product, cents, currency, start + timedelta(days=days), status="failed"
                    )
                count += self._int(1, 2)
                start = later(anchor, rhythm, count)
                continue
            elif event == "free":
                cents = 0
            elif event == "coupon":
                cents = amount // self._pick({2: 3, 4: 1, 3: 1})
            elif event == "above":
                cents = amount + self._pick({5000: 1, 1733: 1, 2600: 1})
            elif event == "price rise":
                amount = cents = self._pick(
                    {amount * 11 // 10: 1, amount + 1800: 1, amount // 2: 1}
                )
            elif event == "seats":
                amount = cents = amount * self._pick({2: 2, 3: 1, 6: 1})
            elif event == "pause":
                count += self._int(1, 4)
                start = charged = later(anchor, rhythm, count)
            elif event == "new product":
                product = self._pick(dict.fromkeys(MONTHLY, 1))
                amount = cents = self._amount(product, rhythm)
                if self._is(0.3):
                    cents += self._int(1, 9000)
            elif event == "new rhythm":
                rhythm = self._pick({name: weight for name, (weight, _) in RHYTHMS.items()})
                amount = cents = self._amount(product, rhythm)
                anchor, count = start, 0
            elif event == "new currency":
                currency = self._pick({"usd": 1, "eur": 1, "krw": 1})
                cents = amount = amount * (13 if currency == "krw" else 1)
            if charged <= self.until + timedelta(days=40):
                paid = self._charge(sub, product, cents, currency, charged)
                if has_add_on:
                    self._charge(
                        sub, "starter", 4900, currency, charged + timedelta(minutes=self._int(0, 9))
                    )
            count += 1
            end = later(anchor, rhythm, count)
            inside = start + (end - start) * self._int(5, 97) / 100
            if event == "charged twice":
                again = charged + timedelta(minutes=self._pick({5: 2, 600: 1, 1500: 1}))
                second = self._charge(sub, product, cents, currency, again)
                if self._is(0.6):
                    self._give_back(self.rng.choice([paid, second]))
            elif event == "prorated":
                for at_inside in (inside, inside + (end - inside) / 3)[: self._pick({1: 3, 2: 1})]:
                    product = self._pick({product: 1, **dict.fromkeys(MONTHLY, 1)})
                    new = self._amount(product, rhythm)
                    share = (end - at_inside) / (end - start)
                    part = int(max(new - amount, 0) * share) or self._pick({0: 1, 4950: 1, 347: 1})
                    self._charge(sub, product, part, currency, at_inside)
                    amount = new
                    if self._is(0.15):  # seats of the same product are added up
                        amount = amount + part
            elif event == "free inside":
                product = self._pick({product: 1, **dict.fromkeys(MONTHLY, 1)})
                amount = self._amount(product, rhythm)
                other = self._pick({currency: 4, "eur": 1})
                self._charge(sub, product, 0, other, inside)
            elif event in ("restarted", "moved", "repeated"):
                if event == "restarted":
                    product = self._pick(dict.fromkeys(MONTHLY, 1))
                    if self._is(0.3):
                        rhythm = self._pick({name: weight for name, (weight, _) in RHYTHMS.items()})
                    amount = self._amount(product, rhythm)
                first = (
                    amount
                    if event != "restarted"
                    else self._pick({amount: 2, max(amount - 3557, 0): 2, 0: 1})
                )
                paid = self._charge(sub, product, first, currency, inside)
                if event != "repeated":
                    anchor, count = inside, 1
            start = later(anchor, rhythm, count)
        return self._end(sub, product, paid, start, rhythm)

    def _end(
        self, sub: str | None, product: str, paid: Row | None, end: datetime, rhythm: str
    ) -> datetime:
        """Draw what the database still holds of a subscription, and whether it was paid back."""
        is_canceled = self._is(0.4)
        if paid and self._is(0.25):
            self._give_back(paid, end)
        if self._is(0.6):
            begun = paid["payment_date"] if paid else OPENED
            shown = self._pick(
                {end: 5, later(begun, "1 month", 1): 1, begun + timedelta(days=30): 1}
            )
            self.rows.subscriptions.append(
                {
                    "id": self._next(),
                    "user_id": self.name if self.kind != "guest" else None,
                    "stripe_subscription_id": sub,
                    "stripe_customer_id": f"cus_{self.name}",
                    "status": "canceled"
                    if is_canceled
                    else self._pick({"active": 6, "past_due": 2, "cancelled": 1, "paused": 1}),
                    "product_type": product,
                    "plan_name": product,
                    "current_period_start": begun,
                    "current_period_end": shown,
                    "cancel_at_period_end": self._is(0.2),
                    "is_test_mode": self.kind == "tester",
                    "created_at": OPENED,
                }
            )
        return end

    # ---- rows ------------------------------------------------------------------------------

    def _charge(
        self,
        sub: str | None,
        product: str,
        cents: int,
        currency: str,
        at: datetime,
        status: str = "paid",
    ) -> Row:
        """Store an invoice, in one of the ways in which the application does."""
        row = self._row(f"in_{self._next()}", at, cents, currency, product, status)
        row |= {"stripe_subscription_id": sub, "payment_type": "subscription"}
        if status == "paid":
            way = self._pick({"once": 12, "twice": 3, "intent": 3, "intent bare": 2})
            if way != "once":
                twin = row | {
                    "id": self._next(),
                    "stripe_payment_id": f"ch_{self.name}_{self.number}",
                    "status": self._pick({"succeeded": 3, "paid": 1}),
                    "payment_date": at + timedelta(seconds=self._int(0, 400)),
                    "product_type": self._pick({row["product_type"]: 3, None: 1}),
                }
                if way != "twice":
                    twin["stripe_invoice_id"] = None
                if way == "intent bare":
                    twin["stripe_subscription_id"] = None
                self.rows.payments.append(twin)
        self.rows.payments.append(row)
        return row

    def _buy(self, at: datetime) -> None:
        product = self._pick(dict.fromkeys(ONCE, 1))
        row = self._row(None, at, ONCE[product], "usd", product, "succeeded")
        row |= {
            "payment_type": product if product != "workshop" else "one_time_session",
            "status": self._pick({"succeeded": 8, "pending_resolution": 1, "failed": 1}),
        }
        self.rows.payments.append(row)
        if self._is(0.2):
            self.rows.payments.append(
                row
                | {
                    "id": self._next(),
                    "stripe_payment_id": f"ch_{self.name}_{self.number}",
                    "payment_date": at + timedelta(minutes=self._pick({2: 3, 9: 1, 11: 1})),
                }
            )
        if self._is(0.2):
            self._give_back(row)

    def _row(
        self,
        invoice: str | None,
        at: datetime,
        cents: int,
        currency: str,
        product: str,
        status: str,
    ) -> Row:
        number = self._next()
        known = self._pick({"user": 12, "customer": 2, "metadata": 1, "email": 1})
        if self.kind == "guest":
            known = "customer"
        return {
            "id": number,
            "stripe_payment_id": f"pi_{self.name}_{number}",
            "stripe_invoice_id": f"{invoice}_{self.name}" if invoice else None,
            "stripe_subscription_id": None,
            "stripe_customer_id": f"cus_{self.name}" if known in ("user", "customer") else None,
            "user_id": self.name if known == "user" else None,
            "amount_cents": cents,
            "currency": currency,
            "status": status,
            "product_type": self._pick({product: 25, None: 1}) if invoice else product,
            "payment_date": at,
            "created_at": at,
            "updated_at": at,
            "is_test_mode": self.kind == "tester" or (invoice is not None and self._is(0.005)),
            "metadata": {
                "metadata": {"user_id": self.name},
                "email": {"customer_email": self._address().upper()},
            }.get(known, {}),
        }

    def _give_back(self, paid: Row, end: datetime | None = None) -> None:
        """Give a payment back, in one of the ways in which that happens."""
        at = paid["payment_date"] + self._some(45)
        how = self._pick(
            dict.fromkeys(("status", "part", "dispute"), 2)
            | {"row": 5, "unused": 3, "over": 1, "void": 1}
        )
        if how == "status":
            status = self._pick({"refunded": 3, "disputed": 1, "partially_refunded": 1})
            paid |= {"status": status, "updated_at": at}
            return
        cents = paid["amount_cents"]
        if how == "part":
            cents = cents // 3
        elif how == "unused" and end is not None and end > paid["payment_date"]:
            begun = paid["payment_date"]
            at = begun + (end - begun) * self._int(5, 95) / 100
            cents = int(cents * ((end - at) / (end - begun)))
        for _ in range(2 if how == "over" else 1):
            kind = "dispute" if how == "dispute" else "refund"
            row = paid | {
                "id": self._next(),
                "stripe_payment_id": f"re_{self.name}_{self.number}",
                "amount_cents": self._pick({cents: 1, -cents: 1}),
                "payment_type": kind,
                "status": {
                    "void": self._pick({"failed": 1, "pending": 1, "canceled": 1}),
                    "dispute": self._pick({"lost": 2, "won": 1, "warning_closed": 1}),
                }.get(how, "succeeded"),
                "payment_date": at,
                "updated_at": at,
            }
            if paid["stripe_invoice_id"] is None:
                row["stripe_payment_id"] = paid["stripe_payment_id"]
            self.rows.payments.append(row)
            at += self._some(10)

    # ---- draws -----------------------------------------------------------------------------

    def _amount(self, product: str, rhythm: str) -> int:
        worth = int(MONTHLY[product] * RHYTHMS[rhythm][1])
        return self._pick({worth: 8, worth // 2: 1, worth * 12 // 10: 1, worth * 2: 1, 8000: 1})

    def _pick(self, weights: dict[Any, int]) -> Any:
        choices = list(weights)
        return choices[self.rng.choices(range(len(choices)), weights=list(weights.values()))[0]]

    def _is(self, share: float) -> bool:
        return self.rng.random() < share

    def _int(self, least: int, most: int) -> int:
        return self.rng.randint(least, most)

    def _some(self, days: int) -> timedelta:
        return timedelta(minutes=self._int(0, days * 1440))

    def _next(self) -> int:
        self.number += 1
        return self.number


def live(rng: Random, customers: int, until: datetime = AS_OF) -> Rows:
    """Draw the rows of some customers, numbered as a database numbers them."""
    rows = Rows()
    for number in range(customers):
        rows.extend(Life(rng, f"c{number}", until).live())
    return numbered(rows)


def numbered(rows: Rows) -> Rows:
    """Number payments and subscriptions in their order."""
    for table in (rows.payments, rows.subscriptions):
        for number, row in enumerate(table, start=1):
            row["id"] = number
    return rows
