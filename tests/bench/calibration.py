"""How often what is said came: bands of every kind over worlds whose law is known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl

from sselfie_insights.forecast import projection, survival, value
from sselfie_insights.forecast.book import Book
from sselfie_insights.statistics.intervals import wilson
from sselfie_insights.statistics.shares import share_interval
from sselfie_insights.warehouse.frames import read_frame, write_table
from tests.bench import nothing, worlds
from tests.bench.worlds import NOW, World

RATE: Final = 0.01
HORIZONS: Final = (1, 3, 6, 12)
SEED: Final = 8
BUSINESSES: Final = 400
"""Of each world: a share of 95 % is then known to 2 points."""

LEAST, MOST = 0.9, 0.99
"""What a 95 % band is claimed to hold."""

_ACCURACY: Final = Path(__file__).parents[2] / "queries/forecast/projection_accuracy.sql"

Published = dict[str, tuple[float, float, float]]
"""What a business reads of its own past bands: coverage and its interval, by scope and months."""


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
        people={},
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


def judge(world: World) -> tuple[dict[str, bool | None], Published]:
    """Return whether each band held what came, None where words stand in its place, and the past.

    The past is what the business is shown of how often its own past bands held.
    """
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
    return held, _publish(projection.build_backtest_table(past))


def _publish(backtest: pl.DataFrame) -> Published:
    with duckdb.connect() as connection:
        connection.execute("create schema forecast")
        write_table(connection, "forecast.projection_backtest", backtest)
        rows = read_frame(connection, _ACCURACY.read_text(encoding="utf-8")).to_dicts()
    found = {}
    for row in rows:
        low, high = share_interval(row["coverage_rate"], row["independent_count"])
        if low is not None and high is not None and row["months_ahead"] in HORIZONS:
            found[f"{row['scope']} {row['months_ahead']}"] = (row["coverage_rate"], low, high)
    return found


def measure(
    world: Callable[[np.random.Generator], World], draws: int
) -> Iterator[tuple[str, float, int]]:
    """Yield for each band how often it held what came, and in how many businesses it was said.

    Of the past of each, that of its bands, and how often its own interval holds the fresh coverage.
    """
    judged = [judge(world(np.random.default_rng([number, SEED]))) for number in range(draws)]
    yield from summarise(judged)


def summarise(
    judged: list[tuple[dict[str, bool | None], Published]],
) -> Iterator[tuple[str, float, int]]:
    """Yield what ``measure`` does, of businesses that have been judged."""
    for name in judged[0][0]:
        said = [held[name] for held, _ in judged if held[name] is not None]
        fresh = float(np.mean(said)) if said else float("nan")  # type: ignore[arg-type]
        yield name, fresh, len(said)
        past = [published[name] for _, published in judged if name in published]
        if said and past:
            yield f"backtest {name}", float(np.mean([share for share, _, _ in past])), len(past)
            # Jeffreys' mean: a law that always held so far need not always hold.
            likely = (sum(said) + 0.5) / (len(said) + 1)  # type: ignore[arg-type]
            within = [low <= likely <= high for _, low, high in past]
            yield f"backtest {name} interval", float(np.mean(within)), len(past)


def run(rows: int) -> bool:
    """Measure ``rows`` businesses of every world, 400 at most, and print a line for each world.

    Returns:
        Whether every claim holds: the 95 % bands hold 90 to 99 % in each world that is claimed, or
        so many or few that chance explains the rest; and of the intervals that businesses read of
        their past bands 90 % hold the coverage of fresh ones.
    """
    draws, is_held = min(rows, BUSINESSES), True
    within = many_within = 0.0
    for name, world in {**worlds.CLAIMED, **worlds.UNCLAIMED}.items():
        found = list(measure(world, draws))
        said = [
            f"{band} {share:.0%}" + f" ({many})" * (many < draws) for band, share, many in found
        ]
        print(f"{name:20} " + "  ".join(said), flush=True)
        for band, share, many in found if name in worlds.CLAIMED else []:
            if band.endswith("interval"):
                within, many_within = within + share * many, many_within + many
            elif many and "backtest" not in band:
                low, high = wilson(share * many, many)
                is_held &= bool(low <= MOST and high >= LEAST)
    print(
        f"intervals of past bands that hold the coverage of fresh ones: {within / many_within:.0%}"
    )
    is_held &= within / many_within >= LEAST
    for what, value_found, bound, is_least in nothing.list_claims(draws):
        holds = value_found >= bound if is_least else value_found <= bound
        print(f"{what}: {value_found:.3f}, {'at least' if is_least else 'at most'} {bound}")
        is_held &= holds
    return is_held
