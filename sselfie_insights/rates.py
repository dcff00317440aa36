"""The owner's exchange rates, ``rates.csv`` beside ``sselfie.toml``: read and checked."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sselfie_insights.errors import UsageError
from sselfie_insights.money import minor_digits
from sselfie_insights.owner_files import Currency, EmptyIsNone, read_lines

FILE = Path("rates.csv")


class Rate(BaseModel):
    """A line of the table: what one unit of a currency is worth, and since when.

    Attributes:
        currency: ISO 4217, in lower case.
        rate: Units of the reporting currency that one unit of it buys: 1.08 dollars for a euro.
        valid_from: The first day, in the reporting zone; None for always.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    currency: Currency
    rate: Annotated[Decimal, Field(gt=0, lt=100_000, decimal_places=8)]
    valid_from: Annotated[date | None, EmptyIsNone] = None


def read_rates(reporting_currency: str | None, path: Path = FILE) -> list[Rate]:
    """Return the owner's rates in the order of the file; none without a reporting currency.

    Raises:
        UsageError: The file cannot be read, a line is wrong or contradicts another, or only one
            of the table and the setting is there.
    """
    lines = read_lines(path, Rate)
    if reporting_currency is None and lines:
        raise UsageError(
            f"{path} says what currencies are worth, but not in which",
            remedy="name it in sselfie.toml, such as: reporting_currency = 'usd'",
        )
    if reporting_currency and not lines:
        raise UsageError(
            f"the setting 'reporting_currency' needs exchange rates, and there is no {path}",
            remedy=f"list them in {path}, with the columns {', '.join(Rate.model_fields)}",
        )
    seen: dict[tuple[str, date | None], int] = {}
    for number, line in lines:
        if line.currency == reporting_currency:
            raise UsageError(
                f"{path} line {number}: {line.currency} is the reporting currency",
                remedy="remove the line",
            )
        first = seen.setdefault((line.currency, line.valid_from), number)
        if first != number:
            raise UsageError(
                f"{path} line {number} gives {line.currency} another rate than line {first}"
                " from the same day",
                remedy="remove one, or correct its valid_from",
            )
    return [line for _, line in lines]


def describe_rates(reporting_currency: str | None, path: Path = FILE) -> str:
    """Return in words what amounts are converted to, and by which rates.

    Raises:
        UsageError: They are wrong.
    """
    rates = read_rates(reporting_currency, path)
    if not rates:
        return "none; amounts are shown in their own currencies"
    currencies = len({rate.currency for rate in rates})
    return f"{path}: {len(rates)} rates of {currencies} currencies"


def minor_rates(reporting_currency: str | None, path: Path = FILE) -> list[dict[str, Any]]:
    """Return the rates as factors between minor units: one yen at 0.0067 dollars is 0.67 cents.

    The reporting currency itself has a factor of 1. Each has ``currency``, ``rate`` (as exact
    text) and ``valid_from`` (ISO, or None for always).

    Raises:
        UsageError: They are wrong.
    """
    rates = read_rates(reporting_currency, path)
    if not rates or reporting_currency is None:
        return []
    digits = minor_digits(reporting_currency)
    factors = [
        {
            "currency": rate.currency,
            "rate": f"{rate.rate.scaleb(digits - minor_digits(rate.currency)):f}",
            "valid_from": rate.valid_from and rate.valid_from.isoformat(),
        }
        for rate in rates
    ]
    return [{"currency": reporting_currency, "rate": "1", "valid_from": None}, *factors]
