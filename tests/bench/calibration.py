"""How often what is said came: bands of every kind over worlds whose law is known."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import polars as pl

from sselfie_insights.forecast import projection, survival, value
from sselfie_insights.forecast.book import Book
from sselfie_insights.statistics.intervals import wilson
from tests.bench import nothing, worlds
from tests.bench.worlds import NOW, World

RATE: Final = 0.01
HORIZONS: Final = (1, 3, 6, 12)
BUSINESSES: Final = 400
"""Of each world: a share of 95 % is then known to 2 points."""

LEAST, MOST = 0.9, 0.99
"""What a 95 % band is claimed to hold."""


def to_book(world: World) -> Book:
    """What the forecasts would read of ``world`` at ``NOW``."""
    first = int(world.start.min())
    begun = world.start <= NOW
    memberships = pl.DataFrame(
        {
            "start_number": world.start[begun],
            "lost_number": np.where(world.lost <= NOW, world.lost, -1)[begun],
            "product_type": ["pro"] * int(begun.sum()),
            "interval_months": world.interval[begun],
        }
    ).with_columns(pl.when(pl.col("lost_number") >= 0).then("lost_number").alias("lost_number"))
    held, kept = [], []
    for month in range(first, NOW + 1):
        there = world.held(month)
        prices = world.prices(month)
        held.append(
            pl.DataFrame(
                {
                    "month_number": np.full(int(there.sum()), month),
                    "tenure": month - world.start[there],
                    "mrr_cents": prices[there],
                    "interval_months": world.interval[there],
                    "ends_number": np.where(world.is_cancelling & (month == NOW), NOW + 1, -1)[
                        there
                    ],
                }
            )
        )
        stayed, before = there & world.held(month - 1), world.prices(month - 1)
        if stayed.any():
            changed = int((prices != before)[stayed].sum())
            kept.append(
                (month, "usd", before[stayed].sum(), prices[stayed].sum(), stayed.sum(), changed)
            )
    holdings = pl.concat(held).with_columns(
        pl.when(pl.col("ends_number") >= 0).then("ends_number").alias("ends_number"),
        pl.lit("usd").alias("currency"),
        pl.lit("pro").alias("product_type"),
    )
    names = ("month_number", "currency", "opening_cents", "closing_cents", "stayed_count")
    ahead = [(since, factor) for since, factor in world.rises if since > NOW]
    rises = [
        (since, "usd", "pro", price, round(price * world.factor(since)))
        for since, _ in ahead
        for price in worlds.PRICES
    ]
    return Book(
        settled=NOW,
        now=NOW + 1,
        first=first,
        memberships=_count(memberships),
        holdings=_count(holdings),
        kept=pl.DataFrame(kept, schema=[*names, "changed_count"], orient="row"),
        rises=pl.DataFrame(
            rises,
            schema={
                "month_number": pl.Int64, "currency": pl.String, "product_type": pl.String,
                "mrr_cents": pl.Int64, "later_mrr_cents": pl.Int64,
            },
            orient="row",
        ),
    )  # fmt: skip


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    counted = rows.group_by(rows.columns).len("n").with_columns(pl.col("n").cast(pl.Int64))
    return counted.sort(rows.columns)


def judge(world: World) -> dict[str, bool | None]:
    """Return whether each band held what came; None where words stand in its place."""
    book = to_book(world)
    pooled = survival.fit(survival.ALL, book.cells(), book.settled)
    past_fits = survival.fit_past(book, projection.past_origins(book))
    past = projection.look_back(book, past_fits)
    rows = projection.build_projection_table(book, pooled, past).to_dicts()
    held: dict[str, bool | None] = {}
    for scope in ("existing", "total"):
        for ahead in HORIZONS:
            row = rows[ahead - 1]
            came = world.mrr(NOW + ahead, existing=scope == "existing")
            low, high = row[f"{scope}_low_cents"], row[f"{scope}_high_cents"]
            held[f"{scope} {ahead}"] = None if low is None else low <= came <= high
    new = value.build_products_table(book, {survival.ALL: pooled}, RATE).to_dicts()[0]
    low, high = new["months_low"], new["months_high"]
    held["value"] = None if low is None else low <= world.value_months(RATE) <= high
    printed = projection.build_backtest_table(past)
    for scope in ("existing", "total"):
        inside = printed.filter(pl.col("scope") == scope)["is_inside"]
        held[f"backtest {scope}"] = None if inside.is_empty() else float(inside.mean())  # type: ignore[assignment, arg-type]
    return held


def measure(
    world: Callable[[np.random.Generator], World], draws: int
) -> Iterator[tuple[str, float, int]]:
    """Yield for each band how often it held what came, and in how many businesses it was said."""
    judged = [judge(world(np.random.default_rng([number, 7]))) for number in range(draws)]
    for name in judged[0]:
        said = [each[name] for each in judged if each[name] is not None]
        yield name, float(np.mean(said)) if said else float("nan"), len(said)  # type: ignore[arg-type]


def run(rows: int) -> bool:
    """Measure ``rows`` businesses of every world, 400 at most, and print a line for each world.

    Returns:
        Whether every claim holds: the 95 % bands hold 90 to 99 % in each world that is claimed, or
        so many or few that chance explains the rest.
    """
    draws, is_held = min(rows, BUSINESSES), True
    for name, world in {**worlds.CLAIMED, **worlds.UNCLAIMED}.items():
        found = list(measure(world, draws))
        said = [
            f"{band} {share:.0%}" + f" ({many})" * (many < draws) for band, share, many in found
        ]
        print(f"{name:20} " + "  ".join(said), flush=True)
        for band, share, many in found if name in worlds.CLAIMED else []:
            if many and "back" not in band:
                low, high = wilson(share * many, many)
                is_held &= bool(low <= MOST and high >= LEAST)
    for what, value_found, bound, is_least in nothing.list_claims(draws):
        holds = value_found >= bound if is_least else value_found <= bound
        print(f"{what}: {value_found:.3f}, {'at least' if is_least else 'at most'} {bound}")
        is_held &= holds
    return is_held
