"""What a run would do, with what is known of it beforehand; nothing is written."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sselfie_insights.build.derived import require_derivable
from sselfie_insights.check.rules import list_checks
from sselfie_insights.check.severities import DEFAULTS, load_severities
from sselfie_insights.clock import write_instant
from sselfie_insights.contract import load_contract
from sselfie_insights.price_list import read_price_list
from sselfie_insights.query.library import list_names
from sselfie_insights.rates import read_rates
from sselfie_insights.report.definition import load_reports
from sselfie_insights.report.site import site_dir
from sselfie_insights.resources import resource_dir
from sselfie_insights.run.retention import export_dir
from sselfie_insights.run.steps import STEPS
from sselfie_insights.settings import Settings
from sselfie_insights.sync.plan import place_tables
from sselfie_insights.sync.refusals import refuse_empty, refuse_filtered, refuse_unreadable
from sselfie_insights.sync.source import open_source
from sselfie_insights.sync.state import read_state
from sselfie_insights.warehouse.space import require_space, write_bytes

Plan = list[tuple[str, str, str]]
"""Rows of step, what it does, and what is known of it."""


def describe_run(settings: Settings, steps: Sequence[str]) -> Plan:
    """Return what a run of ``steps`` would do.

    It refuses what the run would refuse before it reads a row.

    Raises:
        UsageError: A setting or a file of the user's is wrong, there is too little room, or the
            warehouse cannot be read.
        SourceError: The source cannot be reached, or would not show the role everything.
    """
    known: dict[str, Callable[[Settings], str]] = {
        "sync": _describe_source,
        "check": _describe_severities,
        "build": _describe_models,
        "publish": _describe_room,
        "render": lambda settings: f"{len(load_reports())} reports to {site_dir(settings)}",
        "export": lambda settings: (
            f"{len(list_names())} queries to {export_dir(settings, datetime.now(UTC)).parent}"
        ),
    }
    return [(step, STEPS[step], known[step](settings)) for step in steps]


def _describe_source(settings: Settings) -> str:
    with open_source(settings.require_database_url(), settings) as source:
        catalog, left_out = source.read_relations()
        refuse_empty(source, catalog, left_out)
        mirrors = place_tables(catalog, settings)
        refuse_unreadable(source, mirrors)
        refuse_filtered(source, mirrors)
        tables = catalog.values()
        target = source.target
    state = read_state(settings.warehouse)
    size = write_bytes(sum(table.bytes for table in tables))
    size_text = f"{len(tables)} tables of {target}, {size} there at its last ANALYZE"
    if state.last_snapshot_at is None:
        return f"{size_text}; never mirrored, so that every table is read in full"
    rows = sum(table.row_count for table in state.tables.values())
    return f"{size_text}; {rows} rows mirrored at {write_instant(state.last_snapshot_at)}"


def _describe_severities(settings: Settings) -> str:
    files = {line.file for line in load_severities(settings).lines} - {DEFAULTS}
    severities = f"{next(iter(files))} on top" if files else "the package's"
    return f"{len(list_checks(load_contract()))} of the mirror, severities: {severities}"


def _describe_models(settings: Settings) -> str:
    require_derivable(settings.warehouse)
    read_price_list()
    read_rates(settings.reporting_currency)
    project = resource_dir("dbt_project")
    folders = ("models", "snapshots")
    models = sum(1 for folder in folders for _ in (project / folder).rglob("*.sql"))
    as_of = settings.as_of or "the instant of the sync"
    return f"{models} models and snapshots, as of {as_of}, in {settings.timezone}"


def _describe_room(settings: Settings) -> str:
    space = require_space(settings.warehouse)
    return f"{settings.warehouse}: {space}; {settings.keep_publications} publications are kept"
