"""METRICS.md section 2: which spans invoices cover, and what they are worth a month.

A line is a subscription as coverage reads it. Its attempts (paid: invoices) gain .due (date of the
first try), .rhythm and .why (the letter of the rule), .period (start and end that a row shows),
.twins (charged twice), .role; invoices of its .chain gain .start and .end (the period), .since and
.until (what it covers), .regular (no proration), .mrr and .billed.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

from tests.support.billing.oracle.prices import (
    ABOUT_A_MONTH,
    DAY,
    NS,
    PER_MONTH,
    days,
    grace,
    later,
    nominal,
    rhythm_between,
    rounded,
    same,
)


def fold_retries(attempts, grace_days):
    """A failed charge and its like within the grace, up to the paid one, are one attempt."""
    out, open_ = [], {}
    for a in attempts:
        k = (a.product, a.currency, a.amount)
        first, a.due = open_.get(k), a.at
        if first and a.at - first.due <= grace_days * DAY:
            if a.paid:
                a.due = first.due
                out[out.index(first)] = a
                del open_[k]
        else:
            out.append(a)
            open_[k] = None if a.paid else a
    return sorted(out, key=lambda a: (a.due, a.at, not a.paid, a.key))


def at_its_distance(a, b, known):
    """Whether two attempts lie at just the distance that is the rhythm of one of them."""
    return known.rhythm is not None and rhythm_between(a.due, b.due) == known.rhythm


def find_rhythms(line, prices, grace_days):
    """Gives every attempt .rhythm and .why, the letter of the rule that gave it."""
    att = line.attempts = fold_retries(line.attempts, grace_days)
    runs = []
    for a in att:
        runs[-1].append(a) if runs and same(runs[-1][-1], a) else runs.append([a])
    for s in line.rows:  # the invoice that began the period which the row shows
        for a in sorted(
            (a for a in att if a.paid and s.start and s.end),
            key=lambda a: (abs(a.due - s.start), a.due),
        )[:1]:
            a.period = (s.start, s.end) if abs(a.due - s.start) <= 3 * DAY else a.period
    for run in runs:
        seen = [r for r in (rhythm_between(*a.period) for a in run if a.period) if r]
        votes = Counter(
            seen + [r for r in (rhythm_between(a.due, b.due) for a, b in pairwise(run)) if r]
        )
        best, count = max(
            votes.items(), key=lambda v: (v[1], v[0][0] == "m", -v[0][1]), default=(None, 0)
        )
        for a in run:
            listed, monthly = (
                prices.interval(a.product, a.currency, a.amount),
                prices.monthly(a.product, a.currency, a.at),
            )
            believed = best and (nominal(best) < 32 or monthly is None or a.amount > monthly)
            a.rhythm, a.why = (
                (best, "a")
                if seen or count >= 2
                else (listed, "b")
                if listed
                else (best, "c")
                if believed
                else (None, None)
            )
    products = defaultdict(list)
    for a in att:
        products[a.product].append(a)
    for own in products.values():
        pairs = list(pairwise(own))
        for a, b in reversed(pairs):
            if not a.rhythm and at_its_distance(a, b, b):
                a.rhythm, a.why = b.rhythm, "d"
        for a in own:
            usual = (
                prices.monthly(a.product, a.currency, a.at),
                max(
                    (
                        b.amount
                        for b in att
                        if b.paid and b.currency == a.currency and b.due < a.due
                    ),
                    default=0,
                ),
            )
            if not a.rhythm and any(x and a.amount >= 5 * x for x in usual):
                a.rhythm, a.why = ("m", 12), "e"
        for a, b in pairs:
            if not b.rhythm and at_its_distance(a, b, a):
                b.rhythm, b.why = a.rhythm, "f"
        for a in own:
            if not a.rhythm:
                a.rhythm, a.why = prices.interval(a.product) or ("m", 1), "g"
        apart = [days(b.due - a.due) for a, b in pairs]
        for n in (28, 30):
            if any(d == e == f == n for d, e, f in zip(apart, apart[1:], apart[2:], strict=False)):
                for a in own:
                    a.rhythm = ("d", n) if a.rhythm == ("m", 1) else a.rhythm


def read_invoices(line, prices, grace_days):
    """Gives every invoice its role and what it covers, in order of date."""
    invoices = sorted((a for a in line.attempts if a.paid), key=lambda a: (a.at, a.amount, a.key))
    line.chain, run, last = [], None, None
    for i, v in enumerate(invoices):
        rest = invoices[i + 1 :]
        if run is None or v.at > run.end + grace(run.rhythm, grace_days):
            if not v.amount:
                continue  # a trial, or free after a gap
            role = "start"
        elif v.at >= run.end - 3 * DAY and not (
            v.at < run.end
            and any(
                abs(w.at - run.end) < run.end - v.at
                and w.at <= run.end + grace(run.rhythm, grace_days)
                for w in rest
            )
        ):
            role = "renewal"
        else:
            role = inside(v, run, last, rest, line, prices, grace_days)
        v.role = role
        if role == "duplicate":
            last.twins.append(v)
            continue
        v.regular = role != "proration"
        if v.regular:
            on = (
                role == "renewal" and v.rhythm[0] == "m" == run.rhythm[0]
            )  # months count on from the anchor
            v.start = run.end if role == "renewal" else v.at
            v.anchor, v.count = (
                (run.anchor, run.count + v.rhythm[1]) if on else (v.start, v.rhythm[1])
            )
            v.end = later(v.anchor, (v.rhythm[0], v.count))
            v.since, v.until, run = v.start, v.end, v
            v.billed = v
        else:
            v.since, v.until, v.of_period = max(v.at, run.start), run.end, run
            v.billed = run
        if role in ("restart", "proration"):
            for w in line.chain:
                w.until = min(w.until, v.since)
        line.chain.append(v)
        last = v


def inside(v, run, last, rest, line, prices, grace_days):
    """What an invoice inside a running period is."""
    both = (
        v.amount
        and run.amount
        and any(
            w.at >= run.end - 3 * DAY
            and w.at <= run.end + grace(run.rhythm, grace_days)
            and (w.product, w.currency) == (v.product, v.currency)
            and w.amount == run.amount + v.amount
            and run.product == v.product
            and not prices.interval(w.product, w.currency, w.amount)
            for w in rest
        )
    )
    if both or (v.amount and same(v, last) and v.at - last.at <= DAY):
        return "proration" if both else "duplicate"
    alike = v.rhythm == run.rhythm or (v.rhythm in ABOUT_A_MONTH and run.rhythm in ABOUT_A_MONTH)

    def near(t):
        return any(abs(days(a.due - t)) <= 3 and a.due > v.at for a in line.attempts)

    counts_anew = (
        (v.amount and same(v, run))
        or (v.period and abs(days(v.period[1] - run.end)) > 3)
        or (
            v.amount
            and not alike
            and (v.why == "a" or (nominal(v.rhythm) > nominal(run.rhythm) and v.why in ("b", "e")))
        )
        or (
            v.product != run.product
            and v.amount in prices.in_force(v.product, v.currency, v.at, v.rhythm)
        )
        or (alike and near(later(v.at, v.rhythm)) and not near(run.end))
    )
    return "restart" if counts_anew else "proration"


def share(t, period):
    """What is left of a period at an instant, of all of it."""
    us = DAY / 86_400_000_000
    return Fraction((period.end - t) // us, (period.end - period.start) // us)


def give_mrr(line, prices, as_of, grace_days):
    """Contract MRR of every invoice of the chain."""
    regular = [v for v in line.chain if v.regular]
    follow = {id(a): b for a, b in pairwise(line.chain) if b.regular and b.role != "start"}
    for i, v in enumerate(regular):
        before, nxt = regular[i - 1] if i else None, follow.get(id(v))
        listed, amount = prices.in_force(v.product, v.currency, v.at, v.rhythm), v.amount
        if (
            amount
            and nxt
            and any(nxt.amount and nxt.amount % p == 0 for p in listed)
            and all(amount % p for p in listed)
            and not (before and same(v, before))
            and (nxt.product, nxt.currency, nxt.rhythm) == (v.product, v.currency, v.rhythm)
        ):
            amount = nxt.amount  # once off
        elif (
            v.role == "renewal"
            and listed
            and amount > max(listed)
            and v.product != line.chain[line.chain.index(v) - 1].product
            and not (nxt and same(nxt, v))
        ):
            amount = max(listed)  # an upgrade billed with the renewal
        v.mrr = rounded(amount * PER_MONTH[v.rhythm])
        v.billed_mrr, v.billed_currency = rounded(v.amount * PER_MONTH[v.rhythm]), v.currency
    # In order: an estimate builds on the MRR before it.
    for old, v, nxt in zip([None, *line.chain], line.chain, [*line.chain[1:], None], strict=False):
        if (
            v.role == "restart"
            and not v.amount
            and nxt
            and nxt.regular
            and nxt.role != "start"
            and nxt.amount
            and (nxt.product, nxt.currency, nxt.rhythm) == (v.product, v.currency, v.rhythm)
        ):
            v.mrr = nxt.mrr  # paid with what was left of the old period
        elif v.regular and not v.amount:
            free_again = old.regular and not old.amount
            then = next(
                (w for w in line.chain[line.chain.index(v) + 1 :] if w.regular or w.amount), None
            )  # free prorations say nothing
            keeps = (
                (then.amount > 0 and then.role != "start")
                if then
                else as_of <= v.end + grace(v.rhythm, grace_days)
            )
            v.mrr, v.currency = (old.mrr if keeps and not free_again else 0), old.currency
        if not v.regular:
            if (
                nxt
                and nxt.regular
                and nxt.role != "start"
                and nxt.amount
                and (nxt.product, nxt.currency, nxt.rhythm)
                == (v.product, v.currency, v.of_period.rhythm)
            ):
                v.mrr = nxt.mrr
                continue
            p = v.of_period
            v.currency = (
                v.currency if v.amount else old.currency
            )  # nothing paid switches no currency
            v.mrr = (old.mrr if old.currency == v.currency else 0) + v.amount * PER_MONTH[
                p.rhythm
            ] / share(v.since, p)
            listed = [
                x * PER_MONTH[p.rhythm]
                for x in prices.in_force(v.product, v.currency, v.at, p.rhythm)
            ]
            near = min(listed, key=lambda x: abs(x - v.mrr), default=0)
            v.mrr = rounded(near if abs(near - v.mrr) <= near / 10 else v.mrr)


def end_by_refund(line, as_of):
    """The membership that ended with money given back ends at that instant."""
    v = next((v for v in reversed(line.chain) if v.regular), None)
    if (
        v is None
        or not v.amount
        or not v.back
        or any(sum(b.amount for b in t.back) < t.amount for t in v.twins)
    ):
        return
    at, total = max(b.at for t in [v, *v.twins] for b in t.back), sum(b.amount for b in v.back)
    cancelled, unused = line.status == "canceled", v.amount * share(max(at, v.start), v)
    if at < v.end and (
        (total >= v.amount and (cancelled or v.end <= as_of))
        or (cancelled and abs(total - unused) <= unused / 10)
    ):
        for w in line.chain:
            w.until = min(w.until, max(at, w.since)) if w.since >= v.since else w.until


def make_lines(payments, attempts, subs, prices):
    """Subscriptions: by id, else by customer and product; an add-on invoiced beside apart."""
    lines = {}
    for p in payments + attempts:
        if prices.recurring(p):
            p.twins, p.period = [], None
            key = (p.sub,) if p.sub else (p.customer, p.product)
            lines.setdefault(key, []).append(p)
    out = []
    for key, own in lines.items():
        charges = [p for p in own if p.paid and p.amount]
        pairs, top = (
            defaultdict(list),
            {p.product: max(q.amount for q in charges if q.product == p.product) for p in charges},
        )
        for a in charges:
            for b in charges:
                if abs(b.at - a.at) <= DAY and a.product < b.product and len(key) == 1:
                    pairs[a.product, b.product].append((a.at, b.at))
        apart = {
            min(pair, key=lambda x: (top[x], x))
            for pair, at in pairs.items()
            if all(max(t) - min(t) > DAY for t in zip(*at, strict=True))
        }
        for product in [None, *sorted(apart)]:
            part = sorted(
                (p for p in own if (p.product if p.product in apart else None) == product),
                key=lambda p: (p.at, not p.paid, p.key),
            )
            rows = [
                s
                for s in subs
                if not s.test
                and (
                    s.id == key[0]
                    if len(key) == 1
                    else (s.id, s.user, s.product) == (None, part[0].user, key[1])
                )
            ]
            states = {"canceled" if s.status == "cancelled" else s.status for s in rows}
            if any(p.paid for p in part):
                out.append(
                    NS(
                        key=key,
                        customer=max(
                            (p for p in part if p.paid), key=lambda p: p.amount > 0
                        ).customer,
                        attempts=part,
                        rows=rows,
                        status="active" if "active" in states else max(states, default=""),
                    )
                )
    return out


def coverage(lines, prices, as_of, grace_days):
    """Every span [since, until) with its MRR."""
    for line in lines:
        find_rhythms(line, prices, grace_days)
        read_invoices(line, prices, grace_days)
        give_mrr(line, prices, as_of, grace_days)
        end_by_refund(line, as_of)
    begun = [line for line in lines if line.chain]
    for old in begun:  # replaced by a newer subscription
        first, last, end = (
            old.chain[0].since,
            max(v.at for v in old.chain),
            max(v.until for v in old.chain),
        )
        starts = [
            n.chain[0].since
            for n in begun
            if n.key != old.key and n.customer == old.customer and old.status != "active"
        ]
        starts = [t for t in starts if t > first and t >= last and end - t <= 35 * DAY]
        for v in old.chain if starts else []:
            v.until = min(v.until, max(min(starts), v.since))
    return [
        NS(
            line=line,
            customer=line.customer,
            product=v.product,
            currency=v.currency,
            since=v.since,
            until=v.until,
            mrr=v.mrr,
            billed=v.billed.billed_mrr,
            billed_currency=v.billed.billed_currency,
            grace=grace(v.billed.rhythm, grace_days),
        )
        for line in lines
        for v in line.chain
        if v.since < v.until and v.mrr
    ]
