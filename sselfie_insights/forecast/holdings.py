"""What is known of a currency at the close of a month: who is there, and what they pay."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

AHEAD: Final = 12
"""Months that a projection reaches."""

WINDOW: Final = 12
"""Months that prices and changes of MRR are taken from, the last."""

_JOINS_WINDOW: Final = 36  # Months that joins are learned from: a season needs two years.
# Where more than this share of members had their MRR changed in a month, prices were changed.
_REPRICED_SHARE: Final = 1 / 3
_NEVER: Final = 1_000_000


@dataclass(frozen=True)
class Start:
    """What is known of a currency at the close of a month.

    Attributes:
        tenure: Months since joining, of each group of like members, shape (g,).
        interval: Months from one of their renewals to the next, shape (g,).
        ends: In how many months they are known to end; very many where they are not, shape (g,).
        price: Their MRR in cents, shape (g,).
        price_ahead: The same in each month to come, as the price list says, shape (g, ``AHEAD``).
        count: How many they are, shape (g,).
        changes: Closing / opening MRR of who stayed, of the last months, shape (m,).
        joined: How many joined in each of the last months, shape (j,).
        joined_price: Their mean MRR in cents in those at today's prices, shape (p,).
        joined_cents: MRR of who joined a month, over the last months.
        churn: The share of MRR that left a month, over the last months.
    """

    tenure: Numbers
    interval: Numbers
    ends: Numbers
    price: Array
    price_ahead: Array
    count: Numbers
    changes: Array
    joined: Numbers
    joined_price: Array
    joined_cents: float
    churn: float

    @property
    def mrr(self) -> float:
        """MRR at the close, in cents."""
        return float(self.price @ self.count)

    @property
    def members(self) -> int:
        """Members at the close."""
        return int(self.count.sum())

    @property
    def long_share(self) -> float:
        """The share of members who renew after several months."""
        return float(self.count[self.interval > 1].sum()) / max(1, self.members)


class Holdings:
    """The history of one currency, by month."""

    def __init__(self, book: Book, currency: str) -> None:
        held = book.holdings.filter(pl.col("currency") == currency).sort("month_number")
        self._month = held["month_number"].to_numpy()
        self._tenure = held["tenure"].to_numpy()
        self._price = held["mrr_cents"].to_numpy().astype(float)
        self._count = held["n"].to_numpy()
        self._interval = held["interval_months"].to_numpy()
        self._ends = held["ends_number"].fill_null(_NEVER).to_numpy()
        self._product = held["product_type"].to_numpy()
        self._first = book.first
        shape = (book.now - book.first + 2, book.now - book.first + 2)
        self._cents, self._heads = np.zeros(shape), np.zeros(shape)
        place = (self._month - book.first, self._tenure)
        np.add.at(self._cents, place, self._price * self._count)
        np.add.at(self._heads, place, self._count)
        kept = book.kept.filter(pl.col("currency") == currency)
        self._kept = {row["month_number"]: row for row in kept.iter_rows(named=True)}
        rises = book.rises.filter(pl.col("currency") == currency).sort("month_number")
        self._rises = rises.rows()

    def mrr(self, month: int, *, of_origin: int | None = None) -> float:
        """MRR at the end of ``month``; of who was a member at the end of ``of_origin`` only."""
        since = 0 if of_origin is None else month - of_origin
        return float(self._cents[month - self._first, since:].sum())

    def is_repriced(self, month: int) -> bool:
        """Whether prices were changed in ``month``: so many changed that it was no habit."""
        kept = self._kept.get(month)
        return kept is not None and kept["changed_count"] > _REPRICED_SHARE * kept["stayed_count"]

    def start(self, origin: int) -> Start:
        """What was known at the end of month ``origin``."""
        months = np.arange(max(self._first + 1, origin - WINDOW + 1), origin + 1)
        repriced = [month for month in months if self.is_repriced(int(month))]
        changes, opening, stayed = [], 0.0, 0.0
        for month in months:
            kept = self._kept.get(int(month))
            opening += self.mrr(int(month) - 1)
            if kept is not None and kept["opening_cents"]:
                stayed += kept["opening_cents"]
                if month not in repriced:
                    changes.append(kept["closing_cents"] / kept["opening_cents"])
        fresh = np.arange(max(self._first + 1, origin - _JOINS_WINDOW + 1), origin + 1)
        joined = self._heads[fresh - self._first, 0]
        since = months[months >= max(repriced, default=0)] - self._first
        some = since[self._heads[since, 0] > 0]
        if not some.size:  # Nobody joined since: the last prices at which somebody did.
            some = np.flatnonzero(self._heads[: origin - self._first + 1, 0])[-1:]
        here = slice(*np.searchsorted(self._month, [origin, origin + 1]))
        return Start(
            tenure=self._tenure[here],
            interval=self._interval[here],
            ends=self._ends[here] - origin,
            price=self._price[here],
            price_ahead=self._prices(here, origin),
            count=self._count[here],
            changes=np.array(changes or [1.0]),
            joined=joined.astype(np.int64),
            joined_price=self._cents[some, 0] / self._heads[some, 0],
            joined_cents=float(self._cents[months - self._first, 0].mean()) if months.size else 0.0,
            churn=1 - stayed / opening if opening else 0.0,
        )

    def _prices(self, here: slice, origin: int) -> Array:
        """What each group will pay: a listed price that is replaced changes at the next renewal."""
        price, tenure = self._price[here], self._tenure[here]
        interval, product = self._interval[here], self._product[here]
        ahead = np.repeat(price[:, None], AHEAD, axis=1)
        for since, _, named, before, after in self._rises:
            if since <= origin:
                continue
            for k in range(max(0, since - origin - 1), AHEAD):
                # The renewal at which it changes: the first from then on.
                made = (tenure + k + 1) // interval > (tenure + since - origin - 1) // interval
                moves = (product == named) & (np.abs(ahead[:, k] - before) <= 1) & made
                ahead[moves, k] = after
        return ahead
