"""Options that mean the same in every command that shows data, and where the data goes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter; repeat freely."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE; - is stdout."),
]
WithPersonalData = Annotated[
    bool,
    typer.Option("--with-personal-data", help="Keep columns that name people, such as e-mails."),
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


def choose_format(given: TableFormat | None, output: Path | None) -> TableFormat:
    """Return the format asked for, else the one that the file's suffix names, else table."""
    if given is not None:
        return given
    suffix = output.suffix.removeprefix(".").lower() if output is not None else ""
    return TableFormat(suffix) if suffix in set(TableFormat) else TableFormat.TABLE
