"""``sselfie build``: the marts, from the mirror."""

import typer

from sselfie_insights.cli.options import AsOf, Timezone, Warehouse
from sselfie_insights.cli.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(build)


def build(warehouse: Warehouse = None, as_of: AsOf = None, timezone: Timezone = None) -> None:
    """Build the marts from the mirror with dbt, test them, and publish them."""
    from sselfie_insights.marts import build as build_marts
    from sselfie_insights.settings import load_settings

    settings = load_settings(warehouse=warehouse, as_of=as_of, timezone=timezone)
    with progress_bar("build") as on_progress:
        report = build_marts(settings, on_progress=on_progress)
    typer.echo(
        f"built {report.model_count} models, {report.test_count} tests passed, "
        f"as of {report.as_of:%Y-%m-%d %H:%M:%S} UTC, in {report.seconds:.1f} s",
        err=True,
    )
