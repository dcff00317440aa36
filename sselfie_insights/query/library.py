"""Queries as files: a leading ``/* … */`` comment of YAML, then one SELECT.

::

    /*
    grain: One row per month and currency.
    title: Revenue by month
    description: What the numbers mean.
    key: [month, currency]
    parameters:
      since: {type: date, description: "The first month."}
    columns:
      month: {unit: month, description: "..."}
    */
    select … from marts.…

``interface: segment`` adds what ``queries/interfaces/segment.yml`` holds: a key, parameters, and
columns that come before the query's own.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.files import read_text
from sselfie_insights.resources import find_files

Unit = Literal[
    "cents",
    "rate",
    "count",
    "credits",
    "days",
    "number",
    "month",
    "date",
    "instant",
    "text",
    "flag",
]
NUMERIC_UNITS: frozenset[Unit] = frozenset({"cents", "rate", "count", "credits", "days", "number"})
PERIOD_UNITS: frozenset[Unit] = frozenset({"month", "date"})

_HEADER = re.compile(r"\A\s*/\*(?P<header>.*?)\*/(?P<body>.*)\Z", re.DOTALL)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def as_list(value: object) -> object:
    """Return a lone name as a list of one: what YAML may say either way."""
    return [value] if isinstance(value, str) else value


def _as_lists(value: object) -> object:
    """Return one list of names as a list of one such list; YAML may say either."""
    is_one = isinstance(value, list) and not any(isinstance(part, list) for part in value)
    return [value] if is_one else value


class Column(_Strict):
    """A column that a query gives.

    Attributes:
        unit: Its unit.
        description: What it means.
        pii: Whether it names a person.
        of: The column that counts the people it tells of: for a number where that is not the
            row's group size, as with the median of those who got somewhere; for a rate that
            is a share of them; for words that a small group's row must not hold.
        interval: The columns with the ends of the 95 % interval of such a share, which follow it
            in every result; ``<name>_low`` and ``<name>_high`` where the file names none.
    """

    unit: Unit
    description: str
    pii: bool = False
    of: str | None = None
    interval: tuple[str, str] | None = None


class _ParameterBase(_Strict):
    """What every kind of parameter has; ``needs`` are the only choices with which it is given."""

    description: str
    needs: dict[str, str] = {}


class TextParameter(_ParameterBase):
    """Free text, bound."""

    type: Literal["text"]
    default: str | None = None


class RangesParameter(_ParameterBase):
    """Ranges of whole numbers such as ``0,1-3``, bound as text in which none stands twice."""

    type: Literal["ranges"]
    default: str | None = None


class DateParameter(_ParameterBase):
    """An ISO date, bound."""

    type: Literal["date"]
    default: str | None = None


class IntegerParameter(_ParameterBase):
    """A whole number, bound."""

    type: Literal["integer"]
    default: int | None = None
    minimum: int | None = None
    maximum: int | None = None


class ChoiceParameter(_ParameterBase):
    """One of ``choices``; the only kind that a Jinja expression may read."""

    type: Literal["choice"]
    choices: tuple[str, ...]
    default: str

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> "ChoiceParameter":
        if self.default not in self.choices:
            raise ValueError(f"default {self.default!r} is not one of its choices")
        return self


Parameter = Annotated[
    TextParameter | RangesParameter | DateParameter | IntegerParameter | ChoiceParameter,
    Field(discriminator="type"),
]


def _add_intervals(columns: dict[str, Column]) -> dict[str, Column]:
    """Put the ends of its interval after each share of people."""
    whole: dict[str, Column] = {}
    for name, column in columns.items():
        whole[name] = column
        if column.unit != "rate" or column.of is None:
            if column.interval:
                raise ValueError(f"{name!r} is no rate of a number of people ('of')")
            continue
        low, high = column.interval or (f"{name}_low", f"{name}_high")
        for end, told in ((low, "Lower"), (high, "Upper")):
            if end in columns:
                raise ValueError(f"{end!r} is worked out from {name!r}: leave it out")
            description = f"{told} end of the 95 % interval of {name} (Wilson)."
            whole[end] = Column(unit="rate", of=column.of, description=description)
        whole[name] = column.model_copy(update={"interval": (low, high)})
    return whole


class _Interface(_Strict):
    key: tuple[str, ...]
    parameters: dict[str, Any] = {}
    columns: dict[str, Any]


class _Header(_Strict):
    grain: str
    title: str
    description: str
    key: tuple[str, ...]
    columns: Annotated[dict[str, Column], AfterValidator(_add_intervals)]
    parameters: dict[str, Parameter] = {}
    interface: str | None = None
    group_sizes: Annotated[
        tuple[str, ...], BeforeValidator(as_list), Field(alias="group_size")
    ] = ()
    part_of: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_as_lists)] = ()
    drill_downs: Annotated[
        tuple[str, ...], BeforeValidator(as_list), Field(alias="drill_down")
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _add_interface(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "interface" not in content:
            return content
        shared = dict(_read_interface(content["interface"]))
        both = {
            part: shared[part] | own
            for part, own in content.items()
            if isinstance(own, dict) and part in shared
        }
        return shared | content | both

    @model_validator(mode="after")
    def _names_are_columns(self) -> "_Header":
        counts = [column.of for column in self.columns.values() if column.of is not None]
        wholes = [name for whole in self.part_of for name in whole]
        for name in (*self.key, *self.group_sizes, *counts, *wholes):
            if name not in self.columns:
                raise ValueError(f"{name!r} is not one of its columns")
        if self.part_of and not self.group_sizes:
            raise ValueError("part_of needs a group_size")
        return self

    @model_validator(mode="after")
    def _needs_are_choices(self) -> "_Header":
        for name, parameter in self.parameters.items():
            for needed, choice in parameter.needs.items():
                if choice not in getattr(self.parameters.get(needed), "choices", ()):
                    raise ValueError(f"{name!r} needs {needed}={choice}, which is no choice")
        return self


@dataclass(frozen=True)
class Query:
    """A query of the library.

    Attributes:
        name: Its path below ``queries/`` without the suffix, e.g. ``churn/churn_by_month``.
        title: A few words for a heading.
        description: What the numbers mean, in full.
        grain: "One row per …".
        key: The columns that tell one row from another.
        parameters: By name, in the order of the header.
        columns: By name, in the order of the result; the ends of intervals are among them.
        group_sizes: Columns that count the people behind a row, if any; reports show a row with
            one to four of them as ``<5``.
        part_of: Sets of columns; rows that agree in all of a set add up, in the first of
            ``group_sizes``, to a number that is shown elsewhere, from which a single hidden row
            could be worked out. An empty set takes the whole table together.
        drill_downs: The queries that list the customers or rows behind its numbers; empty where
            its own rows are those.
        interface: The name of what it shares with others, if any; its parts are among its own.
        body: The SQL, a Jinja template over the choices.
        path: The file.
    """

    name: str
    title: str
    description: str
    grain: str
    key: tuple[str, ...]
    parameters: dict[str, Parameter]
    columns: dict[str, Column]
    group_sizes: tuple[str, ...]
    body: str
    path: Path
    part_of: tuple[tuple[str, ...], ...] = ()
    drill_downs: tuple[str, ...] = ()
    interface: str | None = None

    @property
    def period_columns(self) -> tuple[str, ...]:
        """The columns of the key that hold a month or a day, if any."""
        return tuple(name for name in self.key if self.columns[name].unit in PERIOD_UNITS)


def list_names() -> list[str]:
    """Return the names of every query, sorted, without reading the files."""
    return sorted(_find_files())


def load_library(folders: Iterable[Path] | None = None) -> dict[str, Query]:
    """Return every query by name, sorted; of two with one name the earlier folder's counts.

    Args:
        folders: Where to look; by default ``queries/`` of the working directory, then the
            packaged ones.

    Raises:
        UsageError: A file's header is wrong; the message names the file and the key.
    """
    files = _find_files(folders)
    return {name: _read_query(name, files) for name in sorted(files)}


def load_query(name: str) -> Query:
    """Return the query called ``name`` as ``find_query`` does, and read no other's file.

    Raises:
        UsageError: There is none, or its header is wrong.
    """
    files = _find_files()
    return _read_query(_resolve(name, files), files)


def find_query(name: str, library: dict[str, Query]) -> Query:
    """Return the query called ``name``; its last part suffices where only one query has it.

    Raises:
        UsageError: There is none; the message offers the nearest name.
    """
    return library[_resolve(name, library)]


def parse_query(name: str, path: Path) -> Query:
    """Return the query that the file at ``path`` holds.

    Raises:
        UsageError: The file cannot be read, or its header is missing or wrong.
    """
    return _parse_text(name, path, read_text(path))


@cache
def _parse_text(name: str, path: Path, text: str) -> Query:
    """A library is asked for many times while a site is made, and its files stay the same."""
    match = _HEADER.match(text)
    if match is None:
        raise UsageError(
            f"{path} does not begin with a /* … */ header",
            remedy="give it grain, title, description, key and columns in YAML",
        )
    header = parse_yaml(_Header, match["header"], path)
    body = match["body"].strip().rstrip(";")
    return Query(name=name, body=body, path=path, **dict(header))


def parse_yaml(model: Any, text: str, path: Path) -> Any:
    """Return ``model`` (a pydantic type) made from the YAML ``text`` of ``path``.

    Raises:
        UsageError: It is no YAML, or not as ``model`` says; the message names the key.
    """
    try:
        # libyaml reads it ten times as fast as Python does.
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is not valid YAML: {reason}") from None
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        reason = first["msg"].removeprefix("Value error, ").partition(" or instance of ")[0]
        raise UsageError(f"{path}: {where}: {reason}") from None


def _read_query(name: str, files: Mapping[str, Path]) -> Query:
    """Parse a query whose drill-downs are to be among ``files``."""
    query = parse_query(name, files[name])
    for behind in query.drill_downs:
        if behind not in files:
            raise UsageError(
                f"{query.path}: drill_down: there is no query {behind!r}{nearest(behind, files)}"
            )
    return query


def _read_interface(name: object) -> _Interface:
    files = find_files("queries/interfaces", "*.yml")
    if name not in files:
        raise ValueError(f"there is no interface {name!r}{nearest(str(name), files)}")
    path = files[str(name)]
    interface: _Interface = parse_yaml(_Interface, read_text(path), path)
    return interface


def _resolve(name: str, known: Collection[str]) -> str:
    if name in known:
        return name
    short = [full for full in known if full.rpartition("/")[2] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise UsageError(
            f"several queries are called {name!r}", remedy=f"name one: {', '.join(sorted(short))}"
        )
    raise UsageError(
        f"unknown query {name!r}{nearest(name, known)}", remedy="see 'sselfie query list'"
    )


def _find_files(folders: Iterable[Path] | None = None) -> dict[str, Path]:
    return find_files("queries", "**/*.sql", folders)
