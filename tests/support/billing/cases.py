"""The worked billing cases of ``tests/fixtures/billing``, as the rows that the source would hold.

``tests/fixtures/README.md`` says what a case's keys mean.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FIXTURES = Path(__file__).parents[2] / "fixtures" / "billing"

AS_OF = "2026-10-15T12:00:00+00:00"
"""The instant of a case that names none."""

MEMBERSHIP = "sselfie_studio_membership"

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Rows of the source's tables, by its own names of columns."""

    payments: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    credit_entries: list[Row] = field(default_factory=list)

    def extend(self, more: "Rows") -> None:
        self.payments.extend(more.payments)
        self.subscriptions.extend(more.subscriptions)
        self.users.extend(more.users)
        self.credit_entries.extend(more.credit_entries)


@dataclass(frozen=True)
class Case:
    """A worked case: what it shows, under which settings, its rows, and the right values."""

    id: str
    category: str
    says: str
    as_of: str
    settings: Mapping[str, Any]
    prices: str | None
    content: Mapping[str, Any]
    expect: Mapping[str, Any]

    @property
    def surroundings(self) -> tuple[str, str, str | None]:
        """What all cases of one build share: instant, settings, price list."""
        return self.as_of, str(sorted(self.settings.items())), self.prices

    def rows(self) -> Rows:
        """Return what the source holds of this case."""
        return _Expansion(self.id).rows(self.content)

    def customer_key(self, label: str) -> str:
        """Return the user id of a label; of a guest, what the customer's key ends with."""
        return f"{self.id}.{label}"


@cache
def load_cases() -> tuple[Case, ...]:
    """Return every case, in the order of the files."""
    return read_cases(sorted(FIXTURES.glob("*.yml")))


def read_cases(files: Iterable[Path]) -> tuple[Case, ...]:
    """Return the cases of ``files``, in their order."""
    return tuple(
        Case(
            id=content["id"],
            category=content["category"],
            says=content["says"],
            as_of=content.get("as_of", AS_OF),
            settings=content.get("settings", {}),
            prices=content.get("prices"),
            content=content,
            expect=content["expect"],
        )
        for path in files
        for content in yaml.load(path.read_text(), yaml.CSafeLoader)["cases"]
    )


def by_surroundings(cases: Sequence[Case]) -> list[list[Case]]:
    """Return the cases in groups that one build can hold."""
    groups: dict[tuple[str, str, str | None], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.surroundings].append(case)
    return list(groups.values())


class _Expansion:
    """Writes out a case: what it leaves out, its repetitions, and ids of its own."""

    def __init__(self, case: str) -> None:
        self.case = case
        self.number = 0

    def rows(self, content: Mapping[str, Any]) -> Rows:
        payments = [row for given in content.get("payments", []) for row in self._payments(given)]
        subscriptions = [self._subscription(given) for given in content.get("subscriptions", [])]
        named = {user["id"]: user for user in content.get("users", [])}
        labels = {
            given.get("user", "a")
            for given in [*content.get("payments", []), *content.get("subscriptions", [])]
        }
        users = [self._user(named.get(label, {"id": label})) for label in sorted(labels - {None})]
        return Rows(payments, subscriptions, users)

    def _payments(self, given: Mapping[str, Any]) -> Iterator[Row]:
        first = _instant(given["date"])
        for time in range(given.get("times", 1)):
            yield self._payment(given, later(first, given.get("every", "1 month"), time), time)

    def _payment(self, given: Mapping[str, Any], at: datetime, time: int) -> Row:
        self.number += 1
        user, kind = given.get("user", "a"), given.get("type", "subscription")
        is_return = kind in ("refund", "dispute", "chargeback")
        prefix = {"refund": "re", "dispute": "du", "chargeback": "du"}.get(kind, "pi")
        has_subscription = kind == "subscription" or is_return
        invoice = f"in_own{self.number}" if kind == "subscription" else None
        given_id = given.get("id")
        payment = f"{given_id.split('_')[0] if given_id else prefix}_own{self.number}"
        return {
            "id": self.number,
            "stripe_payment_id": self._id(payment if time else given_id or payment),
            "stripe_invoice_id": self._id(
                invoice if time and given.get("invoice") else given.get("invoice", invoice)
            ),
            "stripe_subscription_id": self._id(
                given.get("sub", f"sub_{user}" if has_subscription and user else None)
            ),
            "stripe_customer_id": self._id(given.get("customer", f"cus_{user}" if user else None)),
            "user_id": self._id(user),
            "amount_cents": given["amount"],
            "currency": given.get("currency", "usd"),
            "status": given.get("status", "paid" if kind == "subscription" else "succeeded"),
            "payment_type": kind,
            "product_type": given.get("product", MEMBERSHIP if kind == "subscription" else kind),
            "payment_date": at,
            "created_at": at,
            "updated_at": _instant(given["updated"]) if "updated" in given else at,
            "is_test_mode": given.get("test", False),
            "metadata": {
                name: value.replace("{case}", self.case)
                for name, value in given.get("metadata", {}).items()
            },
        }

    def _subscription(self, given: Mapping[str, Any]) -> Row:
        self.number += 1
        user = given.get("user", "a")
        return {
            "id": self.number,
            "user_id": self._id(user),
            "stripe_subscription_id": self._id(given.get("sub", f"sub_{user}")),
            "stripe_customer_id": self._id(given.get("customer", f"cus_{user}")),
            "status": given.get("status", "active"),
            "product_type": given.get("product", MEMBERSHIP),
            "plan_name": given.get("product", MEMBERSHIP),
            "current_period_start": _instant(given["start"]) if "start" in given else None,
            "current_period_end": _instant(given["end"]) if "end" in given else None,
            "cancel_at_period_end": given.get("cancel_at_period_end", False),
            "is_test_mode": given.get("test", False),
            "created_at": datetime(2017, 1, 1, tzinfo=UTC),
        }

    def _user(self, given: Mapping[str, Any]) -> Row:
        address = given.get("email", f"{given['id']}.{{case}}@studio-mail.com")
        return {
            "id": self._id(given["id"]),
            "email": address.replace("{case}", self.case),
            "role": given.get("role", "user"),
            "stripe_customer_id": self._id(given.get("stripe_customer_id")),
            "created_at": datetime(2017, 1, 1, tzinfo=UTC),
        }

    def _id(self, label: str | None) -> str | None:
        if label is None:
            return None
        prefix, name = re.match(r"((?:pi|ch|in|re|du|dp|cus|sub)_)?(.*)", label).groups()  # type: ignore[union-attr]
        return f"{prefix or ''}{self.case}.{name}"


def later(first: datetime, every: str, times: int) -> datetime:
    """Return the instant some periods later; a month ends on its last day where the day lacks."""
    count, unit = every.split()
    if unit.startswith("day"):
        return first + timedelta(days=int(count) * times)
    months = int(count) * times * (12 if unit.startswith("year") else 1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return first.replace(year=year, month=month + 1, day=min(first.day, last))


def _instant(value: str | date | datetime) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
