"""``sselfie close``: what was signed with a month stays as it was signed."""

import getpass
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse, say_note
from sselfie_insights.cli.output import FormatOption, Output, Table, choose_format
from sselfie_insights.printable import clean


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.BOOKS)(close)


def close(
    month: Annotated[
        str | None, typer.Argument(metavar="[MONTH]", help="The month to close, e.g. 2026-10.")
    ] = None,
    reopen: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Open a closed month again.")
    ] = None,
    because: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why it is opened; stays in the record.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who signs; default: your account's name.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="List every closing, and whether it is intact.")
    ] = False,
    form: FormatOption = None,
    output: Output = None,
    warehouse: Warehouse = None,
) -> None:
    """Freeze a month's figures as they are signed, or reopen it.

    Example: sselfie close 2026-10
    """
    from sselfie_insights.books.closing import (
        close_month,
        list_closings,
        parse_month,
        reopen_month,
    )
    from sselfie_insights.errors import StorageError, UsageError
    from sselfie_insights.settings import load_settings

    if sum((month is not None, reopen is not None, listing)) != 1:
        raise UsageError("give one of MONTH, --reopen MONTH and --list")
    settings = load_settings(warehouse=warehouse)
    signer = by or getpass.getuser()
    if month is not None:
        report = close_month(settings, parse_month(month), signer)
        for warning in report.warnings:
            say_note(warning)
        typer.echo(
            f"closed {month}: {report.figure_count:,} figures, signed by {clean(signer)},"
            f" sha256 {report.closing.checksum}",
            err=True,
        )
    elif reopen is not None:
        reopen_month(settings, parse_month(reopen), signer, because or "", on_note=say_note)
        typer.echo(f"{reopen} is open again; what was signed stays in the record", err=True)
    else:
        columns, rows = list_closings(settings)
        Table(choose_format(form, output), output).show_rows("closings", columns, rows)
        damaged = [str(row[0]) for row in rows if not row[-1]]
        if damaged:
            raise StorageError(
                f"the figures of closing {', '.join(damaged)} are not those that were signed",
                remedy="put a kept publication or a backup in place of the warehouse",
            )
