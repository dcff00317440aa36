"""``sselfie demo``: the whole way once, on a synthetic business."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(demo)


def demo(
    users: Annotated[int, typer.Option(metavar="N", min=1, help="How many people sign up.")] = 1000,
    months: Annotated[int, typer.Option(metavar="N", min=1, help="Over how many months.")] = 18,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Selects the business: same seed, same data.")
    ] = 1,
    output_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where everything is written; default: out.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the database running and print its address.")
    ] = False,
) -> None:
    """Run everything once, on a simulated business.

    From an embedded Postgres to HTML reports. The people in it are made up.

    Example: sselfie demo --users 200 --output-dir out
    """
    from sselfie_insights.embedded import running_server
    from sselfie_insights.report import read_headlines
    from sselfie_insights.settings import load_settings
    from sselfie_insights.setup.demo import run_demo

    folder = load_settings(output_dir=output_dir).output_dir
    with running_server(folder.resolve() / "postgres" if keep else None) as database_url:
        result = run_demo(
            database_url,
            users=users,
            months=months,
            seed=seed,
            output_dir=folder,
            on_step=lambda step: typer.echo(f"· {step}", err=True),
        )
    for tile in read_headlines(result.settings):
        typer.echo("  ".join(part for part in (f"{tile.label}:", tile.value, tile.change) if part))
    typer.echo(f"\nopen {result.index.resolve()}")
    typer.echo(f"warehouse: export SSELFIE_WAREHOUSE={result.settings.warehouse.resolve()}")
    if keep:
        typer.echo(f"database:  export SSELFIE_DATABASE_URL='{database_url}'")
