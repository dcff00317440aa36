"""The truth about membership: who was covered when, at what price, and how that changed.

Everything here follows from the events; no row is looked at.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.events import Invoice, Shape, Subscription
from sselfie_insights.simulate.instants import DAY, Calendar

MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")


@dataclass(slots=True)
class Stretch:
    """Paid coverage [starts, ends) by one invoice; MRR in cents a month."""

    subscription: Subscription
    starts: int
    ends: int
    mrr: int
    billed_mrr: int


def contract_cents(invoices: list[Invoice], index: int, interval: int, currency: str) -> int:
    """Return what the subscription costs in the period of invoice ``index``.

    An irregular invoice takes the next one's amount; the last one, the list price if it is free
    or above that, else its own amount. List prices are in dollars: in another currency a free one
    takes the amount before.
    """
    invoice = invoices[index]
    if invoice.regular:
        return invoice.cents
    if index + 1 < len(invoices):
        return invoices[index + 1].cents
    if currency != "usd":
        return invoice.cents or invoices[index - 1].cents
    list_cents = catalog.price_at(invoice.product, invoice.paid_at).cents * interval
    return invoice.cents if 0 < invoice.cents <= list_cents else list_cents


def coverage(subscriptions: list[Subscription], as_of: int) -> list[Stretch]:
    """Return the paid coverage of one customer as the invoices up to ``as_of`` tell it."""
    paid = {
        subscription.id: [each for each in subscription.invoices if each.paid_at <= as_of]
        for subscription in subscriptions
    }
    stretches = []
    for subscription in subscriptions:
        invoices = paid[subscription.id]
        replaced_at = _replaced_at(subscription, subscriptions, paid)
        for index, invoice in enumerate(invoices):
            following = invoices[index + 1] if index + 1 < len(invoices) else None
            ends = min(invoice.ends, following.starts) if following else invoice.ends
            if not following:
                ends = min(ends, _left_with_refund_at(subscription, invoice, as_of) or ends)
            ends = min(ends, replaced_at or ends)
            months = subscription.interval
            stretches.append(
                Stretch(
                    subscription,
                    invoice.starts,
                    ends,
                    contract_cents(invoices, index, months, subscription.currency) // months,
                    invoice.cents // months,
                )
            )
    # Free periods before the first paid one do not make a member.
    first_paid = min(
        (each.starts for row in paid.values() for each in row if each.cents > 0), default=None
    )
    return [
        stretch for stretch in stretches if first_paid is not None and stretch.starts >= first_paid
    ]


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
    """Return when the membership ended with a full refund of its last invoice, if it did."""
    refund = invoice.refund
    if refund is None or refund.cents < invoice.cents or refund.at > as_of:
        return None
    is_cancelled = subscription.has_row and subscription.status == "canceled"
    return refund.at if is_cancelled or invoice.ends <= as_of else None


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
    if any(at - DAY <= failure <= as_of for failure in subscription.failures[-1:]):
        return "involuntary"
    if came_back or not subscription.has_row:
        return "unknown"
    if subscription.status in ("past_due", "unpaid", "incomplete_expired"):
        return "involuntary"
    if subscription.status == "canceled" or subscription.will_cancel:
        return "voluntary"
    return "unknown"
