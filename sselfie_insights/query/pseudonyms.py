"""Results for others, in which ids of people and payments are pseudonyms."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from sselfie_insights.query.result import Result
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.pseudonyms import read_key, write_pseudonym
from sselfie_insights.warehouse.reading import OpenWarehouse

_IDS = frozenset(
    {"charge_key", "customer_key", "finding_key", "former_key", "move_key", "movement_key"}
    | {"payment_key", "payment_row_id", "user_id"}
)
"""Columns that are an id in every mart and query, in lower case."""

_LEAST = 8
"""Characters of an id that is looked for in other columns; a shorter one can be another word."""

_WORD = rf"[A-Za-z0-9][A-Za-z0-9_-]{{{_LEAST - 1},}}"
_TOKEN = re.compile(_WORD)
_KIND, _RANDOM = r"[a-z]{2,6}_(?:(?:test|live)_)?", "[A-Za-z0-9]{14,}"
# Every id of Stripe's, and words without a digit, for which Polars cannot look.
_LIKE_STRIPE = rf"\A{_KIND}{_RANDOM}\z"
_OF_STRIPE = re.compile(rf"{_KIND}(?=[A-Za-z]*[0-9]){_RANDOM}")


def lists_ids(names: Iterable[str]) -> bool:
    """Whether columns of these names say of each row whose it is, or which payment."""
    return not _IDS.isdisjoint(name.lower() for name in names)


class Pseudonyms:
    """Hides ids: those of columns called so, and any known one in other texts."""

    def __init__(self, warehouse: OpenWarehouse, published: Path | None = None) -> None:
        """Take the ids of the marts of ``warehouse``, and its key once an id is to be hidden.

        The key lies beside ``published``, where that is another file.
        """
        self._warehouse = warehouse
        self._published = published or warehouse.path
        self._written: dict[str, str] = {}

    @cached_property
    def _key(self) -> bytes:
        return read_key(self._published)

    @cached_property
    def _known(self) -> set[str]:
        return set(_read_ids(self._warehouse.connection))

    def hide(self, result: Result) -> Result:
        """Return ``result`` with pseudonyms; the same id is the same in every column and result.

        Raises:
            UsageError: The file beside the warehouse holds no key.
            StorageError: It cannot be read or written.
        """
        frame = result.frame
        hidden = [
            frame[name].replace_strict(found, default=frame[name], return_dtype=pl.String)
            for name, kind in frame.schema.items()
            if kind == pl.String and (found := self._find(frame[name], is_id=name.lower() in _IDS))
        ]
        return replace(result, data=frame.with_columns(hidden)) if hidden else result

    def _find(self, column: pl.Series, *, is_id: bool) -> dict[str, str]:
        """Return what stands for the values of a column that are ids, or hold some."""
        values = column.unique().drop_nulls()
        if is_id:
            return {value: self._write(value) for value in values if value}
        written = {value: self._clean(value) for value in self._list_suspects(values)}
        return {value: text for value, text in written.items() if text != value}

    def _list_suspects(self, values: pl.Series) -> Iterable[str]:
        """Return those of ``values`` that may be or hold ids: few, of a million."""
        words = values.str.extract_all(_WORD)
        unique = words.explode(empty_as_null=False).drop_nulls().unique()
        ids = {*unique.filter(unique.str.contains(_LIKE_STRIPE)), *self._known.intersection(unique)}
        whole = self._known.intersection(values)
        if not ids and not whole:
            return []
        held = pl.DataFrame({"value": values, "word": words}).explode("word", empty_as_null=False)
        return whole.union(held.filter(held["word"].is_in(list(ids)))["value"])

    def _clean(self, text: str) -> str:
        if text in self._known:
            return self._write(text)
        return _TOKEN.sub(lambda token: self._clean_token(token[0]), text)

    def _clean_token(self, token: str) -> str:
        is_id = token in self._known or _OF_STRIPE.fullmatch(token)
        return self._write(token) if is_id else token

    def _write(self, value: str) -> str:
        if value not in self._written:
            self._written[value] = write_pseudonym(self._key, value)
        return self._written[value]


def _read_ids(connection: duckdb.DuckDBPyConnection) -> Iterable[str]:
    """Yield every id that a column of a mart called so holds, long enough to be nothing else."""
    names = ", ".join(map(literal, sorted(_IDS)))
    columns = connection.execute(
        "select table_name, column_name from information_schema.columns"  # noqa: S608
        f" where table_schema = 'marts' and column_name in ({names})"
    ).fetchall()
    for table, column in columns:
        rows = connection.execute(
            f"select distinct {quote(column)} from marts.{quote(table)}"  # noqa: S608
            f" where length({quote(column)}::varchar) >= {_LEAST}"
        )
        yield from (str(value) for (value,) in rows.fetchall())
