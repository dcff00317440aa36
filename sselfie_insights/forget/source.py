"""Ask the source whether it still has a person, who would come back with the next sync."""

from collections.abc import Collection

import psycopg
from psycopg import sql

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import SselfieError, first_line
from sselfie_insights.forget.person import Person
from sselfie_insights.postgres import connect
from sselfie_insights.settings import Settings
from sselfie_insights.sync.catalog import read_catalog
from sselfie_insights.sync.names import Names, find_names
from sselfie_insights.warehouse.publications import Note

_COLUMNS = """
    select table_schema, table_name, column_name
    from information_schema.columns
    where table_schema = any(%s)
    and (column_name = any(%s) or column_name like '%%email'
        or (table_name = %s and column_name = 'id'))
    and data_type in ('text', 'character varying', 'uuid')
    order by 1, 2, 3
"""


def rows_in_source(
    settings: Settings, person: Person, labels: Collection[str], on_note: Note | None
) -> dict[str, int] | None:
    """Return how many rows of the source are the person's, by table; None where it cannot say.

    Args:
        settings: The settings in force.
        person: Who is to be forgotten.
        labels: Tables of the warehouse that hold the person; only these are asked, and ``users``.
        on_note: Called with the reason why the source cannot say.
    """
    if settings.database_url is None:
        return None
    names = {label.partition(".")[2] for label in labels if label.startswith("raw")} | {"users"}
    counts: dict[str, int] = {}
    try:
        with connect(settings.require_database_url()) as connection:
            connection.read_only = True
            called = find_names(read_catalog(connection, settings.source_schemas), settings)
            users = called.tables.get("users", "users")
            columns: dict[tuple[str, str], list[str]] = {}
            for schema, table, column in connection.execute(
                _COLUMNS, [list(settings.source_schemas), _references(called), users]
            ).fetchall():
                if called.documented(table) in names:
                    columns.setdefault((schema, table), []).append(column)
            for (schema, table), found in columns.items():
                conditions = sql.SQL(" or ").join(
                    sql.SQL("lower({}::text) = any(%(known)s)").format(sql.Identifier(column))
                    for column in found
                )
                query = sql.SQL("select count(*) from {} where {}").format(
                    sql.Identifier(schema, table), conditions
                )
                known = [each.lower() for each in person.ids | person.emails]
                row = connection.execute(query, {"known": known}).fetchone()
                if row and row[0]:
                    counts[f"{schema}.{table}"] = row[0]
    except (SselfieError, psycopg.Error) as error:
        if on_note:
            reason = first_line(error)
            on_note(f"the source could not be asked whether it still has the person: {reason}")
        return None
    return counts


def _references(called: Names) -> list[str]:
    """Return the columns that hold an account's id, by their names there: its owner's, say."""
    return sorted(
        {
            called.columns.get(table.name, {}).get(column.name, column.name)
            for table in load_contract().values()
            for column in table.columns
            if column.references == "users"
        }
    )
