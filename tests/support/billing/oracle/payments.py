"""METRICS.md section 1: whose a stored payment row is, and what it counts as."""

import datetime as dt
import json
from collections import defaultdict

from tests.support.billing.oracle.prices import NS, instant

RECEIVED = {"succeeded", "paid", "refunded", "partially_refunded", "disputed"}
NO_MONEY_BACK = {"failed", "canceled", "cancelled", "pending", "requires_action"}
NAMES_A_PRODUCT = {"credit_topup", "one_time_session", "paid_blueprint"}
INTERNAL_DOMAINS = ("test", "internal", "example", "invalid")


def read_rows(rows, as_of):
    """The stored rows up to as_of with short names, each payment row with its customer and role."""
    users = {
        u["id"]: NS(
            id=u["id"],
            email=(u.get("email") or "").lower(),
            role=u.get("role"),
            cus=u.get("stripe_customer_id"),
        )
        for u in rows.users
    }
    subs = [
        NS(
            id=s.get("stripe_subscription_id") or None,
            user=s.get("user_id"),
            cus=s.get("stripe_customer_id"),
            status=(s.get("status") or "").lower(),
            product=s.get("product_type") or s.get("plan_name"),
            start=instant(s.get("current_period_start")),
            end=instant(s.get("current_period_end")),
            test=bool(s.get("is_test_mode")),
        )
        for s in rows.subscriptions
    ]
    subs.sort(key=lambda s: str(sorted(vars(s).items())))  # the order of rows says nothing
    pays = []
    for r in rows.payments:
        at = instant(r.get("payment_date") or r.get("created_at"))
        if at is None or at > as_of:
            continue
        meta = r.get("metadata") or {}
        try:
            meta = json.loads(meta) if isinstance(meta, str) else meta
        except ValueError:
            meta = {}
        meta = (
            {k: v for k, v in meta.items() if isinstance(v, str)} if isinstance(meta, dict) else {}
        )
        mail = meta.get("customer_email", "").strip().lower()
        named = (
            [meta["user_id"]]
            if meta.get("user_id") in users
            else sorted(u.id for u in users.values() if mail and u.email == mail)
        )
        user = r.get("user_id") or next(iter(named), None)
        status, kind, amount = (
            (r.get("status") or "").lower(),
            (r.get("payment_type") or "").lower(),
            r.get("amount_cents") or 0,
        )
        back = (
            "chargeback"
            if kind in ("dispute", "chargeback") or (amount < 0 and status == "disputed")
            else "refund"
            if kind == "refund" or amount < 0
            else None
        )
        void = (
            status in NO_MONEY_BACK
            or status.startswith("warning_")
            or (back == "chargeback" and status == "won")
        )
        nameless = f"row:{r['id']}"  # no id is not the id of another
        pays.append(
            NS(
                at=at,
                pid=r.get("stripe_payment_id") or nameless,
                inv=r.get("stripe_invoice_id") or None,
                sub=r.get("stripe_subscription_id") or None,
                cus=r.get("stripe_customer_id"),
                user=user,
                amount=amount,
                currency=(r.get("currency") or "usd").lower(),
                status=status,
                kind=kind,
                product=r.get("product_type") or (kind if kind in NAMES_A_PRODUCT else None),
                test=bool(r.get("is_test_mode")),
                updated=instant(r.get("updated_at")) or at,
                back=back,
                role=("unsettled" if void else back)
                if back
                else "received"
                if status in RECEIVED or status.endswith("_resolution")
                else "unsettled",
            )
        )
    by_cus = {}
    for cus, user in (
        sorted((u.cus or "", u.id) for u in users.values())
        + sorted((s.cus or "", s.user or "") for s in subs)
        + sorted((p.cus or "", p.user) for p in pays if p.user)
    ):
        if cus and user:
            by_cus.setdefault(cus, user)
    for p in pays:
        p.user = p.user or by_cus.get(p.cus)
    pays.sort(key=lambda p: (p.at, str(p.pid)))
    of_one = defaultdict(list)
    for p in pays:
        of_one[p.inv or p.pid].append(p)
    for key, rows_of_one in of_one.items():  # rows of one payment share the first customer found
        user = next((p.user for p in rows_of_one if p.user), None)
        cus = min((p.cus for p in rows_of_one if p.cus), default=None)
        for p in rows_of_one:
            p.user, p.customer = user, user or (f"stripe:{cus}" if cus else f"payment:{key}")
    return users, subs, pays


def excluded(users, subs, pays, domains, accounts):
    """The users who do not count, whole."""
    live = {p.user for p in pays if p.role == "received" and not p.test}
    testers = ({p.user for p in pays if p.test} | {s.user for s in subs if s.test}) - live
    internal = {
        u.id
        for u in users.values()
        if u.role == "admin"
        or u.id in accounts
        or u.email in accounts
        or any(u.email.endswith(("@" + d, "." + d)) for d in domains)
    }
    return (testers | internal) - {None}


