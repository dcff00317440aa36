"""The same copy by other tools, where they are installed: for comparison, nothing else."""

import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import duckdb


def time_adbc(url: str, folder: Path, tables: list[str]) -> float | None:
    """Seconds in which ADBC and DuckDB copy ``tables``; None where ADBC is not installed."""
    if find_spec("adbc_driver_postgresql") is None:
        return None
    from adbc_driver_postgresql import dbapi

    target = folder / "adbc.duckdb"
    started = time.monotonic()
    with dbapi.connect(url) as connection, duckdb.connect(target) as db:
        db.begin()
        for table in tables:
            with connection.cursor() as cursor:
                cursor.execute(f'select * from "{table}"')
                reader = cursor.fetch_record_batch()
                db.register("batches", reader)
                db.execute(f'create table "{table}" as from batches')
                db.unregister("batches")
        db.commit()
    seconds = time.monotonic() - started
    target.unlink()
    return seconds


def time_dlt(url: str, folder: Path, tables: list[str], backend: str) -> float | None:
    """Seconds in which dlt copies ``tables`` by ``backend``; None where dlt is not installed."""
    if find_spec("dlt") is None:
        return None
    import dlt
    import psycopg2
    from dlt.sources.sql_database import sql_database
    from sqlalchemy import NullPool, create_engine

    target = folder / f"dlt_{backend}.duckdb"
    pipelines = folder / f"dlt_{backend}"
    started = time.monotonic()
    pipeline = dlt.pipeline(
        pipeline_name=f"bench_{backend}",
        pipelines_dir=str(pipelines),
        destination=dlt.destinations.duckdb(str(target)),
        dataset_name="raw",
    )
    source = sql_database(
        # dlt's own credentials know no sockets; it opens a connection for every table.
        credentials=create_engine(
            "postgresql+psycopg2://", creator=lambda: psycopg2.connect(url), poolclass=NullPool
        ),
        table_names=tables,
        backend=backend,
    )
    pipeline.run(source, write_disposition="replace")
    seconds = time.monotonic() - started
    shutil.rmtree(pipelines)
    target.unlink()
    return seconds
