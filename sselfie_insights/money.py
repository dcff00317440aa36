"""Money for people: minor units by ISO 4217 (yen have none, dinars three) and currency signs."""

from decimal import Decimal
from functools import cache

# Stripe charges and stores ariary without decimals, though ISO 4217 gives them two:
# https://docs.stripe.com/currencies#zero-decimal (read 2026-11).
_AS_STRIPE_STORES = {"MGA": 0}
_OF_UNKNOWN = 2


@cache
def minor_digits(currency: str) -> int:
    """Return the decimals of ``currency``, in any case; 2 where ISO 4217 does not know it."""
    from iso4217 import Currency

    code = currency.upper()
    if code in _AS_STRIPE_STORES:
        return _AS_STRIPE_STORES[code]
    try:
        digits = Currency(code).exponent
    except ValueError:
        return _OF_UNKNOWN
    return _OF_UNKNOWN if digits is None else int(digits)


@cache
def unusual_digits() -> dict[str, int]:
    """Return the decimals of the currencies that do not have two, by code."""
    from iso4217 import Currency

    digits = {currency.code: minor_digits(currency.code) for currency in Currency}
    return {code: count for code, count in sorted(digits.items()) if count != _OF_UNKNOWN}


def to_major(minor: int, currency: str) -> Decimal:
    """Return an amount in minor units, such as cents, in those that people write.

    The result has the currency's decimals: 9800 is ``98.00`` of ``usd`` and ``9800`` of ``jpy``.
    """
    return Decimal(minor).scaleb(-minor_digits(currency))


def write_money(minor: int, currency: str | None) -> str:
    """Return an amount in minor units as people write it: ``-$1,234.50``, ``¥9,800``, ``CHF 5.00``.

    Without a currency it has two decimals and no sign.
    """
    return write_major(to_major(minor, currency or "usd"), currency)


def write_major(amount: Decimal | float, currency: str | None) -> str:
    """Return an amount in whole units, such as 1234.5 dollars, as `write_money` writes it."""
    minus = "-" if amount < 0 else ""
    number = f"{abs(amount):,.{minor_digits(currency or 'usd')}f}"
    return f"{minus}{currency_sign(currency) if currency else ''}{number}"


@cache
def currency_sign(currency: str) -> str:
    """Return the sign that is no other currency's in English, by CLDR: $, CA$, €, or the code."""
    from babel.numbers import get_currency_symbol

    code = currency.upper()
    sign: str = get_currency_symbol(code, locale="en")
    return f"{sign} " if sign == code else sign
