"""``sselfie rollback``: an earlier publication put back."""

from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse, say_note


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(rollback)


def rollback(
    date: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATE]",
            help="A day, or the name of a publication; by default the one before.",
        ),
    ] = None,
    warehouse: Warehouse = None,
) -> None:
    """Put an earlier publication and its site back.

    The next run goes on from there.

    Example: sselfie rollback 2026-11-21
    """
    from sselfie_insights.books.rollback import roll_back
    from sselfie_insights.settings import load_settings

    report = roll_back(load_settings(warehouse=warehouse), date, on_note=say_note)
    typer.echo(f"published {report.publication} again", err=True)
    if report.index is not None:
        typer.echo(str(report.index))
