"""``sselfie segment``: list, show and export the people to write to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.options import Publication, Warehouse, say_note
from sselfie_insights.cli.output import (
    FormatOption,
    Output,
    Parameters,
    TableFormat,
    WithPersonalData,
    choose_format,
    refuse_stale,
    write_table,
)

if TYPE_CHECKING:
    from sselfie_insights.query.run import Result

app = typer.Typer(
    name="segment", help="List, show and export the people to write to.", no_args_is_help=True
)


def _complete(incomplete: str) -> list[str]:
    from sselfie_insights.segment import list_segments

    return [name for name in list_segments() if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A segment's name, e.g. win_back.", autocompletion=_complete
    ),
]


@app.command("list")
def list_all(
    overlaps: Annotated[
        bool, typer.Option("--overlaps", help="Show how many people each two have in common.")
    ] = False,
    form: FormatOption = None,
    output: Output = None,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """List every segment: why people are in it, and how many.

    Example: sselfie segment list --overlaps
    """
    from sselfie_insights.query import open_warehouse, read_stamp
    from sselfie_insights.query.library import load_query
    from sselfie_insights.query.run import tabulate
    from sselfie_insights.segment.record import read_record
    from sselfie_insights.segment.sizes import (
        count_overlaps,
        count_sizes,
        lay_out_overlaps,
        read_members,
    )
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.publications import use_publication

    chosen = choose_format(form, output)
    settings = use_publication(load_settings(warehouse=warehouse), publication, say_note)
    query = load_query("growth/segment_overlaps" if overlaps else "growth/segment_sizes")
    with open_warehouse(settings.warehouse) as connection:
        stamp = read_stamp(connection)
        members = read_members(connection, stamp, read_record(settings.warehouse))
    rows = count_overlaps(members) if overlaps else count_sizes(members)
    result = tabulate(query, rows, stamp)
    if overlaps and chosen is TableFormat.TABLE and output is None:
        typer.echo("\n".join(lay_out_overlaps(result)))
    else:
        _write(result, chosen, output)
    refuse_stale(settings, stamp)


@app.command("show")
def show_segment(
    name: Name,
    parameter: Parameters = None,
    form: FormatOption = None,
    output: Output = None,
    warehouse: Warehouse = None,
    publication: Publication = None,
    with_personal_data: WithPersonalData = False,
) -> None:
    """Show who is in a segment now, and why; those cooling down too.

    Example: sselfie segment show renewal_due -p days=3
    """
    from sselfie_insights.query import open_warehouse, read_stamp
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.segment import find_segment, read_segment
    from sselfie_insights.segment.record import read_record
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.publications import use_publication

    chosen = choose_format(form, output)
    settings = use_publication(load_settings(warehouse=warehouse), publication, say_note)
    query = find_segment(name)
    with open_warehouse(settings.warehouse) as connection:
        stamp = read_stamp(connection)
        result = read_segment(
            connection,
            query,
            stamp,
            split_words(parameter or []),
            record=read_record(settings.warehouse),
            with_personal_data=with_personal_data,
        )
    _write(result, chosen, output)
    refuse_stale(settings, stamp)


@app.command("export")
def export(
    name: Name,
    parameter: Parameters = None,
    holdout_percent: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=90, help="Leave so many in a hundred out, to measure by."
        ),
    ] = None,
    form: Annotated[
        TableFormat | None,
        typer.Option("--format", help="Default: by the suffix of FILE, else csv."),
    ] = None,
    output: Output = None,
    warehouse: Warehouse = None,
    with_personal_data: WithPersonalData = False,
) -> None:
    """Write who is to be written to, once a day, as CSV.

    Left out are those cooling down and, to measure the effect, the holdout group. A second export
    of the same day writes the same file.

    Example: sselfie segment export win_back -o win_back.csv
    """
    from sselfie_insights.query import open_warehouse, read_stamp
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.segment import export_segment, find_segment
    from sselfie_insights.settings import load_settings

    # Before anybody is recorded as written to.
    chosen = choose_format(form, output, TableFormat.CSV)
    settings = load_settings(warehouse=warehouse, holdout_percent=holdout_percent)
    query = find_segment(name)
    with open_warehouse(settings.warehouse) as connection:
        stamp = read_stamp(connection)
        exported = export_segment(
            connection,
            settings.warehouse,
            query,
            stamp,
            split_words(parameter or []),
            holdout_percent=settings.holdout_percent,
            with_personal_data=with_personal_data,
        )
    _write(exported.result, chosen, output)
    told = f"{exported.result.frame.height} people, {exported.held_out_count} held out"
    if exported.is_repeat:
        typer.echo(f"{told}; this is the export made before for {stamp.as_of_on}", err=True)
    else:
        typer.echo(f"{told}, {exported.cooling_count} cooling down", err=True)
    refuse_stale(settings, stamp)


def _write(result: "Result", form: TableFormat, output: Path | None) -> None:
    write_table(result, form, output)
    if not result.height:
        say_note("nobody")
