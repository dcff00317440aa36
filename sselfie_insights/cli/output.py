"""Options that mean the same in every command that shows data, and where the data goes."""

import inspect
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sselfie_insights.cli.complete import complete_column, complete_parameter
from sselfie_insights.cli.options import say_note
from sselfie_insights.printable import clean_lines
from sselfie_insights.system import hidden_environment

if TYPE_CHECKING:
    from sselfie_insights.query import Result, Stamp
    from sselfie_insights.query.casts import Row
    from sselfie_insights.query.header import Unit
    from sselfie_insights.query.table import TextTable
    from sselfie_insights.settings import Settings

F = TypeVar("F", bound=StrEnum)

MOST_ROWS = 100
"""Of a table that a terminal shows where nobody asks for more."""

Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="NAME=VALUE",
        help="Set a parameter; repeatable.",
        autocompletion=complete_parameter,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE; - is stdout."),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
WithPersonalData = Annotated[
    bool,
    typer.Option(
        "--with-personal-data", help="Keep columns that identify people, such as e-mails."
    ),
]


class TableFormat(StrEnum):
    """How a table is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
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
    """Return the format that the suffix of ``output`` names, ``default`` without one.

    That of txt is table, that of md is markdown.

    Raises:
        UsageError: It names none of them.
    """
    suffix = output.suffix.removeprefix(".").lower() if output is not None else ""
    if not suffix:
        return default
    formats = type(default)
    name = {"txt": "table", "md": "markdown"}.get(suffix, suffix)
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


@dataclass(frozen=True)
class Table:
    """How a command shows its table: what the options of ``shows_table`` say.

    Attributes:
        form: The format.
        output: Where to; stdout if None.
        columns: The columns to show, in their order; all without.
        sort: Columns to sort by, ``-`` before one turns its order.
        limit: The most rows; 0 is all, None what suits the place.
        is_expanded: Whether each row is a block of lines.
    """

    form: TableFormat = TableFormat.TABLE
    output: Path | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    limit: int | None = None
    is_expanded: bool = False

    @property
    def is_screen(self) -> bool:
        """Whether people read it where the command prints it."""
        return self.form is TableFormat.TABLE and self.output is None

    @property
    def is_text(self) -> bool:
        """Whether people read it, wherever it goes."""
        return self.form in (TableFormat.TABLE, TableFormat.MARKDOWN)

    def show(self, result: "Result") -> None:
        """Write ``result``; a terminal gets what fits, and at its foot what was left out.

        Raises:
            UsageError: There is no column of a name, or as for ``write_table``.
        """
        from sselfie_insights.query.view import View, arrange_rows, keep_columns
        from sselfie_insights.query.write import to_markdown, to_text_table, write_out

        view = View(self.columns, self.sort, self.limit)
        names = view.choose_columns(result)
        shown = arrange_rows(result, view)
        if self.form is TableFormat.XLSX and "currency" in result.columns:
            names = list(dict.fromkeys([*names, "currency"]))  # which says how money is written
        if not self.is_text:
            write_table(keep_columns(shown, names), self.form, self.output)
            return
        table = to_text_table(shown, names)
        if self.is_screen and sys.stdout.isatty():
            print_text("\n".join(self._lay_out(table, result.height)))
            return
        if self.form is TableFormat.MARKDOWN:
            text = to_markdown(table)
        else:
            text = "".join(f"{line}\n" for line in _set_table(table, None, self.is_expanded)[0])
        write_out(text.encode(), self.output, sys.stdout.buffer, binary=False)

    def show_rows(self, name: str, columns: "dict[str, Unit]", rows: "list[Row]") -> None:
        """Show what no query gave, ``rows`` of ``columns`` and their units, like a query's table.

        Raises:
            UsageError: As ``show``.
        """
        from sselfie_insights.query import Column, Result

        described = {key: Column(unit=unit, description="") for key, unit in columns.items()}
        whole = replace(self, limit=self.limit or 0)  # nobody looks for a name in half a list
        whole.show(Result(name, rows, described, (), (), {}, None))

    def _lay_out(self, table: "TextTable", height: int) -> list[str]:
        """Return the lines of ``table``, of ``height`` rows altogether, for the terminal."""
        from sselfie_insights.query.table import cut_middle, fits

        width, count, lost = shutil.get_terminal_size().columns, len(table.rows), 0
        is_expanded = self.is_expanded or not fits(table, width)
        if self.limit is None and not is_expanded:
            table, lost = cut_middle(table, MOST_ROWS)
        lines, hidden = _set_table(table, width, is_expanded)
        if not count:
            return lines  # the command says why there are none
        rows = f"{count:,} row{'s' * (count != 1)}"
        if count < height:
            rows = f"{count:,} of {height:,} rows; --limit 0 shows all"
        elif lost:
            rows = f"{count - lost:,} of {count:,} rows, the middle left out; --limit 0 shows all"
        foot = [rows]
        if hidden:
            foot.append(
                f"{len(hidden)} of {len(table.headers)} columns left out: {', '.join(hidden)};"
                " -x shows every column, --columns those you name"
            )
        return [*lines, "", *(part for line in foot for part in wrap(line, width))]


def shows_table(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` the options that say how a table is shown, for its parameter ``table``."""
    signature = inspect.signature(command, eval_str=True)
    options = inspect.signature(_read_table, eval_str=True).parameters

    @wraps(command)
    def run(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in options if name in arguments}
        command(**arguments, table=_read_table(**given))

    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += options.values() if name == "table" else [parameter]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    )
    return run


def _names(words: str) -> Any:
    """The option of some columns of the table."""
    return typer.Option(metavar="NAME,…", help=words, autocompletion=complete_column)


def _read_table(
    form: FormatOption = None,
    output: Output = None,
    columns: Annotated[str, _names("Only these columns, in this order.")] = "",
    sort: Annotated[str, _names("Sort by these columns; -NAME turns the order.")] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help=f"At most N rows, 0 is all; default: {MOST_ROWS} on a terminal, else all.",
        ),
    ] = None,
    is_expanded: Annotated[
        bool, typer.Option("-x", "--expanded", help="Show each row as a block, a column a line.")
    ] = False,
) -> Table:
    table = Table(
        choose_format(form, output), output, _split(columns), _split(sort), limit, is_expanded
    )
    if is_expanded and table.form is not TableFormat.TABLE:
        from sselfie_insights.errors import UsageError

        raise UsageError(
            f"--expanded is for --format table, not {table.form}", remedy="leave one of them out"
        )
    return table


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _set_table(
    table: "TextTable", width: int | None, is_expanded: bool
) -> tuple[list[str], list[str]]:
    from sselfie_insights.query.table import expand, lay_out

    return (expand(table, width), []) if is_expanded else lay_out(table, width)


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


def open_page(path: Path) -> None:
    """Open the page at ``path`` in the browser, or say where it is."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        say_note(f"no browser was found here; open {path}")


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
