"""The truth about membership: who was covered when, at what price, and how that changed.

Everything here follows from the events; no row is looked at.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.events import Invoice, Shape, Subscription
from sselfie_insights.simulate.instants import DAY, Calendar, add_months

GRACE_DAYS = 14
"""Days after a period's end in which a renewal is late, not new."""

MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")


@dataclass(slots=True)
class Stretch:
    """Paid coverage [starts, ends) by one invoice; MRR in cents a month."""

    subscription: Subscription
    starts: int
    ends: int
    mrr: int
    billed_mrr: int


def monthly(cents: int, months: int) -> int:
    """Return an amount a month, rounded half up; ``months`` is 0 for four weeks."""
    numerator, denominator = (13 * cents, 12) if months == 0 else (cents, months)
    return (2 * numerator + denominator) // (2 * denominator)


def _as_known(subscription: Subscription, invoices: list[Invoice]) -> list[Invoice]:
    """Return the invoices as they must be read while what explains them has not come.

    An upgrade billed at once is a proration until the next invoice lies a month after it; four
    weeks are months until three distances are of 28 days.
    """
    known = [
        replace(each, months=subscription.interval if each.months is None else each.months)
        for each in invoices
    ]
    if known and known[-1].restarts:
        known[-1] = replace(known[-1], ends=known[-2].ends, restarts=False)
    if len(known) < 4 and any(each.months == 0 for each in known):
        anchor = known[0].starts
        for number, each in enumerate(known):
            starts, ends = add_months(anchor, number), add_months(anchor, number + 1)
            if each.paid_at < starts - 3 * DAY:  # the third, too early for a renewal
                starts, ends = each.paid_at, add_months(each.paid_at, 1)
            known[number] = replace(each, starts=starts, ends=ends, months=1)
    return known


def contract_mrr(
    subscription: Subscription, invoices: list[Invoice], index: int, before: int, as_of: int
) -> int:
    """Return what the subscription is worth a month from invoice ``index`` on.

    Args:
        subscription: The subscription.
        invoices: What was paid by ``as_of``.
        index: The invoice.
        before: The MRR until then.
        as_of: The instant that is known.
    """
    invoice = invoices[index]
    interval = invoice.months or 0
    if invoice.regular:
        return monthly(invoice.cents, interval)
    following = invoices[index + 1] if index + 1 < len(invoices) else None
    is_followed = following is not None and following.starts == invoice.ends
    if index and invoice.starts < invoices[index - 1].ends and not invoice.restarts:
        if following is not None and is_followed:
            return monthly(following.cents, interval)
        return _estimate(subscription, invoice, _period(invoices, index), before)
    if invoice.cents == 0:
        is_awaited = following is None and as_of <= invoice.ends + GRACE_DAYS * DAY
        return before if is_followed or is_awaited else 0
    # A discount for one invoice, where there is a list price to see it by.
    price = catalog.list_cents(invoice.product, invoice.paid_at, subscription.currency)
    if following is not None and is_followed and price is not None:
        return monthly(following.cents, interval)
    return monthly(invoice.cents, interval)


def _period(invoices: list[Invoice], index: int) -> Invoice:
    """Return the invoice whose period the proration ``index`` falls into."""
    return next(each for each in reversed(invoices[:index]) if each.ends - each.starts > 25 * DAY)


def _estimate(subscription: Subscription, invoice: Invoice, period: Invoice, before: int) -> int:
    """Return the MRR after a proration that no invoice has followed yet."""
    whole, left = period.ends - period.starts, invoice.ends - invoice.starts
    estimate = before + (2 * invoice.cents * whole + left * subscription.interval) // (
        2 * left * subscription.interval
    )
    price = catalog.list_cents(invoice.product, invoice.paid_at, subscription.currency)
    return price if price is not None and abs(price - estimate) * 10 <= price else estimate


