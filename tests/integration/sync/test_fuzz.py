"""Under a busy application every sync equals one snapshot of the source, row by row.

``MIRROR_FUZZ_SYNCS`` and ``MIRROR_FUZZ_SEED`` make it longer, or another one.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from sselfie_insights.errors import SourceError
from sselfie_insights.sync.source import BEGIN, Seen, Snapshot, Source
from tests.integration.sync.conftest import Bench
from tests.integration.sync.workload import ACTIONS, SCHEMA, TOTAL, Workload

SYNCS = int(os.environ.get("MIRROR_FUZZ_SYNCS", "5"))
SEED = int(os.environ.get("MIRROR_FUZZ_SEED", "1"))
WRITERS = 4
TRANSACTIONS = 150
"""What the writers may do from one sync to the next."""

LONG = 100
"""Syncs in which everything that the workload can do has happened."""

Rows = dict[str, list[tuple[str | None, ...]]]


def read_source(url: str, snapshot: Snapshot) -> Rows | None:
    """Every row of every table as text, at the snapshot; None when a migration is in the way."""
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=1min") as connection:
        connection.execute(BEGIN)
        connection.execute(f"set transaction snapshot '{snapshot.id}'".encode())
        connection.execute("set timezone = 'UTC'")
        rows: Rows = {}
        try:
            tables = connection.execute(
                "select oid, relname from pg_class where relnamespace = 'public'::regnamespace"
                " and relkind in ('r', 'p', 'm') and not relispartition"
            ).fetchall()
            for oid, name in tables:
                columns = connection.execute(
                    "select string_agg(quote_ident(attname) || '::text', ', ' order by attnum)"
                    " from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped",
                    [oid],
                ).fetchone()
                assert columns is not None
                query = f"select {columns[0]} from {name}"
                rows[name] = connection.execute(query.encode()).fetchall()
        except psycopg.Error:
            return None
        return rows


def read_mirror(bench: Bench) -> Rows:
    rows: Rows = {}
    for (name,) in bench.ask("select table_name from duckdb_tables() where schema_name = 'raw'"):
        columns = bench.ask(
            "select column_name, data_type from duckdb_columns() where schema_name = 'raw'"
            f" and table_name = '{name}' order by column_index"
        )
        texts = (
            # PostgreSQL writes the simple lists of this workload so.
            f"'{{' || array_to_string({column}, ',') || '}}'"
            if kind.endswith("[]")
            else f"{column}::varchar"
            for column, kind in columns
        )
        rows[name] = bench.ask(f"select {', '.join(texts)} from raw.{name}")
    return rows


@pytest.fixture
def witnessed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[Rows | None]:
    """What an independent reader saw at the snapshot of each attempt."""
    rows: list[Rows | None] = []
    real = Source.snapshot

    @contextmanager
    def snapshot(self: Source, seen: Seen | None) -> Iterator[Snapshot]:
        with real(self, seen) as held:
            rows.append(read_source(bench.url, held))
            yield held

    monkeypatch.setattr(Source, "snapshot", snapshot)
    return rows


def sort(rows: Rows) -> Rows:
    return {
        name: sorted(values, key=lambda row: [(value is None, value or "") for value in row])
        for name, values in rows.items()
    }


def test_every_sync_equals_one_snapshot(bench: Bench, witnessed: list[Rows | None]) -> None:
    print(f"seed {SEED}, {SYNCS} syncs, {WRITERS} writers and one that disturbs")
    bench.pg(*SCHEMA)
    modes: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    workload = Workload(bench.url, SEED, WRITERS)
    with workload.running():
        while outcomes["equal"] < SYNCS:
            witnessed.clear()
            workload.allow(TRANSACTIONS)
            try:
                report = bench.sync()
            except SourceError as error:
                assert "during each of 3 attempts" in str(error)
                outcomes["gave up"] += 1
                assert outcomes["gave up"] <= 2 + outcomes["equal"] // 5
                continue
            outcomes["restarts"] += report.attempts - 1
            expected = witnessed[-1]
            if expected is None:  # a migration kept the witness out, not the sync
                outcomes["unwitnessed"] += 1
                assert outcomes["unwitnessed"] <= 3 + outcomes["equal"] // 5
                continue
            found = read_mirror(bench)
            assert sort(found) == sort(expected)
            balance = bench.ask(
                "select (select sum(balance) from raw.account)"
                " + (select sum(balance) from raw.vault)"
            )
            assert balance == [(TOTAL,)]
            outcomes["equal"] += 1
            modes.update(table.mode for table in report.tables)
            figures.update(inserted=report.inserted, updated=report.updated, deleted=report.deleted)
    print(dict(outcomes), dict(modes), dict(figures))
    print(f"{workload.transactions} transactions, {workload.disturbances} disturbances")
    for action, times in sorted(workload.actions.items()):
        print(f"{times:6} {action}")
    assert not workload.errors, workload.errors
    assert modes["incremental"] > modes["full"] / 2
    assert figures["updated"] and figures["deleted"]
    if SYNCS >= LONG:
        assert workload.actions.keys() == ACTIONS
