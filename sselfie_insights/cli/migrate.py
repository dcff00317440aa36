"""``sselfie migrate``: bring the application's database up to its migrations, without harm."""

from typing import Annotated

import typer

app = typer.Typer(
    name="migrate",
    help="Change the application's database by numbered SQL files, without hurting it.",
    no_args_is_help=True,
)


def _note(message: str) -> None:
    typer.echo(message, err=True)


@app.command()
def apply(
    to: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after this version; default: all.")
    ] = None,
) -> None:
    """Apply the pending migrations."""
    from sselfie_insights.migrate import apply as apply_migrations
    from sselfie_insights.settings import load_settings

    settings = load_settings()
    applied = apply_migrations(
        settings.require_database_url(), to=to, schemas=settings.source_schemas, note=_note
    )
    if not applied:
        _note("nothing to apply")


@app.command()
def status() -> None:
    """Show every migration and whether it is applied."""
    from sselfie_insights.migrate import read_status
    from sselfie_insights.settings import load_settings

    for label, state in read_status(load_settings().require_database_url()):
        typer.echo(f"{label:<40}  {state}")