def coverage(subscriptions: list[Subscription], as_of: int) -> list[Stretch]:
    """Return the paid coverage of one customer as the invoices up to ``as_of`` show it."""
    paid = {
        subscription.id: [each for each in subscription.invoices if each.paid_at <= as_of]
        for subscription in subscriptions
    }
    stretches = []
    for subscription in subscriptions:
        invoices = _as_known(subscription, paid[subscription.id])
        replaced_at = _replaced_at(subscription, subscriptions, paid)
        mrr = billed = until = 0
        for index, invoice in enumerate(invoices):
            if invoice.cents == 0 and until < invoice.starts:
                continue  # a trial, or free after a gap
            following = invoices[index + 1] if index + 1 < len(invoices) else None
            ends = min(invoice.ends, following.starts) if following else invoice.ends
            if not following:
                ends = min(ends, _left_with_refund_at(subscription, invoice, as_of) or ends)
            ends = min(ends, replaced_at or ends)
            until = invoice.ends
            mrr = contract_mrr(subscription, invoices, index, mrr, as_of)
            if not index or invoice.restarts or invoice.starts >= invoices[index - 1].ends:
                billed = monthly(invoice.cents, invoice.months or 0)
            if mrr:
                stretches.append(Stretch(subscription, invoice.starts, ends, mrr, billed))
    return stretches


def _replaced_at(
    older: Subscription, subscriptions: list[Subscription], paid: dict[str, list[Invoice]]
) -> int | None:
    """Return when a newer subscription took over from ``older``, if one did."""
    invoices = paid[older.id]
    if not invoices or (older.has_row and older.status == "active"):
        return None
    takeovers = [
        paid[newer.id][0].paid_at
        for newer in subscriptions
        if newer is not older
        and paid[newer.id]
        and invoices[0].paid_at < paid[newer.id][0].paid_at
        and invoices[-1].paid_at <= paid[newer.id][0].paid_at
    ]
    return min(takeovers, default=None)


def _left_with_refund_at(subscription: Subscription, invoice: Invoice, as_of: int) -> int | None:
    """Return when the membership ended with its last invoice given back, if it did."""
    refund = invoice.refund
    if refund is None or refund.is_void or refund.at > as_of or refund.at >= invoice.ends:
        return None
    is_cancelled = subscription.has_row and subscription.status == "canceled"
    if refund.cents >= invoice.cents:
        return refund.at if is_cancelled or invoice.ends <= as_of else None
    # In proportion to what is left of the period, within a tenth.
    whole, left = invoice.ends - invoice.starts, invoice.ends - refund.at
    is_unused = abs(refund.cents * whole - invoice.cents * left) * 10 <= invoice.cents * left
    return refund.at if is_cancelled and is_unused else None


