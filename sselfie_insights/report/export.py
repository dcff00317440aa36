"""Export the queries and chosen marts as files for other tools.

Public queries leave as pages show them, small groups suppressed, and rows of people under
pseudonyms. What is neither is for analysts alone, who ask for it with personal data.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from sselfie_insights.contract import load_mart
from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.files import make_folder, real_path, replace_folder, storage_error, write_file
from sselfie_insights.manifest import (
    MANIFEST,
    ListedFile,
    checksum,
    read_manifest,
    write_manifest,
)
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.library import Query, is_public, require_people
from sselfie_insights.query.personal import find_personal
from sselfie_insights.query.pseudonyms import Pseudonyms, lists_ids
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query, run_statement
from sselfie_insights.query.template import is_packaged
from sselfie_insights.query.workbook import to_workbook
from sselfie_insights.query.write import to_parquet
from sselfie_insights.report.results import Results
from sselfie_insights.sql import quote
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt
from sselfie_insights.warehouse.reading import OpenWarehouse

WORKBOOK = "sselfie.xlsx"
# A larger table is cut into one Parquet file a month.
LARGE_ROWS = 1_000_000
# A sheet is for reading; Excel takes a minute for a million rows, and so does writing them.
SHEET_ROWS = 50_000


@dataclass(frozen=True)
class ExportFile(ListedFile):
    """A file of an export; ``source`` is the query or mart in it, ``*`` for the workbook of all."""

    source: str


def export_warehouse(
    warehouse: OpenWarehouse,
    folder: Path,
    library: Mapping[str, Query],
    marts: Sequence[str] = (),
    *,
    first: Sequence[str] = (),
    with_personal_data: bool = False,
    large_rows: int = LARGE_ROWS,
    on_gap: OnGap | None = None,
) -> list[ExportFile]:
    """Write ``folder`` whole or not at all; an earlier export there is replaced.

    Every query goes to ``csv/`` and ``parquet/`` and, up to ``SHEET_ROWS`` rows, into one Excel
    workbook; marts go to ``parquet/marts/``. A table of more than ``large_rows`` rows is cut into
    one Parquet file a month. ``manifest.json`` lists the files and the columns, and why a packaged
    query is left out; one's own that is neither public, for analysts only, nor lists ids fails.

    Args:
        warehouse: What to export.
        folder: Where to; it must not exist, be empty, or hold an earlier export and nothing else.
        library: The queries.
        marts: Names of tables in the schema ``marts``.
        first: Names of the queries whose sheets come first in the workbook.
        with_personal_data: Whether it is for analysts: with the columns that name people, the ids
            themselves where otherwise pseudonyms stand, and small groups.
        large_rows: What counts as large.
        on_gap: Receives the queries and marts that fail; the manifest names them, and the workbook
            has a sheet that says why. Without it the first failure is raised.

    Raises:
        UsageError: ``folder`` holds something else or cannot be written, or a mart counts people;
            without ``on_gap`` also when a query fails, or the key of pseudonyms is damaged.
    """
    _check_marts(warehouse.connection, marts, counts_are_refused=not with_personal_data)
    hide = _as_it_is if with_personal_data else Pseudonyms(warehouse).hide
    results = Results(warehouse, library)
    files: list[ExportFile] = []
    sources: dict[str, Any] = {}
    sheets: dict[str, Result] = {}
    gaps: dict[str, str] = {}
    left_out: dict[str, str] = {}

    def read_query(query: Query) -> Result | None:
        if query.analysts_only is not None and not with_personal_data:
            return None
        if is_public(query) and not with_personal_data:
            return results.find(query.name, {}, {})
        full = run_query(warehouse, query, with_personal_data=with_personal_data)
        result = hide(full)
        if with_personal_data or lists_ids(full.columns) or result is not full:
            return result
        if not is_packaged(query):
            require_people(query)
        return None

    def write_query(query: Query) -> None:
        result = read_query(query)
        if result is None:
            why = query.analysts_only or "Its small groups could not be hidden."
            left_out[query.name] = f"for analysts only: {why}"
            return
        written = [(f"csv/{query.name}.csv", result, to_csv(result))]
        written += _to_parquet(result, large_rows)
        described = _describe(result)
        files.extend(_record(private, *file) for file in written)
        sources[query.name] = described
        if result.height <= SHEET_ROWS:
            sheets[query.name] = result

    def write_mart(name: str) -> None:
        statement = f"select * from marts.{quote(name)}"  # noqa: S608
        personal = () if with_personal_data else find_personal("marts", name)
        mart = hide(run_statement(warehouse.connection, statement, without=personal))
        mart = replace(mart, name=f"marts/{name}", stamp=warehouse.stamp)
        written, described = list(_to_parquet(mart, large_rows)), _describe(mart)
        files.extend(_record(private, *file) for file in written)
        sources[mart.name] = described

    try:
        _check_folder(folder)
        with replace_folder(folder) as private:
            if not with_personal_data:
                results.add_public()
            for query in library.values():
                made = attempt(f"export of {query.name}", partial(write_query, query), on_gap)
                if isinstance(made, Gap):
                    gaps[query.name] = made.reason
            for name in marts:
                made = attempt(f"export of mart {name}", partial(write_mart, name), on_gap)
                if isinstance(made, Gap):
                    gaps[f"marts/{name}"] = made.reason
            order = [*first, *sheets]
            ordered = {name: sheets[name] for name in order if name in sheets}
            files.append(_write_workbook(private, ordered, gaps, on_gap))
            stamp = warehouse.stamp.as_text()
            manifest = write_manifest(
                files, stamp=stamp, sources=sources, gaps=gaps, left_out=left_out
            )
            _write(private, MANIFEST, manifest)
            _check_folder(folder)  # again: that took a while
    except OSError as error:
        raise storage_error(f"{folder} cannot be written", error) from None
    return files


def _as_it_is(result: Result) -> Result:
    return result


def _record(folder: Path, path: str, result: Result, content: bytes) -> ExportFile:
    _write(folder, path, content)
    return ExportFile(path, result.height, len(content), checksum(content), result.name)


def _to_parquet(result: Result, large_rows: int) -> Iterator[tuple[str, Result, bytes]]:
    for path, part in _partition(result, large_rows):
        yield path, part, to_parquet(part)


def _write_workbook(
    folder: Path, sheets: dict[str, Result], gaps: dict[str, str], on_gap: OnGap | None
) -> ExportFile:
    """Write all sheets; where one of them fails, the others and why it is missing."""
    whole = attempt("the workbook", partial(to_workbook, sheets, gaps), on_gap and (lambda _: None))
    if isinstance(whole, Gap):
        for name in list(sheets):
            alone = partial(to_workbook, {name: sheets[name]})
            made = attempt(f"sheet {name}", alone, on_gap)
            if isinstance(made, Gap):
                del sheets[name]
                gaps[name] = made.reason
        whole = to_workbook(sheets, gaps)
    content = whole
    _write(folder, WORKBOOK, content)
    rows = sum(result.height for result in sheets.values())
    return ExportFile(WORKBOOK, rows, len(content), checksum(content), "*")


def _partition(result: Result, large_rows: int) -> Iterator[tuple[str, Result]]:
    """Yield the one file, or one a month in Hive's naming for a large table with a date."""
    dates = [key for key, column in result.columns.items() if column.unit in ("month", "date")]
    if result.height <= large_rows or not dates:
        yield f"parquet/{result.name}.parquet", result
        return
    months = result.frame[dates[0]].dt.truncate("1mo")
    for month in months.unique().sort():
        is_of_month = months.is_null() if month is None else months == month
        part = replace(result, data=result.frame.filter(is_of_month))
        yield f"parquet/{result.name}/month={month or 'none'}/part.parquet", part


