"""``sselfie check``: is the published data what the contract and the accounts say it is?"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, choose_settings, say_note
from sselfie_insights.cli.output import Table, shows_table
from sselfie_insights.cli.progress import progress_bar

SHOWN = """
    select
        status, severity, suite, check_name, failed_rows, checked_rows, detail,
        table_name, column_name
    from meta.check_results
    where {show_all} or status <> 'passed'
    order by status = 'passed', severity, suite, check_name
"""


class SuiteName(StrEnum):
    """What is checked."""

    MIRROR = "mirror"
    MARTS = "marts"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.UPDATE)(check)


@shows_table
def check(
    *,
    suite: Annotated[
        SuiteName | None, typer.Option(help="Check only the mirror, or only the marts.")
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also show the checks that passed.")
    ] = False,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Check the published warehouse; exit 4 if an error is found.

    Nothing is changed.

    Example: sselfie check --all -o checks.csv
    """
    from dataclasses import replace

    import duckdb

    from sselfie_insights import check as checks
    from sselfie_insights.build import check_marts
    from sselfie_insights.query import run_statement

    settings = choose_settings(warehouse, publication)
    checks.load_severities(settings)
    results = []
    if suite is not SuiteName.MARTS:
        checks.start_import()
    if suite is not SuiteName.MIRROR and (suite or _has_marts(settings.warehouse)):
        with progress_bar("check") as on_progress:
            results += check_marts(settings, on_progress=on_progress, on_note=say_note)
    if suite is not SuiteName.MARTS:
        results += checks.check_mirror(settings.warehouse, settings)
    from sselfie_insights.warehouse.storage import OFFLINE

    with duckdb.connect(config=OFFLINE) as memory:
        checks.record(memory, results)
        found = run_statement(memory, SHOWN.format(show_all=show_all))
    key = ("status", "severity", "suite", "check_name")
    table.show(replace(found, key=key, answer="detail"))
    warned = len(checks.failures(results, "warn"))
    typer.echo(
        f"{len(results)} checks: {sum(result.status == 'passed' for result in results)} passed, "
        f"{warned} warned, {len(checks.failures(results, 'error'))} failed",
        err=True,
    )
    checks.require_passed(results)


def _has_marts(warehouse: Path) -> bool:
    from sselfie_insights.errors import UsageError
    from sselfie_insights.warehouse.reading import OpenWarehouse

    with OpenWarehouse(warehouse) as opened:
        try:
            return bool(opened.stamp)
        except UsageError as error:
            say_note(f"only the mirror is checked: {error}")
            return False
