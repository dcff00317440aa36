"""``sselfie status``: how the last runs went, and what the warehouse mirrors."""

from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, say_note
from sselfie_insights.cli.output import Table, shows_table


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.READ)(status)


@shows_table
def status(
    *,
    max_age: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Exit 5 if the source was read longer ago, e.g. 26h; default: SSELFIE_MAX_AGE.",
        ),
    ] = None,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Show the last run, failures and missed days.

    Also refused Stripe exports, failed checks, withheld columns, what the price list does not
    know, and differences from the contract.

    Example: sselfie status --max-age 26h
    """
    from contextlib import ExitStack
    from datetime import UTC, datetime

    from sselfie_insights.errors import StorageError, UsageError
    from sselfie_insights.query import OpenWarehouse, run_statement
    from sselfie_insights.run.status import (
        describe_runs,
        list_failed_checks,
        list_refused_exports,
        list_unlisted,
        refuse_old_mirror,
    )
    from sselfie_insights.settings import load_settings
    from sselfie_insights.sync.status import status_query
    from sselfie_insights.warehouse.publications import use_publication

    settings = load_settings(warehouse=warehouse, max_age=max_age)
    opened = use_publication(settings, publication, say_note)
    runs = describe_runs(settings)
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(OpenWarehouse(opened.warehouse)).connection
        except (UsageError, StorageError):
            for row in runs:  # they may say why it is not there
                say_note(": ".join(row))
            raise
        rows = [
            *runs,
            *list_refused_exports(connection),
            *list_failed_checks(connection),
            *list_unlisted(connection),
        ]
        table.show(run_statement(connection, status_query(rows)))
        if settings.max_age is not None:
            refuse_old_mirror(connection, settings.max_age, datetime.now(UTC))
