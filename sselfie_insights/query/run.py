"""Run a query: bind its values, give a typed frame with units."""

import shlex
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from sselfie_insights import __version__
from sselfie_insights.errors import SselfieError, UnknownError, UsageError, nearest
from sselfie_insights.query.casts import (
    SUBQUERY,
    WIDE,
    Row,
    cast_column,
    cast_exactly,
    in_utc,
    unit_of,
    write_ends,
)
from sselfie_insights.query.header import Column
from sselfie_insights.query.library import Query
from sselfie_insights.query.lineage import read_tables
from sselfie_insights.query.parameters import Value
from sselfie_insights.query.personal import Masked, open_masked
from sselfie_insights.query.result import Result
from sselfie_insights.query.template import compile_query, has_own_sql, is_packaged
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp
from sselfie_insights.warehouse.unknown import WHOLE, write_lacks

if TYPE_CHECKING:
    import polars as pl

_OWN_SQL = "the SQL"  # as errors call a statement of the user's own


class _Remedies(NamedTuple):
    """What helps where a table, or a column, is missing."""

    table: str
    column: str = ""


_LISTED = _Remedies("'show all tables' lists them")


def run_query(
    warehouse: OpenWarehouse,
    query: Query,
    given: Mapping[str, str] | None = None,
    *,
    with_personal_data: bool = False,
    as_rows: bool = False,
) -> Result:
    """Run ``query`` and return its table.

    Args:
        warehouse: What to read.
        query: What to run.
        given: Parameter values as text, by name.
        with_personal_data: Whether to keep the columns that name people.
        as_rows: Whether to fetch tuples, which need no Polars, and not a frame.

    Raises:
        UsageError: A value is wrong, a mart is missing, or the SQL does not give the columns
            that the header promises.
        UnknownError: The source lacks what it is made from.
        SselfieError: The build could not make a table that it reads.
    """
    stamp = warehouse.stamp
    unknown = _require_answerable(warehouse, query)
    sql, values = compile_query(query, given or {})
    if unknown:
        nothing = ", ".join(f"null as {quote(name)}" for name in unknown)
        sql = f"select * replace ({nothing}) from (\n{sql}\n)"  # noqa: S608  # names of its header
    columns = {
        name: _name_by_grain(column, values, is_key=name in query.key)
        for name, column in query.columns.items()
        if with_personal_data or not column.pii
    }
    # What a page repeats names no folder of this machine.
    where = f"query {query.name}" if is_packaged(query) else str(query.path)
    remedies = _describe_build(warehouse)
    with (
        _translate_errors(where, remedies),
        _open_for(
            warehouse, sql, is_masked=not with_personal_data and has_own_sql(query, values)
        ) as opened,
    ):
        warehouse.running = opened.connection
        data = _fetch(opened.connection, sql, columns, values, where, remedies, as_rows=as_rows)
    return Result(
        name=query.name,
        data=data,
        columns=columns,
        key=tuple(name for name in query.key if name in columns),
        group_sizes=query.people,
        part_of=query.part_of,
        group=query.group,
        identities=query.identities,
        repeats=query.repeats,
        values=values,
        stamp=stamp,
        left_out=tuple(name for name in query.columns if name not in columns),
        unknown=unknown,
        title=query.title,
        description=query.description,
        answer=query.answer,
    )


def _open_for(
    warehouse: OpenWarehouse, sql: str, *, is_masked: bool
) -> AbstractContextManager[Masked]:
    """What a query runs on: SQL of the user's own sees no personal data, whatever its header."""
    if is_masked:
        return open_masked(warehouse.path, sql)
    return nullcontext(Masked(warehouse.connection, frozenset()))


def _require_answerable(warehouse: OpenWarehouse, query: Query) -> dict[str, str]:
    """Refuse what the source does not let anybody know, and tables that the build failed at.

    Return why single columns are not known, by their names.
    """
    of_query = warehouse.unknown.get(query.name, {}) if is_packaged(query) else {}
    unknown = {name: write_lacks(lacks) for name, lacks in of_query.items()}
    if WHOLE in unknown:
        raise UnknownError(unknown[WHOLE])
    for table in warehouse.gaps.keys() & read_tables(query) if warehouse.gaps else ():
        gap = warehouse.gaps[table]
        if gap.is_unknown:
            raise UnknownError(gap.reason)
        raise SselfieError(str(gap))
    return unknown


