"""METRICS.md sections 1 and 2 in plain loops: what stored rows say of money, MRR and members.

An oracle for the models: written to be read beside the definitions, in another language and by
other means than they are; speed is no aim. Instants are aware and in UTC, money is integers.
Left out: snapshots of subscriptions, kinds of churn.
"""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from tests.support.billing.oracle.coverage import coverage, make_lines
from tests.support.billing.oracle.payments import (
    INTERNAL_DOMAINS,
    excluded,
    give_back,
    merged,
    name_products,
    read_rows,
)
from tests.support.billing.oracle.prices import NS, PRICES, Prices, as_of_instant, month_of


def movements(spans, as_of):
    """customer -> currency -> [(at, before, after, movement)]"""
    edges = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for s in spans:
        for t, sign in ((s.since, 1), (s.until, -1)):
            if t <= as_of:
                edges[s.customer][t][s.currency] += sign * s.mrr
    out = {}
    for customer, by_time in edges.items():
        held, ever, mine = defaultdict(int), False, defaultdict(list)
        for t in sorted(by_time):
            rise, fall = (
                "expansion" if any(held.values()) else "reactivation" if ever else "new",
                "churn",
            )
            for currency, change in by_time[t].items():
                held[currency] += change
            assert min(held.values()) >= 0, (customer, t, dict(held))
            if any(held.values()):
                ever, fall = True, "contraction"
            for currency, change in by_time[t].items():
                if change:
                    mine[currency].append(
                        (t, held[currency] - change, held[currency], rise if change > 0 else fall)
                    )
                    out[customer] = mine
    return out


def billed_movements(spans, as_of):
    """customer -> currency -> [(at, change, movement)], of what was billed while MRR covers."""
    out = {}
    for customer in sorted({s.customer for s in spans}):
        mine = [s for s in spans if s.customer == customer]
        first = min(s.since for s in mine)
        moves = defaultdict(list)
        for t in sorted({t for s in mine for t in (s.since, s.until) if t <= as_of}):
            was_covered = any(s.since < t <= s.until for s in mine)
            is_covered = any(s.since <= t < s.until for s in mine)
            rise = "expansion" if was_covered else "new" if t == first else "reactivation"
            for currency in sorted({s.billed_currency for s in mine}):
                change = sum(
                    s.billed * ((s.since == t) - (s.until == t))
                    for s in mine
                    if s.billed_currency == currency
                )
                if change:
                    fall = "contraction" if is_covered else "churn"
                    moves[currency].append((t, change, rise if change > 0 else fall))
        out[customer] = moves
    return out


def in_grace(spans, as_of):
    """The customers whose coverage ended so recently that a renewal would still be in time."""
    out = set()
    for customer in {s.customer for s in spans if s.since <= as_of}:
        mine = [s for s in spans if s.customer == customer and s.since <= as_of]
        end = max(s.until for s in mine)
        if end <= as_of and as_of - end < max(s.grace for s in mine if s.until == end):
            out.add(customer)
    return out


def closings(changes, zone):
    """(month, customer, currency) -> MRR at the month's end, of the months in which it changes."""
    return {
        (month_of(t, zone), customer, currency): after
        for customer, by in changes.items()
        for currency, mine in by.items()
        for t, _, after, _ in mine
    }


def compute(
    rows, as_of, zone="UTC", grace_days=14, prices=PRICES, domains=INTERNAL_DOMAINS, accounts=()
):
    """What ``Rows`` say up to ``as_of``: money, changes of MRR and of billed MRR, the spans."""
    zone, prices = ZoneInfo(zone), Prices(prices)
    as_of = as_of_instant(as_of, zone)
    users, subs, pays = read_rows(rows, as_of)
    no_customers = excluded(users, subs, pays, domains, accounts)
    pays = [p for p in pays if p.user not in no_customers and not p.test]
    payments = merged([p for p in pays if p.role == "received"])
    attempts = [
        NS(
            **vars(p)
            | {"key": str(p.pid), "paid": False, "back": [], "subscribed": p.kind == "subscription"}
        )
        for p in pays
        if p.role == "unsettled" and not p.back
    ]
    name_products(payments, attempts + [p for p in pays if p.back], subs)
    events, over = give_back(payments, pays, as_of)
    money = Counter()
    for e in [*(p for p in payments if p.amount), *events]:
        kind = getattr(e, "kind", "gross")
        money[e.customer, month_of(e.at, zone), e.currency, e.product, kind] += e.amount
    lines = make_lines(payments, attempts, subs, prices)
    spans = coverage(lines, prices, as_of, grace_days)
    changes = movements(spans, as_of)
    return NS(
        changes=changes,
        billed_changes=billed_movements(spans, as_of),
        in_grace=in_grace(spans, as_of),
        closings=closings(changes, zone),
        lines=lines,
        spans=spans,
        over=over,
        money=money,
        listed={x.product for x in prices.all},
    )
