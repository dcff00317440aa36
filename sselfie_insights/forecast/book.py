"""What the forecasts read from the marts: memberships and holdings, counted."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.errors import SselfieError
from sselfie_insights.statistics.cells import Cells
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
        memberships: start_number, lost_number (null while it runs), product_type,
            interval_months (of the first payment), n.
        people: Distinct customers with a membership that had begun by ``settled``: in ``all``, and
            by the product with which one began.
        holdings: month_number, currency, tenure (months since joining), mrr_cents, product_type,
            interval_months, ends_number (the month in which it is set to end, null otherwise; of
            ``settled`` only), n: members at the end of a month.
        kept: month_number, currency, opening_cents, closing_cents, stayed_count, changed_count: of
            the members who stayed in the currency through the month, their MRR before and after
            it, and how many of them had it changed.
        rises: month_number, currency, product_type, mrr_cents, later_mrr_cents: prices that the
            price list replaces in a month to come.
    """

    settled: int
    now: int
    first: int
    memberships: pl.DataFrame
    people: dict[str, int]
    holdings: pl.DataFrame
    kept: pl.DataFrame
    rises: pl.DataFrame

    def cells(self, product: str | None = None) -> dict[int, Cells]:
        """Return memberships by months between renewals, cohort and renewal, up to ``settled``.

        Args:
            product: Memberships that began with this product only.
        """
        known = known_lifetimes(self.memberships, self.settled)
        if product is not None:
            known = known.filter(pl.col("product_type") == product)
        found = {}
        for (interval,), part in known.sort("interval_months").group_by(
            "interval_months", maintain_order=True
        ):
            months, renewal = int(str(interval)), part["duration"].to_numpy()
            is_lost = part["is_lost"].to_numpy()
            # Who left between renewals left at the next one.
            renewal = np.where(is_lost, -(-renewal // months), renewal // months)
            found[months] = Cells.count(
                part["start_number"].to_numpy(),
                renewal.astype(np.int64),
                is_lost,
                part["n"].to_numpy().astype(float),
                interval=months,
            )
        return found

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
                select start_number, lost_number, product_type, interval_months, count(*) as n
                from memberships group by all order by all
                """,
            ),
            people=dict(connection.execute(_PEOPLE).fetchall()),
            holdings=read_frame(
                connection,
                """
                select
                    member_rows.month_number, member_rows.currency, product_type,
                    member_rows.month_number - member_rows.start_number as tenure,
                    member_rows.mrr_cents, interval_months,
                    case
                        when
                            member_rows.month_number = getvariable('settled')
                            and ends_number is not null
                            then greatest(ends_number, member_rows.month_number + 1)
                    end as ends_number,
                    count(*) as n
                from member_rows
                inner join memberships using (customer_key, start_number)
                left join endings using (customer_key, currency)
                group by all order by all
                """,
            ),
            kept=read_frame(connection, _KEPT),
            rises=read_frame(connection, _RISES),
        )
    except duckdb.CatalogException as error:
        reason = str(error).partition("Error: ")[2].splitlines()[0]
        raise SselfieError(f"the forecasts miss a mart: {reason}") from None


_PEOPLE = """
select coalesce(product_type, 'all') as scope, count(distinct customer_key) as person_count
from memberships
where start_number <= getvariable('settled')
group by grouping sets ((), (product_type))
"""


_KEPT = """
select
    later.month_number, currency,
    sum(earlier.mrr_cents)::bigint as opening_cents, sum(later.mrr_cents)::bigint as closing_cents,
    count(*) as stayed_count, count_if(earlier.mrr_cents <> later.mrr_cents) as changed_count
from member_rows as earlier
inner join member_rows as later using (customer_key, currency, start_number)
where later.month_number = earlier.month_number + 1
group by all
order by later.month_number, currency
"""


# A price that ends on the day on which exactly one other of its product and interval begins. It is
# in force for half of the month's renewals or more when it begins in the first half.
_RISES = """
with prices as (
    select
        product_type, currency, interval_months, valid_from_on, valid_until_on,
        price_cents::double / interval_months as mrr_cents
    from marts.dim_products
    where is_recurring and interval_months > 0 and price_cents is not null
),

replaced as (
    select
        old.product_type, old.currency, old.valid_until_on, old.mrr_cents,
        any_value(new.mrr_cents) as later_mrr_cents
    from prices as old
    inner join prices as new using (product_type, currency, interval_months)
    cross join marts.build_info as build
    where new.valid_from_on = old.valid_until_on and new.valid_from_on > build.as_of_on
    group by all
    having count(distinct new.mrr_cents) = 1
)

select
    date_diff('month', date '1970-01-01', valid_until_on + 16) as month_number,
    currency, product_type, round(mrr_cents)::bigint as mrr_cents,
    round(later_mrr_cents)::bigint as later_mrr_cents
from replaced
order by all
"""


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int | None, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None  # noqa: S101  # a select without a from has one row
    return tuple(row)
