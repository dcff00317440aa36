"""``sselfie forget``: erase a person from everything that was kept."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse, say_note

if TYPE_CHECKING:
    from sselfie_insights.forget import ForgetReport


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(forget)


def forget(
    user: Annotated[
        str, typer.Argument(metavar="USER", help="The id of an account, or an e-mail address.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be erased.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    warehouse: Warehouse = None,
) -> None:
    """Erase a person from everything that was kept.

    From the mirror, history, marts, kept publications, reports and exports.

    The source is not changed: delete the person there first, or the next sync brings them back.

    Example: sselfie forget someone@example.org --dry-run
    """
    from sselfie_insights.errors import UsageError
    from sselfie_insights.forget import forget as erase
    from sselfie_insights.settings import load_settings

    settings = load_settings(warehouse=warehouse)
    if dry_run or not yes:
        _print_report(erase(settings, user, dry_run=True, on_note=say_note))
        if dry_run:
            return
        if not sys.stdin.isatty():
            raise UsageError("nothing was erased", remedy="give --yes to erase all that is listed")
        if not typer.confirm("Erase all of it? It cannot be undone.", err=True):
            raise KeyboardInterrupt
        erase(settings, user)
        typer.echo("erased", err=True)
    else:
        _print_report(erase(settings, user, on_note=say_note))


def _print_report(report: "ForgetReport") -> None:
    from sselfie_insights.query.table import TextTable, lay_out

    rows = [[each.file, each.table, str(each.deleted), str(each.redacted)] for each in report.rows]
    rows += [["output", str(path), "whole", ""] for path in report.outputs.remove]
    headers = ["where", "what", "rows erased", "mentions replaced"]
    if not report.is_done:
        headers[2:] = ["rows to erase", "mentions to replace"]
    lines, _ = lay_out(TextTable(headers, rows, [False, False, True, True]))
    typer.echo("\n".join(lines))
    if report.source:
        held = ", ".join(f"{table} ({count})" for table, count in report.source.items())
        say_note(
            f"the source still holds the person: {held}; delete them there, or the next sync"
            " brings them back"
        )
    elif report.source is None:
        say_note("the source was not asked; while it holds the person, a sync brings them back")
    for path, reason in report.outputs.unerasable:
        say_note(f"{path} was left alone, {reason}")
    say_note("backups and copies elsewhere are beyond reach: replace them by new ones")
