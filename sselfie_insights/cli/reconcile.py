"""``sselfie reconcile``: the database's payments against Stripe's charges."""

from typing import Annotated

import typer

from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_note
from sselfie_insights.cli.output import (
    FormatOption,
    Output,
    choose_format,
    refuse_stale,
    show_table,
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(reconcile)


def reconcile(
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="The first month is the one that holds this day."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="The last month is the one that holds this day."),
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="List each payment and charge that does not match.")
    ] = False,
    form: FormatOption = None,
    output: Output = None,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Compare the database's payments with Stripe's charges.

    Month by month and currency, as far as Stripe's exports speak for them; what differs is named
    with what it does to the numbers.

    Example: sselfie reconcile --since 2026-01-01 --rows
    """
    from sselfie_insights.report.differences import describe_differences

    name = "revenue/stripe_reconciliation"
    chosen = choose_format(form, output)
    with open_chosen(warehouse, publication) as opened:
        if rows:
            result = opened.query(f"{name}_rows", since=since, until=until, kind="different")
        else:
            result = opened.query(name, since=since, until=until)
        notes = describe_differences(opened.connection, with_sizes=True)
        has_exports = bool(opened.sql("select 1 from marts.stripe_movements limit 1").height)
    show_table(result, chosen, output)
    for note in notes:
        say_note(note)
    if not has_exports:
        say_note("no export of Stripe's was added: see 'sselfie stripe add --help'")
    elif not notes:
        say_note("the database and Stripe agree")
    refuse_stale(opened.settings, opened.stamp)
