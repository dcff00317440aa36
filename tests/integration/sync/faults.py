"""Tables for a sync to read, and ways to come between while it reads them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.load import Loaded, Loader
from tests.integration.sync.conftest import Bench
from tests.support.waiting import wait_until

ROWS = 20_000


def fill(bench: Bench, rows: int = ROWS) -> None:
    """Two tables that every transaction keeps alike, and a third; nothing else locks them."""
    bench.pg(
        *(
            f"create table {name} with (autovacuum_enabled = false)"
            " as select i as id, lpad(i::text, 32, 'v') as v, 0 as round"
            f" from generate_series(1, {rows}) i"
            for name in ("a", "b", "c")
        ),
        "alter table a add primary key (id)",
        "alter table b add primary key (id)",
    )


def change(bench: Bench, number: int) -> None:
    bench.pg(f"begin; update a set round = {number}; update b set round = {number}; commit")


def rounds(bench: Bench) -> set[int]:
    """The rounds that the published file shows; more than one would be half a sync."""
    return {row[0] for row in bench.ask("select round from raw.a union select round from raw.b")}


def assert_released(bench: Bench) -> None:
    """Nothing of a sync is left on the server, or beside the warehouse."""
    query = (
        "select pid, state, query from pg_stat_activity"
        " where application_name = 'sselfie sync' and datname = current_database()"
    )
    wait_until(lambda: not bench.ask_pg(query))


@contextmanager
def before_table(
    monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]
) -> Iterator[None]:
    """Act once, between the reads of two tables."""
    real, done = Loader.reload, threading.Event()

    def reload(self: Loader, mirror: Mirror) -> Loaded:
        if mirror.name == name and not done.is_set():
            done.set()
            act()
        return real(self, mirror)

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "reload", reload)
        yield
    assert done.is_set()


COPYING = (
    "from pg_stat_activity where query like 'COPY%' and wait_event_type = 'Lock'"
    " and datname = current_database()"
)


@contextmanager
def halted_copy(bench: Bench, name: str) -> Iterator[dict[str, Any]]:
    """Yield the settings of a source from which no sync can copy the whole of a table.

    Nothing looks at its values beforehand: its column is opened. The last value lies outside the
    table, behind an index that is locked while the block runs.
    """
    bench.pg(
        f"create table {name} (id int, v text)",
        f"alter table {name} alter v set storage external",
        f"insert into {name} select i, repeat('v', case i when 60000 then 9000 else 600 end)"
        " from generate_series(1, 60000) i",
    )
    (index,) = bench.ask_pg(
        "select indexrelid::regclass from pg_index join pg_class on reltoastrelid = indrelid"
        f" where pg_class.oid = '{name}'::regclass"
    )[0]
    with psycopg.connect(bench.url) as holder:
        holder.execute(f"reindex index {index}".encode())
        yield {
            "database_url": make_conninfo(bench.url, options="-c lock_timeout=0"),
            "mirror": {"public": {name: {"v": True}}},
        }
