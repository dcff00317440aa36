"""``sselfie lake``: the mirror as Parquet, for engines that build from more than one machine."""

from typing import Annotated

import typer

from sselfie_insights.cli.options import Warehouse

app = typer.Typer(
    name="lake",
    help="The mirror as Parquet files, from which Spark builds the marts.",
    no_args_is_help=True,
)


@app.command()
def push(warehouse: Warehouse = None) -> None:
    """Write what changed in the mirror to the lake.

    The lake is at the setting lake_url. Whoever reads it meanwhile sees it as it was, until all of
    it is there.

    Example: sselfie lake push
    """
    from sselfie_insights.errors import UsageError
    from sselfie_insights.lake.push import push as push_mirror
    from sselfie_insights.lake.store import Store
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.lock import warehouse_lock

    settings = load_settings(warehouse=warehouse)
    store = Store(settings.require_lake_url())
    if not settings.warehouse.exists():
        raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie sync' first")
    with warehouse_lock(settings.warehouse):
        pushed = push_mirror(settings.warehouse, store)
    typer.echo(
        f"pushed {pushed.file_count} files with {pushed.row_count:,} rows;"
        f" the lake has {len(pushed.tables)} tables",
        err=True,
    )


@app.command()
def prune(
    keep: Annotated[
        int, typer.Option(min=0, help="How many builds to keep, the published one besides.")
    ] = 3,
    warehouse: Warehouse = None,
) -> None:
    """Delete what nobody needs any more from the lake.

    Files of the mirror that were replaced, and the results of old builds. With --keep 0 the
    results of every build, the published one's, too: the warehouse has its marts.

    Example: sselfie lake prune --keep 1
    """
    from sselfie_insights.lake.runs import prune as prune_lake
    from sselfie_insights.lake.store import Store
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.lock import warehouse_lock

    settings = load_settings(warehouse=warehouse)
    store = Store(settings.require_lake_url())
    with warehouse_lock(settings.warehouse):
        pruned = prune_lake(store, keep=keep)
    typer.echo(
        f"deleted {pruned.file_count} files of the mirror and the results of"
        f" {len(pruned.runs)} builds",
        err=True,
    )
