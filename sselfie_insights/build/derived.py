"""The last step of a build: what Python computes from the marts becomes the schema ``growth``.

Queries and pages read its tables, so that the same warehouse gives the same pages, whatever files
lie in the working directory when they are rendered.
"""

from pathlib import Path

import duckdb
import polars as pl

from sselfie_insights.alerts import evaluate, load_watches, require_judgeable
from sselfie_insights.alerts.evaluate import ALERTS_SCHEMA
from sselfie_insights.segment.effect import EFFECT_SCHEMA, measure_effect
from sselfie_insights.segment.record import read_record
from sselfie_insights.segment.sizes import (
    OVERLAPS_SCHEMA,
    SIZES_SCHEMA,
    count_overlaps,
    count_sizes,
    read_members,
)
from sselfie_insights.warehouse.frames import write_tables
from sselfie_insights.warehouse.publish import WRITER
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.storage import closing


def require_derivable(warehouse: Path) -> None:
    """Refuse an alerts file, or a record of exports, that is wrong, before anything is built.

    Args:
        warehouse: The published file, beside which the record lies.

    Raises:
        UsageError: Either cannot be read or is wrong; the message names the file.
    """
    require_judgeable(load_watches())
    read_record(warehouse)


def write_derived(private: Path, warehouse: Path) -> None:
    """Replace the schema ``growth`` of a private copy by what its marts and forecasts give.

    An alert or a segment that fails, as an own query can, is a row that says so.

    Args:
        private: The private copy, which nobody else has open.
        warehouse: The published file, beside which the record of exports lies.

    Raises:
        UsageError: The alerts file or the record is wrong, see ``require_derivable``.
    """
    record = read_record(warehouse)
    watches = load_watches()
    with OpenWarehouse(private) as built:
        members = read_members(built, record)
        alerts = evaluate(built, watches, skips_failures=True)
        effect = measure_effect(built.connection, record)
    tables = {
        "alerts": pl.DataFrame(
            [row | {"position": position} for position, row in enumerate(alerts)], ALERTS_SCHEMA
        ),
        "segment_sizes": pl.DataFrame(count_sizes(members), SIZES_SCHEMA),
        "segment_overlaps": pl.DataFrame(count_overlaps(members), OVERLAPS_SCHEMA),
        "segment_effect": pl.DataFrame(effect, EFFECT_SCHEMA),
    }
    with closing(duckdb.connect(str(private), config=WRITER)) as connection:
        connection.execute("begin")
        connection.execute("drop schema if exists growth cascade")
        connection.execute("create schema growth")
        write_tables(connection, "growth", tables)
        connection.execute("commit")