@dataclass
class MemberTruth:
    """Adds up the memberships of all customers, a customer at a time.

    Args:
        calendar: Days and months of the reporting zone; its last month holds ``as_of``.
        as_of: The instant the key speaks for.
        grace_days: Days in which a lapsed member counts as in grace.
        shape: The live database has no cancel flag.
    """

    calendar: Calendar
    as_of: int
    grace_days: int
    shape: Shape
    moved: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    levels: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    cohort_sizes: Counter[int] = field(default_factory=Counter)
    cohort_retained: Counter[tuple[int, int]] = field(default_factory=Counter)
    cohort_mrr: Counter[tuple[int, str, int]] = field(default_factory=Counter)
    by_member: list[tuple[date, str, str, str, int, int]] = field(default_factory=list)
    now: list[tuple[str, str, date, date, int, str]] = field(default_factory=list)

    def add(self, key: str, subscriptions: list[Subscription]) -> None:
        """Add the customer ``key``."""
        stretches = coverage(subscriptions, self.as_of)
        if stretches:
            self._follow(key, stretches)

    def _follow(self, key: str, stretches: list[Stretch]) -> None:
        """Walk the customer's MRR change by change, and count every month."""
        steps: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
        for stretch in stretches:
            currency = stretch.subscription.currency
            for at, sign in ((stretch.starts, 1), (stretch.ends, -1)):
                if at <= self.as_of:
                    steps[at]["mrr", currency] += sign * stretch.mrr
                    steps[at]["billed", currency] += sign * stretch.billed_mrr
        calendar = self.calendar
        level: Counter[tuple[str, str]] = Counter()
        moves: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
        closing: dict[int, Counter[tuple[str, str]]] = {}
        first_at = lost_at = lost_mrr = 0
        for at in sorted(steps):
            before = _total(level)
            month = calendar.month(at)
            changes = [(name, cents) for name, cents in steps[at].items() if cents]
            level.update(dict(changes))
            after = _total(level)
            for (measure, currency), cents in changes:
                if measure == "mrr":
                    kind = _kind_of_change(before, after, cents, is_first=not first_at)
                    moves[month][kind, currency] += abs(cents)
            if before == 0 < after:
                self.counts[month, "reactivated" if first_at else "new"] += 1
                first_at = first_at or at
            if after == 0 < before:
                lost_at, lost_mrr = at, before
                self._count_loss(month, at, stretches)
            closing[month] = Counter(level)
        self._count_months(key, calendar.month(first_at), moves, closing)
        self._describe_now(key, stretches, first_at, lost_at, _total(level) or lost_mrr)

    def _is_in_grace(self, lost_at: int) -> bool:
        return self.as_of - lost_at < self.grace_days * DAY

    def _count_loss(self, month: int, at: int, stretches: list[Stretch]) -> None:
        last = max((each for each in stretches if each.ends == at), key=lambda each: each.starts)
        came_back = any(
            each.subscription is last.subscription and each.starts > at for each in stretches
        )
        kind = _kind_of_loss(last.subscription, at, self.as_of, came_back=came_back)
        self.counts[month, "churned"] += 1
        self.counts[month, kind] += 1
        if self._is_in_grace(at):
            self.counts[month, "in_grace"] += 1
            self.levels[month, last.subscription.currency, "in_grace"] += last.mrr

    def _count_months(
        self,
        key: str,
        first: int,
        moves: dict[int, Counter[tuple[str, str]]],
        closing: dict[int, Counter[tuple[str, str]]],
    ) -> None:
        self.cohort_sizes[first] += 1
        calendar = self.calendar
        opening: Counter[tuple[str, str]] = Counter()
        for month in range(first, len(calendar.months)):
            end = closing.get(month, opening)
            was_member, is_member = _total(opening) > 0, _total(end) > 0
            self.counts[month, "opening"] += was_member
            self.counts[month, "closing"] += is_member
            self.counts[month, "opening_churned"] += was_member and not is_member
            self.cohort_retained[first, month - first] += is_member
            for (measure, currency), cents in end.items():
                self.levels[month, currency, measure] += cents
                if measure == "mrr" and cents > 0:
                    self.levels[month, currency, "members"] += 1
                    self.cohort_mrr[first, currency, month - first] += cents
            for (measure, currency), cents in opening.items():
                if measure == "mrr" and cents > 0:
                    kept = end["mrr", currency]
                    self.levels[month, currency, "opening"] += cents
                    self.levels[month, currency, "gross_kept"] += min(kept, cents)
                    self.levels[month, currency, "net_kept"] += kept
            for (kind, currency), cents in moves.get(month, {}).items():
                self.moved[month, currency, kind] += cents
                self.by_member.append(
                    (calendar.months[month], key, currency, kind, cents, end["mrr", currency])
                )
            opening = end

    def _is_leaving(self, subscription: Subscription) -> bool:
        is_flagged = subscription.will_cancel and self.shape is Shape.DOCUMENTED
        return is_flagged or (subscription.has_row and subscription.status == "canceled")

    def _describe_now(
        self,
        key: str,
        stretches: list[Stretch],
        first_at: int,
        lost_at: int,
        mrr: int,
    ) -> None:
        on = self.calendar.on
        last = max(stretches, key=lambda each: each.ends)
        covering = [each for each in stretches if each.starts <= self.as_of < each.ends]
        if covering:
            is_leaving = all(self._is_leaving(each.subscription) for each in covering)
            state = "cancelling" if is_leaving else "active"
        elif self._is_in_grace(lost_at):
            state = "in_grace"  # with the MRR that a late renewal would take back
        else:
            return
        currency = last.subscription.currency
        self.now.append((key, currency, on(first_at), on(last.ends), mrr, state))


def _total(level: Counter[tuple[str, str]]) -> int:
    return sum(cents for (measure, _), cents in level.items() if measure == "mrr")


def _kind_of_change(before: int, after: int, cents: int, *, is_first: bool) -> str:
    if before == 0:
        return "new" if is_first else "reactivation"
    if after == 0:
        return "churn"
    return "expansion" if cents > 0 else "contraction"


def _kind_of_loss(subscription: Subscription, at: int, as_of: int, *, came_back: bool) -> str:
    """Return why a member left, as far as the database still knows."""
    back = [each.refund for each in subscription.invoices if each.refund]
    if any(each.is_chargeback and not each.is_void and each.at == at for each in back):
        return "involuntary"
    if any(at - DAY <= failure <= as_of for failure in subscription.failures[-1:]):
        return "involuntary"
    if came_back or not subscription.has_row:
        return "unknown"
    if subscription.status in ("past_due", "unpaid", "incomplete_expired"):
        return "involuntary"
    if subscription.status == "canceled" or subscription.will_cancel:
        return "voluntary"
    return "unknown"
