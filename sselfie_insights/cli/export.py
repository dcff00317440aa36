"""``sselfie export``: every public query, and chosen marts, as files for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_gap
from sselfie_insights.cli.output import WithPersonalData, refuse_stale


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.UPDATE)(export)


def export(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Default: export/ in the output folder."
        ),
    ] = None,
    mart: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A mart to add as Parquet, e.g. fct_activity; repeatable."
        ),
    ] = None,
    warehouse: Warehouse = None,
    publication: Publication = None,
    with_personal_data: WithPersonalData = False,
) -> None:
    """Write queries and marts as files, with a manifest.

    Every query as Parquet and CSV, and in one Excel workbook; chosen marts as Parquet.

    Example: sselfie export -o export --mart fct_activity
    """
    from sselfie_insights.manifest import MANIFEST
    from sselfie_insights.query.library import load_library
    from sselfie_insights.report.definition import list_shown
    from sselfie_insights.report.export import export_warehouse

    with open_chosen(warehouse, publication) as opened:
        folder = output or opened.settings.output_dir / "export"
        files = export_warehouse(
            opened,
            folder,
            load_library(on_gap=say_gap),
            mart or (),
            first=list_shown(),
            with_personal_data=with_personal_data,
            on_gap=say_gap,
        )
    typer.echo(str(folder / MANIFEST))
    typer.echo(f"{len(files)} files", err=True)
    refuse_stale(opened.settings, opened.stamp)
