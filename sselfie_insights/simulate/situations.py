"""Whole memberships of kinds that the ordinary life of `membership` does not have.

A trial with a card, a switch between months and years, an upgrade billed at once, a plan of four
weeks, a product that no price list knows, a year given back for the rest, a chargeback.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.catalog import BRAND, PRO, STARTER, STUDIO, TEAM
from sselfie_insights.simulate.events import Ending, Invoice, Refund, Shape, Subscription
from sselfie_insights.simulate.instants import DAY, HOUR, add_months
from sselfie_insights.simulate.members import GRACE_DAYS

SHARE = 0.2
"""How many of those who join do so in one of these ways."""


@dataclass(slots=True)
class Situation:
    """Draws one membership that begins at ``joins_at``; nothing happens after ``now``.

    Args:
        rng: The person's own stream.
        now: The last instant.
        shape: The live database never recorded what was given back.
        stripe_customer: The payer's id.
        joins_at: When the membership begins.
    """

    rng: Random
    now: int
    shape: Shape
    stripe_customer: str
    joins_at: int

    def live(self) -> Subscription | None:
        """Return the membership, or None where its kind is not possible then."""
        kinds: list[Callable[[], Subscription | None]] = [
            *(self._trial, self._to_year, self._to_month, self._restart, self._four_weeks),
            self._unlisted,
        ]
        if self.shape is Shape.DOCUMENTED:
            kinds += [self._part_given_back, self._charged_back, self._given_back_in_vain]
        if not catalog.is_sale_day(self.joins_at):
            return None
        return self.rng.choice(kinds)()

    def _open(self, product: str, *, interval: int = 1, anchor: int = 0) -> Subscription:
        price = catalog.price_at(product, self.joins_at)
        return Subscription(
            id=f"sub_{self.rng.getrandbits(96):024x}",
            stripe_customer=self.stripe_customer,
            currency="usd",
            product=product,
            interval=interval,
            cents=price.cents,
            anchor=anchor or self.joins_at,
            credits=price.credits,
        )

    def _choose(self) -> str:
        return STUDIO if self.joins_at >= catalog.STUDIO_OPENS else STARTER

    def _bill(
        self, subscription: Subscription, starts: int, ends: int, cents: int, months: int = 1
    ) -> Invoice:
        invoice = Invoice(
            id=f"in_{self.rng.getrandbits(96):024x}",
            paid_at=starts,
            cents=cents,
            product=subscription.product,
            starts=starts,
            ends=ends,
            months=months,
        )
        subscription.invoices.append(invoice)
        return invoice

    def _months(self, subscription: Subscription, count: int, anchor: int) -> int:
        """Bill up to ``count`` months from ``anchor`` on; return the end of the last."""
        ends = anchor
        for number in range(count):
            starts = add_months(anchor, number)
            if starts > self.now:
                break
            ends = add_months(anchor, number + 1)
            self._bill(subscription, starts, ends, subscription.cents)
        return ends

    def _leave(self, subscription: Subscription) -> Subscription:
        """End with the last period, where that is over; some are still billed."""
        ends = subscription.invoices[-1].ends
        if ends <= self.now:
            subscription.ending, subscription.ended_at = Ending.CANCELLED, ends
            subscription.status = "canceled"
        return subscription

    def _trial(self) -> Subscription | None:
        charged_at = self.joins_at + 14 * DAY + HOUR
        subscription = self._open(self._choose(), anchor=charged_at)
        trial = self._bill(subscription, self.joins_at, self.joins_at + 14 * DAY, 0)
        trial.regular = False
        self._months(subscription, self.rng.randint(1, 9), charged_at)
        return self._leave(subscription) if len(subscription.invoices) > 1 else None

    def _to_year(self) -> Subscription:
        subscription = self._open(self._choose())
        starts = self._months(subscription, self.rng.randint(2, 6), self.joins_at)
        if starts <= self.now:
            self._bill(subscription, starts, add_months(starts, 12), 10 * subscription.cents, 12)
        return subscription

    def _to_month(self) -> Subscription:
        subscription = self._open(self._choose())
        starts = add_months(self.joins_at, 12)
        self._bill(subscription, self.joins_at, starts, 10 * subscription.cents, 12)
        self._months(subscription, self.rng.randint(2, 9), starts)
        return self._leave(subscription)

    def _restart(self) -> Subscription | None:
        """Upgrade inside a month, billed at once less what is left; months count from then."""
        old, new = (STUDIO, BRAND) if self.joins_at >= catalog.BRAND_OPENS else (STARTER, PRO)
        subscription = self._open(old)
        ends = self._months(subscription, self.rng.randint(1, 4), self.joins_at)
        last = subscription.invoices[-1]
        at = last.starts + self.rng.randint(10, 17) * DAY + self.rng.randint(0, 20) * HOUR
        if add_months(at, 1) + DAY > self.now or not catalog.is_sale_day(at):
            return self._leave(subscription)
        price = catalog.price_at(new, at)
        credit = subscription.cents * (ends - at) // (ends - last.starts)
        subscription.product, subscription.cents = new, price.cents
        subscription.credits, subscription.anchor = price.credits, at
        restart = self._bill(subscription, at, add_months(at, 1), price.cents - credit)
        restart.regular, restart.restarts = False, True
        starts = restart.ends
        for number in range(1, 1 + self.rng.randint(1, 6)):
            if starts > self.now:
                break
            starts, ends = add_months(at, number), add_months(at, number + 1)
            if starts <= self.now:
                self._bill(subscription, starts, ends, subscription.cents)
        return self._leave(subscription)

    def _four_weeks(self) -> Subscription:
        subscription = self._open(self._choose(), interval=0)
        for number in range(self.rng.randint(1, 12)):
            starts = self.joins_at + 28 * number * DAY
            if starts > self.now:
                break
            self._bill(subscription, starts, starts + 28 * DAY, subscription.cents, 0)
        return self._leave(subscription)

    def _unlisted(self) -> Subscription:
        subscription = self._open(TEAM)
        self._months(subscription, self.rng.randint(1, 9), self.joins_at)
        return self._leave(subscription)

    def _part_given_back(self) -> Subscription | None:
        """A year, cancelled with the unused part given back."""
        at = self.joins_at + self.rng.randint(30, 300) * DAY
        subscription = self._open(self._choose())
        invoice = self._bill(
            subscription, self.joins_at, add_months(self.joins_at, 12), 10 * subscription.cents, 12
        )
        if at > self.now - (GRACE_DAYS + 1) * DAY:
            return subscription
        unused = invoice.cents * (invoice.ends - at) // (invoice.ends - invoice.starts)
        invoice.refund = Refund(at, unused, row=True)
        subscription.ending, subscription.ended_at = Ending.REFUNDED, at
        subscription.status = "canceled"
        return subscription

    def _charged_back(self) -> Subscription:
        subscription = self._open(self._choose())
        self._months(subscription, self.rng.randint(1, 5), self.joins_at)
        last = subscription.invoices[-1]
        at = last.starts + self.rng.randint(3, 25) * DAY
        if at > self.now - (GRACE_DAYS + 1) * DAY:
            return self._leave(subscription)
        last.refund = Refund(at, last.cents, row=self.rng.random() < 0.5, is_chargeback=True)
        subscription.ending, subscription.ended_at = Ending.REFUNDED, at
        subscription.status = "canceled"
        return subscription

    def _given_back_in_vain(self) -> Subscription:
        """A refund that failed, a dispute that was won, and a refund made twice."""
        subscription = self._open(self._choose())
        self._months(subscription, self.rng.randint(3, 6), self.joins_at)
        for invoice, kind in zip(
            subscription.invoices[:-1], self.rng.sample(("failed", "won", "twice"), 3), strict=False
        ):
            at = invoice.starts + self.rng.randint(1, 8) * DAY
            if at + DAY > self.now:
                break
            if kind == "twice":
                invoice.refund = Refund(at, invoice.cents, row=True, is_repeated=True)
            else:
                invoice.refund = Refund(
                    at, invoice.cents, row=True, is_chargeback=kind == "won", is_void=True
                )
        return self._leave(subscription)
