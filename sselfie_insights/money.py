"""Minor units of currencies, by ISO 4217: yen have none, dinars three decimals."""

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


def to_major(minor: int, currency: str) -> Decimal:
    """Return an amount in minor units, such as cents, in those that people write.

    The result has the currency's decimals: 9800 is ``98.00`` of ``usd`` and ``9800`` of ``jpy``.
    """
    return Decimal(minor).scaleb(-minor_digits(currency))
