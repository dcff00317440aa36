"""``sselfie sync`` and ``verify``: the mirror of the source."""

from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse, say_note
from sselfie_insights.cli.progress import progress_bar
from sselfie_insights.clock import write_instant
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from sselfie_insights.settings import Settings
    from sselfie_insights.sync import SyncReport

MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command(rich_help_panel=Panel.UPDATE)(sync)
    app.command(rich_help_panel=Panel.UPDATE)(verify)


def sync(
    full: Annotated[bool, typer.Option("--full", help="Read every table in full.")] = False,
    tables: Annotated[
        str, typer.Option(metavar="NAME,…", help="Only these tables; default: all.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--verify", help="Also compare every table with the source.")
    ] = False,
    warehouse: Warehouse = None,
) -> None:
    """Mirror the source database into the warehouse.

    All tables at one snapshot.

    Example: sselfie sync --tables users,stripe_payments
    """
    from sselfie_insights.settings import load_settings

    names = [name.strip() for name in tables.split(",") if name.strip()]
    report = _sync(load_settings(warehouse=warehouse), full=full, tables=names, verify=check)
    _print_report(report)
    if check:
        _print_differences(report)


def verify(warehouse: Warehouse = None) -> None:
    """Sync, and prove that every table equals its source.

    Both at the same snapshot.

    Example: sselfie verify
    """
    from sselfie_insights.settings import load_settings

    report = _sync(load_settings(warehouse=warehouse), full=False, tables=[], verify=True)
    for table in report.tables:
        if table.verification:
            detail = f"\t{table.detail}" if table.detail else ""
            label = clean(table.label)
            typer.echo(f"{label}\t{table.row_count}\t{table.verification}{detail}")
    _print_report(report)
    _print_differences(report)


def _sync(settings: "Settings", *, full: bool, tables: list[str], verify: bool) -> "SyncReport":
    from sselfie_insights import sync as mirror

    if note := settings.describe_foreign_parameters():
        say_note(note)
    with progress_bar("sync") as draw:

        def show(done: int, total: int, table: str) -> None:
            if draw:
                draw(done // MEGABYTE, max(total // MEGABYTE, 1), f"MB {table}")

        return mirror.sync(settings, full=full, tables=tables, verify=verify, on_progress=show)


def _print_report(report: "SyncReport") -> None:
    if report.mode == "unchanged":
        done = "nothing changed" + ("" if report.published else ", nothing published")
    else:
        done = (
            f"{report.inserted} rows inserted, {report.updated} updated, {report.deleted} deleted"
        )
    typer.echo(
        f"synced {len(report.tables)} tables, {report.row_count} rows, as of "
        f"{write_instant(report.snapshot_at)} ({report.mode}): {done}, "
        f"in {report.seconds:.1f} s",
        err=True,
    )
    for file in report.exports.added:
        say_note(f"added Stripe's export {file}")
    for refusal in report.exports.refused:
        say_note(f"Stripe's export was refused: {refusal.reason}")


def _print_differences(report: "SyncReport") -> None:
    from sselfie_insights.errors import MirrorDiffersError

    different = report.different
    if different:
        names = ", ".join(f"{table.label} ({table.detail})" for table in different)
        raise MirrorDiffersError(
            f"the mirror differed from the source in {names}; the tables were read again",
            remedy="something wrote the warehouse, or a rule of the mirror is wrong: report it",
        )
