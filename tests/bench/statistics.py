"""The forecast step on a large business: from the marts to every table of schema ``forecast``."""

import tempfile
import time
from pathlib import Path

import duckdb

from sselfie_insights.forecast import write_forecasts
from tests.support.members import write_members

MEMBERS = 100_000
TARGET_SECONDS = 20.0


def run(rows: int) -> bool:
    """Measure on 100,000 members, whatever ``rows``; print; return whether the target holds."""
    with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as name:
        path = write_members(Path(name) / "warehouse.duckdb", MEMBERS, growth=0.03)
        started, used = time.monotonic(), time.process_time()
        write_forecasts(path, discount_rate=0.01)
        seconds, processor = time.monotonic() - started, time.process_time() - used
        with duckdb.connect(str(path), read_only=True) as connection:
            months, events = (
                connection.execute(f"select count(*) from marts.{table}").fetchall()[0][0]
                for table in ("member_months", "fct_activity")
            )
    print(
        f"forecasts of {MEMBERS:,} members ({months:,} member-months, {events:,} activities):"
        f" {seconds:.1f} s, {processor:.1f} s of processor, target {TARGET_SECONDS:.0f} s"
    )
    return seconds <= TARGET_SECONDS
