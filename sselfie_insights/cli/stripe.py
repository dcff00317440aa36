"""``sselfie stripe``: Stripe's own exports, which say what the application does not write."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Group
from sselfie_insights.cli.options import Warehouse, say_note
from sselfie_insights.cli.output import Table, shows_table
from sselfie_insights.printable import clean

app = typer.Typer(
    name="stripe",
    help="Stripe's own exports: refunds, disputes and fees.",
    no_args_is_help=True,
    cls=Group,
)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exports to add.")],
    warehouse: Warehouse = None,
) -> None:
    """Add exports to the warehouse.

    A file of the same name takes the place of the one before. The folder of the setting
    stripe_exports is read by every sync.

    Example: sselfie stripe add balance_history.csv
    """
    from sselfie_insights.errors import UsageError
    from sselfie_insights.settings import load_settings
    from sselfie_insights.stripe.load import add_files

    loaded = add_files(files, load_settings(warehouse=warehouse).warehouse)
    for name in loaded.added:
        typer.echo(f"added {clean(name)}", err=True)
    if loaded.added:
        say_note("the next build counts them: run 'sselfie build'")
    if loaded.refused:
        raise UsageError("; ".join(each.reason for each in loaded.refused))


@app.command("list")
@shows_table
def list_exports(*, table: Table, warehouse: Warehouse = None) -> None:
    """List the exports that were added.

    The days and currencies that each covers, and the columns to tick next time.

    Example: sselfie stripe list
    """
    from sselfie_insights.settings import load_settings
    from sselfie_insights.stripe.coverage import describe_files

    settings = load_settings(warehouse=warehouse)
    zone = settings.stripe_timezone or settings.timezone
    rows = [
        (each.file_name, each.kind, each.first_on, each.last_on, ", ".join(each.currencies),
         each.row_count, each.detail)
        for each in describe_files(settings.warehouse, settings.timezone, zone)
    ]  # fmt: skip
    table.show_rows(
        "stripe exports",
        {"file": "text", "kind": "text", "first_on": "date", "last_on": "date",
         "currencies": "text", "rows": "count", "detail": "text"},
        rows,
    )  # fmt: skip
