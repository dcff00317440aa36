"""Options that mean the same in every command that shows data, and where the data goes."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sselfie_insights.cli.options import say_note
from sselfie_insights.printable import clean_lines
from sselfie_insights.system import hidden_environment

if TYPE_CHECKING:
    from sselfie_insights.query import Result, Stamp
    from sselfie_insights.query.casts import Row
    from sselfie_insights.query.header import Unit
    from sselfie_insights.settings import Settings

F = TypeVar("F", bound=StrEnum)

Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter; repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE; - is stdout."),
]
WithPersonalData = Annotated[
    bool,
    typer.Option(
        "--with-personal-data", help="Keep columns that identify people, such as e-mails."
    ),
]


class TableFormat(StrEnum):
    """How a table is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"


FormatOption = Annotated[
    TableFormat | None,
    typer.Option("--format", help="Default: by the suffix of FILE, else table."),
]


def choose_format(
    given: TableFormat | None, output: Path | None, default: TableFormat = TableFormat.TABLE
) -> TableFormat:
    """Return the format asked for, else the one that the file's suffix names, else ``default``.

    Raises:
        UsageError: The suffix names no format.
    """
    return given or format_of(output, default)


def format_of(output: Path | None, default: F) -> F:
    """Return the format that the suffix of ``output`` names, ``default`` without one; txt is table.

    Raises:
        UsageError: It names none of them.
    """
    suffix = output.suffix.removeprefix(".").lower() if output is not None else ""
    if not suffix:
        return default
    formats = type(default)
    name = "table" if suffix == "txt" else suffix
    if name in {each.value for each in formats}:
        return formats(name)
    from sselfie_insights.errors import UsageError

    raise UsageError(
        f"{output}: no format is called {suffix!r}",
        remedy=f"choose one with --format: {', '.join(each.value for each in formats)}",
    )


def write_table(result: "Result", form: TableFormat, output: Path | None) -> None:
    """Write ``result`` to the file ``output``, or to stdout when it is None or ``-``.

    Raises:
        UsageError: The format cannot hold the table, the file cannot be written, or binary data
            would go to a terminal.
    """
    from sselfie_insights.query.write import BINARY_FORMATS, to_bytes, write_out

    content = to_bytes(result, form.value)
    write_out(content, output, sys.stdout.buffer, binary=form in BINARY_FORMATS)


def show_table(result: "Result", form: TableFormat, output: Path | None) -> None:
    """Write ``result`` like ``write_table``; a terminal gets what fits, and the rest's names.

    Raises:
        UsageError: As there.
    """
    if form is not TableFormat.TABLE or output is not None or not sys.stdout.isatty():
        write_table(result, form, output)
        return
    from sselfie_insights.query.table import break_words, lay_out
    from sselfie_insights.query.write import to_text_table

    width = shutil.get_terminal_size().columns
    lines, hidden = lay_out(break_words(to_text_table(result), width), width)
    print_text("\n".join(lines))
    if hidden:
        say_note(
            f"too wide for {width} characters a line: {', '.join(hidden)};"
            " widen the terminal or use --format csv"
        )


def show_document(
    form: TableFormat,
    output: Path | None,
    *,
    to_text: Callable[[int | None], str],
    to_json: Callable[[], bytes],
    to_result: "Callable[[], Result]",
) -> None:
    """Show what has a text and a JSON document of its own; the other formats hold its table.

    Args:
        form: The format.
        output: Where to; stdout if None.
        to_text: Gives the text, laid out for a terminal's width, or for none.
        to_json: Gives the document.
        to_result: Gives the table.

    Raises:
        UsageError: As for ``write_table``.
    """
    from sselfie_insights.query.write import write_out

    if form is TableFormat.JSON:
        write_out(to_json(), output, sys.stdout.buffer, binary=False)
    elif form is not TableFormat.TABLE:
        write_table(to_result(), form, output)
    elif output is not None:
        write_out(f"{to_text(None)}\n".encode(), output, sys.stdout.buffer, binary=False)
    else:
        print_text(to_text(shutil.get_terminal_size().columns if sys.stdout.isatty() else None))


def show_rows(
    name: str,
    columns: "dict[str, Unit]",
    rows: "list[Row]",
    form: TableFormat,
    output: Path | None,
) -> None:
    """Show what no query gave, ``rows`` of ``columns`` and their units, like a query's table."""
    from sselfie_insights.query import Column, Result

    described = {key: Column(unit=unit, description="") for key, unit in columns.items()}
    show_table(Result(name, rows, described, (), (), {}, None), form, output)


def print_text(text: str, *, is_styled: bool = False) -> None:
    """Print ``text``: on a terminal that it does not fit through ``$PAGER``, by default less.

    An empty ``PAGER`` turns that off. Styles in ``text`` stay off a terminal, too, where
    ``is_styled`` says that they are meant.
    """
    text = text if is_styled else clean_lines(text)
    lines = text.count("\n") + 1
    pager = shlex.split(os.environ.get("PAGER", "less"))
    fits = lines < shutil.get_terminal_size().lines
    if fits or not sys.stdout.isatty() or not pager or shutil.which(pager[0]) is None:
        typer.echo(text, color=is_styled or None)
        return
    sys.stdout.flush()
    # An interrupt is for the pager, which outlives it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with hidden_environment():
            environment = {"LESS": "-RFX"} | os.environ
        subprocess.run(pager, input=f"{text}\n".encode(), env=environment, check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def refuse_stale(settings: "Settings", stamp: "Stamp") -> None:
    """End with the exit code of stale data, once all that was asked for is written.

    Raises:
        StaleError: The data is older than the setting ``max_age``.
    """
    if settings.max_age is None:
        return
    from sselfie_insights.errors import StaleError
    from sselfie_insights.report.notices import describe_age

    age = describe_age(settings, stamp)
    if age:
        raise StaleError(age.rstrip("."), remedy="run 'sselfie run'")
