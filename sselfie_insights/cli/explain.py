"""``sselfie explain``: what a month's change is made of."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.complete import complete_measure
from sselfie_insights.cli.group import Panel, examples
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_note
from sselfie_insights.cli.output import TableFormat, format_of, refuse_stale, write_table
from sselfie_insights.cli.report import Color, ReportFormat, print_page


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        rich_help_panel=Panel.READ,
        epilog=examples(
            "explain mrr",
            "explain mrr --month 2026-10 -o mrr.html",
            "explain churn --summary",
        ),
    )(explain)


def explain(
    measure: Annotated[
        str,
        typer.Argument(
            help="The number whose change to explain: mrr, churn, active_users, credits, or your"
            " own of queries/explain/.",
            autocompletion=complete_measure,
        ),
    ],
    month: Annotated[
        str | None,
        typer.Option(metavar="MONTH", help="E.g. 2026-10; default: the last complete month."),
    ] = None,
    first: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Parts to show of each kind; data formats hold all."),
    ] = 10,
    summary: Annotated[
        bool, typer.Option("--summary", help="Only a few sentences, which name no customer.")
    ] = False,
    form: Annotated[
        ReportFormat | None,
        typer.Option("--format", help="Default: by the suffix of FILE, else table."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write to FILE; - is stdout."),
    ] = None,
    color: Annotated[Color, typer.Option(help="Colour the terminal.")] = Color.AUTO,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Break a month's change down, largest part first.

    By product, cohort, acquisition, brand style and customer.

    The parts add up to the whole, to the cent. The HTML page names no customer.
    """
    from sselfie_insights.explain import build_explanation_page
    from sselfie_insights.explain import explain as explain_change
    from sselfie_insights.explain.page import hide_small_parts, to_result
    from sselfie_insights.explain.summary import summarize
    from sselfie_insights.printable import clean
    from sselfie_insights.query.write import write_out
    from sselfie_insights.report.draw.html import render_html
    from sselfie_insights.report.draw.terminal import render_text
    from sselfie_insights.statistics.suppression import SMALLEST_GROUP

    chosen = form or format_of(output, ReportFormat.TABLE)
    is_shared = summary or chosen is ReportFormat.HTML
    is_page = chosen in (ReportFormat.HTML, ReportFormat.TABLE)
    with open_chosen(warehouse, publication) as opened:
        explanation = explain_change(
            opened,
            measure,
            month,
            first=first if is_page and not summary else None,
            least=SMALLEST_GROUP if is_shared else 1,
        )
        if summary:
            explanation = hide_small_parts(opened, explanation)
        elif is_page:
            page = build_explanation_page(opened, explanation, is_shared=is_shared)
    if summary:
        text = "\n".join(map(clean, summarize(explanation))) + "\n"
        write_out(text.encode(), output, sys.stdout.buffer, binary=False)
    elif not is_page:
        write_table(to_result(explanation, opened.stamp), TableFormat(chosen), output)
        if not explanation.is_complete:
            say_note(f"{explanation.month:%Y-%m} is still running")
    elif is_shared:
        write_out(render_html(page).encode(), output, sys.stdout.buffer, binary=False)
    elif output is None:
        print_page(page, color)
    else:
        text = "\n".join(line.plain for line in render_text(page)) + "\n"
        write_out(text.encode(), output, sys.stdout.buffer, binary=False)
    refuse_stale(opened.settings, opened.stamp)
