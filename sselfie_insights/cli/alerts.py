"""``sselfie alerts``: the watched numbers, and exit code 8 when one fired."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen
from sselfie_insights.cli.output import Table, refuse_stale, shows_table
from sselfie_insights.errors import ExitCode

_FOR_PEOPLE = ("alert", "part", "period_on", "state", "detail")


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.READ)(alerts)


@shows_table
def alerts(
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What to watch; default: alerts.yml here, else the packaged list."
        ),
    ] = None,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="Also show the metrics that are in range.")
    ] = False,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Show metrics that are out of range; exit 8 if any.

    They crossed a threshold, or left their usual range.

    Example: sselfie alerts --format json
    """
    from dataclasses import replace

    import polars as pl

    from sselfie_insights.alerts import evaluate, load_watches
    from sselfie_insights.query.library import load_query
    from sselfie_insights.query.run import tabulate

    watches = load_watches(file)
    query = load_query("growth/alerts_now")
    with open_chosen(warehouse, publication) as opened:
        result = tabulate(query, evaluate(opened, watches), opened.stamp)
    states = result.frame["state"]
    fired, unjudged = int((states == "fired").sum()), int((states == "not judged").sum())
    if not all_of_them:
        result = replace(result, data=result.frame.filter(pl.col("state") == "fired"))
    if table.is_text and not table.columns:  # the finding says the value in its own unit
        table = replace(table, columns=_FOR_PEOPLE)
    table.show(result)
    typer.echo(
        f"{fired} of {len(states)} fired, {unjudged} could not be judged"
        + ("" if all_of_them else "; --all shows each"),
        err=True,
    )
    if fired:
        raise typer.Exit(ExitCode.ALERT)
    refuse_stale(opened.settings, opened.stamp)  # silence about old data would pass for good news
