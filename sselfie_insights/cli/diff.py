"""``sselfie diff``: the public numbers that a later publication restates."""

from functools import partial
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel, examples
from sselfie_insights.cli.options import Warehouse, say_note
from sselfie_insights.cli.output import (
    FormatOption,
    Output,
    TableFormat,
    choose_format,
    show_document,
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        rich_help_panel=Panel.READ,
        epilog=examples(
            "diff 2026-11-01",
            "diff 2026-11-01 2026-11-22 --format json",
            "diff --closed 2026-10 --summary",
        ),
    )(diff)


def diff(
    before: Annotated[
        str | None,
        typer.Argument(metavar="[A]", help="The earlier publication: a date, a name or a file."),
    ] = None,
    after: Annotated[
        str | None,
        typer.Argument(metavar="B", help="The later one; default: the warehouse as it is."),
    ] = None,
    closed: Annotated[
        str | None,
        typer.Option(metavar="MONTH", help="Compare what was signed with MONTH."),
    ] = None,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="In csv, parquet and xlsx: write the rows behind the numbers."),
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="On the terminal: only the few sentences on top.")
    ] = False,
    form: FormatOption = None,
    output: Output = None,
    warehouse: Warehouse = None,
) -> None:
    """Sum up and list every published number that changed, and why.

    Only numbers of periods that were already complete in A.
    """
    from sselfie_insights.books.closing import explain_closed, parse_month
    from sselfie_insights.diff import compare, resolve
    from sselfie_insights.diff.tables import (
        numbers_result,
        rows_result,
        to_json,
        to_summary,
        to_text,
    )
    from sselfie_insights.errors import UsageError
    from sselfie_insights.settings import load_settings

    chosen = choose_format(form, output)
    settings = load_settings(warehouse=warehouse)
    if closed is not None and before is None:
        comparison = explain_closed(settings, parse_month(closed))
    elif before is not None and closed is None:
        files = (resolve(settings, text, say_note) for text in (before, after))
        comparison = compare(settings, *files)
    else:
        raise UsageError("give an earlier publication, or --closed MONTH")
    for remark in comparison.remarks:
        say_note(remark)
    show_document(
        chosen,
        output,
        to_text=partial(to_summary if summary else to_text, comparison),
        to_json=partial(to_json, comparison),
        to_result=partial(rows_result if rows else numbers_result, comparison),
    )
    if not comparison.restatements and chosen is not TableFormat.TABLE:
        say_note("nothing restated")
