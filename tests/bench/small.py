"""Ordinary small businesses of every kind of churn, through the whole forecast step."""

import tempfile
import time
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl

from sselfie_insights.forecast import write_forecasts
from sselfie_insights.forecast.step import SCHEMAS
from sselfie_insights.warehouse.frames import read_frame
from tests.bench import worlds
from tests.bench.worlds import NOW, World
from tests.support.members import MONTHS, write_people

BUSINESSES: Final = 2_000
RATE: Final = 0.01

# What the discount lets a month be worth in sum: 1 + 1 / 1.01 + 1 / 1.01² …
_BOUND: Final = (1 + RATE) / RATE
_PRICE: Final = max(worlds.PRICES)
# The most that a column may hold, by the first word that its name has.
_LIMITS: Final = {
    "count": np.inf, "naive": np.inf, "last_value": 1e5 * _PRICE,
    "lifetime": (_BOUND + MONTHS + 1) * _PRICE,
    "value": _BOUND * _PRICE, "months": _BOUND, "rate": 1.0, "survival": 1.0, "risk": 1.0,
    "lower": 1.0, "upper": 1.0, "brier": 1.0, "share": 1.0, "log_rank": 1.0, "cents": 1e5 * _PRICE,
}  # fmt: skip
# What may be below 0, and how far: a score of skill has no lower bound.
_LEAST: Final = {"cohort_trend_rate": -1.0, "skill_rate": -np.inf}


def to_people(world: World) -> pl.DataFrame:
    """What ``write_people`` takes, of who had joined by ``NOW``."""
    begun = world.start <= NOW
    number = np.arange(int(begun.sum()))
    return pl.DataFrame(
        {
            "number": number,
            "start_number": world.start[begun],
            "lost_number": world.lost[begun],
            "mrr_cents": world.price[begun],
            "currency": ["usd"] * number.size,
            "product_type": np.where(number % 3 > 0, "pro", "starter"),
            "interval_months": world.interval[begun],
        }
    )


def list_impossible(path: Path, people: pl.DataFrame) -> list[str]:
    """Forecast the business of ``people`` in the file ``path``; return the columns that cannot be.

    Those that hold what is no number, is negative, or above every bound.
    """
    write_people(path, people)
    write_forecasts(path, discount_rate=RATE)
    found = []
    with duckdb.connect(str(path), read_only=True) as connection:
        for table in SCHEMAS:
            rows = read_frame(connection, f"from forecast.{table}")
            for name in rows.select(pl.col(pl.Int64, pl.Float64)).columns:
                values = rows[name].drop_nulls().cast(pl.Float64).to_numpy()
                most = next((most for word, most in _LIMITS.items() if word in name), np.inf)
                least = _LEAST.get(name, 0.0)
                within = np.isfinite(values) & (values >= least) & (values <= most * (1 + 1e-9))
                if not within.all():
                    found.append(f"{table}.{name}")
    return found


def run(rows: int) -> bool:
    """Forecast ``rows`` small businesses, 2,000 at most; say whether every number can be."""
    many, wrong, started = min(rows, BUSINESSES), 0, time.process_time()
    with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as folder:
        for number in range(many):
            world = worlds.small_business(np.random.default_rng([number, 99]))
            path = Path(folder) / f"{number}.duckdb"
            found = list_impossible(path, to_people(world))
            path.unlink()
            wrong += bool(found)
            if found or (number + 1) % 100 == 0:
                seconds = time.process_time() - started
                print(
                    f"{number + 1:,} businesses, {seconds:.0f} s of processor: {found}", flush=True
                )
    print(f"{many:,} small businesses, {wrong} with a number that cannot be")
    return wrong == 0
