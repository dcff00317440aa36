"""CSV files that the owner keeps beside ``sselfie.toml``: read line by line, and checked."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from sselfie_insights.errors import UsageError, nearest

Line = TypeVar("Line", bound=BaseModel)


def _empty_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


EmptyIsNone = BeforeValidator(_empty_is_none)
"""Reads an empty cell as None."""

Currency = Annotated[str, BeforeValidator(_lower), Field(pattern="^[a-z]{3}$")]
"""ISO 4217, in lower case."""


def read_lines(path: Path, model: type[Line]) -> list[tuple[int, Line]]:
    """Return the lines of ``path`` and their numbers; none where there is no file.

    An empty cell of a field that has a default stands for the default.

    Raises:
        UsageError: The file cannot be read, or a line is wrong; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(_read(path, file, model))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not lines:
        raise UsageError(f"{path} holds no line", remedy="fill it in, or remove it")
    seen: dict[Line, int] = {}
    for number, line in lines:
        if line in seen:
            raise UsageError(
                f"{path} line {number} is the same as line {seen[line]}", remedy="remove one"
            )
        seen[line] = number
    return lines


def _read(path: Path, file: Any, model: type[Line]) -> Iterator[tuple[int, Line]]:
    reader = csv.DictReader(file)
    known = model.model_fields
    required = [name for name, field in known.items() if field.is_required()]
    for name in reader.fieldnames or ():
        if name not in known:
            raise UsageError(
                f"{path} has a column {name!r}{nearest(name, known)}",
                remedy=f"its columns are {', '.join(known)}",
            )
    if missing := [name for name in required if name not in (reader.fieldnames or ())]:
        raise UsageError(
            f"{path} lacks the column {missing[0]!r}",
            remedy=f"its columns are {', '.join(known)}",
        )
    for row in reader:
        if None in row or None in row.values():
            raise UsageError(
                f"{path} line {reader.line_num} has {'more' if None in row else 'fewer'} cells"
                " than the first line has names",
                remedy="give every column of the line a cell, which may be empty",
            )
        given = {name: cell for name, cell in row.items() if name in required or cell.strip()}
        try:
            yield reader.line_num, model.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = f", {first['loc'][0]}" if first["loc"] else ""
            reason = first["msg"].removeprefix("Value error, ")
            raise UsageError(
                f"{path} line {reader.line_num}{where}: {reason}", remedy="correct the line"
            ) from None
