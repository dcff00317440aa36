"""What can be explained: the whole from a public query, the parts from its rows of people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.explain.decompose import WHOLE, decompose
from sselfie_insights.query.header import Explains
from sselfie_insights.query.library import EXPLAINING, Query, find_query, list_names, load_library
from sselfie_insights.query.run import run_query
from sselfie_insights.statistics.suppression import SMALLEST_GROUP
from sselfie_insights.warehouse.reading import OpenWarehouse

_PARTS_SCHEMA = {
    "dimension": pl.String,
    "currency": pl.String,
    "part": pl.String,
    "before": pl.Int64,
    "after": pl.Int64,
    "change": pl.Int64,
    "share": pl.Float64,
    "person_count": pl.Int64,
}
CAUSES_SCHEMA = {"month": pl.Date, "is_complete": pl.Boolean, **_PARTS_SCHEMA}
"""The columns of `list_causes`."""
# Parts of each kind that pages show.
_MOST_CAUSES = 10


@dataclass(frozen=True)
class Explanation:
    """A change and its parts.

    Attributes:
        query: The rows of people, and what their changes add up to.
        month: The month.
        is_complete: Whether it has ended by as_of.
        parts: One row per dimension, currency and part: dimension, currency (empty where the
            measure has none), part, before, after, change, share of the whole change, and
            person_count. The dimension ``whole`` comes first.
    """

    query: Query
    month: date
    is_complete: bool
    parts: pl.DataFrame

    @property
    def name(self) -> str:
        """What was asked for, e.g. ``mrr``."""
        return self.query.name.removeprefix(EXPLAINING)

    @property
    def explains(self) -> Explains:
        """The number that changed, and by what it is taken apart."""
        assert self.query.explains is not None  # noqa: S101 - or there would be no explanation
        return self.query.explains


def list_measures() -> list[str]:
    """Return the names of what can be explained, sorted, without reading the files."""
    return [name.removeprefix(EXPLAINING) for name in list_names() if name.startswith(EXPLAINING)]


def explain(
    warehouse: OpenWarehouse,
    name: str,
    month: str | None = None,
    *,
    first: int | None = None,
    least: int = 1,
    library: Mapping[str, Query] | None = None,
) -> Explanation:
    """Explain how a measure went from the month before to ``month``.

    Args:
        warehouse: What to read.
        name: One of ``list_measures``, such as mrr.
        month: ``2026-10`` or a day in it; by default the last complete month.
        first: Parts to keep of each dimension; the others are one row.
        least: Parts of fewer people are put together, and customers left out.
        library: The queries, where they are loaded already.

    Raises:
        UsageError: There is no such measure, or no such month in the data.
        SselfieError: The parts do not add up to the public number: a bug.
    """
    library = library or load_library()
    query = library.get(EXPLAINING + name)
    if query is None or query.explains is None:
        raise UsageError(
            f"cannot explain {name!r}", remedy=f"measures: {', '.join(list_measures())}"
        )
    chosen, is_complete = _choose_month(warehouse.connection, month)
    rows = _read_rows(warehouse, query, chosen)
    also = {
        dimension: _read_rows(warehouse, find_query(other, library), chosen)
        for dimension, other in query.explains.also.items()
    }
    wholes = _read_whole(warehouse, library, query.explains, chosen)
    dimensions = {WHOLE: "", **query.explains.by}
    if least > 1:
        dimensions.pop("customer_key", None)
    parts = [pl.DataFrame(schema=_PARTS_SCHEMA)]
    for currency, (before, after) in wholes.items():
        for dimension in dimensions:
            one = also.get(dimension, rows).filter(pl.col("currency") == currency)
            part = decompose(one, dimension, first=first, least=least)
            if part["change"].sum() != after - before:
                raise SselfieError(
                    f"the {dimension} parts of {name} in {chosen:%Y-%m} {currency} add up to"
                    f" {part['change'].sum()}, not to {after - before}",
                    remedy="this is a bug; please report it",
                )
            if dimension == WHOLE:
                part = part.head(0).vstack(_whole_row(before, after, one, least))
            share = (
                pl.when(pl.col("change") == 0)
                .then(0.0)
                .otherwise(pl.col("change") / (after - before))
            )
            share = share if after != before else pl.lit(None, pl.Float64)
            parts.append(
                part.select(
                    pl.lit(dimension).alias("dimension"),
                    pl.lit(currency).alias("currency"),
                    "part", "before", "after", "change", share.alias("share"), "person_count",
                )
            )  # fmt: skip
    found = pl.concat(parts, how="vertical_relaxed")
    return Explanation(query, chosen, is_complete, found)


def list_causes(warehouse: OpenWarehouse, name: str) -> list[dict[str, Any]]:
    """Return the parts of the last complete month's change, and of the running month's so far.

    They are for pages: small parts are put together, and no customer is named.

    Raises:
        UsageError, SselfieError: As ``explain``.
    """
    months = warehouse.connection.execute(
        "select strftime(max(month), '%Y-%m') from marts.dim_months"
        " group by is_complete order by is_complete desc"
    ).fetchall()
    causes: list[dict[str, Any]] = []
    library = load_library()
    for (month,) in months:
        explained = explain(
            warehouse, name, month, first=_MOST_CAUSES, least=SMALLEST_GROUP, library=library
        )
        of_month = {"month": explained.month, "is_complete": explained.is_complete}
        causes += [of_month | row for row in explained.parts.to_dicts()]
    return causes


def _read_rows(warehouse: OpenWarehouse, query: Query, month: date) -> pl.DataFrame:
    rows = run_query(warehouse, query, {"month": month.isoformat()}).frame
    return rows if "currency" in rows.columns else rows.with_columns(pl.lit("").alias("currency"))


def _whole_row(before: int, after: int, rows: pl.DataFrame, least: int) -> pl.DataFrame:
    """The whole: the public number, whose people of either month count for themselves, too."""
    people = rows.group_by("customer_key").agg(pl.col("before", "after").sum())
    counts = [int((people[name] != 0).sum()) for name in ("before", "after")]
    few = [count for count in counts if 0 < count < least]
    return pl.DataFrame(
        {
            "part": [WHOLE],
            "before": [before],
            "after": [after],
            "change": [after - before],
            "person_count": [min(few, default=people.height)],
        }
    )


def _choose_month(connection: duckdb.DuckDBPyConnection, text: str | None) -> tuple[date, bool]:
    months = dict(
        connection.execute("select month, is_complete from marts.dim_months order by 1").fetchall()
    )
    if text is None:
        complete = [month for month, is_complete in months.items() if is_complete]
        if not complete:
            raise UsageError("no month has ended yet", remedy="name the running one with --month")
        return complete[-1], True
    try:
        month = date.fromisoformat(f"{text}-01" if len(text) == len("2026-10") else text)
    except ValueError:
        raise UsageError(f"{text!r} is not a month", remedy="write 2026-10") from None
    month = month.replace(day=1)
    if month not in months:
        known = f"{min(months):%Y-%m} to {max(months):%Y-%m}" if months else "none"
        raise UsageError(f"no data for {month:%Y-%m}", remedy=f"months available: {known}")
    return month, months[month]


def _read_whole(
    warehouse: OpenWarehouse,
    library: Mapping[str, Query],
    explains: Explains,
    month: date,
) -> dict[str, tuple[int, int]]:
    """The public number before and after, by currency; the largest first."""
    query = find_query(explains.query, library)
    for name in filter(None, (explains.column, explains.opening)):
        if name not in query.columns or not query.period_columns:
            raise UsageError(
                f"explains: query {query.name} has no column {name!r} of a period",
                remedy="name a number of a query with a month in its key",
            )
    time = query.period_columns[0]
    frame = run_query(warehouse, query, explains.values).frame
    if "currency" not in frame.columns:
        frame = frame.with_columns(pl.lit("").alias("currency"))
    wholes = {}
    previous = (month - timedelta(days=1)).replace(day=1)
    for currency in frame["currency"].unique().sort():
        one = {row[time]: row for row in frame.filter(pl.col("currency") == currency).to_dicts()}
        after = one.get(month, {}).get(explains.column, 0)
        if explains.opening is not None:
            before = one.get(month, {}).get(explains.opening, 0)
        else:
            before = one.get(previous, {}).get(explains.column, 0)
        wholes[currency] = (before, after)
    return dict(sorted(wholes.items(), key=lambda item: (-max(item[1]), item[0])))
