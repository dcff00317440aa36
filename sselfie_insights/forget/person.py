"""Who is to be forgotten: the identifiers that name one person, and where text mentions them."""

import re
from dataclasses import dataclass, field
from functools import cache
from html.entities import html5

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

    def pattern(self, *, spelled: bool = False) -> str | None:
        """Return a regular expression (RE2 and Python) of a mention; None without any.

        Its groups 1 and 3 are what stands before and behind, so that ``ann@x.org`` is not found
        in ``joann@x.org`` or ``ann@x.org.uk``. An id may be followed by an ending of a file.

        Args:
            spelled: Whether each character may be written as in a URL, in JSON or in HTML.
        """
        write = _spell if spelled else re.escape
        before = rf"[^a-z0-9.%+]{_ENCODED if spelled else ''}"
        emails = "|".join("".join(map(write, each)) for each in sorted(self.emails))
        ids = {each.lower() for each in self.ids | self.customers if len(each) >= LEAST_ID}
        names = "|".join("".join(map(write, each)) for each in sorted(ids))
        if not (emails or names):
            return None
        # After an address a dot may end the sentence, or begin the ending of a file.
        kinds = [rf"(?:{emails})(?:{_FILE})?"] if emails else []
        kinds += [rf"(?:{names})(?:\.[a-z0-9]+)?"] if names else []
        return rf"(?i)(^|{before})({'|'.join(kinds)})($|[^a-z0-9.]|\.$|\.[^a-z0-9])"


_FILE = r"\.(?:csv|gif|gz|heic|html?|ics|jpe?g|json|mp4|parquet|pdf|png|svg|txt|vcf|webp|xlsx?|zip)"
"""Endings of files; none is one of a domain that takes mail."""

_ENCODED = (
    # a sign, or a control character, in a URL; an entity; an escape of JSON
    r"|%(?:25)*(?:2[0-9acdf]|3[a-f]|40|5[b-f]|60|7[b-f]|[01][0-9a-f])"
    r"|&#?[a-z0-9]+;|\\[bfnrt]|\\+u00[2-7][0-9a-f]"
)
"""Characters that stand before a mention and end in a letter or digit, as they are written."""


@cache
def _spell(character: str) -> str:
    """Return a regular expression of every spelling of one character, in lower case."""
    every = sorted({character, character.upper()})
    octets = "|".join("[%=](?:25)*".join(f"{b:02x}" for b in c.encode()) for c in every)
    decimal = "|".join(str(ord(c)) for c in every if len(c) == 1)
    codes = "|".join(f"{ord(c):x}" for c in every if len(c) == 1)
    names = "".join(f"|&{name}" for name, text in html5.items() if text == character)
    return (
        rf"(?:{re.escape(character)}|[%=](?:25)*(?:{octets})"
        rf"|&#0*(?:{decimal});?|&#x0*(?:{codes});?|\\+[ux]0*(?:{codes}){names})"
    )
