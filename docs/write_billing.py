"""Write the page on billing: every worked case, and how it is counted, in words.

``make docs`` runs it; ``tests/unit/test_billing_page.py`` fails while the page differs from it.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from sselfie_insights.money import to_major

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "billing"
PAGE = Path(__file__).with_name("billing.md")

INTRODUCTION = """\
# How billing is counted

Written by `make docs` from the worked cases in `tests/fixtures/billing`; every one of them is built
and compared on every engine. Change the cases, not this page.

**MRR** (contract MRR) is what the invoices that cover an instant are worth a month. An invoice
covers its period: a month, a year, four weeks. Nobody is a member before the first charge, and a
membership ends when its paid time does, unless a renewal comes within the grace (14 days; of
weekly billing half a week). Every change is one of five movements: **new** (the first rise from
nothing), **reactivation** (a later one), **expansion**, **contraction**, and **churn** (a fall to
nothing). Amounts count as they were paid: a tax inside them stays inside. Money is a cash view:
received when it was paid, given back when it was given back.

Each case says whose rule or example it is, what the database holds, and what is counted.
"""

TITLES = {
    "starts": "Beginning: first months, trials, free months",
    "coupons": "Coupons and fees",
    "plan_changes": "Changes of plan, price and seats",
    "rhythms": "Years, quarters, weeks and days",
    "lateness": "Late and failed payments",
    "leaving": "Leaving, pausing, coming back",
    "several": "Several products and subscriptions",
    "duplicates": "Charged or stored twice",
    "given_back": "Refunds and chargebacks",
    "currencies": "Currencies",
    "prices": "Prices, and products that no list knows",
    "people": "Whose payments count",
    "time": "Instants and zones",
    "playbook": "Whole histories of others",
}


def write_page() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for name, title in TITLES.items():
        parts.append(f"## {title}\n")
        category = ""
        for case in yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))["cases"]:
            if case["category"] != category:
                category = case["category"]
                parts.append(f"### {category[0].upper()}{category[1:]}\n")
            parts.append(_write_case(case))
    return "\n".join(parts)


def _write_case(case: Mapping[str, Any]) -> str:
    lines = [f"**{case['id']}** — {case['says']}\n"]
    known = [*_payments(case), *_subscriptions(case), *_surroundings(case)]
    lines.append(f"- Known: {'; '.join(known)}.")
    lines += [f"- Counted: {sentence}." for sentence in _counted(case["expect"])]
    return "\n".join(lines) + "\n"


def _payments(case: Mapping[str, Any]) -> Iterator[str]:
    for row in case.get("payments", []):
        money = _money(row["amount"], row.get("currency", "usd"))
        kind = row.get("type", "subscription")
        what = {"subscription": "invoice", "refund": "refund", "dispute": "dispute"}.get(
            kind, kind.replace("_", " ")
        )
        words = [f"{what} of {money} on {_day(row['date'])}"]
        if row.get("times", 1) > 1:
            words.append(f"{row['times']} times, every {row.get('every', '1 month')}")
        for name in ("user", "product", "status", "sub"):
            if name in row:
                words.append(f"{name} {'unknown' if row[name] is None else row[name]}")
        if row.get("test"):
            words.append("in test mode")
        yield ", ".join(words)


def _subscriptions(case: Mapping[str, Any]) -> Iterator[str]:
    for row in case.get("subscriptions", []):
        period = ""
        if "start" in row and "end" in row:
            period = f", paid {_day(row['start'])} to {_day(row['end'])}"
        of = f" of {row['user']}" if "user" in row else ""
        yield f"the subscription's row{of} says {row.get('status', 'active')}{period}"


def _surroundings(case: Mapping[str, Any]) -> Iterator[str]:
    if "as_of" in case:
        yield f"seen at {case['as_of'][:16].replace('T', ' ')} UTC"
    for name, value in case.get("settings", {}).items():
        yield f"{name} is {value}"
    if "prices" in case:
        yield "the owner has a price list"


def _counted(expect: Mapping[str, Any]) -> Iterator[str]:
    people = dict(expect.get("customers", {}))
    if "moves" in expect or "closing" in expect:
        people[""] = expect
    for label, person in people.items():
        moves = [
            f"{month} {_move(kind)} {_money(cents, _currency(kind))}"
            for month, kinds in person.get("moves", {}).items()
            for kind, cents in kinds.items()
        ]
        closing = person.get("closing", 0)
        by_currency = {"usd": closing} if isinstance(closing, int) else closing
        held = [_money(cents, currency) for currency, cents in by_currency.items() if cents]
        moves.append(f"MRR then {' and '.join(held)}" if held else "no member then")
        yield (f"{label}: " if label else "") + "; ".join(moves)
    if not people and expect.get("members") == 0:
        yield "no member"
    sums = [
        *((f"{month}", sums) for month, sums in expect.get("money", {}).items()),
        *((product, sums) for product, sums in expect.get("product", {}).items()),
        *([("in all", expect["total"])] if "total" in expect else []),
    ]
    for name, values in sums:
        is_usd = not any(isinstance(value, dict) for value in values.values())
        for currency, cents in ({"usd": values} if is_usd else values).items():
            amounts = [f"{column} {_money(value, currency)}" for column, value in cents.items()]
            yield f"money {name}: {', '.join(amounts)}"
    for reason, count in expect.get("dropped", {}).items():
        yield f"{count} row{'s' if count > 1 else ''} left out as {reason}"
    if "warnings" in expect:
        yield f"a warning names {', '.join(expect['warnings'])}"


def _move(kind: str) -> str:
    return kind.split()[0]


def _currency(kind: str) -> str:
    return kind.split()[1] if " " in kind else "usd"


def _money(cents: int, currency: str) -> str:
    return f"{to_major(cents, currency):,} {currency.upper()}"


def _day(value: str | date | datetime) -> str:
    return str(value)[:16]


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
