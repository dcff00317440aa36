"""``sselfie build``: the marts, from the mirror."""

from enum import StrEnum
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import AsOf, Timezone, Warehouse, say_gap, say_note
from sselfie_insights.cli.progress import progress_bar
from sselfie_insights.clock import write_instant


class Target(StrEnum):
    """Where the marts are built."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.UPDATE)(build)


def build(
    target: Annotated[
        Target,
        typer.Option(
            help="The warehouse; the schema 'analytics' of the source database; or Spark, from the"
            " lake, and back into the warehouse."
        ),
    ] = Target.DUCKDB,
    warehouse: Warehouse = None,
    as_of: AsOf = None,
    timezone: Timezone = None,
) -> None:
    """Build the marts with dbt, test them, and publish them.

    Example: sselfie build --as-of 2026-06-30
    """
    from sselfie_insights import build as marts
    from sselfie_insights.settings import load_settings

    settings = load_settings(warehouse=warehouse, as_of=as_of, timezone=timezone)
    build_marts = {
        Target.DUCKDB: marts.build,
        Target.POSTGRES: marts.build_in_postgres,
        Target.SPARK: marts.build_on_spark,
    }[target]
    with progress_bar("build") as on_progress:
        report = build_marts(settings, on_progress=on_progress)
    typer.echo(
        f"built {report.model_count} models as of {write_instant(report.as_of)} in"
        f" {report.seconds:.1f} s, {report.test_summary}",
        err=True,
    )
    for gap in report.gaps:
        say_gap(gap)
    for remark in report.remarks:
        say_note(remark)
