"""``sselfie reconcile``: payments against Stripe's charges, MRR against another tool's."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_note
from sselfie_insights.cli.output import (
    Table,
    refuse_stale,
    show_document,
    shows_table,
)

if TYPE_CHECKING:
    from sselfie_insights.books.mrr import MrrComparison


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.BOOKS)(reconcile)


@shows_table
def reconcile(
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Begin with the month of this day."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="End with the month of this day."),
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="List each payment and charge that does not match.")
    ] = False,
    mrr: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare MRR instead, with this CSV of another tool's."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="PART=COLUMN",
            help="With --mrr: the column of customer, month, currency or mrr; repeatable.",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="With --mrr: the currency, where no column says it."),
    ] = None,
    sums: Annotated[
        bool,
        typer.Option(
            "--sums", help="With --mrr, in csv, parquet and xlsx: write the sum of each cause."
        ),
    ] = False,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Compare with Stripe's charges, or with another tool's MRR.

    Payments are compared month by month and currency, as far as Stripe's exports speak for them;
    MRR customer by customer, with the rule by which both differ.

    Example: sselfie reconcile --since 2026-01-01 --rows
    """
    from sselfie_insights.errors import UsageError

    if mrr is None:
        if mapping or currency or sums:
            raise UsageError("--map, --currency and --sums need --mrr FILE")
        _compare_payments(since, until, rows, table, warehouse, publication)
        return
    if since or until or rows:
        raise UsageError("--since, --until and --rows are for payments: leave out --mrr")
    if table != Table(table.form, table.output):
        raise UsageError("--columns, --sort, --limit and -x are for payments: leave out --mrr")
    comparison = _compare_mrr(mrr, mapping or [], currency, warehouse, publication)
    _show_mrr(comparison, sums, table)


def _compare_payments(
    since: str | None,
    until: str | None,
    rows: bool,
    table: Table,
    warehouse: Path | None,
    publication: str | None,
) -> None:
    from sselfie_insights.report.differences import describe_differences
    from sselfie_insights.warehouse.reading import count_rows

    name = "revenue/stripe_reconciliation"
    with open_chosen(warehouse, publication) as opened:
        if rows:
            result = opened.query(f"{name}_rows", since=since, until=until, kind="different")
        else:
            result = opened.query(name, since=since, until=until)
        notes = describe_differences(opened.connection, with_sizes=True)
        has_exports = count_rows(opened.connection, "marts.stripe_movements") > 0
    table.show(result)
    for note in notes:
        say_note(note)
    if not has_exports:
        say_note("no Stripe export has been added: see 'sselfie stripe add --help'")
    elif not notes:
        say_note("the database and Stripe agree")
    refuse_stale(opened.settings, opened.stamp)


def _compare_mrr(
    file: Path,
    mapping: list[str],
    currency: str | None,
    warehouse: Path | None,
    publication: str | None,
) -> "MrrComparison":
    from sselfie_insights.books.mrr import compare_mrr
    from sselfie_insights.books.mrr_file import read_mrr
    from sselfie_insights.errors import UsageError

    columns = dict(text.partition("=")[::2] for text in mapping)
    for part, column in columns.items():
        if not column:
            raise UsageError(f"--map {part}: write PART=COLUMN")
    foreign = read_mrr(file, columns, currency)
    with open_chosen(warehouse, publication) as opened:
        return compare_mrr(opened, foreign)


def _show_mrr(comparison: "MrrComparison", sums: bool, table: Table) -> None:
    from sselfie_insights.books.mrr_tables import (
        differences_result,
        sums_result,
        to_json,
        to_text,
    )

    for remark in comparison.remarks:
        say_note(remark)
    show_document(
        table.form,
        table.output,
        to_text=partial(to_text, comparison),
        to_json=partial(to_json, comparison),
        to_result=partial(sums_result if sums else differences_result, comparison),
    )
