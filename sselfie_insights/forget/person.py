"""Who is to be forgotten: the identifiers that name one person, and where text mentions them."""

import re
from dataclasses import dataclass, field

FORGOTTEN = "[forgotten]"
"""What stands where text of others mentioned the person."""

LEAST_ID = 8
"""Characters of an id that is looked for in texts; a shorter one is matched whole only."""


@dataclass
class Person:
    """The identifiers of one person; files of the warehouse add to them.

    Attributes:
        ids: Ids of accounts.
        emails: Addresses, in lower case.
        customers: Stripe's ids of the person as a customer.
        payments: Ids of payments, invoices and subscriptions, which lead to nobody else.
    """

    ids: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    payments: set[str] = field(default_factory=set)

    @classmethod
    def named(cls, user: str) -> "Person":
        """Return who is called ``user``: an address, or else an account's id."""
        user = user.strip()
        return cls(emails={user.lower()}) if "@" in user else cls(ids={user})

    @property
    def size(self) -> int:
        """How many identifiers are known."""
        return len(self.ids) + len(self.emails) + len(self.customers) + len(self.payments)

    @property
    def keys(self) -> list[str]:
        """What the models make of these identifiers, each the whole value of a column."""
        keys = self.ids | self.emails | self.customers | self.payments
        keys |= {f"stripe:{each}" for each in self.customers}
        return sorted(keys | {f"payment:{each}" for each in self.payments})

    @property
    def searchable(self) -> list[str]:
        """The identifiers that can be searched for inside text, in lower case."""
        ids = {each.lower() for each in self.ids | self.customers if len(each) >= LEAST_ID}
        return sorted(ids | self.emails)

    def pattern(self) -> str | None:
        """Return a regular expression (RE2 and Python) of a mention; None without any.

        Its groups 1 and 3 are what stands before and behind, so that ``ann@x.org`` is not found
        in ``joann@x.org``.
        """
        if not self.searchable:
            return None
        names = "|".join(re.escape(each) for each in self.searchable)
        return rf"(?i)(^|[^a-z0-9.%+])({names})($|[^a-z0-9.]|\.$|\.[^a-z0-9])"
