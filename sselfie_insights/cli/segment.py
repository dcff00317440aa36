"""``sselfie segment``: list, show and export the people to write to."""

from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.complete import complete_segment
from sselfie_insights.cli.group import Group, examples
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_note
from sselfie_insights.cli.output import (
    Output,
    Parameters,
    Table,
    TableFormat,
    WithPersonalData,
    choose_format,
    refuse_stale,
    shows_table,
)

if TYPE_CHECKING:
    from sselfie_insights.query.result import Result

app = typer.Typer(
    name="segment",
    help="List, show and export the people to contact.",
    no_args_is_help=True,
    cls=Group,
)


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A segment's name, e.g. win_back.", autocompletion=complete_segment
    ),
]


@app.command("list")
@shows_table
def list_all(
    *,
    overlaps: Annotated[
        bool, typer.Option("--overlaps", help="Show how many people each pair has in common.")
    ] = False,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """List every segment: why people are in it, and how many.

    Example: sselfie segment list --overlaps
    """
    from sselfie_insights.query.library import load_query
    from sselfie_insights.query.run import tabulate
    from sselfie_insights.segment.record import read_record
    from sselfie_insights.segment.sizes import (
        count_overlaps,
        count_sizes,
        lay_out_overlaps,
        read_members,
    )

    query = load_query("growth/segment_overlaps" if overlaps else "growth/segment_sizes")
    with open_chosen(warehouse, publication) as opened:
        members = read_members(opened, read_record(opened.path))
        rows = count_overlaps(members) if overlaps else count_sizes(members)
        result = tabulate(query, rows, opened.stamp)
    if overlaps and table == Table():
        typer.echo("\n".join(lay_out_overlaps(result)))
    else:
        _show(result, table)
    refuse_stale(opened.settings, opened.stamp)


@app.command("show")
@shows_table
def show_segment(
    name: Name,
    *,
    parameter: Parameters = None,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
    with_personal_data: WithPersonalData = False,
) -> None:
    """Show who is in a segment and why, including those cooling down.

    Example: sselfie segment show renewal_due -p days=3
    """
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.segment import find_segment, read_segment
    from sselfie_insights.segment.record import read_record

    query = find_segment(name)
    with open_chosen(warehouse, publication) as opened:
        result = read_segment(
            opened,
            query,
            split_words(parameter or []),
            record=read_record(opened.path),
            with_personal_data=with_personal_data,
        )
    _show(result, table)
    refuse_stale(opened.settings, opened.stamp)


@app.command(
    "export",
    epilog=examples(
        "segment export win_back -o win_back.csv",
        "segment export win_back --with-personal-data --holdout-percent 20",
    ),
)
def export(
    name: Name,
    parameter: Parameters = None,
    holdout_percent: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=90, help="Percentage held out as a control group."),
    ] = None,
    form: Annotated[
        TableFormat | None,
        typer.Option("--format", help="Default: by the suffix of FILE, else csv."),
    ] = None,
    output: Output = None,
    warehouse: Warehouse = None,
    with_personal_data: WithPersonalData = False,
) -> None:
    """Write the list of people to contact, as CSV.

    Leaves out those cooling down, and a control group to measure the effect. A second export on
    the same day writes the same file.
    """
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.segment import export_segment, find_segment
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.reading import OpenWarehouse

    # Before anybody is recorded as written to.
    chosen = choose_format(form, output, TableFormat.CSV)
    query = find_segment(name)
    settings = load_settings(warehouse=warehouse, holdout_percent=holdout_percent)
    with OpenWarehouse(settings.warehouse) as opened:
        exported = export_segment(
            opened,
            query,
            split_words(parameter or []),
            holdout_percent=settings.holdout_percent,
            with_personal_data=with_personal_data,
        )
    _show(exported.result, Table(chosen, output, limit=0))
    size = f"{exported.result.frame.height} people, {exported.held_out_count} held out"
    if exported.smallest_difference is not None:
        size += f", which shows a difference of {exported.smallest_difference:.0%} or more"
    elif exported.held_out_count:
        size += ", too few to show any difference"
    if exported.is_repeat:
        typer.echo(f"{size}; this is the export made before for {opened.stamp.as_of_on}", err=True)
    else:
        typer.echo(f"{size}, {exported.cooling_count} cooling down", err=True)
    refuse_stale(settings, opened.stamp)


def _show(result: "Result", table: Table) -> None:
    table.show(result)
    if not result.height:
        say_note("nobody is in it")
