"""The last step of a build: what Python computes from the marts becomes the schema ``growth``.

Queries and pages read its tables, so that the same warehouse gives the same pages, whatever files
lie in the working directory when they are rendered.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from sselfie_insights.alerts import evaluate, load_watches, require_judgeable
from sselfie_insights.alerts.evaluate import ALERTS_SCHEMA
from sselfie_insights.build.plans import (
    EVENTS_SCHEMA,
    TARGETS_SCHEMA,
    read_events,
    read_targets,
)
from sselfie_insights.explain import CAUSES_SCHEMA, list_causes
from sselfie_insights.price_list import list_names
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
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt
from sselfie_insights.warehouse.publish import WRITER
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.storage import closing

_NAMES_SCHEMA = {"product_type": pl.String, "name": pl.String}

SCHEMAS: dict[str, dict[str, Any]] = {
    "alerts": ALERTS_SCHEMA,
    "segment_sizes": SIZES_SCHEMA,
    "segment_overlaps": OVERLAPS_SCHEMA,
    "segment_effect": EFFECT_SCHEMA,
    "mrr_causes": CAUSES_SCHEMA,
    "events": EVENTS_SCHEMA,
    "targets": TARGETS_SCHEMA,
    "names": _NAMES_SCHEMA,
}
"""Every table of the schema, with its columns."""


def require_derivable(warehouse: Path) -> None:
    """Refuse a file beside the run, or a record of exports, that is wrong, before a build.

    Args:
        warehouse: The published file, beside which the record lies.

    Raises:
        UsageError: Either cannot be read or is wrong; the message names the file.
    """
    require_judgeable(load_watches())
    read_record(warehouse)
    read_events()
    read_targets()


def write_derived(private: Path, warehouse: Path, *, on_gap: OnGap | None = None) -> None:
    """Replace the schema ``growth`` of a private copy by what its marts and forecasts give.

    An alert or a segment that fails, as an own query can, is a row that says so.

    Args:
        private: The private copy, which nobody else has open.
        warehouse: The published file, beside which the record of exports lies.
        on_gap: Receives each table that could not be computed, by its name, and is then empty;
            without it the first failure is raised.

    Raises:
        UsageError: The alerts file or the record is wrong, see ``require_derivable``.
    """
    record = read_record(warehouse)
    watches = load_watches()
    tables = {}
    with OpenWarehouse(private) as built:
        members = cache(lambda: read_members(built, record))
        rows: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
            "alerts": lambda: [
                row | {"position": position}
                for position, row in enumerate(evaluate(built, watches, skips_failures=True))
            ],
            "segment_sizes": lambda: count_sizes(members()),
            "segment_overlaps": lambda: count_overlaps(members()),
            "segment_effect": lambda: measure_effect(built.connection, record),
            "mrr_causes": lambda: list_causes(built, "mrr"),
            "events": read_events,
            "targets": read_targets,
            "names": list_names,
        }
        for name, schema in SCHEMAS.items():
            made = attempt(f"growth.{name}", rows[name], on_gap)
            tables[name] = pl.DataFrame([] if isinstance(made, Gap) else made, schema)
    with closing(duckdb.connect(str(private), config=WRITER)) as connection:
        connection.execute("begin")
        connection.execute("drop schema if exists growth cascade")
        connection.execute("create schema growth")
        write_tables(connection, "growth", tables)
        connection.execute("commit")
