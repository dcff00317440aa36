"""``sselfie export``: every public query, and chosen marts, as files for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.options import Publication, Warehouse, say_note
from sselfie_insights.cli.output import WithPersonalData, refuse_stale


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(export)


def export(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Default: export/ in the setting output_dir."
        ),
    ] = None,
    mart: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A mart to add as Parquet, e.g. fct_activity; repeat."),
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
    from sselfie_insights.query.export import export_warehouse
    from sselfie_insights.query.library import load_library
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.publications import use_publication
    from sselfie_insights.warehouse.reading import open_warehouse, read_stamp

    settings = use_publication(load_settings(warehouse=warehouse), publication, say_note)
    folder = output or settings.output_dir / "export"
    with open_warehouse(settings.warehouse) as connection:
        stamp = read_stamp(connection)
        files = export_warehouse(
            connection, folder, load_library(), mart or (), with_personal_data=with_personal_data
        )
    typer.echo(str(folder / MANIFEST))
    typer.echo(f"{len(files)} files", err=True)
    refuse_stale(settings, stamp)
