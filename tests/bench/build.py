"""`sselfie build` against the same SQL and forecasts without dbt, and its fixed cost."""

import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from sselfie_insights.embedded import running_server
from sselfie_insights.settings import load_settings
from sselfie_insights.setup.demo import run_demo
from sselfie_insights.warehouse.paths import artifacts_dir
from tests.bench.built import built_warehouse
from tests.support.models import compiled_nodes

GIGABYTE = 1e9
RATIO_TARGET = 2.0
MEMORY_TARGET = 4 * GIGABYTE
DEMO_TARGET_SECONDS = 40.0
INVOICES = 16
"""Monthly invoices a member."""

# What is filled by rule has 5000 invoices, each stored many times; here it becomes memberships.
MEMBERSHIPS = f"""
update raw.users set role = 'user';
update raw.stripe_payments set
    stripe_payment_id = 'pi_' || id,
    stripe_invoice_id = 'in_' || id,
    stripe_subscription_id = 'sub_' || id // {INVOICES},
    stripe_customer_id = 'cus_' || id // {INVOICES},
    user_id = 'user-' || (1 + id // {INVOICES}),
    amount_cents = 9900 + 100 * (id // {INVOICES} % 3),
    currency = 'usd',
    status = 'paid',
    payment_type = 'subscription',
    product_type = 'pro',
    payment_date = timestamptz '2025-01-01' + id // {INVOICES} % 300 * interval '1 day'
        + id % {INVOICES} * interval '1 month',
    is_test_mode = false
"""


class Cost(NamedTuple):
    """What a measurement took: seconds, processor seconds and peak bytes, dbt's included."""

    seconds: float
    processor: float
    peak: int


def run(rows: int) -> bool:
    """Measure on ``rows`` rows; print the figures; return whether every target holds."""
    with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as name:
        folder = Path(name)
        held = _measure(built_warehouse(rows), folder)
        return all([held, _measure_demo(folder)])


def copy_with_memberships(source: Path, warehouse: Path) -> int:
    """Copy a built warehouse, make its invoices memberships, and return how many rows it has."""
    shutil.copy(source, warehouse)
    # As on every day but the first, dbt has parsed the project before.
    shutil.copytree(artifacts_dir(source), artifacts_dir(warehouse))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(MEMBERSHIPS)
        row = connection.execute(
            "select sum(estimated_size) from duckdb_tables() where schema_name = 'raw'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _measure(source: Path, folder: Path) -> bool:
    warehouse, straight = folder / "w.duckdb", folder / "straight.duckdb"
    rows = copy_with_memberships(source, warehouse)
    print(f"build: {rows:,} rows, {warehouse.stat().st_size / GIGABYTE:.2f} GB", flush=True)
    shutil.copy(warehouse, straight)
    whole = in_process(build_once, warehouse)
    bare = in_process(run_straight, warehouse, straight)
    ratio = whole.seconds / bare.seconds
    for label, cost in (("sselfie build", whole), ("the same without dbt", bare)):
        print(
            f"  {label:<24}{cost.seconds:7.1f} s ({cost.processor:6.1f} s CPU)"
            f"   {cost.peak / GIGABYTE:.2f} GB"
        )
    print(f"  ratio {ratio:.2f}, target {RATIO_TARGET}", flush=True)
    return ratio <= RATIO_TARGET and whole.peak <= MEMORY_TARGET


def _measure_demo(folder: Path) -> bool:
    with running_server(None) as url:
        demo = run_demo(url, users=1000, months=18, seed=1, output_dir=folder, on_step=_ignore)
    cost = in_process(build_once, demo.settings.warehouse)
    print(
        f"  models and tests on demo data {cost.seconds:.1f} s ({cost.processor:.1f} s CPU),"
        f" target {DEMO_TARGET_SECONDS:.0f}",
        flush=True,
    )
    return cost.seconds <= DEMO_TARGET_SECONDS


def _ignore(_: str) -> None:
    """Let a step of the demo begin unsaid."""


def build_once(warehouse: Path) -> None:
    """Build and test the marts of ``warehouse``."""
    from sselfie_insights.build import build

    build(load_settings(warehouse=warehouse))


def run_straight(built: Path, warehouse: Path) -> None:
    """Run what the build of ``built`` compiled: models and seeds as it makes them,
    then snapshots as tables, then tests; last what no SQL does, the forecasts.
    """
    from sselfie_insights.forecast import write_forecasts

    folder = artifacts_dir(built) / "duckdb"
    manifest = json.loads((folder / "manifest.json").read_text())
    tests, snapshots = (
        [
            node["compiled_code"]
            for node in manifest["nodes"].values()
            if node["resource_type"] == kind and node.get("compiled_code")
        ]
        for kind in ("test", "snapshot")
    )
    assert tests
    assert snapshots
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach '{built}' as built (read_only)")
        for node in compiled_nodes(folder):
            relation = f"{node.schema}.{node.name}"
            kind = "table" if node.kind == "seed" else node.kind
            text = f"from built.{relation}" if node.kind == "seed" else node.sql
            connection.execute(f"create or replace {kind} {relation} as {text}")
        for number, snapshot in enumerate(snapshots):
            connection.execute(f"create or replace table snapshot_{number} as {snapshot}")
        for test in tests:
            connection.execute(f"select count(*) from ({test}) as failures").fetchall()
    write_forecasts(warehouse, discount_rate=load_settings().discount_rate)


def in_process(work: Callable[..., None], *arguments: Any) -> Cost:
    """What ``work`` costs in a fresh process and the processes that it starts."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_time, (work, *arguments))


def _time(work: Callable[..., None], *arguments: Any) -> Cost:
    started = time.monotonic()
    work(*arguments)
    seconds = time.monotonic() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(each.ru_utime + each.ru_stime for each in used)
    # The two run at once, so their peaks may meet.
    return Cost(seconds, processor, sum(each.ru_maxrss for each in used) * 1024)
