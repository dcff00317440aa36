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
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.files import read_text
from sselfie_insights.query.header import (
    PERIOD_UNITS,
    Carries,
    Column,
    Explains,
    Header,
    Parameter,
    Refusal,
    Repeats,
)
from sselfie_insights.query.identities import Identity
from sselfie_insights.query.yaml_files import parse_yaml
from sselfie_insights.resources import find_files
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt

EXPLAINING = "explain/"
"""The folder of queries whose rows of people explain a public number: each says which one."""

_PERSONS = ("customer_key", "user_id")
"""Columns that are a person each."""

_LEADING = re.compile(r"\A\s*/\*(?P<header>.*?)\*/(?P<body>.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """A query of the library.

    Attributes:
        name: Its path below ``queries/`` without the suffix, e.g. ``churn/churn_by_month``.
        title: A few words for a heading.
        description: What the numbers mean, in full.
        grain: "One row per …".
        key: The columns that identify a row.
        parameters: By name, in the order of the header.
        columns: By name, in the order of the result; the ends of intervals are among them.
        people: The columns that count the distinct people behind a row; of each, reports show
            groups of one to four as ``<5``.
        no_people: Why its numbers are about nobody, where that is so.
        analysts_only: Why what is made for others does not show it, though it counts its people.
        group: The columns that name the people behind a row, where several rows are about the same
            people; empty where each row is about its own.
        part_of: Sets of columns; rows that agree in all of a set add up, in the first of
            ``people``, to a number that is shown elsewhere, from which a single hidden row
            could be worked out. An empty set takes the whole table together.
        identities: What holds of the numbers of people in every row.
        refuse: Combinations of parameters that mean nothing.
        interface: The name of what it shares with others, if any; its parts are among its own.
        rows: The queries that list the customers or rows behind its numbers; empty where its own
            rows are those. Each reads first the mart whose rows it lists.
        carries: To which of its numbers a change of such a row carries over: those of the row's own
            ``period``; ``forward`` to later ones too, as in a balance; or those of so many days
            after it, as in a trailing window. ``now`` marks numbers of the present. None where it
            is not said.
        explains: The public number whose change its rows add up to, if any.
        repeats: The columns that say which numbers of other queries its rows repeat, if they do.
        answer: The column that it is asked for, which a narrow terminal keeps; None where
            ``view.find_answer`` finds it.
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
    body: str
    path: Path
    group: tuple[str, ...] = ()
    part_of: tuple[tuple[str, ...], ...] = ()
    identities: tuple[Identity, ...] = ()
    refuse: tuple[Refusal, ...] = ()
    interface: str | None = None
    people: tuple[str, ...] = ()
    no_people: str | None = None
    analysts_only: str | None = None
    rows: tuple[str, ...] = ()
    carries: Carries | None = None
    explains: Explains | None = None
    repeats: Repeats | None = None
    answer: str | None = None

    @property
    def period_columns(self) -> tuple[str, ...]:
        """The columns of the key that hold a month or a day, if any."""
        return tuple(name for name in self.key if self.columns[name].unit in PERIOD_UNITS)


def list_names() -> list[str]:
    """Return the names of every query, sorted, without reading the files."""
    return sorted(_find_files())


class Library(Mapping[str, Query]):
    """Queries by name, sorted; the file of each is read when it is first asked for.

    Attributes:
        broken: Why the files that ``read_all`` found wrong are no queries, by name.
    """

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        """Find the files below ``folders``; see ``load_library``."""
        self.broken: dict[str, Gap] = {}
        self._files = _find_files(folders)
        self._read: dict[str, Query] = {}

    def __getitem__(self, name: str) -> Query:
        """Return the query called ``name`` in full.

        Raises:
            KeyError: There is none.
            UsageError: Its header is wrong; the message names the file and the key.
        """
        if name not in self._read:
            self._read[name] = _read_query(name, self._files)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Give the names of all that are not broken."""
        return (name for name in sorted(self._files) if name not in self.broken)

    def __len__(self) -> int:
        """Count them."""
        return len(self._files) - len(self.broken)

    def __or__(self, others: Mapping[str, Query]) -> "Library":
        """Return these, and ``others`` that stand in no file of theirs."""
        both = copy(self)
        both._files = self._files | {name: query.path for name, query in others.items()}
        both._read = self._read | dict(others)
        return both

    def read_all(self, on_gap: OnGap) -> None:
        """Read every file; those whose header is wrong are broken, and ``on_gap`` receives them."""
        for name in self:
            read = attempt(f"query {name}", partial(self.__getitem__, name), on_gap)
            if isinstance(read, Gap):
                self.broken[name] = read


def load_library(folders: Iterable[Path] | None = None, on_gap: OnGap | None = None) -> Library:
    """Return every query by name, sorted; of two with one name the earlier folder's counts.

    Args:
        folders: Where to look; by default ``queries/`` of the working directory, then the
            packaged ones.
        on_gap: Receives the files whose header is wrong, which are then left out. Without it a
            file is read when its query is asked for, and raises then.
    """
    library = Library(folders)
    if on_gap is not None:
        library.read_all(on_gap)
    return library


def load_query(name: str) -> Query:
    """Return the query called ``name`` as ``find_query`` does, and read no other's file.

    Raises:
        UsageError: There is none, or its header is wrong.
    """
    files = _find_files()
    return _read_query(resolve(name, files), files)


def find_query(name: str, library: Mapping[str, Query]) -> Query:
    """Return the query called ``name``; its last part suffices where it can mean no other.

    Raises:
        UsageError: There is none, or several; the message offers the nearest name, or them all.
    """
    if isinstance(library, Library) and name in library.broken:
        raise UsageError(library.broken[name].reason)
    return library[resolve(name, library)]


def is_public(query: Query) -> bool:
    """Whether what is made for others may show it.

    It counts its people, lists none, and says nothing by which others' hidden ones can be counted.
    """
    counts = bool(query.people) or query.no_people is not None
    return counts and query.analysts_only is None and query.columns.keys().isdisjoint(_PERSONS)


def require_people(query: Query) -> None:
    """Refuse a query that what is made for others may not show.

    Raises:
        UsageError: It lists people; it is for analysts only; or it names no column that counts
            people, and does not say that its numbers are about nobody.
    """
    if is_public(query):
        return
    if query.analysts_only is not None:
        raise UsageError(
            f"query {query.name} is for analysts only: {query.analysts_only}",
            remedy=f"'sselfie query run {query.name}' shows it",
        )
    if not query.columns.keys().isdisjoint(_PERSONS):
        raise UsageError(
            f"query {query.name} lists people, and no page shows a person",
            remedy="count them in a query of your own; 'sselfie query run' lists them",
        )
    raise UsageError(
        f"{query.path} does not say how many people its numbers are about, so that small groups"
        " could not be hidden: name the columns that count the distinct people of a row, as in"
        " 'people: user_count', or say why they are about nobody, as in"
        " 'no_people: A row is a check.'"
    )


def parse_query(name: str, path: Path) -> Query:
    """Return the query that the file at ``path`` holds.

    Raises:
        UsageError: The file cannot be read, or its header is missing or wrong.
    """
    return _parse_text(name, path, read_text(path))


@cache
def _parse_text(name: str, path: Path, text: str) -> Query:
    """A library is asked for many times while a site is made, and its files stay the same."""
    match = _LEADING.match(text)
    if match is None:
        raise UsageError(
            f"{path} does not begin with a /* … */ header",
            remedy="give it grain, title, description, key and columns in YAML",
        )
    header = parse_yaml(Header, match["header"], path)
    body = match["body"].strip().rstrip(";")
    return Query(name=name, body=body, path=path, **dict(header))


def _read_query(name: str, files: Mapping[str, Path]) -> Query:
    """Parse a query; those that it names are to be among ``files``."""
    query = parse_query(name, files[name])
    explained = [query.explains.query, *query.explains.also.values()] if query.explains else []
    for key, others in (("rows", query.rows), ("explains", explained)):
        for other in others:
            if other not in files:
                raise UsageError(
                    f"{query.path}: {key}: there is no query {other!r}{nearest(other, files)}"
                )
    return query


def resolve(name: str, known: Collection[str]) -> str:
    """Return the one of ``known`` that is called ``name``.

    What explains a number is behind it, and not what is meant where others are called much so.

    Raises:
        UsageError: There is none, or several; the message offers the nearest name, or them all.
    """
    if name in known:
        return name
    near = sorted(full for full in known if name and full.rpartition("/")[2].startswith(name))
    exact = [full for full in near if full.rpartition("/")[2] == name]
    if len(exact) == 1 and (len(near) == 1 or not exact[0].startswith(EXPLAINING)):
        return exact[0]
    if exact or len(near) > 1:
        raise UsageError(
            f"{name!r} could mean {len(near)} queries: {', '.join(near)}",
            remedy="give the full name of one",
        )
    raise UsageError(
        f"unknown query {name!r}{nearest(name, known)}", remedy="see 'sselfie query list'"
    )


def _find_files(folders: Iterable[Path] | None = None) -> dict[str, Path]:
    return find_files("queries", "**/*.sql", folders)
