"""A large source mirrored and built once for all the benchmarks that read its marts."""

import atexit
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from sselfie_insights.build import build
from sselfie_insights.settings import load_settings
from sselfie_insights.sync import sync
from tests.bench.source import create_source
from tests.integration.sync.servers import new_database, run_server


@cache
def built_warehouse(rows: int) -> Path:
    """Fill a source with ``rows`` rows, mirror and build it; it is gone when the process ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sselfie-bench-")))
        settings = load_settings(warehouse=folder / "w.duckdb")
        with run_server(18, max_wal_size="8GB", log_statement="none", autovacuum="off") as server:
            assert server is not None
            with new_database(server, "bench") as url:
                create_source(url, rows)
                sync(load_settings(database_url=url, warehouse=settings.warehouse))
        build(settings)
        atexit.register(stack.pop_all().close)
    return settings.warehouse