def tabulate(query: Query, records: Iterable[Mapping[str, Any]], stamp: Stamp) -> Result:
    """Return ``records`` as the table of ``query``, as if it had given them.

    Args:
        query: What describes the columns.
        records: A value for each column, of the type of its unit.
        stamp: What they speak for.
    """
    return Result(
        name=query.name,
        data=[tuple(record[name] for name in query.columns) for record in records],
        columns=query.columns,
        key=query.key,
        group_sizes=query.people,
        part_of=query.part_of,
        group=query.group,
        values={},
        stamp=stamp,
        title=query.title,
        description=query.description,
        answer=query.answer,
    )


def run_own(
    warehouse: OpenWarehouse,
    sql: str,
    *,
    with_personal_data: bool = False,
    as_rows: bool = False,
) -> Result:
    """Run one SELECT of the user's own and return its table, which has no stamp.

    Args:
        warehouse: What to read.
        sql: The statement.
        with_personal_data: Whether it reads the file itself; otherwise personal columns are NULL to
            it, and left out of the result where they keep their names.
        as_rows: Whether to fetch tuples, which need no Polars, and not a frame.

    Raises:
        UsageError: It is not one SELECT, it fails, or it asks for nothing but personal data.
    """
    if with_personal_data:
        return run_statement(warehouse.connection, sql, as_rows=as_rows)
    return run_masked(warehouse.path, sql, as_rows=as_rows)


def run_masked(path: Path, sql: str, *, as_rows: bool = False) -> Result:
    """Run one SELECT of the user's own, as ``run_own`` does, over a file that nobody has opened.

    To open a warehouse takes longer than most statements, and it need not be open beside this.

    Args:
        path: The warehouse.
        sql: The statement.
        as_rows: Whether to fetch tuples, which need no Polars, and not a frame.

    Raises:
        UsageError: As ``run_own``; there is no warehouse, or a newer version wrote it.
        StorageError: The warehouse cannot be read.
    """
    _require_one_select(sql)
    with _translate_errors(_OWN_SQL, _LISTED), open_masked(path, sql) as masked:
        return run_statement(masked.connection, sql, as_rows=as_rows, without=masked.personal)


def run_statement(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    *,
    as_rows: bool = False,
    without: Container[str] = (),
) -> Result:
    """Run one SELECT and return its table, which has no stamp.

    Args:
        connection: Where to run it.
        sql: The statement.
        as_rows: Whether to fetch tuples, which need no Polars, and not a frame.
        without: Names of columns, in lower case, to leave out of the result.

    Raises:
        UsageError: It is not one SELECT, it fails, or every column is left out.
    """
    _require_one_select(sql)
    with _translate_errors(_OWN_SQL, _LISTED):
        # The relation, not its text, is selected from: that may end with a semicolon or a comment.
        relation = connection.sql(sql).set_alias(SUBQUERY.strip('"'))
        columns = _describe(relation)
        kinds = dict(zip(columns, map(str, relation.types), strict=True))
        left_out = tuple(name for name in columns if name.lower() in without)
        columns = {name: columns[name] for name in columns if name not in left_out}
        if not columns:
            raise UsageError(
                f"{_OWN_SQL} asks for nothing but personal data: {', '.join(left_out)}",
                remedy="if that is meant, say --with-personal-data",
            )
        casts = (
            cast_exactly(name, kinds[name], column.unit)
            if kinds[name].lower().startswith(WIDE)
            else cast_column(name, column.unit, as_rows=as_rows)
            for name, column in columns.items()
        )
        data = _take(relation.project(", ".join(casts)), columns, as_rows=as_rows)
    return Result(
        name="-",
        data=data,
        columns=columns,
        key=(),
        group_sizes=(),
        values={},
        stamp=None,
        left_out=left_out,
    )


def _require_one_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the SQL cannot be read: {_first_line(error)}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("give one SELECT statement", remedy="the warehouse is read-only")


