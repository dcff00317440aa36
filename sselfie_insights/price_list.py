"""The owner's price list, ``products.csv`` beside ``sselfie.toml``: read and checked."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sselfie_insights.errors import UsageError
from sselfie_insights.owner_files import Currency, EmptyIsNone, read_lines

FILE = Path("products.csv")

INTERVALS = (1, 2, 3, 6, 12, 24, 36)
"""The months that a membership's period can have."""


def _whole(value: object) -> object:
    if isinstance(value, str) and not value.strip().isdecimal():
        raise ValueError("a price is a whole number of minor units, such as 9900 for 99.00 dollars")
    return value


class Price(BaseModel):
    """A line of the list: what one interval of a product, or one purchase, costs, and since when.

    Attributes:
        product_type: The product, as payments name it.
        is_recurring: Whether it is a membership that renews.
        interval_months: The months of one period; None of what is bought once.
        price_cents: The price of one interval, in the currency's minor unit.
        currency: ISO 4217, in lower case.
        credits: Credits that come with it, if any.
        valid_from: The first day (UTC); None for always.
        valid_until: The first day on which it is in force no longer; None while it is.
        name: What pages call the product; None for its id in words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    product_type: str = Field(min_length=1)
    is_recurring: bool
    interval_months: Annotated[int | None, EmptyIsNone]
    price_cents: Annotated[int, BeforeValidator(_whole), Field(gt=0)]
    currency: Currency = "usd"
    credits: Annotated[Annotated[int, Field(ge=0)] | None, EmptyIsNone] = None
    valid_from: Annotated[date | None, EmptyIsNone] = None
    valid_until: Annotated[date | None, EmptyIsNone] = None
    name: Annotated[str | None, EmptyIsNone] = None

    @model_validator(mode="after")
    def _agree(self) -> "Price":
        if self.is_recurring and self.interval_months not in INTERVALS:
            known = ", ".join(map(str, INTERVALS))
            raise ValueError(f"interval_months of a membership is one of {known}")
        if not self.is_recurring and self.interval_months is not None:
            raise ValueError("interval_months is empty for what is bought once")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("valid_until is not after valid_from")
        return self


def read_price_list(path: Path = FILE) -> list[Price]:
    """Return the owner's prices in the order of the file; none where there is no file.

    Raises:
        UsageError: The file cannot be read, or a line is wrong; the message names the line.
    """
    return _check(path, read_lines(path, Price))


def list_names() -> list[dict[str, str]]:
    """Return the name that the owner gives each product, of several the last.

    Raises:
        UsageError: The file cannot be read, or a line is wrong.
    """
    names = {price.product_type: price.name for price in read_price_list() if price.name}
    return [{"product_type": product, "name": name} for product, name in sorted(names.items())]


def describe_price_list(path: Path = FILE) -> str:
    """Return in words which price list is in force.

    Raises:
        UsageError: The owner's is wrong.
    """
    prices = read_price_list(path)
    if not prices:
        return "the packaged price list"
    products = len({price.product_type for price in prices})
    return f"{path}: {len(prices)} prices of {products} products"


def _check(path: Path, lines: list[tuple[int, Price]]) -> list[Price]:
    """Refuse a list whose lines contradict each other."""
    recurs: dict[str, tuple[bool, int]] = {}
    for number, price in lines:
        kind, first = recurs.setdefault(price.product_type, (price.is_recurring, number))
        if kind != price.is_recurring:
            raise UsageError(
                f"{path} line {number}: {price.product_type} is a membership and bought once"
                f" (line {first})",
                remedy="give the two different names",
            )
    return [price for _, price in lines]
