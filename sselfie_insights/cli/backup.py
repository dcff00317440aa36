"""``sselfie backup`` and ``restore``: what no source can give back, in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse

if TYPE_CHECKING:
    from sselfie_insights.backup.archive import BackupReport


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(backup)
    app.command(rich_help_panel=Panel.SET_UP)(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    warehouse: Warehouse = None,
) -> None:
    """Save what a sync cannot restore to one file.

    The histories of rows, syncs, runs and segment exports.

    Example: sselfie backup 2026-11-22.zip
    """
    from sselfie_insights import backup as backups
    from sselfie_insights.settings import load_settings

    report = backups.backup(load_settings(warehouse=warehouse).warehouse, file)
    typer.echo(str(file))
    _print_report("wrote", report)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of 'sselfie backup'.")],
    warehouse: Warehouse = None,
) -> None:
    """Restore a backup into a fresh warehouse.

    A warehouse with a history of its own is refused.

    Example: sselfie restore 2026-11-22.zip
    """
    from sselfie_insights import backup as backups
    from sselfie_insights.settings import load_settings

    _print_report("added", backups.restore(file, load_settings(warehouse=warehouse).warehouse))


def _print_report(done: str, report: "BackupReport") -> None:
    for table, rows in report.tables.items():
        typer.echo(f"{table}: {done} {rows} rows", err=True)
    typer.echo(f"journal: {done} {report.run_count} lines", err=True)
    typer.echo(f"exports of segments: {done} {report.export_count}", err=True)
