"""Build the marts inside the source database."""

from datetime import UTC
from time import monotonic
from typing import Any

import psycopg

from sselfie_insights.build.dbt import FAILED, Progress
from sselfie_insights.build.marts import (
    BuildReport,
    own_artifacts,
    report_build,
    require_models,
    run_with,
)
from sselfie_insights.errors import ChecksFailedError
from sselfie_insights.postgres import connect
from sselfie_insights.settings import Settings
from sselfie_insights.sync.catalog import read_catalog
from sselfie_insights.sync.names import find_names
from sselfie_insights.warehouse.meta import LastSync


def build_in_postgres(settings: Settings, *, on_progress: Progress | None = None) -> BuildReport:
    """Build every mart inside the source database, in the schema ``analytics``, and test them.

    The marts speak for ``settings.as_of``, by default the server's present.

    Raises:
        UsageError: No database is set.
        SourceError: The database cannot be reached.
        ChecksFailedError: A test failed.
        SselfieError: A model failed.
    """
    url = settings.require_database_url()
    with connect(url) as connection:
        row = connection.execute("select now()").fetchone()
        environment = describe_connection(connection)
        names = find_names(read_catalog(connection, settings.source_schemas), settings)
    assert row is not None  # noqa: S101  # a select without a from has one row
    started = monotonic()
    as_of, results = run_with(
        settings,
        LastSync("", row[0].astimezone(UTC)),
        command=["build"],
        target="postgres",
        target_path=own_artifacts(settings, "postgres"),
        source_schema=settings.source_schemas[0],
        environment=environment,
        on_progress=on_progress,
        names=names,
    )
    require_models(results)
    failed = [result.name for result in results if result.is_test and result.status in FAILED]
    if failed:
        raise ChecksFailedError(f"{len(failed)} tests failed: {', '.join(failed)}")
    warned = tuple(result.name for result in results if result.is_test and result.status == "warn")
    return report_build(as_of, results, warned, (), started)


def describe_connection(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Return the variables of the environment by which dbt reaches what ``connection`` does."""
    info = connection.info
    return {
        "SSELFIE_DBT_HOST": info.host,
        "SSELFIE_DBT_PORT": str(info.port),
        "SSELFIE_DBT_USER": info.user,
        "SSELFIE_DBT_DATABASE": info.dbname,
        "SSELFIE_DBT_SSLMODE": info.get_parameters().get("sslmode", "prefer"),
        "DBT_ENV_SECRET_PASSWORD": info.password,
    }
