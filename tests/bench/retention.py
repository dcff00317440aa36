"""Retention at day grain: cells a second, how time grows with users and days, and peak memory."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from tests.support.contracts import create_tables
from tests.support.warehouses import count_months, write_build_info

USERS = (1_000, 10_000, 100_000)
DAYS = (183, 365, 730)
EVENTS = 40
"""Of a user, most of them soon after the start."""

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
USERS_TARGET = 12.0
"""Ten times the users, and with them the events: at most so many times the seconds."""

CELLS_TARGET = 6.0
"""Twice the days are four times the cells: at most so many times the seconds."""

ONE = """
import json, resource, sys, time
from pathlib import Path
from sselfie_insights.query import OpenWarehouse, load_library, run_query
query = load_library()["retention/activity_cohorts"]
given = json.loads(sys.argv[2])
with OpenWarehouse(Path(sys.argv[1])) as opened:
    started = time.monotonic()
    height = run_query(opened, query, given).height
    seconds = time.monotonic() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print()
print(json.dumps([height, seconds, peak]))
"""


def run(rows: int) -> bool:
    """Measure, print the figures, and say whether time grows no faster than work."""
    print("retention: activity by day, best of 3")
    seconds: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as name:
        for users in USERS:
            path = _write(Path(name) / f"{users}.duckdb", users)
            for days in DAYS if users == USERS[1] else DAYS[-1:]:
                since = AS_OF.date() - timedelta(days=days - 1)
                for more in ({}, {"mode": "on_or_after"}) if days == DAYS[-1] else ({},):
                    height, best, peak = _measure(path, {"since": str(since), **more})
                    seconds.setdefault((users, days), best)
                    mode = more.get("mode", "on")
                    print(
                        f"  {users:,} users, {days} days, {mode}: {height:,} cells in {best:.2f} s,"
                        f" {height / best:,.0f} a second, peak {peak:.0f} MB",
                        flush=True,
                    )
    by_users = seconds[USERS[2], DAYS[2]] / seconds[USERS[1], DAYS[2]]
    by_days = seconds[USERS[1], DAYS[2]] / seconds[USERS[1], DAYS[1]]
    print(
        f"  ten times the users: {by_users:.1f} times the seconds, target {USERS_TARGET};"
        f" twice the days: {by_days:.1f} times, target {CELLS_TARGET}",
        flush=True,
    )
    return by_users <= USERS_TARGET and by_days <= CELLS_TARGET


def _measure(path: Path, given: dict[str, str]) -> tuple[int, float, float]:
    """Cells, and the best seconds and peak megabytes of three processes."""
    command = [sys.executable, "-c", ONE, str(path), json.dumps({"grain": "day", **given})]
    # Where a query takes long, DuckDB's progress stands before the last line.
    said = [subprocess.check_output(command).splitlines()[-1] for _ in range(3)]
    runs = [json.loads(line) for line in said]
    return runs[0][0], min(run[1] for run in runs), min(run[2] for run in runs)


def _write(path: Path, users: int) -> Path:
    first = date(AS_OF.year - 2, AS_OF.month, AS_OF.day) + timedelta(days=1)
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, AS_OF)
        connection.execute("select setseed(0.5)")
        connection.execute(
            """
            insert into marts.dim_users by name
            select
                'u' || n as user_id, 'user:u' || n as customer_key,
                $first::date + (n % 730)::integer as signed_up_on,
                signed_up_on::timestamp as signed_up_at
            from range($users) as t (n)
            """,
            {"first": first, "users": users},
        )
        connection.execute(
            """
            insert into marts.fct_activity by name
            select *, activity_on::timestamp as activity_at
            from (
                select
                    user_id, 'image' as feature,
                    signed_up_on + cast(
                        pow(random(), 3) * ($last::date - signed_up_on) as integer
                    ) as activity_on
                from marts.dim_users, range($events)
            )
            """,
            {"last": AS_OF.date(), "events": EVENTS},
        )
        count_months(connection)
    return path
