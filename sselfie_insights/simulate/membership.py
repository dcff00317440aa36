"""The life of a member: subscriptions, invoices, upgrades, failures, endings and returns.

Every rule of the metrics that reads payments is met here by what really happens in a business.
Where the payments alone could not show what happened, it does not happen: see the comments.
"""

from dataclasses import dataclass
from random import Random

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.catalog import BRAND, ELITE, PRO, STARTER, STUDIO
from sselfie_insights.simulate.events import Ending, Invoice, Refund, Shape, Subscription
from sselfie_insights.simulate.instants import DAY, HOUR, add_months
from sselfie_insights.simulate.members import GRACE_DAYS
from sselfie_insights.simulate.situations import SHARE, Situation

_DEARER = {STARTER: PRO, PRO: ELITE, STUDIO: BRAND}
_CHEAPER = {ELITE: PRO, PRO: STARTER, BRAND: STUDIO}


@dataclass(slots=True)
class Membership:
    """Draws one person's subscriptions up to ``now``.

    Args:
        rng: The person's own stream.
        now: The last instant; nothing happens after it.
        shape: The live database never recorded a refund or a failed charge.
        stripe_customer: The payer's id.
        currency: What the person pays in.
    """

    rng: Random
    now: int
    shape: Shape
    stripe_customer: str
    currency: str

    def live(self, joins_at: int) -> list[Subscription]:
        """Return the subscriptions of someone who joins at ``joins_at``, oldest first."""
        rng = self.rng
        # Frailty differs between members: that is why a cohort's curve declines and flattens.
        hazard = rng.betavariate(0.9, 7.0)
        if self.currency == "usd" and rng.random() < SHARE:
            situation = Situation(rng, self.now, self.shape, self.stripe_customer, joins_at).live()
            if situation is not None:
                return [situation]
        first = self._open(joins_at, self._choose(joins_at))
        if first.interval == 1 and rng.random() < 0.025:
            return self._two_at_once(first, hazard)
        subscriptions = [first]
        self._run(subscriptions, hazard)
        last = subscriptions[-1]
        while last.ended_at and last.interval == 1 and rng.random() < 0.28:
            # At least 32 days: a return in the month of the loss would be counted twice.
            returns_at = catalog.next_sale(
                last.ended_at + 32 * DAY + int(rng.expovariate(1 / 45) * DAY)
            )
            if returns_at > self.now:
                break
            if last.ending is not Ending.REFUNDED and rng.random() < 0.4:
                self._resume(last, returns_at)
                break
            last.has_row = rng.random() < 0.3
            subscriptions.append(self._open(returns_at, self._choose(returns_at), plain=True))
            self._run(subscriptions, hazard)
            last = subscriptions[-1]
        return subscriptions

    def _choose(self, at: int) -> str:
        draw = self.rng.random()
        if at >= catalog.STUDIO_OPENS:
            return BRAND if at >= catalog.BRAND_OPENS and draw < 0.12 else STUDIO
        return STARTER if draw < 0.5 else PRO if draw < 0.75 else ELITE if draw < 0.85 else STUDIO

    def _open(self, at: int, product: str, *, plain: bool = False) -> Subscription:
        rng = self.rng
        price = catalog.price_at(product, at)
        cents = catalog.convert(price.cents, self.currency)
        interval, coupon = 1, ""
        # While prices fell, an irregular invoice looks like a dearer old price.
        if not plain and (product != STUDIO or at >= catalog.STUDIO_OPENS):
            draw = rng.random()
            if draw < 0.05:
                interval = 12
                cents = round(cents * rng.choice((1, 0.8)))
            elif draw < 0.16:
                cents = cents // 2
            elif draw < 0.23:
                coupon = "half"
            elif draw < 0.26 and self.currency == "usd":
                coupon = "free"
        subscription = Subscription(
            id=f"sub_{rng.getrandbits(96):024x}",
            stripe_customer=self.stripe_customer,
            currency=self.currency,
            product=product,
            interval=interval,
            cents=cents * interval,
            anchor=at,
            credits=price.credits,
        )
        billed = {"half": cents // 2, "free": 0}.get(coupon, subscription.cents)
        self._bill(subscription, at, billed, at, add_months(at, interval), regular=coupon == "")
        return subscription

    def _bill(
        self,
        subscription: Subscription,
        paid_at: int,
        cents: int,
        starts: int,
        ends: int,
        *,
        regular: bool = True,
    ) -> Invoice:
        invoice = Invoice(
            id=f"in_{self.rng.getrandbits(96):024x}",
            paid_at=paid_at,
            cents=cents,
            product=subscription.product,
            starts=starts,
            ends=ends,
            regular=regular,
        )
        subscription.invoices.append(invoice)
        return invoice

    def _run(self, subscriptions: list[Subscription], hazard: float) -> None:
        """Renew the last subscription until it ends or ``now``; a replacement is appended."""
        rng, now = self.rng, self.now
        subscription = subscriptions[-1]
        settled = False  # The next renewal must happen, and on time.
        for period in range(1, 1000):
            current = subscription.invoices[-1]
            starts, ends = current.starts, current.ends
            if subscription.interval == 1 and current.regular and not settled:
                if self._refund_and_leave(subscription, period):
                    return
                change = rng.random()
                if change < 0.009:
                    replacement = self._replace(subscription, starts)
                    if replacement is not None:
                        subscriptions.append(replacement)
                        subscription, settled = replacement, False
                        continue
                elif change < 0.026 and _is_evident(subscription):
                    settled = self._change_in_place(subscription, change)
            if ends > now:
                asked_at = starts + int(rng.random() * (ends - starts))
                if asked_at <= now and rng.random() < hazard:
                    subscription.will_cancel = True
                return
            draw = rng.random()
            if not settled and draw < hazard * (1.25 if period == 1 else 1.0):
                self._end(subscription, ends)
                return
            punctual = settled or current.cents == 0 or subscription.interval == 12
            if not punctual and rng.random() < 0.04:
                delay = int((1 + 12 * rng.random()) * DAY)
            else:
                delay = 0 if punctual else int((rng.random() * 2.5 - 0.5) * HOUR)
            paid_at = ends + delay
            if delay > DAY:
                self._record_failure(subscription, ends)
                subscription.status = "active" if paid_at <= now else "past_due"
            if paid_at > now:
                return
            settled = self._renew(subscription, paid_at, ends)

    def _record_failure(self, subscription: Subscription, ends: int) -> None:
        if self.shape is Shape.DOCUMENTED and ends + HOUR <= self.now:
            subscription.failures.append(ends + HOUR)

    def _renew(self, subscription: Subscription, paid_at: int, ends: int) -> bool:
        """Bill the next period; return whether the one after it must be billed, and on time."""
        rng = self.rng
        until = _next_end(subscription, ends)
        if subscription.interval == 1 and _is_evident(subscription):
            draw = rng.random()
            list_cents = catalog.price_at(subscription.product, paid_at).cents
            if draw < 0.012 and until + DAY <= self.now and subscription.cents <= list_cents:
                # A free month; another invoice follows, which says what the membership costs,
                # unless that were above the list price and the last.
                self._bill(subscription, paid_at, 0, ends, until, regular=False)
                return True
            if 0.012 <= draw < 0.022 and subscription.product in _CHEAPER:
                cheaper = _CHEAPER[subscription.product]
                if self._sells(cheaper, paid_at):
                    self._move_to(subscription, cheaper, paid_at)
        self._bill(subscription, paid_at, subscription.cents, ends, until)
        return False

    def _sells(self, product: str, at: int) -> bool:
        opens = {STUDIO: catalog.STUDIO_OPENS, BRAND: catalog.BRAND_OPENS}.get(product, 0)
        return at >= opens and catalog.is_sale_day(at)

    def _move_to(self, subscription: Subscription, product: str, at: int) -> None:
        price = catalog.price_at(product, at)
        subscription.product = product
        subscription.cents = catalog.convert(price.cents, subscription.currency)
        subscription.credits = price.credits

    def _inside(self, starts: int) -> int:
        """Return an instant well inside the period: after any late payment, before its end."""
        return starts + int((15 + 8 * self.rng.random()) * DAY)

    def _change_in_place(self, subscription: Subscription, change: float) -> bool:
        """Prorate to another product; return whether it happened, so that a renewal follows."""
        current = subscription.invoices[-1]
        at = self._inside(current.starts)
        up = change < 0.022
        product = (_DEARER if up else _CHEAPER).get(subscription.product)
        if product is None or not self._sells(product, at) or current.ends + DAY > self.now:
            return False
        old = subscription.cents
        self._move_to(subscription, product, at)
        if up and subscription.cents <= old:
            return False
        share = (current.ends - at) / (current.ends - current.starts)
        due = int((subscription.cents - old) * share) if up else 0
        while due in catalog.LIST_CENTS or due == subscription.cents:
            due += 1  # A proration that looks like a price would be taken for one.
        self._bill(subscription, at, due, at, current.ends, regular=False)
        return True

    def _replace(self, subscription: Subscription, starts: int) -> Subscription | None:
        """Upgrade by cancelling and subscribing again, sometimes in another currency."""
        at = self._inside(starts)
        product = _DEARER.get(subscription.product, subscription.product)
        if at > self.now or not self._sells(product, at):
            return None
        if self.rng.random() < 0.25 and self.currency == "usd":
            self.currency = "eur"
        replacement = self._open(at, product, plain=True)
        subscription.ending, subscription.ended_at = Ending.REPLACED, at
        subscription.status = "canceled"
        subscription.has_row = self.rng.random() < 0.5
        return replacement

    def _end(self, subscription: Subscription, ends: int) -> None:
        rng = self.rng
        subscription.ended_at = ends
        # A failed charge long before would make the kind of this loss arguable.
        subscription.failures.clear()
        if rng.random() < 0.72:
            subscription.ending, subscription.status = Ending.CANCELLED, "canceled"
            return
        subscription.ending = Ending.FAILED
        subscription.status = rng.choice(("past_due", "unpaid", "incomplete_expired"))
        if rng.random() < 0.6:
            self._record_failure(subscription, ends)
            if subscription.failures and rng.random() < 0.4:
                subscription.status = "canceled"

    def _refund_and_leave(self, subscription: Subscription, period: int) -> bool:
        """Give the last invoice back and end the membership with it, or return False."""
        rng = self.rng
        if self.shape is Shape.LIVE or rng.random() >= (0.035 if period == 1 else 0.006):
            return False
        invoice = subscription.invoices[-1]
        at = invoice.paid_at + int((0.5 + 17 * rng.random()) * DAY)
        # Less than the grace before now, it would be arguable whether the member is in grace.
        if at > self.now - (GRACE_DAYS + 1) * DAY or at > invoice.ends - DAY:
            return False
        invoice.refund = Refund(at, invoice.cents, row=rng.random() < 0.5)
        subscription.ending, subscription.ended_at = Ending.REFUNDED, at
        subscription.status = "canceled"
        subscription.failures.clear()
        return True

    def _resume(self, subscription: Subscription, at: int) -> None:
        """Come back under the same id, and stay: the row records one ending only."""
        subscription.ending, subscription.ended_at = None, 0
        subscription.status = "active"
        subscription.anchor = at
        self._renew_faithfully(subscription, at)

    def _renew_faithfully(self, subscription: Subscription, starts: int) -> None:
        """Bill every period from ``starts`` on, to the minute."""
        while starts <= self.now:
            ends = _next_end(subscription, starts)
            self._bill(subscription, starts, subscription.cents, starts, ends)
            starts = ends

    def _two_at_once(self, first: Subscription, hazard: float) -> list[Subscription]:
        """Two subscriptions side by side: the older stays, the newer may end again."""
        rng, now = self.rng, self.now
        begins_at = catalog.next_sale(first.anchor + int((40 + 80 * rng.random()) * DAY))
        self._renew_faithfully(first, first.invoices[0].ends)
        if begins_at > now:
            return [first]
        second = self._open(begins_at, self._choose(begins_at), plain=True)
        starts = second.invoices[0].ends
        while starts <= now:
            if rng.random() < hazard and starts < now - (GRACE_DAYS + 1) * DAY:
                second.ending, second.ended_at = Ending.CANCELLED, starts
                second.status = "canceled"
                break
            ends = _next_end(second, starts)
            self._bill(second, starts, second.cents, starts, ends)
            starts = ends
        return [first, second]

    def give_back(self, subscription: Subscription) -> None:
        """Refund some invoices that the membership survives, in part or in full."""
        if self.shape is Shape.LIVE:
            return
        rng = self.rng
        for invoice, following in zip(
            subscription.invoices, subscription.invoices[1:], strict=False
        ):
            is_plain = invoice.regular and invoice.months is None
            if invoice.cents == 0 or not is_plain or following.starts != invoice.ends:
                continue
            draw = rng.random()
            if draw < 0.022:
                cents = invoice.cents if draw < 0.011 else int(invoice.cents * 0.4)
                at = invoice.paid_at + int((0.5 + 9 * rng.random()) * DAY)
                full = cents == invoice.cents
                invoice.refund = Refund(at, cents, row=not full or rng.random() < 0.5)


def _next_end(subscription: Subscription, starts: int) -> int:
    """Return the end of the period that starts at ``starts``, counted from the first anchor."""
    interval = subscription.interval
    periods = round((starts - subscription.anchor) / (30.4 * DAY * interval)) + 1
    return add_months(subscription.anchor, periods * interval)


def _is_evident(subscription: Subscription) -> bool:
    """Return whether the last invoice alone shows what the subscription costs.

    Either it repeats the one before, or it is a list price; otherwise the next invoice would be
    read as its amount, and must not differ.
    """
    *earlier, last = subscription.invoices
    if not last.regular:
        return False
    if earlier and (earlier[-1].product, earlier[-1].cents) == (last.product, last.cents):
        return True
    price = catalog.price_at(last.product, last.paid_at)
    return subscription.currency == "usd" and last.cents == price.cents * subscription.interval