def _name_by_grain(column: Column, values: Mapping[str, Value], *, is_key: bool) -> Column:
    """A period's first day is written as a month where that is the period's length."""
    grains = (values.get("grain"), values.get("cohort", "grain"))
    if is_key and column.unit == "date" and grains in (("month", "grain"), (grains[0], "month")):
        return column.model_copy(update={"unit": "month"})
    return column


def _describe(relation: duckdb.DuckDBPyRelation) -> dict[str, Column]:
    """The columns of a statement of the user's own, by their types; whole ``_cents`` are money."""
    names = relation.columns
    if len({name.lower() for name in names}) != len(names):  # DuckDB ignores case
        raise UsageError("two columns have one name", remedy="rename one with 'as'")
    units = [unit_of(str(kind)) for kind in relation.types]
    return {
        name: Column(
            unit="cents" if unit == "count" and name.lower().endswith("_cents") else unit,
            description="",
        )
        for name, unit in zip(names, units, strict=True)
    }


def _fetch(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    columns: Mapping[str, Column],
    values: Mapping[str, Value],
    where: str,
    remedies: _Remedies,
    *,
    as_rows: bool,
) -> "list[Row] | pl.DataFrame":
    """Cast to the types of the units on DuckDB's side, and fetch."""
    with _translate_errors(where, remedies):
        used = duckdb.extract_statements(sql)[0].named_parameters
        unknown = sorted(used - values.keys())
        if unknown:
            raise UsageError(
                f"{where}: ${unknown[0]} is no parameter{nearest(unknown[0], values)}",
                remedy="declare it in the header",
            )
        ends = write_ends(columns)
        casts = ", ".join(
            ends.get(name) or cast_column(name, column.unit, as_rows=as_rows)
            for name, column in columns.items()
        )
        connection.execute(
            f"prepare asked as select {casts} from (\n{sql}\n) as {SUBQUERY}"  # noqa: S608
        )
        bound = ", ".join(f"{name} := {literal(values[name])}" for name in used)
        execute = f"execute asked({bound})" if used else "execute asked"
        if as_rows:
            # A relation over it would plan its rows, held as constants, once more.
            return in_utc(connection.execute(execute).fetchall(), columns)
        return _take(connection.sql(execute), columns, as_rows=False)


def _take(
    relation: duckdb.DuckDBPyRelation, columns: Mapping[str, Column], *, as_rows: bool
) -> "list[Row] | pl.DataFrame":
    if as_rows:
        return in_utc(relation.fetchall(), columns)
    import polars as pl

    return pl.DataFrame(relation)


@contextmanager
def _translate_errors(where: str, remedies: _Remedies) -> Iterator[None]:
    """Say in one line what DuckDB found wrong."""
    try:
        yield
    except duckdb.CatalogException as error:
        raise UsageError(f"{where}: {_first_line(error)}", remedy=remedies.table) from None
    except duckdb.BinderException as error:
        raise UsageError(f"{where}: {_first_line(error)}", remedy=remedies.column) from None
    except duckdb.Error as error:
        raise UsageError(f"{where}: {_first_line(error)}") from None


def _describe_build(warehouse: OpenWarehouse) -> _Remedies:
    """Return what makes the marts that the queries of this version read."""
    stamp = warehouse.stamp
    if stamp.version == __version__:
        return _Remedies("run 'sselfie build' to bring the marts up")
    remedy = f"the marts were built by version {stamp.version}: run 'sselfie build'"
    if stamp.publication is not None:
        path = shlex.quote(str(warehouse.path))
        remedy = (
            f"the publication was built by version {stamp.version}; for its data by this one, run:"
            f" cp {path} old.duckdb && sselfie build --warehouse old.duckdb"
        )
    return _Remedies(remedy, remedy)


def _first_line(error: Exception) -> str:
    """What went wrong, and the name that DuckDB would have expected, where it says so."""
    first, *more = str(error).strip().splitlines()
    hint = next((line for line in more if line.startswith("Did you mean")), "")
    return f"{first.partition('Error: ')[2]} {hint}".strip().rstrip("!")