def id_kind(p):
    return p.pid[:3] if p.pid[:3] in ("pi_", "ch_", "in_") else None


def merged(rows):
    """Received rows of one payment: the same invoice, or a twin under another kind of id.

    Twins are at most ten minutes apart; a payment with an invoice goes before, then the nearest.
    """
    groups = defaultdict(list)
    for p in rows:
        groups[p.inv or p.pid].append(p)

    def is_single(g):
        return len(g) == 1 and not g[0].inv and id_kind(g[0]) is not None

    def distance(p, g):
        """How far a row is from a payment that it could be a record of."""
        alike = max(q.amount for q in g) == p.amount and all(
            id_kind(q) not in (None, id_kind(p))
            and (q.customer, q.currency) == (p.customer, p.currency)
            and not (p.product and q.product and p.product != q.product)
            for q in g
        )
        apart = min(abs(q.at - p.at) for q in g)
        return apart if alike and apart <= dt.timedelta(minutes=10) else None

    by_customer = defaultdict(set)
    for key, g in groups.items():
        by_customer[g[0].customer].add(key)
    for keys in by_customer.values():
        while True:
            twins = [
                (is_single(groups[other]), distance(groups[key][0], groups[other]), key, other)
                for key in keys
                if is_single(groups[key])
                for other in keys - {key}
                if distance(groups[key][0], groups[other]) is not None
            ]
            if not twins:
                break
            _, _, key, other = min(twins)
            if is_single(groups[other]):
                key, other = max(key, other), min(key, other)
            groups[other].append(groups[key][0])
            del groups[key]
            keys.remove(key)
    out = []
    for key, g in groups.items():
        g.sort(key=lambda p: (p.at, str(p.pid)))
        paid = [p.product for p in g if p.status == "paid" and p.product]
        out.append(
            NS(
                key=key,
                ids={p.pid for p in g},
                at=g[0].at,
                amount=max(p.amount for p in g),
                currency=g[0].currency,
                sub=next((p.sub for p in g if p.sub), None),
                customer=next((p.customer for p in g if p.user), g[0].customer),
                user=next((p.user for p in g if p.user), None),
                product=max(paid or [p.product or "" for p in g]) or None,
                subscribed=any(p.kind == "subscription" for p in g),
                back=[],
                paid=True,
                in_place={
                    s: min((p.updated for p in g if p.status == s), default=None)
                    for s in ("refunded", "disputed")
                },
            )
        )
    return sorted(out, key=lambda p: (p.at, p.key))


def give_back(payments, pays, as_of):
    """Every refund and chargeback, capped by what its payment took in; also what is over."""
    events, over = [], []
    by_inv, by_id = {p.key: p for p in payments}, {i: p for p in payments for i in p.ids}
    seen = set()
    for r in pays:
        if r.back:
            r.of = by_inv.get(r.inv) if r.inv and r.inv in by_inv else by_id.get(r.pid)
            if r.of:
                seen.add((r.of.key, r.back))
            if r.role == r.back:
                events.append(
                    NS(
                        at=r.at,
                        amount=abs(r.amount),
                        kind=r.back,
                        of=r.of,
                        currency=r.currency,
                        key=str(r.pid),
                        customer=r.of.customer if r.of else r.customer,
                        product=r.of.product if r.of else r.product or "unknown",
                    )
                )
    for p in payments:
        for status, kind in (("refunded", "refund"), ("disputed", "chargeback")):
            t = p.in_place[status]
            if t and t <= as_of and (p.key, kind) not in seen and p.amount:
                events.append(
                    NS(
                        at=t,
                        amount=p.amount,
                        kind=kind,
                        of=p,
                        currency=p.currency,
                        key=p.key,
                        customer=p.customer,
                        product=p.product,
                    )
                )
    for e in sorted(events, key=lambda e: (e.at, e.key)):
        if e.of:
            room = e.of.amount - sum(b.amount for b in e.of.back)
            if e.amount > room:
                over.append(NS(customer=e.customer, currency=e.currency, amount=e.amount - room))
                e.amount = room
            if e.amount:
                e.of.back.append(e)
    return [e for e in events if e.amount], over


def name_products(payments, attempts, subs):
    """Without a product: what its subscription is paid for before, else after, else its row's."""
    for p in payments + attempts:
        known = sorted(
            (q.at, q.product) for q in payments if p.sub and q.sub == p.sub and q.product
        )
        nearest = (
            [q[1] for q in known if q[0] <= p.at][-1:]
            + [q[1] for q in known]
            + [s.product for s in subs if p.sub and s.id == p.sub and s.product and not s.test]
        )
        p.named = p.product or [*nearest, "unknown"][0]
    for p in payments + attempts:
        p.product = p.named
