"""What the forecasts read from the marts: memberships and holdings, counted."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.errors import SselfieError
from sselfie_insights.statistics.renewals import Lifetimes
from sselfie_insights.warehouse.frames import read_frame

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Book:
    """The business in numbers; months are counted from January 1970.

    Attributes:
        settled: The last month whose losses no late renewal can take back any more.
        now: The month of as_of.
        first: The first month with a membership.
        memberships: start_number, lost_number (null while it runs), product_type, n.
        holdings: month_number, currency, tenure, mrr_cents, product_type, n: members at the end
            of a month who made ``tenure`` renewals.
        kept: month_number, currency, opening_cents, closing_cents: of the members who stayed in
            the currency through the month, their MRR before and after it.
    """

    settled: int
    now: int
    first: int
    memberships: pl.DataFrame
    holdings: pl.DataFrame
    kept: pl.DataFrame

    def lifetimes(self, origin: int | None = None, product: str | None = None) -> Lifetimes:
        """Return everybody's renewals as they were known at the end of month ``origin``.

        Args:
            origin: The month; by default the last settled one.
            product: Memberships that began with this product only.
        """
        known = known_lifetimes(self.memberships, self.settled if origin is None else origin)
        if product is not None:
            known = known.filter(pl.col("product_type") == product)
        return Lifetimes.from_durations(known["duration"], known["is_lost"], known["n"])

    @property
    def currencies(self) -> list[str]:
        """The currencies of memberships, the one with the most MRR first."""
        sums = self.holdings.group_by("currency").agg((pl.col("mrr_cents") * pl.col("n")).sum())
        return sums.sort("mrr_cents", "currency", descending=[True, False])["currency"].to_list()


def known_lifetimes(memberships: pl.DataFrame, origin: int) -> pl.DataFrame:
    """Return ``memberships`` that had begun by ``origin`` with ``duration`` and ``is_lost``."""
    is_lost = pl.col("lost_number").is_not_null() & (pl.col("lost_number") <= origin)
    end = pl.when(is_lost).then(pl.col("lost_number")).otherwise(origin)
    return memberships.filter(pl.col("start_number") <= origin).with_columns(
        (end - pl.col("start_number")).alias("duration"), is_lost.alias("is_lost")
    )


def count_cents(held: pl.DataFrame) -> float:
    """Return the MRR of ``held``, rows of mrr_cents shared by n members, in cents."""
    return float(held.select((pl.col("mrr_cents") * pl.col("n")).sum()).item())


def month_of(number: int) -> date:
    """Return the first day of month ``number``."""
    return date(1970 + number // 12, number % 12 + 1, 1)


def read_book(connection: duckdb.DuckDBPyConnection) -> Book | None:
    """Read the marts; None without a settled month of members.

    The temporary tables of ``book.sql`` and the variable ``settled`` are left in the connection.

    Raises:
        SselfieError: No month has ended yet, or a mart is missing.
    """
    try:
        connection.execute(Path(__file__).with_name("book.sql").read_text(encoding="utf-8"))
        first, now, settled = _row(
            connection,
            """
            select
                (select min(start_number) from memberships),
                (select max(date_diff('month', date '1970-01-01', month)) from marts.dim_months),
                (
                    select max(date_diff('month', date '1970-01-01', month))
                    from marts.dim_months, marts.build_info
                    where is_complete and ends_at <= as_of - grace_days * interval 1 day
                )
            """,
        )
        if first is None or now is None or settled is None or settled < first:
            return None
        # A variable, as to bind a value makes DuckDB load pandas.
        connection.execute(f"set variable settled = {settled}")
        return Book(
            settled=settled,
            now=now,
            first=first,
            memberships=read_frame(
                connection,
                """
                select start_number, lost_number, product_type, count(*) as n
                from memberships group by all order by all
                """,
            ),
            holdings=read_frame(
                connection,
                """
                select
                    member_rows.month_number, member_rows.currency, product_type,
                    member_rows.month_number - member_rows.start_number as tenure,
                    member_rows.mrr_cents, count(*) as n
                from member_rows
                inner join memberships using (customer_key, start_number)
                group by all order by all
                """,
            ),
            kept=read_frame(connection, _KEPT),
        )
    except duckdb.CatalogException as error:
        reason = str(error).partition("Error: ")[2].splitlines()[0]
        raise SselfieError(f"the forecasts miss a mart: {reason}") from None


_KEPT = """
select
    later.month_number, currency,
    sum(earlier.mrr_cents)::bigint as opening_cents, sum(later.mrr_cents)::bigint as closing_cents
from member_rows as earlier
inner join member_rows as later using (customer_key, currency, start_number)
where later.month_number = earlier.month_number + 1
group by all
order by later.month_number, currency
"""


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int | None, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None  # noqa: S101  # a select without a from has one row
    return tuple(row)
