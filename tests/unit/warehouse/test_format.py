"""What an older version of the file format wrote is upgraded, what a newer wrote is refused."""

from pathlib import Path

import duckdb
import pytest

from sselfie_insights import __version__
from sselfie_insights.errors import UsageError
from sselfie_insights.warehouse.format import FORMAT_VERSION, read_format
from sselfie_insights.warehouse.publish import private_copy, writable_copy
from sselfie_insights.warehouse.reading import OpenWarehouse

# What version 0.1.0 wrote at first.
FORMAT_1 = """
create schema meta;
create table meta.warehouse (format_version integer not null);
insert into meta.warehouse values (1);
create table meta.history as select 7 as value;
create table meta.sync_runs as select 'first' as run_id;
"""


def write(path: Path, statements: str) -> Path:
    with duckdb.connect(path) as db:
        db.execute(statements)
    return path


def test_an_older_format_is_upgraded_in_the_private_copy(tmp_path: Path) -> None:
    warehouse = write(tmp_path / "w.duckdb", FORMAT_1)
    before = warehouse.read_bytes()
    with private_copy(warehouse) as private, duckdb.connect(private, read_only=True) as db:
        assert db.sql("from meta.warehouse").fetchall() == [(FORMAT_VERSION, __version__)]
    assert warehouse.read_bytes() == before
    with OpenWarehouse(warehouse) as opened:  # an older one can be read as it is
        assert read_format(opened.connection) == 1
    with writable_copy(warehouse):
        pass
    with OpenWarehouse(warehouse) as opened:
        assert read_format(opened.connection) == FORMAT_VERSION
        assert opened.connection.sql("from meta.history").fetchall() == [(7,)]
        assert opened.connection.sql("from meta.sync_runs").fetchall() == [("first", None)]


def test_a_newer_format_is_refused_on_read_and_write(tmp_path: Path) -> None:
    warehouse = write(
        tmp_path / "w.duckdb",
        "create schema meta; create table meta.warehouse as select 99 as format_version,"
        " '7.1.0' as written_by, 'x' as further",
    )
    before = warehouse.read_bytes()
    refusal = rf"format 99, written by sselfie-insights 7\.1\.0; this version .* {FORMAT_VERSION}:"
    with pytest.raises(UsageError, match=refusal) as refused, OpenWarehouse(warehouse):
        pass
    assert refused.value.remedy == "upgrade sselfie-insights"
    with pytest.raises(UsageError, match=refusal), writable_copy(warehouse):
        pass
    assert warehouse.read_bytes() == before
