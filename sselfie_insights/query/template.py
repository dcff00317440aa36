"""Render a query's SQL, a Jinja template over its choices."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, UndefinedError
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import SandboxedEnvironment

from sselfie_insights.contract import load_mart
from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.header import (
    ChoiceParameter,
    Parameter,
    SegmentParameter,
    SplitParameter,
)
from sselfie_insights.query.library import Query, list_names, load_query
from sselfie_insights.query.parameters import Value, check_values
from sselfie_insights.resources import find_replaced, list_folders, resource_dir
from sselfie_insights.sql import literal, quote

_SEGMENTS = "segments/"


@dataclass(frozen=True)
class Split:
    """What people are split by.

    Attributes:
        name: ``none``, the column, or the segment.
        column: The column of the first mart that has a value, as SQL; empty where it is none.
        people: The SELECT of the segment's people; empty where it is none.
    """

    name: str
    column: str = ""
    people: str = ""


def compile_query(query: Query, given: Mapping[str, str]) -> tuple[str, dict[str, Value]]:
    """Return the SQL of ``query`` for these values, and the checked values to bind.

    Raises:
        UsageError: A value is wrong, or the template is.
    """
    values = check_values(query, given)
    shaping = {
        name: _shape(name, parameter, values[name])
        for name, parameter in query.parameters.items()
        if isinstance(parameter, ChoiceParameter | SplitParameter | SegmentParameter)
    }
    folders = tuple(folder.resolve() for folder in list_folders("queries"))
    environment = _environment(folders, tuple(sorted(folders[0].rglob("*.jinja"))))
    with _translate_errors(query):
        sql = environment.from_string(query.body).render(shaping).strip()
    return sql, values


@cache
def _environment(folders: tuple[Path, ...], own: tuple[Path, ...]) -> SandboxedEnvironment:
    """Return what renders queries; one for all, so that the parts they share are compiled once.

    Args:
        folders: Where templates are looked for, in order.
        own: The parts in the first folder: one that comes takes the place of a compiled one.
    """
    return SandboxedEnvironment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_out(query: Query, given: Mapping[str, str]) -> str:
    """Return the SQL of ``query`` with its values written into it, so that nothing is bound.

    Raises:
        UsageError: A value is wrong, or the template is.
    """
    sql, values = compile_query(query, given)
    return re.sub(r"\$(\w+)", lambda found: _write(found, values), sql)


def _write(found: re.Match[str], values: Mapping[str, Value]) -> str:
    """Return the value of a parameter as SQL, and what looks like one in a text as it is."""
    return literal(values[found[1]]) if found[1] in values else found[0]


def _shape(name: str, parameter: Parameter, value: Value) -> object:
    """Return what a Jinja expression reads of a checked value."""
    if isinstance(parameter, SegmentParameter):
        return "" if value is None else _select_people(name, str(value))
    if not isinstance(parameter, SplitParameter):
        return value
    split, _, segment = str(value).partition(":")
    if split == "segment" and segment:
        return Split(segment, people=_select_people(name, segment))
    if value == parameter.default:
        return Split(split)
    owners: dict[str, list[str]] = {}
    for mart in parameter.of:
        for column in load_mart(mart).columns:
            if not column.is_pii:
                owners.setdefault(column.name, []).append(f"{mart}.{quote(column.name)}")
    if value not in owners:
        raise UsageError(
            f"parameter {name!r} cannot be {value!r}{nearest(str(value), owners)}",
            remedy=f"name a column of {' or '.join(parameter.of)}, or segment:NAME",
        )
    return Split(str(value), column=f"coalesce({', '.join(owners[str(value)])})")


def _select_people(name: str, segment: str) -> str:
    """Return the SELECT of the keys of a segment's people, with its parameters' defaults."""
    names = [each.removeprefix(_SEGMENTS) for each in list_names() if each.startswith(_SEGMENTS)]
    if segment not in names:
        raise UsageError(
            f"parameter {name!r}: unknown segment {segment!r}{nearest(segment, names)}",
            remedy="see 'sselfie segment list'",
        )
    sql = write_out(load_query(_SEGMENTS + segment), {})
    return f"select customer_key from ({sql}\n) where customer_key is not null"  # noqa: S608  # ours


def is_packaged(query: Query) -> bool:
    """Say whether ``query`` is one of the package, and no file of the user's own."""
    return resource_dir("queries") in query.path.parents


def has_own_sql(query: Query, values: Mapping[str, Value]) -> bool:
    """Say whether SQL of the user's own is in ``query``: its file, a part of it, or a segment.

    Args:
        query: What is run.
        values: The checked values of its parameters.

    Raises:
        UsageError: A value names no segment.
    """
    segments = [
        str(value).removeprefix("segment:")
        for name, parameter in query.parameters.items()
        if (value := values[name]) is not None
        and (
            isinstance(parameter, SegmentParameter)
            or (isinstance(parameter, SplitParameter) and str(value).startswith("segment:"))
        )
    ]
    named = [query, *(load_query(_SEGMENTS + name) for name in segments)]
    return not all(map(is_packaged, named)) or bool(find_replaced("queries", "**/*.jinja"))


def read_templates(query: Query) -> list[str]:
    """Return the template of ``query`` and those of the parts that it includes, for any choice.

    Raises:
        UsageError: A template is wrong, or a part is missing.
    """
    environment = SandboxedEnvironment()
    loader = FileSystemLoader(list_folders("queries"))
    texts = [query.body]
    seen = set()
    with _translate_errors(query):
        for text in texts:  # which grows by what each includes
            for name in _list_parts(text):
                if name not in seen:
                    seen.add(name)
                    texts.append(loader.get_source(environment, name)[0])
    return texts


@cache
def _list_parts(text: str) -> tuple[str, ...]:
    """The names of the templates that one includes or imports."""
    found = find_referenced_templates(SandboxedEnvironment().parse(text))
    return tuple(name for name in found if name is not None)


@contextmanager
def _translate_errors(query: Query) -> Iterator[None]:
    """Say in one line what is wrong with a template, whose expressions raise what Python's do."""
    try:
        yield
    except UndefinedError as error:
        raise UsageError(
            f"{query.path}: {error}", remedy="only choices, splits and segments can shape the SQL"
        ) from None
    except Exception as error:
        raise UsageError(f"{query.path}: {' '.join(str(error).split())}") from None
