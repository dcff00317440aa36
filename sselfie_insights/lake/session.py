"""The session of Spark Connect in which dbt's worker builds: its views, and what it carries out."""

import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.lake.expressions import Evaluator
from sselfie_insights.lake.push import Table
from sselfie_insights.lake.store import INSTALL, Store

PORT = 15002
"""That of Spark Connect, where an address names none."""

_TABLE = re.compile(
    r"(?:\s|/\*.*?\*/)*create table (\w+) using parquet location '([^']+)' as\s", re.DOTALL
)
"""The statement of ``macros/spark.sql`` that makes a model."""

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
}


def require_reachable(remote: str) -> None:
    """Refuse an address that is none of Spark Connect, or at which nobody answers within 10 s.

    Spark's own client would try for ten minutes.

    Raises:
        UsageError: It is no such address, or the client is not installed.
        SourceError: Nobody answers.
    """
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("grpc", "dbt.adapters.spark")):
        raise UsageError("Spark needs what is not installed", remedy=INSTALL)
    address = urlsplit(remote)
    if address.scheme != "sc" or not address.hostname:
        raise UsageError(
            "SSELFIE_SPARK_REMOTE is no address of Spark Connect",
            remedy="write it as sc://host:15002",
        )
    try:
        place = (address.hostname, address.port or PORT)
        socket.create_connection(place, timeout=10).close()
    except OSError as error:
        raise SourceError(
            f"Spark Connect at {address.hostname}:{address.port or PORT} cannot be reached:"
            f" {error.strerror or error}",
            remedy="start it, or set SSELFIE_SPARK_REMOTE",
        ) from None


def write_views(file: Path, store: Store, tables: tuple[Table, ...]) -> None:
    """Write for the worker which views its session has: name, schema, and addresses of files."""
    views = [
        (table.view, table.schema, [store.url(part.path) for part in table.parts])
        for table in tables
    ]
    file.write_text(json.dumps(views))


class Session:
    """A session of Spark Connect with the lake's tables as views.

    Args:
        remote: The address of Spark Connect.
        views: The file of ``write_views``.
        run: The address of the folder for what the build makes.
    """

    def __init__(self, remote: str, views: Path, run: str) -> None:
        from pyspark.sql import SparkSession

        self._session: Any = SparkSession.builder.remote(remote).getOrCreate()
        for name, value in _SETTINGS.items():
            self._session.conf.set(name, value)
        for name, schema, urls in json.loads(views.read_text()):
            self._session.read.schema(schema).parquet(*urls).createOrReplaceTempView(name)
        self._evaluator = Evaluator(self._session, f"{run}/levels")

    def execute(self, sql: str) -> Any:
        """Carry out a statement of dbt's; return its frame, or None of one that has no rows."""
        if not (made := _TABLE.match(sql)):
            return self._session.sql(self._evaluator.simplify(sql))
        name, path = made.groups()
        self._evaluator.keep(self._evaluator.simplify(sql[made.end() :]), path, name)
        return None
