"""A row about each run in the application's own ``admin_cron_runs``, where it shows its jobs.

The only write to the source: off unless the setting ``cron_record_url`` names a role for it. That
it cannot be written fails no run.
"""

from typing import Any

import psycopg
from psycopg import sql
from structlog.typing import FilteringBoundLogger

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import SselfieError
from sselfie_insights.postgres import Connection, connect
from sselfie_insights.settings import Settings

TABLE = "admin_cron_runs"
CRON_NAME = "sselfie run"
WAIT_SECONDS = 5
"""For the server to answer, for a lock, for a statement."""


class CronRecord:
    """One run's row; nothing where the setting is not set."""

    def __init__(self, settings: Settings, log: FilteringBoundLogger) -> None:
        self._url = settings.cron_record_url and settings.cron_record_url.get_secret_value()
        self._schema = settings.source_schemas[0]
        self._log = log
        self._id: Any = None

    def begin(self) -> None:
        """Insert the row: the run is going on."""
        if self._url:
            self._write(self._insert)

    def end(self, exit_code: int, error: str | None) -> None:
        """Update the row: how the run ended."""
        if self._id is not None:
            self._write(lambda connection: self._update(connection, exit_code, error))

    def _write(self, action: Any) -> None:
        options = f"-c lock_timeout={WAIT_SECONDS}s -c statement_timeout={WAIT_SECONDS}s"
        try:
            assert self._url  # noqa: S101 - nobody comes here without it
            with connect(
                self._url, application_name=CRON_NAME, connect_timeout=WAIT_SECONDS, options=options
            ) as connection:
                action(connection)
        except (SselfieError, psycopg.Error) as error:
            reason = str(error).splitlines()[0]
            self._log.warning(f"{TABLE} could not be written: {reason}", step="record")

    def _insert(self, connection: Connection) -> None:
        values = {"cron_name": CRON_NAME, "status": "running", "started_at": sql.SQL("now()")}
        names = self._columns(connection)
        statement = sql.SQL("insert into {} ({}) values ({}) returning id").format(
            sql.Identifier(self._schema, TABLE),
            sql.SQL(", ").join(sql.Identifier(names[key]) for key in values),
            sql.SQL(", ").join(map(_as_sql, values.values())),
        )
        row = connection.execute(statement).fetchone()
        self._id = row and row[0]

    def _update(self, connection: Connection, exit_code: int, error: str | None) -> None:
        values = {
            "status": "failed" if exit_code else "success",
            "completed_at": sql.SQL("now()"),
            "error_message": error,
        }
        names = self._columns(connection)
        statement = sql.SQL("update {} set {} where id = {}").format(
            sql.Identifier(self._schema, TABLE),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(names[key]), _as_sql(value))
                for key, value in values.items()
            ),
            sql.Literal(self._id),
        )
        connection.execute(statement)

    def _columns(self, connection: Connection) -> dict[str, str]:
        """Return the real name of every documented column, which an alias may be."""
        rows = connection.execute(
            "select attname from pg_catalog.pg_attribute"
            " where attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attnum > 0",
            [self._schema, TABLE],
        ).fetchall()
        present = {name for (name,) in rows}
        return {
            column.name: next(
                (name for name in (column.name, *column.aliases) if name in present), column.name
            )
            for column in load_contract()[TABLE].columns
        }


def _as_sql(value: object) -> sql.Composable:
    return value if isinstance(value, sql.Composable) else sql.Literal(value)
