"""``sselfie report``: list and show reports, and write them all as a site."""

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.complete import complete_report, complete_section
from sselfie_insights.cli.group import Group, examples
from sselfie_insights.cli.options import (
    Publication,
    Warehouse,
    choose_settings,
    open_chosen,
    say_gap,
    say_note,
    say_replaced,
)
from sselfie_insights.cli.output import (
    Open,
    Output,
    Parameters,
    Table,
    format_of,
    open_page,
    print_text,
    refuse_stale,
    shows_table,
)
from sselfie_insights.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from sselfie_insights.report.blocks import Page

app = typer.Typer(
    name="report",
    help="List, show and publish reports.",
    no_args_is_help=True,
    cls=Group,
)


class ReportFormat(StrEnum):
    """How a report is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"
    HTML = "html"


class ShowFormat(StrEnum):
    """How one report is written: as any, and a chart of it as a picture."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"
    HTML = "html"
    SVG = "svg"
    PNG = "png"


class Color(StrEnum):
    """When to colour the terminal."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@app.command("list")
@shows_table
def list_reports(table: Table) -> None:
    """List every report: its name and what it shows.

    Example: sselfie report list
    """
    from sselfie_insights.report.definition import load_reports

    reports = load_reports(on_gap=say_gap).values()
    rows = [(report.name, report.description) for report in reports]
    table.show_rows("reports", {"report": "text", "description": "text"}, rows)
    say_replaced("reports", "*.yml")


@app.command(
    "show",
    epilog=examples(
        "report show overview",
        "report show retention -p grain=week -o retention.html --open",
        "report show overview --section mrr-usd -o mrr.png",
        "report show revenue --format markdown",
    ),
)
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A report's name, e.g. retention.", autocompletion=complete_report
        ),
    ],
    parameter: Parameters = None,
    section: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only this section; csv, parquet and pictures hold one, by default the first.",
            autocompletion=complete_section,
        ),
    ] = None,
    form: Annotated[
        ShowFormat | None,
        typer.Option("--format", help="Default: by the suffix of FILE, else table."),
    ] = None,
    output: Output = None,
    is_opened: Open = False,
    color: Annotated[Color, typer.Option(help="Colour the terminal.")] = Color.AUTO,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Show a report on the terminal, or write it to a file."""
    from sselfie_insights.errors import UsageError
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.query.write import BINARY_FORMATS, write_out
    from sselfie_insights.report.formats import choose_section, to_bytes

    chosen = form or format_of(output, ShowFormat.TABLE)
    if is_opened and (chosen is not ShowFormat.HTML or output is None or str(output) == "-"):
        raise UsageError("--open needs a page in a file", remedy="add -o NAME.html")
    with open_chosen(warehouse, publication) as opened:
        page = opened.page(name, **split_words(parameter or []))
    if chosen is ShowFormat.TABLE and output is None:
        print_page(page if section is None else choose_section(page, section), color)
    else:
        content, others = to_bytes(page, chosen.value, section, say_gap)
        write_out(content, output, sys.stdout.buffer, binary=chosen in BINARY_FORMATS)
        if others:
            say_note(f"other sections, for --section: {', '.join(others)}")
    if is_opened and output is not None:
        open_page(output)
    refuse_stale(opened.settings, page.stamp)


@app.command(
    "site",
    epilog=examples(
        "report site --open",
        "report site -o out/site --publication 2026-11-01",
    ),
)
def site(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Default: site/ in the output folder."),
    ] = None,
    is_opened: Open = False,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Write every report as a page, with an index.

    The tables are beside the pages as CSV and JSON.
    """
    from sselfie_insights.report.notices import describe_age, read_notices
    from sselfie_insights.report.site import render_site
    from sselfie_insights.warehouse.reading import OpenWarehouse

    settings = choose_settings(warehouse, publication)
    with progress_bar("site") as on_progress:
        written = render_site(settings, output or settings.output_dir / "site", on_progress)
    typer.echo(str(written.index))
    typer.echo(f"{len(written.pages)} reports, {len(written.files)} files", err=True)
    for gap in written.gaps:
        say_gap(gap)
    with OpenWarehouse(settings.warehouse) as opened:
        for notice in read_notices(settings, opened):
            if notice != describe_age(settings, written.stamp):  # that one is the error
                say_note(notice)
    if is_opened:
        open_page(written.index)
    refuse_stale(settings, written.stamp)


def print_page(page: "Page", color: Color) -> None:
    """Print for the terminal there is: coloured and cut to its width, or plain."""
    from sselfie_insights.report.draw.terminal import render_text

    is_terminal = sys.stdout.isatty()
    print_lines(
        render_text(page, shutil.get_terminal_size().columns if is_terminal else None), color
    )


def print_lines(lines: "Iterable[Text]", color: Color = Color.AUTO) -> None:
    """Print lines in their styles on a terminal, and without off one."""
    if color is Color.ALWAYS or (color is Color.AUTO and sys.stdout.isatty()):
        from rich.console import Console

        console = Console(
            force_terminal=True, highlight=False, no_color=False if color is Color.ALWAYS else None
        )
        with console.capture() as drawn:
            for line in lines:
                console.print(line, soft_wrap=True)
        print_text(drawn.get().rstrip("\n"), is_styled=True)
    else:
        print_text("\n".join(line.plain for line in lines))