def _describe(result: Result) -> dict[str, Any]:
    return {
        "rows": result.height,
        "columns": {
            name: {
                "type": str(result.frame.schema[name]),
                "unit": column.unit,
                "description": column.description,
            }
            for name, column in result.columns.items()
        },
    }


def _check_folder(folder: Path) -> None:
    """Let a new export take the place of nothing but an earlier one."""
    if not folder.exists():
        return
    if Path.cwd().is_relative_to(real_path(folder)):
        raise UsageError(
            f"{folder} is or holds the working directory, which an export would replace",
            remedy="choose a folder below it",
        )
    listed = {Path(file["path"]) for file in read_manifest(folder, "sources")}
    listed |= {Path(MANIFEST)} if listed else set()
    own = listed.union(*(path.parents for path in listed))
    for parent, folders, files in os.walk(folder, onerror=_raise):
        for path in (Path(parent, name) for name in [*sorted(files), *sorted(folders)]):
            if path.relative_to(folder) not in own:
                raise UsageError(
                    f"{path} is no part of an earlier export, which alone is replaced",
                    remedy="move it away, or choose another folder",
                )


def _raise(error: OSError) -> None:
    raise error


def _check_marts(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], *, counts_are_refused: bool
) -> None:
    """Refuse names of no mart, and marts that count people, in which nothing would be hidden."""
    known = dict(
        connection.execute(
            "select table_name, list(column_name) from information_schema.columns"
            " where table_schema = 'marts' group by table_name"
        ).fetchall()
    )
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no mart {name!r}{nearest(name, known)}",
                remedy=f"marts: {', '.join(sorted(known))}",
            )
        if counts_are_refused and load_mart(name).no_people is None and not lists_ids(known[name]):
            raise UsageError(
                f"the mart {name!r} counts people, and hides no small group",
                remedy="take the queries over it, which are exported; --with-personal-data writes"
                " it as it is, for analysts",
            )


def _write(folder: Path, path: str, content: bytes) -> None:
    make_folder((folder / path).parent)
    write_file(folder / path, content)
