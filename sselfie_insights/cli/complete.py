"""What the shell may complete: names, sections, publications, parameters and their values.

A completion says nothing where it cannot know: no warehouse, a file that is wrong.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sselfie_insights.query.header import Parameter
    from sselfie_insights.query.library import Query

_BREAKS = "=:"
"""Where bash breaks words, of what stands in our arguments."""

_typed_before: list[str] = []
"""What of the word that is completed bash took for words of their own; it stays as it is typed."""

Complete = Callable[[typer.Context, str], list[str]]


def join_words() -> None:
    """Put together again what bash has broken at ``=`` and ``:``, before Typer reads the words."""
    if os.environ.get("_SSELFIE_COMPLETE") != "complete_bash":
        return
    try:
        words, place = shlex.split(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
    except (KeyError, ValueError):  # an open quotation: Typer knows what to do
        return
    words += [""] * (place + 1 - len(words))
    joined: list[str] = []
    for index, word in enumerate(words[: place + 1]):
        is_break = word != "" and word in _BREAKS
        is_joined = index > 1 and (is_break or words[index - 1] in tuple(_BREAKS))
        before = joined.pop() if is_joined else ""
        joined.append(before + word)
        _typed_before[:] = [before + word if is_break else before]
    joined[-1] = joined[-1].removeprefix(_typed_before[0])
    os.environ["COMP_WORDS"] = shlex.join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)


def _matching(complete: Callable[[typer.Context, str], Iterable[str]]) -> Complete:
    """Keep of what ``complete`` knows what begins as the word does, as far as bash replaces it."""

    @wraps(complete)
    def run(ctx: typer.Context, incomplete: str) -> list[str]:
        from sselfie_insights.errors import SselfieError

        typed = "".join(_typed_before)
        with suppress(SselfieError, OSError):
            found = complete(ctx, typed + incomplete)
            return [
                each.removeprefix(typed) for each in found if each.startswith(typed + incomplete)
            ]
        return []

    return run


@_matching
def complete_query(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield full names of queries, and short ones that mean one alone."""
    from sselfie_insights.errors import UsageError
    from sselfie_insights.query.library import list_names, resolve

    names = list_names()
    yield from names
    if incomplete and not any(name.startswith(incomplete) for name in names):
        for name in names:
            short = name.rpartition("/")[2]
            with suppress(UsageError):
                if short.startswith(incomplete) and resolve(short, names):
                    yield short


@_matching
def complete_report(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of reports."""
    from sselfie_insights.report.definition import list_names

    return list_names()


@_matching
def complete_segment(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of segments."""
    from sselfie_insights.segment import list_segments

    return list_segments()


@_matching
def complete_measure(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the measures that can be explained."""
    from sselfie_insights.explain import list_measures

    return list_measures()


@_matching
def complete_publication(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the days of kept publications, the newest first, then ``latest`` and their names."""
    from sselfie_insights.warehouse.publications import LATEST, list_publications

    kept = list_publications(_settings(ctx).warehouse)[::-1]
    yield from dict.fromkeys(f"{each.published_at:%Y-%m-%d}" for each in kept)
    yield LATEST
    if incomplete:
        yield from (each.name for each in kept)


@_matching
def complete_section(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the sections of the report that is named, for each of its currencies or segments."""
    from sselfie_insights.query.library import load_library
    from sselfie_insights.report.definition import load_report
    from sselfie_insights.report.formats import name_sections
    from sselfie_insights.warehouse.reading import OpenWarehouse

    report = load_report(_name(ctx))
    with OpenWarehouse(_settings(ctx).warehouse) as opened:
        return name_sections(opened, report, load_library())


@_matching
def complete_column(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the query that is named, after those that are there already."""
    before = incomplete[: incomplete.rfind(",") + 1]
    sign = "-" if incomplete.removeprefix(before).startswith("-") else ""
    columns = _query(ctx).columns
    return [f"{before}{sign}{column.head(name)}" for name, column in columns.items()]


@_matching
def complete_parameter(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ``name=``, and ``name=value`` once one name is left."""
    known = _parameters(ctx)
    given = {word.partition("=")[0] for word in ctx.params.get("parameter") or ()}
    name, equals, _ = incomplete.partition("=")
    names = [each for each in known if each not in given and each.startswith(name)]
    if equals:
        names = [name] if name in known else []
    elif len(names) > 1:
        return [f"{each}=" for each in names]
    return [f"{each}={value}" for each in names for value in known[each] or [""]]


def _parameters(ctx: typer.Context) -> dict[str, list[str]]:
    """The parameters of the query, segment or report that is named, with the values known."""
    if ctx.parent is None or ctx.parent.info_name != "report":
        return {name: _values(each) for name, each in _query(ctx).parameters.items()}
    from sselfie_insights.query.header import NUMERIC_UNITS
    from sselfie_insights.query.library import load_query
    from sselfie_insights.report.definition import CohortGridSection, load_report

    known: dict[str, list[str]] = {}
    report = load_report(_name(ctx))
    for source in report.sources:
        query = load_query(source.query)
        for name, parameter in query.parameters.items():
            if name not in source.values:
                known[name] = list(dict.fromkeys([*known.get(name, []), *_values(parameter)]))
        if isinstance(source, CohortGridSection):
            columns = (name for name, each in query.columns.items() if each.unit in NUMERIC_UNITS)
            known["value"] = list(dict.fromkeys([*known.get("value", []), *columns]))
    return known


def _values(parameter: "Parameter") -> list[str]:
    from sselfie_insights.contract import load_mart
    from sselfie_insights.segment import list_segments

    today = datetime.now(UTC).date()
    match parameter.type:
        case "choice":
            return list(parameter.choices)
        case "split":
            columns = [column.name for mart in parameter.of for column in load_mart(mart).columns]
            segments = [f"segment:{name}" for name in list_segments()]
            return list(dict.fromkeys([parameter.default, *columns, *segments]))
        case "segment":
            return list_segments()
        case "date":
            return [f"{today:%Y}-01-01", f"{today:%Y-%m}-01"]
        case _:
            known = (parameter.default, getattr(parameter, "on_screen", None))
            return [str(value) for value in known if value is not None]


def _name(ctx: typer.Context) -> str:
    """What the command shows; where an option's value is missing, Typer reads no arguments."""
    return str(ctx.params.get("name") or next(iter(ctx.args), ""))


def _query(ctx: typer.Context) -> "Query":
    if ctx.parent is not None and ctx.parent.info_name == "segment":
        from sselfie_insights.segment import find_segment

        return find_segment(_name(ctx))
    from sselfie_insights.query.library import load_query

    return load_query(_name(ctx))


def _settings(ctx: typer.Context) -> Any:
    from sselfie_insights.settings import load_settings

    return load_settings(warehouse=ctx.params.get("warehouse"))
