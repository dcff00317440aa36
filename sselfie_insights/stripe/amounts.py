"""Amounts as a file writes them: one decimal separator a file, exact in minor units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sselfie_insights.money import minor_digits

# The shapes of a number by its decimal separator; the other one may group its thousands.
_SHAPES = {
    ".": re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?"),
    ",": re.compile(r"(-?)(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?"),
}

# Digits before the decimals; more than that with three decimals do not fit 64 bits.
_LONGEST = 15


@dataclass(frozen=True)
class Amount:
    """An amount as text, and where it stands: the line of the file, and the column's header."""

    text: str
    currency: str
    line: int
    header: str


class AmountError(ValueError):
    """No reading fits ``amount``; where two fit the whole file and differ, ``amount`` is None."""

    def __init__(self, reason: str, amount: Amount | None = None) -> None:
        super().__init__(reason)
        self.amount = amount


def find_separator(amounts: Sequence[Amount]) -> str:
    """Return the decimal separator, a point or a comma, with which every amount makes sense.

    Raises:
        AmountError: With neither do they, or with both, and as different amounts.
    """
    # Zeros beyond a currency's decimals are an error, and still may be what was meant.
    point, comma = ([_read(a, mark, is_strict=False) for a in amounts] for mark in _SHAPES)
    if None not in point and None not in comma and point != comma:
        raise AmountError("its amounts can be read with a decimal point and with a decimal comma")
    failed = {mark: [a for a in amounts if _read(a, mark) is None] for mark in _SHAPES}
    best = min(failed, key=lambda mark: len(failed[mark]))
    if failed[best]:
        raise AmountError(_describe(failed[best][0]), failed[best][0])
    return best


def to_minor(amount: Amount, separator: str) -> int:
    """Return ``amount``, which ``find_separator`` has seen, in minor units of its currency."""
    minor = _read(amount, separator)
    if minor is None:
        raise AmountError(_describe(amount), amount)
    return minor


def _read(amount: Amount, separator: str, *, is_strict: bool = True) -> int | None:
    """Return the minor units of ``amount``; None where this separator makes no sense of it."""
    match = _SHAPES[separator].fullmatch(amount.text)
    if match is None:
        return None
    sign, whole, decimals = match[1], re.sub(r"\D", "", match[2]), match[3] or ""
    digits = minor_digits(amount.currency)
    kept, excess = decimals[:digits], decimals[digits:]
    # Stripe writes 500 yen both as 500 and as 500.00.
    is_padded = excess.strip("0") == "" and (not is_strict or (digits == 0 and excess == "00"))
    if (excess and not is_padded) or len(whole) > _LONGEST:
        return None
    number = int(whole + kept.ljust(digits, "0"))
    return -number if sign else number


def _describe(amount: Amount) -> str:
    if any(shape.fullmatch(amount.text) for shape in _SHAPES.values()):
        return f"it has more decimals than {amount.currency.upper()}"
    return "it is no amount"
